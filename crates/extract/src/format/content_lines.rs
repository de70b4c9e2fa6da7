//! The lines of calendars and address books: `NAME;PARAMETER=VALUE:VALUE`, folded at 75 bytes.
//! RFC 5545 3.1, RFC 6350 3.

use mail_parser::decoders::quoted_printable::quoted_printable_decode;

use crate::charset::decode;

/// A property of an entry or a card.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Property {
    /// In upper case, without the group before it.
    pub(super) name: String,
    parameters: Vec<(String, String)>,
    /// Its escapes resolved.
    pub(super) value: String,
}

impl Property {
    /// The value of a parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(known, _)| known == name)?;
        Some(&found.1)
    }

    /// What kind of telephone or address it is: `work, voice`.
    pub(super) fn kinds(&self) -> String {
        let named = |(name, value): &(String, String)| match name.as_str() {
            "TYPE" => Some(value.to_ascii_lowercase().replace(',', ", ")),
            _ => None,
        };
        let kinds: Vec<String> = self.parameters.iter().filter_map(named).collect();
        kinds.join(", ")
    }
}

/// The properties of a file, in their order; lines that are none are passed over.
pub(super) fn properties(text: &str) -> impl Iterator<Item = Property> {
    let mut lines = text.lines().peekable();
    std::iter::from_fn(move || {
        loop {
            let mut line = lines.next()?.to_owned();
            let is_printable = line.to_ascii_uppercase().contains("QUOTED-PRINTABLE");
            loop {
                // A soft line end of quoted-printable, or a fold.
                if is_printable && line.ends_with('=') {
                    line.pop();
                    match lines.next() {
                        Some(next) => line.push_str(next),
                        None => break,
                    }
                } else if let Some(next) = lines.next_if(|next| next.starts_with([' ', '\t'])) {
                    line.push_str(&next[1..]);
                } else {
                    break;
                }
            }
            if let Some(property) = property(&line) {
                return Some(property);
            }
        }
    })
}

fn property(line: &str) -> Option<Property> {
    let colon = outside_quotes(line, ':').next()?;
    let (head, value) = (&line[..colon], &line[colon + 1..]);
    let mut fields = Vec::new();
    let mut from = 0;
    for at in outside_quotes(head, ';').chain([head.len()]) {
        fields.push(&head[from..at]);
        from = at + 1;
    }
    let name = fields
        .first()?
        .rsplit('.')
        .next()?
        .trim()
        .to_ascii_uppercase();
    let parameters: Vec<(String, String)> = fields[1..].iter().map(|it| parameter(it)).collect();
    let is = |name: &str, wanted: &str| {
        parameters
            .iter()
            .any(|(known, value)| known == name && value.eq_ignore_ascii_case(wanted))
    };
    let value = if is("ENCODING", "QUOTED-PRINTABLE") {
        let charset = parameters.iter().find(|(name, _)| name == "CHARSET");
        let bytes = quoted_printable_decode(value.as_bytes())?;
        decode(&bytes, charset.map(|(_, label)| label.as_str())).text
    } else {
        unescaped(value)
    };
    (!name.is_empty()).then_some(Property {
        name,
        parameters,
        value,
    })
}

/// `CN="Ada Byron"`, or a bare `WORK` of the second version, which is a type or an encoding.
fn parameter(field: &str) -> (String, String) {
    match field.split_once('=') {
        Some((name, value)) => (
            name.trim().to_ascii_uppercase(),
            value.trim().trim_matches('"').to_owned(),
        ),
        None if field.eq_ignore_ascii_case("QUOTED-PRINTABLE") => {
            ("ENCODING".to_owned(), field.to_owned())
        }
        None => ("TYPE".to_owned(), field.trim().to_owned()),
    }
}

/// Where a character stands in a line that is not within quotation marks.
fn outside_quotes(line: &str, wanted: char) -> impl Iterator<Item = usize> {
    let mut quoted = false;
    line.char_indices().filter_map(move |(at, c)| {
        quoted ^= c == '"';
        (c == wanted && !quoted).then_some(at)
    })
}

/// `\n` is a line end, a backslash before anything else stands for what it escapes.
fn unescaped(value: &str) -> String {
    let mut plain = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => match characters.next() {
                Some('n' | 'N') => plain.push('\n'),
                Some(escaped) => plain.push(escaped),
                None => {}
            },
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_unfolded_and_taken_apart() {
        let text = "junk\nitem1.ATTENDEE;CN=\"a;b:c\";ROLE=x:mailto:a\n  b\\, c\\n\n";
        let all: Vec<Property> = properties(text).collect();
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].name, "ATTENDEE");
        assert_eq!(all[0].parameter("CN"), Some("a;b:c"));
        assert_eq!(all[0].value, "mailto:a b, c\n");
    }

    proptest! {
        #[test]
        fn any_text_is_harmless(text in "([A-Z;:=\" \\\\né]|\n|QUOTED-PRINTABLE){0,60}") {
            properties(&text).for_each(drop);
        }
    }
}
