//! The memory of heaps. What a large one leaves is kept for the next that grows large in the same thread: memory that is new
//! to the process costs more than most of what is done with it.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

/// Memory of fewer words is nothing to keep, and small heaps, which may live long, are given none that is larger.
const LARGE: usize = 1 << 17;
/// Words that a thread keeps at most: 64 MB, which is what a collection of half of that works with.
const MOST: usize = 8 << 20;
/// Room that is left behind a large heap, for native code that reads past its end.
const BEHIND: usize = 1 << 9;

thread_local! {
    /// What is kept, the largest last.
    static KEPT: RefCell<Vec<Vec<u64>>> = const { RefCell::new(Vec::new()) };
}

/// A heap's words.
#[derive(Clone, Debug, Default)]
pub(super) struct Storage(Vec<u64>);

impl Storage {
    pub fn new(words: Vec<u64>) -> Storage {
        Storage(words)
    }

    pub fn into_words(mut self) -> Vec<u64> {
        std::mem::take(&mut self.0)
    }

    /// Makes room for so many more words. Grows at least to twice the size.
    pub fn reserve(&mut self, more: usize) {
        if self.capacity() - self.len() < more {
            self.grow(more);
        }
    }

    #[cold]
    fn grow(&mut self, more: usize) {
        let size = self.len().saturating_add(more).max(self.capacity().saturating_mul(2));
        let more = if size >= LARGE { more.saturating_add(BEHIND) } else { more };
        match take(self.len().saturating_add(more).max(size)) {
            Some(mut words) => {
                words.extend_from_slice(self);
                *self = Storage(words);
            }
            None => self.0.reserve(more),
        }
    }
}

impl Deref for Storage {
    type Target = Vec<u64>;

    fn deref(&self) -> &Vec<u64> {
        &self.0
    }
}

impl DerefMut for Storage {
    fn deref_mut(&mut self) -> &mut Vec<u64> {
        &mut self.0
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        keep(std::mem::take(&mut self.0));
    }
}

/// The largest memory that is kept, where it has room for so many words and they are many.
fn take(size: usize) -> Option<Vec<u64>> {
    let taken = KEPT.try_with(|kept| {
        let mut kept = kept.try_borrow_mut().ok()?;
        let fits = size >= LARGE && kept.last().is_some_and(|words| words.capacity() >= size);
        if fits { kept.pop() } else { None }
    });
    taken.ok().flatten()
}

/// Keeps memory, as far as the thread may: the larger is worth more.
fn keep(mut words: Vec<u64>) {
    if !(LARGE..=MOST).contains(&words.capacity()) {
        return;
    }
    words.clear();
    // A thread that ends keeps nothing.
    let _ = KEPT.try_with(|kept| {
        let Ok(mut kept) = kept.try_borrow_mut() else { return };
        let at = kept.partition_point(|other| other.capacity() <= words.capacity());
        kept.insert(at, words);
        let mut sum: usize = kept.iter().map(Vec::capacity).sum();
        while sum > MOST {
            sum -= kept.remove(0).capacity();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> Vec<usize> {
        KEPT.with_borrow(|kept| kept.iter().map(Vec::capacity).collect())
    }

    #[test]
    fn the_next_large_heap_has_the_memory_of_the_one_before_and_a_small_one_has_not() {
        KEPT.take();
        drop(Storage::new(Vec::with_capacity(LARGE - 1)));
        drop(Storage::new(Vec::with_capacity(MOST + 1)));
        assert!(kept().is_empty());
        let first = Vec::with_capacity(3 * LARGE);
        let address = first.as_ptr();
        drop(Storage::new(first));
        let mut small = Storage::new(vec![1; 10]);
        small.reserve(100);
        assert!(small.capacity() < LARGE);
        assert_eq!(kept(), [3 * LARGE]);
        let mut large = Storage::new(vec![7; 10]);
        large.reserve(2 * LARGE);
        assert_eq!((large.as_ptr(), large.as_slice()), (address, [7; 10].as_slice()));
        assert!(kept().is_empty());
    }

    #[test]
    fn a_thread_keeps_the_largest_within_its_bound() {
        KEPT.take();
        for size in [2 * LARGE, MOST / 2, LARGE, MOST / 2] {
            drop(Storage::new(Vec::with_capacity(size)));
        }
        assert_eq!(kept(), [MOST / 2, MOST / 2]);
    }
}
