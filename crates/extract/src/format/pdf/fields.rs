//! What stands on a page beside its content: the values of form fields, and notes.

use hayro_syntax::object::{Array, Dict, Name, Object, Stream, String as PdfString};
use hayro_syntax::page::Page;

use super::geometry::{Bounds, Matrix};
use super::info::{decode, text};

/// As many annotations of a page are looked at.
const MAX_ANNOTATIONS: usize = 10_000;

/// Fields within fields: so many deep.
const MAX_PARENTS: usize = 32;

/// A longer value is cut.
const MAX_VALUE_BYTES: usize = 64 << 10;

/// A note or the value of a field, with its box on the page.
#[derive(Debug)]
pub(super) struct Remark {
    pub(super) text: String,
    pub(super) bounds: Bounds,
}

/// The annotations of a page.
pub(super) fn annotations<'a>(page: &Page<'a>) -> impl Iterator<Item = Dict<'a>> + use<'a> {
    let all = page.raw().get::<Array<'a>>("Annots");
    all.into_iter()
        .flat_map(|all| all.iter::<Dict<'a>>())
        .take(MAX_ANNOTATIONS)
}

/// The values of the fields of a page and its notes, from top to bottom.
pub(super) fn remarks(page: &Page<'_>) -> Vec<Remark> {
    let to_page = Matrix(page.initial_transform(true).as_coeffs());
    let mut remarks: Vec<Remark> = annotations(page)
        .filter(|annotation| !is_hidden(annotation))
        .filter_map(|annotation| {
            let text = match annotation.get::<Name<'_>>("Subtype")?.as_str() {
                "Widget" => field(&annotation)?,
                "Text" | "FreeText" | "Highlight" | "Underline" | "StrikeOut" | "Squiggly"
                | "Caret" | "Ink" | "Square" | "Circle" | "Line" | "Polygon" | "PolyLine"
                | "Stamp" | "FileAttachment" => text(&annotation, "Contents")?,
                _ => return None,
            };
            let rectangle = annotation.get::<[f64; 4]>("Rect").unwrap_or_default();
            let bounds = to_page.bounds(rectangle);
            Some(Remark { text, bounds })
        })
        .collect();
    remarks.sort_by(|a, b| {
        let rows = (a.bounds.center().1 / 8.0)
            .floor()
            .total_cmp(&(b.bounds.center().1 / 8.0).floor());
        rows.then(a.bounds.left.total_cmp(&b.bounds.left))
    });
    remarks
}

/// Whether an annotation says that it is not to be shown (PDF 32000-1:2008, table 165).
fn is_hidden(annotation: &Dict<'_>) -> bool {
    const INVISIBLE_OR_HIDDEN: i32 = 0b11;
    const NO_VIEW: i32 = 1 << 5;
    let flags = annotation.get::<i32>("F").unwrap_or(0);
    flags & (INVISIBLE_OR_HIDDEN | NO_VIEW) != 0
}

/// `label: value` of a filled-in field.
fn field(widget: &Dict<'_>) -> Option<String> {
    let chain = chain(widget);
    let kind = chain.iter().find_map(|field| field.get::<Name<'_>>("FT"))?;
    let value = match kind.as_str() {
        "Btn" if is_push_button(&chain) => {
            return text(&widget.get::<Dict<'_>>("MK")?, "CA");
        }
        "Btn" => switched_on(widget, &chain)?,
        "Tx" | "Ch" => chain.iter().find_map(value)?,
        _ => return None,
    };
    let label = chain
        .iter()
        .find_map(|field| text(field, "TU"))
        .or_else(|| {
            chain
                .iter()
                .find_map(|field| text(field, "T"))
                .map(bare_name)
        });
    Some(match label.filter(|label| !label.is_empty()) {
        Some(label) => format!("{label}: {value}"),
        None => value,
    })
}

/// A field and those that it belongs to, the innermost first.
fn chain<'a>(widget: &Dict<'a>) -> Vec<Dict<'a>> {
    let mut chain = vec![widget.clone()];
    while chain.len() < MAX_PARENTS
        && let Some(parent) = chain
            .last()
            .and_then(|field| field.get::<Dict<'a>>("Parent"))
    {
        chain.push(parent);
    }
    chain
}

/// `name[0]`, as form designers write it, without the index.
fn bare_name(name: String) -> String {
    match name.split_once('[') {
        Some((bare, _)) => bare.to_owned(),
        None => name,
    }
}

fn value(field: &Dict<'_>) -> Option<String> {
    let value = match field.get::<Object<'_>>("V")? {
        Object::String(value) => decode(value.as_bytes()),
        Object::Name(value) => value.as_str().to_owned(),
        Object::Stream(value) => stream_text(&value)?,
        Object::Array(values) => {
            let values = values.iter::<PdfString<'_>>().take(1_000);
            let values: Vec<String> = values.map(|value| decode(value.as_bytes())).collect();
            values.join(", ")
        }
        _ => return None,
    };
    let mut value = value.replace(['\r', '\u{2028}', '\u{2029}'], "\n");
    value.truncate(crate::blocks::floor_boundary(&value, MAX_VALUE_BYTES));
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

fn stream_text(stream: &Stream<'_>) -> Option<String> {
    Some(decode(&stream.decoded_data().ok()?))
}

/// Whether a button only starts something (PDF 32000-1:2008, table 226).
fn is_push_button(chain: &[Dict<'_>]) -> bool {
    const PUSH_BUTTON: u32 = 1 << 16;
    let flags = chain.iter().find_map(|field| field.get::<u32>("Ff"));
    flags.unwrap_or(0) & PUSH_BUTTON != 0
}

/// The state of a box or a button that is switched on.
fn switched_on(widget: &Dict<'_>, chain: &[Dict<'_>]) -> Option<String> {
    let state = widget
        .get::<Name<'_>>("AS")
        .or_else(|| chain.iter().find_map(|field| field.get::<Name<'_>>("V")))?;
    match state.as_str() {
        "Off" | "" => None,
        "On" | "1" => Some("Yes".to_owned()),
        other => Some(other.to_owned()),
    }
}
