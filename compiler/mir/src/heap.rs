//! A strand's arena: words addressed by index, immutable values, collected by copying at suspensions.
//!
//! Index 0 is reserved, so no reference is 0. Reads are checked: a reference out of range reads as 0 or as empty, so
//! even a word of the wrong kind can't end the process. Allocation is bounded by [`Limits::heap_words`]; a small
//! reserve above it lets the trap that reports the breach be made.

mod error;
pub mod json;
pub mod list;
pub mod map;
mod objects;
mod parse;
mod storage;

pub use error::{ErrorParts, TrapKind};
pub use parse::Unparsed;

use crate::program::KnownTypes;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use storage::Storage;

/// What one strand may use before it fails with a trap.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Words of memory; below 2³².
    pub heap_words: usize,
    /// Bytes of call stack.
    pub stack_bytes: usize,
    /// Set by a watchdog when a step has run too long; checked at safepoints.
    pub interrupt: Arc<AtomicBool>,
}

impl Default for Limits {
    /// 32 Mi words (256 MB), 1 MiB of stack.
    fn default() -> Self {
        Limits { heap_words: 32 << 20, stack_bytes: 1 << 20, interrupt: Arc::default() }
    }
}

/// The strand's memory limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

impl OutOfMemory {
    /// The trap that says so.
    pub fn raise(self, heap: &mut Heap) -> u64 {
        heap.out_of_memory()
    }
}

/// What code at a safepoint is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Safepoint {
    /// Go on.
    Continue,
    /// Enough garbage may have gathered: a suspending function leaves with `Exit::Suspend`, others go on.
    Collect,
    /// The watchdog fired: raise [`TrapKind::RanTooLong`].
    Interrupt,
}

/// A bit in the first word of a list's buffer or a map's table, beside the capacity: a single local holds the collection, so
/// that it may be changed in place. See [`sharing`](crate::sharing).
pub const HELD_ONCE: u64 = 1 << 63;

/// Kept above the limit for the errors that report it.
const RESERVE: usize = 4096;
/// Below this many new words a collection isn't worth its time. About what a core's cache holds.
const COLLECT_STEP: usize = 1 << 17;

/// A strand's values.
#[derive(Clone, Debug)]
pub struct Heap {
    words: Storage,
    known: KnownTypes,
    limits: Limits,
    collect_at: usize,
    /// The trap "out of memory", once made: made only once, so that a loop that catches it can't outgrow the reserve.
    out_of_memory: u64,
    /// Memory that a collection left behind, for the next one to copy into. Empty.
    spare: Storage,
    /// How many words at the start are lent to the strand, which neither changes nor moves them; 0 for none.
    lent: usize,
}

impl Default for Heap {
    fn default() -> Self {
        Heap::new(KnownTypes::default(), Limits::default())
    }
}

impl Heap {
    /// An empty heap for values of the program with these well-known types.
    pub fn new(known: KnownTypes, limits: Limits) -> Heap {
        let mut words = Storage::new(Vec::with_capacity(64));
        words.push(0);
        let mut heap = Heap {
            words,
            known,
            limits,
            collect_at: 0,
            out_of_memory: 0,
            spare: Storage::default(),
            lent: 0,
        };
        heap.start_epoch();
        heap
    }

    /// An empty heap for values of the same program, under the same limits: what a collection copies into.
    pub fn successor(&self) -> Heap {
        Heap::new(self.known, self.limits.clone())
    }

    /// What a collection copies into: as [`successor`](Self::successor), in the memory that the collection before left
    /// behind, and with what is lent.
    pub(crate) fn reuse(&mut self) -> Heap {
        let mut words = std::mem::take(&mut self.spare);
        words.clear();
        words.extend(self.words.iter().take(self.lent.max(1)));
        Heap { words, lent: self.lent, ..self.successor() }
    }

    /// How many words at the start are lent.
    pub(crate) fn lent(&self) -> usize {
        self.lent
    }

