//! PgBouncer between us and PostgreSQL: locks of a session hold through a pool of sessions, and through no other.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in a test, a panic is how a failure is told")]

use flow_machine::ids::InstanceId;
use flow_store::*;
use flow_test_support::{PoolMode, Pooler, PostgresServer};
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
    while !matches!(direct.claim(scope).await.unwrap(), Claim::Granted(_)) {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
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
