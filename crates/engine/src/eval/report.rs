//! What a run over a set comes to.

use docent_core::quality::statistics::{Spread, auc, mean};
use serde::Serialize;

use super::judge::{Judged, JudgedAnswer, JudgedRanking};

/// The measures of a run. A share is 0 to 1, and absent where there is nothing to share.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// Queries whose ranking could be judged.
    pub queries: usize,
    /// Mean nDCG@10 over documents.
    #[serde(rename = "ndcg@10")]
    pub ndcg: Option<f64>,
    /// Mean recall@10 over documents.
    #[serde(rename = "recall@10")]
    pub recall: Option<f64>,
    /// Mean reciprocal rank within the first ten documents.
    #[serde(rename = "mrr@10")]
    pub mrr: Option<f64>,
    /// Share of the questions for which one of the first eight hits holds the evidence.
    #[serde(rename = "evidence@8")]
    pub evidence: Option<f64>,
    /// Questions whose evidence is known.
    pub with_evidence: usize,
    /// Of the answers, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers: Option<AnswerReport>,
    /// Of the times, stage by stage.
    pub latency: Vec<Latency>,
}

/// The measures of the answers of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct AnswerReport {
    /// Answerable questions.
    pub answerable: usize,
    /// Unanswerable questions.
    pub unanswerable: usize,
    /// Share of the cited documents that are relevant, by question, then the mean.
    pub citation_precision: Option<f64>,
    /// Share of the answerable questions whose answer cites a relevant document.
    pub citation_recall: Option<f64>,
    /// Quotes in all answers.
    pub quotes: usize,
    /// Share of them that stand in their document at the offsets that are given.
    pub quotes_verified: Option<f64>,
    /// Share of the unanswerable questions for which nothing was said to be found.
    pub abstained: Option<f64>,
    /// Share of the answerable questions for which nothing was said to be found.
    pub refused: Option<f64>,
    /// How well docent's odds part the questions that have an answer from those that have none:
    /// the area under the curve, .5 for a guess.
    pub auc: Option<f64>,
    /// Answered questions whose answer's words are known.
    pub with_words: usize,
    /// Share of those whose first quoted sentence holds an answer.
    pub first_quote: Option<f64>,
    /// Share of those of whose first three quoted sentences one holds an answer.
    pub first_three: Option<f64>,
}

/// Times of a stage, in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Latency {
    /// The stage.
    pub stage: &'static str,
    /// The median.
    pub median_ms: f64,
    /// The 95th percentile.
    pub p95_ms: f64,
}

impl Report {
    /// Of a run.
    pub fn of(run: &[Judged]) -> Report {
        let ranked = |measure: fn(&JudgedRanking) -> f64| {
            mean(
                run.iter()
                    .filter_map(|judged| judged.ranking.as_ref().map(measure)),
            )
        };
        let proved: Vec<bool> = run.iter().filter_map(|judged| judged.evidence).collect();
        let answered = run.iter().any(|judged| judged.answer.is_some());
        Report {
            queries: run.iter().filter(|judged| judged.ranking.is_some()).count(),
            ndcg: ranked(|ranking| ranking.ndcg),
            recall: ranked(|ranking| ranking.recall),
            mrr: ranked(|ranking| ranking.reciprocal_rank),
            evidence: share(proved.iter().copied()),
            with_evidence: proved.len(),
            answers: answered.then(|| AnswerReport::of(run)),
            latency: latency(run),
        }
    }
}

