//! A running instance on stderr: moving lines in a terminal, plain ones elsewhere.

use crate::show_time::{duration, local};
use flow_engine::{EngineEvent, Notice};
use flow_machine::history::HistoryEvent;
use flow_machine::ids::{StrandPath, Timestamp};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;
use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

/// A fork with more branches than this is shown as one line that counts.
const MOST_BRANCHES: usize = 20;
/// A longer value is cut.
const LONGEST_VALUE: usize = 80;

/// What an instance is doing, as its events come in.
pub(crate) struct Live {
    bars: MultiProgress,
    terminal: bool,
    quiet: bool,
    began: Option<Timestamp>,
    /// The id of the instance that is run; the others are its children, and what it detached.
    root: Option<Arc<str>>,
    /// Before what the instance says whose event is shown: nothing for the root.
    label: String,
    /// Open calls and sleeps by key, with the time they began.
    open: HashMap<String, Open>,
    /// Strands whose branches are only counted, with how many have ended and how many there are.
    bulk: HashMap<(String, StrandPath), (ProgressBar, u64)>,
    progress: Option<ProgressBar>,
}

struct Open {
    bar: ProgressBar,
    began: Timestamp,
}

impl Live {
    /// `quiet`: notices only.
    pub(crate) fn new(quiet: bool) -> Live {
        let terminal =
            std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let target =
            if terminal && !quiet { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Live {
            bars: MultiProgress::with_draw_target(target),
            terminal,
            quiet,
            began: None,
            root: None,
            label: String::new(),
            open: HashMap::new(),
            bulk: HashMap::new(),
            progress: None,
        }
    }

    /// Shows one event.
    pub(crate) fn show(&mut self, event: &EngineEvent) {
        match event {
            EngineEvent::Committed { at, event, name, .. } if !self.quiet => {
                let root = self.root.get_or_insert_with(|| name.clone());
                self.label = label(root, name);
                self.history(*at, event);
            }
            EngineEvent::Notice(notice) => self.notice(notice),
            _ => {}
        }
    }

    /// Takes the moving lines off the screen.
    pub(crate) fn finish(&mut self) {
        self.open.clear();
        self.bulk.clear();
        let _ = self.bars.clear();
    }

    fn notice(&self, notice: &Notice) {
        self.print(&format!("note: {notice}"));
    }

    fn print(&self, line: &str) {
        if self.terminal && !self.quiet {
            // A terminal that has gone is no reason to stop the work.
            let _ = self.bars.println(line);
        } else {
            eprintln!("{line}");
        }
    }

    /// One line: when, in which branch, what.
    fn line(&self, at: Timestamp, strand: Option<&StrandPath>, mark: &str, text: &str) {
        if strand.is_some_and(|strand| self.in_bulk(strand)) {
            return;
        }
        let began = self.began.unwrap_or(at);
        let seconds = at.0.saturating_sub(began.0).max(0) as f64 / 1e9;
        let branch = strand.map(branch_label).unwrap_or_default();
        self.print(&format!("{seconds:>9.3}s {mark} {}{branch}{text}", self.label));
    }

    fn in_bulk(&self, strand: &StrandPath) -> bool {
        let around = |bulk: &StrandPath| strand != bulk && strand.0.starts_with(&format!("{bulk}."));
        self.bulk.keys().any(|(label, bulk)| *label == self.label && around(bulk))
    }

    fn history(&mut self, at: Timestamp, event: &HistoryEvent) {
        self.began.get_or_insert(at);
        match event {
            HistoryEvent::Started { workflow, input } => {
                self.line(at, None, "▸", &format!("{workflow} {}", brief(input)))
            }
            HistoryEvent::Recovered => self.line(at, None, "▸", "goes on after its process ended"),
            HistoryEvent::CallRequested { strand, activity, key, args, line } => {
                self.opened(at, strand, key, &format!("{activity}{}", arguments(args)), line);
            }
            HistoryEvent::CallRetried { strand, activity, attempt, reason, next, .. } => {
                let pause = duration(next.0.saturating_sub(at.0));
                self.line(
                    at,
                    Some(strand),
                    "↻",
                    &format!("{activity}, attempt {attempt}: {reason}; again in {pause}"),
                );
            }
            HistoryEvent::CallCompleted { strand, activity, key, output, .. } => {
                let took = self.closed(at, key);
                self.line(at, Some(strand), "✓", &format!("{activity} → {} ({took})", brief(output)));
            }
            HistoryEvent::CallFailed { strand, activity, key, error, unknown, .. } => {
                let took = self.closed(at, key);
                let what = if *unknown { "ended unknown" } else { "failed" };
                self.line(at, Some(strand), "✗", &format!("{activity} {what}: {error} ({took})"));
            }
            HistoryEvent::Sleeping { strand, until, line } => {
                self.opened(
                    at,
                    strand,
                    &self.sleep_key(strand),
                    &format!("sleeps until {}", local(*until)),
                    line,
                );
            }
            HistoryEvent::Woke { strand } => {
                let took = self.closed(at, &self.sleep_key(strand));
                self.line(at, Some(strand), "✓", &format!("slept {took}"));
            }
            HistoryEvent::Waiting { strand, what, line } => self.opened(at, strand, &strand.0, what, line),
            other => self.message(at, other),
        }
    }

    /// What comes from outside, and who gets it.
    fn message(&mut self, at: Timestamp, event: &HistoryEvent) {
        match event {
            HistoryEvent::Signalled { signal, value } => {
                self.line(at, None, "✉", &format!("{signal} {}", brief(value)));
            }
            HistoryEvent::Received { strand, signal } => {
                self.closed(at, &strand.0);
                self.line(at, Some(strand), "✓", &format!("received {signal}"));
            }
            HistoryEvent::ConditionMet { strand } => {
                self.closed(at, &strand.0);
                self.line(at, Some(strand), "✓", "what it waited for holds");
            }
            HistoryEvent::Updated { update, args, output } => {
                self.line(at, None, "✉", &format!("{update}{} → {}", arguments(args), brief(output)));
            }
            HistoryEvent::UpdateFailed { update, args, error } => {
                self.line(at, None, "✉", &format!("{update}{} failed: {error}", arguments(args)));
            }
            HistoryEvent::Undelivered { message, reason } => {
                self.line(at, None, "✉", &format!("{message} not delivered: {reason}"));
            }
            other => self.structure(at, other),
        }
    }

    /// Forks, sagas, and the rest that is not a call.
    fn structure(&mut self, at: Timestamp, event: &HistoryEvent) {
        match event {
            HistoryEvent::Forked { strand, construct, branches, .. } => {
                self.line(at, Some(strand), "⑃", &format!("{construct}, {branches} branches"));
                if *branches > MOST_BRANCHES {
                    let bar = self.counting_bar(*branches as u64, construct);
                    self.bulk.insert((self.label.clone(), strand.clone()), (bar, 0));
                }
            }
            HistoryEvent::BranchEnded { strand, error } => self.branch_ended(at, strand, error.as_deref()),
            HistoryEvent::Joined { strand, winner } => {
                if let Some((bar, _)) = self.bulk.remove(&(self.label.clone(), strand.clone())) {
                    bar.finish_and_clear();
                }
                let text = winner.map_or("joined".to_owned(), |winner| format!("won by arm {}", winner + 1));
                self.line(at, Some(strand), "⑂", &text);
            }
            HistoryEvent::Spawned { strand, spawned } => {
                self.line(at, Some(strand), "⑃", &format!("spawned {}", branch_label(spawned).trim_end()));
            }
            HistoryEvent::ChildStarted { strand, child, .. } => {
                self.line(at, Some(strand), "▸", &format!("child {child}"));
            }
            HistoryEvent::ChildEnded { strand, child, error } => {
                let (mark, how) = match error {
                    None => ("✓", "completed".to_owned()),
                    Some(error) => ("✗", format!("failed: {error}")),
                };
                self.line(at, Some(strand), mark, &format!("child {child} {how}"));
            }
            HistoryEvent::Detached { strand, instance, .. } => {
                self.line(at, Some(strand), "▸", &format!("detached {instance}"));
            }
            HistoryEvent::Told { strand, instance, signal, .. } => {
                self.line(at, Some(strand), "→", &format!("{signal} to {instance}"));
            }
            HistoryEvent::Asked { strand, instance, question, .. } => {
                self.line(at, Some(strand), "→", &format!("{question} of {instance}"));
            }
            HistoryEvent::Replied { strand, instance, error, .. } => match error {
                None => self.line(at, Some(strand), "←", &format!("{instance} has answered")),
                Some(error) => self.line(at, Some(strand), "✗", &format!("{instance}: {error}")),
            },
            HistoryEvent::RequestRefused { strand, instance, reason } => {
                self.line(at, Some(strand), "✗", &format!("{instance}: {reason}"));
            }
            HistoryEvent::TimedOut { strand } => self.line(at, Some(strand), "⏱", "timed out"),
            HistoryEvent::Compensating { strand, count, error } => {
                self.line(at, Some(strand), "↶", &format!("{error}: undoing {count}"));
            }
            HistoryEvent::CompensationStuck { compensation, error } => {
                self.line(at, Some(compensation), "✗", &format!("stuck: {error}"));
            }
            HistoryEvent::Skipped { compensation } => self.line(at, Some(compensation), "▸", "skipped"),
            HistoryEvent::Resumed => self.line(at, None, "▸", "resumed"),
            HistoryEvent::CancelRequested => self.line(at, None, "▸", "cancel requested"),
            HistoryEvent::Logged { strand, level, message, fields } => {
                let mut text = if level == "info" { message.clone() } else { format!("{level}: {message}") };
                text.extend(fields.iter().map(|(name, value)| format!("  {name}={value}")));
                self.line(at, Some(strand), "·", &text);
            }
            HistoryEvent::Progress { done, total } => self.progressed(at, *done, *total),
            HistoryEvent::Ended { status, .. } => self.line(at, None, "■", status.as_str()),
            _ => {}
        }
    }

    fn branch_ended(&mut self, at: Timestamp, strand: &StrandPath, error: Option<&str>) {
        let mut bulk = self.bulk.iter_mut();
        let parent =
            bulk.find(|((label, bulk), _)| *label == self.label && strand.0.starts_with(&format!("{bulk}.")));
        if let Some((_, (bar, ended))) = parent {
            *ended += 1;
            bar.set_position(*ended);
        }
        if let Some(error) = error {
            self.line(at, Some(strand), "✗", &format!("branch failed: {error}"));
        }
    }

    fn sleep_key(&self, strand: &StrandPath) -> String {
        format!("{}{strand}", self.label)
    }

    fn opened(&mut self, at: Timestamp, strand: &StrandPath, key: &str, text: &str, line: &str) {
        if self.in_bulk(strand) {
            return;
        }
        if !self.terminal {
            self.line(at, Some(strand), "…", &format!("{text}  {line}"));
        }
        let bar = self.bars.add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{elapsed:>9} {spinner} {msg}") {
            bar.set_style(style);
        }
        bar.set_message(format!("{}{}{text}  {line}", self.label, branch_label(strand)));
        if self.terminal {
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        self.open.insert(key.to_owned(), Open { bar, began: at });
    }

    /// How long it took.
    fn closed(&mut self, at: Timestamp, key: &str) -> String {
        match self.open.remove(key) {
            Some(open) => {
                open.bar.finish_and_clear();
                duration(at.0.saturating_sub(open.began.0))
            }
            None => "?".into(),
        }
    }

    fn progressed(&mut self, at: Timestamp, done: i64, total: Option<i64>) {
        if !self.terminal {
            let total = total.map_or(String::new(), |total| format!(" of {total}"));
            return self.line(at, None, "·", &format!("progress: {done}{total}"));
        }
        let length = total.unwrap_or(done).max(done).max(0) as u64;
        if self.progress.is_none() {
            self.progress = Some(self.counting_bar(length, "progress"));
        }
        if let Some(bar) = &self.progress {
            bar.set_length(length);
            bar.set_position(done.max(0) as u64);
        }
    }

    fn counting_bar(&self, length: u64, name: &str) -> ProgressBar {
        let bar = self.bars.add(ProgressBar::new(length));
        if let Ok(style) = ProgressStyle::with_template("{elapsed:>9}   {msg} {bar:30} {pos}/{len}") {
            bar.set_style(style);
        }
        bar.set_message(name.to_owned());
        bar
    }
}

/// `ship-1: ` for a child of the instance that is run, `cart-7: ` for one that it detached.
fn label(root: &str, name: &str) -> String {
    match name.strip_prefix(root) {
        Some("") => String::new(),
        Some(below) if below.starts_with('/') => format!("{}: ", below.trim_start_matches('/')),
        _ => format!("{name}: "),
    }
}

/// `[2.3] ` for a branch, `[undo 1] ` for a compensation, nothing for the main strand.
fn branch_label(strand: &StrandPath) -> String {
    let path = strand.0.strip_prefix('0').unwrap_or(&strand.0);
    match path.rsplit_once('~') {
        Some((_, number)) => format!("[undo {number}] "),
        None if path.is_empty() => String::new(),
        None => format!("[{}] ", path.trim_start_matches('.')),
    }
}

/// JSON on one line, cut where it is long.
fn brief(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// `("a", 12.50)` from the arguments by name.
fn arguments(args: &Value) -> String {
    match args {
        Value::Object(fields) => {
            format!("({})", fields.values().map(brief).collect::<Vec<_>>().join(", "))
        }
        other => format!("({})", brief(other)),
    }
}
