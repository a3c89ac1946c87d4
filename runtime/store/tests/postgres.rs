//! What only a PostgreSQL server can do to us: commit in another order than it began, wake everybody at once, be behind a pool.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, a panic is how a failure is told"
)]

mod common;

use common::{Place, granted_soon, loaded, started};
use flow_machine::ids::{CallKey, InstanceId, StrandPath};
use flow_machine::rows::{Changes, InstanceRow, Status};
use flow_store::*;
use flow_test_support::{PoolMode, Pooler, PostgresServer};
use sqlx::{Connection, Executor, PgConnection};
use std::sync::Arc;
use tokio::task::JoinHandle;
use uuid::Uuid;

fn in_front_of_a_new_database(mode: PoolMode) -> (Pooler, String) {
    let database = PostgresServer::start().fresh_database();
    (Pooler::start(&database, mode), database)
}

#[tokio::test]
async fn through_a_pool_of_sessions_a_living_owner_is_known_and_a_dead_one_too() {
    let (pooler, database) = in_front_of_a_new_database(PoolMode::Session);
    let (pooled, direct) = (connect(pooler.url()).await.unwrap(), connect(&database).await.unwrap());
    let scope = Scope::Tree(InstanceId(Uuid::new_v4()));
    assert!(matches!(pooled.claim(scope).await.unwrap(), Claim::Granted(_)));
    pooled.renew().await.unwrap();
    assert!(matches!(direct.claim(scope).await.unwrap(), Claim::Held(_)), "the pooled one lives");
    // Its process gone, the pooler resets the session, or closes it.
    drop(pooled);
    granted_soon(&*direct, scope).await;
}

#[tokio::test]
async fn a_pool_of_transactions_or_statements_is_refused_by_its_name() {
    for mode in [PoolMode::Transaction, PoolMode::Statement] {
        let (pooler, _) = in_front_of_a_new_database(mode);
        let claimed = async {
            let store = connect(pooler.url()).await?;
            store.claim(Scope::Tree(InstanceId(Uuid::new_v4()))).await
        };
        let refused = claimed.await.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(refused.contains("PgBouncer") && refused.contains("session mode"), "{mode:?}: {refused}");
    }
}

async fn session(place: &Place) -> PgConnection {
    PgConnection::connect(&place.url).await.unwrap()
}

