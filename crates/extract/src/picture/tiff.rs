//! The pages of a TIFF file: a chain of directories, each with the place of the next.
//!
//! Format: TIFF revision 6.0, section 2.

/// `NewSubfileType`, bit 0 of which says that a picture is a smaller version of another.
const SUBFILE_TYPE: u16 = 254;

/// The length of an entry of a directory.
const ENTRY_BYTES: usize = 12;

/// The places of the directories of a file's pages, at most `max`; empty for what is no TIFF.
pub(super) fn directories(bytes: &[u8], max: usize) -> Vec<u32> {
    let mut places = Vec::new();
    let Some(file) = File::open(bytes) else {
        return places;
    };
    let mut seen = Vec::new();
    let mut next = file.u32(4).unwrap_or(0);
    while next != 0 && !seen.contains(&next) && seen.len() < max {
        seen.push(next);
        let Some((is_page, following)) = file.directory(next as usize) else {
            break;
        };
        if is_page {
            places.push(next);
        }
        next = following;
    }
    places
}

/// The same file with the directory at `place` as its first.
pub(super) fn beginning_at(bytes: &[u8], place: u32) -> Vec<u8> {
    let mut copy = bytes.to_vec();
    if let (Some(file), Some(first)) = (File::open(bytes), copy.get_mut(4..8)) {
        first.copy_from_slice(&match file.big_endian {
            true => place.to_be_bytes(),
            false => place.to_le_bytes(),
        });
    }
    copy
}

struct File<'b> {
    bytes: &'b [u8],
    big_endian: bool,
}

impl<'b> File<'b> {
    fn open(bytes: &'b [u8]) -> Option<File<'b>> {
        let big_endian = match bytes.get(..4)? {
            b"II*\0" => false,
            b"MM\0*" => true,
            _ => return None,
        };
        Some(File { bytes, big_endian })
    }

    /// Whether the directory at `place` is a page's, and where the next one lies.
    fn directory(&self, place: usize) -> Option<(bool, u32)> {
        let entries = usize::from(self.u16(place)?);
        let first = place + 2;
        let entry = |index: usize| first + index * ENTRY_BYTES;
        let smaller = (0..entries)
            .map(entry)
            .take_while(|at| at + ENTRY_BYTES <= self.bytes.len())
            .find(|at| self.u16(*at) == Some(SUBFILE_TYPE))
            .and_then(|at| self.u32(at + 8))
            .is_some_and(|kind| kind & 1 == 1);
        Some((!smaller, self.u32(entry(entries)).unwrap_or(0)))
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let bytes = self.bytes.get(at..)?.first_chunk()?;
        Some(match self.big_endian {
            true => u16::from_be_bytes(*bytes),
            false => u16::from_le_bytes(*bytes),
        })
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let bytes = self.bytes.get(at..)?.first_chunk()?;
        Some(match self.big_endian {
            true => u32::from_be_bytes(*bytes),
            false => u32::from_le_bytes(*bytes),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A file whose directories hold one entry each: the kind, and where the next one lies.
    fn chain(directories: &[(u32, u32)]) -> Vec<u8> {
        let mut file = b"II*\0\x08\0\0\0".to_vec();
        for (kind, next) in directories {
            file.extend(1u16.to_le_bytes());
            file.extend(SUBFILE_TYPE.to_le_bytes());
            file.extend(4u16.to_le_bytes());
            file.extend(1u32.to_le_bytes());
            file.extend(kind.to_le_bytes());
            file.extend(next.to_le_bytes());
        }
        file
    }

    #[test]
    fn smaller_versions_are_no_pages_and_circles_end() {
        assert_eq!(directories(&chain(&[(0, 26), (1, 44), (2, 8)]), 9), [8, 44]);
        assert_eq!(directories(&chain(&[(0, 26), (0, 0)]), 1), [8]);
        assert!(directories(b"II*\0", 9).is_empty());
    }

    #[test]
    fn a_file_begins_at_the_page_that_is_asked_for() {
        let file = chain(&[(0, 26), (0, 0)]);
        assert_eq!(directories(&beginning_at(&file, 26), 9), [26]);
        assert_eq!(beginning_at(b"no", 26), b"no");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_have_few_pages(rest in prop::collection::vec(any::<u8>(), 0..200)) {
            for mark in [b"II*\0", b"MM\0*"] {
                let file = [&mark[..], &rest[..]].concat();
                prop_assert!(directories(&file, 5).len() <= 5);
                beginning_at(&file, 7);
            }
        }
    }
}
