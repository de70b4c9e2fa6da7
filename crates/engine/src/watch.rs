//! Watching: hints from the operating system that something below a root may have changed.
//!
//! Events are hints, no more: they are counted, never believed. Each leads to the same look at
//! the folders as a start does, so that lost, doubled or reordered events change nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crossbeam_channel::Sender;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::indexer::Request;

/// How often folders are looked at where the system cannot watch them.
const POLL: Duration = Duration::from_secs(10);

/// Watches the roots of a collection until it is dropped.
pub(crate) struct Watch {
    /// Kept for its life only.
    _watcher: Option<RecommendedWatcher>,
    failure: Option<String>,
}

impl Watch {
    /// Watches `roots`; each event below them, except those below `leave_out` (docent's own
    /// index), becomes a request to look.
    pub(crate) fn start(roots: &[PathBuf], leave_out: &Path, requests: Sender<Request>) -> Watch {
        let leave_out = leave_out.to_path_buf();
        let handler = move |event: notify::Result<notify::Event>| {
            let matters = event.as_ref().map_or(true, |event| {
                !matches!(event.kind, EventKind::Access(_))
                    && (event.need_rescan()
                        || !event.paths.iter().all(|path| path.starts_with(&leave_out)))
            });
            if matters {
                // A full channel means that a look is due already.
                let _ = requests.try_send(Request::Look);
            }
        };
        let watcher = notify::recommended_watcher(handler).and_then(|mut watcher| {
            for root in roots.iter().filter(|root| root.is_dir()) {
                watcher.watch(root, RecursiveMode::Recursive)?;
            }
            Ok(watcher)
        });
        let missing = roots.iter().find(|root| !root.is_dir());
        let missing = missing.map(|root| format!("{} is not there", root.display()));
        Watch {
            failure: watcher.as_ref().err().map(ToString::to_string).or(missing),
            _watcher: watcher.ok(),
        }
    }

    /// What a person should know when the system cannot watch.
    pub(crate) fn warning(&self) -> Option<String> {
        let failure = self.failure.as_ref()?;
        Some(format!(
            "changes are looked for every {} s, because the system cannot watch the folders: {failure}",
            POLL.as_secs()
        ))
    }

    /// How often to look unasked; `None` where the system tells.
    pub(crate) fn poll_every(&self) -> Option<Duration> {
        self.failure.is_some().then_some(POLL)
    }
}
