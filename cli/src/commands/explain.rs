//! `flow explain [CODE]`

use crate::exit::{Exit, Failure};
use crate::program::nearest;
use serde_json::json;
use std::io::Write;

/// The page of each code, in order.
const PAGES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/pages.rs"));

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The code, such as E0300; without one, all codes are listed.
    code: Option<String>,
    /// JSON objects, one a line, on stdout.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let mut out = std::io::stdout().lock();
    let Some(code) = &args.code else {
        for (code, page) in PAGES {
            if args.json {
                writeln!(out, "{}", json!({"code": code, "title": title(page)}))?;
            } else {
                writeln!(out, "{code}  {}", title(page))?;
            }
        }
        return Ok(Exit::Success);
    };
    let wanted = code.to_uppercase();
    let Some((code, page)) = PAGES.iter().find(|(known, _)| *known == wanted) else {
        let hint = nearest(&wanted, PAGES.iter().map(|(code, _)| *code));
        let hint = hint.map_or_else(String::new, |near| format!("; did you mean {near}?"));
        return Err(Failure::usage(format!("there is no code {code}{hint} `flow explain` lists all")));
    };
    if args.json {
        writeln!(out, "{}", json!({"code": code, "title": title(page), "page": page}))?;
    } else {
        write!(out, "{page}")?;
    }
    Ok(Exit::Success)
}

/// `# CODE: TITLE`, the first line of each page.
fn title(page: &str) -> &str {
    let first = page.lines().next().unwrap_or_default();
    first.split_once(": ").map_or(first, |(_, title)| title)
}
