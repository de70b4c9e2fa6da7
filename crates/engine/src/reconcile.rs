//! Reconciling: what has to be done so that the catalog says what the folders hold.
//!
//! A pure comparison of two lists. A file is known by its path; one that is gone from its path
//! and turns up under another with the same inode and times has moved, and is not read again. A
//! file that has to be read may still prove unchanged or moved by its content: see
//! [`Vanished`].

use std::collections::HashMap;

use docent_core::source::{ContentHash, Gap, SourceState, Stamp};
use docent_store::{RootId, SourceId, StoredSource};

use crate::indexer::Again;
use crate::walk::{Found, Unread};

/// The reason of a source that a person took out of the index: it is not read again, whatever
/// becomes of the file, until everything is read afresh.
const FORGOTTEN: &str = "forgotten on request";

/// Why a source that was forgotten is not read.
pub(crate) fn forgotten() -> Gap {
    Gap::new(FORGOTTEN).help("`docent index --full` reads it again")
}

/// Whether a source was forgotten.
pub(crate) fn is_forgotten(state: &SourceState) -> bool {
    matches!(state, SourceState::Skipped(gap) if gap.reason == FORGOTTEN)
}

/// A file that has to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ToRead {
    pub(crate) root: RootId,
    pub(crate) path: String,
    pub(crate) stamp: Stamp,
    /// What the catalog holds under this path.
    pub(crate) known: Option<(SourceId, Option<ContentHash>)>,
}

/// What a comparison of the folders with the catalog asks for.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Files to be read, by root and path.
    pub(crate) read: Vec<ToRead>,
    /// Files whose row changes without being read.
    pub(crate) unread: Vec<(RootId, Found)>,
    /// Files under a new path: the source, its root, path and stamp.
    pub(crate) moved: Vec<(SourceId, RootId, String, Stamp)>,
    /// Files that are gone and cannot have moved to any file that is to be read.
    pub(crate) removed: Vec<SourceId>,
    /// Files that are gone, unless one of the files to be read proves to be them.
    pub(crate) vanished: Vanished,
}

impl Plan {
    /// Whether the catalog already says what the folders hold.
    pub(crate) fn is_empty(&self) -> bool {
        self.read.is_empty()
            && self.unread.is_empty()
            && self.moved.is_empty()
            && self.removed.is_empty()
            && self.vanished.0.is_empty()
    }
}

/// Sources whose path is gone, waiting for a file of the same content.
#[derive(Debug, Default)]
pub(crate) struct Vanished(HashMap<ContentHash, Vec<SourceId>>);

impl Vanished {
    /// A vanished source of this content, which is then no longer vanished.
    pub(crate) fn take(&mut self, hash: &ContentHash) -> Option<SourceId> {
        let sources = self.0.get_mut(hash)?;
        let source = sources.pop();
        if sources.is_empty() {
            self.0.remove(hash);
        }
        source
    }

    /// All that no file proved to be.
    pub(crate) fn into_sources(self) -> Vec<SourceId> {
        let mut sources: Vec<SourceId> = self.0.into_values().flatten().collect();
        sources.sort_unstable();
        sources
    }
}

/// What was found below one root.
pub(crate) struct RootListing {
    pub(crate) root: RootId,
    /// The files; `None` when the root itself is not there, so that nothing is known of them.
    pub(crate) found: Option<Vec<Found>>,
    /// Folders below it that could not be listed; files below them are neither there nor gone.
    pub(crate) unlisted: Vec<String>,
}

/// Compares the catalog's sources with what was found; `again` has files read that did not
/// change.
pub(crate) fn plan(stored: &[StoredSource], listings: Vec<RootListing>, again: Again) -> Plan {
    let mut plan = Plan::default();
    let by_path: HashMap<(RootId, &str), &StoredSource> = stored
        .iter()
        .map(|source| ((source.root, source.path.as_str()), source))
        .collect();
    let mut gone: HashMap<SourceId, &StoredSource> =
        stored.iter().map(|source| (source.id, source)).collect();
    let mut new = Vec::new();
    for listing in listings {
        gone.retain(|_, source| source.root != listing.root || !out_of_sight(source, &listing));
        for found in listing.found.into_iter().flatten() {
            match by_path.get(&(listing.root, found.path.as_str())) {
                Some(source) => {
                    gone.remove(&source.id);
                    compare(source, found, again, &mut plan);
                }
                None => new.push((listing.root, found)),
            }
        }
    }
    place_new(new, &mut gone, &mut plan);
    part_with(gone, &mut plan);
    plan
}

