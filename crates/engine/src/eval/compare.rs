//! Two runs over the same set, query by query.

use std::collections::HashMap;
use std::path::Path;

use docent_core::quality::statistics::Change;
use docent_core::quality::{RANKING_DEPTH, distinct};
use serde::Serialize;

use super::judge::{Judged, JudgedRanking};
use super::set::{SetError, numbered_json_lines};

/// Reads a run that was saved.
///
/// # Errors
/// When the file cannot be read, a line is no query of a run, or a query is in it twice.
pub fn load_run(file: &Path) -> Result<Vec<Judged>, SetError> {
    let lines = numbered_json_lines::<Judged>(file)?;
    let mut seen = HashMap::new();
    for (line, judged) in &lines {
        if let Some(first) = seen.insert(judged.id.as_str(), line) {
            return Err(SetError::BadLine {
                path: file.to_owned(),
                line: *line,
                reason: format!("the query {:?} stands in line {first} already", judged.id),
            });
        }
    }
    Ok(lines.into_iter().map(|(_, judged)| judged).collect())
}

/// What changed from one run to another.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Comparison {
    /// Queries that are in both.
    pub common: usize,
    /// Queries that are only in the first.
    pub only_before: usize,
    /// Queries that are only in the second.
    pub only_after: usize,
    /// The means, over the queries that are in both.
    pub measures: Vec<Measure>,
    /// The queries that changed, the worst loss first.
    pub queries: Vec<QueryChange>,
}

/// A measure before and after.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measure {
    /// Its name.
    pub name: &'static str,
    /// Mean before.
    pub before: f64,
    /// Mean after.
    pub after: f64,
    /// Lower end of the 95 % interval of the difference.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Queries that got better.
    pub better: usize,
    /// Queries that got worse.
    pub worse: usize,
}

/// A query that changed.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct QueryChange {
    /// Its id.
    pub id: String,
    /// What was asked.
    pub text: String,
    /// nDCG@10 before and after.
    pub ndcg: (Option<f64>, Option<f64>),
    /// Rank of the first relevant document before and after.
    pub first_relevant: (Option<usize>, Option<usize>),
    /// Whether the evidence was found, before and after.
    pub evidence: (Option<bool>, Option<bool>),
    /// Documents that are among the first ten now and were not.
    pub came: Vec<String>,
    /// Documents that were and are not.
    pub went: Vec<String>,
}

impl QueryChange {
    fn of(before: &Judged, after: &Judged) -> QueryChange {
        let of = |judged: &Judged, measure: fn(&JudgedRanking) -> f64| {
            judged.ranking.as_ref().map(measure)
        };
        let first = |judged: &Judged| judged.ranking.and_then(|ranking| ranking.first_relevant);
        let (was, is) = (first_documents(before), first_documents(after));
        let missing = |these: &[&str], those: &[&str]| -> Vec<String> {
            let new = these.iter().filter(|path| !those.contains(path));
            new.map(|path| (*path).to_owned()).collect()
        };
        QueryChange {
            id: after.id.clone(),
            text: after.text.clone(),
            ndcg: (of(before, |r| r.ndcg), of(after, |r| r.ndcg)),
            first_relevant: (first(before), first(after)),
            evidence: (before.evidence, after.evidence),
            came: missing(&is, &was),
            went: missing(&was, &is),
        }
    }

    /// By how much nDCG grew.
    pub fn gain(&self) -> f64 {
        self.ndcg.1.unwrap_or(0.0) - self.ndcg.0.unwrap_or(0.0)
    }

    fn is_change(&self) -> bool {
        self.gain().abs() > 1e-9
            || self.first_relevant.0 != self.first_relevant.1
            || self.evidence.0 != self.evidence.1
    }
}

/// The first ten documents.
fn first_documents(judged: &Judged) -> Vec<&str> {
    let mut documents = distinct(judged.hits.iter().map(|hit| hit.path.as_str()));
    documents.truncate(RANKING_DEPTH);
    documents
}

