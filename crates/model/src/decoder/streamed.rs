//! Weights that memory has no room for, read from storage by a thread of their own.
//!
//! What every token needs stays in memory as far as it fits. The other units pass through a
//! fixed number of equal slots. Two kinds of units pass: those that every token needs, in the
//! order of a pass, which begins again with the next token; and experts, of which is known what a
//! router has just chosen. A slot is taken from the unit that is needed last as far as is known:
//! experts that nobody has chosen first, the longest unused of these before others; then those
//! that are needed later than what is to be read.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use docent_kernels::aligned::Aligned;

use crate::gguf::GgufError;
use crate::source::Source;
use crate::threads;

use super::footprint::{Footprint, Rates};
use super::packed::{Need, Plan, Unit};
use super::store::Held;

#[cfg(test)]
mod tests;

/// Slots that are kept for what passes before anything stays: one to compute with, one to read
/// into meanwhile.
const SLOTS: usize = 2;
/// Unless they would take more than one part in so many of the memory: then one does for both.
const SLOTS_SHARE: usize = 2;
/// Bytes that are read at a time.
const READ_AT_ONCE: usize = 8 << 20;

/// Where units are read from.
pub(super) enum Origin {
    /// A file of packed matrices.
    Packed {
        file: Source,
        /// Whether what was read may stay in the system's memory as well.
        keeps: bool,
    },
    /// The model's own file: units are packed whenever they are read.
    Model(Arc<Source>),
}

/// Packed matrices, some of which are in memory.
pub(super) struct Streamed {
    shelf: Arc<Shelf>,
    /// Units that stay, by their numbers.
    pinned: Vec<Option<Aligned<u8>>>,
    pinned_bytes: usize,
    /// Bytes per second that were read into what stays.
    storage_speed: f64,
    reader: Option<JoinHandle<()>>,
}

/// What the pass and the thread that reads share.
struct Shelf {
    plan: Plan,
    origin: Origin,
    slot_bytes: usize,
    state: Mutex<State>,
    /// A unit was read or could not be, is asked for, or is not held any more.
    changed: Condvar,
}

struct State {
    slots: Vec<Slot>,
    /// The unit that the pass waits for.
    wanted: Option<Unit>,
    /// Experts that are needed next, the first one first.
    chosen: VecDeque<Unit>,
    /// Units that every token needs and that do not stay, in the order of a pass, and the place
    /// of the one that comes next.
    passing: Vec<Unit>,
    next: usize,
    /// Why the wanted unit could not be read.
    failure: Option<io::Error>,
    /// Whether the last read failed: nothing is read ahead until one succeeds.
    is_broken: bool,
    /// Units that were held, counted: slots remember when they last were.
    clock: u64,
    is_closing: bool,
}

/// Room for a unit.
struct Slot {
    unit: Option<Unit>,
    /// `None` while a unit is read into it.
    buffer: Option<Arc<Aligned<u8>>>,
    used: u64,
}

/// A unit in a slot, which nothing else is read into meanwhile.
pub(super) struct Loan<'a> {
    shelf: &'a Shelf,
    /// `Some` until it is dropped.
    buffer: Option<Arc<Aligned<u8>>>,
}

impl Loan<'_> {
    /// The bytes from the beginning of the unit on.
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.as_ref().map_or(&[], |buffer| &buffer[..])
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        self.buffer = None;
        // The lock orders this before the reader's next look at the slots.
        drop(self.shelf.lock());
        self.shelf.changed.notify_all();
    }
}

/// What stays in memory, and the slots for the rest.
#[derive(Debug, PartialEq, Eq)]
struct Layout {
    pinned: Vec<Unit>,
    slots: usize,
    slot_bytes: usize,
}

impl Layout {
    /// Divides so many bytes: slots for the largest unit, then what every token needs as far as it
    /// fits, then more slots. `Err` has the bytes that are needed at least.
    fn of(plan: &Plan, budget: u64) -> Result<Layout, usize> {
        let budget = usize::try_from(budget).unwrap_or(usize::MAX);
        let units = plan.units();
        let bytes = |unit: &Unit| units[unit.0].bytes;
        let (experts, mut common): (Vec<Unit>, Vec<Unit>) = (0..units.len())
            .map(Unit)
            .partition(|unit| units[unit.0].need == Need::Expert);
        common.sort_by_key(|unit| units[unit.0].need);
        let largest = |units: &[Unit]| units.iter().map(bytes).max().unwrap_or(0);
        let most = largest(&experts).max(largest(&common));
        let slots = match most.saturating_mul(SLOTS) <= budget / SLOTS_SHARE {
            true => SLOTS,
            false => 1,
        };
        let mut left = budget.saturating_sub(most.saturating_mul(slots));
        let (pinned, passing): (Vec<Unit>, Vec<Unit>) = common.into_iter().partition(|unit| {
            let fits = bytes(unit) <= left;
            left -= if fits { bytes(unit) } else { 0 };
            fits
        });
        let taken: usize = pinned.iter().map(bytes).sum();
        let slot_bytes = largest(&experts).max(largest(&passing));
        let passing = passing.len() + experts.len();
        let possible = (budget - taken).checked_div(slot_bytes).unwrap_or(0);
        if possible == 0 && passing > 0 {
            return Err(slot_bytes);
        }
        Ok(Layout {
            pinned,
            slots: possible.min(passing),
            slot_bytes,
        })
    }
}