    /// Lends its values to a strand that is to allocate behind them, under limits that don't count them.
    pub(crate) fn lend(&mut self, limits: &Limits) {
        self.lent = self.words.len();
        self.limits = limits.clone();
        self.limits.heap_words = limits.heap_words.saturating_add(self.lent).min(u32::MAX as usize);
    }

    /// Takes back what was lent, without what the strand has allocated.
    pub(crate) fn take_back(&mut self) {
        self.words.truncate(self.lent);
        self.words.shrink_to(self.lent.saturating_mul(2).saturating_add(COLLECT_STEP));
        (self.lent, self.out_of_memory, self.spare) = (0, 0, Storage::default());
    }

    /// Goes on with what a collection has copied. Its own memory is kept for the next one.
    pub(crate) fn collected(&mut self, mut copy: Heap) {
        copy.start_epoch();
        std::mem::swap(self, &mut copy);
        copy.words.clear();
        self.spare = copy.words;
    }

    /// A heap that consists of stored words. They aren't checked: copy the values out before code sees them.
    pub(crate) fn from_words(known: KnownTypes, limits: Limits, words: Vec<u64>) -> Heap {
        Heap { words: Storage::new(words), ..Heap::new(known, limits) }
    }

    /// The words, where the heap itself is no longer needed.
    pub(crate) fn into_words(self) -> Vec<u64> {
        self.words.into_words()
    }

    /// The program's well-known types.
    pub fn known(&self) -> &KnownTypes {
        &self.known
    }

    /// The limits it is under.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How many words are in use, the reserved one included.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether nothing has been allocated.
    pub fn is_empty(&self) -> bool {
        self.words.len() <= 1
    }

    /// All words, for native code and encoders. An allocation may move them.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// All words, for native code. An allocation may move them.
    pub fn words_mut(&mut self) -> &mut [u64] {
        &mut self.words
    }

    /// The memory itself, for native code, which allocates in its spare capacity, below the limit.
    pub fn storage_mut(&mut self) -> &mut Vec<u64> {
        &mut self.words
    }

    /// Makes room for so many more words, whatever the limit.
    pub fn reserve(&mut self, words: usize) {
        self.words.reserve(words);
    }

    /// How many words in use make a safepoint say [`Safepoint::Collect`]: more than this.
    pub fn collect_at(&self) -> usize {
        self.collect_at
    }

    /// A new object of that many zeros. Growth doubles, so allocation is amortised O(size).
    pub fn alloc(&mut self, words: usize) -> Result<u64, OutOfMemory> {
        self.alloc_below(words, self.limits.heap_words)
    }

    fn alloc_below(&mut self, words: usize, limit: usize) -> Result<u64, OutOfMemory> {
        let reference = self.words.len();
        let end = reference.checked_add(words).filter(|end| *end <= limit).ok_or(OutOfMemory)?;
        self.words.reserve(words);
        self.words.resize(end, 0);
        Ok(reference as u64)
    }

    /// A new object of these words.
    pub fn alloc_from(&mut self, object: &[u64]) -> Result<u64, OutOfMemory> {
        let reference = self.words.len();
        if reference.saturating_add(object.len()) > self.limits.heap_words {
            return Err(OutOfMemory);
        }
        self.words.reserve(object.len());
        self.words.extend_from_slice(object);
        Ok(reference as u64)
    }

    /// The word at `offset` of an object; 0 where there is none.
    pub fn get(&self, reference: u64, offset: usize) -> u64 {
        let index = usize::try_from(reference).ok().and_then(|start| start.checked_add(offset));
        index.and_then(|index| self.words.get(index)).copied().unwrap_or(0)
    }

    /// Sets a word of an object that is still being built; does nothing where there is none.
    pub fn set(&mut self, reference: u64, offset: usize, word: u64) {
        let index = usize::try_from(reference).ok().and_then(|start| start.checked_add(offset));
        if let Some(place) = index.and_then(|index| self.words.get_mut(index)) {
            *place = word;
        }
    }

