//! A network's weights by how often they are needed, and what speed follows from that.

use crate::gguf::Gguf;

/// Bytes of a network's weights. Vectors of the vocabulary are not among them: of these a token
/// needs but one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Footprint {
    /// What every token needs.
    pub(crate) common: u64,
    /// All experts.
    pub(crate) experts: u64,
    /// Those experts that one token passes.
    pub(crate) chosen: u64,
}

/// How fast bytes come, per second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rates {
    pub(crate) memory: f64,
    pub(crate) storage: f64,
}

impl Footprint {
    /// That of a file, by its header.
    pub(crate) fn of(gguf: &Gguf) -> Footprint {
        let architecture = gguf.text("general.architecture").unwrap_or_default();
        let number = |key: &str| gguf.number(&format!("{architecture}.{key}")).unwrap_or(0);
        let (count, used) = (number("expert_count"), number("expert_used_count"));
        let tied = !gguf.tensors.contains_key("output.weight");
        let mut footprint = Footprint::default();
        for (name, entry) in &gguf.tensors {
            let mut parts = name.split('.').skip(2);
            let part = parts.next().unwrap_or_default();
            let is_single = parts.next().is_some_and(|at| at.parse::<usize>().is_ok());
            let bytes = match name.as_str() {
                "token_embd.weight" if !tied => continue,
                _ if count > 1 && (part.ends_with("_exps") || is_single) => &mut footprint.experts,
                _ => &mut footprint.common,
            };
            *bytes = bytes.saturating_add(entry.bytes as u64);
        }
        if count > 1 {
            footprint.chosen = footprint.experts / count as u64 * used.min(count) as u64;
        }
        footprint
    }

    /// Bytes of all weights.
    pub(crate) fn total(self) -> u64 {
        self.common.saturating_add(self.experts)
    }

    /// Bytes that one token needs.
    pub(crate) fn token_bytes(self) -> u64 {
        self.common.saturating_add(self.chosen)
    }

    /// Bytes that one token needs from storage while so many are in memory: first what every
    /// token needs, then experts, each of which is as likely to be needed as another.
    pub(crate) fn streamed(self, resident: u64) -> u64 {
        let experts = resident.saturating_sub(self.common).min(self.experts);
        let missing = match self.experts {
            0 => 0.0,
            all => (all - experts) as f64 / all as f64,
        };
        let common = self.common.saturating_sub(resident);
        common.saturating_add((self.chosen as f64 * missing) as u64)
    }

    /// Tokens that can be written per second with so many bytes in memory, if weights are read
    /// from storage first and from memory then.
    pub(crate) fn tokens_per_second(self, resident: u64, rates: Rates) -> f64 {
        let seconds = self.streamed(resident) as f64 / rates.storage
            + self.token_bytes() as f64 / rates.memory;
        1.0 / seconds.max(f64::MIN_POSITIVE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_in_memory_comes_from_storage() {
        let dense = Footprint {
            common: 1000,
            ..Footprint::default()
        };
        assert_eq!((dense.streamed(0), dense.streamed(400)), (1000, 600));
        assert_eq!(dense.streamed(2000), 0);
        // Eight experts, two of which are used.
        let mixture = Footprint {
            common: 200,
            experts: 800,
            chosen: 200,
        };
        assert_eq!((mixture.total(), mixture.token_bytes()), (1000, 400));
        assert_eq!((mixture.streamed(0), mixture.streamed(100)), (400, 300));
        assert_eq!((mixture.streamed(200), mixture.streamed(600)), (200, 100));
        assert_eq!(mixture.streamed(1000), 0);
        let rates = Rates {
            memory: 4000.0,
            storage: 1000.0,
        };
        let speed = mixture.tokens_per_second(600, rates);
        assert!((speed - 5.0).abs() < 1e-9, "{speed}");
        assert!((mixture.tokens_per_second(1000, rates) - 10.0).abs() < 1e-9);
    }
}
