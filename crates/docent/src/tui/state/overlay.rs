//! What lies over the panes for a moment: keys, palette, conversations, a question to confirm,
//! a line to type.

use super::Picker;
use super::input::Input;
use crate::tui::message::{Command, ConversationCard, Ticket};

/// One of them at a time; esc closes it.
#[derive(Debug)]
pub(crate) enum Overlay {
    /// All keys; the first row that is shown.
    Help(usize),
    /// Commands by name.
    Palette(Palette),
    /// Kept conversations.
    Conversations(Conversations),
    /// Something that cannot be undone.
    Confirm(Confirm),
    /// A line to type.
    Prompt(Prompt),
}

/// Commands by name.
#[derive(Debug, Default)]
pub(crate) struct Palette {
    /// What the name contains.
    pub(crate) input: Input,
    /// The chosen one of those that match.
    pub(crate) picker: Picker,
}

/// Kept conversations.
#[derive(Debug, Default)]
pub(crate) struct Conversations {
    /// The request that lists them.
    pub(crate) ticket: Ticket,
    /// The list, once it came.
    pub(crate) cards: Option<Vec<ConversationCard>>,
    /// Why it did not come.
    pub(crate) failure: Option<String>,
    /// The chosen one.
    pub(crate) picker: Picker,
}

/// Something that cannot be undone, and what to do when it is confirmed.
#[derive(Debug)]
pub(crate) struct Confirm {
    /// What is about to happen, and what is not.
    pub(crate) question: String,
    /// What `y` does.
    pub(crate) command: Command,
}

/// What a typed line is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A folder to add to this collection, or to one of its own.
    AddFolder(Option<String>),
}

/// A line to type.
#[derive(Debug)]
pub(crate) struct Prompt {
    /// What it is for.
    pub(crate) purpose: Purpose,
    /// The line.
    pub(crate) input: Input,
}

impl Prompt {
    /// What to type, in words.
    pub(crate) fn label(&self) -> String {
        match &self.purpose {
            Purpose::AddFolder(Some(name)) => format!("folder to add to {name}"),
            Purpose::AddFolder(None) => "folder for a new collection".to_owned(),
        }
    }
}
