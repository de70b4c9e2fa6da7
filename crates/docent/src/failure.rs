//! What ends a command early: an error with its kind, a hint and an exit status.

use std::fmt;
use std::io;

use docent_engine::error::EngineError;

/// What commands return.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// Who can mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The person, by asking for something else or by mending a file or a folder.
    User,
    /// The person, in the settings.
    Config,
    /// We: docent is wrong.
    Internal,
    /// Nobody: who read our output has read enough.
    ClosedPipe,
}

/// A command that cannot go on.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Who can mend it.
    pub(crate) kind: Kind,
    error: anyhow::Error,
    hint: Option<String>,
}

impl Failure {
    /// A failure that the person can mend.
    pub(crate) fn user(message: impl fmt::Display) -> Failure {
        Failure::new(Kind::User, anyhow::Error::msg(message.to_string()))
    }

    /// A failure of the settings.
    pub(crate) fn config(message: impl fmt::Display) -> Failure {
        Failure::new(Kind::Config, anyhow::Error::msg(message.to_string()))
    }

    /// A failure of docent itself.
    pub(crate) fn internal(message: impl fmt::Display) -> Failure {
        Failure::new(Kind::Internal, anyhow::Error::msg(message.to_string()))
    }

    fn new(kind: Kind, error: anyhow::Error) -> Failure {
        Failure {
            kind,
            error,
            hint: None,
        }
    }

    /// The same failure, with what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }

    /// The exit status: 2, or 0 where the reader of our output went away.
    pub(crate) fn status(&self) -> u8 {
        match self.kind {
            Kind::ClosedPipe => 0,
            Kind::User | Kind::Config | Kind::Internal => 2,
        }
    }
}

/// The message, what lies behind it, and the hint on a line of its own.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.error)?;
        if self.kind == Kind::Internal {
            write!(f, "\nThis is a fault of docent's, not yours.")?;
        }
        match &self.hint {
            Some(hint) => write!(f, "\n{hint}"),
            None => Ok(()),
        }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Failure {
        // The engine's messages say themselves what to do.
        Failure::user(error)
    }
}

/// Errors of writing the output; everything that is read has a message of its own.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        let kind = match error.kind() {
            io::ErrorKind::BrokenPipe => Kind::ClosedPipe,
            _ => Kind::User,
        };
        Failure::new(
            kind,
            anyhow::Error::new(error).context("the output cannot be written"),
        )
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Failure {
        Failure::internal(format_args!("a result cannot be put into JSON: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_pipe_is_no_failure() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(failure.status(), 0);
    }

    #[test]
    fn the_hint_stands_on_its_own_line() {
        let failure = Failure::user("no such folder: x").hint("Make it.");
        assert_eq!(failure.to_string(), "no such folder: x\nMake it.");
        assert_eq!(failure.status(), 2);
    }
}
