//! The programs in `tests/patterns`: their headers say what happens around them, and what their traces must show.
//!
//! ```text
//! // input: JSON                    the arguments of `main`, by name
//! // answer: STEP [after 5s] [once GATE] [gives JSON | never]
//! //                                how an activity answers; else nothing, at once
//! // outside: after 5s WHAT         what comes from outside: `signal NAME [JSON]`, `update NAME JSON`, `cancel`
//! // outside: once GATE WHAT        the same, when something has happened
//! // run: NAME                      what follows concerns one run; what stands before the first, all of them
//! ```
//!
//! A STEP is an activity or workflow, `vote`: all its calls; or those with these arguments, `vote(3)`. A GATE says what must
//! have happened: `decide began`, `vote(3) ended`, `vote*2 ended and decide began`. So an answer that is held back until
//! others have begun shows that they run at once, and one that is held back until what follows has ended shows that
//! nobody waits for it: where the program doesn't do so, the run goes no further.
//!
//! ```text
//! // sequence: A B C                exactly these steps, one after the other
//! // steps: A B*2                   exactly these, so often each; a run has this line or the one before
//! // order: A B < C                 every A and B has ended before any C begins; also `main ended < A ended`
//! // during: A in B                 every A begins and ends while B runs
//! // apart: A B                     no two of them, nor two of one, run at once; `A..B`: from A's beginning to B's end
//! // together: A B*2                at some moment an A and two B run
//! // withdrawn: A                   exactly these are given up on the way; nothing, unless it is said
//! // never: A                       it doesn't happen
//! // status: cancelled              how the instance ends; completed, unless another is said
//! // result: JSON                   what it gives
//! ```
//!
//! All of it must hold in every run: the calm one and each with a crash, on both executors. A step tried again after a
//! crash is one step ([`crate::trace`]).
//!
//! ```text
//! // near: order: goes on without waiting
//! // - parallel { check(), pay() }
//! // + spawn check()
//! // + pay()
//! ```
//!
//! A near miss is the program with some lines changed. In one of its runs the claim with that key must not hold.

mod claim;
mod run;
mod words;

pub use run::{Fault, Run};

use flow_mir::Program;
use std::path::Path;
use std::sync::Arc;
use words::Words;

/// A program and what its header says.
pub struct Pattern {
    /// The file.
    pub file: String,
    /// The pattern's number and name, as the first line has them.
    pub number: u32,
    /// Its name there.
    pub title: String,
    /// The language has no construct for it: the program is the nearest.
    pub is_nearest: bool,
    /// The program.
    pub program: Arc<Program>,
    /// How it is run.
    pub runs: Vec<Run>,
    /// Programs that are not the pattern.
    pub near: Vec<NearMiss>,
}

/// A program that is almost the pattern.
pub struct NearMiss {
    /// The claim that it refutes.
    pub key: String,
    /// What is wrong with it.
    pub why: String,
    /// Its text.
    pub text: String,
}

impl Pattern {
    /// All of them, by number. Panics where a header is wrong.
    pub fn all() -> Vec<Pattern> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("patterns");
        let mut patterns: Vec<Pattern> = std::fs::read_dir(folder)
            .expect("the patterns")
            .flatten()
            .map(|entry| {
                let text = std::fs::read_to_string(entry.path()).expect("a pattern");
                let file = entry.file_name().to_string_lossy().into_owned();
                Pattern::parse(&file, &text).unwrap_or_else(|error| panic!("{file}:{error}"))
            })
            .collect();
        patterns.sort_by(|one, other| one.file.cmp(&other.file));
        patterns
    }

    /// Reads a program and its header; an error begins with its line.
    pub fn parse(file: &str, text: &str) -> Result<Pattern, String> {
        let (number, title, is_nearest) =
            heading(text).ok_or("1: the first line is no `//! WCP-1. Name: …`")?;
        let program = crate::compile(text);
        let (mut shared, mut runs, mut near) = (Run::default(), Vec::<Run>::new(), Vec::new());
        for (line, said) in (1..).zip(text.lines()) {
            let Some((key, rest)) = said.strip_prefix("// ").and_then(|said| said.split_once(": ")) else {
                continue;
            };
            let rest = rest.trim();
            let mut words = Words::new(rest, &program);
            let taken = match key {
                "run" => {
                    runs.push(shared.named(rest));
                    Ok(())
                }
                "near" => near_miss(text, line, rest).map(|miss| near.push(miss)),
                _ if key.starts_with(['+', '-']) => Ok(()),
                _ => runs.last_mut().unwrap_or(&mut shared).say((line, key, rest), &mut words),
            };
            taken.map_err(|error| format!("{line}: {error}"))?;
        }
        if runs.is_empty() {
            runs.push(shared);
        }
        runs.iter_mut().try_for_each(Run::complete).map_err(|error| format!("1: {error}"))?;
        Ok(Pattern { file: file.into(), number, title, is_nearest, program, runs, near })
    }
}

/// `//! WCP-1. Name: …`, or `//! WCP-10. Name, nearest: …`
fn heading(text: &str) -> Option<(u32, String, bool)> {
    let (number, rest) = text.strip_prefix("//! WCP-")?.split_once(". ")?;
    let title = rest.split_once(':')?.0;
    let nearest = title.strip_suffix(", nearest");
    Some((number.parse().ok()?, nearest.unwrap_or(title).to_owned(), nearest.is_some()))
}

/// Applies the `-` and `+` lines under line `at` to the program. A `-` takes the next line that says the same; the `+` lines
/// after it stand in its place.
fn near_miss(text: &str, at: usize, said: &str) -> Result<NearMiss, String> {
    let (key, why) = said.split_once(": ").ok_or("which claim does it refute?")?;
    let mut code: Vec<&str> = text.lines().filter(|line| !line.starts_with("//")).collect();
    let mut place = None;
    for line in text.lines().skip(at) {
        if let Some(old) = line.strip_prefix("// - ") {
            let from = place.unwrap_or(0);
            let found = code.iter().skip(from).position(|line| line.trim() == old.trim());
            let found = from + found.ok_or_else(|| format!("`{}` is not in the program", old.trim()))?;
            code.remove(found);
            place = Some(found);
        } else if let Some(new) = line.strip_prefix("// + ") {
            let next = place.as_mut().ok_or("where? there is no `-` before this `+`")?;
            code.insert(*next, new);
            *next += 1;
        } else {
            break;
        }
    }
    if place.is_none() {
        return Err("it changes nothing".into());
    }
    Ok(NearMiss { key: key.into(), why: why.into(), text: code.join("\n") })
}
