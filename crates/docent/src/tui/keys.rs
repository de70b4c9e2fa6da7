//! The one table of keys: what each does, where it works, how it is called. The hint line, the
//! page of keys and the command palette are made from it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::state::{Focus, Tab};

mod table;

pub(crate) use self::table::TABLE;

/// A movement in a list or a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Motion {
    /// A row up.
    Up,
    /// A row down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the beginning.
    Start,
    /// To the end.
    End,
}

/// What a key or a command of the palette does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Ask what is typed.
    Submit,
    /// Break the line that is typed.
    NewLine,
    /// Delete back to the beginning of the line.
    ClearLine,
    /// Stop what runs; with nothing to stop, twice quits.
    Interrupt,
    /// Quit.
    Quit,
    /// One step back.
    Back,
    /// The next pane.
    NextPane,
    /// The pane before.
    PreviousPane,
    /// Another tab.
    Show(Tab),
    /// All keys.
    Help,
    /// Commands by name.
    Palette,
    /// Move.
    Move(Motion),
    /// Move in the viewer from anywhere on the tab.
    MoveSource(Motion),
    /// Take the chosen entry.
    Choose,
    /// Type a question.
    Type,
    /// The next source or hit.
    NextSource,
    /// The source or hit before.
    PreviousSource,
    /// Open the file in the system's viewer.
    OpenFile,
    /// Copy the quote with its citation.
    Copy,
    /// Ask for a summary of the file that is shown or chosen, or of the collection.
    Summarize,
    /// Write the conversation into a file.
    Export,
    /// Kept conversations.
    Conversations,
    /// A new conversation.
    NewConversation,
    /// Pause or go on with indexing.
    Pause,
    /// Add a folder to the chosen collection.
    AddFolder,
    /// A new collection from a folder.
    NewCollection,
    /// Add the demo folder.
    Demo,
    /// Compare all files with the index again.
    Look,
    /// Read all files again.
    Reread,
    /// Remove the chosen collection from the index.
    Remove,
    /// Drop the chosen file from the index for good.
    Forget,
    /// On a narrow screen, show the other side.
    Fold,
    /// Give the mouse to the terminal, or take it back.
    Mouse,
}

/// Where a key works.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// Everywhere.
    Everywhere,
    /// Where letters are not typed.
    OutsideInputs,
    /// Where letters are not typed, and in an input as long as it is empty.
    UnlessTyped,
    /// In these panes.
    In(&'static [Focus]),
}

/// A key's modifiers and code.
type Key = (KeyModifiers, KeyCode);

/// A line of the table.
#[derive(Debug)]
pub(crate) struct Binding {
    /// What it does.
    pub(crate) action: Action,
    /// Its name, in the palette and in hints.
    pub(crate) name: &'static str,
    /// What it does, in a sentence; empty where an earlier line with the same action says it.
    pub(crate) help: &'static str,
    keys: &'static [Key],
    place: Place,
    /// How early the hint line names it; 0 is never.
    pub(crate) hint: u8,
}

impl Binding {
    /// Whether it works in a pane; `typed` says that the pane's input holds text.
    pub(crate) fn works(&self, focus: Focus, typed: bool) -> bool {
        match self.place {
            Place::Everywhere => true,
            Place::OutsideInputs => !focus.is_input(),
            Place::UnlessTyped => !focus.is_input() || !typed,
            Place::In(panes) => panes.contains(&focus),
        }
    }

    /// Its first key in words: `ctrl-c`; nothing where only the palette has it.
    pub(crate) fn key(&self) -> String {
        self.keys.first().map(key_name).unwrap_or_default()
    }

    /// Whether the palette offers it: movements are for keys alone.
    pub(crate) fn in_palette(&self) -> bool {
        !matches!(
            self.action,
            Action::Move(_)
                | Action::MoveSource(_)
                | Action::Palette
                | Action::Back
                | Action::Choose
                | Action::ClearLine
                | Action::NewLine
        )
    }
}

