//! Maps and sets: persistent, insertion-ordered, and amortised O(1) to look up, insert, update and remove at the newest
//! version.
//!
//! A map is `[length, table, visible]`; a table is `[capacity, used, index, entries…]`, a log that only grows: inserting,
//! updating and removing each append an entry `[hash, key, value, link]`, in place where the map sees the whole log and
//! there is room, so that older maps, which see less of it, stay as they were. Otherwise the live entries are copied to
//! a new table. `link` holds the log position of the key's entry before this one (plus 1), the position where the key was
//! inserted (which gives the order), and whether this entry removes the key. Tables of more than [`SCANNED`] entries have
//! an index: open addressing, 32-bit slots with the position (plus 1) of each key's newest entry.
//!
//! A map that a single local holds ([`HELD_ONCE`], in the capacity's word) is changed itself, values included.
//!
//! A copy (see `value::copy`) has the live entries only. Hashes are kept, so the hash function is part of the stored
//! format. Iteration order never depends on it.

use super::{HELD_ONCE, Heap, OutOfMemory};
use crate::ids::TypeId;
use crate::types::Types;
use crate::value;

/// Tables up to this capacity are searched from the end, without an index.
pub const SCANNED: usize = 8;
const HEADER: usize = 3;
const ENTRY: usize = 4;
const REMOVED: u64 = 1 << 31;

/// A live key and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key's hash.
    pub hash: u64,
    /// The key.
    pub key: u64,
    /// The value.
    pub value: u64,
}

#[derive(Clone, Copy)]
struct LogEntry {
    entry: Entry,
    previous: Option<usize>,
    origin: usize,
    removed: bool,
}

impl Heap {
    /// A map without entries.
    pub fn empty_map(&mut self) -> Result<u64, OutOfMemory> {
        self.alloc(3)
    }

    /// How many keys a map has.
    pub fn map_len(&self, map: u64) -> usize {
        usize::try_from(self.get(map, 0)).unwrap_or(0)
    }

    /// The value of `key`, which is of type `key_type`.
    pub fn map_get(&self, types: &Types, key_type: TypeId, map: u64, key: u64) -> Option<u64> {
        let hash = value::hash(types, self, key_type, key);
        let entry = self.find(types, key_type, map, hash, key)?.1;
        (!entry.removed).then_some(entry.entry.value)
    }

    /// The map with `key` having `value`: at the key's old place, else as the last.
    pub fn map_insert(
        &mut self,
        types: &Types,
        key_type: TypeId,
        map: u64,
        key: u64,
        value: u64,
    ) -> Result<u64, OutOfMemory> {
        let hash = value::hash(types, self, key_type, key);
        let found = self.find(types, key_type, map, hash, key);
        let is_new = found.is_none_or(|(_, entry)| entry.removed);
        if let (Some((at, _)), false, true) = (found, is_new, self.is_held_once(map)) {
            self.set(self.get(map, 1), HEADER + at * ENTRY + 2, value);
            return Ok(map);
        }
        let len = self.map_len(map) + usize::from(is_new);
        self.append(types, key_type, map, Entry { hash, key, value }, found, false, len)
    }

    /// The map without `key`.
    pub fn map_remove(
        &mut self,
        types: &Types,
        key_type: TypeId,
        map: u64,
        key: u64,
    ) -> Result<u64, OutOfMemory> {
        let hash = value::hash(types, self, key_type, key);
        let found = self.find(types, key_type, map, hash, key);
        match (found, self.map_len(map)) {
            (Some((_, LogEntry { removed: false, .. })), 1) => self.empty_map(),
            (Some((_, LogEntry { removed: false, .. })), len) => {
                let entry = Entry { hash, key, value: 0 };
                self.append(types, key_type, map, entry, found, true, len - 1)
            }
            _ => Ok(map),
        }
    }

