//! `docent eval`: how well a set of questions is searched and answered.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use docent_core::model::Generator;
use docent_engine::collection::Collection;
use docent_engine::embedding::Vectors;
use docent_engine::eval::compare::{self, Comparison, QueryChange};
use docent_engine::eval::judge::Judged;
use docent_engine::eval::report::{AnswerReport, Report};
use docent_engine::eval::set::{EvalSet, Known, SetError};
use serde::Serialize;

use super::search::ModeArg;
use super::{Status, WalkFlags};
use crate::app::App;
use crate::failure::{Failure, Result};
use crate::interrupt;
use crate::output::{Style, counted};
use crate::printable::printable_line;
use crate::progress::ProgressLine;
use crate::refresh::refresh;

/// Changed queries that a comparison shows a person; `--json` has all.
const CHANGES_SHOWN: usize = 20;

/// Measure search and answers on questions whose answers are known.
///
/// SET is a folder with corpus/ (the documents), queries.jsonl ({"id", "text", "answerable"}),
/// qrels.tsv (query, document, relevance; with a header) and answers.jsonl ({"id", "answers",
/// "doc", "evidence"}); one of the last two is enough. The corpus is indexed as `docent search
/// --in SET/corpus` does it, and stays a collection until `docent remove`.
#[derive(Debug, Args)]
pub(crate) struct Eval {
    /// The folder of the set.
    #[arg(required_unless_present = "compare", value_name = "SET")]
    set: Option<PathBuf>,
    /// Tell two saved runs apart, query by query, the worst losses first.
    #[arg(long, num_args = 2, value_names = ["BEFORE", "AFTER"],
          conflicts_with_all = ["set", "ask", "save", "queries", "mode", "limit", "no_index"])]
    compare: Option<Vec<PathBuf>>,
    /// Which retriever to ask.
    #[arg(long, value_enum, default_value = "hybrid")]
    mode: ModeArg,
    /// Hits for each query at most.
    #[arg(long, short = 'n', value_name = "K", default_value_t = 20)]
    limit: usize,
    /// Answer the questions, too; by quotes alone, unless --generate.
    #[arg(long)]
    ask: bool,
    /// Let the model write the answers, as `docent ask` does; slow.
    #[arg(long, requires = "ask")]
    generate: bool,
    /// The first N queries only.
    #[arg(long, value_name = "N")]
    queries: Option<usize>,
    /// Keep the run in this file: a line of JSON for each query, for --compare.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Measure what is indexed, without looking for changes first.
    #[arg(long)]
    no_index: bool,
    #[command(flatten)]
    walk: WalkFlags,
}

/// The line of `docent eval --json`.
#[derive(Debug, Serialize)]
struct Measured<'a> {
    set: &'a str,
    mode: ModeArg,
    #[serde(flatten)]
    report: &'a Report,
}

impl From<SetError> for Failure {
    fn from(error: SetError) -> Failure {
        Failure::user(error).hint("`docent help eval` says what a set is.")
    }
}

pub(super) fn run(app: &App, args: &Eval) -> Result<Status> {
    match (&args.compare, &args.set) {
        (Some(runs), _) => match runs.as_slice() {
            [before, after] => compare(app, before, after),
            _ => Err(Failure::user("--compare takes two runs")),
        },
        (None, Some(set)) => measure(app, args, set),
        (None, None) => Err(Failure::user("which set?").hint("Name its folder.")),
    }
}