/// All keys of an action in words, those for typing last: `n ctrl-n`.
pub(crate) fn keys_of(action: Action) -> String {
    let bindings = TABLE.iter().filter(|binding| binding.action == action);
    let mut names: Vec<String> = Vec::new();
    for name in bindings.flat_map(|binding| binding.keys).map(key_name) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(" ")
}

/// The binding of a key in a pane.
pub(crate) fn find(key: &KeyEvent, focus: Focus, typed: bool) -> Option<&'static Binding> {
    let wanted = normal(key);
    TABLE
        .iter()
        .find(|binding| binding.keys.contains(&wanted) && binding.works(focus, typed))
}

/// Shift is part of the letter already, and shift-tab has a code of its own.
fn normal(key: &KeyEvent) -> Key {
    let mut modifiers = key.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT);
    if matches!(key.code, KeyCode::Enter) {
        modifiers |= key.modifiers & KeyModifiers::SHIFT;
    }
    (modifiers, key.code)
}

fn key_name((modifiers, code): &Key) -> String {
    let mut name = String::new();
    for (modifier, word) in [
        (KeyModifiers::CONTROL, "ctrl-"),
        (KeyModifiers::ALT, "alt-"),
        (KeyModifiers::SHIFT, "shift-"),
    ] {
        if modifiers.contains(modifier) {
            name.push_str(word);
        }
    }
    match code {
        KeyCode::Char(c) => name.push(*c),
        KeyCode::F(number) => name.push_str(&format!("F{number}")),
        KeyCode::Up => name.push('↑'),
        KeyCode::Down => name.push('↓'),
        KeyCode::Left => name.push('←'),
        KeyCode::Right => name.push('→'),
        KeyCode::PageUp => name.push_str("pgup"),
        KeyCode::PageDown => name.push_str("pgdn"),
        KeyCode::BackTab => name.push_str("shift-tab"),
        other => name.push_str(&other.to_string().to_lowercase()),
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(code: KeyCode, modifiers: KeyModifiers, focus: Focus, typed: bool) -> Option<Action> {
        find(&KeyEvent::new(code, modifiers), focus, typed).map(|binding| binding.action)
    }

    #[test]
    fn letters_are_typed_in_inputs_and_are_keys_elsewhere() {
        let none = KeyModifiers::NONE;
        assert_eq!(
            action(KeyCode::Char('j'), none, Focus::Question, true),
            None
        );
        let down = Some(Action::Move(Motion::Down));
        assert_eq!(
            action(KeyCode::Char('j'), none, Focus::Sources, false),
            down
        );
        let upper = action(
            KeyCode::Char('G'),
            KeyModifiers::SHIFT,
            Focus::Source,
            false,
        );
        assert_eq!(upper, Some(Action::Move(Motion::End)));
    }

    #[test]
    fn a_question_mark_is_help_only_before_anything_is_typed() {
        let key = |typed| {
            action(
                KeyCode::Char('?'),
                KeyModifiers::SHIFT,
                Focus::Question,
                typed,
            )
        };
        assert_eq!(key(false), Some(Action::Help));
        assert_eq!(key(true), None);
    }

    #[test]
    fn every_key_is_written_as_people_write_it() {
        for binding in TABLE {
            let mut same = TABLE.iter().filter(|other| other.action == binding.action);
            assert!(same.any(|other| !other.help.is_empty()), "{}", binding.name);
        }
        assert_eq!(keys_of(Action::NextSource), "n ctrl-n");
        assert_eq!(
            key_name(&(KeyModifiers::CONTROL, KeyCode::Char('c'))),
            "ctrl-c"
        );
        assert_eq!(key_name(&(KeyModifiers::NONE, KeyCode::PageUp)), "pgup");
        assert_eq!(
            key_name(&(KeyModifiers::SHIFT, KeyCode::Enter)),
            "shift-enter"
        );
    }
}
