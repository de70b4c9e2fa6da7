//! The state of search and library.

use docent_engine::search::{Hit, SearchResults};

use super::Picker;
use super::input::Input;
use super::viewer::Viewer;
use crate::tui::message::{Shelf, Target, Ticket};

/// Search as you type.
#[derive(Debug)]
pub(crate) struct SearchPane {
    /// What is searched for.
    pub(crate) input: Input,
    /// The search that is waited for.
    pub(crate) waiting: Option<Ticket>,
    /// Whether that search is made again because the index changed: then the choice stays.
    pub(crate) repeated: bool,
    /// What the last search found.
    pub(crate) results: Option<SearchResults>,
    /// Why the last search failed.
    pub(crate) failure: Option<String>,
    /// The chosen hit.
    pub(crate) picker: Picker,
    /// The chosen hit in its document.
    pub(crate) viewer: Viewer,
}

impl Default for SearchPane {
    fn default() -> Self {
        SearchPane {
            input: Input::new(
                false,
                "words, \"exact words\", type:pdf after:2024 from:smith, AND OR NOT",
            ),
            waiting: None,
            repeated: false,
            results: None,
            failure: None,
            picker: Picker::default(),
            viewer: Viewer::default(),
        }
    }
}

impl SearchPane {
    /// What was found.
    pub(crate) fn hits(&self) -> &[Hit] {
        self.results.as_ref().map_or(&[], |results| &results.hits)
    }

    /// The chosen hit.
    pub(crate) fn chosen(&self) -> Option<&Hit> {
        self.hits().get(self.picker.selected)
    }
}

/// Where a hit stands in its document.
pub(crate) fn target_of(hit: &Hit) -> Target {
    Target {
        document: hit.document,
        path: hit.path.clone(),
        quote: hit.text.clone(),
        passage: hit.start..hit.end,
        terms: hit
            .matched
            .iter()
            .map(|range| hit.start + range.start..hit.start + range.end)
            .collect(),
    }
}

/// Collections and what needs a look.
#[derive(Debug, Default)]
pub(crate) struct LibraryPane {
    /// The collections, once they are listed.
    pub(crate) shelves: Option<Vec<Shelf>>,
    /// Why they are not.
    pub(crate) failure: Option<String>,
    /// The chosen collection.
    pub(crate) picker: Picker,
    /// The chosen one of what needs a look.
    pub(crate) problem: Picker,
}

impl LibraryPane {
    /// The chosen collection.
    pub(crate) fn chosen(&self) -> Option<&Shelf> {
        self.shelves.as_ref()?.get(self.picker.selected)
    }
}
