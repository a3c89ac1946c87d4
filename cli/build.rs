//! Builds the pages of `docs/errors/` into the binary, so that `flow explain` needs no files.

use std::env;
use std::fmt::Write;
use std::fs;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../docs/errors");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut paths: Vec<_> =
        fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
    paths.sort();
    let mut table = String::from("&[\n");
    for path in paths {
        let code = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if code != "README" {
            writeln!(table, "    ({code:?}, include_str!({:?})),", path.canonicalize()?)?;
        }
    }
    table.push(']');
    fs::write(Path::new(&env::var("OUT_DIR")?).join("pages.rs"), table)?;
    Ok(())
}
