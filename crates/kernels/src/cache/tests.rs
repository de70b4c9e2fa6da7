//! Attention over a cache against its definition in 64-bit floats, on every instruction set.

use proptest::prelude::*;

use super::*;
use crate::packed::ColumnsMut;

const KINDS: [CacheKind; 2] = [CacheKind::F16, CacheKind::Int8];

fn noise(len: usize, seed: u32) -> Vec<f32> {
    let mut state = seed | 1;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 4_194_304.0 - 2.0
        })
        .collect()
}

/// A cache that holds the keys and values of positions `0..count`, and in all other places
/// bytes that are no numbers.
struct Filled {
    layout: CacheLayout,
    bytes: Vec<u8>,
    keys: Vec<f32>,
    values: Vec<f32>,
}

fn filled(kind: CacheKind, width: usize, capacity: usize, count: usize, seed: u32) -> Filled {
    let layout = CacheLayout::new(kind, width, capacity);
    let mut bytes = vec![0xff; layout.bytes()];
    let keys = noise(count * width, seed);
    let values = noise(count * width, seed ^ 99);
    let rows = keys.chunks(width).zip(values.chunks(width));
    for (position, (key, value)) in rows.enumerate() {
        layout.store(Isa::best(), &mut bytes, position, key, value);
    }
    Filled {
        layout,
        bytes,
        keys,
        values,
    }
}

impl Filled {
    /// The definition, for one query at a position.
    fn expected(&self, attention: Attention, position: usize, query: &[f32]) -> Vec<f64> {
        let width = self.layout.width();
        let first = (position + 1).saturating_sub(attention.window.unwrap_or(usize::MAX));
        let scores: Vec<f64> = (first..=position)
            .map(|key| {
                let key = &self.keys[key * width..][..width];
                let terms = query.iter().zip(key);
                let score: f64 = terms.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                let score = score * f64::from(attention.scale);
                let cap = attention.soft_cap.map(f64::from);
                cap.map_or(score, |cap| cap * (score / cap).tanh())
            })
            .collect();
        let highest = scores.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
        let weights: Vec<f64> = scores.iter().map(|score| (score - highest).exp()).collect();
        let sum: f64 = weights.iter().sum();
        let mut mean = vec![0.0; width];
        for (key, weight) in (first..=position).zip(weights) {
            for (mean, x) in mean.iter_mut().zip(&self.values[key * width..]) {
                *mean += f64::from(*x) * weight / sum;
            }
        }
        mean
    }

    fn view(&self) -> HeadCache<'_> {
        HeadCache {
            layout: self.layout,
            bytes: &self.bytes,
        }
    }

    fn attended(&self, isa: Isa, attention: Attention, queries: Queries<'_>) -> Vec<f32> {
        let columns = queries.heads * self.layout.width();
        let mut out = vec![f32::NAN; queries.tokens * columns];
        attend(
            isa,
            attention,
            self.view(),
            queries,
            ColumnsMut::new(&mut out, columns),
            &mut CacheScratch::new(),
        );
        out
    }
}

