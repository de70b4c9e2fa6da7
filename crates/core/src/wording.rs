//! Wording: how documents say what people ask for by another name.
//!
//! A person asks for "a cap on liability"; the contract says that "in no event shall either
//! party's liability exceed the fees paid". Neither the words nor, for a small embedder, the
//! meaning brings the two together. The table below does, for the clauses that contracts are
//! searched for most. Each entry is general knowledge of how such clauses are drafted.

/// Something that people ask for by a name, with the words that documents use for it.
#[derive(Debug, PartialEq, Eq)]
pub struct Concept {
    /// Beginnings of words and phrases by which it is asked for.
    asked: &'static [&'static str],
    /// What a sentence has to hold: one alternative (`|`) of each group.
    worded: &'static [&'static str],
}

/// What people ask contracts for.
const CONCEPTS: &[Concept] = &[
    Concept {
        asked: &[
            "anti-assign",
            "anti assign",
            "assignab",
            "non-assign",
            "assigned without",
        ],
        worded: &[
            "assign|transfer this|transfer its|transferable",
            "without|consent|approval|may not|shall not|not be|neither|no party|void|prohibit",
        ],
    },
    Concept {
        asked: &[
            "cap on liab",
            "liability cap",
            "limitation of liab",
            "limitations of liab",
            "limit on liab",
            "limits on liab",
            "limit liab",
            "limits liab",
            "capped liab",
            "liability limited",
            "liability is limited",
            "liability capped",
        ],
        worded: &[
            "liability|liable|damages|obligation",
            "exceed|limited to|in excess of|greater than|maximum|aggregate|consequential|indirect|\
             punitive|incidental|special damages|loss of profit|lost profits",
        ],
    },
    Concept {
        asked: &["uncapped", "unlimited liab"],
        worded: &[
            "limitation|liability|liable|exclusion",
            "except|shall not apply|not apply to|other than|nothing in|without limit",
            "fraud|negligen|misconduct|indemnif|confidential|breach|willful|wilful|death|\
             personal injury|infring",
        ],
    },
    Concept {
        asked: &["change of control", "change in control"],
        worded: &[
            "change of control|change in control|merger|merges|merge|acquir|acquisition|sale of all|\
             substantially all|majority of|consolidat",
            "terminat|consent|assign|successor|notice|buyout",
        ],
    },
    Concept {
        asked: &["exclusiv"],
        worded: &[
            "exclusive|exclusively|exclusivity|sole and|only from|not endorse|any other",
            "right|licens|distribut|agent|supplier|provider|appoint|grant|purchase|territory|endorse|\
             agree|shall|will",
        ],
    },
    Concept {
        asked: &[
            "non-compet",
            "non compet",
            "noncompet",
            "not to compete",
            "competitive restrict",
            "restriction on compet",
            "restrictions on compet",
        ],
        worded: &["compet", "not|neither|refrain|except|restrict|prohibit|no"],
    },
    Concept {
        asked: &[
            "solicitation of employee",
            "soliciting employee",
            "solicit employee",
            "hiring of employee",
            "non-solicit",
            "no-solicit",
        ],
        worded: &[
            "solicit|hire|recruit|employ or|entice|induce",
            "employee|personnel|staff|person employed",
            "not|neither|refrain|without",
        ],
    },
    Concept {
        asked: &[
            "solicitation of customer",
            "soliciting customer",
            "solicit customer",
            "solicitation of client",
        ],
        worded: &[
            "solicit|divert|entice|induce",
            "customer|client|subscriber|account",
            "not|neither|refrain|without",
        ],
    },
    Concept {
        asked: &["not to sue"],
        worded: &[
            "contest|challenge|attack|dispute|oppose|sue|bring any claim|bring any action|assert|\
             institute",
            "not|never|no time|waive|refrain|neither|covenant",
            "validity|ownership|title|right|intellectual|trademark|patent|claim|action",
        ],
    },
    Concept {
        asked: &["disparag"],
        worded: &[
            "disparag|derogat|defam|disrepute|tarnish|detrimental",
            "not|refrain|neither|any",
        ],
    },
    Concept {
        asked: &["audit"],
        worded: &[
            "audit|inspect|examine",
            "record|book|account|facilit|premises|report",
        ],
    },
    Concept {
        asked: &["insurance"],
        worded: &[
            "insurance|insured|insurer",
            "maintain|obtain|carry|procure|coverage|keep|provide|limit",
        ],
    },
    Concept {
        asked: &[
            "intellectual property owner",
            "ownership of intellectual",
            "ownership of the intellectual",
            "intellectual property assign",
            "ip owner",
            "ownership of ip",
            "ip assign",
        ],
        worded: &[
            "own|title|property of|assigns|made for hire|work for hire|vest",
            "intellectual property|copyright|patent|invention|work product|developed|improvement|\
             right title|trademark|deliverable",
        ],
    },
    Concept {
        asked: &[
            "joint intellectual",
            "joint intellectual property owner",
            "jointly own",
            "joint owner",
            "jointly-own",
            "joint ip",
        ],
        worded: &[
            "jointly own|joint own|co-own|jointly develop|joint invention|joint property|\
             owned jointly|jointly by|joint intellectual|joint copyright",
        ],
    },
    Concept {
        asked: &["irrevocabl", "perpetual"],
        worded: &["irrevocabl|perpetual", "licen|right"],
    },
    Concept {
        asked: &[
            "licenses are granted",
            "licences are granted",
            "license grant",
            "licence grant",
            "licenses granted",
            "grants a license",
            "grant a license",
            "license is granted",
        ],
        worded: &[
            "grant|license|licence|licensed",
            "right|license|licence|permission|royalty",
            "use|exclusive|sell|distribut|market|reproduc|access|hereby|copy",
        ],
    },
    Concept {
        asked: &["minimum commit", "minimum purchase", "minimum order"],
        worded: &[
            "minimum|at least|not less than|no less than|no fewer than|guarantee",
            "purchase|order|pay|payment|quantit|amount|royalt|sales|fee|commit|revenue|unit|per year|\
             annual",
        ],
    },
    Concept {
        asked: &[
            "most favored",
            "most favoured",
            "most-favored",
            "most-favoured",
            "mfn",
        ],
        worded: &[
            "most favored|most favoured|most-favored|most-favoured|no less favorable|\
             not less favorable|more favorable|as favorable|no less favourable|more favourable|\
             lowest price|better price|best price|lower price",
        ],
    },
    Concept {
        asked: &["non-transfer", "nontransfer", "not transferabl"],
        worded: &[
            "non-transfer|nontransfer|non transfer|not transfer|not assign|not sublicens|\
             not be assigned|not be transferred",
            "licen|right|use",
        ],
    },
    Concept {
        asked: &[
            "terminate the renewal",
            "terminate renewal",
            "notice of non-renewal",
            "prevent renewal",
        ],
        worded: &[
            "notice|notif",
            "renew|extend|extension|expir|end of the",
            "term|prior|before|days|months",
        ],
    },
    Concept {
        asked: &[
            "renewal",
            "renewed automatically",
            "automatic renew",
            "renew automatically",
        ],
        worded: &[
            "renew|extend|extension|successive",
            "term|period|year|month",
        ],
    },
    Concept {
        asked: &[
            "post-terminat",
            "after the terminat",
            "after terminat",
            "following terminat",
            "after it is terminated",
            "after the contract end",
        ],
        worded: &[
            "terminat|expir",
            "upon|following|after|survive|on any",
            "shall|will|continue|return|sell|complete|pay|provide|transition|cease|inventory",
        ],
    },
    Concept {
        asked: &[
            "revenue or profit",
            "profit-sharing",
            "profit sharing",
            "revenue sharing",
            "revenue-sharing",
            "revenue share",
            "profit share",
            "share of the revenue",
        ],
        worded: &[
            "percent|share|portion|commission|royalt|split|per unit",
            "revenue|profit|net sales|sales|proceeds|gross|income|receipt|sold|fees",
        ],
    },
    Concept {
        asked: &[
            "first refusal",
            "first offer",
            "first negotiation",
            "rofr",
            "rofo",
        ],
        worded: &[
            "first refusal|first offer|first negotiation|right of first|right to match|first right|\
             first opportunity|first contact|first offer",
        ],
    },
    Concept {
        asked: &["for convenience", "without cause", "for any reason"],
        worded: &[
            "terminat|cancel",
            "without cause|any reason|no reason|for convenience|without reason|at any time|\
             at its option|sole discretion|with or without|without penalty|at will|written notice|\
             days notice|days' notice|days prior",
        ],
    },
    Concept {
        asked: &["third-party benef", "third party benef"],
        worded: &[
            "third party benef|third-party benef|beneficiar|benefit of|benefits of",
            "third|beneficiar|person|indemni|affiliate|not a party",
        ],
    },
    Concept {
        asked: &[
            "all-you-can-eat",
            "all you can eat",
            "unlimited license",
            "unlimited licence",
            "unlimited or",
            "enterprise license",
        ],
        worded: &[
            "unlimited|enterprise|all-you-can-eat|without limit|as many|any number of",
            "licen|use|cop|right|access|user",
        ],
    },
    Concept {
        asked: &[
            "volume restrict",
            "volume limit",
            "usage limit",
            "usage restrict",
        ],
        worded: &[
            "exceed|maximum|limited to|up to|no more than|not more than|in excess of|additional fee|\
             limit",
            "number|quantit|unit|user|volume|cop|hours|per month|per year|capacity|times",
        ],
    },
    Concept {
        asked: &[
            "duration of any warrant",
            "warranty period",
            "warranty duration",
            "duration of warrant",
            "duration of the warrant",
        ],
        worded: &[
            "warrant|guarantee|defect",
            "period|days|months|year|shelf life|expir",
        ],
    },
    Concept {
        asked: &[
            "governing law",
            "governed by",
            "law govern",
            "which law applies",
        ],
        worded: &["govern|construed|interpreted|subject to", "law"],
    },
    Concept {
        asked: &[
            "expiration date",
            "expiry date",
            "when does this contract expire",
            "expire",
        ],
        worded: &[
            "term|expir|effective|continue|commenc|remain in",
            "until|year|month|date|expir|terminat|day",
        ],
    },
    Concept {
        asked: &["licensee's affiliate", "affiliates of the licensee"],
        worded: &["affiliate|subsidiar", "licen|right to use|grant|sublicen"],
    },
    Concept {
        asked: &["licensor's affiliate", "affiliates of the licensor"],
        worded: &[
            "licensor|intellectual property",
            "affiliate|subsidiar",
            "licen|grant",
        ],
    },
];

