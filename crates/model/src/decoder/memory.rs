//! What fits into memory: how many tokens, and which of the weights.

use crate::gguf::GgufError;

use super::cache::Shape;
use super::free::Free;

/// Keys and values may take one part in so many of the memory that is free at load.
const SHARE: u64 = 2;
/// A context that is taken where the system does not tell how much memory is free, and where
/// more would leave too little of it to the weights.
const USUAL_CONTEXT: usize = 4096;
/// Bytes that are left to the rest of the program.
const RESERVE: u64 = 48 << 20;
/// One part in so many of what is free is left to others: less where weights are mapped, which
/// the system may take back from.
const MAPPED_SHARE: u64 = 32;
const BUFFERS_SHARE: u64 = 8;
/// Rows that are read at once even where memory is short.
const FEWEST_ROWS: usize = 64;
/// Room for rows may take one part in so many of the memory that weights do not fit into.
const ROWS_SHARE: u64 = 16;

/// What a network is to have room for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    /// Keys and values of a token.
    pub(super) shape: Shape,
    /// Tokens that the model was trained to see.
    pub(super) trained: usize,
    /// Tokens that were asked for.
    pub(super) context: Option<usize>,
    /// Bytes of weights.
    pub(super) weights: u64,
    /// Bytes of the buffers that one row passes through.
    pub(super) row_bytes: u64,
    /// Rows that are best read at once.
    pub(super) rows: usize,
}

/// What it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    /// Tokens that keys and values are kept of.
    pub(super) context: usize,
    /// Rows that may be read at once.
    pub(super) rows: usize,
    /// Bytes for weights where not all of them fit.
    pub(super) weights: Option<Budget>,
}

/// Memory for a part of the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget {
    /// Bytes that their buffers may take.
    pub(crate) bytes: u64,
    /// Whether the machine itself has memory for all of them, so that files may stay in it.
    pub(crate) keeps_files: bool,
}

/// Whether weights fit beside the keys and values of a context.
pub(crate) fn fits(weights: u64, cache: u64, free: u64) -> bool {
    weights.saturating_add(cache) <= for_mapped(free)
}

/// Bytes that a model may take of those that are free if all of its weights fit.
fn for_mapped(free: u64) -> u64 {
    free.saturating_sub(RESERVE + free / MAPPED_SHARE)
}

/// Bytes that a model may take of those that are free if its weights do not fit.
pub(crate) fn for_buffers(free: u64) -> u64 {
    free.saturating_sub(RESERVE + free / BUFFERS_SHARE)
}

impl Wish {
    /// Divides the memory that is free: as many tokens as were asked for, or as the model was
    /// trained for as far as memory goes beside the weights; then weights, then rows.
    ///
    /// # Errors
    /// When more tokens were asked for than there is memory for.
    pub(super) fn room(self, free: Option<Free>) -> Result<Room, GgufError> {
        let Some(free) = free else {
            let context = self.context.unwrap_or(USUAL_CONTEXT);
            return Ok(Room {
                context: context.clamp(1, self.trained),
                rows: self.rows,
                weights: None,
            });
        };
        let fewest = self.row_bytes.saturating_mul(FEWEST_ROWS as u64);
        let left = for_mapped(free.bytes()).saturating_sub(fewest);
        let context = self.context_within(free.bytes(), left)?;
        let cache = self.cache(context);
        let all_fit = self.weights.saturating_add(cache) <= left;
        let for_rows = match all_fit {
            true => for_mapped(free.bytes()) - self.weights - cache,
            false => free.bytes() / ROWS_SHARE,
        };
        let possible = usize::try_from(for_rows / self.row_bytes.max(1)).unwrap_or(usize::MAX);
        let rows = possible.max(FEWEST_ROWS).min(self.rows);
        let taken = cache.saturating_add(self.row_bytes.saturating_mul(rows as u64));
        Ok(Room {
            context,
            rows,
            weights: (!all_fit).then(|| Budget {
                bytes: for_buffers(free.bytes()).saturating_sub(taken),
                keeps_files: free.keeps(self.weights),
            }),
        })
    }

    /// Bytes of keys and values of so many tokens.
    fn cache(self, context: usize) -> u64 {
        (self.shape.token_bytes() as u64).saturating_mul(context as u64)
    }

