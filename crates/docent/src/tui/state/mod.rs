//! Everything that the screen is made from, as plain data. `update` alone changes it.

pub(crate) mod ask;
pub(crate) mod input;
pub(crate) mod overlay;
pub(crate) mod panes;
pub(crate) mod viewer;

use std::collections::VecDeque;
use std::time::Duration;

use docent_engine::event::Progress;

use self::ask::AskPane;
use self::overlay::Overlay;
use self::panes::{LibraryPane, SearchPane};
use super::message::{Command, ModelCard, StatusReport, Ticket};

/// What has been told lately is kept for the activity pane, so many of it.
const LOG_LENGTH: usize = 200;

/// The four things that a person does here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tab {
    /// Questions and answers.
    Ask,
    /// Search as you type.
    Search,
    /// Collections and what needs a look.
    Library,
    /// What runs.
    Activity,
}

impl Tab {
    /// All of them, from left to right.
    pub(crate) const ALL: [Tab; 4] = [Tab::Ask, Tab::Search, Tab::Library, Tab::Activity];

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Tab::Ask => "Ask",
            Tab::Search => "Search",
            Tab::Library => "Library",
            Tab::Activity => "Activity",
        }
    }

    /// Its place from 0.
    pub(crate) fn index(self) -> usize {
        self as usize
    }

    /// Its panes in the order in which tab walks them; the first is where one begins.
    pub(crate) fn panes(self) -> &'static [Focus] {
        match self {
            Tab::Ask => &[
                Focus::Question,
                Focus::Conversation,
                Focus::Source,
                Focus::Sources,
            ],
            Tab::Search => &[Focus::Query, Focus::Results, Focus::Preview],
            Tab::Library => &[Focus::Collections, Focus::Problems],
            Tab::Activity => &[Focus::Activity],
        }
    }
}

/// The pane that has the keyboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Focus {
    /// Where a question is typed.
    Question,
    /// The conversation.
    Conversation,
    /// The viewer beside the conversation.
    Source,
    /// The list of an answer's sources.
    Sources,
    /// Where a search is typed.
    Query,
    /// What was found.
    Results,
    /// The viewer beside what was found.
    Preview,
    /// The collections.
    Collections,
    /// What needs a look.
    Problems,
    /// What runs and ran.
    Activity,
}

impl Focus {
    /// The tab to which the pane belongs.
    pub(crate) fn tab(self) -> Tab {
        match self {
            Focus::Question | Focus::Conversation | Focus::Source | Focus::Sources => Tab::Ask,
            Focus::Query | Focus::Results | Focus::Preview => Tab::Search,
            Focus::Collections | Focus::Problems => Tab::Library,
            Focus::Activity => Tab::Activity,
        }
    }

    /// Whether letters are typed into it.
    pub(crate) fn is_input(self) -> bool {
        matches!(self, Focus::Question | Focus::Query)
    }

    /// Whether it stands in the side pane, which folds on a narrow screen.
    pub(crate) fn is_side(self) -> bool {
        matches!(self, Focus::Source | Focus::Sources | Focus::Preview)
    }
}

/// The collection that the screen is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Opening {
    /// It is being opened.
    Waiting,
    /// There is none yet.
    Empty,
    /// It is open.
    Open(String),
    /// It cannot be opened: why.
    Failed(String),
}

/// The model that writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Generator {
    /// It is being loaded.
    Loading,
    /// It is there.
    Ready(ModelCard),
    /// It is not: why. Answers are quotes only.
    Failed(String),
}

/// Something to tell, until it is dismissed or replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    /// What.
    pub(crate) text: String,
    /// Whether something went wrong.
    pub(crate) failure: bool,
}

/// The list part of a pane: what is chosen, and the first entry that is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Picker {
    /// The entry that is chosen.
    pub(crate) selected: usize,
    top: usize,
}

impl Picker {
    /// The first entry to show so that the chosen one is among `shown`.
    pub(crate) fn top(&self, entries: usize, shown: usize) -> usize {
        let shown = shown.max(1);
        let selected = self.selected.min(entries.saturating_sub(1));
        let lowest = (selected + 1).saturating_sub(shown);
        self.top
            .clamp(lowest, selected.max(lowest))
            .min(entries.saturating_sub(shown))
    }

    /// Moves the choice, never past the ends.
    pub(crate) fn move_by(&mut self, by: isize, entries: usize, shown: usize) {
        let last = entries.saturating_sub(1);
        self.selected = self.selected.min(last).saturating_add_signed(by).min(last);
        self.top = self.top(entries, shown);
    }

    /// Chooses an entry.
    pub(crate) fn select(&mut self, entry: usize, entries: usize, shown: usize) {
        self.selected = entry.min(entries.saturating_sub(1));
        self.top = self.top(entries, shown);
    }
}

