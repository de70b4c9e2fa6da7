//! The characters of a document, which lie in the file in pieces (MS-DOC 2.8.35).

use encoding_rs::WINDOWS_1252;

use super::super::compound::{u16_at, u32_at};
use super::fib::Fib;

/// The characters of all stories, and where in the file each lies.
pub(super) struct Text {
    /// UTF-16 units.
    pub(super) units: Vec<u16>,
    /// For each piece its first character, its place and the bytes of a character.
    pieces: Vec<(u32, u32, u32)>,
}

impl Text {
    pub(super) fn read(fib: &Fib<'_>, main: &[u8], table: &[u8]) -> Text {
        let mut text = Text {
            units: Vec::new(),
            pieces: Vec::new(),
        };
        if fib.is_old {
            let range = fib.old_text();
            text.push(main, range.start, range.len(), 1);
            return text;
        }
        let Some(pieces) = piece_table(fib.part(table, 0x1a2)) else {
            return text;
        };
        // The table is an array of ends and one of pieces.
        let count = pieces.len().saturating_sub(4) / 12;
        for at in 0..count {
            let end = |at: usize| u32_at(pieces, at * 4);
            let place = u32_at(pieces, (count + 1) * 4 + at * 8 + 2);
            let (Some(first), Some(last), Some(place)) = (end(at), end(at + 1), place) else {
                break;
            };
            let length = last.saturating_sub(first) as usize;
            match place & 0x4000_0000 {
                0 => text.push(main, place as usize, length, 2),
                _ => text.push(main, (place & 0x3fff_ffff) as usize / 2, length, 1),
            }
        }
        text
    }

    /// Adds characters of `width` bytes each; what lies beyond the file is left out.
    fn push(&mut self, main: &[u8], place: usize, length: usize, width: usize) {
        let first = self.units.len() as u32;
        let end = place
            .saturating_add(length.saturating_mul(width))
            .min(main.len());
        let bytes = main.get(place..end).unwrap_or_default();
        // Pieces may overlap in a hostile file; together they are no more than twice the file.
        if self.units.len() + bytes.len() / width > main.len().saturating_mul(2) {
            return;
        }
        self.pieces.push((first, place as u32, width as u32));
        match width {
            1 => {
                let decode = |byte: &u8| {
                    let (text, _) =
                        WINDOWS_1252.decode_without_bom_handling(std::slice::from_ref(byte));
                    text.encode_utf16().next().unwrap_or(0xfffd)
                };
                self.units.extend(bytes.iter().map(decode));
            }
            _ => self
                .units
                .extend(bytes.chunks_exact(2).filter_map(|unit| u16_at(unit, 0))),
        }
    }

    /// Where in the file a character lies.
    pub(super) fn place(&self, character: u32) -> u32 {
        let after = self.pieces.partition_point(|piece| piece.0 <= character);
        match self.pieces.get(after.wrapping_sub(1)) {
            Some((first, place, width)) => {
                place.saturating_add((character - first).saturating_mul(*width))
            }
            None => 0,
        }
    }
}

/// The table of pieces, behind formats that are skipped.
fn piece_table(clx: &[u8]) -> Option<&[u8]> {
    let mut at = 0;
    loop {
        match clx.get(at)? {
            1 => at += 3 + usize::from(u16_at(clx, at + 1)?),
            2 => {
                let size = u32_at(clx, at + 1)? as usize;
                let rest = clx.get(at + 5..)?;
                return rest.get(..size.min(rest.len()));
            }
            _ => return None,
        }
    }
}
