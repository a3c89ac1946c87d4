//! Both executors: generated programs that are well typed give the same result, failure, effects and steps, and leave the
//! same live values at every suspension, so that either goes on from what the other left.

use crate::{Counters, Target, program};
use flow_mir::value::show_brief;
use flow_mir::{Entry, Executor, Exit, Frame, Function, FunctionId, Heap, Host, Program, SuspensionId};
use flow_mir::{SuspensionPoint, Terminator, TypeId};
use flow_project::Random;
use flow_tests::simulation::{Answer, Attempt, Ended, Simulation};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The target.
pub struct Execute;

impl Target for Execute {
    fn name(&self) -> &'static str {
        "execute"
    }

    fn input(&self, random: &mut Random) -> String {
        program::generate(random)
    }

    fn test(&self, input: &str, counters: &mut Counters) -> Result<(), String> {
        let program = Arc::new(
            flow_lower::testing::compile(input).map_err(|error| format!("is not compiled: {error}"))?,
        );
        let both = flow_tests::executors(&program);
        let mut ways: Vec<_> = both.iter().map(|(name, executor)| (*name, vec![executor.clone()])).collect();
        ways.push(("in turns", both.iter().map(|(_, executor)| executor.clone()).collect()));
        for number in [0, 3, -1, i64::MAX] {
            let mut ends = ways.iter().map(|(name, executors)| (*name, run(executors.clone(), number)));
            let Some((first, (expected, left))) = ends.next() else { continue };
            for (other, (given, left_too)) in ends {
                if given != expected {
                    return Err(format!(
                        "the executors differ:\nmain({number})\n{first}: {expected:#?}\n{other}: {given:#?}"
                    ));
                }
                if let Some(at) = difference(&left, &left_too) {
                    return Err(format!("main({number}) leaves other values, {first} and {other}: {at}"));
                }
            }
            counters.add("suspensions", left.len());
            counters.count(if expected.output.is_some() { "completed" } else { "failed" });
            counters.add("effects", expected.effects.len());
            counters.add("transitions", expected.transitions);
            if let Some(kind) =
                expected.error.as_deref().and_then(|error| TRAPS.iter().find(|kind| error.contains(**kind)))
            {
                counters.count(kind);
            }
        }
        Ok(())
    }
}

const TRAPS: &[&str] = &["overflow", "division by zero", "out of range", "Small", "Large", "ActivityFailed"];

fn run(executors: Vec<Arc<dyn Executor>>, number: i64) -> (Ended, Vec<Left>) {
    let watched = Arc::new(Watched { executors, turn: AtomicUsize::new(0), left: Mutex::default() });
    let ended = Simulation::new(watched.clone(), answer).run("main", &json!({ "n": number }));
    let left = std::mem::take(&mut *watched.left.lock().unwrap_or_else(PoisonError::into_inner));
    (ended, left)
}

/// A suspension and the values that live on. What they share in memory is for each executor to choose.
type Left = (FunctionId, SuspensionId, Vec<String>);

fn shown(program: &Program, heap: &Heap, ty: TypeId, word: u64) -> String {
    if word == 0 && program.types.is_plain_reference(ty) {
        return "not set yet".into();
    }
    show_brief(program, heap, ty, word)
}

/// The first suspension where two runs differ.
fn difference(one: &[Left], other: &[Left]) -> Option<String> {
    if let Some(at) = one.iter().zip(other).position(|(one, other)| one != other) {
        return Some(format!("at suspension {at}, {:#?} and {:#?}", one.get(at), other.get(at)));
    }
    (one.len() != other.len()).then(|| format!("{} and {} suspensions", one.len(), other.len()))
}

/// Executors that take turns, from suspension to suspension, and what they left.
struct Watched {
    executors: Vec<Arc<dyn Executor>>,
    turn: AtomicUsize,
    left: Mutex<Vec<Left>>,
}

impl Executor for Watched {
    fn program(&self) -> &Program {
        self.current().program()
    }

    fn enter(
        &self,
        function: FunctionId,
        entry: Entry<'_>,
        callers: &mut [Frame],
        heap: &mut Heap,
        host: &mut dyn Host,
    ) -> Exit {
        let executor = self.current().clone();
        self.turn.fetch_add(1, Ordering::Relaxed);
        let exit = executor.enter(function, entry, callers, heap, host);
        if let Exit::Suspend { suspension, slots, .. } = &exit
            && let Some((code, point)) = waits(executor.program(), function, *suspension)
        {
            let live =
                point.live.iter().zip(slots).filter_map(|(id, word)| Some((code.locals.get(*id)?, word)));
            let values = live.map(|(local, word)| shown(executor.program(), heap, local.ty, *word)).collect();
            let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
            left.push((function, *suspension, values));
        }
        exit
    }
}

impl Watched {
    fn current(&self) -> &Arc<dyn Executor> {
        let [first, rest @ ..] = self.executors.as_slice() else { unreachable!("there is one") };
        let turn = self.turn.load(Ordering::Relaxed) % self.executors.len();
        turn.checked_sub(1).and_then(|turn| rest.get(turn)).unwrap_or(first)
    }
}

/// A suspension that waits for something. Where memory is collected may differ between executors.
fn waits(
    program: &Program,
    function: FunctionId,
    suspension: SuspensionId,
) -> Option<(&Function, &SuspensionPoint)> {
    let function = program.functions.get(function)?;
    let point = function.suspensions.get((suspension.0 as usize).checked_sub(1)?)?;
    let block = function.blocks.get(point.block)?;
    matches!(block.terminator, Terminator::Suspend { .. }).then_some((function, point))
}

/// What the activities of generated programs do. A failure passes after some attempts: a compensation is retried until it
/// succeeds, and would be for ever.
fn answer(attempt: &Attempt) -> Answer {
    let number = attempt.args.get("x").and_then(Value::as_i64).unwrap_or_default();
    match attempt.activity.as_str() {
        "step" if number % 7 == 3 && attempt.attempt < 4 => {
            Answer::Fails(json!({ "Small": { "n": number } }))
        }
        "step" => Answer::Returns(json!(number.wrapping_add(1))),
        "name" => Answer::Returns(json!(format!("s{}", number % 100))),
        "several" => Answer::Returns(json!([number % 10, 2, 3])),
        _ => Answer::Returns(Value::Null),
    }
}
