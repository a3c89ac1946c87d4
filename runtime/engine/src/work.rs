//! Workers: several processes share the shards of a store.
//!
//! Each worker takes a *seat*: the lease of a tree whose root never exists. Who has a seat lives, so the workers see each
//! other, and each works out alone which shards are whose (the worker with the highest score for a shard has it, so that
//! a newcomer or a death moves only the shards it must). Leases keep two of them from running one shard even where they
//! disagree for a moment.
//!
//! Each worker's row says which formats of programs and instances it reads. Only those that read the newest take part: what they
//! write the others could not go on with. So a newer flow takes over from an older one while that still runs.

use crate::core::Core;
use crate::error::EngineError;
use crate::events::Notice;
use crate::lease::Pauses;
use crate::registry::Mail;
use flow_machine::ids::{InstanceId, SHARDS};
use flow_store::{Owner, Scope, StoreError};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// How often the workers look at each other: a dead one's shards are taken over within this time.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Seats after the last one taken that are looked at: seats in between may be free.
const FREE_SEATS: u32 = 4;

struct Worker {
    core: Arc<Core>,
    seat: Scope,
    /// This process, as the others see it.
    me: Owner,
    /// When each shard of ours was last searched for what is due.
    searched: HashMap<u16, Instant>,
    /// The worker that all is left to, since it reads newer formats.
    left_to: Option<Uuid>,
}

/// The root that stands for a seat. No instance has it: those have random ids.
fn seat(number: u32) -> InstanceId {
    InstanceId(Uuid::from_u128(0xf10f_5ea7_0000_0000_0000_0000_0000_0000 | u128::from(number)))
}

/// Works until the engine is closed.
pub(crate) async fn work(core: Arc<Core>) -> Result<(), EngineError> {
    let (seat, me) = take_seat(&core).await?;
    let mut worker = Worker { core: core.clone(), seat, me, searched: HashMap::new(), left_to: None };
    let mut pauses = Pauses::new(core.options.longest_pause);
    loop {
        let pause = match worker.look().await {
            Ok(()) => {
                pauses = Pauses::new(core.options.longest_pause);
                LOOK_EVERY
            }
            // The leases report that the store can't be reached.
            Err(StoreError::Unavailable { .. }) => pauses.next(),
            Err(error) => return Err(error.into()),
        };
        tokio::select! {
            biased;
            () = tokio::time::sleep(pause) => {}
            () = core.closed() => return Ok(()),
        }
    }
}

/// Takes the first free seat; also who we are, as the others see it.
async fn take_seat(core: &Core) -> Result<(Scope, Owner), StoreError> {
    for number in 0.. {
        let root = seat(number);
        let scope = Scope::Tree(root);
        if core.leases.claim(scope).await?.is_none() {
            let owner = core.store.owner(root).await?;
            return owner.map(|owner| (scope, owner)).ok_or(StoreError::LeaseLost { scopes: vec![scope] });
        }
    }
    Err(StoreError::LeaseLost { scopes: Vec::new() })
}

impl Worker {
    async fn look(&mut self) -> Result<(), StoreError> {
        if self.core.leases.get(self.seat).is_none() {
            // We were taken for dead meanwhile; without a seat the others don't see us.
            (self.seat, self.me) = take_seat(&self.core).await?;
        }
        let workers = self.workers().await?;
        let (ours, others): (Vec<u16>, Vec<u16>) =
            (0..SHARDS).partition(|shard| winner(&workers, *shard) == Some(self.me.worker));
        self.hand_over(&others).await?;
        for shard in ours {
            self.tend(shard).await?;
        }
        Ok(())
    }

