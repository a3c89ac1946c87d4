//! `flow worker`: runs the instances of a store until it is stopped.

use crate::exit::{Exit, Failure};
use crate::live::Live;
use crate::open::{RunArgs, block_on};
use flow_engine::{Engine, EngineError, EngineEvent, Events};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Print what happens as one JSON object a line, on stdout.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    run: RunArgs,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    block_on(async {
        let engine = args.run.engine().await?;
        let mut events = engine.events();
        eprintln!("working on {}; Ctrl-C hands over", args.run.store.url()?);
        serve(&engine, &mut events, args.json).await?;
        engine.close().await?;
        Ok(Exit::Success)
    })
}

/// Works until it is told to stop. What it is in the midst of then is dropped before the engine is closed: a claim that nobody
/// goes on with would hold the store's locks.
async fn serve(engine: &Engine, events: &mut Events, json: bool) -> Result<(), EngineError> {
    let mut live = Live::new(true);
    let (work, stop) = (engine.work(), stop_signal());
    tokio::pin!(work, stop);
    loop {
        tokio::select! {
            done = &mut work => return done,
            Some(event) = events.next() => match &event {
                EngineEvent::Committed { name, at, event, .. } if json => {
                    println!("{}", serde_json::json!({"id": name, "at": crate::show_time::rfc3339(*at), "event": event}));
                }
                other => live.show(other),
            },
            () = &mut stop => return Ok(()),
        }
    }
}

/// Ctrl-C, or SIGTERM as service managers send it.
async fn stop_signal() {
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        return;
    }
    let _ = tokio::signal::ctrl_c().await;
}