impl Comparison {
    /// Of two runs.
    pub fn of(before: &[Judged], after: &[Judged]) -> Comparison {
        let known: HashMap<&str, &Judged> = before.iter().map(|j| (j.id.as_str(), j)).collect();
        let pairs: Vec<(&Judged, &Judged)> = after
            .iter()
            .filter_map(|after| Some((*known.get(after.id.as_str())?, after)))
            .collect();
        let mut queries: Vec<QueryChange> = pairs
            .iter()
            .map(|(before, after)| QueryChange::of(before, after))
            .filter(QueryChange::is_change)
            .collect();
        queries.sort_by(|a, b| a.gain().total_cmp(&b.gain()));
        Comparison {
            common: pairs.len(),
            only_before: before.len() - pairs.len(),
            only_after: after.len() - pairs.len(),
            measures: measures(&pairs),
            queries,
        }
    }
}

fn measures(pairs: &[(&Judged, &Judged)]) -> Vec<Measure> {
    type Value = fn(&Judged) -> Option<f64>;
    let of: [(&'static str, Value); 7] = [
        ("nDCG@10", |j| Some(j.ranking?.ndcg)),
        ("recall@10", |j| Some(j.ranking?.recall)),
        ("MRR@10", |j| Some(j.ranking?.reciprocal_rank)),
        ("evidence@8", |j| j.evidence.map(one_if)),
        ("cites a relevant document", |j| {
            let answer = j.answer.as_ref().filter(|_| j.answerable)?;
            Some(one_if(answer.cited_gold > 0))
        }),
        ("first quote answers", |j| {
            let answer = j.answer.as_ref().filter(|answer| answer.has_words)?;
            Some(one_if(answer.holds_within(1)))
        }),
        ("abstains where it should", |j| {
            let answer = j.answer.as_ref().filter(|_| !j.answerable)?;
            Some(one_if(answer.abstained))
        }),
    ];
    let measure = |(name, value): (&'static str, Value)| {
        let values = pairs
            .iter()
            .filter_map(|(before, after)| Some((value(before)?, value(after)?)));
        let change = Change::of(&values.collect::<Vec<_>>())?;
        Some(Measure {
            name,
            before: change.before,
            after: change.after,
            low: change.interval.0,
            high: change.interval.1,
            better: change.better,
            worse: change.worse,
        })
    };
    of.into_iter().filter_map(measure).collect()
}

fn one_if(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

#[cfg(test)]
mod tests {
    use super::super::judge::JudgedHit;
    use super::*;

    fn query(id: &str, ndcg: f64, first: usize, paths: &[&str]) -> Judged {
        let hit = |path: &&str| JudgedHit {
            path: (*path).to_owned(),
            ..JudgedHit::default()
        };
        Judged {
            id: id.into(),
            answerable: true,
            hits: paths.iter().map(hit).collect(),
            ranking: Some(JudgedRanking {
                ndcg,
                first_relevant: Some(first),
                ..JudgedRanking::default()
            }),
            ..Judged::default()
        }
    }

    #[test]
    fn the_worst_loss_stands_first_and_what_stayed_is_not_told() {
        let before = [
            query("a", 1.0, 1, &["x", "y"]),
            query("b", 0.5, 2, &["y", "x"]),
            query("c", 0.7, 1, &["x"]),
            query("gone", 0.7, 1, &["x"]),
        ];
        let after = [
            query("a", 0.4, 3, &["y", "z"]),
            query("b", 0.9, 1, &["x", "y"]),
            query("c", 0.7, 1, &["x"]),
        ];
        let comparison = Comparison::of(&before, &after);
        assert_eq!((comparison.common, comparison.only_before), (3, 1));
        let ids: Vec<&str> = comparison.queries.iter().map(|q| q.id.as_str()).collect();
        assert_eq!(ids, ["a", "b"]);
        let worst = &comparison.queries[0];
        assert_eq!(worst.first_relevant, (Some(1), Some(3)));
        assert_eq!(
            (worst.came.as_slice(), worst.went.as_slice()),
            (&["z".to_owned()][..], &["x".to_owned()][..])
        );
        let ndcg = &comparison.measures[0];
        assert_eq!((ndcg.better, ndcg.worse), (1, 1));
    }
}
