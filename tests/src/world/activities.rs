//! What activities do in the simulated world. They reach it through `http.post("ACTIVITY", json: […])`, or, in the transaction of
//! their step, through `sql.execute("ACTIVITY {…}")`.

use super::World;
use super::client::Client;
use super::database::Database;
use crate::simulation::ended::call;
use crate::simulation::script::outcome;
use crate::simulation::{Answer, Attempt};
use async_trait::async_trait;
use flow_activity::Pulse;
use flow_activity::connector::{self, Connectors, Failure};
use flow_machine::event::Message;
use flow_machine::ids::CallKey;
use flow_mir::Program;
use serde_json::Value;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

/// What answers them.
pub(super) type Script = Box<dyn FnMut(&Attempt) -> Answer + Send>;

/// All that was done.
pub(super) struct Activities {
    script: Script,
    program: Arc<Program>,
    /// Calls that happened, once each, in the order of their first effect.
    pub(super) effects: Vec<(CallKey, String)>,
    /// How often each was attempted.
    tries: BTreeMap<CallKey, u32>,
}

impl Activities {
    pub(super) fn new(program: Arc<Program>, script: Script) -> Activities {
        Activities { script, program, effects: Vec::new(), tries: BTreeMap::new() }
    }

    /// How many attempts were made.
    pub(super) fn attempts(&self) -> usize {
        self.tries.values().map(|tries| *tries as usize).sum()
    }

    /// An attempt reaches the world.
    pub(super) fn happens(
        &mut self,
        database: &mut Database,
        name: &str,
        args: &[Value],
        key: CallKey,
    ) -> Answer {
        let tries = self.tries.entry(key).or_default();
        *tries += 1;
        let declared = self.program.activities.values().find(|known| known.name == name);
        let params = declared.map(|activity| activity.params.as_slice()).unwrap_or_default();
        let named = params.iter().map(|param| param.name.clone()).zip(args.iter().cloned()).collect();
        let attempt = Attempt { activity: name.to_owned(), args: Value::Object(named), attempt: *tries, key };
        database.trace.attempt(key, name, args);
        let script = &mut self.script;
        let answer = std::panic::catch_unwind(AssertUnwindSafe(|| script(&attempt)));
        let answer = answer.unwrap_or_else(|_| {
            database.breaks(format!("the world makes nothing of {attempt:?}"));
            Answer::Never
        });
        if is_done(&answer) && self.effects.iter().all(|(known, _)| *known != key) {
            self.effects.push((key, call(name, args)));
        }
        answer
    }

    /// An answer as a worker would report it that got it twice.
    fn report(&self, name: &str, key: CallKey, attempt: u32, answer: &Answer) -> Option<Message> {
        let activity = self.program.activities.values().find(|known| known.name == name)?;
        let outcome = outcome(&self.program, activity.returns, &activity.fails, answer)?;
        Some(Message::CallEnded { key: key.to_string(), attempt, outcome })
    }
}

/// Whether it is done where this is answered.
fn is_done(answer: &Answer) -> bool {
    match answer {
        Answer::Returns(_) | Answer::Unknown | Answer::Never => true,
        Answer::Fails(_) | Answer::Refused | Answer::NotSent => false,
        Answer::After(_, answer) | Answer::Once(_, answer) => is_done(answer),
    }
}

/// The connectors of one process.
pub(super) struct Reach(pub(super) Arc<Client>);

impl World {
    async fn is_late(&self) {
        let late = self.weather().lateness(self.now());
        tokio::time::sleep(late).await;
    }
}

#[async_trait]
impl Connectors for Reach {
    async fn perform(
        &self,
        _: &str,
        args: &[Value],
        key: CallKey,
        _: &Pulse,
    ) -> Result<connector::Answer, Failure> {
        let (client, world) = (&self.0, &self.0.world);
        let name = args.first().and_then(Value::as_str).unwrap_or_default().to_owned();
        let body = args.get(1).and_then(Value::as_object);
        let args: Vec<Value> = body.map(|body| body.values().cloned().collect()).unwrap_or_default();
        // What is still on its way when its process dies is not judged.
        client.is_there().await;
        let instance = world.database().attempts(client.worker, key, &name, world.now());
        world.is_late().await;
        client.reach().await;
        let mut answer = world.activities().happens(&mut world.database(), &name, &args, key);
        world.is_late().await;
        while let Answer::After(nanos, inner) = answer {
            tokio::time::sleep(Duration::from_nanos(nanos.unsigned_abs())).await;
            answer = *inner;
        }
        if let (Some(instance), Answer::Returns(_)) = (instance, &answer) {
            world.echo(instance, world.activities().report(&name, key, 1, &answer));
        }
        client.reach().await;
        if world.weather().loses_answer(world.now()) {
            return Err(Failure::unknown("the answer was lost"));
        }
        match answer {
            Answer::Returns(json) => Ok(connector::Answer::Json(json)),
            Answer::Fails(error) => {
                Err(Failure::Answered { reason: "it was refused".into(), error: Some(error) })
            }
            Answer::Refused => Err(Failure::refused("it was refused")),
            Answer::NotSent => Err(Failure::not_sent("nobody was there")),
            Answer::Unknown => Err(Failure::unknown("no answer")),
            Answer::After(..) | Answer::Once(..) | Answer::Never => std::future::pending().await,
        }
    }
}
