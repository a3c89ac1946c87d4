//! How fast a large file is read: `cargo bench -p flow-syntax`. Prints `name value unit`; asserts nothing about time.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a measurement that can't be made should say so")]

use flow_syntax::{SourceMap, parse};
use std::time::Instant;

fn main() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases");
    let cases = std::fs::read_dir(folder).unwrap();
    let text: String = cases.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
    let text = text.repeat(400);
    let lines = text.lines().count();
    for _ in 0..3 {
        let mut sources = SourceMap::new();
        let file = sources.add("large.flow", text.as_str());
        let began = Instant::now();
        let parse = parse(&sources, file);
        let took = began.elapsed().as_secs_f64();
        assert!(!parse.has_errors(), "the programs are correct");
        println!("parse {:.0} lines/s", lines as f64 / took);
    }
}
