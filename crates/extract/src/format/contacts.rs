//! Address books: VCF, RFC 6350 and the versions before it.

use docent_core::document::{BlockKind, Document, Format};

use super::content_lines::{Property, properties};
use crate::charset::Decoded;
use crate::compose::Composer;

/// Reads decoded cards, each to a heading and a block of its fields.
pub(crate) fn read(decoded: Decoded) -> Document {
    let mut composer = Composer::new(Format::Contacts);
    composer.document().warnings = decoded.warnings;
    let mut card: Vec<Property> = Vec::new();
    for property in properties(&decoded.text) {
        match property.name.as_str() {
            "BEGIN" | "END" => push(&mut composer, &std::mem::take(&mut card)),
            _ => card.push(property),
        }
    }
    push(&mut composer, &card);
    composer.finish()
}

fn push(composer: &mut Composer, card: &[Property]) {
    if card.is_empty() {
        return;
    }
    let value = |name: &str| {
        let found = card.iter().find(|it| it.name == name)?;
        Some(parts(found, " ")).filter(|value| !value.is_empty())
    };
    let heading = value("FN").or_else(|| value("N")).or_else(|| value("ORG"));
    let heading = heading.unwrap_or_else(|| "Unnamed".to_owned());
    composer.push_rendered(BlockKind::Heading { level: 1 }, &heading, false);
    let lines: Vec<String> = card.iter().filter_map(line).collect();
    composer.push_rendered(BlockKind::Paragraph, &lines.join("\n"), false);
}

/// A field as people read it; none for what only programs need.
fn line(property: &Property) -> Option<String> {
    let label = match property.name.as_str() {
        "N" => "Name",
        "NICKNAME" => "Nickname",
        "ORG" => "Organization",
        "TITLE" => "Title",
        "ROLE" => "Role",
        "EMAIL" => "Email",
        "TEL" => "Phone",
        "ADR" => "Address",
        "LABEL" => "Address label",
        "BDAY" => "Birthday",
        "ANNIVERSARY" => "Anniversary",
        "URL" => "URL",
        "IMPP" => "Messenger",
        "CATEGORIES" => "Categories",
        "NOTE" => "Note",
        "RELATED" => "Related",
        "LANG" => "Language",
        _ => return None,
    };
    let value = match label {
        "Address" | "Organization" => parts(property, ", "),
        "Name" => parts(property, " "),
        _ => property.value.trim().to_owned(),
    };
    let kinds = property.kinds();
    let label = match kinds.is_empty() {
        true => label.to_owned(),
        false => format!("{label} ({kinds})"),
    };
    (!value.is_empty()).then(|| format!("{label}: {value}"))
}

/// The parts of a value of several, empty ones left out.
fn parts(property: &Property, between: &str) -> String {
    let parts: Vec<&str> = property
        .value
        .split(';')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect();
    parts.join(between)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check;

    #[test]
    fn cards_are_read_field_by_field() {
        let text = "BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCll=\n\
                    er;Ada\nitem1.TEL;WORK;VOICE:+1 2\nADR;TYPE=home:;;1 Mill Road;London;;;UK\n\
                    PHOTO;BASE64:AAAA\nEND:VCARD\nBEGIN:VCARD\nFN:Bob\nEND:VCARD\n";
        let document = read(text.into());
        assert_eq!(check(&document), Ok(()));
        assert_eq!(
            document.text,
            "Müller Ada\n\nName: Müller Ada\nPhone (work, voice): +1 2\n\
             Address (home): 1 Mill Road, London, UK\n\nBob"
        );
    }
}
