//! What comes in (messages) and what goes out (commands) of `update`.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{KeyEvent, MouseEvent};
use docent_core::answer::Answer;
use docent_engine::ask::Question;
use docent_engine::collection::{CollectionStatus, Uncovered};
use docent_engine::event::{AskEvent, Progress};
use docent_engine::search::SearchResults;

use super::state::viewer::Source;

/// The number of a request. What comes back with a number that nobody waits for is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Ticket(pub(crate) u64);

/// Everything that can happen.
#[derive(Debug)]
pub(crate) enum Message {
    /// A key went down.
    Key(KeyEvent),
    /// The mouse was pressed, released, dragged or its wheel turned.
    Mouse(MouseEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has another size: columns, rows.
    Resize(u16, u16),
    /// Time since the start; comes a few times a second while something waits.
    Tick(Duration),
    /// The model is loaded, or why it is not.
    Generator(Result<ModelCard, String>),
    /// The collection is open; `None` when the library is empty.
    Opened(Ticket, Result<Option<String>, String>),
    /// The collections of the library.
    Library(Result<Vec<Shelf>, String>),
    /// Where the indexer of the collection opened by this request stands.
    Progress(Ticket, Progress),
    /// Counts and troubles of the collection opened by this request, now and then.
    Status(Ticket, Box<StatusReport>),
    /// Something about an answer.
    Ask(Ticket, AskEvent),
    /// What a search found.
    Searched(Ticket, Result<SearchResults, String>),
    /// A document for a viewer, with the place to show.
    Document(Slot, Ticket, Result<(Arc<Source>, Target), String>),
    /// The conversations that are kept, latest first.
    Conversations(Ticket, Result<Vec<ConversationCard>, String>),
    /// A conversation that was asked for.
    Conversation(Ticket, Result<StoredConversation, String>),
    /// An exchange of the conversation with this ticket was kept: where.
    Kept(Ticket, Result<i64, String>),
    /// A collection was made of a folder, or the folder had one: its name.
    Made(Result<String, String>),
    /// Something that was asked for is done: what to tell, or why it could not be done.
    Done(Result<String, String>),
    /// The system wants docent to end, or the terminal is gone.
    Terminate,
    /// Nothing runs any more: the terminal can be given back.
    Closed,
}

/// What `update` wants done elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Command {
    /// Open a collection, or the latest one, and keep it up to date.
    Open(Ticket, Option<String>),
    /// List the collections.
    ListLibrary,
    /// Answer a question.
    Ask(Ticket, Box<Question>),
    /// Stop answering.
    StopAsking(Ticket),
    /// Search; only the latest search matters.
    Search(Ticket, String),
    /// Load a document for a viewer; only the latest of a slot matters.
    Load(Slot, Ticket, Target),
    /// List the conversations.
    ListConversations(Ticket),
    /// Load a conversation.
    LoadConversation(Ticket, i64),
    /// Delete a conversation and list again.
    DeleteConversation(Ticket, i64),
    /// Keep an exchange in the conversation with this ticket: in the store, or new there.
    Keep(Ticket, Option<i64>, Box<Exchange>),
    /// Write exchanges into a new file in the current folder.
    Export(Vec<Exchange>),
    /// Add a folder to a collection, or to one named after the folder.
    AddFolder(Option<String>, PathBuf),
    /// Remove a collection from the index.
    RemoveCollection(String),
    /// Drop a file from the index for good, by its path on disk.
    Forget(PathBuf),
    /// Compare all files with the index again.
    Look,
    /// Read all files again, whatever their times say.
    Reread(Ticket),
    /// Pause indexing.
    Pause,
    /// Go on indexing.
    Resume,
    /// Open a file in the system's viewer.
    OpenFile(PathBuf),
    /// Put a text on the clipboard.
    Copy(String),
    /// Whether the mouse is ours; when it is not, the terminal selects text with it.
    Mouse(bool),
    /// Stop everything cleanly, then end.
    Close,
}

/// Which viewer a document is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    /// Beside the conversation.
    Ask,
    /// Beside the search results.
    Search,
}

/// A question with its answer, as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Exchange {
    /// What was asked.
    pub(crate) question: String,
    /// The checked answer.
    pub(crate) answer: Answer,
    /// Documents of the answer's passages by passage number.
    pub(crate) documents: Vec<(usize, i64)>,
}

/// A conversation as the picker lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConversationCard {
    /// Its number in the store.
    pub(crate) id: i64,
    /// Its first question.
    pub(crate) title: String,
    /// Seconds since 1970 of the last exchange.
    pub(crate) updated: i64,
}

/// A conversation with all its exchanges.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredConversation {
    /// Its number in the store.
    pub(crate) id: i64,
    /// From first to last.
    pub(crate) exchanges: Vec<Exchange>,
}

/// The model that writes, as far as people care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModelCard {
    /// Its name.
    pub(crate) name: String,
    /// Tokens that it reads and writes together.
    pub(crate) context_tokens: usize,
    /// What to expect of it if memory has no room for it.
    pub(crate) streaming: Option<String>,
}

/// A collection as the library lists it.
#[derive(Debug, Clone)]
pub(crate) struct Shelf {
    /// Its name.
    pub(crate) name: String,
    /// Its counts, or why they cannot be told.
    pub(crate) status: Result<CollectionStatus, String>,
}

/// What is known about the open collection beside its progress.
#[derive(Debug, Clone)]
pub(crate) struct StatusReport {
    /// Counts.
    pub(crate) status: CollectionStatus,
    /// Files that need a look, worst first.
    pub(crate) uncovered: Vec<Uncovered>,
    /// Memory that docent uses, in bytes, where the system tells.
    pub(crate) memory_bytes: Option<u64>,
}

/// A place in a document that is to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The document.
    pub(crate) document: i64,
    /// The path of its file: the document may have become another one since.
    pub(crate) path: String,
    /// The words to point to, which are searched for in that other one.
    pub(crate) quote: String,
    /// The stretch to point to.
    pub(crate) passage: Range<usize>,
    /// Words in it that were searched for.
    pub(crate) terms: Vec<Range<usize>>,
}