fn measure(app: &App, args: &Eval, folder: &Path) -> Result<Status> {
    let mut set = EvalSet::load(folder)?;
    set.questions.truncate(args.queries.unwrap_or(usize::MAX));
    let mut save = args.save.as_deref().map(create).transpose()?;
    let library = args.walk.library(app)?;
    let collection = app.place(&library, Some(&set.corpus.to_string_lossy()))?;
    let loading = args.generate.then(|| app.load_generator());
    if !args.no_index {
        refresh(app, &collection, Vectors::All);
    }
    let generator = loading.map(|loading| loading.wait_and_tell(app));
    let generator = generator.transpose()?;
    let line = ProgressLine::new(&app.output, &set.name);
    let mut run = Vec::with_capacity(set.questions.len());
    for known in &set.questions {
        if interrupt::asked() {
            break;
        }
        line.show_part("queries", run.len(), set.questions.len());
        let judged = judge(args, &collection, generator.as_ref(), known)?;
        if let (Some(file), Some(path)) = (&mut save, &args.save) {
            keep(file, &judged).map_err(|error| unwritable(path, &error))?;
        }
        run.push(judged);
    }
    line.clear();
    if let (Some(file), Some(path)) = (&mut save, &args.save) {
        file.flush().map_err(|error| unwritable(path, &error))?;
    }
    let report = Report::of(&run);
    if app.output.json {
        app.output.json(&Measured {
            set: &set.name,
            mode: args.mode,
            report: &report,
        })?;
    } else {
        show(app, &report)?;
    }
    app.output.note(format_args!(
        "{} of {} asked, in the collection {:?}",
        counted(run.len() as u64, "question"),
        set.name,
        collection.name()
    ));
    Ok(Status::look_at_if(run.len() < set.questions.len()))
}

fn judge(
    args: &Eval,
    collection: &Collection,
    generator: Option<&Arc<dyn Generator>>,
    known: &Known,
) -> Result<Judged> {
    let mut judged = collection.judge_search(known, args.mode.into(), args.limit)?;
    if args.ask {
        let generator = generator.map(|generator| generator.as_ref());
        judged.answer = Some(collection.judge_answer(generator, known)?);
    }
    Ok(judged)
}

fn create(path: &Path) -> Result<BufWriter<File>> {
    let file = File::create(path).map_err(|error| unwritable(path, &error))?;
    Ok(BufWriter::new(file))
}

fn keep(file: &mut impl Write, judged: &Judged) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(judged)?;
    line.push(b'\n');
    file.write_all(&line)
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::user(format_args!(
        "{} cannot be written: {error}",
        path.display()
    ))
    .hint("Name another file with --save.")
}

/// Prints a report for a person.
fn show(app: &App, report: &Report) -> Result<()> {
    let of = |count: usize, noun: &str| format!("  of {count} {noun}");
    let queries = of(report.queries, "queries");
    row(app, "nDCG@10", report.ndcg, &queries)?;
    row(app, "recall@10", report.recall, "")?;
    row(app, "MRR@10", report.mrr, "")?;
    if report.with_evidence > 0 {
        let known = of(report.with_evidence, "with known evidence");
        row(app, "evidence@8", report.evidence, &known)?;
    }
    if let Some(answers) = &report.answers {
        show_answers(app, answers)?;
    }
    app.output.line("")?;
    app.output.line(app.output.styled(
        Style::Dim,
        format_args!("{:<26}{:>9} {:>9}", "milliseconds", "median", "p95"),
    ))?;
    for latency in &report.latency {
        let (median, p95) = (latency.median_ms, latency.p95_ms);
        app.output.line(format_args!(
            "{:<26}{median:>9.1} {p95:>9.1}",
            latency.stage
        ))?;
    }
    Ok(())
}

fn show_answers(app: &App, answers: &AnswerReport) -> Result<()> {
    let of = |count: usize, noun: &str| format!("  of {count} {noun}");
    let answerable = of(answers.answerable, "answerable");
    let worded = of(answers.with_words, "whose answer's words are known");
    app.output.line("")?;
    row(
        app,
        "quotes verified",
        answers.quotes_verified,
        &of(answers.quotes, "quotes"),
    )?;
    row(
        app,
        "citation precision",
        answers.citation_precision,
        "  of the cited documents",
    )?;
    row(app, "citation recall", answers.citation_recall, &answerable)?;
    row(app, "first quote answers", answers.first_quote, &worded)?;
    row(app, "one of three answers", answers.first_three, "")?;
    let unanswerable = of(answers.unanswerable, "unanswerable");
    row(app, "abstained", answers.abstained, &unanswerable)?;
    row(app, "AUC of abstaining", answers.auc, "")?;
    row(app, "refused", answers.refused, &answerable)
}