#[tokio::test]
async fn a_message_that_commits_behind_a_later_one_is_not_overlooked() {
    let place = Place::postgres();
    let store = connect(&place.url).await.unwrap();
    let (id, lease) = started(&*store, "a").await;
    let mut slow = session(&place).await;
    slow.execute("BEGIN").await.unwrap();
    let insert = sqlx::query("INSERT INTO flow.inbox VALUES ($1, $2, $3, $3, flow.now(), 'slow')");
    let insert = insert.bind(id.shard().cast_signed()).bind(Uuid::new_v4()).bind(id.0);
    slow.execute(insert).await.unwrap();

    let quick = Uuid::new_v4();
    store.send(quick, id, b"quick").await.unwrap();
    let texts = async || {
        let rows = store.inbox(&[lease.scope]).await.unwrap();
        rows.into_iter().map(|row| String::from_utf8(row.message).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(texts().await, ["quick"]);
    let changes = Changes { delete_inbox: vec![quick], ..Changes::default() };
    store.commit(&[Write { lease, root: id, changes }]).await.unwrap();
    slow.execute("COMMIT").await.unwrap();
    assert_eq!(texts().await, ["slow"], "though one that came later was read before");
}

/// `pg_notify` of these sessions is one that first notes whether its transaction has written anything.
const SPY: &str = "
    CREATE SCHEMA spy;
    CREATE TABLE spy.woken (had_written bool);
    CREATE FUNCTION spy.pg_notify(channel text, payload text) RETURNS void LANGUAGE plpgsql AS $$
    DECLARE had_written bool := pg_current_xact_id_if_assigned() IS NOT NULL;
    BEGIN
        INSERT INTO spy.woken VALUES (had_written);
        PERFORM pg_catalog.pg_notify(channel, payload);
    END $$;
    DO $$ BEGIN
        EXECUTE format('ALTER DATABASE %I SET search_path = spy, pg_catalog', current_database());
    END $$";

/// A commit that notifies takes a lock of the whole server: all that write would queue behind each other's flush.
#[tokio::test]
async fn nobody_is_woken_by_a_transaction_that_writes() {
    let place = Place::postgres();
    drop(connect(&place.url).await.unwrap());
    session(&place).await.execute(sqlx::raw_sql(SPY)).await.unwrap();
    let store = connect(&place.url).await.unwrap();
    let (id, _) = started(&*store, "a").await;
    store.send(Uuid::new_v4(), id, b"hello").await.unwrap();
    let woken = sqlx::query_scalar::<_, bool>("SELECT had_written FROM spy.woken");
    assert_eq!(woken.fetch_all(&mut session(&place).await).await.unwrap(), [false]);
}

/// Returns when somebody waits for a lock, or when the task is done without.
async fn waits(place: &Place, task: &JoinHandle<Result<(), StoreError>>) {
    let waiting = "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
    let mut look = session(place).await;
    while !task.is_finished() && !sqlx::query_scalar::<_, bool>(waiting).fetch_one(&mut look).await.unwrap() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

fn ends(store: &Arc<dyn Store>, id: InstanceId, lease: Lease) -> JoinHandle<Result<(), StoreError>> {
    let store = store.clone();
    tokio::spawn(async move {
        let row = loaded(&*store, id).await.row;
        let ended = InstanceRow { version: row.version + 1, status: Status::Completed, ..row };
        let changes = Changes { changed_instances: vec![ended], ..Changes::default() };
        store.commit(&[Write { lease, root: id, changes }]).await
    })
}

#[tokio::test]
async fn an_end_waits_for_a_message_that_is_being_accepted() {
    let place = Place::postgres();
    let store = connect(&place.url).await.unwrap();
    let (id, lease) = started(&*store, "a").await;
    let mut slow = session(&place).await;
    slow.execute("BEGIN").await.unwrap();
    let accept = sqlx::query("SELECT flow.accept($1, $2, 'slow', NULL)").bind(Uuid::new_v4()).bind(id.0);
    slow.execute(accept).await.unwrap();
    let end = ends(&store, id, lease);
    waits(&place, &end).await;
    slow.execute("COMMIT").await.unwrap();
    assert_eq!(end.await.unwrap(), Err(StoreError::Unread { root: id }));
}

#[tokio::test]
async fn a_message_waits_for_an_end_that_is_being_committed_and_is_refused() {
    let place = Place::postgres();
    let store = connect(&place.url).await.unwrap();
    let (id, _) = started(&*store, "a").await;
    let mut slow = session(&place).await;
    slow.execute("BEGIN").await.unwrap();
    let end =
        sqlx::query("SELECT flow.check_ends($1, $2)").bind(vec![id.shard().cast_signed()]).bind(vec![id.0]);
    slow.execute(end).await.unwrap();
    let row = sqlx::query("UPDATE flow.instance SET status = 'completed' WHERE id = $1").bind(id.0);
    slow.execute(row).await.unwrap();
    let sender = store.clone();
    let sent = tokio::spawn(async move { sender.send(Uuid::new_v4(), id, b"late").await });
    waits(&place, &sent).await;
    slow.execute("COMMIT").await.unwrap();
    let sent = sent.await.unwrap();
    assert!(matches!(sent, Err(StoreError::Refused { .. })), "{sent:?}");
}

/// A time-out or a cancellation settles a call while its transaction is still open: what that did is not kept. SQLite, with its
/// one writer, can't come to this.
#[tokio::test]
async fn a_step_that_was_given_up_before_its_transaction_ended_has_not_happened() {
    let place = Place::postgres();
    let store = connect(&place.url).await.unwrap();
    let (id, lease) = started(&*store, "a").await;
    session(&place).await.execute("CREATE TABLE effect (what TEXT)").await.unwrap();
    let count = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM effect");
    for (number, is_given_up) in [(1, true), (2, false)] {
        let key = CallKey::new(id, &StrandPath::main(), number);
        let step = Step { lease, root: id, instance: id, key };
        let Begun::Open(mut transaction) = store.begin_step(step).await.unwrap() else {
            panic!("nobody was first")
        };
        transaction.statement("INSERT INTO effect VALUES ('done')", &[]).await.unwrap();
        if is_given_up {
            assert_eq!(store.settle(step, b"given up").await.unwrap(), None, "nobody was first");
        }
        let before = transaction.complete(b"done").await.unwrap().map(|row| row.outcome);
        assert_eq!(before, is_given_up.then(|| b"given up".to_vec()));
        let now = store.settle(step, b"too late").await.unwrap().unwrap().outcome;
        assert_eq!(now, if is_given_up { &b"given up"[..] } else { b"done" });
    }
    assert_eq!(count.fetch_one(&mut session(&place).await).await.unwrap(), 1);
    assert_eq!(loaded(&*store, id).await.completions.len(), 2);
}
