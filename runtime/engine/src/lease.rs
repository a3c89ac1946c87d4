//! What this process owns, and the proof of it.

use crate::clock::nanos;
use crate::events::{Notice, Speaker};
use crate::options::Options;
use crate::platform::Platform;
use flow_machine::ids::InstanceId;
use flow_store::{Claim, Lease, Owner, Scope, Store, StoreError};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use uuid::Uuid;

const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Pauses between tries, each twice as long as the one before.
pub(crate) struct Pauses {
    next: Duration,
    longest: Duration,
}

impl Pauses {
    pub(crate) fn new(longest: Duration) -> Pauses {
        Pauses { next: FIRST_PAUSE.min(longest), longest }
    }

    pub(crate) fn next(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.longest);
        pause
    }
}

/// A scope is no longer ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gone;

/// The leases of this process.
pub(crate) struct Leases {
    store: Arc<dyn Store>,
    speaker: Speaker,
    longest_pause: Duration,
    max_age: Duration,
    held: Mutex<BTreeMap<Scope, Lease>>,
    /// One claim at a time: a second one for the same scope would make the first one's token worthless.
    gate: tokio::sync::Mutex<()>,
    platform: Arc<dyn Platform>,
    /// When the last successful renewal began, in nanoseconds since boot.
    renewed: AtomicI64,
    renewal: Notify,
    /// Counts the scopes lost, so that whoever waits for news of its own can look.
    losses: watch::Sender<u64>,
}

