//! Where an embedder comes from, as it is kept with the vectors that it made: so that they can be
//! searched after another one was chosen, until there are vectors of that.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use docent_core::model::Embedder;
use docent_model::{EmbedderOptions, EmbedderSource};
use serde::{Deserialize, Serialize};

use crate::settings::{Arithmetic, Models};

/// All that decides which vectors an embedder makes. What is missing in a text is as it is without
/// settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Origin {
    /// The folder or file; without one, the starter.
    model: Option<PathBuf>,
    precision: Arithmetic,
    /// Values of a vector that are kept; 0 for all.
    dimensions: usize,
    /// What stands before a question and before a text, where the model's own prompts do not.
    query_prompt: Option<String>,
    document_prompt: Option<String>,
}

impl Origin {
    /// The origin of the embedder that is set.
    pub(crate) fn of(models: &Models) -> Origin {
        let model = models.embedder.as_ref();
        Origin {
            // docent may be started from another folder next time.
            model: model.map(|model| std::path::absolute(model).unwrap_or(model.clone())),
            precision: models.precision,
            dimensions: models.dimensions,
            query_prompt: models.query_prompt.clone(),
            document_prompt: models.document_prompt.clone(),
        }
    }

    /// How the embedder computes on so many threads; `findings` is where what is found out about
    /// models is kept.
    pub(crate) fn options(&self, threads: usize, findings: Option<&Path>) -> EmbedderOptions {
        EmbedderOptions {
            threads,
            precision: self.precision.precision(),
            findings: findings.map(Path::to_owned),
            dimensions: (self.dimensions > 0).then_some(self.dimensions),
            query_prompt: self.query_prompt.clone(),
            document_prompt: self.document_prompt.clone(),
            ..EmbedderOptions::default()
        }
    }

    /// The text that is kept; nothing for a path that is no text.
    pub(crate) fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    fn from_text(text: &str) -> Result<Origin, String> {
        match text {
            "" => Ok(Origin::default()),
            text => serde_json::from_str(text)
                .map_err(|error| format!("where it lies cannot be read: {error}")),
        }
    }

    fn source(self) -> EmbedderSource {
        match self.model {
            Some(folder) => EmbedderSource::Directory(folder),
            None => EmbedderSource::Starter,
        }
    }

    /// Loads the embedder of a text that was kept.
    ///
    /// # Errors
    /// Why it cannot be loaded.
    pub(crate) fn load(
        text: &str,
        threads: usize,
        findings: Option<&Path>,
    ) -> Result<Arc<dyn Embedder>, String> {
        let origin = Origin::from_text(text)?;
        let options = origin.options(threads, findings);
        docent_model::load_embedder(&origin.source(), options).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_leads_back() {
        let models = Models {
            embedder: Some("models/bge".into()),
            precision: Arithmetic::F32,
            dimensions: 256,
            document_prompt: Some("passage: ".into()),
            ..Models::default()
        };
        let origin = Origin::of(&models);
        assert!(origin.model.as_ref().is_some_and(|path| path.is_absolute()));
        assert_eq!(Origin::from_text(&origin.to_text()), Ok(origin));
        let starter = Origin::of(&Models::default());
        assert_eq!(Origin::from_text(""), Ok(starter.clone()));
        assert_eq!(Origin::from_text(&starter.to_text()), Ok(starter));
        assert!(Origin::from_text("[").is_err());
    }
}