impl Streamed {
    /// Reads what stays, and begins to read ahead what passes; all in at most `budget` bytes.
    ///
    /// # Errors
    /// When that is too little for the largest unit, or what stays cannot be read.
    pub(super) fn open(plan: Plan, origin: Origin, budget: u64) -> Result<Streamed, GgufError> {
        let layout = Layout::of(&plan, budget).map_err(|least| too_little(least, budget))?;
        let mut pinned: Vec<Option<Aligned<u8>>> = Vec::new();
        pinned.resize_with(plan.units().len(), || None);
        let mut slots: Vec<Slot> = (0..layout.slots)
            .map_while(|_| Slot::new(layout.slot_bytes))
            .collect();
        if slots.is_empty() && layout.slots > 0 {
            return Err(too_little(layout.slot_bytes, budget));
        }
        origin.forget(&plan);
        let started = Instant::now();
        let mut read_bytes = 0;
        for unit in &layout.pinned {
            let bytes = plan.units()[unit.0].bytes;
            let mut buffer = Aligned::try_zeroed(bytes).ok_or_else(|| too_little(bytes, budget))?;
            origin.read(&plan, *unit, &mut buffer)?;
            read_bytes += bytes;
            pinned[unit.0] = Some(buffer);
        }
        let pinned_bytes = read_bytes;
        if let (0, Some(slot)) = (read_bytes, slots.first_mut()) {
            // Where nothing stays, the first unit tells how fast the rest comes.
            read_bytes = slot.fill(&plan, &origin, Unit(0))?;
        }
        let mut storage_speed = read_bytes as f64 / started.elapsed().as_secs_f64().max(1e-9);
        if let (true, Some(unit)) = (origin.keeps(), layout.pinned.first())
            && let Some(buffer) = &mut pinned[unit.0]
        {
            // What is read again comes from the system's memory, as will most of the rest.
            let started = Instant::now();
            origin.read(&plan, *unit, buffer)?;
            storage_speed = buffer.len() as f64 / started.elapsed().as_secs_f64().max(1e-9);
        }
        let passes =
            |unit: &Unit| plan.units()[unit.0].need != Need::Expert && pinned[unit.0].is_none();
        let state = State {
            slots,
            wanted: None,
            chosen: VecDeque::new(),
            passing: (0..plan.units().len()).map(Unit).filter(passes).collect(),
            next: 0,
            failure: None,
            is_broken: false,
            clock: 0,
            is_closing: false,
        };
        let shelf = Arc::new(Shelf {
            plan,
            origin,
            slot_bytes: layout.slot_bytes,
            state: Mutex::new(state),
            changed: Condvar::new(),
        });
        let reading = shelf.clone();
        let reader = std::thread::Builder::new()
            .name("docent-weights".into())
            .spawn(move || reading.read_on())?;
        Ok(Streamed {
            shelf,
            pinned,
            pinned_bytes,
            storage_speed,
            reader: Some(reader),
        })
    }

    /// Which matrices there are.
    pub(super) fn plan(&self) -> &Plan {
        &self.shelf.plan
    }

