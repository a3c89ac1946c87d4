//! The fence on PostgreSQL: what an owner that is stopped, cut off or gone can still write, and what it can't.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests may panic as tests do"
)]

mod common;

use common::granted_soon;
use flow_machine::ids::InstanceId;
use flow_machine::rows::Changes;
use flow_store::*;
use flow_test_support::PostgresServer;
use sqlx::{Connection, Executor, PgConnection};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// A claim waits for so long, and a little longer, before it terminates who is in its way.
const WAITS: Duration = Duration::from_millis(900);

/// How often a test is tried where this machine took longer than that over it.
const TRIES: usize = 10;

/// Two processes on one database; the first one owns a tree.
struct Two {
    url: String,
    first: Arc<dyn Store>,
    second: Arc<dyn Store>,
    root: InstanceId,
    lease: Lease,
    /// The first one, as the second one sees it.
    owner: Owner,
}

impl Two {
    async fn new() -> Two {
        let url = PostgresServer::start().fresh_database();
        let (first, second) = (connect(&url).await.unwrap(), connect(&url).await.unwrap());
        let root = InstanceId(Uuid::new_v4());
        let Claim::Granted(lease) = first.claim(Scope::Tree(root)).await.unwrap() else {
            panic!("it is nobody's")
        };
        let owner = second.owner(root).await.unwrap().expect("the first one lives");
        Two { url, first, second, root, lease, owner }
    }

    /// The first one's machine is gone, or it is stopped: its connections are open, and nothing is heard of it.
    async fn first_falls_silent(&self) {
        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        let silence =
            "UPDATE flow.worker SET heartbeat = clock_timestamp() - interval '1 minute' WHERE id = $1";
        connection.execute(sqlx::query(silence).bind(self.owner.worker)).await.unwrap();
    }

    /// A session of the first one in the middle of a commit: the fence is taken, the end has not come.
    async fn commit_in_flight(&self) -> PgConnection {
        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        let name = format!("SET application_name = 'flow {}'; BEGIN", self.owner.worker.simple());
        connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(name))).await.unwrap();
        let fence = sqlx::query("SELECT flow.fence($1, $2, $3, '{}', '{}')")
            .bind(vec![self.root.shard().cast_signed()])
            .bind(vec![self.root.0])
            .bind(vec![self.lease.token]);
        connection.execute(fence).await.unwrap();
        connection
    }

    async fn claim(&self) -> Claim {
        self.second.claim(Scope::Tree(self.root)).await.unwrap()
    }

    /// A claim of the second one that waits for the first one's commit, or is done.
    async fn claim_that_waits(self: &Arc<Two>) -> JoinHandle<Claim> {
        let two = self.clone();
        let claim = tokio::spawn(async move { two.claim().await });
        let mut look = PgConnection::connect(&self.url).await.unwrap();
        let waiting = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock')";
        while !claim.is_finished()
            && !sqlx::query_scalar::<_, bool>(waiting).fetch_one(&mut look).await.unwrap()
        {
            tokio::task::yield_now().await;
        }
        claim
    }

    /// What became of a commit of the first one under its old lease.
    async fn late_commit(&self) -> Result<(), StoreError> {
        let changes = Changes { delete_inbox: vec![Uuid::new_v4()], ..Changes::default() };
        self.first.commit(&[Write { lease: self.lease, root: self.root, changes }]).await
    }
}

/// Its session tells, however lately something was heard of it.
#[tokio::test]
async fn a_process_that_died_is_known_at_once() {
    let Two { url, first, second, root, owner, .. } = Two::new().await;
    let heard_for_ever = sqlx::query("UPDATE flow.worker SET heartbeat = 'infinity' WHERE id = $1");
    let mut connection = PgConnection::connect(&url).await.unwrap();
    connection.execute(heard_for_ever.bind(owner.worker)).await.unwrap();
    drop(first);
    granted_soon(&*second, Scope::Tree(root)).await;
}

#[tokio::test]
async fn a_machine_that_vanished_is_known_by_its_heartbeat() {
    let two = Two::new().await;
    assert_eq!(two.claim().await, Claim::Held(two.owner.clone()));
    two.first.renew().await.unwrap();
    two.first_falls_silent().await;
    assert!(
        matches!(two.claim().await, Claim::Granted(_)),
        "its session lock is still held, but nothing is heard of it"
    );
    assert!(matches!(two.late_commit().await, Err(StoreError::LeaseLost { .. })));
}

#[tokio::test]
async fn a_claim_waits_for_the_commit_in_flight_and_what_comes_later_is_refused() {
    for _ in 0..TRIES {
        let two = Arc::new(Two::new().await);
        two.first_falls_silent().await;
        let mut commit = two.commit_in_flight().await;
        let began = Instant::now();
        let claim = two.claim_that_waits().await;
        assert!(!claim.is_finished(), "rows could land after the new owner has loaded");
        let committed = commit.execute("COMMIT").await;
        if began.elapsed() < WAITS {
            committed.expect("its session was not touched");
            assert!(matches!(claim.await.unwrap(), Claim::Granted(_)));
            assert!(matches!(two.late_commit().await, Err(StoreError::LeaseLost { .. })));
            return;
        }
    }
    panic!("this machine takes nearly a second to commit");
}

#[tokio::test]
async fn a_stopped_owner_in_the_middle_of_a_commit_is_terminated() {
    let two = Two::new().await;
    two.first_falls_silent().await;
    let mut commit = two.commit_in_flight().await;
    let began = Instant::now();
    assert!(matches!(two.claim().await, Claim::Granted(_)));
    assert!(began.elapsed() >= Duration::from_millis(900), "it is given a second to end by itself");
    assert!(
        commit.execute("COMMIT").await.is_err(),
        "when it goes on, its session is gone and nothing of it has landed"
    );
}

#[tokio::test]
async fn a_living_owner_is_never_terminated() {
    let two = Two::new().await;
    let mut commit = two.commit_in_flight().await;
    assert_eq!(two.claim().await, Claim::Held(two.owner.clone()));
    commit.execute("COMMIT").await.unwrap();
    two.late_commit().await.unwrap();
}

/// The claim has waited for its second, and finds that the owner it took for dead was only slow to say that it lives.
#[tokio::test]
async fn an_owner_that_is_heard_of_again_is_not_terminated() {
    for _ in 0..TRIES {
        let two = Arc::new(Two::new().await);
        two.first_falls_silent().await;
        let mut commit = two.commit_in_flight().await;
        let began = Instant::now();
        let claim = two.claim_that_waits().await;
        two.first.renew().await.unwrap();
        if began.elapsed() < WAITS {
            assert_eq!(claim.await.unwrap(), Claim::Held(two.owner.clone()));
            commit.execute("COMMIT").await.expect("its session was not touched");
            two.late_commit().await.unwrap();
            return;
        }
    }
    panic!("this machine takes nearly a second to say that it lives");
}

#[tokio::test]
async fn to_say_that_it_lives_an_owner_does_not_wait_for_its_commits() {
    let two = Two::new().await;
    let _commit = two.commit_in_flight().await;
    let renewed = tokio::time::timeout(Duration::from_secs(60), two.first.renew()).await;
    renewed.expect("it waits for what the commit has locked").unwrap();
}
