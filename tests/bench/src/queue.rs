//! Signals that queue up: what one more costs when many wait already, and what a receive costs with many behind it.

use crate::Bench;
use serde_json::{Value, json};
use std::time::Instant;
use uuid::Uuid;

/// Sends `n` signals to an instance that does not receive yet, then lets it receive them, a step for each.
pub(crate) async fn queue(bench: &Bench, n: usize) -> Result<(), String> {
    let (id, name) = bench.start("queue", json!({ "n": n }), "queue").await?;
    let tenth = (n / 10).max(1);
    let mut began = Instant::now();
    for number in 1..=n {
        send(bench, &name, "item", json!(number)).await?;
        if number == tenth {
            println!("queue first-tenth-sent {:.0} ms", began.elapsed().as_secs_f64() * 1e3);
        }
        if number == n - tenth {
            began = Instant::now();
        }
    }
    println!("queue last-tenth-sent {:.0} ms", began.elapsed().as_secs_f64() * 1e3);
    send(bench, &name, "go", Value::Null).await?;
    let outcome = bench.engine.outcome(id).await.map_err(|e| e.to_string())?;
    let output = bench.engine.output(&outcome).await.map_err(|e| e.to_string())?;
    let output = output.ok_or_else(|| format!("{:?}: {:?}", outcome.status, outcome.error))?;
    println!("queue received {output} (a tenth of {n} messages each, a step for each)");
    Ok(())
}

async fn send(bench: &Bench, name: &str, signal: &str, value: Value) -> Result<(), String> {
    let sent = bench.engine.signal(name, signal, value, Uuid::new_v4()).await;
    sent.map(drop).map_err(|e| e.to_string())
}
