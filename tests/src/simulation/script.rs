//! What the activities of a simulated world answer.

use crate::trace::Gate;
use flow_machine::event::CallOutcome;
use flow_machine::ids::CallKey;
use flow_mir::value::{Image, from_json, to_json};
use flow_mir::{Heap, Limits, Program, TypeId};
use serde_json::Value;

/// How an attempt of an activity ends.
#[derive(Clone, Debug)]
pub enum Answer {
    /// With this result, as JSON.
    Returns(Value),
    /// With a declared error, as the JSON of its case.
    Fails(Value),
    /// Without an answer, though it happened.
    Unknown,
    /// With a refusal.
    Refused,
    /// Without an answer, and nothing was sent.
    NotSent,
    /// As the other one, after so many nanoseconds.
    After(i64, Box<Answer>),
    /// As the other one, but not before the gate is open; no time-out ends it sooner.
    Once(Gate, Box<Answer>),
    /// Never.
    Never,
}

/// One attempt, as the script sees it.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The activity's name.
    pub activity: String,
    /// Its arguments by name.
    pub args: Value,
    /// Which attempt of this call, from 1.
    pub attempt: u32,
    /// The call's key.
    pub key: CallKey,
}

/// An answer as the engine would report it; `None` where none comes.
pub(crate) fn outcome(
    program: &Program,
    returns: TypeId,
    fails: &[TypeId],
    answer: &Answer,
) -> Option<CallOutcome> {
    let mut heap = Heap::new(program.known, Limits::default());
    Some(match answer {
        Answer::Returns(json) => {
            let word = from_json(program, &mut heap, returns, json).expect("the scripted result fits");
            CallOutcome::Returned(Image::capture(program, &heap, &[(returns, word)]).expect("fits").encode())
        }
        Answer::Fails(json) => {
            let (ty, word) = fails
                .iter()
                .find_map(|ty| from_json(program, &mut heap, *ty, json).ok().map(|word| (*ty, word)))
                .expect("the scripted error is declared");
            let error = heap.make_error(ty, word).expect("fits");
            CallOutcome::Failed(
                Image::capture(program, &heap, &[(program.known.error, error)]).expect("fits").encode(),
            )
        }
        Answer::Unknown => CallOutcome::Unknown { reason: "no answer".into(), timed_out: false },
        Answer::Refused => CallOutcome::Refused { reason: "refused".into() },
        Answer::NotSent => CallOutcome::NotSent { reason: "nobody listens".into() },
        Answer::Never | Answer::After(..) | Answer::Once(..) => return None,
    })
}

/// The values of an image as JSON.
pub(crate) fn image_json(program: &Program, types: &[TypeId], bytes: &[u8]) -> Vec<Value> {
    let mut heap = Heap::new(program.known, Limits::default());
    let words = Image::decode(bytes).expect("an image").restore(program, &mut heap).expect("fits");
    types.iter().zip(words).map(|(ty, word)| to_json(program, &heap, *ty, word).expect("JSON")).collect()
}
