//! Who occurs in some texts, and where.
//!
//! A mention is a run of capitalised words behind a cue: a form of address ("Mr", "Frau"), a
//! given name, initials, a label ("Patient:"), a salutation, a signature. Mentions are one
//! person when surname, given names and gender do not contradict each other and nobody else is
//! meant; a surname or given name that was learned is then found alone, too. A word that the
//! texts also write small is no name by itself.

use std::collections::HashSet;
use std::ops::Range;

use super::cues::{
    HAN_SURNAMES, Mention, ends_phrase, family_gender, han_mentions, is_firm, is_labelled,
    is_of_family, is_salutation, is_signature, mention, path_mentions,
};
use super::tokens::{Word, capital, cased, folded, is_in_address, is_shouted, path_words, split};
use super::words::{self, Gender};
use super::{Found, Kind};

/// More words are no name but a heading.
const MAX_NAME_WORDS: usize = 4;

/// A person.
#[derive(Debug, Clone, Default, PartialEq)]
struct Person {
    /// Given names or initials, folded.
    given: Vec<String>,
    /// The surname with its particles, folded; empty where it is not known.
    surname: String,
    gender: Option<Gender>,
}

/// Those who occur.
#[derive(Debug, Clone, Default)]
pub(super) struct People {
    persons: Vec<Person>,
    /// Words that the texts write small.
    small: HashSet<String>,
    /// Whether most of the text is German, where every noun is capitalised.
    german: bool,
}

