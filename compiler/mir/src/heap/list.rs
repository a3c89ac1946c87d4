//! Lists: `[length, buffer]`, a buffer being `[capacity, used, items…]`.
//!
//! Lists are values, but a buffer is shared: pushing onto the list that ends where its buffer's used part ends writes in
//! place, and older lists, which end earlier, stay as they were. So building a list by pushing is amortised O(1) an
//! item; pushing onto an older list copies it. A list that a single local holds ([`HELD_ONCE`], in the capacity's word) is
//! changed itself, items included.

use super::{HELD_ONCE, Heap, OutOfMemory, part};

const SMALLEST: usize = 4;

impl Heap {
    /// A list of these items.
    pub fn make_list(&mut self, items: &[u64]) -> Result<u64, OutOfMemory> {
        if items.is_empty() {
            return self.alloc(2);
        }
        let buffer = self.new_buffer(items.len(), items)?;
        self.alloc_from(&[items.len() as u64, buffer])
    }

    /// A list of so many items, written where they are to stand.
    pub fn collect_list(
        &mut self,
        count: usize,
        items: impl Iterator<Item = u64>,
    ) -> Result<u64, OutOfMemory> {
        if count == 0 {
            return self.alloc(2);
        }
        let buffer = self.words.len();
        let end = buffer.saturating_add(2).saturating_add(count);
        if end > self.limits.heap_words {
            return Err(OutOfMemory);
        }
        self.words.reserve(end - buffer);
        self.words.extend([count as u64 | HELD_ONCE, count as u64]);
        self.words.extend(items.take(count));
        self.words.resize(end, 0);
        self.alloc_from(&[count as u64, buffer as u64])
    }

    fn new_buffer(&mut self, capacity: usize, items: &[u64]) -> Result<u64, OutOfMemory> {
        let buffer = self.alloc(2 + capacity)?;
        self.set(buffer, 0, capacity as u64 | HELD_ONCE);
        self.set(buffer, 1, items.len() as u64);
        self.slice_mut(buffer, 2, items.len()).copy_from_slice(items);
        Ok(buffer)
    }

    /// How many items a list has.
    pub fn list_len(&self, list: u64) -> usize {
        self.list_items(list).len()
    }

    /// The items of a list.
    pub fn list_items(&self, list: u64) -> &[u64] {
        items_of(&self.words, list)
    }

    /// An item of a list.
    pub fn list_get(&self, list: u64, index: i64) -> Option<u64> {
        self.list_items(list).get(usize::try_from(index).ok()?).copied()
    }

    /// The list with one more item.
    pub fn list_push(&mut self, list: u64, item: u64) -> Result<u64, OutOfMemory> {
        self.list_append(list, &[item])
    }

    /// The list with more items: in place where it ends at its buffer's end and there is room.
    pub fn list_append(&mut self, list: u64, more: &[u64]) -> Result<u64, OutOfMemory> {
        let len = self.list_len(list);
        let end = len + more.len();
        let held_once = self.is_held_once(list);
        let mut buffer = self.get(list, 1);
        let in_place = buffer != 0
            && self.get(buffer, 1) == len as u64
            && usize::try_from(self.get(buffer, 0) & !HELD_ONCE).is_ok_and(|capacity| end <= capacity);
        if !in_place {
            let items = self.list_items(list).to_vec();
            buffer = self.new_buffer(end.max(SMALLEST).next_power_of_two(), &items)?;
        }
        self.slice_mut(buffer, 2 + len, more.len()).copy_from_slice(more);
        self.set(buffer, 1, end as u64);
        if !held_once {
            return self.alloc_from(&[end as u64, buffer]);
        }
        self.set(list, 0, end as u64);
        self.set(list, 1, buffer);
        Ok(list)
    }

    /// The list with another item at `index`, which it has: in place where a single local holds it, else a copy.
    pub fn list_set(&mut self, list: u64, index: usize, item: u64) -> Result<u64, OutOfMemory> {
        if self.is_held_once(list) {
            self.set(self.get(list, 1), 2 + index, item);
            return Ok(list);
        }
        let mut items = self.list_items(list).to_vec();
        if let Some(place) = items.get_mut(index) {
            *place = item;
        }
        self.make_list(&items)
    }
}

/// The items of a list that stands in these words.
pub(super) fn items_of(words: &[u64], list: u64) -> &[u64] {
    let &[len, buffer] = part(words, list, 0, 2) else { return &[] };
    if list == 0 || buffer == 0 {
        return &[];
    }
    part(words, buffer, 2, usize::try_from(len).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pushing_shares_the_buffer_and_older_lists_stay() {
        let mut heap = Heap::default();
        let one = heap.make_list(&[1]).unwrap();
        heap.share(one);
        let two = heap.list_push(one, 2).unwrap();
        heap.share(two);
        let three = heap.list_push(two, 3).unwrap();
        let other = heap.list_push(two, 30).unwrap();
        assert_eq!(heap.list_items(one), [1]);
        assert_eq!(heap.list_items(two), [1, 2]);
        assert_eq!(heap.list_items(three), [1, 2, 3]);
        assert_eq!(heap.list_items(other), [1, 2, 30]);
        assert_eq!(heap.get(two, 1), heap.get(three, 1));
    }

    #[test]
    fn a_list_held_once_is_changed_itself_and_a_shared_one_is_copied_once() {
        let mut heap = Heap::default();
        let list = heap.make_list(&[1, 2, 3]).unwrap();
        assert_eq!(heap.list_set(list, 1, 20), Ok(list));
        heap.share(list);
        let copy = heap.list_set(list, 1, 200).unwrap();
        assert_eq!(heap.list_set(copy, 2, 300), Ok(copy));
        assert_eq!(heap.list_items(list), [1, 20, 3]);
        assert_eq!(heap.list_items(copy), [1, 200, 300]);
    }

    #[test]
    fn a_list_of_so_many_items_has_just_these_and_room_for_no_more_than_the_heap() {
        let mut heap = Heap::default();
        for (count, expected) in [(0, &[][..]), (2, &[7, 7]), (4, &[7, 7, 7, 0])] {
            let list = heap.collect_list(count, [7, 7, 7].into_iter()).unwrap();
            assert_eq!(heap.list_items(list), expected);
        }
        let list = heap.collect_list(3, std::iter::repeat(1)).unwrap();
        assert_eq!(heap.list_set(list, 1, 2), Ok(list));
        assert_eq!(heap.collect_list(usize::MAX, std::iter::repeat(1)), Err(OutOfMemory));
    }

    #[test]
    fn a_million_pushes_take_a_few_words_each() {
        let mut heap = Heap::default();
        let mut list = heap.make_list(&[]).unwrap();
        for item in 0..1_000_000 {
            list = heap.list_push(list, item).unwrap();
        }
        assert_eq!(heap.list_get(list, 999_999), Some(999_999));
        assert_eq!(heap.list_get(list, 1_000_000), None);
        assert_eq!(heap.list_get(list, -1), None);
        assert!(heap.len() < 6_000_000, "{}", heap.len());
    }
}
