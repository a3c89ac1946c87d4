//! For now: writes a project.
fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().unwrap_or_else(|| "project".into());
    let lines = args.next().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let project = flow_fuzz::project::Project::generate(lines, 1);
    println!("{} files, {} lines, {} bytes", project.files.len(), project.lines(), project.bytes());
    project.write(std::path::Path::new(&folder))
}