/// Everything.
#[derive(Debug)]
pub(crate) struct State {
    /// Columns and rows of the terminal.
    pub(crate) size: (u16, u16),
    /// Time since the start, as the last tick told.
    pub(crate) now: Duration,
    /// docent's version.
    pub(crate) version: String,
    /// A folder with documents to try docent on, where there is one.
    pub(crate) demo: Option<std::path::PathBuf>,
    /// The pane that has the keyboard.
    pub(crate) focus: Focus,
    /// Where the keyboard was on each tab.
    pub(crate) last_focus: [Focus; 4],
    /// On a narrow screen, whether the side pane is shown instead of the main one.
    pub(crate) side_shown: bool,
    /// What lies over the panes.
    pub(crate) overlay: Option<Overlay>,
    /// The open collection.
    pub(crate) collection: Opening,
    /// The last request to open one.
    pub(crate) opening: Ticket,
    /// The model that writes.
    pub(crate) generator: Generator,
    /// Where the indexer stands.
    pub(crate) progress: Progress,
    /// Counts and troubles of the open collection.
    pub(crate) report: Option<Box<StatusReport>>,
    /// Questions and answers.
    pub(crate) ask: AskPane,
    /// Search.
    pub(crate) search: SearchPane,
    /// The library.
    pub(crate) library: LibraryPane,
    /// What has been told, latest first.
    pub(crate) log: VecDeque<(Duration, Notice)>,
    /// Files that were read lately, latest first.
    pub(crate) read: VecDeque<String>,
    /// What the activity pane shows first.
    pub(crate) activity: Picker,
    /// What is told now.
    pub(crate) notice: Option<Notice>,
    /// Whether the mouse is ours.
    pub(crate) mouse: bool,
    /// Whether ctrl-c was pressed with nothing to stop: once more quits.
    pub(crate) quit_armed: bool,
    /// Whether docent is about to end.
    pub(crate) closing: bool,
    /// Whether it ended.
    pub(crate) closed: bool,
    last_ticket: u64,
}

impl State {
    /// The screen before anything is opened, and what to do first.
    pub(crate) fn start(
        size: (u16, u16),
        version: String,
        demo: Option<std::path::PathBuf>,
        collection: Option<String>,
    ) -> (State, Vec<Command>) {
        let mut state = State {
            size,
            now: Duration::ZERO,
            version,
            demo,
            focus: Focus::Question,
            last_focus: Tab::ALL.map(|tab| tab.panes()[0]),
            side_shown: false,
            overlay: None,
            collection: Opening::Waiting,
            opening: Ticket::default(),
            generator: Generator::Loading,
            progress: Progress::default(),
            report: None,
            ask: AskPane::default(),
            search: SearchPane::default(),
            library: LibraryPane::default(),
            log: VecDeque::new(),
            read: VecDeque::new(),
            activity: Picker::default(),
            notice: None,
            mouse: true,
            quit_armed: false,
            closing: false,
            closed: false,
            last_ticket: 0,
        };
        state.opening = state.ticket();
        let open = Command::Open(state.opening, collection);
        (state, vec![open])
    }

    /// A number that was never given out before.
    pub(crate) fn ticket(&mut self) -> Ticket {
        self.last_ticket += 1;
        Ticket(self.last_ticket)
    }

    /// The tab that is shown.
    pub(crate) fn tab(&self) -> Tab {
        self.focus.tab()
    }

    /// Gives the keyboard to a pane, and shows it.
    pub(crate) fn focus_on(&mut self, focus: Focus) {
        self.focus = focus;
        self.last_focus[focus.tab().index()] = focus;
        self.side_shown = focus.is_side();
    }

    /// Shows a tab as it was left.
    pub(crate) fn show_tab(&mut self, tab: Tab) {
        self.focus_on(self.last_focus[tab.index()]);
    }

    /// The name of the open collection.
    pub(crate) fn collection_name(&self) -> Option<&str> {
        match &self.collection {
            Opening::Open(name) => Some(name),
            _ => None,
        }
    }

    /// Tells something, and keeps it in the log.
    pub(crate) fn tell(&mut self, text: impl Into<String>) {
        self.announce(Notice {
            text: text.into(),
            failure: false,
        });
    }

    /// Tells that something went wrong, and keeps it in the log.
    pub(crate) fn complain(&mut self, text: impl Into<String>) {
        self.announce(Notice {
            text: text.into(),
            failure: true,
        });
    }

    fn announce(&mut self, notice: Notice) {
        self.log.push_front((self.now, notice.clone()));
        self.log.truncate(LOG_LENGTH);
        self.notice = Some(notice);
    }

    /// Whether something waits, so that time has to be told.
    pub(crate) fn is_waiting(&self) -> bool {
        self.ask.running().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chosen_entry_is_always_shown() {
        let mut picker = Picker::default();
        picker.move_by(7, 20, 5);
        assert_eq!((picker.selected, picker.top(20, 5)), (7, 3));
        picker.move_by(-1, 20, 5);
        assert_eq!(picker.top(20, 5), 3, "the list stands still while it can");
        picker.move_by(-4, 20, 5);
        assert_eq!(picker.top(20, 5), 2);
        picker.move_by(100, 20, 5);
        assert_eq!((picker.selected, picker.top(20, 5)), (19, 15));
        assert_eq!(picker.top(3, 5), 0, "a list that became short");
        assert_eq!(Picker::default().top(0, 0), 0);
    }
}
