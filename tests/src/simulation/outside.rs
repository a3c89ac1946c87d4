//! What comes from outside a tree: messages, and what other trees ask.

use super::Simulation;
use super::faults::Crash;
use crate::trace::Gate;
use flow_machine::event::{Answered, Ask, Event, Message, Wish};
use flow_machine::ids::{InstanceId, Timestamp};
use flow_machine::rows::Changes;
use flow_machine::{NewInstance, Tree};
use flow_mir::Limits;
use uuid::Uuid;

/// What an operator or another program does.
#[derive(Clone, Debug)]
pub enum Outside {
    /// Sends a message at this time.
    Send(i64, Message),
    /// Sends it once the gate is open, and what comes before it is sent.
    Once(Gate, Message),
}

/// How often those who wait for an end try something harder.
const PATIENCE: usize = 60;

impl Simulation<'_> {
    /// Accepts what was sent up to now.
    pub(super) fn accept_what_came(&mut self) {
        while let Some(at) = self.next_sent().filter(|at| *at <= self.now)
            && let Some((id, Outside::Send(_, message) | Outside::Once(_, message))) =
                self.outside.pop_front()
        {
            self.send(id, self.main, at, message);
        }
    }

    /// When the next message comes.
    pub(super) fn next_sent(&self) -> Option<i64> {
        match &self.outside.front()?.1 {
            Outside::Send(at, _) => Some(*at),
            Outside::Once(gate, _) => gate.is_open(&self.trace).then_some(self.now),
        }
    }

    /// Puts a message into the inbox, and perhaps again; refused where there is nobody for it.
    pub(super) fn send(&mut self, id: Uuid, to: InstanceId, at: i64, message: Message) {
        let read = at + self.faults.unread_for();
        for _ in 0..=usize::from(self.faults.echo().is_some()) {
            let accepted = self.store.accept(id, to, at, read, message.clone());
            if let (Some(mirror), Ok(())) = (&self.mirror, accepted) {
                mirror.send(id, to, &message);
            }
        }
    }

    /// The oldest message that was accepted and is looked at by then, as an event; those that nobody can get any more are
    /// taken out.
    pub(super) fn read_inbox(&mut self, accepted_by: i64, read_by: i64) -> Option<(InstanceId, Event)> {
        loop {
            let mut letters = self.store.inbox.iter().filter(|letter| letter.at <= accepted_by);
            // It is read whole, whichever of them somebody was woken for.
            letters.clone().find(|letter| letter.read <= read_by)?;
            let letter = letters.next()?.clone();
            let root = self.store.row(letter.to)?.root;
            if let Some(mirror) = &self.mirror {
                mirror.reads(root, &self.store.letters(root));
            }
            if self.live.contains_key(&root) {
                return Some((letter.to, letter.event()));
            }
            self.write(root, Changes { delete_inbox: vec![letter.id], ..Changes::default() });
        }
    }

    /// Does what a strand asks of another tree. That is a commit of its own, with crashes of its own.
    pub(super) fn request(&mut self, ask: &Ask) -> bool {
        let request = &ask.request;
        let found = self.store.find(&request.to).map(|row| (row.id, row.workflow == request.workflow));
        let answer = match (&request.wish, found) {
            (_, Some((_, false))) => Err("it is of another workflow".to_owned()),
            (Wish::Tell { .. }, None) => Err("there is no such instance".to_owned()),
            (Wish::Tell { .. }, Some((to, true))) => {
                let message = request.message().expect("the message is JSON");
                let id = Uuid::from_bytes(request.key.0);
                let accepted = self.store.accept(id, to, self.now, self.now, message.clone());
                if let (Some(mirror), Ok(())) = (&self.mirror, &accepted) {
                    mirror.send(id, to, &message);
                }
                accepted
            }
            (Wish::Start { .. }, Some(_)) => Ok(()),
            (Wish::Ask { .. }, _) => Err("only a child can be asked".to_owned()),
            (Wish::Start { id, input }, None) => {
                if !self.start_detached(*id, &request.to, &request.workflow, input) {
                    return false;
                }
                Ok(())
            }
        };
        self.attempts += 1;
        if self.is_lost_at(Crash::AfterEffect(self.attempts)) {
            return false;
        }
        self.answers.push_back((ask.instance, request.key, answer.map(|()| Answered::Done)));
        true
    }

    fn start_detached(&mut self, id: InstanceId, name: &str, workflow: &str, input: &[u8]) -> bool {
        let executor = self.executor.clone();
        let found = executor.program().workflows.iter().find(|(_, known)| known.name == workflow);
        let new = NewInstance {
            id,
            root: id,
            parent: None,
            name: name.to_owned(),
            workflow: found.map(|(id, _)| id).expect("the workflow"),
            program: Simulation::PROGRAM,
            input: input.to_owned(),
        };
        let tree = Tree::start(new, &Limits::default(), executor.as_ref(), Timestamp(self.now));
        self.claim(id);
        self.commit(tree)
    }

    /// Whoever waits for an end in vain, or for long, does something about it, harder each time. False: there is nothing left
    /// to try.
    pub(super) fn lose_patience(&mut self) -> bool {
        let message = match self.nudges {
            0 => Message::Unpause,
            1 | 2 => Message::Cancel,
            3..6 => Message::Skip { compensation: None },
            6 => Message::Terminate { reason: "it does not end".into() },
            _ => return false,
        };
        self.nudges += 1;
        for root in self.store.live_roots() {
            self.nudged += 1;
            let id = Uuid::from_u128((1 << 64) + self.nudged);
            self.send(id, root, self.now, message.clone());
        }
        true
    }

    /// Whether it has gone on for longer than anybody waits.
    pub(super) fn is_endless(&self) -> bool {
        self.is_wild && self.transitions > PATIENCE * (self.nudges + 1)
    }
}