    /// All living workers that read the newest formats.
    async fn workers(&mut self) -> Result<BTreeSet<Uuid>, StoreError> {
        let mut workers = BTreeMap::from([(self.me.worker, self.me.clone())]);
        let mut free = 0;
        for number in 0.. {
            // For a free seat this is who has its shard: a worker too.
            let owner = self.core.store.owner(seat(number)).await?;
            let is_new = owner.is_some_and(|owner| workers.insert(owner.worker, owner).is_none());
            free = if is_new { 0 } else { free + 1 };
            if free > FREE_SEATS {
                break;
            }
        }
        let newest = workers.values().map(|owner| owner.formats).max().unwrap_or(self.me.formats);
        workers.retain(|_, owner| owner.formats == newest);
        self.tell_of_newer(&workers);
        Ok(workers.into_keys().collect())
    }

    /// Says once that all is left to others.
    fn tell_of_newer(&mut self, sharing: &BTreeMap<Uuid, Owner>) {
        let newer = sharing.values().next().filter(|_| !sharing.contains_key(&self.me.worker));
        let known = self.left_to.is_some_and(|known| sharing.contains_key(&known));
        if let Some(owner) = newer.filter(|_| !known) {
            self.core.speaker.notice(Notice::LeftToNewer { owner: owner.clone() });
        }
        if !known {
            self.left_to = newer.map(|owner| owner.worker);
        }
    }

    /// Gives up the shards that are another worker's share.
    async fn hand_over(&mut self, others: &[u16]) -> Result<(), StoreError> {
        let core = &self.core;
        let surplus: Vec<Scope> = others
            .iter()
            .map(|shard| Scope::Shard(*shard))
            .filter(|scope| core.leases.get(*scope).is_some())
            .collect();
        if surplus.is_empty() {
            return Ok(());
        }
        self.searched.retain(|shard, _| !surplus.contains(&Scope::Shard(*shard)));
        let leaving = |scope: Scope| surplus.contains(&scope);
        core.registry.send_all(|| Mail::Stop { lives_on: true }, leaving);
        core.registry.none_in(leaving).await;
        core.leases.release(&surplus).await?;
        core.registry.drop_where(leaving);
        Ok(())
    }

    /// Claims a shard of ours if it is free, and loads what it has to do.
    async fn tend(&mut self, shard: u16) -> Result<(), StoreError> {
        let scope = Scope::Shard(shard);
        let is_new = self.core.leases.get(scope).is_none();
        if is_new && self.core.leases.claim(scope).await?.is_some() {
            // It is handed over, or taken from a dead process, by the next look.
            return Ok(());
        }
        let fresh = self.core.options.horizon / 4;
        let searched = self.searched.get(&shard).is_some_and(|at| at.elapsed() < fresh);
        if is_new || !searched {
            self.core.bring_runnable(scope).await?;
            self.searched.insert(shard, Instant::now());
        }
        Ok(())
    }
}

/// Whose a shard is: the same answer wherever it is worked out.
fn winner(workers: &BTreeSet<Uuid>, shard: u16) -> Option<Uuid> {
    workers.iter().copied().max_by_key(|worker| (score(*worker, shard), *worker))
}

/// splitmix64 of the worker and the shard.
fn score(worker: Uuid, shard: u16) -> u64 {
    let (high, low) = worker.as_u64_pair();
    let mut mixed =
        (high ^ low.rotate_left(32)).wrapping_add(u64::from(shard).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(workers: &BTreeSet<Uuid>, worker: Uuid) -> Vec<u16> {
        (0..SHARDS).filter(|shard| winner(workers, *shard) == Some(worker)).collect()
    }

    #[test]
    fn shares_are_fair_and_a_newcomer_takes_only_its_own() {
        let all: Vec<Uuid> = (1..=4).map(|n| Uuid::from_u128(n * 0x0123_4567_89ab_cdef_0f1e_2d3c)).collect();
        let three: BTreeSet<Uuid> = all.iter().take(3).copied().collect();
        let four: BTreeSet<Uuid> = all.iter().copied().collect();
        for worker in &four {
            let share = share(&four, *worker).len();
            assert!((32..=96).contains(&share), "{share} of {SHARDS}");
        }
        for worker in &three {
            let before = share(&three, *worker);
            assert!(share(&four, *worker).iter().all(|shard| before.contains(shard)));
        }
    }
}
