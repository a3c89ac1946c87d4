//! What every store must do.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic as tests do"
)]

mod common;

use common::*;
use flow_machine::ids::{CallKey, InstanceId, StrandPath, Timestamp};
use flow_machine::rows::*;
use flow_store::*;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use uuid::Uuid;

/// Each of these tests runs once on each store.
macro_rules! on_both_stores {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $test() { super::$test(super::Place::sqlite()).await })*
        }
        mod postgres {
            $(#[tokio::test] async fn $test() { super::$test(super::Place::postgres()).await })*
        }
    };
}

on_both_stores!(
    what_was_written_is_loaded,
    payloads_hold_any_byte,
    a_batch_is_all_or_nothing,
    a_tree_is_one_unit,
    an_old_token_writes_nothing,
    who_has_a_shard_has_its_trees_but_for_those_leased_on_their_own,
    what_a_replaced_owner_has_not_written_by_then_never_lands,
    only_the_guilty_write_of_a_group_fails,
    a_message_is_accepted_once_even_after_it_was_consumed,
    a_tree_ends_only_with_nothing_unread,
    requests_are_forgotten_after_their_time_and_what_waits_is_not,
    messages_are_kept_in_order_and_answers_stand,
    a_step_and_its_completion_are_one_transaction,
    stores_of_another_format_are_refused,
    many_may_be_the_first_to_open_it,
    a_listing_takes_conditions_on_fields_and_attributes,
);

async fn what_was_written_is_loaded(place: Place) {
    let store = connect(&place.url).await.unwrap();
    let (id, lease) = started(&*store, "a").await;
    let path = StrandPath::main().compensation(1);
    let changes = Changes {
        compensations: vec![CompensationRow {
            instance: id,
            path: path.clone(),
            position: 1,
            saga: 0,
            image: vec![9],
        }],
        timers: vec![TimerRow { instance: id, id: "0#1".into(), due: Timestamp(50) }],
        ..step_to(id, 2)
    };
    store.commit(&[Write { lease, root: id, changes }]).await.unwrap();
    let found = loaded(&*store, id).await;
    assert_eq!(found.row, new_instance("a", id).new_instances.remove(0));
    assert_eq!(found.strands, vec![strand(id, 2)]);
    assert_eq!((found.compensations.len(), found.timers.len(), found.last_sequence), (1, 1, 2));
    assert_eq!(found.last_at, Timestamp(2));
    assert_eq!(store.history(id, 1, 10).await.unwrap().len(), 1);
    assert_eq!(store.find("a").await.unwrap().unwrap().id, id);
    assert_eq!(store.list(&Filter::default()).await.unwrap().len(), 1);
    assert_eq!(store.runnable(lease.scope, Timestamp(0)).await.unwrap(), vec![id]);
    let ended = InstanceRow { version: 2, status: Status::Completed, output: Some(vec![1]), ..found.row };
    let changes = Changes {
        changed_instances: vec![ended.clone()],
        delete_strands: vec![(id, StrandPath::main())],
        delete_compensations: vec![(id, path)],
        delete_timers: vec![(id, "0#1".into())],
        ..Changes::default()
    };
    store.commit(&[Write { lease, root: id, changes }]).await.unwrap();
    let found = loaded(&*store, id).await;
    assert_eq!(found.row, ended);
    assert!(found.strands.is_empty() && found.compensations.is_empty() && found.timers.is_empty());
    assert!(matches!(store.send(Uuid::new_v4(), id, b"x").await, Err(StoreError::Refused { .. })));
}

