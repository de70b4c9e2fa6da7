//! Ending an answer where one of some strings begins.

/// Holds back text that may be the beginning of a string to stop at.
pub(super) struct Stop<'a> {
    strings: &'a [String],
    held: String,
}

impl<'a> Stop<'a> {
    /// Stops at any of `strings`; empty ones are never met.
    pub(super) fn at(strings: &'a [String]) -> Stop<'a> {
        Stop {
            strings,
            held: String::new(),
        }
    }

    /// Takes the next piece of text. Gives what can be shown of it, and whether a string to stop
    /// at was met; it and what follows are never shown.
    pub(super) fn push(&mut self, text: &str) -> (String, bool) {
        self.held.push_str(text);
        let met = self.strings.iter().filter(|string| !string.is_empty());
        if let Some(at) = met.filter_map(|string| self.held.find(string)).min() {
            self.held.truncate(at);
            return (std::mem::take(&mut self.held), true);
        }
        let begins = |at: &usize| {
            let rest = &self.held[*at..];
            self.strings.iter().any(|string| string.starts_with(rest))
        };
        let mut starts = self.held.char_indices().map(|(at, _)| at);
        let safe = starts.find(begins).unwrap_or(self.held.len());
        let held = self.held.split_off(safe);
        (std::mem::replace(&mut self.held, held), false)
    }

    /// The text that was held back, once no more follows.
    pub(super) fn finish(self) -> String {
        self.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(strings: &[&str], pieces: &[&str]) -> (String, bool) {
        let strings: Vec<String> = strings.iter().map(ToString::to_string).collect();
        let mut stop = Stop::at(&strings);
        let mut shown = String::new();
        for piece in pieces {
            let (text, met) = stop.push(piece);
            shown.push_str(&text);
            if met {
                return (shown, true);
            }
        }
        (shown + &stop.finish(), false)
    }

    #[test]
    fn text_ends_before_the_string() {
        assert_eq!(
            run(&["END"], &["one E", "N", "D two"]),
            ("one ".into(), true)
        );
        assert_eq!(run(&["b", "abc"], &["xabc"]), ("x".into(), true));
    }

    #[test]
    fn what_only_looked_like_it_is_shown() {
        assert_eq!(run(&["END"], &["EN", "E", "N"]), ("ENEN".into(), false));
        assert_eq!(
            run(&["", "ü!"], &["zwölf ü", "?"]),
            ("zwölf ü?".into(), false)
        );
        assert_eq!(run(&[], &["all", " of it"]), ("all of it".into(), false));
    }
}
