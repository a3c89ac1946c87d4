//! The programs in `tests/patterns`, whose comments say what happens around them and what they must do.
//!
//! ```text
//! // input: JSON                            the arguments, by name
//! // answer: ACTIVITY DURATION [JSON]       how long it takes, and what it gives; else nothing, at once
//! // outside: DURATION signal NAME [JSON]   what comes when; also `update NAME JSON` and `cancel`
//! // expect: A B C                          exactly these steps begin, in this order
//! // order: A < B                           every A begins before the first B
//! // times: A 2                             it happens this often
//! // never: A                               it doesn't happen
//! // status: completed                      how the instance ends; this, unless another is said
//! // result: JSON                           what it gives
//! // took: DURATION                         when it ends
//! ```

use crate::simulation::{Answer, Attempt, Ended, Outside, SECOND};
use flow_machine::event::Message;
use flow_machine::rows::Status;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::Path;

/// What a program's comments say.
pub struct Pattern {
    /// The file.
    pub name: String,
    /// Its text.
    pub text: String,
    /// The arguments, by name.
    pub input: Value,
    answers: HashMap<String, Answer>,
    /// What comes from outside.
    pub outside: Vec<Outside>,
    expect: Option<Vec<String>>,
    order: Vec<(String, String)>,
    times: Vec<(String, usize)>,
    status: Status,
    result: Option<Value>,
    took: Option<i64>,
}

impl Pattern {
    /// All of them, by number.
    pub fn all() -> Vec<Pattern> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("patterns");
        let mut patterns: Vec<Pattern> = std::fs::read_dir(folder)
            .expect("the patterns")
            .flatten()
            .map(|entry| {
                let text = std::fs::read_to_string(entry.path()).expect("a pattern");
                Pattern::parse(&entry.file_name().to_string_lossy(), &text)
            })
            .collect();
        patterns.sort_by(|one, other| one.name.cmp(&other.name));
        patterns
    }

    fn parse(name: &str, text: &str) -> Pattern {
        let mut pattern = Pattern {
            name: name.into(),
            text: text.into(),
            input: json!({}),
            answers: HashMap::new(),
            outside: Vec::new(),
            expect: None,
            order: Vec::new(),
            times: Vec::new(),
            status: Status::Completed,
            result: None,
            took: None,
        };
        for line in text.lines() {
            let said = line.strip_prefix("// ").and_then(|rest| rest.split_once(':'));
            if let Some((key, rest)) = said {
                pattern.directive(key, rest.trim());
            }
        }
        let checks = pattern.order.len() + pattern.times.len() + usize::from(pattern.expect.is_some());
        assert!(checks > 0, "{name} expects nothing");
        pattern
    }

    fn directive(&mut self, key: &str, rest: &str) {
        let words: Vec<&str> = rest.splitn(3, ' ').collect();
        match (key, words.as_slice()) {
            ("input", _) => self.input = self.json(rest),
            ("answer", [activity, time, value @ ..]) => {
                let value = value.first().map_or(Value::Null, |value| self.json(value));
                let answer = Answer::After(self.duration(time), Box::new(Answer::Returns(value)));
                self.answers.insert((*activity).into(), answer);
            }
            ("outside", [time, "cancel"]) => {
                self.outside.push(Outside::Send(self.duration(time), Message::Cancel));
            }
            ("outside", [time, kind, rest]) => {
                let (name, value) = rest
                    .split_once(' ')
                    .map_or((*rest, Value::Null), |(name, value)| (name, self.json(value)));
                let message = match *kind {
                    "signal" => Message::Signal { name: name.into(), value },
                    "update" => Message::Update { name: name.into(), args: value },
                    other => panic!("{}: what is `{other}`?", self.name),
                };
                self.outside.push(Outside::Send(self.duration(time), message));
            }
            ("expect", _) => self.expect = Some(rest.split(' ').map(str::to_owned).collect()),
            ("order", [before, "<", after]) => self.order.push(((*before).into(), (*after).into())),
            ("times", [step, count]) => {
                self.times.push(((*step).into(), count.parse().expect("how often")));
            }
            ("never", [step]) => self.times.push(((*step).into(), 0)),
            ("status", [status]) => self.status = Status::parse(status).expect("a status"),
            ("result", _) => self.result = Some(self.json(rest)),
            ("took", [time]) => self.took = Some(self.duration(time)),
            _ => panic!("{}: `{key}: {rest}` says nothing", self.name),
        }
    }

    fn json(&self, text: &str) -> Value {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{}: `{text}`: {error}", self.name))
    }

    fn duration(&self, text: &str) -> i64 {
        let units = [('s', 1), ('m', 60), ('h', 3600)];
        let parsed = units.iter().find_map(|(unit, seconds)| {
            let count: i64 = text.strip_suffix(*unit)?.parse().ok()?;
            Some(count * seconds * SECOND)
        });
        parsed.unwrap_or_else(|| panic!("{}: `{text}` is no duration", self.name))
    }

    /// How its activities answer.
    pub fn script(&self) -> impl Fn(&Attempt) -> Answer + Clone + 'static {
        let answers = self.answers.clone();
        move |attempt: &Attempt| {
            answers.get(&attempt.activity).cloned().unwrap_or(Answer::Returns(Value::Null))
        }
    }

    /// What is wrong with how it ended.
    pub fn faults(&self, ended: &Ended) -> Vec<String> {
        let steps: Vec<&str> = ended.effects.iter().filter_map(|effect| effect.split('(').next()).collect();
        let mut faults = Vec::new();
        let mut fault = |holds: bool, what: String| {
            if !holds {
                faults.push(format!("{}: {what}, but {steps:?} {:?}", self.name, ended.error));
            }
        };
        fault(ended.status == self.status, format!("ends {:?}, not {:?}", self.status, ended.status));
        if let Some(expect) = &self.expect {
            fault(steps == *expect, format!("does {expect:?}"));
        }
        for (before, after) in &self.order {
            let last = steps.iter().rposition(|step| step == before);
            let first = steps.iter().position(|step| step == after);
            fault(last.is_some() && last < first, format!("does {before} before {after}"));
        }
        for (step, times) in &self.times {
            let count = steps.iter().filter(|known| *known == step).count();
            fault(count == *times, format!("does {step} {times} times"));
        }
        if let Some(result) = &self.result {
            fault(ended.output.as_ref() == Some(result), format!("gives {result}, not {:?}", ended.output));
        }
        if let Some(took) = self.took {
            // An attempt that answers at once takes a moment.
            let late = ended.took - took;
            fault((0..SECOND).contains(&late), format!("takes {took} ns, not {}", ended.took));
        }
        faults
    }
}