impl People {
    /// Who occurs in these texts, and in the names of these files.
    pub(super) fn learn<'a>(texts: &[&str], paths: impl IntoIterator<Item = &'a str>) -> People {
        let mut people = People::default();
        let mut german = 0i64;
        for text in texts {
            for word in split(text) {
                if !word.is_capitalised() && !is_in_address(text, &word.span) {
                    german += match word.text {
                        "und" | "der" | "die" | "das" | "ist" | "nicht" | "mit" => 1,
                        "and" | "the" | "of" | "is" | "not" | "to" => -1,
                        _ => 0,
                    };
                    people.small.insert(word.text.to_owned());
                }
            }
        }
        people.german = german > 0;
        let mut mentions: Vec<Mention> = Vec::new();
        for text in texts {
            mentions.extend(people.mentions(text));
        }
        mentions.extend(paths.into_iter().flat_map(path_mentions));
        // Full names first, then initials, then what is only part of a name.
        let vague = |mention: &Mention| match mention.parts.as_slice() {
            [_] => 2,
            [first, ..] if first.chars().count() == 1 => 1,
            _ => 0,
        };
        mentions.sort_by_key(vague);
        for mention in &mentions {
            people.add(mention);
        }
        // Who is called by surname here may have a given name there that no list knows.
        for text in texts {
            for mention in people.fuller(text) {
                people.add(&mention);
            }
        }
        people
    }

    /// Known surnames with a capitalised word in front: `Yannick Moreau`.
    fn fuller(&self, text: &str) -> Vec<Mention> {
        let all = split(text);
        let pairs = (1..all.len()).filter(|&at| {
            let (given, surname) = (&all[at - 1], &all[at]);
            let is_known = |word: &Word<'_>| {
                let name = folded(&cased(word.text));
                self.persons.iter().any(|person| person.surname == name)
            };
            surname.gap == " "
                && surname.is_name()
                && given.is_name()
                && words::honorific(given.text).is_none()
                && !words::is_title(given.text)
                && !self.is_ordinary(given.text)
                && !self.is_ordinary(surname.text)
                && is_known(surname)
                && !is_known(given)
        });
        pairs
            .map(|at| mention(&all, at - 1, at - 1, at + 1, None, false))
            .collect()
    }

    /// Where they occur in a text, but for what is taken already.
    pub(super) fn find(&self, text: &str, taken: &[Range<usize>]) -> Vec<Found> {
        let free = |span: &Range<usize>| {
            taken
                .iter()
                .all(|taken| span.end <= taken.start || taken.end <= span.start)
        };
        let mut mentions = self.mentions(text);
        let covered: Vec<Range<usize>> = mentions.iter().map(|m| m.span.clone()).collect();
        let known = self.known_words(text).into_iter().filter(|mention| {
            let apart = |span: &Range<usize>| {
                mention.span.end <= span.start || span.end <= mention.span.start
            };
            covered.iter().all(apart)
        });
        mentions.extend(known);
        let fuller = self.fuller(text);
        mentions.retain(|mention| {
            let within = |full: &Mention| {
                full.span.start <= mention.span.start && mention.span.end <= full.span.end
            };
            !fuller.iter().any(within)
        });
        mentions.extend(fuller);
        let found = mentions.into_iter().filter(|mention| free(&mention.span));
        found
            .map(|mention| Found {
                kind: Kind::Person,
                key: self.key(&mention),
                span: mention.span,
            })
            .collect()
    }

    /// Where they occur in a path: known names in whatever case.
    pub(super) fn find_in_path(&self, path: &str) -> Vec<Found> {
        let mut found: Vec<Found> = Vec::new();
        let mut mentions = path_mentions(path);
        for word in path_words(path) {
            let is_name = word.text.chars().count() >= 3 && self.is_known(&folded(word.text));
            if is_name && !words::is_no_name(&capital(word.text)) {
                mentions.push(Mention {
                    span: word.span,
                    parts: vec![capital(word.text)],
                    gender: None,
                    formal: false,
                });
            }
        }
        mentions.sort_by_key(|mention| (mention.span.start, std::cmp::Reverse(mention.span.end)));
        for mention in mentions {
            let key = self.key(&mention);
            match found.last_mut() {
                Some(last) if mention.span.start < last.span.end => {}
                // smith-john.pdf is one person.
                Some(last) if last.key == key && mention.span.start <= last.span.end + 2 => {
                    last.span.end = mention.span.end;
                }
                _ => found.push(Found {
                    kind: Kind::Person,
                    span: mention.span,
                    key,
                }),
            }
        }
        found
    }

    /// Adds who is mentioned, or what the mention adds to a known person.
    fn add(&mut self, mention: &Mention) {
        let Some(index) = self.resolve(mention) else {
            let (given, surname) = parted(mention);
            self.persons.push(Person {
                given,
                surname,
                gender: mention.gender,
            });
            return;
        };
        let (given, surname) = parted(mention);
        let person = &mut self.persons[index];
        person.gender = person.gender.or(mention.gender);
        let better = given.first().is_some_and(|given| given.chars().count() > 1)
            && person
                .given
                .first()
                .is_none_or(|known| known.chars().count() == 1);
        if better {
            person.given = given;
        }
        if person.surname.is_empty() {
            person.surname = surname;
        }
    }

    /// The one person who can be meant; `None` where there is none or more than one.
    fn resolve(&self, mention: &Mention) -> Option<usize> {
        let (given, surname) = parted(mention);
        let fits = |person: &Person| {
            let same_gender = match (person.gender, mention.gender) {
                (Some(a), Some(b)) => a == b,
                _ => true,
            };
            let same_name = match (surname.is_empty(), given.first()) {
                (false, None) => person.surname == surname || last_word(&person.surname) == surname,
                (false, Some(given)) => {
                    let same = person.surname == surname;
                    same && person.given.first().is_none_or(|known| agree(known, given))
                }
                (true, Some(given)) => {
                    person.given.first().is_some_and(|known| known == given)
                        || (!mention.formal && person.surname == *given)
                }
                (true, None) => false,
            };
            same_gender && same_name
        };
        let persons = self.persons.iter().enumerate();
        let fitting = persons.filter(|(_, person)| fits(person));
        let mut fitting: Vec<usize> = fitting.map(|(index, _)| index).collect();
        if fitting.len() > 1 {
            // Who bears the same given name is meant before whose given name is not known.
            fitting.retain(|&index| {
                let known = self.persons[index].given.first();
                known.is_some() && known == given.first()
            });
        }
        match fitting.as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }

    /// What has the same key is the same person, or a name that fits several.
    fn key(&self, mention: &Mention) -> String {
        match self.resolve(mention) {
            Some(index) => index.to_string(),
            None => folded(&mention.parts.join(" ")),
        }
    }

    fn is_known(&self, name: &str) -> bool {
        let person = |person: &Person| {
            person.surname == name
                || person
                    .surname
                    .split(' ')
                    .any(|part| part == name && part.len() > 3)
                || person
                    .given
                    .iter()
                    .any(|given| given == name && given.len() > 2)
        };
        self.persons.iter().any(person)
    }

    /// Whether a word is written small somewhere, and so no name by itself.
    fn is_ordinary(&self, word: &str) -> bool {
        self.small.contains(&word.to_lowercase()) || words::is_everyday(word)
    }

    /// Names that are known, without any cue; and initials with dots.
    fn known_words(&self, text: &str) -> Vec<Mention> {
        let all = split(text);
        let mut mentions = Vec::new();
        let mut at = 0;
        while at < all.len() {
            let word = &all[at];
            let name = cased(word.text);
            let is_known = word.is_name() && self.is_known(&folded(&name));
            if is_known && !self.small.contains(&name.to_lowercase()) {
                mentions.push(Mention {
                    span: word.span.clone(),
                    parts: vec![name],
                    gender: None,
                    formal: false,
                });
            } else if let Some(end) = self.initials(&all, at) {
                let parts = all[at..end].iter().map(|word| word.text.to_owned());
                mentions.extend(self.of_initials(&parts.collect::<String>()).map(|parts| {
                    Mention {
                        span: word.span.start..all[end - 1].span.end + 1,
                        parts,
                        gender: None,
                        formal: false,
                    }
                }));
                at = end;
                continue;
            }
            at += 1;
        }
        mentions.retain(|mention| mention.span.end <= text.len());
        mentions.extend(self.known_han(text));
        mentions
    }

    /// Chinese names that are known; there are no blanks around them.
    fn known_han(&self, text: &str) -> Vec<Mention> {
        let is_han = |name: &&str| {
            name.starts_with(|c| HAN_SURNAMES.contains(c)) && name.chars().count() >= 2
        };
        let names = self.persons.iter().map(|person| person.surname.as_str());
        let found = names.filter(is_han).flat_map(|name| {
            text.match_indices(name).map(|(at, name)| Mention {
                span: at..at + name.len(),
                parts: vec![name.to_owned()],
                gender: None,
                formal: true,
            })
        });
        found.collect()
    }

    /// One past the last of at least two initials with dots behind them: `J. S.`
    fn initials(&self, all: &[Word<'_>], at: usize) -> Option<usize> {
        let count = all[at..].iter().enumerate().take_while(|(place, word)| {
            word.is_initial() && (*place == 0 || matches!(word.gap, "." | ". "))
        });
        let count = count.count();
        let end = at + count;
        let dotted = all.get(end).is_none_or(|next| next.gap.starts_with('.'));
        (count >= 2 && dotted).then_some(end)
    }

    /// The name of the only person with these initials.
    fn of_initials(&self, initials: &str) -> Option<Vec<String>> {
        let wanted = initials.to_lowercase();
        let fits = |person: &&Person| {
            let names = person.given.iter().map(String::as_str);
            let names = names.chain([last_word(&person.surname)]);
            let own: String = names.filter_map(|name| name.chars().next()).collect();
            let short: String = own.chars().take(1).chain(own.chars().last()).collect();
            own.chars().count() > 1 && (own == wanted || short == wanted)
        };
        let mut fitting = self.persons.iter().filter(fits);
        match (fitting.next(), fitting.next()) {
            (Some(person), None) => {
                let names = person.given.iter().take(1).chain([&person.surname]);
                Some(names.cloned().collect())
            }
            _ => None,
        }
    }

    /// All mentions with a cue, in order, none within another.
    fn mentions(&self, text: &str) -> Vec<Mention> {
        let all = split(text);
        let mut mentions = han_mentions(text);
        let mut at = 0;
        while at < all.len() {
            match self.mention_at(text, &all, at) {
                Some((mention, next)) => {
                    mentions.push(mention);
                    at = next;
                }
                None => at += 1,
            }
        }
        mentions
    }

    /// The mention that begins with a word, and the word behind it.
    fn mention_at(&self, text: &str, all: &[Word<'_>], at: usize) -> Option<(Mention, usize)> {
        let word = &all[at];
        if let Some((gender, german)) = words::honorific(word.text) {
            return self.addressed(all, at, gender, german);
        }
        let name = cased(word.text);
        if let Some(gender) = words::given_name(&name).filter(|_| word.is_capitalised()) {
            let end = self.name_end(all, at, self.german);
            let last = &all[end - 1];
            // "ADAM" may be short for something; "Grace Period" is no person.
            let is_trusted = match end == at + 1 {
                true => !self.is_ordinary(&name) && !is_shouted(word.text),
                false => {
                    let is_term = words::is_everyday(&name) && self.is_ordinary(last.text);
                    !is_term && (!is_shouted(word.text) || is_shouted(last.text))
                }
            };
            if is_trusted {
                return Some((mention(all, at, at, end, gender, false), end));
            }
        }
        if word.is_initial() {
            return self.initialled(all, at);
        }
        if word.is_name() && is_of_family(all, at) && !self.is_ordinary(word.text) {
            let end = self.name_end(all, at, self.german);
            let gender = family_gender(all, at);
            return Some((mention(all, at, at, end, gender, false), end));
        }
        if !self.german && self.is_apposed(all, at) {
            return Some((mention(all, at, at, at + 2, None, false), at + 2));
        }
        let cued = is_labelled(text, all, at) || is_salutation(all, at) || is_signature(all, at);
        if cued && word.is_name() {
            let end = self.name_end(all, at, self.german && !is_labelled(text, all, at));
            let is_own = end - at >= 2 || is_salutation(all, at);
            let is_whole = all
                .get(end)
                .is_none_or(|next| !next.follows() || !next.is_capitalised());
            if is_own && is_whole && !is_firm(all, at, end) {
                return Some((mention(all, at, at, end, None, false), end));
            }
        }
        None
    }

    /// `Mr Smith`, `Frau Dr. Anna Meier`.
    fn addressed(
        &self,
        all: &[Word<'_>],
        at: usize,
        gender: Option<Gender>,
        german: bool,
    ) -> Option<(Mention, usize)> {
        let mut first = at + 1;
        let mut gender = gender;
        while let Some(title) = all.get(first).filter(|word| word.follows()) {
            if let Some((of_title, _)) = words::honorific(title.text) {
                gender = gender.or(of_title);
            } else if !words::is_title(title.text) {
                break;
            }
            first += 1;
        }
        let begins = all.get(first).is_some_and(|word| {
            word.follows() && (word.is_name() || word.is_initial() || words::is_particle(word.text))
        });
        if !begins {
            return None;
        }
        let end = self.name_end(all, first, german || self.german);
        let named = all[first..end].iter().any(Word::is_name);
        named.then(|| (mention(all, at, first, end, gender, true), end))
    }

    /// `J. Smith`, `J.R. Smith`. At the beginning of a line it may be the letter of a list.
    fn initialled(&self, all: &[Word<'_>], at: usize) -> Option<(Mention, usize)> {
        let end = self.name_end(all, at, true);
        let last = all.get(end - 1).filter(|word| word.is_name())?;
        let dotted = all
            .get(at + 1)
            .is_some_and(|word| word.gap.starts_with('.'));
        let is_known = self.is_known(&folded(&cased(last.text)));
        let trusted =
            is_known || (dotted && !all[at].begins_line() && !self.is_ordinary(last.text));
        (end - at >= 2 && trusted).then(|| (mention(all, at, at, end, None, false), end))
    }

    /// One past the last word of the name that begins with a word. `one` surname only: where
    /// nouns are capitalised, the next one is none.
    fn name_end(&self, all: &[Word<'_>], at: usize, one: bool) -> usize {
        let mut end = at;
        let mut surnames = 0;
        while let Some(word) = all.get(end) {
            let joined = end == at || word.follows();
            if !joined || end - at >= MAX_NAME_WORDS + 2 {
                break;
            }
            let is_given = surnames == 0
                && word.is_capitalised()
                && words::given_name(&cased(word.text)).is_some();
            let leads = words::is_particle(word.text) && self.particle_leads(all, end);
            if word.is_initial() || is_given || leads {
                end += 1;
            } else if word.is_name()
                && surnames < 3
                && (surnames == 0 || !one || ends_phrase(all, end))
            {
                // A full stop behind a whole word ends the sentence.
                let ends_sentence =
                    end > at && word.gap.starts_with('.') && !all[end - 1].is_initial();
                let is_common = surnames > 0 && self.is_ordinary(word.text);
                if ends_sentence || is_common {
                    break;
                }
                surnames += 1;
                end += 1;
            } else {
                break;
            }
        }
        // A single letter at the end is no surname, unless it is all there is.
        while end > at + 1 && (all[end - 1].is_initial() || words::is_particle(all[end - 1].text)) {
            end -= 1;
        }
        end.max(at + 1)
    }

    /// Whether two words between commas name who was just spoken of: `your supervisor, Denise
    /// Oyelaran, came`.
    fn is_apposed(&self, all: &[Word<'_>], at: usize) -> bool {
        let comma = |word: Option<&Word<'_>>| word.is_some_and(|word| word.gap.starts_with(", "));
        let after_role = at
            .checked_sub(1)
            .is_some_and(|before| !all[before].is_capitalised());
        let names = |place: usize| {
            let word = all.get(place);
            word.is_some_and(|word| word.is_name() && !self.is_ordinary(word.text))
        };
        after_role
            && all[at].gap == ", "
            && names(at)
            && names(at + 1)
            && all[at + 1].gap == " "
            && comma(all.get(at + 2))
    }

    fn particle_leads(&self, all: &[Word<'_>], at: usize) -> bool {
        let mut rest = all[at + 1..]
            .iter()
            .take(2)
            .take_while(|word| word.follows());
        rest.any(Word::is_name)
    }
}

/// Given names and surname, folded. A lone word is a surname behind a form of address, else a
/// given name.
fn parted(mention: &Mention) -> (Vec<String>, String) {
    let parts: Vec<String> = mention.parts.iter().map(|part| folded(part)).collect();
    match parts.as_slice() {
        [] => (Vec::new(), String::new()),
        [only] if mention.formal => (Vec::new(), only.clone()),
        [only] => (vec![only.clone()], String::new()),
        [..] => {
            // The surname begins behind the last given name or initial; where none is known, with
            // its particle or the last word.
            let is_given =
                |part: &String| part.chars().count() == 1 || words::given_name(part).is_some();
            let given = mention
                .parts
                .iter()
                .take_while(|part| is_given(part))
                .count();
            let particle = mention
                .parts
                .iter()
                .position(|part| words::is_particle(part));
            let given = match given {
                0 => particle.unwrap_or(parts.len() - 1),
                given => given.min(parts.len() - 1),
            };
            (parts[..given].to_vec(), parts[given..].join(" "))
        }
    }
}

/// Whether two given names can be one: the same, or one the initial of the other.
fn agree(a: &str, b: &str) -> bool {
    let is_initial = |name: &str| name.chars().count() == 1;
    a == b || ((is_initial(a) || is_initial(b)) && a.chars().next() == b.chars().next())
}

fn last_word(name: &str) -> &str {
    name.rsplit(' ').next().unwrap_or(name)
}
