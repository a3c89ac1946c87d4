//! Identities of what the engine keeps: instances, strands, calls, compensations, timers.

use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// Nanoseconds since 1970-01-01 UTC, on the store's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This time and `nanos` later; saturates at the ends of the calendar.
    pub fn plus(self, nanos: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(nanos))
    }
}

/// An instance's own identity. Never the user's `--id`, which may be used again after retention.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InstanceId(pub Uuid);

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "inst_{}", self.0.simple())
    }
}

impl fmt::Debug for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl InstanceId {
    /// The identity of what strand `path` of an instance starts as its `number`-th call: the same whenever it is asked
    /// for again.
    pub fn derived(parent: InstanceId, path: &StrandPath, number: u32) -> InstanceId {
        InstanceId(uuid::Builder::from_custom_bytes(CallKey::new(parent, path, number).0).into_uuid())
    }
}

/// How many virtual shards instances hash to. Part of the stored format.
pub const SHARDS: u16 = 256;

impl InstanceId {
    /// The shard of the tree of instances that has this one as its root.
    pub fn shard(self) -> u16 {
        let [first, second, ..] = *blake3::hash(self.0.as_bytes()).as_bytes();
        u16::from_le_bytes([first, second]) % SHARDS
    }
}

/// Where a strand stands in its instance's tree: `0` is the main strand; branch 3 of the second fork of strand `0` is
/// `0.2.3`; the compensation that strand `0` registered first is `0~1`. Forks and compensations are counted by the
/// strand that makes them, in its own row, so a path is never used twice.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StrandPath(pub String);

impl StrandPath {
    /// The strand that an instance begins with.
    pub fn main() -> StrandPath {
        StrandPath("0".into())
    }
    /// Branch `index` of this strand's `fork`-th fork.
    pub fn branch(&self, fork: u32, index: usize) -> StrandPath {
        StrandPath(format!("{}.{fork}.{index}", self.0))
    }
    /// The id of the child workflow that this strand starts as its `number`-th call: `PARENT/WORKFLOW-2`, and
    /// `PARENT/WORKFLOW-1.3.2` for the second call of branch 3 of the main strand's first fork. A path has an odd count of
    /// parts and the number is one more, so no two are the same.
    pub fn child_name(&self, parent: &str, workflow: &str, number: u32) -> String {
        let rest = self.0.strip_prefix('0').unwrap_or(&self.0).trim_start_matches('.');
        let dot = if rest.is_empty() { "" } else { "." };
        format!("{parent}/{workflow}-{rest}{dot}{number}")
    }
    /// The `number`-th compensation this strand registers.
    pub fn compensation(&self, number: u32) -> StrandPath {
        StrandPath(format!("{}~{number}", self.0))
    }
}

impl fmt::Display for StrandPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for StrandPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The idempotency key of one call, the same on every attempt: `step.key`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallKey(pub [u8; 16]);

impl CallKey {
    /// The key of the `number`-th call of a strand.
    pub fn new(instance: InstanceId, strand: &StrandPath, number: u32) -> CallKey {
        let mut hasher = blake3::Hasher::new();
        hasher.update(instance.0.as_bytes());
        hasher.update(&number.to_le_bytes());
        hasher.update(strand.0.as_bytes());
        let mut key = [0; 16];
        hasher.finalize_xof().fill(&mut key);
        CallKey(key)
    }

    /// The key that [`Display`](fmt::Display) printed.
    pub fn parse(text: &str) -> Option<CallKey> {
        u128::from_str_radix(text, 16)
            .ok()
            .filter(|_| text.len() == 32)
            .map(|number| CallKey(number.to_be_bytes()))
    }
}

impl fmt::Display for CallKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for CallKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
