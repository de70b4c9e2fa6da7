//! What a worker can no longer do, as it found by trying.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What holds of the workers on this machine. A worker tries each thing itself once it is bounded,
/// and says what became of it: nothing here is inferred from the platform.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Isolation {
    /// It cannot open files; it gets the one to be read already open.
    pub no_files: bool,
    /// It cannot make sockets, of any family.
    pub no_network: bool,
    /// It can start no process.
    pub no_processes: bool,
    /// The version of Landlock that closes the file system, where the kernel has it.
    pub landlock: Option<u8>,
    /// A filter lets through no more system calls than parsers need.
    pub system_call_filter: bool,
    /// Its address space is bounded.
    pub memory_bound: bool,
    /// Its processor time for one file is bounded.
    pub time_bound: bool,
}

/// `no files, no network, no processes (Landlock 7, system call filter); memory and processor
/// time bounded`.
impl fmt::Display for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let closed = [
            (self.no_files, "no files"),
            (self.no_network, "no network"),
            (self.no_processes, "no processes"),
        ];
        let closed: Vec<&str> = named(&closed);
        match closed.is_empty() {
            true => f.write_str("files and network open")?,
            false => f.write_str(&closed.join(", "))?,
        }
        let landlock = self.landlock.map(|version| format!("Landlock {version}"));
        let filter = self.system_call_filter.then(|| "system call filter".into());
        let by: Vec<String> = landlock.into_iter().chain(filter).collect();
        if !by.is_empty() {
            write!(f, " ({})", by.join(", "))?;
        }
        let bounded = named(&[
            (self.memory_bound, "memory"),
            (self.time_bound, "processor time"),
        ]);
        match bounded.is_empty() {
            true => f.write_str("; memory and processor time not bounded"),
            false => write!(f, "; {} bounded", bounded.join(" and ")),
        }
    }
}

/// The words of what holds.
fn named(facts: &[(bool, &'static str)]) -> Vec<&'static str> {
    facts
        .iter()
        .filter(|(holds, _)| *holds)
        .map(|(_, word)| *word)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_is_said_in_words() {
        let caged = Isolation {
            no_files: true,
            no_network: true,
            no_processes: true,
            landlock: Some(7),
            system_call_filter: true,
            memory_bound: true,
            time_bound: true,
        };
        assert_eq!(
            caged.to_string(),
            "no files, no network, no processes (Landlock 7, system call filter); \
             memory and processor time bounded"
        );
        assert_eq!(
            Isolation::default().to_string(),
            "files and network open; memory and processor time not bounded"
        );
    }
}
