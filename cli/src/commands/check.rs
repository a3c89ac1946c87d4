//! `flow check [FILE|DIR…]`

use crate::exit::{Exit, Failure};
use crate::files;
use crate::program::say;
use flow_analysis::{Analysis, Disk};
use flow_syntax::{Diagnostic, Severity, SourceMap, parallel};
use std::io::Write;
use std::path::{Path, PathBuf};

/// After so many rounds whatever fixes bring forth fixes is left to a person.
const MAX_ROUNDS: usize = 10;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Files, and folders whose .flow files are meant, with what they `use`; without any, the project or the current
    /// folder.
    paths: Vec<PathBuf>,
    /// Apply the fixes that are certain, then report what is left.
    #[arg(long)]
    fix: bool,
    /// Warnings make the check fail, as errors do.
    #[arg(long)]
    deny_warnings: bool,
    /// One JSON object a diagnostic, on stdout.
    #[arg(long)]
    json: bool,
}

/// What a run has found.
#[derive(Default)]
struct Tally {
    errors: usize,
    warnings: usize,
    /// How many have a fix that is certain.
    fixable: usize,
    /// How many fixes were applied.
    fixed: usize,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let mut tally = Tally::default();
    let files = files::flow_files_or_project(&args.paths)?;
    if args.fix {
        tally.fixed = fix(&files)?;
    }
    let (analysis, sources) = analyze(&files);
    tally.add(&analysis.diagnostics);
    if args.json {
        let mut out = std::io::stdout().lock();
        let lines =
            parallel::map(&analysis.diagnostics, |one| flow_syntax::render_json(&sources, one) + "\n");
        out.write_all(lines.concat().as_bytes())?;
    } else {
        say(&sources, &analysis.diagnostics);
    }
    // The process is about to end: taking a big program apart piece by piece would be a tenth of the whole time.
    std::mem::forget((analysis, sources));
    if let Some(summary) = tally.summary().filter(|_| !args.json) {
        eprintln!("{summary}");
    }
    let failed = tally.errors > 0 || (args.deny_warnings && tally.warnings > 0);
    Ok(if failed { Exit::Usage } else { Exit::Success })
}

/// All files in one analysis.
fn analyze(files: &[PathBuf]) -> (Analysis, SourceMap) {
    let mut sources = SourceMap::new();
    let roots: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let analysis = flow_analysis::analyze_all(&Disk, &roots, &mut sources);
    (analysis, sources)
}

/// Applies fixes to files and what they use until there are no more; gives their number.
fn fix(files: &[PathBuf]) -> Result<usize, Failure> {
    let mut count = 0;
    for _ in 0..MAX_ROUNDS {
        let (analysis, sources) = analyze(files);
        let own = analysis.program.modules.values().filter(|module| !module.standard);
        let own: Vec<_> = own.map(|module| module.file).collect();
        let fixed = flow_syntax::apply_fixes(&sources, &analysis.diagnostics);
        let mut changed = false;
        for fixed in fixed.into_iter().filter(|fixed| own.contains(&fixed.file)) {
            let Some(source) = sources.file(fixed.file) else { continue };
            files::replace(Path::new(source.path()), &fixed.text)?;
            count += fixed.count;
            changed = true;
        }
        if !changed {
            break;
        }
    }
    Ok(count)
}

impl Tally {
    fn add(&mut self, diagnostics: &[Diagnostic]) {
        for diagnostic in diagnostics {
            match diagnostic.severity {
                Severity::Error => self.errors += 1,
                Severity::Warning => self.warnings += 1,
                Severity::Info => {}
            }
            self.fixable += usize::from(diagnostic.fixes.iter().any(|fix| fix.certain));
        }
    }

    /// `3 errors, 1 warning; 2 of them can be fixed with `flow check --fix``; nothing where there is nothing to say.
    fn summary(&self) -> Option<String> {
        let count = |number: usize, what: &str| match number {
            0 => None,
            1 => Some(format!("1 {what}")),
            _ => Some(format!("{number} {what}s")),
        };
        let found = [count(self.errors, "error"), count(self.warnings, "warning")];
        let found = found.into_iter().flatten().collect::<Vec<_>>().join(", ");
        let fixed =
            count(self.fixed, "fix").map(|fixed| format!("{} applied", fixed.replace("fixs", "fixes")));
        let hint = (self.fixable > 0).then(|| format!("`flow check --fix` mends {}", self.fixable));
        let parts: Vec<String> =
            [fixed, Some(found).filter(|found| !found.is_empty()), hint].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}
