//! Who occurs in some texts, and where.
//!
//! A mention is a run of capitalised words behind a cue: a form of address ("Mr", "Frau"), a
//! given name, initials, a label ("Patient:"), a salutation, a signature. Mentions are one
//! person when surname, given names and gender do not contradict each other and nobody else is
//! meant; a surname or given name that was learned is then found alone, too. A word that the
//! texts also write small is no name by itself.

use std::collections::HashSet;
use std::ops::Range;

use super::words::{self, Gender};
use super::{Found, Kind};

/// More words are no name but a heading.
const MAX_NAME_WORDS: usize = 4;
/// Chinese surnames, in front of a form of address behind.
const HAN_SURNAMES: &str = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾萧田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严";
/// Chinese forms of address, which stand behind the name.
const HAN_ADDRESSES: [&str; 8] = [
    "先生", "女士", "小姐", "医生", "大夫", "律师", "教授", "经理",
];
/// Chinese labels in front of a name.
const HAN_LABELS: [&str; 8] = [
    "姓名",
    "患者",
    "病人",
    "承租人",
    "出租人",
    "联系人",
    "甲方",
    "乙方",
];

/// A person.
#[derive(Debug, Clone, Default, PartialEq)]
struct Person {
    /// Given names or initials, folded.
    given: Vec<String>,
    /// The surname with its particles, folded; empty where it is not known.
    surname: String,
    gender: Option<Gender>,
}

/// A run of words that names somebody.
#[derive(Debug, Clone, PartialEq)]
struct Mention {
    span: Range<usize>,
    /// The words of the name, forms of address left out.
    parts: Vec<String>,
    gender: Option<Gender>,
    /// Whether a lone part is a surname, as behind "Mr".
    formal: bool,
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

/// A word of a text.
#[derive(Debug, Clone)]
struct Word<'a> {
    text: &'a str,
    span: Range<usize>,
    /// What stands between it and the word before.
    gap: &'a str,
}

impl Word<'_> {
    fn is_capitalised(&self) -> bool {
        self.text.starts_with(char::is_uppercase)
    }

    fn is_initial(&self) -> bool {
        self.text.chars().count() == 1 && self.is_capitalised()
    }

    /// Whether it can be part of a name.
    fn is_name(&self) -> bool {
        self.is_capitalised()
            && self.text.chars().count() > 1
            && !words::is_no_name(&cased(self.text))
    }

    /// Whether it follows the word before within a name: after a blank or the dot of an initial.
    fn follows(&self) -> bool {
        matches!(self.gap, " " | ". " | "." | "\u{a0}" | ".\u{a0}")
    }

    fn begins_line(&self) -> bool {
        self.gap.is_empty() || self.gap.contains('\n')
    }
}

/// `SMITH` as `Smith`; other words as they are.
fn cased(word: &str) -> String {
    if !is_shouted(word) {
        return word.to_owned();
    }
    let mut chars = word.chars();
    let first: String = chars.next().into_iter().collect();
    first + &chars.as_str().to_lowercase()
}

/// Whether a word of more than two letters has capitals only.
fn is_shouted(word: &str) -> bool {
    word.chars().count() > 2 && !word.chars().any(char::is_lowercase)
}

/// A name in the form in which names are compared: small, without accents or umlauts.
fn folded(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    for c in name.chars().flat_map(char::to_lowercase) {
        match c {
            'ä' => folded.push_str("ae"),
            'ö' => folded.push_str("oe"),
            'ü' => folded.push_str("ue"),
            'ß' => folded.push_str("ss"),
            'à' | 'á' | 'â' | 'ã' | 'å' => folded.push('a'),
            'è' | 'é' | 'ê' | 'ë' => folded.push('e'),
            'ì' | 'í' | 'î' | 'ï' => folded.push('i'),
            'ò' | 'ó' | 'ô' | 'õ' | 'ø' => folded.push('o'),
            'ù' | 'ú' | 'û' => folded.push('u'),
            'ç' => folded.push('c'),
            'ñ' => folded.push('n'),
            c => folded.push(c),
        }
    }
    folded
}

