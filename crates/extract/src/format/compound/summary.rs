//! What an old Office file says of itself: the stream `\u{5}SummaryInformation` (MS-OLEPS), which
//! Hangul documents have under a name of their own.

use docent_core::document::Locator;
use encoding_rs::Encoding;

use super::{Compound, u32_at, utf16};
use crate::compose::Composer;
use crate::format::flow::push_about;
use crate::format::rtf::by_code_page;
use crate::format::sheet::number_format::civil;

const CODE_PAGE: u32 = 1;
const TITLE: u32 = 2;
const SUBJECT: u32 = 3;
const AUTHOR: u32 = 4;
const KEYWORDS: u32 = 5;
const COMMENTS: u32 = 6;
const CREATED: u32 = 12;
const MODIFIED: u32 = 13;

/// More properties than this are no summary.
const MAX_PROPERTIES: usize = 200;

/// Tells what the file says of the document; what is not shown elsewhere comes to stand at
/// `place`, hidden.
pub(in crate::format) fn read(file: &Compound<'_>, composer: &mut Composer, place: Locator) {
    let names = ["\u{5}SummaryInformation", "\u{5}HwpSummaryInformation"];
    let Some(stream) = names.into_iter().find_map(|name| file.stream(name)) else {
        return;
    };
    let summary = Summary { stream: &stream };
    let text = |id| summary.text(id).unwrap_or_default();
    composer.property("author", &text(AUTHOR));
    composer.property("created", &summary.time(CREATED).unwrap_or_default());
    composer.property("modified", &summary.time(MODIFIED).unwrap_or_default());
    let title = text(TITLE);
    composer.document().title = crate::format::title(&title);
    push_about(
        composer,
        &[
            ("Title", &title),
            ("Subject", &text(SUBJECT)),
            ("Keywords", &text(KEYWORDS)),
            ("Description", &text(COMMENTS)),
        ],
        place,
    );
}

struct Summary<'s> {
    stream: &'s [u8],
}

impl Summary<'_> {
    /// Where a property lies.
    fn find(&self, id: u32) -> Option<usize> {
        let set = u32_at(self.stream, 44)? as usize;
        let count = (u32_at(self.stream, set.checked_add(4)?)? as usize).min(MAX_PROPERTIES);
        (0..count).find_map(|at| {
            let entry = set.checked_add(8 + at * 8)?;
            let is_it = u32_at(self.stream, entry)? == id;
            let offset = u32_at(self.stream, entry + 4)? as usize;
            is_it.then_some(set.checked_add(offset)?)
        })
    }

    fn text(&self, id: u32) -> Option<String> {
        let at = self.find(id)?;
        let length = u32_at(self.stream, at + 4)? as usize;
        let rest = self.stream.get(at + 8..)?;
        let text = match u32_at(self.stream, at)? {
            0x1e => {
                let bytes = rest.get(..length.min(rest.len()))?;
                self.page()
                    .decode_without_bom_handling(bytes)
                    .0
                    .into_owned()
            }
            0x1f => utf16(rest.get(..length.saturating_mul(2).min(rest.len()))?),
            _ => return None,
        };
        Some(text.split('\0').next().unwrap_or_default().to_owned())
    }

    fn page(&self) -> &'static Encoding {
        let number = self
            .find(CODE_PAGE)
            .and_then(|at| u32_at(self.stream, at + 4));
        let page = number.and_then(|number| by_code_page((number & 0xffff) as i32));
        page.unwrap_or(encoding_rs::WINDOWS_1252)
    }

    /// A time in units of 100 nanoseconds since 1601, as RFC 3339.
    fn time(&self, id: u32) -> Option<String> {
        let at = self.find(id)?;
        if u32_at(self.stream, at)? != 0x40 {
            return None;
        }
        let low = u64::from(u32_at(self.stream, at + 4)?);
        let high = u64::from(u32_at(self.stream, at + 8)?);
        let seconds = i64::try_from((high << 32 | low) / 10_000_000).ok()? - 11_644_473_600;
        if seconds <= 0 {
            return None;
        }
        let (year, month, day) = civil(seconds / 86_400);
        let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
        Some(format!(
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
        ))
    }
}
