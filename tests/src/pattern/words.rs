//! The words of a header's line, read one after the other.

use crate::simulation::SECOND;
use crate::trace::{Gate, Happened, Steps};
use flow_mir::Program;
use serde_json::Value;
use std::collections::VecDeque;

/// What is left of a line. Steps are checked against the program as they are read.
pub(crate) struct Words<'a> {
    words: VecDeque<&'a str>,
    program: &'a Program,
}

impl<'a> Words<'a> {
    /// Words end at spaces outside brackets and strings.
    pub(crate) fn new(text: &'a str, program: &'a Program) -> Words<'a> {
        let (mut depth, mut in_string, mut escaped) = (0_i32, false, false);
        let words = text.split(move |char: char| {
            match char {
                _ if escaped => escaped = false,
                '\\' => escaped = in_string,
                '"' => in_string = !in_string,
                _ if in_string => {}
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth -= 1,
                _ => {}
            }
            char == ' ' && depth == 0 && !in_string
        });
        Words { words: words.filter(|word| !word.is_empty()).collect(), program }
    }

    /// Takes the next word if it is this one.
    pub(crate) fn accept(&mut self, word: &str) -> bool {
        let next = self.words.front() == Some(&word);
        if next {
            self.words.pop_front();
        }
        next
    }

    pub(crate) fn next(&mut self, what: &str) -> Result<&'a str, String> {
        self.words.pop_front().ok_or_else(|| format!("{what} is missing"))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Nothing may be left.
    pub(crate) fn end(&mut self) -> Result<(), String> {
        self.words.pop_front().map_or(Ok(()), |word| Err(format!("what is `{word}`?")))
    }

    /// Reads all that is left by `read`, at least once.
    pub(crate) fn all<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, String>,
    ) -> Result<Vec<T>, String> {
        let mut found = vec![read(self)?];
        while !self.is_empty() {
            found.push(read(self)?);
        }
        Ok(found)
    }

    /// `vote` or `vote(3)`
    pub(crate) fn steps(&mut self) -> Result<Steps, String> {
        let word = self.next("a step")?;
        self.steps_in(word)
    }

    pub(crate) fn steps_in(&self, word: &str) -> Result<Steps, String> {
        let steps = Steps::parse(word)?;
        let activities = self.program.activities.values().map(|known| (&known.name, known.params.len()));
        let workflows = self.program.workflows.values().map(|known| (&known.name, known.params.len()));
        let Some((_, takes)) = activities.chain(workflows).find(|(name, _)| **name == steps.name) else {
            return Err(format!("`{}` is neither an activity nor a workflow of the program", steps.name));
        };
        match &steps.args {
            Some(args) if args.len() != takes => Err(format!("`{}` takes {takes} arguments", steps.name)),
            _ => Ok(steps),
        }
    }

    /// `vote`, `vote(3)`, `vote*2`: steps, and how many of them.
    pub(crate) fn counted(&mut self) -> Result<(Steps, usize), String> {
        let word = self.next("a step")?;
        let counted = word.rsplit_once('*').and_then(|(steps, count)| Some((steps, count.parse().ok()?)));
        let (steps, count) = counted.unwrap_or((word, 1));
        Ok((self.steps_in(steps)?, count))
    }

    /// `began` or `ended`, where it stands there: whether it is the end.
    pub(crate) fn edge(&mut self) -> Option<bool> {
        match () {
            () if self.accept("began") => Some(false),
            () if self.accept("ended") => Some(true),
            () => None,
        }
    }

    /// `vote*2 ended and decide began`
    pub(crate) fn gate(&mut self) -> Result<Gate, String> {
        let mut gate = Gate::default();
        loop {
            let (steps, count) = self.counted()?;
            let ended = self.edge().ok_or("`began` or `ended` is missing")?;
            gate.0.push(Happened { steps, count, ended });
            if !self.accept("and") {
                return Ok(gate);
            }
        }
    }

    /// `5s`, `10m`, `1h`, `2d`, in nanoseconds.
    pub(crate) fn duration(&mut self) -> Result<i64, String> {
        let text = self.next("a duration")?;
        let units = [('s', 1), ('m', 60), ('h', 3600), ('d', 86_400)];
        let parsed = units.iter().find_map(|(unit, seconds)| {
            let count: i64 = text.strip_suffix(*unit)?.parse().ok()?;
            Some(count * seconds * SECOND)
        });
        parsed.ok_or_else(|| format!("`{text}` is no duration"))
    }

    pub(crate) fn json(&mut self) -> Result<Value, String> {
        let text = self.next("JSON")?;
        serde_json::from_str(text).map_err(|error| format!("`{text}`: {error}"))
    }
}