/// The words of a text: letters, with apostrophes and hyphens inside.
fn split(text: &str) -> Vec<Word<'_>> {
    let mut found: Vec<Word<'_>> = Vec::new();
    let mut start = None;
    let mut end = 0;
    let inner = |at: usize, c: char| {
        let next = text[at + c.len_utf8()..].chars().next();
        matches!(c, '-' | '\'' | '’') && next.is_some_and(char::is_alphabetic)
    };
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        let inside = at < text.len() && (c.is_alphabetic() || (start.is_some() && inner(at, c)));
        match (inside, start) {
            (true, None) => start = Some(at),
            (false, Some(begin)) => {
                let word = possessed(&text[begin..at]);
                found.push(Word {
                    text: word,
                    span: begin..begin + word.len(),
                    gap: &text[end..begin],
                });
                end = begin + word.len();
                start = None;
            }
            _ => {}
        }
    }
    found
}

/// Whether a word is part of an address of mail or of a page.
fn is_in_address(text: &str, span: &Range<usize>) -> bool {
    let mut after = text[span.end..].chars();
    let ends_so = match after.next() {
        Some('@' | '_') => true,
        Some('.') => after.next().is_some_and(char::is_alphanumeric),
        _ => false,
    };
    ends_so || text[..span.start].ends_with(['@', '.', '_', '/'])
}