    /// A unit's matrices, once they are in memory.
    ///
    /// # Errors
    /// When they cannot be read.
    pub(super) fn hold(&self, unit: Unit) -> io::Result<Held<'_>> {
        let plan = self.plan();
        let place = plan.units()[unit.0].place;
        if let Some(pinned) = &self.pinned[unit.0] {
            return Ok(Held::resident(plan, place, pinned));
        }
        let buffer = Some(self.shelf.wait_for(unit)?);
        let shelf = &*self.shelf;
        Ok(Held::lent(plan, place, Loan { shelf, buffer }))
    }

    /// Says which experts are held next, so that those which are not in memory are read in this
    /// order.
    pub(super) fn foresee(&self, experts: impl Iterator<Item = Unit>) {
        let mut state = self.shelf.lock();
        state.chosen.clear();
        state.chosen.extend(experts);
        drop(state);
        self.shelf.changed.notify_all();
    }

    /// Whether a unit is in memory now.
    pub(super) fn has(&self, unit: Unit) -> bool {
        self.pinned[unit.0].is_some() || self.shelf.lock().ready(unit).is_some()
    }

    /// Bytes of weights that stay in memory, or may: experts keep their slots until others need
    /// them, but a unit that passes comes anew for each token.
    pub(super) fn resident_bytes(&self) -> usize {
        let state = self.shelf.lock();
        match state.passing.is_empty() {
            true => self.pinned_bytes + state.slots.len() * self.shelf.slot_bytes,
            false => self.pinned_bytes,
        }
    }

    /// Tokens to expect per second.
    pub(super) fn tokens_per_second(&self, footprint: Footprint, memory: f64) -> f64 {
        let storage = self.storage_speed;
        footprint.tokens_per_second(self.resident_bytes() as u64, Rates { memory, storage })
    }

    /// The largest stretch of bytes that stays.
    pub(super) fn sample(&self) -> &[u8] {
        let pinned = self.pinned.iter().flatten();
        pinned
            .max_by_key(|bytes| bytes.len())
            .map_or(&[], |bytes| &bytes[..])
    }

    /// Bytes of all buffers.
    #[cfg(test)]
    pub(super) fn buffer_bytes(&self) -> usize {
        self.pinned_bytes + self.shelf.lock().slots.len() * self.shelf.slot_bytes
    }
}

impl Drop for Streamed {
    fn drop(&mut self) {
        self.shelf.lock().is_closing = true;
        self.shelf.changed.notify_all();
        if let Some(reader) = self.reader.take() {
            // A panic in it was contained; there is nobody to tell.
            let _ = reader.join();
        }
    }
}

fn too_little(least: usize, budget: u64) -> GgufError {
    GgufError::Unsupported(
        format!(
            "it does not fit into memory, and reading it from the disk takes {} MB at a time, \
             where {} MB are left for weights",
            least.div_ceil(1_000_000),
            budget / 1_000_000
        ),
        "close other programs, ask for a shorter context or choose a smaller model".into(),
    )
}

impl Shelf {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let state = self.changed.wait(state);
        state.unwrap_or_else(PoisonError::into_inner)
    }

    /// The buffer of a unit, once it is read.
    fn wait_for(&self, unit: Unit) -> io::Result<Arc<Aligned<u8>>> {
        let mut state = self.lock();
        state.failure = None;
        state.wanted = Some(unit);
        self.changed.notify_all();
        loop {
            if let Some(buffer) = state.take(unit) {
                // What comes after it may be read now.
                self.changed.notify_all();
                return Ok(buffer);
            }
            if let Some(failure) = state.failure.take() {
                state.wanted = None;
                return Err(failure);
            }
            state = self.wait(state);
        }
    }

    /// Reads what is needed next, until there can be no more.
    fn read_on(&self) {
        let mut state = self.lock();
        while !state.is_closing {
            let Some((unit, index, mut buffer)) = state.next_read() else {
                state = self.wait(state);
                continue;
            };
            drop(state);
            let bytes = self.plan.units()[unit.0].bytes;
            let read = || self.origin.read(&self.plan, unit, &mut buffer[..bytes]);
            let outcome =
                threads::contain(read).unwrap_or_else(|panic| Err(io::Error::other(panic)));
            state = self.lock();
            state.put(unit, index, buffer, outcome);
            self.changed.notify_all();
        }
    }
}

impl Slot {
    fn new(bytes: usize) -> Option<Slot> {
        Some(Slot {
            unit: None,
            buffer: Some(Arc::new(Aligned::try_zeroed(bytes)?)),
            used: 0,
        })
    }

    /// Reads a unit before anybody else knows the slot; gives the bytes that it takes.
    fn fill(&mut self, plan: &Plan, origin: &Origin, unit: Unit) -> io::Result<usize> {
        let bytes = plan.units()[unit.0].bytes;
        if let Some(buffer) = self.buffer.as_mut().and_then(Arc::get_mut) {
            origin.read(plan, unit, &mut buffer[..bytes])?;
            self.unit = Some(unit);
        }
        Ok(bytes)
    }

    /// Whether another unit may be read into it.
    fn is_idle(&self) -> bool {
        let buffer = self.buffer.as_ref();
        buffer.is_some_and(|buffer| Arc::strong_count(buffer) == 1)
    }
}

impl State {
    /// The place of the slot in which a unit is or will be.
    fn slot_of(&self, unit: Unit) -> Option<usize> {
        self.slots.iter().position(|slot| slot.unit == Some(unit))
    }

    /// The buffer of a unit that was read.
    fn ready(&self, unit: Unit) -> Option<&Arc<Aligned<u8>>> {
        self.slots[self.slot_of(unit)?].buffer.as_ref()
    }

