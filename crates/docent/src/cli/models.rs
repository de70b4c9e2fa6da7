//! `docent models`: the models on this machine, what each would be like, and trying one.

mod inspect;
mod list;
mod perplexity;
mod run;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use docent_model::GeneratorSource;
use docent_model::bench::memory_bytes_per_second;
use docent_model::catalogue::{Fit, ModelCard};
use serde::Serialize;

use super::Status;
use crate::app::App;
use crate::failure::Result;
use crate::output::thousands;

/// Tokens that a question, its passages and an answer may well have: what a model has to have
/// room for, where the settings do not say.
const USUAL_CONTEXT: usize = 4096;

/// List the models on this machine, look at one, or try one.
///
/// Without a command it lists the model in use, the starter, and what Ollama, LM Studio, GPT4All,
/// llama.cpp and Hugging Face's libraries have brought. Any of these can be given to --model or
/// models.generator. Nothing is downloaded.
#[derive(Debug, Args)]
pub(crate) struct Models {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    Inspect(inspect::Inspect),
    Run(run::Run),
    Perplexity(perplexity::Perplexity),
}

pub(super) fn run(app: &App, args: &Models) -> Result<Status> {
    app.sound_settings()?;
    match &args.what {
        None => list::run(app),
        Some(What::Inspect(args)) => inspect::run(app, args),
        Some(What::Run(args)) => run::run(app, args),
        Some(What::Perplexity(args)) => perplexity::run(app, args),
    }
}

/// The model in a file, or the one in use.
fn source(app: &App, file: Option<&PathBuf>) -> GeneratorSource {
    match file {
        Some(file) => GeneratorSource::File(file.clone()),
        None => app.generator_source(),
    }
}

/// What a model that can write would be like on this machine.
#[derive(Debug, Clone, Copy, Serialize)]
struct Prospect {
    /// Whether weights and context fit into the memory that is free.
    fit: Fit,
    /// Tokens that the context was counted with.
    context_tokens: usize,
    /// Tokens that it can write per second at most, since it reads its weights for each; `None`
    /// where they would come from the disk.
    most_tokens_per_second: Option<f64>,
}

/// What tells prospects on this machine.
struct Machine {
    memory_bytes_per_second: f64,
    context: Option<usize>,
}

impl Machine {
    /// Measures how fast this machine reads its memory.
    fn measure(app: &App) -> Machine {
        let options = app.generator_options();
        Machine {
            memory_bytes_per_second: memory_bytes_per_second(options.threads()),
            context: options.context_tokens,
        }
    }

    /// `None` for a model that cannot write.
    fn prospect(&self, card: &ModelCard) -> Option<Prospect> {
        if card.problem.is_some() {
            return None;
        }
        let trained = card.context_tokens.max(1);
        let context_tokens = self.context.unwrap_or(USUAL_CONTEXT).min(trained);
        let fit = card.fit(context_tokens);
        let most = card.most_tokens_per_second(self.memory_bytes_per_second, 0);
        Some(Prospect {
            fit,
            context_tokens,
            most_tokens_per_second: (fit != Fit::Storage).then_some(most),
        })
    }
}

/// `fits, writes at most 120 tokens a second`.
fn told(prospect: Prospect) -> String {
    let speed = match prospect.most_tokens_per_second {
        Some(most @ 10.0..) => format!("writes at most {} tokens a second", thousands(most as u64)),
        Some(most) => format!("writes at most {most:.1} tokens a second"),
        None => "writes slowly, as it reads its weights from the disk".to_owned(),
    };
    let fit = match prospect.fit {
        Fit::Memory => "fits",
        Fit::Storage => "does not fit into the memory that is free",
        Fit::Unknown => "may fit",
    };
    let context = thousands(prospect.context_tokens as u64);
    format!("{fit} with a context of {context} tokens; {speed}")
}

/// `8.2 B` parameters.
fn parameters(number: u64) -> String {
    match number {
        1_000_000_000.. => format!("{:.1} B", number as f64 / 1e9),
        1_000_000.. => format!("{:.0} M", number as f64 / 1e6),
        _ => thousands(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prospects_are_told_in_words() {
        let prospect = Prospect {
            fit: Fit::Memory,
            context_tokens: 4096,
            most_tokens_per_second: Some(7.96),
        };
        assert_eq!(
            told(prospect),
            "fits with a context of 4,096 tokens; writes at most 8.0 tokens a second"
        );
        let slow = Prospect {
            fit: Fit::Storage,
            most_tokens_per_second: None,
            ..prospect
        };
        assert!(told(slow).contains("from the disk"));
        assert_eq!(parameters(8_190_000_000), "8.2 B");
        assert_eq!(parameters(134_500_000), "134 M");
        assert_eq!(parameters(1234), "1,234");
    }
}
