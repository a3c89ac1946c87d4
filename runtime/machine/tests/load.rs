//! Instances from their rows.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests may panic as tests do")]

use flow_machine::event::Event;
use flow_machine::ids::{InstanceId, Timestamp};
use flow_machine::rows::{Changes, HistoryRow, StoredInstance};
use flow_machine::{Instance, NewInstance};
use flow_mir::value::Image;
use flow_mir::{Executor, Heap, Interpreter, Limits, WorkflowId, text};
use std::sync::Arc;
use uuid::Uuid;

/// Sleeps twice, 1 s each time.
const PROGRAM: &str = r#"standard

workflow {"name":"nap","location":{"source":0,"start":0,"end":0},"docs":"","params":[],"returns":2,"fails":[],"body":0,"states":[],"signals":[],"queries":[],"updates":[]}

fn "nap" () suspends -> t2 {
  local _0: t7
  local _1: t0
  local _2: t2
  b0:
    _0 = word 1000000000
    _1 = suspend sleep _0 then b1
  b1:
    _0 = word 1000000000
    _1 = suspend sleep _0 then b2
  b2:
    _2 = word 7
    return _2
}
"#;

const SECOND: i64 = 1_000_000_000;

fn nap(executor: &Interpreter) -> NewInstance {
    let program = executor.program();
    let heap = Heap::new(program.known, Limits::default());
    let id = InstanceId(Uuid::from_u128(1));
    NewInstance {
        id,
        root: id,
        parent: None,
        name: "a".into(),
        workflow: WorkflowId(0),
        program: [7; 32],
        input: Image::capture(program, &heap, &[]).unwrap().encode(),
    }
}

/// What a store holds after a first transition and a later one of the same instance.
fn stored(first: Changes, later: Changes) -> StoredInstance {
    let history: Vec<HistoryRow> = first.history.into_iter().chain(later.history).collect();
    let last = history.last().unwrap();
    StoredInstance {
        row: later.changed_instances.into_iter().chain(first.new_instances).next().unwrap(),
        last_sequence: last.sequence,
        last_at: last.at,
        strands: if later.strands.is_empty() { first.strands } else { later.strands },
        compensations: Vec::new(),
        timers: if later.timers.is_empty() { first.timers } else { later.timers },
        messages: Vec::new(),
        inbox: Vec::new(),
        completions: Vec::new(),
    }
}

#[test]
fn time_goes_on_from_the_last_event_even_where_the_clock_went_back() {
    let executor = Interpreter::new(Arc::new(text::parse(PROGRAM).unwrap()));
    let mut instance = Instance::start(nap(&executor), &Limits::default(), &executor, Timestamp(0));
    let first = instance.take(&executor).changes;
    let timer = first.timers[0].id.clone();
    instance.apply(&executor, Timestamp(5 * SECOND), Event::Timer { id: timer });
    let later = instance.take(&executor).changes;
    assert!(later.changed_instances.is_empty(), "a step of a strand leaves the instance's row alone");

    let mut loaded = Instance::load(stored(first, later), &Limits::default(), &executor).unwrap();
    loaded.apply(&executor, Timestamp(2 * SECOND), Event::Recovered);
    let recovered = loaded.take(&executor).changes.history;
    assert_eq!(recovered[0].at, Timestamp(5 * SECOND));
}

#[test]
fn what_an_older_flow_stored_of_a_strand_is_refused() {
    let executor = Interpreter::new(Arc::new(text::parse(PROGRAM).unwrap()));
    let mut instance = Instance::start(nap(&executor), &Limits::default(), &executor, Timestamp(0));
    let mut stored = stored(instance.take(&executor).changes, Changes::default());
    stored.strands[0].meta[0] -= 1;
    let refused = Instance::load(stored, &Limits::default(), &executor).map(|_| ()).unwrap_err().to_string();
    assert!(
        refused.starts_with("instance `a` can't be loaded: strand 0: it has format version"),
        "{refused}"
    );
    assert!(refused.ends_with("an older flow wrote it; use that one"), "{refused}");
}

#[test]
fn what_has_not_begun_runs_when_it_is_recovered() {
    let executor = Interpreter::new(Arc::new(text::parse(PROGRAM).unwrap()));
    let mut instance = Instance::create(nap(&executor), &Limits::default(), &executor, Timestamp(0));
    let created = instance.take(&executor);
    assert!(created.actions.is_empty() && created.changes.timers.is_empty());
    assert!(created.changes.strands[0].open_call, "whoever owns it next finds it");

    let stored = stored(created.changes, Changes::default());
    let mut loaded = Instance::load(stored, &Limits::default(), &executor).unwrap();
    loaded.apply(&executor, Timestamp(3 * SECOND), Event::Recovered);
    let begun = loaded.take(&executor).changes;
    assert_eq!(begun.timers[0].due, Timestamp(4 * SECOND), "it sleeps from when it began");
    assert!(!begun.strands[0].open_call);
}
