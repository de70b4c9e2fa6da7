//! Reports that leave docent: a conversation, or whatever else rests on citations, as Markdown
//! or HTML with its citations as footnotes.
//!
//! All that comes from documents is text in the result: no markup, link or script of theirs
//! becomes live, in whatever program the report is opened.

use crate::answer::{Answer, Sentence, Support, one_line, without_marks};
use crate::citation::Citation;
use crate::redact::{Kind, Redactor};

mod html;
mod markdown;

/// How a report is written down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Layout {
    /// Markdown with footnotes.
    #[default]
    Markdown,
    /// One HTML file that needs nothing else and runs nothing.
    Html,
    /// Markdown as pandoc makes a word processor's document of: a title block, headings,
    /// footnotes, no HTML.
    Docx,
}

/// Something that is told, with what it rests on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// What it is called.
    pub title: String,
    /// Its parts, each below a heading.
    pub sections: Vec<Section>,
    /// The footnotes; the first is number 1.
    pub notes: Vec<Note>,
    /// What a reader should know about the whole.
    pub remarks: Vec<String>,
}

/// A part of a report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Section {
    /// Its heading: a question, say.
    pub heading: String,
    /// What is told, in order.
    pub parts: Vec<Part>,
}

/// A paragraph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Words of a document.
    Quote(Run),
    /// Words about documents.
    Paragraph(Vec<Run>),
}

/// Words with what they rest on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Run {
    /// The words.
    pub text: String,
    /// Numbers of footnotes.
    pub notes: Vec<usize>,
    /// Whether they claim something that nothing supports.
    pub unsupported: bool,
}

/// A footnote: where something stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Note {
    /// The file.
    pub path: String,
    /// The place in it: `page 3`.
    pub place: String,
    /// What stands there.
    pub quote: String,
}

/// What is said of a report whose words were replaced.
const REDACTED: &str = "Names, addresses, dates of birth and numbers were replaced by labels, by rules: this is a help \
     and no proof that nothing is left. Quotes with a label are not word for word.";
/// What is said of a report with sentences that nothing supports.
const UNSUPPORTED: &str = "A sentence that begins with ? has no support in what was found.";

impl Report {
    /// A conversation: for each question what was quoted and what the model wrote.
    pub fn of_conversation<'a>(
        title: &str,
        exchanges: impl IntoIterator<Item = (&'a str, &'a Answer)>,
    ) -> Report {
        let mut report = Report {
            title: one_line(title),
            ..Report::default()
        };
        for (question, answer) in exchanges {
            report.add(question, answer);
        }
        let unsupported = |part: &Part| matches!(part, Part::Paragraph(runs) if runs.iter().any(|run| run.unsupported));
        if report
            .sections
            .iter()
            .any(|section| section.parts.iter().any(unsupported))
        {
            report.remarks.push(UNSUPPORTED.to_owned());
        }
        report
    }

    fn add(&mut self, question: &str, answer: &Answer) {
        // Numbers of citations begin again with each answer, those of footnotes do not.
        let before = self.notes.len();
        self.notes.extend(answer.citations.iter().map(note));
        let number = |cited: usize| {
            let place = answer.citations.iter().position(|c| c.number == cited);
            place.map(|place| before + place + 1)
        };
        let quoted = answer.evidence.iter().filter_map(|cited| {
            let citation = answer.citations.iter().find(|c| c.number == *cited)?;
            Some(Part::Quote(Run {
                text: one_line(&citation.quote),
                notes: number(*cited).into_iter().collect(),
                unsupported: false,
            }))
        });
        let finding = answer.finding.iter().map(|finding| {
            let (text, cited) = without_marks(finding);
            let notes = cited.into_iter().filter_map(number).collect();
            Part::Paragraph(vec![Run {
                text,
                notes,
                unsupported: false,
            }])
        });
        let mut parts: Vec<Part> = finding.chain(quoted).collect();
        let said = |sentence: &Sentence| Run {
            text: one_line(&sentence.text),
            notes: match &sentence.support {
                Support::Cited { citations } => citations
                    .iter()
                    .filter_map(|cited| number(*cited))
                    .collect(),
                _ => Vec::new(),
            },
            unsupported: sentence.support == Support::Unsupported,
        };
        if !answer.sentences.is_empty() {
            parts.push(Part::Paragraph(answer.sentences.iter().map(said).collect()));
        }
        let mut remark = |text: &str| {
            parts.push(Part::Paragraph(vec![Run {
                text: text.to_owned(),
                ..Run::default()
            }]));
        };
        if answer.abstained {
            remark("Nothing that bears on this was found.");
        }
        if answer.stopped {
            remark("The answer was stopped here.");
        }
        self.sections.push(Section {
            heading: one_line(question),
            parts,
        });
    }

    /// The report with labels in place of what tells who somebody is, and how much was replaced,
    /// by kind.
    pub fn redacted(mut self) -> (Report, Vec<(Kind, usize)>) {
        let paths: Vec<String> = self.notes.iter().map(|note| note.path.clone()).collect();
        let mut texts = Vec::new();
        self.each_text(&mut |text| texts.push(text.clone()));
        let mut redactor = Redactor::learn(
            texts.iter().map(String::as_str),
            paths.iter().map(String::as_str),
        );
        self.each_text(&mut |text| *text = redactor.redact(text));
        for note in &mut self.notes {
            note.path = redactor.redact_path(&note.path);
        }
        self.remarks.push(REDACTED.to_owned());
        let counts = redactor.counts().collect();
        (self, counts)
    }

    /// Every text but paths and remarks, in reading order.
    fn each_text(&mut self, change: &mut dyn FnMut(&mut String)) {
        change(&mut self.title);
        for section in &mut self.sections {
            change(&mut section.heading);
            for part in &mut section.parts {
                match part {
                    Part::Quote(run) => change(&mut run.text),
                    Part::Paragraph(runs) => {
                        for run in runs {
                            change(&mut run.text);
                        }
                    }
                }
            }
        }
        for note in &mut self.notes {
            change(&mut note.place);
            change(&mut note.quote);
        }
    }

    /// The report, written down.
    pub fn to_text(&self, layout: Layout) -> String {
        match layout {
            Layout::Markdown => markdown::write(self, markdown::Title::Heading),
            Layout::Docx => markdown::write(self, markdown::Title::Block),
            Layout::Html => html::write(self),
        }
    }
}

