//! What to expect of a model that memory has no room for, in words.

use docent_core::model::Streaming;

use crate::output::{bytes, thousands};

/// `8.1 GB of weights, 4.0 GB of them in memory: …, about 1.2 tokens a second`.
pub(crate) fn outlook(streaming: &Streaming) -> String {
    format!(
        "{} of weights, {} of them in memory; the rest comes from the disk for each token, about {}",
        bytes(streaming.weight_bytes),
        bytes(streaming.resident_bytes.min(streaming.weight_bytes)),
        rate(streaming.tokens_per_second)
    )
}

/// `1.2 tokens a second`, or `one token in 12 seconds` where that says more.
pub(crate) fn rate(tokens_per_second: f64) -> String {
    match tokens_per_second {
        many @ 9.95.. => format!("{} tokens a second", thousands(many.round() as u64)),
        some @ 0.095.. => format!("{some:.1} tokens a second"),
        few => format!("one token in {:.0} seconds", 1.0 / few.max(1e-9)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_expect_is_told_in_words() {
        let mut streaming = Streaming {
            weight_bytes: 8_100_000_000,
            resident_bytes: 4_000_000_000,
            tokens_per_second: 1.23,
        };
        let text = outlook(&streaming);
        assert!(
            text.contains("in memory; the rest comes from the disk"),
            "{text}"
        );
        assert!(text.ends_with("about 1.2 tokens a second"), "{text}");
        streaming.tokens_per_second = 0.05;
        assert!(outlook(&streaming).ends_with("about one token in 20 seconds"));
        assert_eq!(rate(7.96), "8.0 tokens a second");
        assert_eq!(rate(9.97), "10 tokens a second");
        assert_eq!(rate(1234.6), "1,235 tokens a second");
        assert_eq!(rate(0.0), "one token in 1000000000 seconds");
    }
}
