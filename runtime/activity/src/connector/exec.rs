//! `exec.run`: a command of this machine; JSON on its standard input and output, the key in `FLOW_STEP_KEY`.

use super::{Answer, Failure, LARGEST_BODY, error_in, excerpt, text_argument};
use crate::pulse::Pulse;
use flow_machine::ids::CallKey;
use serde_json::Value;
use std::io::ErrorKind;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

/// The environment variable that carries `step.key`.
pub const STEP_KEY: &str = "FLOW_STEP_KEY";

/// How long output is waited for once the command has ended: something it left behind may keep the pipe open.
const LINGER: Duration = Duration::from_secs(1);
/// How much of standard error is kept: its end says why.
const KEPT_STDERR: usize = 8 << 10;

/// Performs `exec.run(command, args, input)`. Dropping the future kills the command and all it has started. What it prints is a
/// sign of life.
pub async fn run(args: &[Value], key: CallKey, pulse: &Pulse) -> Result<Answer, Failure> {
    let command = text_argument("exec.run", "command", args.first())?;
    let words = args.get(1).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let input = args.get(2).filter(|input| !input.is_null()).map(Value::to_string).unwrap_or_default();
    if input.len() > LARGEST_BODY {
        let size = input.len();
        return Err(Failure::refused(format!(
            "the input of `{command}` has {size} bytes, more than the {LARGEST_BODY} that a step may send: keep large data elsewhere and pass its address"
        )));
    }
    let child = Command::new(command)
        .args(words)
        .env(STEP_KEY, key.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn();
    let mut group = child.map(Group).map_err(|error| not_started(command, &error))?;
    let mut output = Output::default();
    let status = converse(&mut group.0, &input, &mut output, pulse).await;
    let status =
        status.map_err(|error| Failure::unknown(format!("`{command}` was lost sight of: {error}")))?;
    judge(command, status, output)
}

/// A command in a process group of its own, which ends with this value.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        // `id` is gone once the child has been waited for: from then on the number may belong to somebody else.
        let leader =
            self.0.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(leader) = leader {
            // Fails only where the group has ended by itself.
            let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
        }
    }
}

fn not_started(command: &str, error: &std::io::Error) -> Failure {
    let reason = format!("`{command}` can't be started: {error}");
    match error.kind() {
        ErrorKind::NotFound => Failure::refused(format!(
            "{reason} (it is looked for on this worker's PATH, or under its full path)"
        )),
        ErrorKind::PermissionDenied | ErrorKind::InvalidInput | ErrorKind::ArgumentListTooLong => {
            Failure::refused(reason)
        }
        // No memory or no process left: that goes away.
        _ => Failure::not_sent(reason),
    }
}

/// What a command has said.
#[derive(Default)]
struct Output {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    too_large: bool,
}

/// Feeds the command and listens to it until it has ended.
async fn converse(
    child: &mut Child,
    input: &str,
    output: &mut Output,
    pulse: &Pulse,
) -> std::io::Result<ExitStatus> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let Output { stdout: out, stderr: err, too_large } = output;
    let feed = async {
        if let Some(mut stdin) = stdin {
            // A command need not read what it gets: its status says how it went.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
    };
    let listen = async {
        *too_large = listen_all(stdout, out, pulse).await;
    };
    let pipes = async { tokio::join!(feed, listen, listen_end(stderr, err, pulse)) };
    tokio::pin!(pipes);
    tokio::select! {
        _ = &mut pipes => child.wait().await,
        status = child.wait() => {
            let _ = tokio::time::timeout(LINGER, pipes).await;
            status
        }
    }
}

/// Reads everything; stops, and says so, where it is too much. (The command then ends by a broken pipe.)
async fn listen_all(pipe: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>, pulse: &Pulse) -> bool {
    let Some(pipe) = pipe else { return false };
    let mut pipe = pipe.take(LARGEST_BODY as u64 + 1);
    // A pipe that breaks has nothing more to say.
    while let Ok(1..) = pipe.read_buf(into).await {
        pulse.beat();
    }
    into.len() > LARGEST_BODY
}

/// Reads everything and keeps the end.
async fn listen_end(pipe: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>, pulse: &Pulse) {
    let Some(mut pipe) = pipe else { return };
    let mut part = [0; 4096];
    while let Ok(count @ 1..) = pipe.read(&mut part).await {
        pulse.beat();
        kept.extend_from_slice(part.get(..count).unwrap_or_default());
        kept.drain(..kept.len().saturating_sub(KEPT_STDERR));
    }
}

/// What the way it ended means.
fn judge(command: &str, status: ExitStatus, output: Output) -> Result<Answer, Failure> {
    let said = match excerpt(&output.stderr, true) {
        said if said.is_empty() => String::new(),
        said => format!(": {said}"),
    };
    if output.too_large {
        return Err(Failure::unknown(format!(
            "`{command}` printed more than the {LARGEST_BODY} bytes that a step may receive{said}"
        )));
    }
    match status.code() {
        Some(0) => Ok(Answer::Bytes { bytes: output.stdout, text: false }),
        Some(code) => Err(Failure::Answered {
            reason: format!("`{command}` ended with exit code {code}{said}"),
            error: error_in(&output.stdout),
        }),
        None => Err(Failure::unknown(format!("`{command}` was killed ({status}){said}"))),
    }
}
