//! `race`: how it begins, and what its winner gives. An arm that is an expression is a strand; one that waits for a
//! deadline, a message or a condition is none.

use crate::fork::take;
use crate::ids::StrandPath;
use crate::instance::{Context, Instance};
use crate::meta::{Awaited, Closing, Fork, ForkKind};
use crate::run::Suspended;
use crate::values;
use flow_mir::{RaceArm, Type};

impl Instance {
    /// A strand suspends on `race`: what is there already wins at once, and nothing else of it begins.
    pub(crate) fn begin_race(
        &mut self,
        context: Context<'_>,
        suspended: &Suspended<'_>,
        number: u32,
        arms: &[RaceArm],
    ) -> Result<(), String> {
        let (mut timers, mut waits, mut heads) = (Vec::new(), Vec::new(), Vec::new());
        let mut operands = suspended.operands;
        for (index, arm) in (0u32..).zip(arms) {
            match arm {
                RaceArm::Strand(branch) => {
                    heads.push((index, branch.function, take(&mut operands, branch.captures.len())))
                }
                RaceArm::After(_) => {
                    let nanos = take(&mut operands, 1).first().copied().unwrap_or(0).cast_signed();
                    timers.push((index, nanos));
                }
                RaceArm::Receive { signal } => waits.push((index, Awaited::Signal(*signal))),
                RaceArm::WaitUntil { condition, .. } => {
                    let captured = take(&mut operands, condition.captures.len());
                    let captures = self.condition_captures(context, suspended.path, condition, captured)?;
                    waits.push((index, Awaited::Condition(captures)));
                }
            }
        }
        let at_once =
            |(arm, awaited): &(u32, Awaited)| self.won_at_once(context, suspended.path, arms, *arm, awaited);
        let won = waits.iter().find_map(at_once);
        if won.is_some() {
            // Nothing else of the race begins.
            let kind = ForkKind::Race { timers: Vec::new(), waits: Vec::new(), ticket: 0 };
            self.forked(suspended, "race", arms.len(), Fork { number, kind, closing: won, first: None });
            return Ok(());
        }
        let timers = timers
            .into_iter()
            .map(|(index, nanos)| (index, self.open_timer(suspended.path, self.clock.plus(nanos.max(0)))));
        let timers = timers.collect();
        let ticket = if waits.is_empty() { 0 } else { self.next_ticket() };
        let kind = ForkKind::Race { timers, waits, ticket };
        self.forked(suspended, "race", arms.len(), Fork { number, kind, closing: None, first: None });
        self.note_wait(suspended.path);
        for (index, function, captures) in heads {
            self.start_branch(context, suspended.path, number, index, function, captures)?;
        }
        Ok(())
    }

    /// How a race ends at once, where what this arm waits for is there already.
    fn won_at_once(
        &mut self,
        context: Context<'_>,
        path: &StrandPath,
        arms: &[RaceArm],
        arm: u32,
        awaited: &Awaited,
    ) -> Option<Closing> {
        match (arms.get(arm as usize)?, awaited) {
            (_, Awaited::Signal(signal)) => {
                let value = self.take_for_race(context, path, *signal)?;
                Some(Closing::Won { arm, value: Some(value) })
            }
            (RaceArm::WaitUntil { condition, .. }, Awaited::Condition(captures)) => {
                match self.holds(context, path, condition.function, captures) {
                    Ok(value) => value.map(|value| Closing::Won { arm, value: Some(value) }),
                    Err(error) => Some(Closing::Failed(error)),
                }
            }
            _ => None,
        }
    }

    /// The winner's arm and value, as a case of the race's own enum.
    pub(crate) fn race_value(
        &mut self,
        context: Context<'_>,
        path: &StrandPath,
        arm: u32,
        value: Option<&[u8]>,
    ) -> Result<u64, String> {
        let program = context.program;
        let ty = self.awaited(context, path)?;
        let Some(Type::Enum { cases, .. }) = program.types.get(ty) else {
            return Err("a race awaits no enum".into());
        };
        let field = cases.get(arm as usize).and_then(|case| case.fields.first()).map(|field| field.ty);
        let heap = self.heap_mut(path).ok_or("the strand has no heap")?;
        let fields = match (field, value) {
            (Some(field), Some(image)) => values::absorb(program, &[field], image, heap)?,
            _ => Vec::new(),
        };
        heap.make_case(&program.types, ty, arm, &fields)
            .map_err(|_| "the result does not fit into memory".into())
    }
}