/// `Smith's` as `Smith`.
fn possessed(word: &str) -> &str {
    let ends = ["'s", "’s", "'S", "’S"];
    let owner = ends.iter().find_map(|end| word.strip_suffix(end));
    owner.filter(|owner| !owner.is_empty()).unwrap_or(word)
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

fn mention(
    all: &[Word<'_>],
    from: usize,
    first: usize,
    end: usize,
    gender: Option<Gender>,
    formal: bool,
) -> Mention {
    Mention {
        span: all[from].span.start..all[end - 1].span.end,
        parts: all[first..end]
            .iter()
            .map(|word| cased(word.text))
            .collect(),
        gender: gender.or_else(|| words::given_name(&cased(all[first].text)).flatten()),
        formal,
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

/// Whether `Patient:` or the like stands in front, on the same line.
fn is_labelled(text: &str, all: &[Word<'_>], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).and_then(|before| all.get(before)) else {
        return false;
    };
    let gap = all[at].gap.trim_matches([' ', '\t', '*', '|', '_']);
    let starts = text[..before.span.start].rsplit('\n').next().unwrap_or("");
    gap == ":" && words::is_role(before.text) && starts.split_whitespace().count() <= 3
}

/// Whether a word of the family stands in front: `her son Declan`.
fn is_of_family(all: &[Word<'_>], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| all.get(before));
    all[at].gap == " " && before.is_some_and(|word| words::is_family(word.text))
}

/// The gender that the word of the family in front tells.
fn family_gender(all: &[Word<'_>], at: usize) -> Option<Gender> {
    match all[at.checked_sub(1)?].text {
        "wife" | "daughter" | "mother" | "sister" => Some(Gender::Female),
        "husband" | "son" | "father" | "brother" => Some(Gender::Male),
        _ => None,
    }
}

/// Whether a line or a part of a sentence ends behind a word.
fn ends_phrase(all: &[Word<'_>], at: usize) -> bool {
    all.get(at + 1).is_none_or(|next| !next.follows())
}

/// Whether it is greeted: `Dear Anna`.
fn is_salutation(all: &[Word<'_>], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| all.get(before));
    let greets = ["Dear", "Liebe", "Lieber", "Hello", "Hi", "Hallo"];
    before.is_some_and(|word| greets.contains(&word.text)) && all[at].gap == " "
}

/// Whether it stands below `Yours sincerely`.
fn is_signature(all: &[Word<'_>], at: usize) -> bool {
    let closings = [
        "sincerely",
        "faithfully",
        "truly",
        "regards",
        "wishes",
        "Grüßen",
        "Gruß",
        "Grüße",
    ];
    let before = at.checked_sub(1).and_then(|before| all.get(before));
    all[at].gap.contains('\n') && before.is_some_and(|word| closings.contains(&word.text))
}

/// Whether the words are the name of a firm.
fn is_firm(all: &[Word<'_>], at: usize, end: usize) -> bool {
    let forms = [
        "Ltd", "Limited", "Inc", "LLC", "LLP", "PLC", "GmbH", "AG", "KG", "Corp",
    ];
    all[at..(end + 1).min(all.len())]
        .iter()
        .any(|word| forms.contains(&word.text))
}

/// Chinese names: a surname and one or two characters, before a form of address or behind a
/// label.
fn han_mentions(text: &str) -> Vec<Mention> {
    let mut mentions = Vec::new();
    let mut add = |start: usize, name: &str| {
        mentions.push(Mention {
            span: start..start + name.len(),
            parts: vec![name.to_owned()],
            gender: None,
            formal: true,
        });
    };
    for address in HAN_ADDRESSES {
        for (at, _) in text.match_indices(address) {
            let mut before = text[..at].char_indices().rev().take(3);
            let surname = before.find(|(_, c)| HAN_SURNAMES.contains(*c));
            if let Some((start, _)) = surname {
                add(start, &text[start..at]);
            }
        }
    }
    for label in HAN_LABELS {
        for (at, _) in text.match_indices(label) {
            let rest = &text[at + label.len()..];
            let name = rest.trim_start_matches([':', '：', ' ']);
            let start = text.len() - name.len();
            let end = name
                .find(|c: char| !c.is_alphabetic())
                .unwrap_or(name.len());
            let name = &name[..end];
            let is_name = name.starts_with(|c| HAN_SURNAMES.contains(c));
            if rest.starts_with([':', '：']) && is_name && name.chars().count() <= 3 {
                add(start, name);
            }
        }
    }
    mentions
}

/// The words of a path.
fn path_words(path: &str) -> Vec<Word<'_>> {
    let mut found = Vec::new();
    let mut start = 0;
    for part in path.split_inclusive(|c: char| !c.is_alphabetic()) {
        let word = part.trim_end_matches(|c: char| !c.is_alphabetic());
        if !word.is_empty() {
            found.push(Word {
                text: word,
                span: start..start + word.len(),
                gap: "",
            });
        }
        start += part.len();
    }
    found
}

/// `anna` as `Anna`.
fn capital(word: &str) -> String {
    let mut chars = word.chars();
    let first: String = chars
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    first + &chars.as_str().to_lowercase()
}

/// A given name with a word behind it, in one part of a path: `anna-meier.pdf`.
fn path_mentions(path: &str) -> Vec<Mention> {
    let words = path_words(path);
    let pairs = words.windows(2).filter_map(|pair| {
        let [first, second] = pair else { return None };
        let (given, surname) = (capital(first.text), capital(second.text));
        let between = &path[first.span.end..second.span.start];
        let gender = words::given_name(&given).filter(|_| !words::is_everyday(&given))?;
        let ends_name = path[second.span.start..].find('.') == Some(second.text.len())
            || path[second.span.end..].starts_with(['-', '_', ' ', '/'])
            || second.span.end == path.len();
        let is_name = matches!(between, "-" | "_" | " " | ".") && ends_name;
        let is_extension =
            path[..second.span.start].ends_with('.') && second.span.end == path.len();
        (is_name && !is_extension && !words::is_no_name(&surname)).then(|| Mention {
            span: first.span.start..second.span.end,
            parts: vec![given, surname],
            gender,
            formal: false,
        })
    });
    pairs.collect()
}
