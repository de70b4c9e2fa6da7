//! Subtitles and transcripts: WebVTT and SubRip. A cue to a line, its time before it, and the
//! cues between two silences to a paragraph.

use docent_core::document::{BlockKind, Document, Format};

use crate::charset::Decoded;
use crate::compose::Composer;

/// A silence of so many seconds ends a paragraph.
const SILENCE_SECONDS: u64 = 4;

/// A paragraph of so many cues ends where a sentence does.
const PARAGRAPH_CUES: usize = 8;

/// A paragraph has no more cues than this.
const MAX_CUES: usize = 20;

/// Reads decoded subtitles.
pub(crate) fn read(decoded: Decoded) -> Document {
    let mut composer = Composer::new(Format::Transcript);
    let text = decoded.text.replace("\r\n", "\n");
    let mut paragraph: Vec<Cue> = Vec::new();
    for group in groups(&text) {
        let Some(cue) = Cue::of(&group) else {
            if let Some(note) = note(&group) {
                push(&mut composer, &mut paragraph);
                composer.push_rendered(BlockKind::Paragraph, &note, false);
            }
            continue;
        };
        if paragraph
            .last()
            .is_some_and(|last| ends(last, &cue, paragraph.len()))
        {
            push(&mut composer, &mut paragraph);
        }
        // Captions that roll repeat their last line.
        match paragraph.last_mut() {
            Some(last) if last.words == cue.words => last.end = cue.end,
            _ if cue.words.is_empty() => {}
            _ => paragraph.push(cue),
        }
    }
    push(&mut composer, &mut paragraph);
    if composer.document().blocks.is_empty() {
        return super::text::read(decoded);
    }
    composer.document().warnings = decoded.warnings;
    composer.finish()
}

/// Text that is shown for a time.
struct Cue {
    start: u64,
    end: u64,
    words: String,
}

impl Cue {
    /// The cue of a group of lines: a number or a name it may have, its times, its text.
    fn of(lines: &[&str]) -> Option<Cue> {
        let timing = lines.iter().take(2).position(|line| line.contains("-->"))?;
        let (start, rest) = lines[timing].split_once("-->")?;
        let end = rest.split_whitespace().next()?;
        let words: Vec<String> = lines[timing + 1..]
            .iter()
            .map(|line| spoken(line))
            .collect();
        let words = words.join(" ");
        Some(Cue {
            start: seconds(start.trim())?,
            end: seconds(end)?,
            words: words.split_whitespace().collect::<Vec<_>>().join(" "),
        })
    }
}

fn push(composer: &mut Composer, paragraph: &mut Vec<Cue>) {
    let lines: Vec<String> = paragraph
        .drain(..)
        .map(|cue| format!("{} {}", clock(cue.start), cue.words))
        .collect();
    composer.push_rendered(BlockKind::Paragraph, &lines.join("\n"), false);
}

fn ends(last: &Cue, next: &Cue, cues: usize) -> bool {
    let silent = next.start >= last.end.saturating_add(SILENCE_SECONDS);
    let sentence = last.words.ends_with(['.', '?', '!', '。', '？', '！', '…']);
    silent || cues >= MAX_CUES || (cues >= PARAGRAPH_CUES && sentence)
}

/// Lines between blank lines.
fn groups(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let mut lines = text.lines();
    std::iter::from_fn(move || {
        let first = lines.find(|line| !line.trim().is_empty())?;
        let mut group = vec![first];
        group.extend(lines.by_ref().take_while(|line| !line.trim().is_empty()));
        Some(group)
    })
}

/// What an author noted beside the cues; style and regions are for players.
fn note(lines: &[&str]) -> Option<String> {
    let first = lines.first()?.trim_start_matches('\u{feff}');
    let rest = ["NOTE", "WEBVTT"]
        .into_iter()
        .find_map(|word| first.strip_prefix(word))?;
    let words = std::iter::once(rest.trim_start_matches([' ', '-', '\t']))
        .chain(lines[1..].iter().copied())
        .collect::<Vec<_>>();
    let words = words.join("\n");
    (!words.trim().is_empty()).then(|| words.trim().to_owned())
}

/// `01:02:03.456`, `02:03.456` or `01:02:03,456`, in whole seconds.
fn seconds(time: &str) -> Option<u64> {
    let whole = time.split(['.', ',']).next()?;
    whole.split(':').try_fold(0u64, |sum, digits| {
        sum.checked_mul(60)?
            .checked_add(digits.trim().parse().ok()?)
    })
}

fn clock(seconds: u64) -> String {
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}", seconds % 60)
}

/// The words of a line: who says them, tags taken out, entities resolved.
fn spoken(line: &str) -> String {
    let mut words = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, tag_on)) = rest.split_once('<') {
        words.push_str(before);
        let Some((tag, behind)) = tag_on.split_once('>') else {
            words.push('<');
            rest = tag_on;
            continue;
        };
        // `<v.loud Mary>`: a voice is named, with classes.
        if let Some(speaker) = tag.strip_prefix('v').and_then(|rest| rest.split_once(' ')) {
            words.push_str(speaker.1.trim());
            words.push_str(": ");
        }
        rest = behind;
    }
    words.push_str(rest);
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&nbsp;", " "),
        ("&lrm;", ""),
        ("&rlm;", ""),
        ("&amp;", "&"),
    ];
    entities
        .into_iter()
        .fold(words, |words, (name, character)| {
            words.replace(name, character)
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::check;

    #[test]
    fn cues_become_paragraphs_with_their_times() {
        let text = "WEBVTT\n\nNOTE by hand\n\n1\n00:00.000 --> 00:02.000 align:left\n\
                    <v.loud Esme>It is a <i>blue</i>\napple tree!\n\n00:02.000 --> 00:04.000\n\
                    <v Mary>No &amp; no!\n\n01:00:10.000 --> 01:00:12.000\nLater.\n";
        let document = read(text.into());
        assert_eq!(check(&document), Ok(()));
        assert_eq!(
            document.text,
            "by hand\n\n00:00:00 Esme: It is a blue apple tree!\n00:00:02 Mary: No & no!\n\n\
             01:00:10 Later."
        );
    }

    #[test]
    fn subrip_is_read_alike_and_rolling_captions_once() {
        let text = "1\r\n00:00:01,000 --> 00:00:02,000\r\nHello.\r\n\r\n2\r\n\
                    00:00:02,000 --> 00:00:03,000\r\nHello.\r\n\r\n";
        assert_eq!(read(text.into()).text, "00:00:01 Hello.");
    }

    #[test]
    fn what_has_no_cues_is_text() {
        assert_eq!(read("words only\n".into()).text, "words only\n");
    }

    proptest! {
        #[test]
        fn any_text_is_sound(text in "(-->|[0-9:,.]{0,9}|<v a>|<|>|&amp;|word|é|\n){0,40}") {
            prop_assert_eq!(check(&read(text.as_str().into())), Ok(()));
        }
    }
}
