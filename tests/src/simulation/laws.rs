//! What holds of every run, whatever went wrong: read from the rows and the history that are left.

use super::ended::Left;
use super::stored::Rows;
use flow_machine::history::HistoryEvent;
use flow_machine::ids::StrandPath;
use flow_machine::rows::Status;
use flow_mir::{HostOp, Op, Program};
use std::collections::{BTreeMap, BTreeSet};

impl Left<'_> {
    /// Panics where a law is broken.
    pub(crate) fn assert_laws(&self) {
        let ordered = !undoes_together(self.executor.program());
        let happened: BTreeSet<String> = self.effects.iter().map(|(key, _)| key.to_string()).collect();
        let mut completed = BTreeSet::new();
        for rows in self.instances.values() {
            let events = rows.events();
            assert_clean(rows, self.row(self.main).is_some_and(|row| row.status.is_final()));
            assert_one_life(rows, &events);
            assert_calls(&events, &happened, &mut completed);
            assert_compensations(rows, &events, ordered);
        }
    }
}

/// Whether any saga undoes in no order.
fn undoes_together(program: &Program) -> bool {
    let blocks = program.functions.values().flat_map(|function| function.blocks.values());
    let mut instructions = blocks.flat_map(|block| &block.instructions);
    instructions.any(|one| matches!(one.op, Op::Host { op: HostOp::SagaEnter { unordered: true }, .. }))
}

/// What has ended leaves nothing behind but its row and its history.
fn assert_clean(rows: &Rows, main_has_ended: bool) {
    let Some(row) = &rows.instance else { panic!("rows without their instance") };
    if !row.status.is_final() {
        assert!(!main_has_ended, "an instance outlives the root of its tree");
        return;
    }
    assert!(rows.strands.is_empty(), "strands are left over");
    assert!(rows.compensations.is_empty(), "compensations are left over");
    assert!(rows.timers.is_empty(), "timers are left over");
    assert!(rows.messages.is_empty(), "messages are left over");
}

/// It begins once, ends at most once, and its time does not run backwards.
fn assert_one_life(rows: &Rows, events: &[HistoryEvent]) {
    let count = |is: fn(&HistoryEvent) -> bool| events.iter().filter(|event| is(event)).count();
    assert!(matches!(events.first(), Some(HistoryEvent::Started { .. })), "history begins with the start");
    assert_eq!(count(|event| matches!(event, HistoryEvent::Started { .. })), 1, "it starts once");
    let has_ended = rows.instance.as_ref().is_some_and(|row| row.status.is_final());
    let ends = count(|event| matches!(event, HistoryEvent::Ended { .. }));
    assert_eq!(ends, usize::from(has_ended), "it ends once: {events:#?}");
    let times: Vec<i64> = rows.history.iter().map(|row| row.at.0).collect();
    assert!(times.is_sorted(), "its time runs backwards: {times:?}");
}

/// A call is completed once, after it was asked for, and only if it happened; nothing is recorded of it afterwards.
fn assert_calls(events: &[HistoryEvent], happened: &BTreeSet<String>, completed: &mut BTreeSet<String>) {
    let mut requested = BTreeSet::new();
    for event in events {
        match event {
            HistoryEvent::CallRequested { key, .. } => {
                assert!(requested.insert(key), "the call {key} is asked for twice");
            }
            HistoryEvent::CallCompleted { key, .. } => {
                assert!(requested.contains(key), "the call {key} was not asked for");
                assert!(happened.contains(key), "the call {key} did not happen");
                assert!(completed.insert(key.clone()), "the call {key} is completed twice");
            }
            HistoryEvent::CallRetried { key, .. } | HistoryEvent::CallFailed { key, .. } => {
                assert!(requested.contains(key), "the call {key} was not asked for");
                assert!(!completed.contains(key), "the call {key} fails after it was completed");
            }
            _ => {}
        }
    }
}

/// What is undone was registered, once; a saga that fails undoes all it holds, from the last to the first.
fn assert_compensations(rows: &Rows, events: &[HistoryEvent], ordered: bool) {
    let mut registered: BTreeMap<&StrandPath, usize> = BTreeMap::new();
    let mut settled = BTreeSet::new();
    let (mut owed, mut last) = (0_usize, usize::MAX);
    for (number, event) in events.iter().enumerate() {
        match event {
            HistoryEvent::CompensationRegistered { compensation, .. } => {
                assert!(
                    registered.insert(compensation, number).is_none(),
                    "{compensation} is registered twice"
                );
            }
            HistoryEvent::Compensating { count, .. } => {
                // The entries of two sagas that undo at a time come in any order.
                last = if owed == 0 { usize::MAX } else { 0 };
                owed += count;
            }
            HistoryEvent::Compensated { compensation } | HistoryEvent::Skipped { compensation } => {
                let place = registered.get(compensation).copied();
                let place = place.unwrap_or_else(|| panic!("{compensation} was never registered"));
                assert!(settled.insert(compensation), "{compensation} is undone twice");
                assert!(owed > 0, "{compensation} is undone, but no saga has failed");
                owed -= 1;
                if ordered && last != 0 {
                    assert!(place < last, "{compensation} is undone after what came before it");
                    last = place;
                }
            }
            _ => {}
        }
    }
    let status = rows.instance.as_ref().map(|row| row.status);
    if status.is_some_and(|status| status.is_final() && status != Status::Terminated) {
        assert_eq!(owed, 0, "compensations of a saga that failed did not run");
    }
}
