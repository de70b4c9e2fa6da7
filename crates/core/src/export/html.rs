//! A report as one HTML file: its style inside, no script, no link but to its own footnotes.

use super::{Part, Report, Run, harmless};

/// How it looks, on a screen and on paper.
const STYLE: &str = "body{max-width:44rem;margin:2rem auto;padding:0 1rem;font:1rem/1.5 serif;color:#222;background:#fff}\
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}\
blockquote{margin:.6rem 0;padding-left:1rem;border-left:.2rem solid #999}\
.unsupported{color:#a00}sup a,li a{text-decoration:none}ol{font-size:.9rem}.path{font-family:monospace}\
.remark{font-style:italic}";

/// Forbids whatever might be loaded or run, should something have been overlooked.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// Writes a report.
pub(super) fn write(report: &Report) -> String {
    let title = escaped(&report.title);
    let mut text = format!(
        "<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
    );
    for section in &report.sections {
        text += &format!("<h2>{}</h2>\n", escaped(&section.heading));
        for part in &section.parts {
            text += &match part {
                Part::Quote(run) => format!(
                    "<blockquote>“{}”{}</blockquote>\n",
                    escaped(&run.text),
                    marks(run)
                ),
                Part::Paragraph(runs) => {
                    let runs: Vec<String> = runs.iter().map(said).collect();
                    format!("<p>{}</p>\n", runs.join(" "))
                }
            };
        }
    }
    for remark in &report.remarks {
        text += &format!("<p class=\"remark\">{}</p>\n", escaped(remark));
    }
    text += "<hr>\n<ol>\n";
    for (note, number) in report.notes.iter().zip(1..) {
        text += &format!(
            "<li id=\"note-{number}\"><span class=\"path\">{}</span>, {}: “{}”</li>\n",
            escaped(&note.path),
            escaped(&note.place),
            escaped(&note.quote)
        );
    }
    text + "</ol>\n</body>\n</html>\n"
}

fn said(run: &Run) -> String {
    let words = escaped(&run.text);
    match run.unsupported {
        true => format!("<span class=\"unsupported\">? {words}</span>"),
        false => format!("{words}{}", marks(run)),
    }
}

fn marks(run: &Run) -> String {
    let mark = |number: &usize| format!("<sup><a href=\"#note-{number}\">{number}</a></sup>");
    run.notes.iter().map(mark).collect()
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in harmless(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
