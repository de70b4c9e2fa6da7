//! Flags that narrow a search to some documents. Each means what its field means in a query.

use clap::Args;
use docent_core::query::{Field, Filters};

use crate::failure::{Failure, Result};

/// Conditions on the documents. Of several values of one flag one has to hold; of dates after
/// and before, all.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Filters (of several values of one, one has to hold)")]
pub(super) struct FilterArgs {
    /// Files whose path contains this; `*` stands for any characters.
    #[arg(long, value_name = "TEXT")]
    path: Vec<String>,
    /// Documents of this type: pdf, word, mail, code … or an extension.
    #[arg(long = "type", value_name = "TYPE")]
    format: Vec<String>,
    /// Documents whose title contains this.
    #[arg(long, value_name = "TEXT")]
    title: Vec<String>,
    /// Documents in this language: german, de.
    #[arg(long, value_name = "LANGUAGE")]
    lang: Vec<String>,
    /// Documents dated on this day or later: 2024, 2024-03, 2024-03-01, 30d (days ago).
    #[arg(long, value_name = "DATE")]
    after: Vec<String>,
    /// Documents dated before the first day of this.
    #[arg(long, value_name = "DATE")]
    before: Vec<String>,
    /// Documents dated in this year or month, or on this day.
    #[arg(long, value_name = "DATE")]
    date: Vec<String>,
    /// Mails, and what came with them, whose sender contains this.
    #[arg(long, value_name = "NAME")]
    from: Vec<String>,
    /// Mails, and what came with them, of which a recipient contains this.
    #[arg(long, value_name = "NAME")]
    to: Vec<String>,
}

impl FilterArgs {
    /// The filters.
    ///
    /// # Errors
    /// When a value is none of its flag's.
    pub(super) fn read(&self) -> Result<Filters> {
        let given = [
            (Field::Path, &self.path),
            (Field::Type, &self.format),
            (Field::Title, &self.title),
            (Field::Language, &self.lang),
            (Field::After, &self.after),
            (Field::Before, &self.before),
            (Field::Date, &self.date),
            (Field::From, &self.from),
            (Field::To, &self.to),
        ];
        let mut filters = Filters::default();
        for (field, values) in given {
            for value in values {
                filters.add(field, value, false).map_err(Failure::user)?;
            }
        }
        Ok(filters)
    }
}
