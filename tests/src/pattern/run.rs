//! One run of a pattern's program: the world around it, and what its trace must show.

use crate::pattern::claim::Claim;
use crate::pattern::words::Words;
use crate::simulation::{Answer, Attempt, Crash, Ended, Outside, Simulation};
use crate::trace::Steps;
use flow_machine::event::Message;
use flow_machine::rows::Status;
use flow_mir::Executor;
use serde_json::{Value, json};
use std::sync::Arc;

/// The world around a program in one run, and what is claimed of the run.
#[derive(Clone, Debug)]
pub struct Run {
    /// What it is about; empty where there is only one.
    pub name: String,
    /// The arguments, by name.
    pub input: Value,
    /// What comes from outside, in order.
    pub outside: Vec<Outside>,
    answers: Vec<(Steps, Answer)>,
    claims: Vec<Said>,
}

/// A claim, and the line that says it.
#[derive(Clone, Debug)]
struct Said {
    line: usize,
    key: String,
    text: String,
    claim: Claim,
}

/// A claim that a run refutes.
#[derive(Debug)]
pub struct Fault {
    /// The claim's key.
    pub key: String,
    /// The line, what it says, and what happened.
    pub text: String,
}

impl Default for Run {
    fn default() -> Run {
        Run {
            name: String::new(),
            input: json!({}),
            outside: Vec::new(),
            answers: Vec::new(),
            claims: Vec::new(),
        }
    }
}

impl Run {
    /// The same world, for the run of that name.
    pub(crate) fn named(&self, name: &str) -> Run {
        Run { name: name.into(), ..self.clone() }
    }

    /// Takes up a line of the header.
    pub(crate) fn say(
        &mut self,
        (line, key, text): (usize, &str, &str),
        words: &mut Words<'_>,
    ) -> Result<(), String> {
        match key {
            "input" => self.input = words.json()?,
            "answer" => {
                let steps = words.steps()?;
                self.answers.push((steps, answer(words)?));
            }
            "outside" => self.outside.push(outside(words)?),
            _ => {
                let claim = Claim::parse(key, words).ok_or_else(|| format!("what is `{key}`?"))??;
                let (key, text) = (key.to_owned(), text.to_owned());
                self.claims.push(Said { line, key, text, claim });
            }
        }
        words.end()
    }

    /// A run must say all steps that there may be; it completes, and withdraws nothing, where it doesn't say otherwise.
    pub(crate) fn complete(&mut self) -> Result<(), String> {
        if !self.claims.iter().any(|said| said.claim.is_exhaustive()) {
            return Err(format!("the run `{}` has neither `sequence` nor `steps`", self.name));
        }
        let usual = [
            ("status", "completed", Claim::Status(Status::Completed)),
            ("withdrawn", "nothing", Claim::Withdrawn(Vec::new())),
        ];
        for (key, text, claim) in usual {
            if !self.claims.iter().any(|said| said.key == key) {
                self.claims.push(Said { line: 1, key: key.into(), text: text.into(), claim });
            }
        }
        Ok(())
    }

    /// How activities answer: as the last line about the call itself says, else the last about its activity, else with
    /// nothing at once.
    pub fn script(&self) -> impl Fn(&Attempt) -> Answer + Clone + 'static {
        let answers = self.answers.clone();
        move |attempt: &Attempt| {
            let args: Vec<Value> =
                attempt.args.as_object().map(|args| args.values().cloned().collect()).unwrap_or_default();
            let fits = |(steps, _): &&(Steps, Answer)| steps.are(&attempt.activity, &args);
            let exact = answers.iter().rev().filter(|(steps, _)| steps.args.is_some()).find(fits);
            let found = exact.or_else(|| answers.iter().rev().find(fits));
            found.map_or(Answer::Returns(Value::Null), |(_, answer)| answer.clone())
        }
    }

    /// Runs a program in this world, to its end or until nothing more can happen.
    pub fn simulate(&self, executor: Arc<dyn Executor>, crash: Option<Crash>) -> Ended {
        let simulation = Simulation::new(executor, self.script()).outside(self.outside.iter().cloned());
        simulation.crashing(crash).watch("main", &self.input)
    }

    /// The claims that don't hold.
    pub fn faults(&self, ended: &Ended) -> Vec<Fault> {
        let fault = |said: &Said| {
            let Said { line, key, text, .. } = said;
            let stalled = if ended.stalled.is_some() { ", then nothing more" } else { "" };
            let (name, happened) = (&self.name, &ended.trace);
            let end = format!("{:?} {:?} {:?}", ended.status, ended.output, ended.error);
            let text = format!("{line}: {name}: `{key}: {text}` does not hold: {happened}{stalled}; {end}");
            Fault { key: key.clone(), text }
        };
        self.claims.iter().filter(|said| !said.claim.holds(ended)).map(fault).collect()
    }
}

/// `[after DURATION] [once GATE] [gives JSON | never]`
fn answer(words: &mut Words<'_>) -> Result<Answer, String> {
    let delay = if words.accept("after") { Some(words.duration()?) } else { None };
    let gate = if words.accept("once") { Some(words.gate()?) } else { None };
    let mut answer = match () {
        () if words.accept("gives") => Answer::Returns(words.json()?),
        () if words.accept("never") => Answer::Never,
        () => Answer::Returns(Value::Null),
    };
    if let Some(gate) = gate {
        answer = Answer::Once(gate, Box::new(answer));
    }
    if let Some(delay) = delay {
        answer = Answer::After(delay, Box::new(answer));
    }
    Ok(answer)
}

/// `(after DURATION | once GATE) (signal NAME [JSON] | update NAME JSON | cancel)`
fn outside(words: &mut Words<'_>) -> Result<Outside, String> {
    let gate = if words.accept("once") { Some(words.gate()?) } else { None };
    let at = match gate {
        None if words.accept("after") => words.duration()?,
        None => return Err("when: `after` or `once`?".into()),
        Some(_) => 0,
    };
    let message = match words.next("what comes")? {
        "signal" => {
            let name = words.next("the signal")?.to_owned();
            let value = if words.is_empty() { Value::Null } else { words.json()? };
            Message::Signal { name, value }
        }
        "update" => Message::Update { name: words.next("the update")?.to_owned(), args: words.json()? },
        "cancel" => Message::Cancel,
        other => return Err(format!("what is `{other}`?")),
    };
    Ok(gate.map_or(Outside::Send(at, message.clone()), |gate| Outside::Once(gate, message)))
}
