//! The threads that a decoder computes on.
//!
//! Work is cut into as many parts as there are threads, ahead of time; what a part computes does
//! not depend on how many there are.

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

/// Named threads that belong to one decoder, parked while there is nothing to do.
pub(super) struct Team {
    pool: ThreadPool,
    size: usize,
}

impl Team {
    /// A team of `size` threads, or of one.
    pub(super) fn new(size: usize) -> Result<Team, ThreadPoolBuildError> {
        let size = size.max(1);
        let pool = ThreadPoolBuilder::new()
            .num_threads(size)
            .thread_name(|index| format!("docent-decode-{index}"))
            .build()?;
        Ok(Team { pool, size })
    }

    /// The number of threads.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Runs `work` on a thread of the team, from where [`each`] reaches the others soonest.
    pub(super) fn enter<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.pool.install(work)
    }
}

/// Runs `work` on each of `parts`, at the same time; to be called inside [`Team::enter`].
pub(super) fn each<P: Send>(parts: &mut [P], work: &(impl Fn(&mut P) + Sync)) {
    match parts {
        [] => {}
        [part] => work(part),
        parts => {
            let (left, right) = parts.split_at_mut(parts.len() / 2);
            rayon::join(|| each(left, work), || each(right, work));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_worked_on_once() {
        for size in [1, 2, 5] {
            let team = Team::new(size).unwrap();
            let mut parts: Vec<u32> = (0..13).collect();
            team.enter(|| each(&mut parts, &|part| *part += 100));
            assert_eq!(parts, (100..113).collect::<Vec<_>>());
        }
    }
}