    /// Hands a unit to the pass, if it was read: it is not among what comes next any more.
    fn take(&mut self, unit: Unit) -> Option<Arc<Aligned<u8>>> {
        let buffer = self.ready(unit)?.clone();
        let slot = self.slot_of(unit)?;
        self.clock += 1;
        self.slots[slot].used = self.clock;
        self.wanted = None;
        self.chosen.retain(|chosen| *chosen != unit);
        if let Some(place) = self.passing.iter().position(|passing| *passing == unit) {
            self.next = (place + 1) % self.passing.len();
        }
        Some(buffer)
    }

    /// How many units are needed before this one; `None` for an expert that nobody has chosen.
    fn rank(&self, unit: Unit) -> Option<usize> {
        let chosen = self.chosen.iter().position(|chosen| *chosen == unit);
        chosen.or_else(|| {
            let place = self.passing.iter().position(|passing| *passing == unit)?;
            let count = self.passing.len();
            Some(self.chosen.len() + (place + count - self.next) % count)
        })
    }

    /// The unit that is to be read next, with the place of a slot and its buffer; `None` if there
    /// is none, or no slot for it.
    fn next_read(&mut self) -> Option<(Unit, usize, Aligned<u8>)> {
        let (unit, rank) = self.next_absent()?;
        let index = self.slot_for(rank)?;
        let slot = &mut self.slots[index];
        let buffer = Arc::try_unwrap(slot.buffer.take()?);
        match buffer {
            Ok(buffer) => {
                slot.unit = Some(unit);
                slot.used = self.clock;
                Some((unit, index, buffer))
            }
            Err(held) => {
                slot.buffer = Some(held);
                None
            }
        }
    }

    /// The first unit that is needed and in no slot, with its rank if the pass does not wait for
    /// it.
    fn next_absent(&self) -> Option<(Unit, Option<usize>)> {
        let absent = |unit: &Unit| self.slot_of(*unit).is_none();
        if let Some(wanted) = self.wanted.filter(absent) {
            return Some((wanted, None));
        }
        if self.is_broken {
            return None;
        }
        let (before, after) = self.passing.split_at(self.next);
        let order = self.chosen.iter().chain(after).chain(before);
        let (rank, unit) = order.enumerate().find(|(_, unit)| absent(unit))?;
        Some((*unit, Some(rank)))
    }

    /// The place of a slot whose unit is needed later than one of this rank, or than one that the
    /// pass waits for.
    fn slot_for(&self, rank: Option<usize>) -> Option<usize> {
        let needed = |slot: &Slot| slot.unit.and_then(|unit| self.rank(unit));
        // What the pass waits for may have been read and not yet been taken.
        let awaited = |slot: &Slot| slot.unit.is_some() && slot.unit == self.wanted;
        let slots = self.slots.iter().enumerate();
        let idle = slots.filter(|(_, slot)| slot.is_idle() && !awaited(slot));
        let (index, slot) =
            idle.max_by_key(|(_, slot)| (needed(slot).unwrap_or(usize::MAX), Reverse(slot.used)))?;
        let gives_way = match (needed(slot), rank) {
            (Some(of), Some(rank)) => of > rank,
            _ => true,
        };
        gives_way.then_some(index)
    }

    /// Takes a slot back after a read.
    fn put(&mut self, unit: Unit, index: usize, buffer: Aligned<u8>, outcome: io::Result<()>) {
        let slot = &mut self.slots[index];
        slot.buffer = Some(Arc::new(buffer));
        self.is_broken = outcome.is_err();
        if let Err(error) = outcome {
            slot.unit = None;
            if self.wanted == Some(unit) {
                self.failure = Some(error);
            }
        }
    }
}

impl Origin {
    /// Reads a unit into as many bytes as it takes.
    fn read(&self, plan: &Plan, unit: Unit, out: &mut [u8]) -> io::Result<()> {
        match self {
            Origin::Packed { file, keeps } => {
                let mut at = plan.units()[unit.0].place as u64;
                for out in out.chunks_mut(READ_AT_ONCE) {
                    file.read_at(at, out)?;
                    if !keeps {
                        file.forget(at, out.len() as u64);
                    }
                    at += out.len() as u64;
                }
                Ok(())
            }
            Origin::Model(source) => plan.pack_unit(unit, source, out),
        }
    }

    /// Whether what was read once stays in the system's memory.
    fn keeps(&self) -> bool {
        matches!(self, Origin::Packed { keeps: true, .. })
    }

    /// Has the system forget what it holds of the file, where it is not to hold it: what is read
    /// then comes from the disk, and tells how fast that is.
    fn forget(&self, plan: &Plan) {
        if let Origin::Packed { file, keeps: false } = self {
            file.forget(0, plan.bytes() as u64);
        }
    }
}
