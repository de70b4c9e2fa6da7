//! docent on a real (pseudo) terminal: the UI opens and gives the terminal back, progress is
//! drawn, an answer streams and ends as it was checked.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::Command;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, PtySize, native_pty_system};

use crate::sandbox::{PATIENCE, Sandbox, eventually};

const CELLAR: &str = "
//- cellar.md
# Cellar

The cider is racked on the first of November. The apples come from the orchard by the church.
";

/// The terminal's size.
const ROWS: NonZeroU16 = NonZeroU16::new(24).expect("not zero");
const COLUMNS: NonZeroU16 = NonZeroU16::new(80).expect("not zero");

/// A program on a terminal of that size.
struct Terminal {
    screen: vt100::Parser,
    all: Vec<u8>,
    output: Receiver<Vec<u8>>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    // Dropping it hangs up.
    _master: Box<dyn portable_pty::MasterPty + Send>,
}

impl Terminal {
    /// Starts a command as the sandbox made it.
    fn start(command: &Command) -> Terminal {
        let mut builder = CommandBuilder::new(command.get_program());
        builder.args(command.get_args());
        builder.env_clear();
        for (name, value) in command.get_envs() {
            builder.env(name, value.unwrap_or_default());
        }
        builder.env("TERM", "xterm-256color");
        builder.cwd(command.get_current_dir().expect("a folder"));
        let size = PtySize {
            rows: ROWS.get(),
            cols: COLUMNS.get(),
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).expect("a terminal");
        let child = pair.slave.spawn_command(builder).expect("docent starts");
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let (send, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(bytes @ 1..) = reader.read(&mut buffer) {
                if send.send(buffer[..bytes].to_vec()).is_err() {
                    break;
                }
            }
        });
        Terminal {
            screen: vt100::Parser::new(ROWS, COLUMNS, 0),
            all: Vec::new(),
            output,
            keys: pair.master.take_writer().expect("a writer"),
            child,
            _master: pair.master,
        }
    }

    /// Reads what has come, until `enough` of it has.
    #[track_caller]
    fn until(&mut self, what: &str, enough: impl Fn(&Terminal) -> bool) {
        let begin = Instant::now();
        while !enough(self) {
            match self.output.recv_timeout(Duration::from_millis(50)) {
                Ok(bytes) => {
                    self.screen.process(&bytes);
                    self.all.extend(bytes);
                }
                Err(RecvTimeoutError::Disconnected) if enough(self) => break,
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("{what}: it ended:\n{}", self.shown())
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            assert!(
                begin.elapsed() < PATIENCE,
                "{what}: the screen is\n{}",
                self.shown()
            );
        }
    }

    fn shown(&self) -> String {
        self.screen.screen().contents()
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("keys");
        self.keys.flush().expect("keys");
    }

    /// Waits for the end; returns the exit status.
    fn end(&mut self) -> u32 {
        loop {
            match self.output.recv_timeout(PATIENCE) {
                Ok(bytes) => {
                    self.screen.process(&bytes);
                    self.all.extend(bytes);
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end:\n{}", self.shown()),
            }
        }
        self.child.wait().expect("a status").exit_code()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has ended already, unless the test failed.
        let _ = self.child.kill();
    }
}

#[test]
fn the_terminal_ui_opens_answers_keys_and_gives_the_terminal_back() {
    let sandbox = Sandbox::with(CELLAR).indexed();
    let mut terminal = Terminal::start(&sandbox.docent::<&str>([]));
    terminal.until("the first screen", |t| {
        t.shown().contains("Ask") && t.shown().contains("Library")
    });
    assert!(terminal.screen.screen().alternate_screen());
    terminal.until("the collection", |t| t.shown().contains("1 file"));
    terminal.press("\u{11}"); // ctrl-q
    assert_eq!(terminal.end(), 0);
    let screen = terminal.screen.screen();
    assert!(
        !screen.alternate_screen() && !screen.hide_cursor(),
        "restored"
    );
}

#[test]
fn a_conversation_is_exported_by_a_key_and_by_the_command() {
    let sandbox = Sandbox::with(CELLAR).indexed();
    let mut terminal = Terminal::start(&sandbox.docent::<&str>([]));
    terminal.until("the collection", |t| t.shown().contains("1 file"));
    terminal.press("When is the cider racked?\r");
    terminal.until("the quote", |t| t.shown().contains("first of November"));
    terminal.press("\t");
    let file = sandbox.file("../docent-answers.md");
    // As long as nothing is answered, the key only says so.
    eventually("the answer is exported", || {
        terminal.press("e");
        std::fs::read_to_string(&file).is_ok_and(|written| written.contains("[^1]: "))
    });
    terminal.press("\u{11}");
    assert_eq!(terminal.end(), 0);
    let written = std::fs::read_to_string(&file).expect("a file");
    assert!(
        written.contains("## When is the cider racked?"),
        "{written}"
    );

    let listed = sandbox.run(["export", "--in", "files"]).with_status(0);
    assert!(
        listed.stdout.contains("When is the cider racked?"),
        "{listed:?}"
    );
    let args = [
        "export", "--in", "files", "--last", "--format", "docx-md", "--redact",
    ];
    let run = sandbox.run(args).with_status(0).telling("no proof");
    assert!(run.stdout.starts_with("% "), "{run:?}");
    assert!(
        run.stdout.contains("racked on the first of November"),
        "{run:?}"
    );
    assert!(run.stdout.contains("[^1]: cellar.md, line 3: "), "{run:?}");
}

#[test]
fn progress_is_drawn_and_an_answer_ends_as_it_was_checked() {
    let sandbox = Sandbox::with(CELLAR);
    let args = ["ask", "--in", "files", "When is the cider racked?"];
    let mut terminal = Terminal::start(&sandbox.docent(args));
    assert_eq!(terminal.end(), 0, "{}", terminal.shown());
    let shown = terminal.shown();
    assert!(
        shown.contains("“The cider is racked on the first of November.” [1]"),
        "{shown}"
    );
    assert!(shown.contains("[1] cellar.md, line 3"), "{shown}");
    assert!(shown.contains("searched 1 document"), "{shown}");
    let all = String::from_utf8_lossy(&terminal.all);
    assert!(all.contains("reading, tokens"), "progress was drawn: {all}");
    assert!(!shown.contains("reading, tokens"), "and is gone: {shown}");
}

#[test]
fn no_color_is_honoured() {
    let sandbox = Sandbox::with(CELLAR).indexed();
    let mut command = sandbox.docent(["search", "--in", "files", "cider"]);
    let coloured = |command: &Command| {
        let mut terminal = Terminal::start(command);
        assert_eq!(terminal.end(), 0);
        String::from_utf8_lossy(&terminal.all).contains("\u{1b}[36m")
    };
    assert!(coloured(&command));
    command.env("NO_COLOR", "1");
    assert!(!coloured(&command));
}
