//! Jupyter notebooks: the cells in their order, with what the code among them printed.

use docent_core::document::{BlockKind, Document, Format, Locator};
use serde_json::Value;

use super::markdown;
use crate::blocks::count_lines;
use crate::charset::Decoded;
use crate::compose::Composer;
use crate::job::Refusal;

/// Reads a decoded notebook.
///
/// # Errors
/// Text that is no JSON, or no notebook.
pub(crate) fn read(decoded: Decoded) -> Result<Document, Refusal> {
    let notebook: Value = serde_json::from_str(&decoded.text)
        .map_err(|fault| format!("not a sound notebook: {fault}"))?;
    let cells = cells(&notebook).ok_or("not a notebook: it has no cells")?;
    let mut composer = Composer::new(Format::Notebook);
    composer.document().warnings = decoded.warnings;
    for (number, cell) in (1u32..).zip(cells) {
        let name = format!("cell {number}");
        // The third version calls the source of a code cell its input.
        let source = joined(cell.get("source").or_else(|| cell.get("input")));
        match cell.get("cell_type").and_then(Value::as_str) {
            Some("code") => push(&mut composer, code(), &source, &name, 1),
            Some("raw") => push(&mut composer, BlockKind::Paragraph, &source, &name, 1),
            _ => push_markdown(&mut composer, &source, &name),
        }
        let outputs = cell.get("outputs").and_then(Value::as_array);
        let name = format!("{name}, output");
        let mut line = 1;
        for output in outputs.into_iter().flatten() {
            let text = printed(output);
            push(&mut composer, code(), &text, &name, line);
            line += count_lines(text.as_bytes()) + 1;
        }
    }
    let title = notebook.pointer("/metadata/title").and_then(Value::as_str);
    if let Some(title) = title.and_then(super::title) {
        composer.document().title = Some(title);
    }
    Ok(composer.finish())
}

fn code() -> BlockKind {
    BlockKind::Code { item: None }
}

/// The cells of any version of the format: the third has them in worksheets.
fn cells(notebook: &Value) -> Option<Vec<&Value>> {
    if let Some(cells) = notebook.get("cells").and_then(Value::as_array) {
        return Some(cells.iter().collect());
    }
    let sheets = notebook.get("worksheets")?.as_array()?;
    Some(
        sheets
            .iter()
            .filter_map(|sheet| sheet.get("cells").and_then(Value::as_array))
            .flatten()
            .collect(),
    )
}

/// Text that may be written as a list of its lines.
fn joined(text: Option<&Value>) -> String {
    match text {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(lines)) => lines.iter().filter_map(Value::as_str).collect(),
        _ => String::new(),
    }
}

/// What an output says in plain text.
fn printed(output: &Value) -> String {
    let plain = output
        .get("text")
        .or_else(|| output.pointer("/data/text~1plain"));
    let text = match output.get("ename").and_then(Value::as_str) {
        Some(name) => format!("{name}: {}", joined(output.get("evalue"))),
        None => joined(plain),
    };
    without_colours(&text)
}

/// Text without the escape sequences of terminals.
fn without_colours(text: &str) -> String {
    let mut pieces = text.split("\u{1b}[");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = piece.find(|c: char| c.is_ascii_alphabetic());
        plain.push_str(end.map_or("", |end| &piece[end + 1..]));
    }
    plain
}

fn push_markdown(composer: &mut Composer, source: &str, name: &str) {
    let page = markdown::read(Decoded::from(source));
    let document = composer.document();
    if document.title.is_none() {
        document.title = page.title.clone();
    }
    for block in &page.blocks {
        let above = count_lines(&page.text.as_bytes()[..block.span.start]);
        let text = &page.text[block.span.clone()];
        push(composer, block.kind.clone(), text, name, above + 1);
    }
}

fn push(composer: &mut Composer, kind: BlockKind, text: &str, part: &str, first: u32) {
    let place = Locator::Part {
        part: part.to_owned(),
        first,
        last: first + count_lines(text.trim_end().as_bytes()),
    };
    composer.push(kind, text, place);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check;

    const NOTEBOOK: &str = r##"{"cells": [
        {"cell_type": "markdown", "source": ["# Mice\n", "\n", "We count them."]},
        {"cell_type": "code", "source": "print(3)", "outputs": [
            {"output_type": "stream", "text": ["\u001b[31m3\u001b[0m\n"]},
            {"output_type": "execute_result", "data": {"text/plain": "4", "image/png": "iVBO"}},
            {"output_type": "error", "ename": "ValueError", "evalue": "no mice"}]}
        ], "metadata": {}, "nbformat": 4}"##;

    #[test]
    fn cells_are_parts() {
        let document = read(NOTEBOOK.into()).unwrap();
        assert_eq!(check(&document), Ok(()));
        assert_eq!(document.title.as_deref(), Some("Mice"));
        assert_eq!(
            document.text,
            "# Mice\n\nWe count them.\n\nprint(3)\n\n3\n\n4\n\nValueError: no mice"
        );
        let at = document.text.find("count").unwrap();
        assert_eq!(
            document.locate(at..at + 5).unwrap().to_string(),
            "cell 1, line 3"
        );
        let at = document.text.find("no mice").unwrap();
        let place = document.locate(at..at + 2).unwrap().to_string();
        assert!(place.starts_with("cell 2, output, line "), "{place}");
    }

    #[test]
    fn what_is_no_notebook_says_so() {
        for text in ["{", "{}", "[1]", "\"x\""] {
            assert!(read(text.into()).is_err(), "{text}");
        }
    }
}