    /// `len` words from `offset` of an object; empty where they aren't all there.
    pub fn slice(&self, reference: u64, offset: usize, len: usize) -> &[u64] {
        part(&self.words, reference, offset, len)
    }

    /// As [`slice`](Self::slice), to be written to.
    pub fn slice_mut(&mut self, reference: u64, offset: usize, len: usize) -> &mut [u64] {
        let range = usize::try_from(reference).ok().and_then(|start| {
            let start = start.checked_add(offset)?;
            Some(start..start.checked_add(len)?)
        });
        range.and_then(|range| self.words.get_mut(range)).unwrap_or(&mut [])
    }

    /// Says that a list, map or set is held by more than one local from here on.
    pub fn share(&mut self, collection: u64) {
        let buffer = self.get(collection, 1);
        self.set(buffer, 0, self.get(buffer, 0) & !HELD_ONCE);
    }

    /// Whether a single local holds a list, map or set. An empty one may not know.
    pub(crate) fn is_held_once(&self, collection: u64) -> bool {
        self.get(self.get(collection, 1), 0) & HELD_ONCE != 0
    }

    /// What to do at a loop's back edge. Cheap: one atomic load and a comparison.
    pub fn safepoint(&self) -> Safepoint {
        if self.interrupted() {
            Safepoint::Interrupt
        } else if self.words.len() > self.collect_at {
            Safepoint::Collect
        } else {
            Safepoint::Continue
        }
    }

    /// Whether the watchdog has fired. Long library operations look at it and give up.
    pub fn interrupted(&self) -> bool {
        self.limits.interrupt.load(Ordering::Relaxed)
    }

    /// Takes what is in use now as live: the next collection is due after that has grown by 128 Ki words and to three
    /// times its size, or sooner where the limit is near.
    pub fn start_epoch(&mut self) {
        let live = self.words.len();
        let room = self.limits.heap_words.saturating_sub(live) / 2;
        self.collect_at = live + COLLECT_STEP.max(live.saturating_mul(2)).min(room);
    }
}

/// `len` words from `offset` of an object that stands in these words; empty where they aren't all there.
fn part(words: &[u64], reference: u64, offset: usize, len: usize) -> &[u64] {
    let range = usize::try_from(reference).ok().and_then(|start| {
        let start = start.checked_add(offset)?;
        Some(start..start.checked_add(len)?)
    });
    range.and_then(|range| words.get(range)).unwrap_or(&[])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small(heap_words: usize) -> Heap {
        Heap::new(KnownTypes::default(), Limits { heap_words, ..Limits::default() })
    }

    #[test]
    fn no_reference_is_zero_and_wild_reads_are_harmless() {
        let mut heap = Heap::default();
        assert_eq!(heap.alloc(2), Ok(1));
        assert_eq!(heap.get(u64::MAX, 3), 0);
        assert_eq!(heap.slice(1, 0, 3), &[] as &[u64]);
        heap.set(u64::MAX, usize::MAX, 7);
    }

    #[test]
    fn the_limit_holds_and_the_trap_that_says_so_still_fits() {
        let mut heap = small(16);
        assert_eq!(heap.alloc(100), Err(OutOfMemory));
        let error = heap.out_of_memory();
        assert_eq!(heap.trap_parts(error).map(|(kind, _)| kind), Some("out of memory"));
        let used = heap.len();
        assert_eq!(heap.out_of_memory(), error);
        assert_eq!(heap.len(), used);
    }

    #[test]
    fn a_collection_is_due_when_garbage_outgrows_what_lives() {
        let mut heap = small(1000);
        assert_eq!(heap.safepoint(), Safepoint::Continue);
        heap.alloc(600).unwrap();
        assert_eq!(heap.safepoint(), Safepoint::Collect);
        heap.start_epoch();
        assert_eq!(heap.safepoint(), Safepoint::Continue);
        heap.limits().interrupt.store(true, Ordering::Relaxed);
        assert_eq!(heap.safepoint(), Safepoint::Interrupt);
    }
}
