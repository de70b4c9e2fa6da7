//! Calendars: ICS, RFC 5545.

use docent_core::document::{BlockKind, Document, Format};

use super::content_lines::{Property, properties};
use crate::charset::Decoded;
use crate::compose::Composer;

/// Reads a decoded calendar, an entry to a heading and a block of its fields.
pub(crate) fn read(decoded: Decoded) -> Document {
    let mut composer = Composer::new(Format::Calendar);
    composer.document().warnings = decoded.warnings;
    let mut entry: Option<Vec<Property>> = None;
    let mut alarms = 0u32;
    for property in properties(&decoded.text) {
        let component = property.value.to_ascii_uppercase();
        let is_entry = matches!(
            component.as_str(),
            "VEVENT" | "VTODO" | "VJOURNAL" | "VFREEBUSY"
        );
        match property.name.as_str() {
            "BEGIN" if is_entry => entry = Some(Vec::new()),
            "BEGIN" => alarms += u32::from(component == "VALARM"),
            "END" if is_entry => {
                entry
                    .take()
                    .into_iter()
                    .for_each(|it| push(&mut composer, &it));
            }
            "END" => alarms = alarms.saturating_sub(u32::from(component == "VALARM")),
            "X-WR-CALNAME" => composer.document().title = super::title(&property.value),
            _ if alarms > 0 => {}
            _ => entry.iter_mut().for_each(|it| it.push(property.clone())),
        }
    }
    // A calendar that is cut off still has what was said of its last entry.
    entry.into_iter().for_each(|it| push(&mut composer, &it));
    composer.finish()
}

fn push(composer: &mut Composer, entry: &[Property]) {
    let value = |name: &str| entry.iter().find(|it| it.name == name).map(|it| &it.value);
    let heading = value("SUMMARY").map_or("Untitled", |summary| summary.trim());
    composer.push_rendered(BlockKind::Heading { level: 1 }, heading, false);
    let lines: Vec<String> = entry.iter().filter_map(line).collect();
    composer.push_rendered(BlockKind::Paragraph, &lines.join("\n"), false);
}

/// A field as people read it; none for what only programs need.
fn line(property: &Property) -> Option<String> {
    let label = match property.name.as_str() {
        "DTSTART" => "Start",
        "DTEND" => "End",
        "DUE" => "Due",
        "COMPLETED" => "Completed",
        "DURATION" => "Duration",
        "LOCATION" => "Location",
        "DESCRIPTION" => "Description",
        "COMMENT" => "Comment",
        "ORGANIZER" => "Organizer",
        "ATTENDEE" => "Attendee",
        "CONTACT" => "Contact",
        "CATEGORIES" => "Categories",
        "RESOURCES" => "Resources",
        "STATUS" => "Status",
        "PRIORITY" => "Priority",
        "RRULE" => "Repeats",
        "URL" => "URL",
        _ => return None,
    };
    let value = match label {
        "Start" | "End" | "Due" | "Completed" => time(property),
        "Organizer" | "Attendee" => person(property),
        _ => property.value.trim().to_owned(),
    };
    (!value.is_empty()).then(|| format!("{label}: {value}"))
}

/// `20260601T093000Z` as `2026-06-01 09:30 UTC`; what has another form stays as it is.
fn time(property: &Property) -> String {
    let value = property.value.trim();
    let (date, clock) = value.split_once('T').unwrap_or((value, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let zulu = clock.ends_with('Z');
    let clock = clock.trim_end_matches('Z');
    if date.len() != 8 || !digits(date) || !digits(clock) || !matches!(clock.len(), 0 | 4 | 6) {
        return value.to_owned();
    }
    let day = format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..]);
    let zone = match (zulu, property.parameter("TZID")) {
        (true, _) => " UTC".to_owned(),
        (false, Some(zone)) => format!(" {zone}"),
        _ => String::new(),
    };
    match clock.is_empty() {
        true => day,
        false => format!("{day} {}:{}{zone}", &clock[..2], &clock[2..4]),
    }
}

/// A calendar's user: a name, an address, or both.
fn person(property: &Property) -> String {
    let value = property.value.trim();
    let address = match value.get(..7) {
        Some(scheme) if scheme.eq_ignore_ascii_case("mailto:") => &value[7..],
        _ => value,
    };
    match property.parameter("CN") {
        Some(name) if name != address => format!("{name} <{address}>"),
        _ => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check;

    #[test]
    fn entries_are_read_field_by_field() {
        let text = "BEGIN:VCALENDAR\r\nX-WR-CALNAME:Work\r\nBEGIN:VEVENT\r\nSUMMARY:Tea\\, \
                    with cake\r\nDTSTART;TZID=Europe/London:20260601T093000\r\n\
                    DTEND:20260601T103000Z\r\nATTENDEE;CN=\"Ada Byron\":mailto:ada@example.org\r\n\
                    DESCRIPTION:first\\nsec\r\n ond\r\nUID:1\r\nBEGIN:VALARM\r\n\
                    DESCRIPTION:ring\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
        let document = read(text.into());
        assert_eq!(check(&document), Ok(()));
        assert_eq!(document.title.as_deref(), Some("Work"));
        assert_eq!(
            document.text,
            "Tea, with cake\n\nStart: 2026-06-01 09:30 Europe/London\nEnd: 2026-06-01 10:30 UTC\n\
             Attendee: Ada Byron <ada@example.org>\nDescription: first\nsecond"
        );
    }
}
