//! The same work on many items, on all cores.

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// What `work` makes of each item, in the order of the items. A few items are not worth a thread.
pub fn map<I: Sync, R: Send>(items: &[I], work: impl Fn(&I) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get).min(items.len() / 4);
    if threads < 2 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::with_capacity(items.len()));
    thread::scope(|scope| {
        for _ in 0..threads {
            let run = || {
                let mut own = Vec::new();
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { break };
                    own.push((index, work(item)));
                }
                // A poisoned lock means that another thread panicked, which the scope passes on.
                if let Ok(mut done) = done.lock() {
                    done.extend(own);
                }
            };
            // Checking recurses as deep as the text nests; the stack is that of a main thread.
            let spawned = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, run);
            if spawned.is_err() {
                run();
            }
        }
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// The same, each item given away.
pub fn map_owned<I: Send, R: Send>(items: Vec<I>, work: impl Fn(I) -> R + Sync) -> Vec<R> {
    let items: Vec<Mutex<Option<I>>> = items.into_iter().map(|item| Mutex::new(Some(item))).collect();
    let take = |item: &Mutex<Option<I>>| item.lock().ok().and_then(|mut item| item.take());
    map(&items, |item| take(item).map(&work)).into_iter().flatten().collect()
}

/// Takes a large value apart while others go on; here where there is no thread for it.
pub fn let_go<T: Send + 'static>(value: T) {
    // A thread that can't be started drops what it was given.
    let _ = thread::Builder::new().stack_size(STACK).spawn(move || drop(value));
}

/// Bytes of stack of a thread.
const STACK: usize = 8 << 20;

#[cfg(test)]
mod tests {
    #[test]
    fn results_are_in_the_order_of_the_items() {
        let items: Vec<u64> = (0..1_000).collect();
        assert_eq!(
            super::map(&items, |item| item * 2),
            items.iter().map(|item| item * 2).collect::<Vec<_>>()
        );
        assert_eq!(super::map(&items[..1], |item| item + 1), [1]);
    }
}
