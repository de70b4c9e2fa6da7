//! The few statistics that measurements are told with. All of them are deterministic.

/// Resamples of a bootstrap: the interval's ends are then stable to two digits.
const RESAMPLES: usize = 2_000;

/// The middle of some times, and what one in twenty exceeds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The 95th percentile, by nearest rank.
    pub p95: f64,
}

impl Spread {
    /// Of these values; `None` where there are none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Spread> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Some(Spread {
            median: percentile(&values, 0.5)?,
            p95: percentile(&values, 0.95)?,
        })
    }
}

/// The smallest value that a share of all does not exceed (nearest rank).
fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied()
}

/// The mean; `None` of nothing.
pub fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0usize);
    for value in values {
        sum += value;
        count += 1;
    }
    (count > 0).then(|| sum / count as f64)
}

/// The area under the ROC curve: how often a value of `higher` exceeds one of `lower`, ties
/// counted half (Mann and Whitney). `None` where one of them is empty.
pub fn auc(higher: &[f64], lower: &[f64]) -> Option<f64> {
    let pairs = higher.len() * lower.len();
    let won = |a: f64| -> f64 {
        let beats = |b: &f64| match a.total_cmp(b) {
            std::cmp::Ordering::Greater => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Less => 0.0,
        };
        lower.iter().map(beats).sum()
    };
    (pairs > 0).then(|| higher.iter().map(|a| won(*a)).sum::<f64>() / pairs as f64)
}

/// What changed between two measurements of the same queries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Mean before.
    pub before: f64,
    /// Mean after.
    pub after: f64,
    /// Ends of the 95 % interval of the difference of the means.
    pub interval: (f64, f64),
    /// Queries that got better, got worse, and stayed.
    pub better: usize,
    /// Queries that got worse.
    pub worse: usize,
    /// Queries with the same value.
    pub same: usize,
}

impl Change {
    /// Of pairs of values, before and after. `None` of nothing.
    ///
    /// The interval comes from a paired bootstrap (Efron 1979): the queries are drawn again with
    /// replacement, and the mean difference of each draw is noted; the middle 95 % of these
    /// means are the interval. If 0 is inside, the change may be chance.
    pub fn of(pairs: &[(f64, f64)]) -> Option<Change> {
        let before = mean(pairs.iter().map(|pair| pair.0))?;
        let after = mean(pairs.iter().map(|pair| pair.1))?;
        let differences: Vec<f64> = pairs.iter().map(|(before, after)| after - before).collect();
        let count = |holds: fn(&f64) -> bool| differences.iter().filter(|d| holds(d)).count();
        Some(Change {
            before,
            after,
            interval: bootstrap(&differences),
            better: count(|d| *d > 1e-9),
            worse: count(|d| *d < -1e-9),
            same: count(|d| d.abs() <= 1e-9),
        })
    }
}

/// The 95 % interval of the mean of some differences.
fn bootstrap(differences: &[f64]) -> (f64, f64) {
    let mut random = SplitMix(0x9e37_79b9);
    let count = differences.len() as u64;
    let mut means: Vec<f64> = (0..RESAMPLES)
        .filter_map(|_| {
            let drawn = (0..count).map(|_| differences[(random.next() % count) as usize]);
            mean(drawn)
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let at = |share| percentile(&means, share).unwrap_or(0.0);
    (at(0.025), at(0.975))
}

/// A small generator of random numbers with a fixed beginning (Steele, Lea and Flood 2014), so
/// that the same runs give the same interval.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let spread = Spread::of((1..=100).map(f64::from)).unwrap();
        assert_eq!((spread.median, spread.p95), (50.0, 95.0));
        assert_eq!(Spread::of([7.0]).map(|s| s.p95), Some(7.0));
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn auc_counts_pairs() {
        assert_eq!(auc(&[0.9, 0.8], &[0.1, 0.2]), Some(1.0));
        assert_eq!(auc(&[0.5], &[0.5]), Some(0.5));
        assert_eq!(auc(&[0.1, 0.9], &[0.5]), Some(0.5));
        assert_eq!(auc(&[], &[0.5]), None);
    }

    #[test]
    fn a_clear_change_excludes_zero_and_a_faint_one_does_not() {
        let clear: Vec<(f64, f64)> = (0..50)
            .map(|n| (0.5, 0.6 + f64::from(n % 5) / 50.0))
            .collect();
        let change = Change::of(&clear).unwrap();
        assert!(change.interval.0 > 0.0, "{change:?}");
        assert_eq!((change.better, change.worse), (50, 0));
        let faint: Vec<(f64, f64)> = (0..50)
            .map(|n| (0.5, if n % 2 == 0 { 0.62 } else { 0.4 }))
            .collect();
        let change = Change::of(&faint).unwrap();
        assert!(
            change.interval.0 < 0.0 && change.interval.1 > 0.0,
            "{change:?}"
        );
    }

    #[test]
    fn the_same_runs_give_the_same_interval() {
        let pairs = [(0.1, 0.4), (0.5, 0.2), (0.3, 0.9)];
        assert_eq!(Change::of(&pairs), Change::of(&pairs));
    }
}