/// What a question asks for, where it is in the table; the longest name that fits.
pub fn concept(question: &str) -> Option<&'static Concept> {
    let question = comparable(question);
    let longest = |concept: &&Concept| {
        let names = concept.asked.iter().filter(|name| holds(&question, name));
        names.map(|name| name.len()).max()
    };
    CONCEPTS
        .iter()
        .filter_map(|concept| Some((longest(&concept)?, concept)))
        .max_by_key(|(length, _)| *length)
        .map(|(_, concept)| concept)
}

impl Concept {
    /// Whether a sentence says it, or names it: "Limitation of liability." stands for a clause
    /// that a person would ask for by that name.
    pub fn is_in(&self, sentence: &str) -> bool {
        let sentence = comparable(sentence);
        let names = self.asked.iter().filter(|name| name.contains([' ', '-']));
        holds_all(&sentence, self.worded) || { names }.any(|name| holds(&sentence, name))
    }
}

/// Whether a text, as [`comparable`] makes it, holds an alternative (`|`) of each group.
pub(crate) fn holds_all(text: &str, groups: &[&str]) -> bool {
    let has = |group: &str| group.split('|').any(|word| holds(text, word));
    groups.iter().all(|group| has(group))
}

/// Lower case, one blank between words and one in front, no marks that stand at words; "%" as the
/// word that it stands for.
pub(crate) fn comparable(text: &str) -> String {
    let mut plain = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\u{2019}' => plain.push('\''),
            '%' => plain.push_str(" percent"),
            '(' | ')' | '[' | ']' | '"' | '\u{201c}' | '\u{201d}' | ',' | ';' | ':' => {
                plain.push(' ')
            }
            c => plain.extend(c.to_lowercase()),
        }
    }
    plain
        .split_whitespace()
        .fold(String::new(), |mut text, word| {
            text.push(' ');
            text.push_str(word);
            text
        })
}

