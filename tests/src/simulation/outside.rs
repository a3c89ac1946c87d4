//! What comes from outside a tree: messages, and what other trees ask.

use super::Simulation;
use super::faults::Crash;
use crate::trace::Gate;
use flow_machine::event::{Answered, Ask, Event, Message, Reply, Wish};
use flow_machine::ids::{CallKey, InstanceId, Timestamp};
use flow_machine::rows::{Changes, InstanceRow};
use flow_machine::{Answer, NewInstance, Tree};
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
        let found = self.store.find(&request.to).cloned();
        // Without one it comes later.
        let answer = match (&request.wish, found) {
            (_, Some(row)) if row.workflow != request.workflow => {
                Some(Err(request.is_of_another(&row.workflow)))
            }
            (Wish::Tell { .. } | Wish::Ask { .. }, None) => Some(Err("there is no such instance".into())),
            (Wish::Tell { .. } | Wish::Ask { update: true, .. }, Some(_))
                if self.forgets && self.store.has_accepted(Uuid::from_bytes(request.key.0)) =>
            {
                Some(Ok(Answered::Forgotten { reason: "it is long ago".into() }))
            }
            (Wish::Tell { .. }, Some(row)) => {
                let message = request.message().expect("the message is JSON");
                Some(self.accept_request(request.key, row.id, message).map(|()| Answered::Done))
            }
            (Wish::Ask { update: false, name, args, .. }, Some(row)) => Some(self.query(&row, name, args)),
            (Wish::Ask { name, args, .. }, Some(row)) => {
                let args = serde_json::from_slice(args).expect("arguments are JSON");
                let message = Message::Update { name: name.clone(), args };
                let accepted = self.accept_request(request.key, row.id, message);
                self.asking.extend(accepted.is_ok().then_some((ask.instance, request.key, row.id)));
                accepted.err().map(Err)
            }
            (Wish::Start { .. }, Some(_)) => Some(Ok(Answered::Done)),
            (Wish::Start { id, input }, None) => {
                if !self.start_detached(*id, &request.to, &request.workflow, input) {
                    return false;
                }
                Some(Ok(Answered::Done))
            }
        };
        self.attempts += 1;
        if self.is_lost_at(Crash::AfterEffect(self.attempts)) {
            return false;
        }
        self.answers.extend(answer.map(|answer| (ask.instance, request.key, answer)));
        true
    }

    /// Puts what is asked into the other's inbox, once.
    fn accept_request(&mut self, key: CallKey, to: InstanceId, message: Message) -> Result<(), String> {
        let id = Uuid::from_bytes(key.0);
        let accepted = self.store.accept(id, to, self.now, self.now, message.clone());
        if let (Some(mirror), Ok(())) = (&self.mirror, &accepted) {
            mirror.send(id, to, &message);
        }
        accepted
    }

    /// Answers a query of what was committed last.
    fn query(&self, row: &InstanceRow, name: &str, args: &[u8]) -> Result<Answered, String> {
        let args = serde_json::from_slice(args).expect("arguments are JSON");
        let answer = flow_machine::query(self.executor.as_ref(), row, name, &args, &Limits::default());
        Ok(Answered::Reply(match answer.map_err(|_| "it can't be asked that")? {
            Answer::Returned(value) => Reply::Returned { value },
            Answer::Failed(error) => Reply::Failed { error: *error },
        }))
    }

    /// What those who wait for the answer to an update hear by now.
    pub(super) fn hear_answers(&mut self) {
        for (asker, key, of) in std::mem::take(&mut self.asking) {
            let request = Uuid::from_bytes(key.0);
            let waits = self.store.inbox.iter().any(|letter| letter.id == request);
            let reply = self.store.replies.iter().find(|reply| reply.id == request);
            let has_ended = self.store.row(of).is_none_or(|row| row.status.is_final());
            match reply {
                Some(reply) => {
                    let reply = serde_json::from_slice(&reply.reply).expect("a reply is JSON");
                    self.answers.push_back((asker, key, Ok(Answered::Reply(reply))));
                }
                None if has_ended && !waits => {
                    self.answers.push_back((asker, key, Err("it has ended".into())))
                }
                None => self.asking.push((asker, key, of)),
            }
        }
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
