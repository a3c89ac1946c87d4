//! Those who start the instance, send to it, and interfere: each in a process of its own, which tries until it has an answer.

use super::process::{PAUSE, Process};
use super::{MAIN, World};
use flow_engine::{Engine, EngineError, Platform, Run};
use flow_machine::event::Message;
use flow_store::StoreError;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Starts the instance, where workers run it.
pub(super) async fn starts(world: Arc<World>) {
    if !world.weather().are_workers {
        return;
    }
    let process = Process::open(&world).await;
    loop {
        match process.engine.start(&world.program, "main", world.input_image(), MAIN).await {
            Ok(_) | Err(EngineError::Store(StoreError::NameTaken { .. })) => break,
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
    process.stop().await;
}

/// Asks for it once more when it has ended: the answer is how it ended, and nothing is started.
pub(super) async fn asks_again(world: &Arc<World>) -> Result<(), String> {
    let process = Process::open(world).await;
    let run = until_it_answers(async || {
        process.engine.run_or_continue(&world.program, "main", world.input_image(), MAIN).await
    });
    let run = run.await;
    let start = until_it_answers(async || {
        process.engine.start(&world.program, "main", world.input_image(), MAIN).await
    });
    let start = start.await;
    process.stop().await;
    let ended = world.database().find(MAIN).map(|row| (row.id, row.status, row.output.clone()));
    match (&run, &start) {
        (Ok(Run::Ended(outcome)), Err(EngineError::Store(StoreError::NameTaken { .. })))
            if ended == Some((outcome.instance, outcome.status, outcome.output.clone())) =>
        {
            Ok(())
        }
        _ => Err(format!("asked for again it gives {run:?}, started again {start:?}")),
    }
}

/// Asks again while the store can't be reached, or has taken us for dead.
async fn until_it_answers<T>(ask: impl AsyncFn() -> Result<T, EngineError>) -> Result<T, EngineError> {
    loop {
        match ask().await {
            Err(EngineError::Store(StoreError::Unavailable { .. } | StoreError::LeaseLost { .. })) => {
                tokio::time::sleep(PAUSE).await;
            }
            answer => return answer,
        }
    }
}

/// Sends a message at a time; perhaps twice.
pub(super) async fn sends(world: Arc<World>, at: i64, message: Message) {
    let wait = u64::try_from(at - world.now()).unwrap_or(0);
    tokio::time::sleep(Duration::from_nanos(wait)).await;
    let request = world.new_id();
    deliver(&world, MAIN, &message, request).await;
    let again = world.weather().echo(world.now());
    if let Some(later) = again {
        tokio::time::sleep(later).await;
        deliver(&world, MAIN, &message, request).await;
    }
}

/// Helps one that only an operator can help.
pub(super) async fn helps(world: Arc<World>, name: String, message: Message) {
    let request = world.new_id();
    deliver(&world, &name, &message, request).await;
}

async fn deliver(world: &Arc<World>, name: &str, message: &Message, request: Uuid) {
    let process = Process::open(world).await;
    loop {
        match tell(&process.engine, name, message, request).await {
            Ok(()) | Err(EngineError::Ended { .. }) => break,
            Err(EngineError::Store(StoreError::Refused { .. })) => break,
            // It is not there yet, or the store can't be reached.
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
    process.stop().await;
}

async fn tell(engine: &Engine, name: &str, message: &Message, request: Uuid) -> Result<(), EngineError> {
    match message {
        Message::Signal { name: signal, value } => {
            engine.signal(name, signal, value.clone(), request).await.map(|_| ())
        }
        Message::Update { name: update, args } => {
            engine.update(name, update, args.clone(), request).await?;
            // Whoever asked gets an answer, or hears that there will be none.
            engine.reply(name, request).await.map(|_| ())
        }
        Message::Pause => engine.pause(name).await.map(|_| ()),
        message => engine.send(name, message).await.map(|_| ()),
    }
}
