//! The event loop: drain all messages, then draw, at most every 16 ms.

mod perform;
mod terminal;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use self::perform::Performer;
use self::terminal::{Guard, Screenful};
use super::TuiSetup;
use super::message::{Command, Message};
use super::state::State;
use super::theme::Theme;
use super::update::update;
use super::view::Screen;

/// The shortest time between two frames.
const FRAME: Duration = Duration::from_millis(16);
/// How often waiting times are told anew.
const TICK: Duration = Duration::from_millis(500);
/// How long nothing is looked at when nothing waits.
const REST: Duration = Duration::from_secs(3600);
/// Where the demo documents lie in a checkout.
const DEMO: &str = "assets/demo";

/// Runs the terminal UI.
pub(super) fn run(setup: TuiSetup) -> anyhow::Result<()> {
    let (sender, messages) = crossbeam_channel::unbounded();
    let _guard = Guard::enter().context("the terminal cannot be used")?;
    let terminal = terminal::open().context("the terminal cannot be drawn on")?;
    let size = terminal
        .size()
        .context("the terminal does not tell its size")?;
    terminal::listen(&sender).context("the keyboard cannot be read")?;
    let demo = Path::new(DEMO).is_dir().then(|| DEMO.into());
    let (state, first) = State::start(
        (size.width, size.height),
        setup.version,
        demo,
        setup.collection,
    );
    let mut screen = Loop {
        terminal,
        theme: Theme {
            color: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        },
        state,
        performer: None,
        began: Instant::now(),
    };
    // A screen comes before anything is loaded.
    screen.draw()?;
    screen.performer = Some(Performer::start(setup.library, setup.generator, sender)?);
    for command in first {
        screen.perform(command)?;
    }
    screen.turn(&messages)
}

struct Loop {
    terminal: Screenful,
    theme: Theme,
    state: State,
    performer: Option<Performer>,
    began: Instant,
}

impl Loop {
    fn turn(&mut self, messages: &Receiver<Message>) -> anyhow::Result<()> {
        let mut drawn = Instant::now();
        let mut dirty = true;
        while !self.state.closed {
            if dirty && drawn.elapsed() >= FRAME {
                self.draw()?;
                drawn = Instant::now();
                dirty = false;
            }
            let wait = if dirty {
                FRAME.saturating_sub(drawn.elapsed())
            } else if self.state.is_waiting() {
                TICK
            } else {
                REST
            };
            match messages.recv_timeout(wait) {
                Ok(first) => {
                    self.take(Message::Tick(self.began.elapsed()))?;
                    self.take(first)?;
                    let drained = Instant::now();
                    // A flood must not keep the screen from being drawn.
                    while drained.elapsed() < FRAME
                        && let Ok(next) = messages.try_recv()
                    {
                        self.take(next)?;
                    }
                    dirty = true;
                }
                Err(RecvTimeoutError::Timeout) if dirty => {}
                Err(RecvTimeoutError::Timeout) => {
                    self.take(Message::Tick(self.began.elapsed()))?;
                    dirty = self.state.is_waiting();
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        Ok(())
    }

    fn take(&mut self, message: Message) -> anyhow::Result<()> {
        for command in update(&mut self.state, message) {
            self.perform(command)?;
        }
        Ok(())
    }

    fn perform(&mut self, command: Command) -> anyhow::Result<()> {
        match command {
            Command::Copy(text) => terminal::copy(&text).context("nothing can be copied"),
            Command::Mouse(ours) => terminal::set_mouse(ours).context("the mouse cannot be set"),
            other => {
                if let Some(performer) = &mut self.performer {
                    performer.perform(other);
                }
                Ok(())
            }
        }
    }

    fn draw(&mut self) -> anyhow::Result<()> {
        let size = self.terminal.size()?;
        if (size.width, size.height) != self.state.size {
            update(&mut self.state, Message::Resize(size.width, size.height));
        }
        let screen = Screen {
            state: &self.state,
            theme: self.theme,
        };
        self.terminal.draw(|frame| {
            frame.render_widget(&screen, frame.area());
            if let Some(place) = screen.cursor() {
                frame.set_cursor_position(place);
            }
        })?;
        Ok(())
    }
}

/// Sends a message; when nobody listens any more, everything is about to end.
fn send(sender: &Sender<Message>, message: Message) {
    let _ = sender.send(message);
}