/// Of each kind that a program, an activity or a caller decides the bytes of, every byte there is.
async fn payloads_hold_any_byte(place: Place) {
    let store = connect(&place.url).await.unwrap();
    let bytes: Vec<u8> = (0..=255).collect();
    let id = InstanceId(Uuid::new_v4());
    let lease = granted(&*store, Scope::Tree(id)).await;
    let mut changes = new_instance("a", id);
    for row in &mut changes.new_instances {
        (row.input, row.state) = (bytes.clone(), bytes.clone());
        (row.output, row.error) = (Some(bytes.clone()), Some(bytes.clone()));
    }
    for row in &mut changes.strands {
        (row.meta, row.frame) = (bytes.clone(), bytes.clone());
    }
    changes.history.iter_mut().for_each(|row| row.event = bytes.clone());
    let (path, image) = (StrandPath::main().compensation(1), bytes.clone());
    changes.compensations = vec![CompensationRow { instance: id, path, position: 1, saga: 0, image }];
    changes.messages = vec![MessageRow { instance: id, number: 1, message: bytes.clone() }];
    let request = Uuid::new_v4();
    changes.replies = vec![ReplyRow { id: request, instance: id, at: Timestamp(3), reply: bytes.clone() }];
    let written = changes.clone();
    store.commit(&[Write { lease, root: id, changes }]).await.unwrap();
    store.send(Uuid::new_v4(), id, &bytes).await.unwrap();
    let key = CallKey::new(id, &StrandPath::main(), 1);
    store.settle(Step { lease, root: id, instance: id, key }, &bytes).await.unwrap();
    store.put_program(&[9; 32], &bytes).await.unwrap();

    let found = loaded(&*store, id).await;
    assert_eq!((vec![found.row], found.strands), (written.new_instances, written.strands));
    assert_eq!((found.compensations, found.messages), (written.compensations, written.messages));
    assert_eq!(store.history(id, 0, 10).await.unwrap(), written.history);
    assert_eq!(store.reply(request, id).await.unwrap().as_ref(), written.replies.first());
    let sent: Vec<Vec<u8>> = found.inbox.into_iter().map(|row| row.message).collect();
    let settled: Vec<Vec<u8>> = found.completions.into_iter().map(|row| row.outcome).collect();
    assert_eq!((sent, settled), (vec![bytes.clone()], vec![bytes.clone()]));
    assert_eq!(store.program(&[9; 32]).await.unwrap(), Some(bytes));
}

async fn messages_are_kept_in_order_and_answers_stand(place: Place) {
    let store = connect(&place.url).await.unwrap();
    let (id, lease) = started(&*store, "a").await;
    let message = |number: i64| MessageRow { instance: id, number, message: vec![0, number as u8] };
    let commit = |changes: Changes| {
        let store = store.clone();
        async move { store.commit(&[Write { lease, root: id, changes }]).await }
    };
    let messages = (1..=40).map(message).collect();
    commit(Changes { messages, ..Changes::default() }).await.unwrap();
    assert_eq!(loaded(&*store, id).await.messages, (1..=40).map(message).collect::<Vec<_>>());
    // A number may be taken anew in the transition that frees it.
    let delete_messages = (2..=40).map(|number| (id, number)).collect();
    let changes = Changes { delete_messages, messages: vec![message(2)], ..Changes::default() };
    commit(changes).await.unwrap();
    assert_eq!(loaded(&*store, id).await.messages, vec![message(1), message(2)]);

    let request = Uuid::new_v4();
    assert_eq!(store.reply(request, id).await.unwrap(), None);
    let reply = |text: &str| ReplyRow { id: request, instance: id, at: Timestamp(3), reply: text.into() };
    commit(Changes { replies: vec![reply("first")], ..Changes::default() }).await.unwrap();
    commit(Changes { replies: vec![reply("second")], ..Changes::default() }).await.unwrap();
    assert_eq!(store.reply(request, id).await.unwrap(), Some(reply("first")));
    assert_eq!(store.reply(request, InstanceId(Uuid::new_v4())).await.unwrap(), None);
}

async fn a_batch_is_all_or_nothing(place: Place) {
    let store = connect(&place.url).await.unwrap();
    let (a, lease_a) = started(&*store, "a").await;
    let (b, lease_b) = started(&*store, "b").await;
    let good = Write { lease: lease_a, root: a, changes: step_to(a, 2) };
    let stale = Write { lease: lease_b, root: b, changes: step_to(b, 3) };
    let error = store.commit(&[good.clone(), stale]).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict { instance, .. } if instance == b), "{error}");
    assert_eq!(loaded(&*store, a).await.strands, vec![strand(a, 1)]);
    let other = InstanceId(Uuid::new_v4());
    let lease = granted(&*store, Scope::Tree(other)).await;
    let taken = Write { lease, root: other, changes: new_instance("a", other) };
    let error = store.commit(&[good, taken]).await.unwrap_err();
    assert_eq!(error, StoreError::NameTaken { name: "a".into() });
    assert_eq!(loaded(&*store, a).await.strands, vec![strand(a, 1)]);
}