impl Leases {
    pub(crate) fn new(store: Arc<dyn Store>, speaker: Speaker, options: &Options) -> Leases {
        let platform = options.platform.clone();
        Leases {
            store,
            speaker,
            longest_pause: options.longest_pause,
            max_age: options.lease_age,
            held: Mutex::default(),
            gate: tokio::sync::Mutex::default(),
            renewed: AtomicI64::new(nanos(platform.since_boot())),
            platform,
            renewal: Notify::new(),
            losses: watch::Sender::new(0),
        }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, BTreeMap<Scope, Lease>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lease on a scope, if it is ours.
    pub(crate) fn get(&self, scope: Scope) -> Option<Lease> {
        self.held().get(&scope).copied()
    }

    /// The scope under which a tree is ours: its own lease, or its shard's.
    pub(crate) fn covering(&self, root: InstanceId) -> Option<Scope> {
        let held = self.held();
        [Scope::Tree(root), Scope::Shard(root.shard())].into_iter().find(|scope| held.contains_key(scope))
    }

    /// All scopes that are ours.
    pub(crate) fn scopes(&self) -> Vec<Scope> {
        self.held().keys().copied().collect()
    }

    /// Changes whenever a scope was lost.
    pub(crate) fn losses(&self) -> watch::Receiver<u64> {
        self.losses.subscribe()
    }

    /// Claims a scope. `Some` is its living owner; then it is not ours.
    pub(crate) async fn claim(&self, scope: Scope) -> Result<Option<Owner>, StoreError> {
        let _gate = self.gate.lock().await;
        if self.get(scope).is_some() {
            return Ok(None);
        }
        self.claim_now(scope).await
    }

    async fn claim_now(&self, scope: Scope) -> Result<Option<Owner>, StoreError> {
        match self.store.claim(scope).await? {
            Claim::Granted(lease) => {
                self.held().insert(scope, lease);
                Ok(None)
            }
            Claim::Held(owner) => Ok(Some(owner)),
        }
    }

    /// Claims a scope anew after its lease with the token `stale` has come into doubt. That waits for our own transaction
    /// to end, so afterwards it is certain what the store holds. Tries for as long as the store can't be reached.
    pub(crate) async fn again(&self, scope: Scope, stale: Uuid, doubt: &StoreError) -> Result<Lease, Gone> {
        let _gate = self.gate.lock().await;
        let mut pauses = Pauses::new(self.longest_pause);
        let mut doubt = doubt.clone();
        let mut told = false;
        loop {
            match self.get(scope) {
                None => return Err(Gone),
                Some(lease) if lease.token != stale => {
                    if told {
                        self.speaker.notice(Notice::StoreBack { store: self.store.describe() });
                    }
                    return Ok(lease);
                }
                Some(_) => {}
            }
            if matches!(doubt, StoreError::Unavailable { .. }) {
                told = true;
                self.pause(&mut pauses, &doubt).await;
            }
            match self.claim_now(scope).await {
                Ok(None) => {}
                Ok(Some(owner)) => self.forget(scope, Some(owner)),
                Err(error @ StoreError::Unavailable { .. }) => doubt = error,
                Err(_) => self.forget(scope, None),
            }
        }
    }

    async fn pause(&self, pauses: &mut Pauses, why: &StoreError) {
        let retry_in = pauses.next();
        let reason = match why {
            StoreError::Unavailable { reason, .. } => reason.clone(),
            other => other.to_string(),
        };
        self.speaker.notice(Notice::StoreUnavailable { store: self.store.describe(), reason, retry_in });
        tokio::time::sleep(retry_in).await;
    }

    /// The scope is another process's now.
    pub(crate) fn forget(&self, scope: Scope, owner: Option<Owner>) {
        if self.held().remove(&scope).is_some() {
            self.speaker.notice(Notice::LeaseLost { scope, owner });
            self.losses.send_modify(|count| *count += 1);
        }
    }

    /// Gives scopes back. Where the store can't be reached they stay ours, to be given back later: to the others they may be.
    pub(crate) async fn release(&self, scopes: &[Scope]) -> Result<(), StoreError> {
        let _gate = self.gate.lock().await;
        let leases: Vec<Lease> = {
            let mut held = self.held();
            scopes.iter().filter_map(|scope| held.remove(scope)).collect()
        };
        if leases.is_empty() {
            return Ok(());
        }
        let released = self.store.release(&leases).await;
        if released.is_err() {
            self.held().extend(leases.into_iter().map(|lease| (lease.scope, lease)));
        }
        released
    }

    fn note_life(&self, began: i64) {
        self.renewed.fetch_max(began, Ordering::Relaxed);
        self.renewal.notify_waiters();
    }

    /// Whether the last renewal is recent enough to act on what we own. Its age counts the time the machine slept.
    fn is_fresh(&self) -> bool {
        let age = nanos(self.platform.since_boot()).saturating_sub(self.renewed.load(Ordering::Relaxed));
        age <= nanos(self.max_age)
    }

    /// Returns once the last renewal is recent enough.
    pub(crate) async fn fresh(&self) {
        loop {
            let renewal = self.renewal.notified();
            if self.is_fresh() {
                return;
            }
            renewal.await;
        }
    }

    /// Tells the store that we live, for ever. Where the process or its machine was stopped for long, or the store was away, it
    /// may have taken us for dead meanwhile: what somebody else has claimed since is forgotten before anything is done on
    /// the strength of it.
    pub(crate) async fn keep(self: Arc<Self>, every: Duration) {
        let mut pauses = Pauses::new(self.longest_pause);
        let mut was_away = false;
        loop {
            let began = nanos(self.platform.since_boot());
            match self.live_on(was_away).await {
                Ok(()) => {
                    was_away = false;
                    self.note_life(began);
                    pauses = Pauses::new(self.longest_pause);
                    tokio::time::sleep(every).await;
                }
                Err(error) => {
                    self.pause(&mut pauses, &error).await;
                    was_away = true;
                }
            }
        }
    }

    async fn live_on(&self, was_away: bool) -> Result<(), StoreError> {
        self.store.renew().await?;
        if was_away || !self.is_fresh() {
            self.forget_what_was_claimed().await?;
        }
        if was_away {
            self.speaker.notice(Notice::StoreBack { store: self.store.describe() });
            self.claim_all_again().await;
        }
        Ok(())
    }

    async fn forget_what_was_claimed(&self) -> Result<(), StoreError> {
        let _gate = self.gate.lock().await;
        let held: Vec<Lease> = self.held().values().copied().collect();
        let in_force = self.store.in_force(&held).await?;
        for lease in held.iter().filter(|lease| !in_force.contains(lease)) {
            self.forget(lease.scope, None);
        }
        Ok(())
    }

    /// Claims anew what is in doubt since the store was away: that waits for our own transactions there to end.
    async fn claim_all_again(&self) {
        let leases: Vec<Lease> = self.held().values().copied().collect();
        for lease in leases {
            // The store answers again, so there is no reason to pause.
            let doubt = StoreError::LeaseLost { scopes: vec![lease.scope] };
            let _ = self.again(lease.scope, lease.token, &doubt).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine whose clock the test sets, in seconds.
    #[derive(Default)]
    struct Machine(AtomicI64);

    impl Platform for Machine {
        fn since_boot(&self) -> Duration {
            Duration::from_secs(self.0.load(Ordering::SeqCst).unsigned_abs())
        }

        fn new_id(&self) -> Uuid {
            Uuid::now_v7()
        }
    }

    #[tokio::test]
    async fn a_lease_ages_while_the_machine_sleeps_and_what_was_claimed_meanwhile_is_forgotten() {
        let path = std::env::temp_dir().join(format!("flow-lease-{}", Uuid::new_v4()));
        let store = flow_store::connect(&format!("sqlite://{}/flow.db", path.display())).await.unwrap();
        let age = Duration::from_secs(5);
        let machine = Arc::new(Machine::default());
        let options =
            Options { platform: machine.clone(), lease_age: age, longest_pause: age, ..Options::default() };
        let leases = Arc::new(Leases::new(store.clone(), Speaker::default(), &options));
        let (lost, kept) = (Scope::Shard(3), Scope::Shard(4));
        assert_eq!(leases.claim(lost).await, Ok(None));
        leases.fresh().await;
        // The clock that stops while the machine sleeps would say that no time has passed.
        machine.0.store(3_600, Ordering::SeqCst);
        assert!(!leases.is_fresh(), "nothing is dispatched on the strength of it");
        assert_eq!(leases.claim(kept).await, Ok(None));
        assert!(!leases.is_fresh(), "that another shard is ours says nothing of this one");
        let token = leases.get(kept).unwrap().token;
        assert!(matches!(store.claim(lost).await, Ok(Claim::Granted(_))), "somebody claims it meanwhile");
        let keeper = tokio::spawn(leases.clone().keep(Duration::from_millis(1)));
        leases.fresh().await;
        assert_eq!(leases.get(lost), None);
        assert_eq!(leases.get(kept).map(|lease| lease.token), Some(token));
        keeper.abort();
        let _ = std::fs::remove_dir_all(&path);
    }
}
