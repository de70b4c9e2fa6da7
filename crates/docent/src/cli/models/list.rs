//! `docent models`: the models that were found.

use std::fs;
use std::path::{Path, PathBuf};

use docent_model::GeneratorSource;
use docent_model::catalogue::{ModelCard, Owner, find, inspect, usual_places};
use serde::Serialize;

use super::{Machine, Prospect, parameters, told};
use crate::app::App;
use crate::cli::Status;
use crate::failure::Result;
use crate::output::{Style, bytes, thousands};
use crate::printable::printable_line;

/// A line of `docent models --json`.
#[derive(Debug, Serialize)]
struct Line {
    /// What its owner calls it, or its file's name.
    name: String,
    /// Its file; `None` for the starter.
    path: Option<PathBuf>,
    /// The program that brought it, if one did.
    owner: Option<Owner>,
    /// Whether docent writes with it.
    in_use: bool,
    /// Why it cannot write answers.
    problem: Option<String>,
    /// What its header says; `None` if it cannot be read.
    model: Option<ModelCard>,
    /// What it would be like; `None` if it cannot write.
    prospect: Option<Prospect>,
}

/// A model to be looked at.
struct Candidate {
    name: String,
    owner: Option<Owner>,
    source: GeneratorSource,
}

pub(super) fn run(app: &App) -> Result<Status> {
    let machine = Machine::measure(app);
    let candidates = candidates(app);
    let found = candidates.iter().any(|candidate| candidate.owner.is_some());
    for candidate in candidates {
        let line = line(app, &machine, candidate);
        match app.output.json {
            true => app.output.json(&line)?,
            false => show(app, &line)?,
        }
    }
    if !found {
        app.output.note(
            "No others were found where Ollama, LM Studio, GPT4All, llama.cpp and Hugging Face keep \
             theirs. `docent models inspect FILE` looks at any GGUF file.",
        );
    }
    Ok(Status::Done)
}

/// The starter, the model in use, and what other programs keep; each file once.
fn candidates(app: &App) -> Vec<Candidate> {
    let places = match etcetera::home_dir() {
        Ok(home) => usual_places(&home, |name| {
            let value = std::env::var_os(name).filter(|value| !value.is_empty());
            value.map(PathBuf::from)
        }),
        Err(_) => Vec::new(),
    };
    let found: Vec<Candidate> = find(&places)
        .into_iter()
        .map(|found| Candidate {
            name: found.name,
            owner: Some(found.owner),
            source: GeneratorSource::File(found.path),
        })
        .collect();
    let mut all = vec![Candidate {
        name: "the starter, in the program".to_owned(),
        owner: None,
        source: GeneratorSource::Starter,
    }];
    if let Some(file) = &app.settings.models.generator
        && !found.iter().any(|other| is_file(&other.source, file))
    {
        all.push(Candidate {
            name: stem(file),
            owner: None,
            source: GeneratorSource::File(file.clone()),
        });
    }
    all.extend(found);
    all
}

fn line(app: &App, machine: &Machine, candidate: Candidate) -> Line {
    let card = inspect(&candidate.source, app.settings.models.kv.into());
    let (model, unreadable) = match card {
        Ok(card) => (Some(card), None),
        Err(error) => (None, Some(error.to_string())),
    };
    let (in_use, path) = match (&candidate.source, &app.settings.models.generator) {
        (GeneratorSource::Starter, chosen) => (chosen.is_none(), None),
        (GeneratorSource::File(path), chosen) => {
            let chosen = chosen.as_ref();
            let in_use = chosen.is_some_and(|file| is_file(&candidate.source, file));
            (in_use, Some(path.clone()))
        }
    };
    Line {
        name: candidate.name,
        path,
        owner: candidate.owner,
        in_use,
        prospect: model
            .as_ref()
            .and_then(|model| machine.prospect(model, &candidate.source)),
        problem: unreadable.or_else(|| model.as_ref()?.problem.clone()),
        model,
    }
}

/// Whether a source is the file at `path`, by whatever way that leads to it.
fn is_file(source: &GeneratorSource, path: &Path) -> bool {
    let GeneratorSource::File(other) = source else {
        return false;
    };
    let same = fs::canonicalize(other).and_then(|other| Ok(other == fs::canonicalize(path)?));
    same.unwrap_or(other == path)
}

fn stem(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or(path.as_os_str());
    stem.to_string_lossy().into_owned()
}

fn show(app: &App, line: &Line) -> Result<()> {
    let out = &app.output;
    let owner = line.owner.map(|owner| format!("  {}", owner.name()));
    let in_use = if line.in_use { "  in use" } else { "" };
    out.line(format_args!(
        "{}{}{}",
        out.styled(Style::Bold, printable_line(&line.name)),
        out.styled(Style::Dim, owner.unwrap_or_default()),
        out.styled(Style::Good, in_use)
    ))?;
    if let Some(path) = &line.path {
        let path = printable_line(&path.display().to_string());
        out.line(format_args!("    {}", out.styled(Style::Place, path)))?;
    }
    if let Some(model) = &line.model {
        let trained = match model.context_tokens {
            0 => String::new(),
            tokens => format!(", trained on {} tokens", thousands(tokens as u64)),
        };
        out.line(format_args!(
            "    {} of {} parameters, {}, {}{trained}",
            printable_line(&model.architecture),
            parameters(model.parameters),
            model.quantisation,
            bytes(model.file_bytes)
        ))?;
        if let Some(prospect) = line.prospect {
            out.line(format_args!("    {}", told(prospect, model.weight_bytes)))?;
        }
    }
    if let Some(problem) = &line.problem {
        let word = out.styled(Style::Warning, "cannot write answers:");
        out.line(format_args!("    {word} {}", printable_line(problem)))?;
    }
    Ok(())
}