/// A child of a root, running or ended, with a timer where it runs.
fn child(name: &str, root: InstanceId, status: Status) -> (InstanceId, Changes) {
    let id = InstanceId(Uuid::new_v4());
    let mut changes = new_instance(name, id);
    for row in &mut changes.new_instances {
        (row.root, row.status) = (root, status);
        row.parent = Some((root, StrandPath::main()));
    }
    if status.is_final() {
        changes.strands.clear();
    } else {
        changes.strands.iter_mut().for_each(|strand| strand.open_call = false);
        changes.timers.push(TimerRow { instance: id, id: "0#1".into(), due: Timestamp(50) });
    }
    (id, changes)
}

/// Root and children are written together, found by the root, and told apart by whether they have ended.
async fn a_tree_is_one_unit(place: Place) {
    let store = connect(&place.url).await.unwrap();
    let (root, lease) = started(&*store, "a").await;
    let (running, mut changes) = child("a/b-1", root, Status::Running);
    let (_, ended) = child("a/b-2", root, Status::Completed);
    changes.append(ended);
    let mut parent = step_to(root, 2);
    parent.strands.iter_mut().for_each(|strand| strand.open_call = false);
    changes.append(parent);
    store.commit(&[Write { lease, root, changes }]).await.unwrap();
    assert_eq!(store.children(&[root]).await.unwrap(), vec![running]);
    assert_eq!(store.children(&[running]).await.unwrap(), vec![]);
    assert_eq!(store.runnable(lease.scope, Timestamp(49)).await.unwrap(), vec![]);
    assert_eq!(store.runnable(lease.scope, Timestamp(50)).await.unwrap(), vec![root], "its child is due");
    store.send(Uuid::new_v4(), running, b"x").await.unwrap();
    let inbox = store.inbox(&[lease.scope]).await.unwrap();
    let message = inbox.first().unwrap();
    assert_eq!((message.instance, message.root), (running, root));

    let (_, mut taken) = child("a", root, Status::Running);
    taken.append(step_to(root, 3));
    let refused = store.commit(&[Write { lease, root, changes: taken }]).await;
    assert!(matches!(refused, Err(StoreError::NameTaken { .. })), "{refused:?}");
    assert_eq!(loaded(&*store, root).await.strands, vec![StrandRow { open_call: false, ..strand(root, 2) }]);
}

async fn an_old_token_writes_nothing(place: Place) {
    let store = connect(&place.url).await.unwrap();
    let (id, old) = started(&*store, "a").await;
    let other = connect(&place.url).await.unwrap();
    assert!(matches!(other.claim(Scope::Tree(id)).await.unwrap(), Claim::Held(_)));
    let formats = other.owner(id).await.unwrap().map(|owner| owner.formats);
    assert_eq!(formats, Some(flow_machine::FORMATS), "others see what it reads");
    let new = granted(&*store, Scope::Tree(id)).await;
    let error = store.commit(&[Write { lease: old, root: id, changes: step_to(id, 2) }]).await.unwrap_err();
    assert_eq!(error, StoreError::LeaseLost { scopes: vec![Scope::Tree(id)] });
    store.commit(&[Write { lease: new, root: id, changes: step_to(id, 2) }]).await.unwrap();
    // Its process gone, the lease is free at once; a shard's lease doesn't reach into a tree leased on its own.
    drop(store);
    let lease = granted_soon(&*other, Scope::Tree(id)).await;
    let shard = granted(&*other, Scope::Shard(id.shard())).await;
    let error = other.commit(&[Write { lease: shard, root: id, changes: step_to(id, 3) }]).await.unwrap_err();
    assert!(matches!(error, StoreError::LeaseLost { .. }), "{error}");
    let step = Step { lease: shard, root: id, instance: id, key: CallKey::new(id, &StrandPath::main(), 1) };
    let error = other.begin_step(step).await.err().expect("the tree is not the shard's");
    assert!(matches!(error, StoreError::LeaseLost { .. }), "{error}");
    let error = other.settle(step, b"late").await.unwrap_err();
    assert!(matches!(error, StoreError::LeaseLost { .. }), "{error}");
    let elsewhere = Step { lease, root: InstanceId(Uuid::new_v4()), ..step };
    let error = other.settle(elsewhere, b"late").await.unwrap_err();
    assert!(matches!(error, StoreError::Refused { .. }), "{error}");
    assert!(loaded(&*other, id).await.completions.is_empty());
    other.release(&[lease]).await.unwrap();
    assert_eq!(other.settle(step, b"late").await.unwrap(), None);
    other.commit(&[Write { lease: shard, root: id, changes: step_to(id, 3) }]).await.unwrap();
    other.close().await.unwrap();
}