/// `nDCG@10      0.9541  of 40 queries`.
fn row(app: &App, name: &str, value: Option<f64>, remark: &str) -> Result<()> {
    let value = value.map_or_else(|| "–".to_owned(), |value| format!("{value:.4}"));
    let remark = app.output.styled(Style::Dim, remark);
    Ok(app
        .output
        .line(format_args!("{name:<26}{value:>9}{remark}"))?)
}

fn compare(app: &App, before: &Path, after: &Path) -> Result<Status> {
    let (before, after) = (compare::load_run(before)?, compare::load_run(after)?);
    let comparison = Comparison::of(&before, &after);
    if comparison.common == 0 {
        return Err(Failure::user("the two runs have no query in common")
            .hint("Save both with `docent eval SET --save FILE` over the same set."));
    }
    if app.output.json {
        app.output.json(&comparison)?;
    } else {
        show_comparison(app, &comparison)?;
    }
    Ok(Status::Done)
}

/// Prints what changed for a person.
fn show_comparison(app: &App, comparison: &Comparison) -> Result<()> {
    for change in comparison.queries.iter().take(CHANGES_SHOWN) {
        show_change(app, change)?;
    }
    let more = comparison.queries.len().saturating_sub(CHANGES_SHOWN);
    if more > 0 {
        app.output.line(format_args!(
            "… and {more} more queries that changed; --json has all"
        ))?;
    }
    app.output.line("")?;
    app.output.line(app.output.styled(
        Style::Dim,
        format_args!(
            "{:<26}{:>8} {:>8} {:>8}  {:<18} better worse",
            "mean", "before", "after", "change", "95 % interval"
        ),
    ))?;
    for measure in &comparison.measures {
        app.output.line(format_args!(
            "{:<26}{:>8.4} {:>8.4} {:>+8.4}  {:<18} {:>6} {:>5}",
            measure.name,
            measure.before,
            measure.after,
            measure.after - measure.before,
            format!("{:+.4} … {:+.4}", measure.low, measure.high),
            measure.better,
            measure.worse,
        ))?;
    }
    let apart = comparison.only_before + comparison.only_after;
    if apart > 0 {
        app.output.warning(format_args!(
            "{} queries are in only one of the runs and were left out",
            apart
        ));
    }
    app.output.note(format_args!(
        "{} queries compared. An interval with 0 in it may be chance.",
        comparison.common
    ));
    Ok(())
}

fn show_change(app: &App, change: &QueryChange) -> Result<()> {
    let output = &app.output;
    let number = |value: Option<f64>| value.map_or_else(|| "–".into(), |v| format!("{v:.3}"));
    let rank = |rank: Option<usize>| rank.map_or_else(|| "–".into(), |rank| rank.to_string());
    let style = match change.gain() {
        gain if gain < 0.0 => Style::Bad,
        gain if gain > 0.0 => Style::Good,
        _ => Style::Dim,
    };
    let moved = format!("{} → {}", number(change.ndcg.0), number(change.ndcg.1));
    let mut line = format!(
        "{}  first relevant {} → {}",
        output.styled(style, moved),
        rank(change.first_relevant.0),
        rank(change.first_relevant.1)
    );
    match change.evidence {
        (Some(true), Some(false)) => line += "  evidence lost",
        (Some(false), Some(true)) => line += "  evidence found",
        _ => {}
    }
    output.line(format_args!("{line}  {}", printable_line(&change.id)))?;
    output.line(format_args!("    {}", printable_line(&change.text)))?;
    for (sign, paths) in [("+", &change.came), ("-", &change.went)] {
        if !paths.is_empty() {
            let paths: Vec<String> = paths.iter().map(|path| printable_line(path)).collect();
            output.line(format_args!("    {sign} {}", paths.join(", ")))?;
        }
    }
    Ok(())
}
