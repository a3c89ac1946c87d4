//! Stores to test, and instances in them.
#![allow(
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests may panic as tests do, and each test file uses a part of them"
)]

use flow_machine::ids::{InstanceId, StrandPath, Timestamp};
use flow_machine::rows::*;
use flow_store::*;
use flow_test_support::PostgresServer;
use std::path::PathBuf;
use std::time::Duration;
use uuid::Uuid;

/// A directory that goes with the test.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new() -> Scratch {
        Scratch(std::env::temp_dir().join(format!("flow-store-{}", Uuid::new_v4())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Where a test's store is: a new SQLite file, or a new database.
pub struct Place {
    pub url: String,
    _scratch: Scratch,
}

impl Place {
    pub fn sqlite() -> Place {
        let scratch = Scratch::new();
        Place { url: format!("sqlite://{}/deep/flow.db", scratch.0.display()), _scratch: scratch }
    }
    pub fn postgres() -> Place {
        Place { url: PostgresServer::start().fresh_database(), _scratch: Scratch::new() }
    }
}

pub fn strand(instance: InstanceId, version: i64) -> StrandRow {
    StrandRow {
        instance,
        path: StrandPath::main(),
        version,
        open_call: true,
        meta: vec![0, 1, 2],
        frame: version.to_le_bytes().to_vec(),
    }
}

pub fn new_instance(name: &str, id: InstanceId) -> Changes {
    let row = InstanceRow {
        id,
        root: id,
        parent: None,
        name: name.into(),
        workflow: "transfer".into(),
        program: [7; 32],
        status: Status::Running,
        version: 1,
        created_at: Timestamp(5),
        updated_at: Timestamp(5),
        input: vec![0],
        output: None,
        error: None,
        state: vec![],
        attributes: "{}".into(),
    };
    let history = vec![HistoryRow { instance: id, sequence: 1, at: Timestamp(5), event: b"{}".to_vec() }];
    Changes { new_instances: vec![row], strands: vec![strand(id, 1)], history, ..Changes::default() }
}

pub fn step_to(id: InstanceId, version: i64) -> Changes {
    let history =
        vec![HistoryRow { instance: id, sequence: version, at: Timestamp(version), event: vec![0] }];
    Changes { strands: vec![strand(id, version)], history, ..Changes::default() }
}

pub async fn granted(store: &dyn Store, scope: Scope) -> Lease {
    match store.claim(scope).await.unwrap() {
        Claim::Granted(lease) => lease,
        Claim::Held(owner) => panic!("{scope:?} is held by {owner:?}"),
    }
}

/// The same of a scope whose owner has just died: a server needs a moment to see that a connection was closed.
pub async fn granted_soon(store: &dyn Store, scope: Scope) -> Lease {
    for _ in 0..1_000 {
        if let Claim::Granted(lease) = store.claim(scope).await.unwrap() {
            return lease;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the owner of {scope:?} is gone, and has it still");
}

pub async fn started(store: &dyn Store, name: &str) -> (InstanceId, Lease) {
    let id = InstanceId(Uuid::new_v4());
    let lease = granted(store, Scope::Tree(id)).await;
    store.commit(&[Write { lease, root: id, changes: new_instance(name, id) }]).await.unwrap();
    (id, lease)
}

pub async fn loaded(store: &dyn Store, id: InstanceId) -> StoredInstance {
    store.load(&[id]).await.unwrap().remove(0)
}
