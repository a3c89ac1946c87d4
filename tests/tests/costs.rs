//! What is stored, counted: a branch costs the same however many there are and whatever they capture, and the millionth
//! iteration of a loop costs what the tenth did. Counts, not times.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, a panic is how a failure is told"
)]

use flow_machine::event::{Action, CallOutcome, Dispatch, Event, Transition};
use flow_machine::ids::{InstanceId, Timestamp};
use flow_machine::rows::{Changes, StoredInstance, StrandRow};
use flow_machine::{Instance, NewInstance};
use flow_mir::value::{Image, from_json_fields};
use flow_mir::{Executor, Heap, Interpreter, Limits};
use serde_json::json;
use std::collections::VecDeque;
use uuid::Uuid;

const PROGRAM: &str = r#"
activity step(x: Int) -> Int

workflow captures(n: Int, size: Int) -> Int {
  let table = (0..size).map(|x| "entry {x}")
  let xs = parallel for i in 0..n {
    let y = step(i)
    sleep 1s
    table[y].len() + step(i)
  }
  xs.len()
}

workflow each(n: Int) -> Int { (parallel for i in 0..n { step(i) }).len() }

workflow quorum(n: Int, size: Int) -> Int {
  let table = (0..size).map(|x| "entry {x}")
  let xs = parallel first 3 for i in 0..n {
    let y = step(i)
    sleep 1s
    table[y].len() + step(i)
  }
  xs.len()
}

workflow years(n: Int) -> Int {
  var x = 0
  var recent = [0, 0, 0]
  while x < n {
    x = step(x)
    recent = [recent[1], recent[2], x]
  }
  recent[0]
}
"#;

/// An instance whose calls are answered one at a time, each with its own argument and 1.
struct Run {
    executor: Interpreter,
    instance: Instance,
    open: VecDeque<Dispatch>,
}

impl Run {
    /// Starts a workflow; also what its first transition writes.
    fn start(workflow: &str, input: &serde_json::Value) -> (Run, Changes) {
        let executor = Interpreter::new(flow_tests::compile(PROGRAM));
        let program = executor.program();
        let (id, code) = program.workflows.iter().find(|(_, code)| code.name == workflow).unwrap();
        let mut heap = Heap::new(program.known, Limits::default());
        let words = from_json_fields(program, &mut heap, &code.params, input).unwrap();
        let roots: Vec<_> = code.params.iter().map(|param| param.ty).zip(words).collect();
        let new = NewInstance {
            id: InstanceId(Uuid::from_u128(1)),
            root: InstanceId(Uuid::from_u128(1)),
            parent: None,
            name: "counted".into(),
            workflow: id,
            program: [7; 32],
            input: Image::capture(program, &heap, &roots).unwrap().encode(),
        };
        let instance = Instance::start(new, &Limits::default(), &executor, Timestamp(0));
        let mut run = Run { executor, instance, open: VecDeque::new() };
        let changes = run.take();
        (run, changes)
    }

    fn take(&mut self) -> Changes {
        let Transition { changes, actions } = self.instance.take(&self.executor);
        self.open.extend(actions.into_iter().filter_map(|action| match action {
            Action::Dispatch(dispatch) => Some(dispatch),
            _ => None,
        }));
        changes
    }

    /// The next call ends; what that transition writes.
    fn step(&mut self) -> Changes {
        self.end_a_call();
        self.take()
    }

    fn end_a_call(&mut self) {
        let call = self.open.pop_front().expect("an open call");
        let program = self.executor.program();
        let mut heap = Heap::new(program.known, Limits::default());
        let argument = Image::decode(&call.args).unwrap().restore(program, &mut heap).unwrap()[0];
        let result = (program.activities.at(call.activity).returns, argument + 1);
        let image = Image::capture(program, &heap, &[result]).unwrap().encode();
        let outcome = CallOutcome::Returned(image);
        let event = Event::CallEnded { key: call.key, attempt: call.attempt, outcome };
        self.instance.apply(&self.executor, Timestamp(0), event);
    }
}

fn bytes(row: &StrandRow) -> usize {
    row.meta.len() + row.frame.len()
}

/// The rows of the branches that a first transition writes, and of the strand that forked.
fn rows(changes: &Changes) -> (&StrandRow, Vec<usize>) {
    let (main, branches): (Vec<_>, Vec<_>) =
        changes.strands.iter().partition(|row| row.path.to_string() == "0");
    (main[0], branches.into_iter().map(bytes).collect())
}

#[test]
fn what_branches_capture_is_stored_once_however_large_it_is() {
    for workflow in ["captures", "quorum"] {
        let (mut small, few) = Run::start(workflow, &json!({"n": 20, "size": 100}));
        let (mut large, many) = Run::start(workflow, &json!({"n": 20, "size": 10_000}));
        let ((few_main, few_branches), (many_main, many_branches)) = (rows(&few), rows(&many));
        assert_eq!(few_branches.len(), 20);
        assert_eq!(few_branches, many_branches, "{workflow}: not in the branches' rows");
        assert!(
            bytes(many_main) > 50 * bytes(few_main),
            "{workflow}: it is in the row of the strand that forked"
        );
        // Also when they wait in the middle, with the captured value still to be read.
        let (few, many) = (small.step(), large.step());
        assert_eq!(few.strands.len(), 1);
        assert_eq!(bytes(&few.strands[0]), bytes(&many.strands[0]), "{workflow}: in the middle");
    }
}