/// A worker's shard and the tree of a `flow run` are leases of one kind, and each respects the other.
async fn who_has_a_shard_has_its_trees_but_for_those_leased_on_their_own(place: Place) {
    let (worker, runner) = (connect(&place.url).await.unwrap(), connect(&place.url).await.unwrap());
    let (id, lease) = started(&*runner, "a").await;
    let shard = Scope::Shard(id.shard());
    let held = async |store: &dyn Store, scope| matches!(store.claim(scope).await.unwrap(), Claim::Held(_));
    let of_shard = granted(&*worker, shard).await;
    assert!(held(&*worker, Scope::Tree(id)).await, "it is run elsewhere");
    runner.release(&[lease]).await.unwrap();
    assert!(held(&*runner, Scope::Tree(id)).await, "it has gone back to the shard's owner");
    assert!(held(&*runner, shard).await);
    assert_eq!(runner.owner(id).await.unwrap().map(|owner| owner.worker), Some(worker.worker()));
    let changes = step_to(id, 2);
    worker.commit(&[Write { lease: of_shard, root: id, changes }]).await.unwrap();
    let new = (0..).map(|_| InstanceId(Uuid::new_v4())).find(|new| new.shard() == id.shard()).unwrap();
    granted(&*runner, Scope::Tree(new)).await;
    worker.release(&[of_shard]).await.unwrap();
    granted(&*runner, Scope::Tree(id)).await;
}

/// Many commits are under way, each on its way to the store, while somebody else claims what they belong to. What is there
/// when the claim has been granted is all that there will ever be: the new owner loads it, and goes on from there.
async fn what_a_replaced_owner_has_not_written_by_then_never_lands(place: Place) {
    const AT_A_TIME: usize = 8;
    let (old, new) = (connect(&place.url).await.unwrap(), connect(&place.url).await.unwrap());
    let shard = InstanceId(Uuid::new_v4()).shard();
    let lease = granted(&*new, Scope::Shard(shard)).await;
    let mut owned = Vec::new();
    while owned.len() < AT_A_TIME {
        let id = InstanceId(Uuid::new_v4());
        if id.shard() == shard {
            let changes = new_instance(&format!("i{}", owned.len()), id);
            old.commit(&[Write { lease, root: id, changes }]).await.unwrap();
            owned.push(id);
        }
    }
    for _ in 0..5 {
        let lease = granted(&*new, Scope::Shard(shard)).await;
        let replaced = Arc::new(AtomicBool::new(false));
        let (busy, mut is_busy) = tokio::sync::mpsc::unbounded_channel();
        let commits = owned.iter().map(|&id| {
            let (old, busy, replaced) = (old.clone(), busy.clone(), replaced.clone());
            tokio::spawn(async move {
                let mut version = loaded(&*old, id).await.strands[0].version;
                loop {
                    version += 1;
                    let (is_late, changes) = (replaced.load(Ordering::SeqCst), step_to(id, version));
                    match old.commit(&[Write { lease, root: id, changes }]).await {
                        Ok(()) if is_late => return Ok(()),
                        Ok(()) => _ = busy.send(()),
                        Err(refused) => return Err(refused),
                    }
                }
            })
        });
        let commits: Vec<_> = commits.collect();
        for _ in 0..3 * AT_A_TIME {
            is_busy.recv().await;
        }
        granted(&*new, Scope::Shard(shard)).await;
        replaced.store(true, Ordering::SeqCst);
        let there = new.load(&owned).await.unwrap();
        for commit in commits {
            let refused = commit.await.unwrap();
            assert!(matches!(refused, Err(StoreError::LeaseLost { .. })), "{refused:?}");
        }
        assert_eq!(new.load(&owned).await.unwrap(), there, "something landed after the claim");
    }
}

