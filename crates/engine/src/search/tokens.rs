//! Candidates compared with the query token by token ([`docent_core::late`]).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use docent_core::chunk;
use docent_core::evidence;
use docent_core::late::{QuestionTokens, Tokens};
use docent_core::model::{Embedder, ModelError, Urgency};
use docent_store::StoredChunk;

use crate::collection::Collection;
use crate::error::EngineError;

/// Memory for token vectors, so that typing on and asking again does not embed them anew.
const MAX_BYTES: usize = 64 << 20;

/// Token vectors of texts that were compared lately.
#[derive(Default)]
pub(crate) struct TokenCache(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    /// By [`token_key`]; with the moment of the last use.
    tokens: HashMap<blake3::Hash, (u64, Arc<Tokens>)>,
    bytes: usize,
    now: u64,
}

impl TokenCache {
    fn get(&self, text: &blake3::Hash) -> Option<Arc<Tokens>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.now += 1;
        let now = kept.now;
        let (used, tokens) = kept.tokens.get_mut(text)?;
        *used = now;
        Some(Arc::clone(tokens))
    }

    fn put(&self, text: blake3::Hash, tokens: &Arc<Tokens>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.now += 1;
        let now = kept.now;
        kept.bytes += tokens.bytes();
        if let Some((_, old)) = kept.tokens.insert(text, (now, Arc::clone(tokens))) {
            kept.bytes -= old.bytes();
        }
        if kept.bytes > MAX_BYTES {
            kept.drop_older_half();
        }
    }
}

impl Kept {
    fn drop_older_half(&mut self) {
        let mut uses: Vec<u64> = self.tokens.values().map(|(used, _)| *used).collect();
        let middle = uses.len() / 2;
        let (_, median, _) = uses.select_nth_unstable(middle);
        let median = *median;
        self.tokens.retain(|_, (used, _)| *used >= median);
        self.bytes = self.tokens.values().map(|(_, t)| t.bytes()).sum();
    }
}

impl Collection {
    /// How alike each chunk is to the question, token by token, −1 to 1; `None` where the
    /// embedder gives no vectors of tokens.
    pub(super) fn token_similarity(
        &self,
        question: &str,
        chunks: &[&StoredChunk],
    ) -> Result<Option<Vec<f32>>, EngineError> {
        let embedder = self.embedder()?;
        let tokens = match embedder.embed_query_tokens(question) {
            Err(ModelError::Refused(_)) => return Ok(None),
            tokens => tokens?,
        };
        let question = QuestionTokens::of(question, &tokens, |word| self.rarity(word));
        if question.is_empty() {
            return Ok(None);
        }
        let passages = self.tokens_of(embedder.as_ref(), chunks)?;
        let similarity = passages.iter().map(|passage| question.similarity(passage));
        Ok(Some(similarity.collect()))
    }

    /// How rare a word is in the collection, more than 0.
    pub(crate) fn rarity(&self, word: &str) -> f32 {
        let reader = self.reader();
        let counts = reader
            .chunk_frequency(word)
            .and_then(|holding| Ok((holding, reader.chunk_count()?)));
        // A word whose rarity cannot be told is like any other.
        counts.map_or(1.0, |(holding, all)| evidence::rarity(holding, all))
    }

    /// The token vectors of chunks, as they are embedded.
    fn tokens_of(
        &self,
        embedder: &dyn Embedder,
        chunks: &[&StoredChunk],
    ) -> Result<Vec<Arc<Tokens>>, EngineError> {
        let cache = self.library().tokens();
        let texts: Vec<(blake3::Hash, String)> = chunks
            .iter()
            .map(|chunk| {
                let headings = &chunk.chunk.heading_path;
                let text = chunk::text_to_embed(chunk.title.as_deref(), headings, &chunk.text);
                (token_key(embedder, &text), text)
            })
            .collect();
        let mut tokens: Vec<Option<Arc<Tokens>>> =
            texts.iter().map(|(hash, _)| cache.get(hash)).collect();
        let missing: Vec<usize> = (0..texts.len())
            .filter(|at| tokens[*at].is_none())
            .collect();
        let wanted: Vec<String> = missing.iter().map(|at| texts[*at].1.clone()).collect();
        if !wanted.is_empty() {
            let vectors = embedder.embed_tokens(&wanted, Urgency::Interactive)?;
            for (at, vectors) in missing.into_iter().zip(vectors) {
                let made = Arc::new(Tokens::of(&vectors, embedder.dimension()));
                cache.put(texts[at].0, &made);
                tokens[at] = Some(made);
            }
        }
        Ok(tokens.into_iter().map(Option::unwrap_or_default).collect())
    }
}

/// What token vectors are remembered by: the embedder, and the text.
fn token_key(embedder: &dyn Embedder, text: &str) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    for part in [embedder.fingerprint(), "\0", text] {
        hasher.update(part.as_bytes());
    }
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_last_is_kept() {
        let cache = TokenCache::default();
        let tokens = Arc::new(Tokens::of(&vec![0.5; MAX_BYTES / 8], 4));
        let hash = |n: u8| blake3::hash(&[n]);
        for n in 0..3 {
            cache.put(hash(n), &tokens);
        }
        assert!(cache.get(&hash(0)).is_some());
        for n in 3..5 {
            cache.put(hash(n), &tokens);
        }
        let kept = (0..5).filter(|n| cache.get(&hash(*n)).is_some());
        let kept: Vec<u8> = kept.collect();
        assert!(
            kept.contains(&4) && kept.contains(&0) && !kept.contains(&1),
            "{kept:?}"
        );
    }
}
