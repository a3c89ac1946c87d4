//! A loop of many steps: what a step costs at the beginning and at the end, how large its row is, how fast it is recovered.

use crate::Bench;
use flow_engine::{Engine, HistoryEntry, Options};
use flow_machine::history::HistoryEvent;
use serde_json::json;
use std::time::{Duration, Instant};

/// Runs a loop of `n` steps that waits at its end, dies there, and goes on.
pub(crate) async fn years(bench: &Bench, store: &str, n: usize) -> Result<(), String> {
    let (_, name) = bench.start("years", json!({ "n": n }), "years").await?;
    let text = said(bench, &name).await?;
    println!("years {text} ms (a tenth of {n} steps each)");
    let reader = flow_store::connect(store).await.map_err(|e| e.to_string())?;
    let row = reader.find(&name).await.map_err(|e| e.to_string())?.ok_or("the instance is gone")?;
    let stored = reader.load(&[row.id]).await.map_err(|e| e.to_string())?;
    let bytes: usize =
        stored.iter().flat_map(|stored| &stored.strands).map(|strand| strand.frame.len()).sum();
    println!("years frame {bytes} bytes");
    // As after `kill -9`: nothing is handed over.
    bench.engine.close().await.map_err(|e| e.to_string())?;
    let engine = Engine::open(reader, Options::default()).await.map_err(|e| e.to_string())?;
    let began = Instant::now();
    engine.resume(&name).await.map_err(|e| e.to_string())?;
    println!("years recovery {:.3} ms", began.elapsed().as_secs_f64() * 1e3);
    engine.terminate(&name, "measured").await.map_err(|e| e.to_string())?;
    engine.close().await.map_err(|e| e.to_string())
}

/// Waits for what the workflow logs at its end.
async fn said(bench: &Bench, name: &str) -> Result<String, String> {
    let mut after = 0;
    loop {
        let page: Vec<HistoryEntry> =
            bench.engine.history(name, after, 10_000).await.map_err(|e| e.to_string())?;
        let Some(last) = page.last() else {
            tokio::time::sleep(Duration::from_millis(500)).await;
            continue;
        };
        after = last.sequence;
        for entry in page {
            match entry.event {
                HistoryEvent::Logged { message, .. } => return Ok(message),
                HistoryEvent::Ended { status, error, .. } => return Err(format!("{status:?}: {error:?}")),
                _ => {}
            }
        }
    }
}