    /// The number of tokens to make room for, where so many bytes are free and so many are left
    /// for weights, keys and values.
    fn context_within(self, free: u64, left: u64) -> Result<usize, GgufError> {
        let token_bytes = self.shape.token_bytes() as u64;
        let count = |bytes: u64| usize::try_from(bytes / token_bytes).unwrap_or(usize::MAX);
        let possible = count(free / SHARE);
        let Some(asked) = self.context else {
            let beside = count(left.saturating_sub(self.weights)).max(USUAL_CONTEXT);
            return Ok(self.trained.min(possible).min(beside).max(1));
        };
        let wanted = asked.clamp(1, self.trained);
        if wanted > possible {
            return Err(GgufError::Unsupported(
                format!(
                    "a context of {wanted} tokens takes {} MB for keys and values, and half of \
                     the free memory has room for {possible} tokens",
                    self.cache(wanted) / 1_000_000
                ),
                "ask for a shorter context or close other programs".into(),
            ));
        }
        Ok(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decoder::CachePrecision;

    /// Bytes of keys and values of one token, two bytes for each number.
    const TOKEN: u64 = 30 * 3 * 64 * 2 * 2;

    fn wish(context: Option<usize>, weights: u64) -> Wish {
        Wish {
            shape: Shape {
                layers: 30,
                heads: 3,
                head: 64,
                precision: CachePrecision::F16,
            },
            trained: 8192,
            context,
            weights,
            row_bytes: 1000,
            rows: 512,
        }
    }

    fn free(bytes: u64) -> Option<Free> {
        Some(Free {
            memory: bytes,
            own: u64::MAX,
        })
    }

    #[test]
    fn the_context_is_the_least_of_what_is_trained_possible_and_asked() {
        let room = |asked, tokens: u64| wish(asked, 0).room(free(2 * TOKEN * tokens));
        let context = |asked, tokens| room(asked, tokens).unwrap().context;
        assert_eq!(context(None, 1 << 20), 8192);
        assert_eq!(context(None, 1000), 1000);
        assert_eq!(context(Some(512), 1000), 512);
        assert_eq!(context(Some(0), 1000), 1);
        assert_eq!(context(Some(1 << 40), 1 << 20), 8192);
        assert_eq!(wish(None, 0).room(None).unwrap().context, 4096);
        let Err(GgufError::Unsupported(what, _)) = room(Some(2000), 1000) else {
            panic!("more than there is memory for");
        };
        assert!(what.contains("2000") && what.contains("1000"), "{what}");
    }

    #[test]
    fn weights_come_before_a_long_context_and_many_rows() {
        let all = 1_000_000_000;
        let cache = |tokens: u64| TOKEN * tokens;
        // What the rest of the program is left: 48 MiB, and a part in 32.
        let enough = |bytes: u64| (bytes + (48 << 20)) * 32 / 31 + 32;
        let room = |asked, bytes: u64| wish(asked, all).room(free(enough(bytes))).unwrap();
        let plenty = room(None, all + cache(8192) + 512_000);
        assert_eq!((plenty.context, plenty.rows), (8192, 512));
        assert_eq!(plenty.weights, None);
        let less = room(None, all + cache(6000) + 64_000);
        assert!((6000..6010).contains(&less.context), "{less:?}");
        assert!(
            (64..70).contains(&less.rows) && less.weights.is_none(),
            "{less:?}"
        );
        let part = room(None, all + cache(3000));
        assert_eq!((part.context, part.rows), (4096, 512));
        let budget = part.weights.unwrap();
        assert!(!budget.keeps_files);
        let expected = for_buffers(enough(all + cache(3000))) - cache(4096) - 512_000;
        assert!(budget.bytes == expected && expected < all, "{budget:?}");
        assert!(room(Some(8192), all + cache(8000)).weights.is_some());
        assert!(fits(all, cache(8), enough(all + cache(8))));
        assert!(!fits(all, cache(9), enough(all + cache(8))));
    }

    #[test]
    fn files_stay_in_memory_where_only_the_process_has_a_limit() {
        let keeps = |memory: u64| {
            let free = Free {
                memory,
                own: 500_000_000,
            };
            let room = wish(None, 1_000_000_000).room(Some(free)).unwrap();
            room.weights.unwrap().keeps_files
        };
        assert!(keeps(1_500_000_000) && !keeps(1_400_000_000));
    }
}