async fn only_the_guilty_write_of_a_group_fails(place: Place) {
    let store = connect(&place.url).await.unwrap();
    let mut all = Vec::new();
    for number in 0..60 {
        all.push(started(&*store, &format!("i{number}")).await);
    }
    let group = GroupCommitter::start(store.clone(), 2);
    let mut tasks = Vec::new();
    // All of them are waiting by the time the first batch is made.
    for (number, (id, lease)) in all.into_iter().enumerate() {
        let group = group.clone();
        let version = if number == 17 { 5 } else { 2 };
        tasks.push(tokio::spawn(async move {
            let result = group.commit(Write { lease, root: id, changes: step_to(id, version) }).await;
            (number, id, result)
        }));
    }
    for task in tasks {
        let (number, id, result) = task.await.unwrap();
        let expected = if number == 17 { strand(id, 1) } else { strand(id, 2) };
        assert_eq!(result.is_err(), number == 17, "{number}: {result:?}");
        assert_eq!(loaded(&*store, id).await.strands, vec![expected]);
    }
    let (id, lease) = started(&*store, "ordered").await;
    let (second, third) = tokio::join!(
        group.commit(Write { lease, root: id, changes: step_to(id, 2) }),
        group.commit(Write { lease, root: id, changes: step_to(id, 3) })
    );
    assert_eq!((second, third), (Ok(()), Ok(())));
}

async fn a_message_is_accepted_once_even_after_it_was_consumed(place: Place) {
    let store = connect(&place.url).await.unwrap();
    let (id, lease) = started(&*store, "a").await;
    let sender = connect(&place.url).await.unwrap();
    let request = Uuid::new_v4();
    store.wait(0).await.unwrap();
    let (woken, _) = tokio::join!(
        tokio::time::timeout(std::time::Duration::from_secs(50), store.wait(60_000)),
        sender.send(request, id, b"hello")
    );
    woken.expect("the owner was not woken").unwrap();
    sender.send(request, id, b"hello").await.unwrap();
    let messages = store.inbox(&[lease.scope]).await.unwrap();
    assert_eq!(messages.len(), 1);
    let changes = Changes { delete_inbox: vec![request], ..Changes::default() };
    store.commit(&[Write { lease, root: id, changes }]).await.unwrap();
    sender.send(request, id, b"hello").await.unwrap();
    assert!(store.inbox(&[lease.scope]).await.unwrap().is_empty());
    let other = loop {
        let other = InstanceId(Uuid::new_v4());
        if other.shard() == id.shard() {
            break other;
        }
    };
    let of_other = granted(&*store, Scope::Tree(other)).await;
    let changes = new_instance("b", other);
    store.commit(&[Write { lease: of_other, root: other, changes }]).await.unwrap();
    let reused = sender.send(request, other, b"hello").await;
    assert!(matches!(reused, Err(StoreError::Refused { .. })), "it is no repeat: {reused:?}");
    assert!(matches!(
        sender.send(Uuid::new_v4(), InstanceId(Uuid::new_v4()), b"x").await,
        Err(StoreError::Refused { .. })
    ));
}

/// Takes messages out of the inbox and answers them.
async fn answered(store: &dyn Store, id: InstanceId, lease: Lease, requests: &[Uuid]) {
    let at = store.now().await.unwrap();
    let reply = |id: &Uuid, instance| ReplyRow { id: *id, instance, at, reply: b"done".to_vec() };
    let changes = Changes {
        delete_inbox: requests.to_vec(),
        replies: requests.iter().map(|request| reply(request, id)).collect(),
        ..Changes::default()
    };
    store.commit(&[Write { lease, root: id, changes }]).await.unwrap();
}