impl AnswerReport {
    fn of(run: &[Judged]) -> AnswerReport {
        let of = |answerable: bool| -> Vec<&JudgedAnswer> {
            let chosen = run.iter().filter(|judged| judged.answerable == answerable);
            chosen.filter_map(|judged| judged.answer.as_ref()).collect()
        };
        let (answerable, unanswerable) = (of(true), of(false));
        let odds = |answers: &[&JudgedAnswer]| -> Vec<f64> {
            answers.iter().filter_map(|a| a.log_odds).collect()
        };
        let worded: Vec<&&JudgedAnswer> = answerable.iter().filter(|a| a.has_words).collect();
        let citing = answerable.iter().filter(|a| !a.cited.is_empty());
        let all = || answerable.iter().chain(&unanswerable);
        let quotes: usize = all().map(|a| a.quotes).sum();
        let verified: usize = all().map(|a| a.quotes_verified).sum();
        AnswerReport {
            answerable: answerable.len(),
            unanswerable: unanswerable.len(),
            citation_precision: mean(citing.map(|a| a.cited_gold as f64 / a.cited.len() as f64)),
            citation_recall: share(answerable.iter().map(|a| a.cited_gold > 0)),
            quotes,
            quotes_verified: (quotes > 0).then(|| verified as f64 / quotes as f64),
            abstained: share(unanswerable.iter().map(|a| a.abstained)),
            refused: share(answerable.iter().map(|a| a.abstained)),
            auc: auc(&odds(&answerable), &odds(&unanswerable)),
            with_words: worded.len(),
            first_quote: share(worded.iter().map(|a| a.holds_within(1))),
            first_three: share(worded.iter().map(|a| a.holds_early())),
        }
    }
}

/// The share of what holds; `None` of nothing.
fn share(held: impl Iterator<Item = bool>) -> Option<f64> {
    mean(held.map(|held| f64::from(u8::from(held))))
}

fn latency(run: &[Judged]) -> Vec<Latency> {
    type Time = fn(&Judged) -> Option<f64>;
    fn timings(judged: &Judged) -> Option<crate::event::Timings> {
        judged.answer.as_ref().map(|answer| answer.timings)
    }
    let stages: [(&str, Time); 9] = [
        ("embed query", |j| Some(j.stages.embed_query_ms)),
        ("lexical", |j| Some(j.stages.lexical_ms)),
        ("dense", |j| Some(j.stages.dense_ms)),
        ("rank", |j| Some(j.stages.rank_ms)),
        ("join", |j| Some(j.stages.join_ms)),
        ("search, all", |j| Some(j.search_ms)),
        ("evidence", |j| timings(j).map(|t| t.evidence_ms as f64)),
        ("first token", |j| {
            timings(j)?.first_token_ms.map(|ms| ms as f64)
        }),
        ("answer, all", |j| timings(j).map(|t| t.total_ms as f64)),
    ];
    let spread = |(stage, time): (&'static str, Time)| {
        let spread = Spread::of(run.iter().filter_map(time))?;
        Some(Latency {
            stage,
            median_ms: spread.median,
            p95_ms: spread.p95,
        })
    };
    stages.into_iter().filter_map(spread).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(answerable: bool, abstained: bool, gold: usize, holding: Option<usize>) -> Judged {
        Judged {
            answerable,
            answer: Some(JudgedAnswer {
                abstained,
                cited: vec!["a".into(), "b".into()],
                cited_gold: gold,
                quotes: 2,
                quotes_verified: 2,
                first_holding: holding,
                has_words: answerable,
                ..JudgedAnswer::default()
            }),
            ..Judged::default()
        }
    }

    #[test]
    fn answers_are_counted_by_what_they_should_have_been() {
        let report = Report::of(&[
            answered(true, false, 1, Some(1)),
            answered(true, false, 2, Some(3)),
            answered(true, true, 0, None),
            answered(false, true, 0, None),
            answered(false, false, 0, None),
        ]);
        let answers = report.answers.unwrap();
        assert_eq!((answers.answerable, answers.unanswerable), (3, 2));
        assert_eq!(answers.abstained, Some(0.5));
        assert_eq!(answers.refused, Some(1.0 / 3.0));
        assert_eq!(answers.citation_recall, Some(2.0 / 3.0));
        assert_eq!(answers.citation_precision, Some(0.5));
        assert_eq!(answers.first_quote, Some(1.0 / 3.0));
        assert_eq!(answers.first_three, Some(2.0 / 3.0));
        assert_eq!(answers.quotes_verified, Some(1.0));
    }

    #[test]
    fn nothing_asked_is_nothing_measured() {
        let report = Report::of(&[]);
        assert_eq!((report.queries, report.ndcg), (0, None));
        assert!(report.latency.is_empty() && report.answers.is_none());
    }
}
