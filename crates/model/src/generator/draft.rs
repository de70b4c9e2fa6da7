//! Guessing what a model writes next, from what it has read: an answer that quotes its passages
//! repeats long runs of them. A guess is read together with the token before it, which takes
//! little more time than that token alone, and is kept as far as the model would have written
//! the same.
//!
//! Prompt lookup decoding: Saxena 2023, <https://github.com/apoorvumang/prompt-lookup-decoding>.

use std::collections::HashMap;

/// Tokens that have to agree for what followed them to be a guess; the longer run is tried first.
const LONG: usize = 3;
const SHORT: usize = 2;
/// Tokens of a first guess, and of the longest.
const FIRST: usize = 4;
const MOST: usize = 15;
/// Steps without a guess after many that came to nothing.
const LONGEST_PAUSE: u32 = 16;

/// Guesses from the tokens of a prompt and of the answer so far.
pub(super) struct Drafter {
    tokens: Vec<u32>,
    /// Where each run of tokens ended last.
    long: HashMap<[u32; LONG], usize>,
    short: HashMap<[u32; SHORT], usize>,
    /// Tokens of the next guess.
    length: usize,
    /// Steps to go without a guess, and how many the next failure costs.
    pause: u32,
    penalty: u32,
}

impl Drafter {
    /// Guesses for an answer to `prompt`.
    pub(super) fn new(prompt: &[u32]) -> Drafter {
        let mut drafter = Drafter {
            tokens: Vec::with_capacity(prompt.len() + 512),
            long: HashMap::with_capacity(prompt.len()),
            short: HashMap::with_capacity(prompt.len()),
            length: FIRST,
            pause: 0,
            penalty: 1,
        };
        prompt.iter().for_each(|token| drafter.push(*token));
        drafter
    }

    /// Takes the next token of the text. A run is remembered when it is continued, so that the
    /// run at the end is found where it stood before.
    pub(super) fn push(&mut self, token: u32) {
        let end = self.tokens.len();
        if let Some(run) = self.tokens.last_chunk() {
            self.long.insert(*run, end);
        }
        if let Some(run) = self.tokens.last_chunk() {
            self.short.insert(*run, end);
        }
        self.tokens.push(token);
    }

    /// What may follow, at most `room` tokens; empty if nothing is likely to.
    pub(super) fn guess(&mut self, room: usize) -> &[u32] {
        if self.pause > 0 {
            self.pause -= 1;
            return &[];
        }
        let long = self.tokens.last_chunk().and_then(|run| self.long.get(run));
        let short = || self.tokens.last_chunk().and_then(|run| self.short.get(run));
        let Some(&start) = long.or_else(short) else {
            return &[];
        };
        let end = (start + self.length.min(room)).min(self.tokens.len());
        &self.tokens[start..end]
    }

    /// Learns how much of a guess came true.
    pub(super) fn judge(&mut self, guessed: usize, accepted: usize) {
        if guessed == 0 {
            return;
        }
        if accepted == 0 {
            self.pause = self.penalty;
            self.penalty = (2 * self.penalty).min(LONGEST_PAUSE);
            self.length = FIRST;
            return;
        }
        self.penalty = 1;
        self.length = match accepted == guessed {
            true => (2 * self.length).min(MOST),
            false => (accepted + 1).clamp(FIRST, MOST),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_followed_the_same_tokens_is_guessed() {
        let mut drafter = Drafter::new(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 2]);
        assert!(drafter.guess(10).is_empty());
        drafter.push(3);
        assert_eq!(drafter.guess(10), [4, 5, 6, 7]);
        assert_eq!(drafter.guess(2), [4, 5]);
        drafter.judge(4, 4);
        assert_eq!(drafter.guess(10).len(), 8);
    }

    #[test]
    fn longer_runs_and_later_places_go_first() {
        let mut drafter = Drafter::new(&[1, 2, 3, 10, 5, 2, 3, 20, 1, 2, 3]);
        assert_eq!(drafter.guess(1), [10]);
        drafter = Drafter::new(&[9, 2, 3, 10, 5, 2, 3, 20, 1, 2, 3]);
        assert_eq!(drafter.guess(1), [20]);
    }

    #[test]
    fn guesses_that_come_to_nothing_become_rare() {
        let mut drafter = Drafter::new(&[1, 2, 3, 1, 2]);
        let mut guesses = 0;
        for _ in 0..200 {
            if !drafter.guess(8).is_empty() {
                guesses += 1;
                drafter.judge(3, 0);
            }
        }
        assert!((5..25).contains(&guesses), "{guesses}");
    }
}