async fn requests_are_forgotten_after_their_time_and_what_waits_is_not(place: Place) {
    const MINUTE: i64 = 60_000_000_000;
    let store = connect(&place.url).await.unwrap();
    let (id, lease) = started(&*store, "a").await;
    let asked = store.now().await.unwrap();
    let done: Vec<Uuid> = (0..25).map(|_| Uuid::new_v4()).collect();
    for request in &done {
        store.send(*request, id, b"add 1").await.unwrap();
    }
    answered(&*store, id, lease, &done).await;
    let unread = Uuid::new_v4();
    store.send(unread, id, b"add 1").await.unwrap();

    // Within their time a repeat is answered, and not done.
    assert_eq!(store.forget(asked, 10).await.unwrap(), 0);
    store.send_again(done[0], id, b"add 1", asked).await.unwrap();
    assert_eq!(store.inbox(&[lease.scope]).await.unwrap().len(), 1, "it is no new message");
    assert!(store.reply(done[0], id).await.unwrap().is_some());

    // After it they go, in batches, so that what runs for years leaves no more than its last days behind.
    let later = asked.plus(10 * MINUTE);
    let batches =
        [store.forget(later, 10).await, store.forget(later, 10).await, store.forget(later, 10).await];
    assert_eq!(batches.map(Result::unwrap), [20, 20, 10], "ids and answers");
    assert_eq!(store.forget(later, 10).await.unwrap(), 0);
    assert!(store.reply(done[0], id).await.unwrap().is_none());
    // Who may have asked before that is not told that it is new; what is new is.
    let repeat = store.send_again(done[0], id, b"add 1", asked).await;
    assert_eq!(repeat, Err(StoreError::Forgotten));
    let new = Uuid::new_v4();
    store.send_again(new, id, b"add 1", later.plus(MINUTE)).await.unwrap();
    // The id of what was not read yet is known still.
    store.send_again(unread, id, b"add 1", asked).await.unwrap();
    let waiting: Vec<Uuid> = store.inbox(&[lease.scope]).await.unwrap().iter().map(|row| row.id).collect();
    assert_eq!(waiting, [unread, new]);

    // Nor is what waits for the end of a pause forgotten.
    let row = loaded(&*store, id).await.row;
    let paused = InstanceRow { version: 2, status: Status::Paused, ..row };
    let changes =
        Changes { changed_instances: vec![paused], delete_inbox: vec![unread, new], ..Changes::default() };
    store.commit(&[Write { lease, root: id, changes }]).await.unwrap();
    assert_eq!(store.forget(later, 10).await.unwrap(), 0);
    store.send_again(unread, id, b"add 1", asked).await.unwrap();
    assert!(store.inbox(&[lease.scope]).await.unwrap().is_empty());
}

async fn a_tree_ends_only_with_nothing_unread(place: Place) {
    let store = connect(&place.url).await.unwrap();
    let (id, lease) = started(&*store, "a").await;
    let (below, changes) = child("a/b", id, Status::Running);
    store.commit(&[Write { lease, root: id, changes }]).await.unwrap();
    let (to_root, to_child) = (Uuid::new_v4(), Uuid::new_v4());
    store.send(to_root, id, b"hello").await.unwrap();
    store.send(to_child, below, b"hello").await.unwrap();
    let ended = |of: &StoredInstance| InstanceRow {
        version: of.row.version + 1,
        status: Status::Completed,
        ..of.row.clone()
    };
    // A child may: its tree goes on, and reads them.
    let changed_instances = vec![ended(&loaded(&*store, below).await)];
    let changes = Changes { changed_instances, ..Changes::default() };
    store.commit(&[Write { lease, root: id, changes }]).await.unwrap();
    let changed_instances = vec![ended(&loaded(&*store, id).await)];
    let end = |delete_inbox: Vec<Uuid>| {
        let changes =
            Changes { changed_instances: changed_instances.clone(), delete_inbox, ..Changes::default() };
        let store = store.clone();
        async move { store.commit(&[Write { lease, root: id, changes }]).await }
    };
    let unread = Err(StoreError::Unread { root: id });
    assert_eq!(end(Vec::new()).await, unread);
    assert_eq!(end(vec![to_root]).await, unread, "what came for its child is unread");
    assert_eq!(store.inbox(&[lease.scope]).await.unwrap().len(), 2, "nothing was written");
    assert_eq!(end(vec![to_root, to_child]).await, Ok(()));
    assert!(matches!(store.send(Uuid::new_v4(), id, b"late").await, Err(StoreError::Refused { .. })));
    assert!(store.send(to_root, id, b"hello").await.is_ok(), "a repeat is answered like the first");
    assert!(store.inbox(&[lease.scope]).await.unwrap().is_empty());
}

