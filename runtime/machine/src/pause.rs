//! A pause: an operator stops an instance and lets it go on later.
//!
//! While it is paused no code of it runs and no new attempt is made. All else goes on: attempts that run end, deadlines
//! pass, messages come, and each is decided and recorded at its time, as if the instance were only slow to go on.

use crate::call::AFTER_THE_PAUSE;
use crate::event::Action;
use crate::history::HistoryEvent;
use crate::ids::StrandPath;
use crate::instance::{Context, Instance, LiveStrand, Resumption};
use crate::meta::{Call, Wait};
use crate::rows::Status;
use crate::run::store;

/// An attempt that is due sooner than this after a pause begins is still made, since it may have begun before the pause is
/// recorded.
const TOO_SOON_TO_WITHDRAW: i64 = 10_000_000_000;

impl Instance {
    /// Stops. What waits to be tried again waits for the end of the pause.
    pub(crate) fn pause(&mut self) {
        if !matches!(self.row.status, Status::Running | Status::Stuck) {
            return;
        }
        self.record(HistoryEvent::Paused);
        self.set_status(Status::Paused);
        let soon = self.clock.plus(TOO_SOON_TO_WITHDRAW);
        for path in self.open_calls_where(|call| call.not_before.is_some_and(|start| start > soon)) {
            let Some(Wait::Call(call)) = self.strands.get_mut(&path).map(|strand| &mut strand.meta.wait)
            else {
                continue;
            };
            call.not_before = Some(AFTER_THE_PAUSE);
            let key = call.key;
            self.act(Action::Withdraw { key });
            self.touch(&path);
        }
    }

    /// Goes on: strands that had something to do run in the order in which they got it.
    pub(crate) fn unpause(&mut self, context: Context<'_>) {
        if self.row.status != Status::Paused {
            return;
        }
        self.record(HistoryEvent::Unpaused);
        self.set_status(if self.stuck().is_empty() { Status::Running } else { Status::Stuck });
        for path in self.open_calls_where(|call| call.not_before == Some(AFTER_THE_PAUSE)) {
            self.request_again(context, &path);
        }
        let mut held: Vec<(i64, StrandPath)> = Vec::new();
        for (path, strand) in &self.strands {
            if let Wait::Held { turn, .. } = &strand.meta.wait {
                held.push((*turn, path.clone()));
            }
        }
        held.sort();
        let begins = self.strands.get(&StrandPath::main()).is_some_and(LiveStrand::has_not_begun);
        if !begins {
            self.run_kept_updates(context);
        }
        self.counters.turn = 0;
        for (_, path) in held {
            let Some(strand) = self.strands.get_mut(&path) else { continue };
            let Wait::Held { outcome, call, .. } = std::mem::replace(&mut strand.meta.wait, Wait::Ready)
            else {
                continue;
            };
            self.make_ready(&path, Resumption::Stored(outcome));
            if let Some(strand) = self.strands.get_mut(&path) {
                strand.failed_call = call;
            }
        }
        if begins {
            self.begin_with_updates(context);
        }
    }

    /// Makes the first step, and then the updates that came before it: they may read what it writes.
    pub(crate) fn begin_with_updates(&mut self, context: Context<'_>) {
        self.run(context);
        self.run_kept_updates(context);
    }

    /// A strand that would run waits for the end of the pause.
    pub(crate) fn hold(&mut self, context: Context<'_>, path: &StrandPath, resumption: &Resumption) {
        self.counters.turn += 1;
        let turn = self.counters.turn;
        let Some(strand) = self.strands.get_mut(path) else { return };
        let Some(code) = &strand.code else { return };
        let (outcome, call) = (store(context, code, resumption), strand.failed_call.take());
        self.wait(path, Wait::Held { turn, outcome, call });
    }

    /// The strands that wait for such calls, by path.
    fn open_calls_where(&self, wanted: impl Fn(&Call) -> bool) -> Vec<StrandPath> {
        let is_wanted = |wait: &Wait| matches!(wait, Wait::Call(call) if wanted(call));
        let waiting = self.strands.iter().filter(|(_, strand)| is_wanted(&strand.meta.wait));
        waiting.map(|(path, _)| path.clone()).collect()
    }
}