fn note(citation: &Citation) -> Note {
    Note {
        path: citation.path.clone(),
        place: citation.locator.to_string(),
        quote: one_line(&citation.quote),
    }
}

/// Text on one line, without characters that steer a terminal, a page or the direction of
/// writing.
fn harmless(text: &str) -> String {
    let steers = |c: &char| {
        c.is_control()
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    one_line(text).chars().filter(|c| !steers(c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Locator;

    fn answer(quote: &str) -> Answer {
        Answer {
            evidence: vec![1],
            sentences: vec![
                Sentence {
                    text: "Anna Berg pays two months' rent.".into(),
                    support: Support::Cited { citations: vec![1] },
                },
                Sentence {
                    text: "The cat stays.".into(),
                    support: Support::Unsupported,
                },
            ],
            citations: vec![Citation {
                number: 1,
                passage: 1,
                path: "home/berg-anna.pdf".into(),
                locator: Locator::page(3, 4, 6),
                quote: quote.into(),
                start: 0,
                end: quote.len(),
            }],
            ..Answer::default()
        }
    }

    fn report(quote: &str) -> Report {
        let answer = answer(quote);
        Report::of_conversation(
            "The lease",
            [("Who pays?", &answer), ("And later?", &answer)],
        )
    }

    #[test]
    fn citations_are_footnotes_with_path_and_page_numbered_through() {
        let text = report("The rent is due.").to_text(Layout::Markdown);
        let expected = "# The lease\n\n## Who pays?\n\n> “The rent is due.” [^1]\n\n\
                        Anna Berg pays two months' rent.[^1] ? The cat stays.\n\n## And later?\n\n";
        assert!(text.starts_with(expected), "{text}");
        assert!(
            text.contains("\n[^2]: home/berg-anna.pdf, page 3: “The rent is due.”\n"),
            "{text}"
        );
        assert!(text.contains("begins with ?"), "{text}");
    }

    #[test]
    fn pandoc_gets_a_title_block_and_no_html() {
        let text = report("<b>due</b>").to_text(Layout::Docx);
        assert!(text.starts_with("% The lease\n\n# Who pays?\n"), "{text}");
        assert!(text.contains("\\<b\\>due\\</b\\>"), "{text}");
    }

    #[test]
    fn nothing_of_a_document_becomes_live() {
        let hostile = "<script>alert(1)</script> [x](https://evil.example) ![i](http://e.example/p.png) \
                       www.evil.example <javascript:x> `code` $x$ [^9] \u{202e}&lt;\u{7}";
        let report = report(hostile);
        let html = report.to_text(Layout::Html);
        assert!(
            !html.contains("<script") && !html.contains("<img"),
            "{html}"
        );
        let links: Vec<&str> = html.split("href=\"").skip(1).collect();
        assert!(links.iter().all(|link| link.starts_with('#')), "{html}");
        assert!(html.contains("default-src &#39;none&#39;") || html.contains("default-src 'none'"));
        assert!(!html.contains('\u{202e}') && !html.contains('\u{7}'));
        for layout in [Layout::Markdown, Layout::Docx] {
            let text = report.to_text(layout);
            assert_eq!(text.matches('<').count(), text.matches("\\<").count());
            for live in [
                "[x](", "https://", "http://", "www.evil", " `code`", "$x$ ", " [^9]",
            ] {
                assert!(!text.contains(live), "{live}: {text}");
            }
        }
    }

    #[test]
    fn a_redacted_report_names_nobody_anywhere() {
        let (report, counts) =
            report("Anna Berg, born 3 May 1970, pays to account 77120944.").redacted();
        for layout in [Layout::Markdown, Layout::Html, Layout::Docx] {
            let text = report.to_text(layout).to_lowercase();
            for secret in ["anna", "berg", "1970", "77120944"] {
                assert!(!text.contains(secret), "{secret}: {text}");
            }
            assert!(
                text.contains("person a") && text.contains("no proof"),
                "{text}"
            );
            assert!(text.contains("home/person a.pdf"), "{text}");
        }
        assert!(
            counts
                .iter()
                .any(|(kind, count)| *kind == Kind::Person && *count >= 4),
            "{counts:?}"
        );
    }
}