async fn open(store: &dyn Store, step: Step) -> Box<dyn StepTransaction> {
    match store.begin_step(step).await.unwrap() {
        Begun::Open(transaction) => transaction,
        Begun::Taken(row) => panic!("taken by {row:?}"),
    }
}

async fn a_step_and_its_completion_are_one_transaction(place: Place) {
    let store = connect(&place.url).await.unwrap();
    let (id, lease) = started(&*store, "a").await;
    let step =
        |number| Step { lease, root: id, instance: id, key: CallKey::new(id, &StrandPath::main(), number) };
    let mut transaction = open(&*store, step(1)).await;
    transaction.statement("CREATE TABLE account (name TEXT, cents BIGINT, open BOOLEAN)", &[]).await.unwrap();
    let insert = "INSERT INTO account VALUES ($1, $2, $3)";
    let done = transaction
        .statement(insert, &[json!("ann"), json!(9007199254740993i64), json!(true)])
        .await
        .unwrap();
    assert_eq!(done.affected, 1);
    assert_eq!(transaction.complete(b"done").await.unwrap(), None);
    assert!(matches!(store.begin_step(step(1)).await.unwrap(), Begun::Taken(row) if row.outcome == b"done"));
    assert_eq!(loaded(&*store, id).await.completions.len(), 1);

    let mut transaction = open(&*store, step(2)).await;
    transaction.statement("UPDATE account SET cents = 0", &[]).await.unwrap();
    assert!(transaction.statement("COMMIT", &[]).await.is_err());
    assert!(transaction.statement("INSERT OR ROLLBACK INTO nowhere VALUES (1)", &[]).await.is_err());
    assert!(transaction.statement("SELECT 1", &[]).await.is_err(), "nothing runs after a failure");
    transaction.undo().await.unwrap();
    transaction.complete(b"failed").await.unwrap();

    drop({
        let mut transaction = open(&*store, step(3)).await;
        transaction.statement("UPDATE account SET cents = 1", &[]).await.unwrap();
        transaction
    });
    assert_eq!(store.settle(step(3), b"late").await.unwrap(), None);
    assert!(matches!(store.begin_step(step(3)).await.unwrap(), Begun::Taken(row) if row.outcome == b"late"));
    let before = store.settle(step(1), b"late").await.unwrap();
    assert_eq!(before.unwrap().outcome, b"done");

    let mut transaction = open(&*store, step(4)).await;
    let rows = transaction.statement("SELECT * FROM account", &[]).await.unwrap().rows;
    let expected = json!({"name": "ann", "cents": 9007199254740993i64, "open": true});
    assert_eq!(rows.first().cloned().map(serde_json::Value::Object), Some(expected));
}

#[tokio::test]
async fn a_runaway_statement_is_stopped() {
    let scratch = Scratch::new();
    let path = scratch.0.join("flow.db");
    let store =
        SqliteStore::open(&path).await.unwrap().with_statement_limit(std::time::Duration::from_millis(50));
    let (id, lease) = started(&store, "a").await;
    let step = Step { lease, root: id, instance: id, key: CallKey::new(id, &StrandPath::main(), 1) };
    let mut transaction = open(&store, step).await;
    // It has an end, so that without the limit this fails rather than hangs.
    let long = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 20000000) SELECT count(*) FROM n";
    let error = transaction.statement(long, &[]).await.unwrap_err();
    assert!(error.to_string().contains("only one writer"), "{error}");
}

#[tokio::test]
async fn a_damaged_file_is_refused() {
    let scratch = Scratch::new();
    std::fs::create_dir_all(&scratch.0).unwrap();
    let path = scratch.0.join("noise.db");
    std::fs::write(&path, vec![b'x'; 8192]).unwrap();
    let error = connect(&format!("sqlite://{}", path.display())).await.err().unwrap();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
}

async fn stores_of_another_format_are_refused(place: Place) {
    let store = connect(&place.url).await.unwrap();
    let (id, lease) = started(&*store, "a").await;
    let meta = if store.describe().starts_with("sqlite") { "flow_meta" } else { "flow.meta" };
    let says = [
        (99, "update flow"),
        (1, "an older flow made it; let its instances end under that one, or name another store"),
    ];
    for (call, (format, what_to_do)) in (1..).zip(says) {
        let step = Step { lease, root: id, instance: id, key: CallKey::new(id, &StrandPath::main(), call) };
        let mut transaction = open(&*store, step).await;
        transaction.statement(&format!("UPDATE {meta} SET format = {format}"), &[]).await.unwrap();
        transaction.complete(b"").await.unwrap();
        let error = connect(&place.url).await.err().unwrap().to_string();
        assert!(error.contains(&format!("format {format}, ")) && error.ends_with(what_to_do), "{error}");
    }
}

