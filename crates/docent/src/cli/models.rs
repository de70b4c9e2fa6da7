//! `docent models`: the models on this machine, what each would be like, and trying one.

mod inspect;
mod list;
mod perplexity;
mod run;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use docent_model::GeneratorSource;
use docent_model::bench::{memory_bytes_per_second, storage_bytes_per_second};
use docent_model::catalogue::{Fit, ModelCard};
use serde::Serialize;

use super::Status;
use crate::app::App;
use crate::failure::Result;
use crate::output::{bytes, thousands};
use crate::streaming::rate;

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
    /// where they would come from a disk that cannot be measured.
    most_tokens_per_second: Option<f64>,
    /// Bytes of weights that would be in memory; `None` where the system does not tell how much
    /// of it is free, and for what does not fit and cannot be read from storage.
    resident_bytes: Option<u64>,
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

    /// `None` for a model that cannot write. `source` is where the model comes from.
    fn prospect(&self, card: &ModelCard, source: &GeneratorSource) -> Option<Prospect> {
        if card.problem.is_some() {
            return None;
        }
        let trained = card.context_tokens.max(1);
        let context_tokens = self.context.unwrap_or(USUAL_CONTEXT).min(trained);
        let fit = card.fit(context_tokens);
        let memory = self.memory_bytes_per_second;
        let (most_tokens_per_second, resident_bytes) = match fit {
            Fit::Unknown => (Some(card.most_tokens_per_second(memory, 0)), None),
            Fit::Memory => (
                Some(card.most_tokens_per_second(memory, 0)),
                Some(card.weight_bytes),
            ),
            Fit::Storage => {
                let storage = storage_bytes_per_second(source);
                let streaming = card.streaming(context_tokens, memory, storage.unwrap_or(0.0));
                let speed = streaming.filter(|_| storage.is_some());
                (
                    speed.map(|streaming| streaming.tokens_per_second),
                    streaming.map(|streaming| streaming.resident_bytes),
                )
            }
        };
        Some(Prospect {
            fit,
            context_tokens,
            most_tokens_per_second,
            resident_bytes,
        })
    }
}

/// `fits with a context of 4,096 tokens; writes at most 120 tokens a second`, of a model of so
/// many bytes of weights.
fn told(prospect: Prospect, weight_bytes: u64) -> String {
    let context = thousands(prospect.context_tokens as u64);
    let with = format!("with a context of {context} tokens");
    let how = match prospect.fit {
        Fit::Storage => "about",
        Fit::Memory | Fit::Unknown => "at most",
    };
    let writes = match prospect.most_tokens_per_second {
        Some(most) => format!("writes {how} {}", rate(most)),
        None => "writes slowly".to_owned(),
    };
    match (prospect.fit, prospect.resident_bytes) {
        (Fit::Memory, _) => format!("fits {with}; {writes}"),
        (Fit::Unknown, _) => format!("may fit {with}; {writes}"),
        (Fit::Storage, Some(resident)) => format!(
            "does not fit into the memory that is free {with}: {} of {} of weights would be in \
             memory, the rest comes from the disk for each token; {writes}",
            bytes(resident),
            bytes(weight_bytes)
        ),
        (Fit::Storage, None) => format!("does not fit into the memory that is free {with}"),
    }
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
            resident_bytes: Some(3 << 30),
        };
        assert_eq!(
            told(prospect, 8 << 30),
            "fits with a context of 4,096 tokens; writes at most 8.0 tokens a second"
        );
        let mut slow = Prospect {
            fit: Fit::Storage,
            ..prospect
        };
        let text = told(slow, 8 << 30);
        assert!(
            text.contains("3.0 GiB of 8.0 GiB of weights would be in memory"),
            "{text}"
        );
        assert!(text.ends_with("writes about 8.0 tokens a second"), "{text}");
        slow.most_tokens_per_second = None;
        assert!(told(slow, 8 << 30).ends_with("writes slowly"));
        slow.resident_bytes = None;
        assert!(told(slow, 8 << 30).ends_with("with a context of 4,096 tokens"));
        assert_eq!(parameters(8_190_000_000), "8.2 B");
        assert_eq!(parameters(134_500_000), "134 M");
        assert_eq!(parameters(1234), "1,234");
    }
}