/// Whether nothing can be said of a source because its folder was not listed.
fn out_of_sight(source: &StoredSource, listing: &RootListing) -> bool {
    listing.found.is_none()
        || listing.unlisted.iter().any(|folder| {
            folder.is_empty()
                || source
                    .path
                    .strip_prefix(folder.as_str())
                    .is_some_and(|rest| rest.starts_with('/'))
        })
}

/// A file under a path that the catalog knows.
fn compare(source: &StoredSource, found: Found, again: Again, plan: &mut Plan) {
    if again != Again::All && is_forgotten(&source.state) {
        return;
    }
    let again = match again {
        Again::None => false,
        Again::Unread => source.state != SourceState::Indexed || source.lacks_inside,
        Again::All => true,
    };
    let same = source.stamp == found.stamp;
    match &found.unread {
        Some(unread) => {
            if !same || !says(&source.state, unread) {
                plan.unread.push((source.root, found));
            }
        }
        // A file that was left out by its metadata has no content hash: it is read now.
        None if same && source.hash.is_some() && !again => {}
        None => plan.read.push(ToRead {
            root: source.root,
            path: found.path,
            stamp: found.stamp,
            // Without a hash nothing proves that the content is the same.
            known: Some((source.id, source.hash.filter(|_| !again))),
        }),
    }
}

fn says(state: &SourceState, unread: &Unread) -> bool {
    match (state, unread) {
        (SourceState::Skipped(known), Unread::Skipped(gap))
        | (SourceState::Failed(known), Unread::Failed(gap)) => known == gap,
        _ => false,
    }
}

/// Files under paths that the catalog does not know: moved, left out, or to be read.
fn place_new(
    new: Vec<(RootId, Found)>,
    gone: &mut HashMap<SourceId, &StoredSource>,
    plan: &mut Plan,
) {
    let mut by_inode: HashMap<(u64, u64), SourceId> = gone
        .values()
        .filter(|source| source.stamp.inode != 0 && source.hash.is_some())
        .map(|source| ((source.stamp.device, source.stamp.inode), source.id))
        .collect();
    for (root, found) in new {
        if found.unread.is_some() {
            plan.unread.push((root, found));
            continue;
        }
        let inode = (found.stamp.device, found.stamp.inode);
        let same = by_inode
            .get(&inode)
            .filter(|id| gone[id].stamp == found.stamp)
            .copied();
        if let Some(id) = same {
            by_inode.remove(&inode);
            gone.remove(&id);
            plan.moved.push((id, root, found.path, found.stamp));
        } else {
            plan.read.push(ToRead {
                root,
                path: found.path,
                stamp: found.stamp,
                known: None,
            });
        }
    }
}

