//! `docent models run`: a model's own words, without documents.

use std::io::Read;
use std::path::PathBuf;
use std::sync::mpsc::Receiver;

use clap::Args;
use docent_core::model::{
    Finish, GenerationEvent, GenerationReport, GenerationRequest, Message, Role, Streaming,
};
use docent_model::load_generator;
use serde::Serialize;

use super::source;
use crate::app::App;
use crate::cli::Status;
use crate::failure::{Failure, Result};
use crate::interrupt;
use crate::output::{Style, counted};
use crate::printable::printable;
use crate::progress::ProgressLine;

/// Have a model write, without documents and without checks.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// A GGUF file; without it, the model in use.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// What it is asked; `-` reads that from stdin.
    #[arg(long, short, value_name = "PROMPT")]
    prompt: String,
    /// Rules that stand before what it is asked.
    #[arg(long, value_name = "TEXT")]
    system: Option<String>,
    /// Tokens that it may write.
    #[arg(long, value_name = "N", default_value_t = 512)]
    max_tokens: usize,
    /// How freely it chooses: 0 takes the likeliest token (a setting keeps it so).
    #[arg(long, value_name = "T", allow_negative_numbers = true, value_parser = temperature)]
    temperature: Option<f32>,
    /// What its choices begin from: the same seed, the same words.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

/// A line of `docent models run --json`.
#[derive(Debug, Serialize)]
struct Written {
    model: String,
    context_tokens: usize,
    /// `None` if all of its weights are in memory.
    streaming: Option<Streaming>,
    text: String,
    /// `None` if it was stopped.
    report: Option<GenerationReport>,
}

pub(super) fn run(app: &App, args: &Run) -> Result<Status> {
    let request = request(app, args)?;
    let source = source(app, args.file.as_ref());
    let generator = load_generator(&source, app.generator_options()).map_err(Failure::user)?;
    app.tell_streaming(&*generator);
    let (text, report) = listen(app, &generator.generate(request))?;
    if app.output.json {
        app.output.json(&Written {
            model: generator.fingerprint().to_owned(),
            context_tokens: generator.context_tokens(),
            streaming: generator.streaming(),
            text,
            report,
        })?;
    } else {
        app.output.line("")?;
        tell_cost(app, report, generator.context_tokens());
    }
    Ok(Status::look_at_if(report.is_none()))
}

/// What the model is asked.
fn request(app: &App, args: &Run) -> Result<GenerationRequest> {
    let prompt = match args.prompt.as_str() {
        "-" => {
            let mut prompt = String::new();
            std::io::stdin()
                .read_to_string(&mut prompt)
                .map_err(|error| {
                    Failure::user(format_args!(
                        "the prompt cannot be read from stdin: {error}"
                    ))
                })?;
            prompt
        }
        prompt => prompt.to_owned(),
    };
    let message = |role, content| Message { role, content };
    let system = args.system.clone();
    let rules = system.map(|rules| message(Role::System, rules));
    let mut sampling = app.sound_settings()?.engine().answer.sampling;
    sampling.temperature = args.temperature.unwrap_or(sampling.temperature);
    sampling.seed = args.seed.unwrap_or(sampling.seed);
    Ok(GenerationRequest {
        messages: rules
            .into_iter()
            .chain([message(Role::User, prompt)])
            .collect(),
        max_tokens: args.max_tokens,
        sampling,
        prefixes: None,
    })
}

/// Writes the words as they come; gives them back with what they cost, which is `None` if a
/// person stopped them.
fn listen(
    app: &App,
    events: &Receiver<GenerationEvent>,
) -> Result<(String, Option<GenerationReport>)> {
    let mut text = String::new();
    let mut reading: Option<ProgressLine> = None;
    for event in events {
        if interrupt::asked() {
            return Ok((text, None));
        }
        match event {
            GenerationEvent::Reading { done, total } => {
                let line = || ProgressLine::new(&app.output, "model");
                let line = reading.get_or_insert_with(line);
                line.show_part("reading, tokens", done, total);
            }
            GenerationEvent::Token(piece) => {
                reading = None;
                if !app.output.json {
                    app.output.piece(printable(&piece))?;
                }
                text.push_str(&piece);
            }
            GenerationEvent::Done(report) => return Ok((text, Some(report))),
            GenerationEvent::Failed(error) => return Err(Failure::user(error)),
        }
    }
    Err(Failure::internal("the model's words have no end"))
}

/// What was read and written, and how fast, on stderr.
fn tell_cost(app: &App, report: Option<GenerationReport>, context: usize) {
    let text = match report {
        None => "Stopped.".to_owned(),
        Some(report) => {
            let speed = |tokens: usize, ms: u64| tokens as f64 * 1000.0 / ms.max(1) as f64;
            let cut = match report.finish {
                Finish::End => "",
                Finish::Length => "; the limit of tokens ended it",
            };
            format!(
                "read {} at {:.0} a second, wrote {} at {:.1} a second{cut}; the context has {}",
                counted(report.prompt_tokens as u64, "token"),
                speed(report.prompt_tokens, report.prefill_ms),
                counted(report.new_tokens as u64, "token"),
                speed(report.new_tokens, report.decode_ms),
                counted(context as u64, "token"),
            )
        }
    };
    app.output.note(app.output.styled_note(Style::Dim, text));
}

/// A number that is not negative.
fn temperature(typed: &str) -> std::result::Result<f32, String> {
    match typed.parse() {
        Ok(number) if (0.0..f32::INFINITY).contains(&number) => Ok(number),
        _ => Err("a temperature is a number from 0 on".to_owned()),
    }
}