    /// The live entries in insertion order.
    pub fn map_entries(&self, map: u64) -> Vec<Entry> {
        let (table, visible, len) = (self.get(map, 1), self.visible(map), self.map_len(map));
        if table == 0 || len == 0 {
            return Vec::new();
        }
        if visible == len {
            return (0..visible).map(|at| self.log_entry(table, at).entry).collect();
        }
        let mut newest: Vec<Option<Entry>> = vec![None; visible];
        for at in 0..visible {
            let log = self.log_entry(table, at);
            if let Some(place) = newest.get_mut(log.origin) {
                *place = (!log.removed).then_some(log.entry);
            }
        }
        newest.into_iter().flatten().collect()
    }

    /// A map of distinct keys, in this order.
    pub fn map_from_entries(&mut self, entries: &[Entry]) -> Result<u64, OutOfMemory> {
        if entries.is_empty() {
            return self.empty_map();
        }
        let table = self.new_table(entries.len(), entries)?;
        let len = entries.len() as u64;
        self.alloc_from(&[len, table, len])
    }

    /// The place of the `at`-th entry's key in a map just made by [`map_from_entries`](Self::map_from_entries); the
    /// value's is the next.
    pub fn map_entry_place(&self, map: u64, at: usize) -> u64 {
        self.get(map, 1) + (HEADER + at * ENTRY + 1) as u64
    }

    /// How much of the log the map sees; what isn't there isn't seen.
    fn visible(&self, map: u64) -> usize {
        let table = self.get(map, 1);
        let visible = usize::try_from(self.get(map, 2)).unwrap_or(0);
        let there = self.len().saturating_sub(usize::try_from(table).unwrap_or(usize::MAX)) / ENTRY;
        if table == 0 { 0 } else { visible.min(there) }
    }

    fn log_entry(&self, table: u64, at: usize) -> LogEntry {
        let &[hash, key, value, link] = self.slice(table, HEADER + at * ENTRY, ENTRY) else {
            let entry = Entry { hash: 0, key: 0, value: 0 };
            return LogEntry { entry, previous: None, origin: usize::MAX, removed: true };
        };
        LogEntry {
            entry: Entry { hash, key, value },
            previous: ((link & (REMOVED - 1)) as usize).checked_sub(1),
            origin: (link >> 32) as usize,
            removed: link & REMOVED != 0,
        }
    }

    /// The value of the live key with that hash for which `is_key` holds.
    pub fn map_find(&self, map: u64, hash: u64, is_key: impl Fn(u64) -> bool) -> Option<u64> {
        let (_, log) = self.search(map, hash, is_key)?;
        (!log.removed).then_some(log.entry.value)
    }

    fn find(
        &self,
        types: &Types,
        key_type: TypeId,
        map: u64,
        hash: u64,
        key: u64,
    ) -> Option<(usize, LogEntry)> {
        self.search(map, hash, |known| value::equal(types, self, key_type, known, key))
    }

    /// The newest visible log entry of a key, and where it stands.
    fn search(&self, map: u64, hash: u64, is_key: impl Fn(u64) -> bool) -> Option<(usize, LogEntry)> {
        let (table, visible) = (self.get(map, 1), self.visible(map));
        if visible == 0 {
            return None;
        }
        let is_key = |log: &LogEntry| log.entry.hash == hash && is_key(log.entry.key);
        let index = self.get(table, 2);
        if index == 0 {
            return (0..visible).rev().map(|at| (at, self.log_entry(table, at))).find(|(_, log)| is_key(log));
        }
        let mask = index_slots(self.capacity(table)) - 1;
        // A full turn at most: a damaged index can't make this endless.
        for step in 0..=mask {
            let mut at = self.index_slot(index, (hash as usize).wrapping_add(step) & mask).checked_sub(1)?;
            let mut log = self.log_entry(table, at);
            if !is_key(&log) {
                continue;
            }
            while at >= visible {
                at = log.previous.filter(|previous| *previous < at)?;
                log = self.log_entry(table, at);
            }
            return Some((at, log));
        }
        None
    }

