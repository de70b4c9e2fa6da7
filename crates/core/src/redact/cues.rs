//! What shows that a word names somebody: labels, salutations, signatures, the family; and names
//! in paths and in Chinese, which have cues of their own.

use std::ops::Range;

use super::tokens::{Word, capital, cased, path_words};
use super::words::{self, Gender};

/// Chinese surnames, in front of a form of address behind.
pub(super) const HAN_SURNAMES: &str = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾萧田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严";

/// Chinese forms of address, which stand behind the name.
pub(super) const HAN_ADDRESSES: [&str; 8] = [
    "先生", "女士", "小姐", "医生", "大夫", "律师", "教授", "经理",
];

/// Chinese labels in front of a name.
pub(super) const HAN_LABELS: [&str; 8] = [
    "姓名",
    "患者",
    "病人",
    "承租人",
    "出租人",
    "联系人",
    "甲方",
    "乙方",
];

/// A run of words that names somebody.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mention {
    pub(super) span: Range<usize>,
    /// The words of the name, forms of address left out.
    pub(super) parts: Vec<String>,
    pub(super) gender: Option<Gender>,
    /// Whether a lone part is a surname, as behind "Mr".
    pub(super) formal: bool,
}

pub(super) fn mention(
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

/// Whether `Patient:` or the like stands in front, on the same line.
pub(super) fn is_labelled(text: &str, all: &[Word<'_>], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).and_then(|before| all.get(before)) else {
        return false;
    };
    let gap = all[at].gap.trim_matches([' ', '\t', '*', '|', '_']);
    let starts = text[..before.span.start].rsplit('\n').next().unwrap_or("");
    gap == ":" && words::is_role(before.text) && starts.split_whitespace().count() <= 3
}

/// Whether a word of the family stands in front: `her son Declan`.
pub(super) fn is_of_family(all: &[Word<'_>], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| all.get(before));
    all[at].gap == " " && before.is_some_and(|word| words::is_family(word.text))
}

/// The gender that the word of the family in front tells.
pub(super) fn family_gender(all: &[Word<'_>], at: usize) -> Option<Gender> {
    match all[at.checked_sub(1)?].text {
        "wife" | "daughter" | "mother" | "sister" => Some(Gender::Female),
        "husband" | "son" | "father" | "brother" => Some(Gender::Male),
        _ => None,
    }
}

/// Whether a line or a part of a sentence ends behind a word.
pub(super) fn ends_phrase(all: &[Word<'_>], at: usize) -> bool {
    all.get(at + 1).is_none_or(|next| !next.follows())
}

/// Whether it is greeted: `Dear Anna`.
pub(super) fn is_salutation(all: &[Word<'_>], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| all.get(before));
    let greets = ["Dear", "Liebe", "Lieber", "Hello", "Hi", "Hallo"];
    before.is_some_and(|word| greets.contains(&word.text)) && all[at].gap == " "
}

/// Whether it stands below `Yours sincerely`.
pub(super) fn is_signature(all: &[Word<'_>], at: usize) -> bool {
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
pub(super) fn is_firm(all: &[Word<'_>], at: usize, end: usize) -> bool {
    let forms = [
        "Ltd", "Limited", "Inc", "LLC", "LLP", "PLC", "GmbH", "AG", "KG", "Corp",
    ];
    all[at..(end + 1).min(all.len())]
        .iter()
        .any(|word| forms.contains(&word.text))
}

/// Chinese names: a surname and one or two characters, before a form of address or behind a
/// label.
pub(super) fn han_mentions(text: &str) -> Vec<Mention> {
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

/// A given name with a word behind it, in one part of a path: `anna-meier.pdf`.
pub(super) fn path_mentions(path: &str) -> Vec<Mention> {
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
