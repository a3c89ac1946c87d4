//! Lists, maps and sets, and order.

use super::{Context, Outcome, clamp, trap};
use crate::heap::TrapKind;
use crate::intrinsic::Intrinsic;
use crate::value;

impl Context<'_> {
    pub(super) fn collection(&mut self, intrinsic: Intrinsic) -> Option<Outcome> {
        use Intrinsic as I;
        let types = &self.program.types;
        let (ty, first, second, third) = (self.ty(0), self.arg(0), self.arg(1), self.arg(2));
        Some(match intrinsic {
            I::Compare => self
                .check_ordered(ty)
                .map(|()| value::compare(types, self.heap, ty, first, second) as i64 as u64),
            I::ListPush => self.heap.list_push(first, second).map_err(Into::into),
            I::ListSet => self.list_set(),
            I::ListConcat => {
                let more = self.heap.list_items(second).to_vec();
                self.heap.list_append(first, &more).map_err(Into::into)
            }
            I::ListSlice => {
                let range = clamp(self.int(1), self.int(2), self.heap.list_len(first));
                let items = self.heap.list_items(first).get(range).unwrap_or(&[]).to_vec();
                self.make_list(&items)
            }
            I::ListContains => Ok(u64::from(self.position().is_some())),
            I::ListIndexOf => {
                let position = self.position().map(|at| at as u64);
                self.some(self.heap.known().int, position)
            }
            I::ListReverse => {
                let items: Vec<u64> = self.heap.list_items(first).iter().rev().copied().collect();
                self.make_list(&items)
            }
            I::ListSort => {
                let items = self.heap.list_items(first).iter().map(|item| (*item, *item)).collect();
                self.sorted(ty, items)
            }
            I::ListArrange => {
                let (items, keys) = (self.heap.list_items(first), self.heap.list_items(second));
                let items = items.iter().copied().zip(keys.iter().copied()).collect();
                self.sorted(self.ty(1), items)
            }
            I::ListFilled => self.filled(),
            I::ListRange => self.range(),
            I::MapNew | I::SetNew => self.heap.empty_map().map_err(Into::into),
            I::MapLen | I::SetLen => Ok(self.heap.map_len(first) as u64),
            I::MapGet => {
                let value = self.heap.map_get(types, ty, first, second);
                self.some(self.ty(1), value)
            }
            I::MapContains | I::SetContains => {
                Ok(u64::from(self.heap.map_get(types, ty, first, second).is_some()))
            }
            I::MapInsert => self.heap.map_insert(types, ty, first, second, third).map_err(Into::into),
            I::SetInsert if self.heap.map_get(types, ty, first, second).is_some() => Ok(first),
            I::SetInsert => self.heap.map_insert(types, ty, first, second, 0).map_err(Into::into),
            I::MapRemove | I::SetRemove => self.heap.map_remove(types, ty, first, second).map_err(Into::into),
            I::MapKeys | I::SetToList => {
                let keys: Vec<u64> = self.heap.map_entries(first).iter().map(|entry| entry.key).collect();
                self.make_list(&keys)
            }
            I::MapValues => {
                let values: Vec<u64> = self.heap.map_entries(first).iter().map(|entry| entry.value).collect();
                self.make_list(&values)
            }
            I::MapEntries => self.entries(),
            _ => return None,
        })
    }

    fn make_list(&mut self, items: &[u64]) -> Outcome {
        Ok(self.heap.make_list(items)?)
    }

    fn position(&self) -> Option<usize> {
        let (types, ty, item) = (&self.program.types, self.ty(0), self.arg(1));
        self.heap
            .list_items(self.arg(0))
            .iter()
            .position(|known| value::equal(types, self.heap, ty, *known, item))
    }

    fn list_set(&mut self) -> Outcome {
        let (list, index, item) = (self.arg(0), self.int(1), self.arg(2));
        let len = self.heap.list_len(list);
        match usize::try_from(index).ok().filter(|index| *index < len) {
            Some(index) => Ok(self.heap.list_set(list, index, item)?),
            None => trap(TrapKind::IndexOutOfRange, out_of_range(index, len)),
        }
    }

    fn range(&mut self) -> Outcome {
        let (start, end) = (self.int(0), self.int(1));
        let count = usize::try_from(end.saturating_sub(start).max(0)).unwrap_or(usize::MAX);
        Ok(self.heap.collect_list(count, (start..end).map(i64::cast_unsigned))?)
    }

    fn filled(&mut self) -> Outcome {
        let Ok(count) = usize::try_from(self.int(0)) else {
            return trap(TrapKind::InvalidValue, format!("a list can't have {} items", self.int(0)));
        };
        Ok(self.heap.collect_list(count, std::iter::repeat_n(self.arg(1), count))?)
    }

    fn entries(&mut self) -> Outcome {
        let mut pairs = Vec::new();
        for entry in self.heap.map_entries(self.arg(0)) {
            pairs.push(self.heap.make_record(&[entry.key, entry.value])?);
        }
        self.make_list(&pairs)
    }
}

/// The message of the trap for an index that a list doesn't have.
pub(crate) fn out_of_range(index: i64, len: usize) -> String {
    format!("there is no item {index} in a list of {len}")
}