    #[expect(clippy::too_many_arguments, reason = "one place writes to the log, for insert and remove alike")]
    fn append(
        &mut self,
        types: &Types,
        key_type: TypeId,
        map: u64,
        entry: Entry,
        mut found: Option<(usize, LogEntry)>,
        removed: bool,
        len: usize,
    ) -> Result<u64, OutOfMemory> {
        let held_once = self.is_held_once(map);
        let (mut table, mut at) = (self.get(map, 1), self.visible(map));
        let in_place = table != 0 && self.get(table, 1) == at as u64 && at < self.capacity(table);
        if !in_place {
            let entries = self.map_entries(map);
            let room = (entries.len() + 1).max(3) * 4 / 3;
            table = self.new_table(room.next_power_of_two(), &entries)?;
            at = entries.len();
            let copy = self.alloc_from(&[at as u64, table, at as u64])?;
            found = self.find(types, key_type, copy, entry.hash, entry.key);
        }
        let origin = found.filter(|(_, log)| !log.removed).map_or(at, |(_, log)| log.origin);
        let previous = found.map_or(0, |(at, _)| at as u64 + 1);
        let link = previous | if removed { REMOVED } else { 0 } | (origin as u64) << 32;
        let words = [entry.hash, entry.key, entry.value, link];
        self.slice_mut(table, HEADER + at * ENTRY, ENTRY).copy_from_slice(&words);
        self.set(table, 1, at as u64 + 1);
        let replaced = found.map(|(at, _)| at);
        self.enter_index(table, entry.hash, at, replaced);
        let header = [len as u64, table, at as u64 + 1];
        if !held_once {
            return self.alloc_from(&header);
        }
        self.slice_mut(map, 0, header.len()).copy_from_slice(&header);
        Ok(map)
    }

    fn new_table(&mut self, capacity: usize, entries: &[Entry]) -> Result<u64, OutOfMemory> {
        let table = self.alloc(HEADER + capacity * ENTRY)?;
        self.set(table, 0, capacity as u64 | HELD_ONCE);
        self.set(table, 1, entries.len() as u64);
        if capacity > SCANNED {
            let index = self.alloc(index_slots(capacity) / 2)?;
            self.set(table, 2, index);
        }
        for (at, entry) in entries.iter().enumerate() {
            let words = [entry.hash, entry.key, entry.value, (at as u64) << 32];
            self.slice_mut(table, HEADER + at * ENTRY, ENTRY).copy_from_slice(&words);
            self.enter_index(table, entry.hash, at, None);
        }
        Ok(table)
    }

    fn capacity(&self, table: u64) -> usize {
        let there = self.len().saturating_sub(usize::try_from(table).unwrap_or(usize::MAX)) / ENTRY;
        usize::try_from(self.get(table, 0) & !HELD_ONCE).unwrap_or(0).min(there)
    }

    /// Lets the index find the entry `at`, in place of the key's entry before it where there is one.
    fn enter_index(&mut self, table: u64, hash: u64, at: usize, replaced: Option<usize>) {
        let index = self.get(table, 2);
        if index == 0 {
            return;
        }
        let mask = index_slots(self.capacity(table)) - 1;
        for step in 0..=mask {
            let slot = (hash as usize).wrapping_add(step) & mask;
            let holds = self.index_slot(index, slot);
            if holds == 0 || replaced.is_some_and(|replaced| holds == replaced + 1) {
                let shift = (slot & 1) * 32;
                let word = self.get(index, slot / 2) & !(0xFFFF_FFFF << shift);
                self.set(index, slot / 2, word | (at as u64 + 1) << shift);
                return;
            }
        }
    }

    fn index_slot(&self, index: u64, slot: usize) -> usize {
        ((self.get(index, slot / 2) >> ((slot & 1) * 32)) & 0xFFFF_FFFF) as usize
    }
}