/// What is gone is removed at once, unless a file that is to be read has its size: that one may
/// prove to be it.
fn part_with(gone: HashMap<SourceId, &StoredSource>, plan: &mut Plan) {
    let sizes: std::collections::HashSet<u64> = plan
        .read
        .iter()
        .filter(|file| file.known.is_none())
        .map(|file| file.stamp.size)
        .collect();
    let mut gone: Vec<&StoredSource> = gone.into_values().collect();
    gone.sort_unstable_by_key(|source| source.id);
    for source in gone {
        match source.hash {
            Some(hash) if sizes.contains(&source.stamp.size) => {
                plan.vanished.0.entry(hash).or_default().push(source.id);
            }
            _ => plan.removed.push(source.id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: RootId = RootId(1);

    fn stamp(inode: u64, size: u64) -> Stamp {
        Stamp {
            size,
            modified_ns: 5,
            device: 1,
            inode,
        }
    }

    fn hash(byte: u8) -> ContentHash {
        ContentHash([byte; 32])
    }

    fn stored(id: i64, path: &str, stamp: Stamp) -> StoredSource {
        StoredSource {
            id: SourceId(id),
            root: ROOT,
            path: path.into(),
            stamp,
            hash: Some(hash(id as u8)),
            state: SourceState::Indexed,
            lacks_inside: false,
            chunks: 1,
        }
    }

    fn found(path: &str, stamp: Stamp) -> Found {
        Found {
            path: path.into(),
            stamp,
            unread: None,
        }
    }

    fn listing(found: Vec<Found>) -> Vec<RootListing> {
        vec![RootListing {
            root: ROOT,
            found: Some(found),
            unlisted: vec![],
        }]
    }

    #[test]
    fn an_unchanged_folder_asks_for_nothing() {
        let plan = plan(
            &[stored(1, "a", stamp(1, 3))],
            listing(vec![found("a", stamp(1, 3))]),
            Again::None,
        );
        assert!(plan.is_empty());
    }

    #[test]
    fn a_changed_file_is_read_with_what_is_known_of_it() {
        let plan = plan(
            &[stored(1, "a", stamp(1, 3))],
            listing(vec![found("a", stamp(1, 4))]),
            Again::None,
        );
        assert_eq!(plan.read.len(), 1);
        assert_eq!(plan.read[0].known, Some((SourceId(1), Some(hash(1)))));
    }

    #[test]
    fn a_renamed_file_is_moved_without_being_read() {
        let plan = plan(
            &[stored(1, "a", stamp(1, 3))],
            listing(vec![found("b/c", stamp(1, 3))]),
            Again::None,
        );
        assert_eq!(plan.moved, [(SourceId(1), ROOT, "b/c".into(), stamp(1, 3))]);
        assert!(plan.read.is_empty() && plan.removed.is_empty());
    }

    #[test]
    fn a_file_gone_with_a_new_one_of_its_size_waits_for_the_proof() {
        let mut plan = plan(
            &[stored(1, "a", stamp(1, 3))],
            listing(vec![found("b", stamp(2, 3))]),
            Again::None,
        );
        assert_eq!(plan.read.len(), 1);
        assert!(plan.removed.is_empty());
        assert_eq!(plan.vanished.take(&hash(9)), None);
        assert_eq!(plan.vanished.take(&hash(1)), Some(SourceId(1)));
        assert!(plan.vanished.into_sources().is_empty());
    }

    #[test]
    fn a_deleted_file_is_removed_at_once() {
        let plan = plan(
            &[stored(1, "a", stamp(1, 3))],
            listing(vec![found("b", stamp(2, 9))]),
            Again::None,
        );
        assert_eq!(plan.removed, [SourceId(1)]);
    }

    #[test]
    fn what_is_out_of_sight_is_not_gone() {
        let known = [
            stored(1, "sub/a", stamp(1, 3)),
            stored(2, "subway", stamp(2, 3)),
        ];
        let away = vec![RootListing {
            root: ROOT,
            found: None,
            unlisted: vec![],
        }];
        assert!(plan(&known, away, Again::None).is_empty());
        let locked = vec![RootListing {
            root: ROOT,
            found: Some(vec![]),
            unlisted: vec!["sub".into()],
        }];
        assert_eq!(plan(&known, locked, Again::None).removed, [SourceId(2)]);
    }

    #[test]
    fn a_forgotten_file_stays_forgotten_until_all_is_read_again() {
        let mut source = stored(1, "a", stamp(1, 3));
        source.state = SourceState::Skipped(forgotten());
        let changed = || listing(vec![found("a", stamp(1, 9))]);
        assert!(plan(&[source.clone()], changed(), Again::None).is_empty());
        assert_eq!(plan(&[source], changed(), Again::All).read.len(), 1);
    }

    #[test]
    fn what_was_not_read_is_tried_again_on_request() {
        let mut scan = stored(1, "a", stamp(1, 3));
        scan.state = SourceState::Partial("needs OCR".into());
        let mut mail = stored(2, "b", stamp(2, 3));
        mail.lacks_inside = true;
        let known = [scan, mail, stored(3, "c", stamp(3, 3))];
        let unchanged = || {
            listing(vec![
                found("a", stamp(1, 3)),
                found("b", stamp(2, 3)),
                found("c", stamp(3, 3)),
            ])
        };
        assert!(plan(&known, unchanged(), Again::None).is_empty());
        let read = plan(&known, unchanged(), Again::Unread).read;
        let paths: Vec<&str> = read.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["a", "b"]);
    }

    #[test]
    fn a_reason_that_is_known_already_is_not_written_again() {
        let unread = Found {
            unread: Some(Unread::Skipped("too large".into())),
            ..found("a", stamp(1, 3))
        };
        let mut source = stored(1, "a", stamp(1, 3));
        source.state = SourceState::Skipped("too large".into());
        assert!(
            plan(
                &[source.clone()],
                listing(vec![unread.clone()]),
                Again::None
            )
            .is_empty()
        );
        source.state = SourceState::Indexed;
        assert_eq!(
            plan(&[source], listing(vec![unread]), Again::None)
                .unread
                .len(),
            1
        );
    }
}