async fn many_may_be_the_first_to_open_it(place: Place) {
    let opened = (0..8).map(|_| {
        let url = place.url.clone();
        tokio::spawn(async move { connect(&url).await.map(drop) })
    });
    for one in opened.collect::<Vec<_>>() {
        one.await.unwrap().unwrap();
    }
}

fn compare(field: Field, comparison: Comparison, operand: Operand) -> Condition {
    Condition::Compare { field, comparison, operand }
}

fn attribute(name: &str, comparison: Comparison, operand: Operand) -> Condition {
    compare(Field::Attribute(name.into()), comparison, operand)
}

async fn a_listing_takes_conditions_on_fields_and_attributes(place: Place) {
    use Comparison::{Equal, Greater, GreaterOrEqual, Less};
    let store = connect(&place.url).await.unwrap();
    let all = [
        ("a", r#"{"customer":"acme","total":12.50,"paid":true}"#),
        ("b", r#"{"customer":"o'neil \"x\" %","total":9,"paid":false}"#),
        ("c", r#"{"customer":7}"#),
        ("d", "{}"),
    ];
    for (number, (name, attributes)) in all.into_iter().enumerate() {
        let id = InstanceId(Uuid::new_v4());
        let lease = granted(&*store, Scope::Tree(id)).await;
        let mut changes = new_instance(name, id);
        let row = &mut changes.new_instances[0];
        (row.attributes, row.created_at) = (attributes.into(), Timestamp(number as i64));
        store.commit(&[Write { lease, root: id, changes }]).await.unwrap();
    }
    let listed = async |condition: Condition| {
        let rows = store.list(&Filter { condition: Some(condition), ..Filter::default() }).await.unwrap();
        let mut names: Vec<String> = rows.into_iter().map(|row| row.name).collect();
        names.sort();
        names.concat()
    };
    let text = |text: &str| Operand::Text(text.into());
    let number = |number: &str| Operand::Number(number.into());
    assert_eq!(listed(attribute("customer", Equal, text("acme"))).await, "a");
    assert_eq!(listed(attribute("customer", Equal, text("o'neil \"x\" %"))).await, "b");
    assert_eq!(listed(attribute("customer", Equal, number("7"))).await, "c", "a number is no text");
    assert_eq!(listed(attribute("customer", Greater, text("acme"))).await, "b");
    assert_eq!(listed(attribute("total", Equal, number("12.5"))).await, "a");
    assert_eq!(listed(attribute("total", Less, number("12.5"))).await, "b");
    assert_eq!(listed(attribute("paid", Equal, Operand::Bool(true))).await, "a");
    assert_eq!(listed(attribute("nothing", Equal, text("acme"))).await, "");
    let acme = attribute("customer", Equal, text("acme"));
    assert_eq!(listed(Condition::Not(Box::new(acme.clone()))).await, "bcd", "what isn't there is not equal");
    let late = compare(Field::Created, GreaterOrEqual, Operand::Time(Timestamp(2)));
    assert_eq!(listed(Condition::Any(vec![acme.clone(), late.clone()])).await, "acd");
    assert_eq!(listed(Condition::All(vec![acme, late])).await, "");
    assert_eq!(listed(compare(Field::Id, Less, text("c"))).await, "ab");
    assert_eq!(listed(compare(Field::Program, Equal, text("0707"))).await, "abcd", "the beginning is enough");
    assert_eq!(listed(compare(Field::Program, Equal, text("08"))).await, "");
    assert_eq!(listed(Condition::status(Status::Paused)).await, "");
    assert_eq!(listed(compare(Field::Created, Equal, text("x"))).await, "", "of different types");
    let found = store.find("a").await.unwrap().unwrap();
    let read: serde_json::Value = serde_json::from_str(&found.attributes).unwrap();
    assert_eq!(read["customer"], "acme");
}