fn plain(width: usize) -> Attention {
    Attention {
        scale: 1.0 / (width as f32).sqrt(),
        soft_cap: None,
        window: None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn every_isa_agrees_with_the_definition(
        which in 0usize..2,
        width in 1usize..140,
        before in 0usize..100,
        tokens in 1usize..40,
        heads in 1usize..9,
        window in prop::option::of(1usize..60),
        soft_cap in prop::option::of(1.0f32..20.0),
        seed in any::<u32>(),
    ) {
        let cache = filled(KINDS[which], width, before + tokens, before + tokens, seed);
        let attention = Attention { soft_cap, window, ..plain(width) };
        let columns = heads * width;
        let stride = columns + 3;
        let values = noise(tokens * stride, seed ^ 7);
        let queries = Queries { values: &values, stride, tokens, heads, first_position: before };
        let room = if which == 0 { 4e-3 } else { 0.06 };
        for isa in Isa::available() {
            let got = cache.attended(isa, attention, queries);
            for (token, got) in got.chunks(columns).enumerate() {
                for (head, got) in got.chunks(width).enumerate() {
                    let query = &values[token * stride + head * width..][..width];
                    let expected = cache.expected(attention, before + token, query);
                    for (got, expected) in got.iter().zip(expected) {
                        let error = (f64::from(*got) - expected).abs();
                        prop_assert!(error < room, "{isa:?}: {got}, not {expected}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_isa_agrees_closely_with_the_scalar_twin(
        which in 0usize..2,
        width in 1usize..140,
        count in 1usize..150,
        heads in 1usize..9,
        soft_cap in prop::option::of(1.0f32..20.0),
        seed in any::<u32>(),
    ) {
        let cache = filled(KINDS[which], width, count, count, seed);
        let attention = Attention { soft_cap, ..plain(width) };
        let values = noise(heads * width, seed ^ 7);
        let queries = Queries {
            values: &values,
            stride: heads * width,
            tokens: 1,
            heads,
            first_position: count - 1,
        };
        let expected = cache.attended(Isa::SCALAR, attention, queries);
        for isa in Isa::available() {
            for (got, expected) in cache.attended(isa, attention, queries).iter().zip(&expected) {
                prop_assert!((got - expected).abs() < 2e-5, "{isa:?}: {got}, not {expected}");
            }
        }
    }
}

#[test]
fn a_query_has_the_same_bits_alone_among_others_and_by_spans() {
    let (width, count, heads, tokens) = (24, 2 * SPAN + 77, 3, 40);
    for kind in KINDS {
        let cache = filled(kind, width, count, count, 5);
        for (isa, window) in Isa::available()
            .into_iter()
            .flat_map(|isa| [(isa, None), (isa, Some(1500)), (isa, Some(9))])
        {
            let attention = Attention {
                window,
                ..plain(width)
            };
            let stride = heads * width;
            let values = noise(tokens * stride, 8);
            let first_position = count - tokens;
            let queries = Queries {
                values: &values,
                stride,
                tokens,
                heads,
                first_position,
            };
            let all = cache.attended(isa, attention, queries);
            for token in [0, 1, 13, 39] {
                let one = Queries {
                    values: &values[token * stride..],
                    tokens: 1,
                    first_position: first_position + token,
                    ..queries
                };
                let alone = cache.attended(isa, attention, one);
                assert_eq!(alone, all[token * stride..][..stride], "{isa:?} {token}");

                let len = heads * (width + PARTIAL_EXTRA);
                let mut partials = vec![f32::NAN; 3 * len];
                let (first, rest) = partials.split_at_mut(len);
                let mut scratch = CacheScratch::new();
                for (spans, to) in [(1..3, rest), (0..1, first)] {
                    attend_spans(isa, attention, cache.view(), one, spans, to, &mut scratch);
                }
                let mut merged = vec![f32::NAN; stride];
                merge_spans(cache.layout, heads, &partials, &mut merged);
                assert_eq!(merged, alone, "{isa:?} {token} {window:?}");
            }
        }
    }
}

#[test]
fn a_ring_keeps_the_window() {
    let (width, window, capacity, count) = (16, 40, 96, 300);
    for (kind, isa) in KINDS
        .into_iter()
        .flat_map(|kind| Isa::available().into_iter().map(move |isa| (kind, isa)))
    {
        let ring = filled(kind, width, capacity, count, 3);
        let whole = filled(kind, width, count, count, 3);
        let attention = Attention {
            window: Some(window),
            ..plain(width)
        };
        let values = noise(width, 4);
        let queries = Queries {
            values: &values,
            stride: width,
            tokens: 1,
            heads: 1,
            first_position: count - 1,
        };
        let expected = whole.attended(isa, attention, queries);
        assert_eq!(ring.attended(isa, attention, queries), expected, "{isa:?}");
    }
}

#[test]
fn halves_are_rounded_alike_on_every_isa() {
    let values = noise(40, 17);
    let stored = |isa| {
        let layout = CacheLayout::new(CacheKind::F16, 40, 1);
        let mut bytes = vec![0; layout.bytes()];
        layout.store(isa, &mut bytes, 5, &values, &values);
        bytes
    };
    for isa in Isa::available() {
        assert_eq!(stored(isa), stored(Isa::SCALAR), "{isa:?}");
    }
}

#[test]
#[should_panic(expected = "positions that the cache holds")]
fn more_positions_than_the_cache_holds_are_refused() {
    let cache = filled(CacheKind::F16, 8, 32, 32, 1);
    let queries = Queries {
        values: &[0.0; 8],
        stride: 8,
        tokens: 1,
        heads: 1,
        first_position: 32,
    };
    cache.attended(Isa::best(), plain(8), queries);
}
