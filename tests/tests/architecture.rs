//! The picture in ARCHITECTURE.md holds: dependencies run one way, and only the code generator is unsafe.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, a panic is how a failure is told"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What each crate may use of the others; `ARCHITECTURE.md` says the same.
const MAY_USE: &[(&str, &[&str])] = &[
    ("compiler/syntax", &[]),
    ("compiler/format", &["flow-syntax"]),
    ("compiler/analysis", &["flow-syntax"]),
    ("compiler/mir", &[]),
    ("compiler/lower", &["flow-syntax", "flow-analysis", "flow-mir"]),
    ("compiler/codegen", &["flow-mir"]),
    ("runtime/machine", &["flow-mir"]),
    ("runtime/store", &["flow-machine"]),
    ("runtime/activity", &["flow-mir", "flow-machine", "flow-store"]),
    ("runtime/engine", &["flow-mir", "flow-codegen", "flow-machine", "flow-store", "flow-activity"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The `[dependencies]` of a manifest that are ours; those only tests use don't count.
fn dependencies(folder: &str) -> Vec<String> {
    let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).expect("a manifest");
    let section = manifest
        .split("\n[")
        .find(|section| section.starts_with("dependencies]"))
        .unwrap_or_default()
        .to_owned();
    section
        .lines()
        .filter(|line| line.starts_with("flow-"))
        .filter_map(|line| line.split([' ', '=', '.']).next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn dependencies_run_one_way() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    for (folder, allowed) in allowed {
        for used in dependencies(folder) {
            assert!(allowed.contains(&used.as_str()), "{folder} must not use {used}: see ARCHITECTURE.md");
        }
    }
}

#[test]
fn every_crate_of_compiler_and_runtime_has_a_rule() {
    for layer in ["compiler", "runtime"] {
        for entry in fs::read_dir(root().join(layer)).expect("a folder").flatten() {
            let folder = format!("{layer}/{}", entry.file_name().to_string_lossy());
            assert!(MAY_USE.iter().any(|(known, _)| *known == folder), "{folder} has no rule in this test");
        }
    }
}

#[test]
fn all_crates_share_the_lints_and_only_the_code_generator_has_its_own() {
    let mut manifests = vec!["cli".to_owned(), "tests".to_owned()];
    manifests.extend(MAY_USE.iter().map(|(folder, _)| (*folder).to_owned()));
    for folder in manifests {
        let manifest = fs::read_to_string(root().join(&folder).join("Cargo.toml")).expect("a manifest");
        let shares = manifest.contains("[lints]\nworkspace = true");
        assert_eq!(shares, folder != "compiler/codegen", "{folder}: the workspace's lints");
    }
}
