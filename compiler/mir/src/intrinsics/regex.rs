//! Regular expressions. Matching takes time linear in the text; compiled patterns are kept.

use super::{Context, Failure, Outcome, trap};
use crate::heap::TrapKind;
use crate::intrinsic::Intrinsic;
use regex::{Regex, RegexBuilder};
use std::cell::RefCell;
use std::collections::HashMap;

/// How many compiled patterns each thread keeps.
const KEPT: usize = 128;
/// How large a compiled pattern may be, in bytes: it bounds what a match of one character costs.
const LARGEST: usize = 256 << 10;
/// How often a long search looks whether the strand was interrupted.
const POLL: usize = 256;

thread_local! {
    static COMPILED: RefCell<HashMap<String, Regex>> = RefCell::default();
}

/// The compiled pattern, or why it is none.
fn compiled(pattern: &str) -> Result<Regex, Failure> {
    if let Some(known) = COMPILED.with_borrow(|compiled| compiled.get(pattern).cloned()) {
        return Ok(known);
    }
    match RegexBuilder::new(pattern).size_limit(LARGEST).build() {
        Ok(regex) => {
            COMPILED.with_borrow_mut(|compiled| {
                if compiled.len() >= KEPT {
                    compiled.clear();
                }
                compiled.insert(pattern.to_owned(), regex.clone());
            });
            Ok(regex)
        }
        Err(error) => {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default();
            let reason = reason.strip_prefix("error: ").unwrap_or(reason);
            trap(TrapKind::InvalidValue, format!("`{pattern}` is no regular expression: {reason}"))
        }
    }
}

impl Context<'_> {
    pub(super) fn regex(&mut self, intrinsic: Intrinsic) -> Option<Outcome> {
        use Intrinsic as I;
        Some(match intrinsic {
            I::RegexIsMatch => compiled(self.str(1)).map(|regex| u64::from(regex.is_match(self.str(0)))),
            I::RegexScan => self.scan(),
            I::RegexNames => self.group_names(),
            I::RegexReplace => self.replace_matches(),
            I::RegexSplit => self.split_at_matches(),
            I::RegexEscape => {
                let text = regex::escape(self.str(0));
                self.make_string(&text)
            }
            _ => return None,
        })
    }

    fn scan(&mut self) -> Outcome {
        let regex = compiled(self.str(1))?;
        let limit = usize::try_from(self.int(2)).unwrap_or(0);
        let text = self.str(0).to_owned();
        let mut matches = Vec::new();
        // Places are told in characters, which are counted as the search goes on.
        let (mut bytes, mut characters) = (0, 0);
        let mut count_to = |to: usize| {
            characters += text.get(bytes..to).map_or(0, |part| part.chars().count());
            bytes = to;
            characters as u64
        };
        for (count, captures) in regex.captures_iter(&text).take(limit).enumerate() {
            if count.is_multiple_of(POLL) && self.heap.interrupted() {
                break;
            }
            let Some(whole) = captures.get(0) else { continue };
            let mut groups = Vec::with_capacity(captures.len());
            for group in captures.iter() {
                // `none` is 0, and `Some` of a text is the text.
                groups.push(group.map_or(Ok(0), |group| self.heap.string(group.as_str()))?);
            }
            let groups = self.heap.make_list(&groups)?;
            let (start, end) = (count_to(whole.start()), count_to(whole.end()));
            matches.push(self.heap.make_record(&[start, end, groups])?);
        }
        Ok(self.heap.make_list(&matches)?)
    }

    fn group_names(&mut self) -> Outcome {
        let regex = compiled(self.str(0))?;
        let mut names = Vec::with_capacity(regex.captures_len());
        for name in regex.capture_names() {
            names.push(name.map_or(Ok(0), |name| self.heap.string(name))?);
        }
        Ok(self.heap.make_list(&names)?)
    }

    fn replace_matches(&mut self) -> Outcome {
        let regex = compiled(self.str(1))?;
        let (text, replacement) = (self.str(0), self.str(2));
        let references = replacement.matches('$').count();
        let mut replaced = String::new();
        let mut end = 0;
        for (count, captures) in regex.captures_iter(text).enumerate() {
            let Some(whole) = captures.get(0) else { continue };
            replaced.push_str(text.get(end..whole.start()).unwrap_or_default());
            // A group is no longer than the match.
            let longest = whole.len().saturating_mul(references).saturating_add(replacement.len());
            self.check_bytes(replaced.len().saturating_add(longest))?;
            captures.expand(replacement, &mut replaced);
            end = whole.end();
            if count.is_multiple_of(POLL) && self.heap.interrupted() {
                break;
            }
        }
        replaced.push_str(text.get(end..).unwrap_or_default());
        self.make_string(&replaced)
    }

    fn split_at_matches(&mut self) -> Outcome {
        let regex = compiled(self.str(1))?;
        let text = self.str(0).to_owned();
        self.list_of(regex.split(&text))
    }
}
