//! The terminal itself: taken, given back whatever happens, listened to.

use std::io::{self, Stdout, Write};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crossbeam_channel::Sender;
use crossterm::cursor::Show;
use crossterm::event::{
    self, DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
    Event, MouseEventKind,
};
use crossterm::execute;
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

use super::send;
use crate::tui::message::Message;

/// The terminal as ratatui draws on it.
pub(super) type Screenful = Terminal<CrosstermBackend<Stdout>>;

/// Whether the terminal is ours at this moment.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Holds the terminal; gives it back when dropped, and when this thread panics.
#[derive(Debug)]
pub(super) struct Guard;

impl Guard {
    /// Takes the terminal: raw keys, a screen of its own, mouse, pasted text as one piece.
    ///
    /// # Errors
    /// When it is no terminal.
    pub(super) fn enter() -> io::Result<Guard> {
        let ui = thread::current().id();
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // A panic elsewhere is told as a failed request; printed, it would tear the screen.
            if !TAKEN.load(Ordering::Relaxed) || thread::current().id() == ui {
                give_back();
                before(info);
            } else {
                tracing::error!("{info}");
            }
        }));
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::Relaxed);
        let guard = Guard;
        execute!(
            io::stdout(),
            EnterAlternateScreen,
            EnableMouseCapture,
            EnableBracketedPaste
        )?;
        Ok(guard)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back once; errors have nobody to be told to.
fn give_back() {
    if TAKEN.swap(false, Ordering::Relaxed) {
        let _ = execute!(
            io::stdout(),
            DisableBracketedPaste,
            DisableMouseCapture,
            LeaveAlternateScreen,
            Show
        );
        let _ = disable_raw_mode();
    }
}

/// The terminal to draw on.
///
/// # Errors
/// When its size cannot be told.
pub(super) fn open() -> io::Result<Screenful> {
    Terminal::new(CrosstermBackend::new(io::stdout()))
}

/// Sends keys, mouse, pasted text and sizes from now on, and the system's wish to end.
///
/// # Errors
/// When no thread can be started.
pub(super) fn listen(sender: &Sender<Message>) -> io::Result<()> {
    let ending = sender.clone();
    // Without a handler the system ends docent without giving the terminal back; one that is
    // set already does no worse.
    let _ = ctrlc::set_handler(move || send(&ending, Message::Terminate));
    let sender = sender.clone();
    thread::Builder::new()
        .name("docent-keys".into())
        .spawn(move || {
            loop {
                let message = match event::read() {
                    Ok(Event::Key(key)) => Message::Key(key),
                    // Moving the mouse does nothing, and comes in floods.
                    Ok(Event::Mouse(mouse)) if mouse.kind == MouseEventKind::Moved => continue,
                    Ok(Event::Mouse(mouse)) => Message::Mouse(mouse),
                    Ok(Event::Paste(text)) => Message::Paste(text),
                    Ok(Event::Resize(columns, rows)) => Message::Resize(columns, rows),
                    Ok(_) => continue,
                    Err(_) => {
                        send(&sender, Message::Terminate);
                        return;
                    }
                };
                if sender.send(message).is_err() {
                    return;
                }
            }
        })?;
    Ok(())
}

/// Puts a text on the clipboard of the terminal, over the network too (OSC 52).
///
/// # Errors
/// When the terminal cannot be written to.
pub(super) fn copy(text: &str) -> io::Result<()> {
    let mut out = io::stdout();
    write!(out, "\x1b]52;c;{}\x07", base64(text.as_bytes()))?;
    out.flush()
}

/// Takes the mouse or leaves it to the terminal.
///
/// # Errors
/// When the terminal cannot be written to.
pub(super) fn set_mouse(ours: bool) -> io::Result<()> {
    if ours {
        execute!(io::stdout(), EnableMouseCapture)
    } else {
        execute!(io::stdout(), DisableMouseCapture)
    }
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |place: usize| u32::from(three.get(place).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            if digit <= three.len() {
                let value = bits >> (18 - 6 * digit) & 63;
                out.push(char::from(DIGITS[value as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tells this test that it runs inside the terminal that it opened.
    #[cfg(unix)]
    const INSIDE: &str = "DOCENT_TEST_INSIDE_TERMINAL";

    #[cfg(unix)]
    #[test]
    fn the_terminal_is_given_back_after_a_panic() {
        use portable_pty::{CommandBuilder, PtySize, native_pty_system};
        use std::io::Read;

        if std::env::var_os(INSIDE).is_some() {
            let _guard = Guard::enter().expect("a terminal");
            panic!("for the test");
        }
        let pair = native_pty_system()
            .openpty(PtySize::default())
            .expect("a pseudo terminal");
        let mut inside = CommandBuilder::new(std::env::current_exe().expect("this program"));
        inside.args([
            "--exact",
            "tui::run::terminal::tests::the_terminal_is_given_back_after_a_panic",
            "--nocapture",
        ]);
        inside.env(INSIDE, "1");
        let mut child = pair.slave.spawn_command(inside).expect("this program");
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().expect("its output");
        let mut output = Vec::new();
        // The end of a pseudo terminal is an error on some systems; what came counts.
        let _ = reader.read_to_end(&mut output);
        assert!(!child.wait().expect("its end").success());
        let output = String::from_utf8_lossy(&output);
        let place = |text: &str| {
            output
                .find(text)
                .unwrap_or_else(|| panic!("{text:?}: {output:?}"))
        };
        assert!(
            place("\x1b[?1049h") < place("\x1b[?1049l"),
            "the screen is left"
        );
        assert!(
            place("\x1b[?1049l") < place("for the test"),
            "then the panic is told"
        );
        place("\x1b[?2004l");
        place("\x1b[?1000l");
        place("\x1b[?25h");
    }

    #[test]
    fn base64_is_that_of_the_standard() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