/// Slots of the index of a table: a power of two, at most half full.
fn index_slots(capacity: usize) -> usize {
    (capacity.max(1) * 2).next_power_of_two()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Type;
    use proptest::prelude::*;

    fn int_types() -> (Types, TypeId) {
        let mut types = Types::new();
        let int = types.push(Type::Int);
        (types, int)
    }

    fn pairs(heap: &Heap, map: u64) -> Vec<(u64, u64)> {
        heap.map_entries(map).iter().map(|entry| (entry.key, entry.value)).collect()
    }

    proptest! {
        /// Every version of a map, however it came about, goes on to say what a plain list of pairs says.
        #[test]
        fn behaves_like_a_list_of_pairs(steps in prop::collection::vec((0u8..3, 0u64..40, 0u64..9, 0usize..4), 0..200)) {
            let (types, int) = int_types();
            let mut heap = Heap::default();
            let mut versions = vec![(heap.empty_map().unwrap(), Vec::<(u64, u64)>::new())];
            for (what, key, value, back) in steps {
                let (map, mut model) = versions[versions.len().saturating_sub(1 + back * back)].clone();
                let place = model.iter().position(|(known, _)| *known == key);
                let map = if what == 0 {
                    if let Some(place) = place { model.remove(place); }
                    heap.map_remove(&types, int, map, key).unwrap()
                } else {
                    match place { Some(place) => model[place].1 = value, None => model.push((key, value)) }
                    heap.map_insert(&types, int, map, key, value).unwrap()
                };
                heap.share(map);
                versions.push((map, model));
            }
            for (map, model) in &versions {
                prop_assert_eq!(&pairs(&heap, *map), model);
                prop_assert_eq!(heap.map_len(*map), model.len());
                for key in 0..40 {
                    let expected = model.iter().find(|(known, _)| *known == key).map(|(_, value)| *value);
                    prop_assert_eq!(heap.map_get(&types, int, *map, key), expected);
                }
            }
        }
    }

    proptest! {
        /// A map held once says what a plain list of pairs says, and what was shared on the way stays as it was.
        #[test]
        fn changes_in_place_are_those_of_a_list_of_pairs(
            steps in prop::collection::vec((0u8..8, 0u64..40, 0u64..9), 0..200),
        ) {
            let (types, int) = int_types();
            let mut heap = Heap::default();
            let mut map = heap.empty_map().unwrap();
            let (mut model, mut kept) = (Vec::<(u64, u64)>::new(), Vec::new());
            for (what, key, value) in steps {
                let place = model.iter().position(|(known, _)| *known == key);
                match (what, place) {
                    (0, _) => {
                        heap.share(map);
                        kept.push((map, model.clone()));
                        continue;
                    }
                    (1, place) => {
                        if let Some(place) = place { model.remove(place); }
                        map = heap.map_remove(&types, int, map, key).unwrap();
                        continue;
                    }
                    (_, Some(place)) => model[place].1 = value,
                    (_, None) => model.push((key, value)),
                }
                map = heap.map_insert(&types, int, map, key, value).unwrap();
            }
            kept.push((map, model));
            for (map, model) in &kept {
                prop_assert_eq!(&pairs(&heap, *map), model);
                prop_assert_eq!(heap.map_len(*map), model.len());
            }
        }
    }

    #[test]
    fn updating_one_key_again_and_again_takes_constant_memory_an_update() {
        let (types, int) = int_types();
        let mut heap = Heap::default();
        let mut map = heap.empty_map().unwrap();
        for key in 0..1000 {
            map = heap.map_insert(&types, int, map, key, 0).unwrap();
        }
        for round in 0..100_000 {
            map = heap.map_insert(&types, int, map, round % 1000, round).unwrap();
        }
        assert_eq!(heap.map_len(map), 1000);
        assert!(heap.len() < 4_000_000, "{}", heap.len());
    }
}