#[test]
fn a_branch_costs_the_same_however_many_there_are() {
    let (mut ten, few) = Run::start("captures", &json!({"n": 10, "size": 2}));
    let (mut thousands, many) = Run::start("captures", &json!({"n": 3_000, "size": 2}));
    let ((_, few_branches), (_, many_branches)) = (rows(&few), rows(&many));
    assert_eq!((few_branches.len(), many_branches.len()), (10, 3_000));
    // Numbers that grow take a few bytes more; nothing else does.
    let (least, most) = (few_branches.iter().min().unwrap(), many_branches.iter().max().unwrap());
    assert!(most - least <= 8, "{least} bytes a branch of 10, {most} of 3,000");
    let (few, many) = (ten.step(), thousands.step());
    assert_eq!((few.strands.len(), few.history.len()), (1, many.history.len()));
    assert_eq!(many.strands.len(), 1, "a step of a branch writes its row and no other");
    assert!(many.changed_instances.is_empty() && few.changed_instances.is_empty());
    assert!(bytes(&many.strands[0]) - bytes(&few.strands[0]) <= 8);
}

#[test]
fn the_end_of_a_branch_is_written_in_its_own_row_alone() {
    for n in [10, 3_000] {
        let (mut run, _) = Run::start("each", &json!({ "n": n }));
        let end = run.step();
        assert_eq!((end.strands.len(), end.strands[0].path.to_string().as_str()), (1, "0.1.0"));
        assert!(end.changed_instances.is_empty(), "how many are open is seen from the rows");
    }
}

#[test]
fn calls_that_end_before_a_commit_are_written_together_each_row_once() {
    let versions = |changes: &Changes| changes.strands.iter().map(|row| row.version).collect::<Vec<_>>();
    let (mut run, first) = Run::start("captures", &json!({"n": 4, "size": 2}));
    assert_eq!(versions(&first), vec![1; 5]);
    (0..4).for_each(|_| run.end_a_call());
    let together = run.take();
    assert_eq!(versions(&together), vec![2; 4], "each branch once, and no other strand");
    let alone = Run::start("captures", &json!({"n": 4, "size": 2})).0.step();
    assert_eq!(together.history.len(), 4 * alone.history.len(), "and what happened to each is told");
}

#[test]
fn an_iteration_costs_the_same_however_many_there_were() {
    let (mut run, _) = Run::start("years", &json!({"n": 1_000_000}));
    let mut written = Vec::new();
    for _ in 0..1_000 {
        written.push(run.step());
    }
    let (early, late) = (&written[9], &written[999]);
    assert_eq!(early.strands[0].frame.len(), late.strands[0].frame.len());
    // The number of its calls, which makes their keys.
    assert!(late.strands[0].meta.len() - early.strands[0].meta.len() <= 4);
    for changes in &written[9..] {
        assert_eq!((changes.strands.len(), changes.history.len()), (1, early.history.len()));
        assert!(
            changes.changed_instances.is_empty() && changes.messages.is_empty() && changes.timers.is_empty()
        );
    }
}

/// What a store holds after a first transition.
fn stored(changes: Changes) -> StoredInstance {
    let last = changes.history.last().unwrap();
    StoredInstance {
        last_sequence: last.sequence,
        last_at: last.at,
        row: changes.new_instances.into_iter().next().unwrap(),
        strands: changes.strands,
        compensations: Vec::new(),
        timers: changes.timers,
        messages: Vec::new(),
        inbox: Vec::new(),
        completions: Vec::new(),
    }
}

#[test]
fn branches_that_lack_what_their_fork_does_not_lend_are_not_loaded() {
    let (run, changes) = Run::start("captures", &json!({"n": 3, "size": 4}));
    let whole = stored(changes);
    let load = |stored: StoredInstance| {
        let loaded = Instance::load(stored, &Limits::default(), &run.executor);
        loaded.map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(load(whole.clone()), Ok(()));
    // A frame's `lent` is behind magic, version, hash, count, function and suspension.
    let lent = 4 + 2 + 32 + 4 + 4 + 4;
    for (strand, count) in [(1, 0_u32), (1, 2), (0, 1)] {
        let mut tampered = whole.clone();
        let frame = &mut tampered.strands[strand].frame;
        frame[lent..lent + 4].copy_from_slice(&count.to_le_bytes());
        let end = frame.len() - 8;
        let sum = *blake3::hash(&frame[..end]).as_bytes();
        frame[end..].copy_from_slice(&sum[..8]);
        let refused = load(tampered).unwrap_err();
        assert!(refused.starts_with("instance `counted` can't be loaded: "), "{refused}");
    }
    // The fork itself is gone.
    let mut orphans = whole;
    orphans.strands.remove(0);
    let refused = load(orphans).unwrap_err();
    assert!(refused.ends_with("it lacks what nothing gives it"), "{refused}");
}