/// Whether a word or phrase of `text`, as [`comparable`] makes it, begins so.
fn holds(text: &str, beginning: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find(beginning) {
        if rest[..at].ends_with(' ') {
            return true;
        }
        let step = at + beginning.chars().next().map_or(1, char::len_utf8);
        rest = &rest[step..];
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_is_known_by_what_it_says() {
        let cap = concept("Is there a cap on liability under this contract?").unwrap();
        assert!(cap.is_in("IN NO EVENT SHALL THE COMPANY'S TOTAL LIABILITY EXCEED THE FEES PAID."));
        assert!(!cap.is_in("The Company is liable for its employees."));
        let sharing = concept("Does it include any revenue or profit-sharing?").unwrap();
        assert!(sharing.is_in("Client pays 5% of the net revenues."));
    }

    #[test]
    fn the_longest_name_decides() {
        let uncapped = concept("Is there unlimited liability?").unwrap();
        assert!(std::ptr::eq(
            uncapped,
            concept("Is liability uncapped?").unwrap()
        ));
        assert_eq!(concept("When are the roses pruned?"), None);
    }

    #[test]
    fn words_are_compared_from_their_beginning() {
        assert!(holds(" the assignment", "assign"));
        assert!(!holds(" we reassign it", "assign"));
    }

    #[test]
    fn the_table_is_well_formed() {
        for concept in CONCEPTS {
            assert!(!concept.asked.is_empty() && !concept.worded.is_empty());
            let words = concept.worded.iter().flat_map(|group| group.split('|'));
            for word in words.chain(concept.asked.iter().copied()) {
                assert_eq!(comparable(word), format!(" {word}"), "{word:?}");
            }
        }
    }
}
