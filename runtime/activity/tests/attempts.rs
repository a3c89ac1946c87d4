//! Whole attempts, on the interpreter: against a real HTTP server, real commands, and a transaction that takes notes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, a panic is how a failure is told"
)]

use async_trait::async_trait;
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use flow_activity::{Attempt, Bounds, Pulse, Runner, Surroundings};
use flow_machine::event::CallOutcome;
use flow_machine::ids::{CallKey, Timestamp};
use flow_machine::rows::CompletionRow;
use flow_mir::interpreter::Interpreter;
use flow_mir::value::{self, Image};
use flow_mir::*;
use flow_store::{SqlResult, StepTransaction, StoreError};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

struct Nowhere;

impl Surroundings for Nowhere {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
    fn variable(&self, _: &str) -> Option<String> {
        None
    }
    fn log(&self, _: CallKey, _: &str) {}
}

const KEY: CallKey = CallKey([7; 16]);

/// A program with one activity that fails with `Fault { Empty, Short(by: Decimal) }` and whose `run` is one connector call.
fn program(connector: &str, params: &[Type], returns: Type) -> Program {
    let mut program = Program::default();
    KnownTypes::standard(&mut program);
    let decimal = program.known.decimal;
    let field = |name: &str, ty| Field { name: name.into(), ty, default: None };
    let cases = vec![
        Case { name: "Empty".into(), fields: Vec::new() },
        Case { name: "Short".into(), fields: vec![field("by", decimal)] },
    ];
    let fault = program.types.push(Type::Enum { name: "Fault".into(), cases, error: true });
    let params: Vec<_> = params.iter().map(|ty| program.types.intern(ty.clone())).collect();
    let returns = program.types.intern(returns);
    let local = |ty| Local { ty, name: None };
    let args: Vec<_> = (0..params.len()).map(LocalId::new).collect();
    let dst = LocalId::new(params.len());
    let block = |terminator| Block {
        instructions: Vec::new(),
        terminator,
        location: Location::default(),
        handler: None,
    };
    let op = SuspendOp::Connector { name: connector.into(), args };
    let suspend = Terminator::Suspend { dst, op, next: BlockId(1), suspension: SuspensionId(0) };
    let mut function = Function {
        name: "act".into(),
        location: Location::default(),
        param_count: params.len() as u32,
        captures: Vec::new(),
        returns,
        suspends: true,
        locals: params.iter().copied().chain([returns]).map(local).collect(),
        blocks: [block(suspend), block(Terminator::Return(dst))].into_iter().collect(),
        suspensions: Vec::new(),
    };
    liveness::complete(&mut function, &program.types);
    let run = program.functions.push(function);
    program.activities.push(Activity {
        name: "act".into(),
        location: Location::default(),
        params: params.iter().map(|ty| field("x", *ty)).collect(),
        returns,
        fails: vec![fault],
        run: Some(run),
        unless: None,
        transactional: connector.starts_with("sql."),
    });
    program
}

/// Makes one attempt; what it gives as JSON: `{"returned": …}`, `{"failed": …}`, `{"refused": reason}` and so on.
async fn attempt(program: Program, args: Value, transaction: Option<Box<dyn StepTransaction>>) -> Value {
    let program = Arc::new(program);
    let activity = &program.activities[ActivityId(0)];
    let mut heap = Heap::new(program.known, Limits::default());
    let roots: Vec<_> = activity.params.iter().zip(args.as_array().unwrap()).collect();
    let roots: Vec<_> = roots
        .into_iter()
        .map(|(param, arg)| (param.ty, value::from_json(&program, &mut heap, param.ty, arg).unwrap()))
        .collect();
    let args = Image::capture(&program, &heap, &roots).unwrap().encode();
    let executor = Arc::new(Interpreter::new(Arc::clone(&program)));
    let runner = Runner::new(
        Arc::new(Nowhere),
        Arc::new(flow_activity::connector::Local::default()),
        Bounds::default(),
    );
    let attempt =
        Attempt { executor, activity: ActivityId(0), key: KEY, args, transaction, pulse: Pulse::default() };
    let show = |image: &[u8]| {
        let mut heap = Heap::new(program.known, Limits::default());
        let image = Image::decode(image).unwrap();
        let ty = image.types().next().unwrap();
        let word = image.restore(&program, &mut heap).unwrap()[0];
        value::to_json(&program, &heap, ty, word).unwrap()
    };
    match runner.run_attempt(attempt).await {
        CallOutcome::Returned(image) => json!({ "returned": show(&image) }),
        CallOutcome::Failed(image) => json!({ "failed": show(&image) }),
        CallOutcome::Refused { reason } => json!({ "refused": reason }),
        CallOutcome::Unknown { reason, .. } => json!({ "unknown": reason }),
        CallOutcome::NotSent { reason } => json!({ "not sent": reason }),
    }
}

fn reason(outcome: &Value, kind: &str) -> String {
    outcome[kind].as_str().unwrap_or_else(|| panic!("not {kind}: {outcome}")).to_owned()
}

async fn server() -> String {
    let router = Router::new()
        .route(
            "/key",
            post(|headers: HeaderMap| async move {
                axum::Json(headers["idempotency-key"].to_str().unwrap().to_owned())
            }),
        )
        .route("/empty", post(|| async { StatusCode::NO_CONTENT }))
        .route("/short", post(|| async { (StatusCode::CONFLICT, r#"{"error":{"Short":{"by":3.50}}}"#) }))
        .route("/wrong", post(|| async { (StatusCode::CONFLICT, r#"{"error":{"Short":{"by":true}}}"#) }))
        .route("/list", post(|| async { r#"[1, "x"]"# }).get(|| async { r#"[1, "x"]"# }))
        .route(
            "/status/{code}",
            post(|path: axum::extract::Path<u16>| async move {
                (StatusCode::from_u16(path.0).unwrap(), "because")
            }),
        )
        .route("/text", get(|| async { "plain" }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn http(verb: &str, url: String, returns: Type) -> Value {
    attempt(program(&format!("http.{verb}"), &[Type::String], returns), json!([url]), None).await
}

#[tokio::test]
async fn an_answer_is_decoded_and_the_key_is_sent() {
    let url = server().await;
    assert_eq!(
        http("post", format!("{url}/key"), Type::String).await,
        json!({ "returned": KEY.to_string() })
    );
    assert_eq!(http("get", format!("{url}/text"), Type::String).await, json!({ "returned": "plain" }));
    assert_eq!(http("post", format!("{url}/empty"), Type::Unit).await, json!({ "returned": null }));
}

#[tokio::test]
async fn a_status_says_what_it_proves() {
    let url = server().await;
    for (status, kind) in [
        (400, "refused"),
        (404, "refused"),
        (307, "refused"),
        (408, "unknown"),
        (425, "unknown"),
        (429, "unknown"),
        (303, "unknown"),
        (500, "unknown"),
        (503, "unknown"),
    ] {
        let outcome = http("post", format!("{url}/status/{status}"), Type::Unit).await;
        let reason = reason(&outcome, kind);
        assert!(reason.contains(&status.to_string()) && reason.contains("because"), "{reason}");
    }
}

#[tokio::test]
async fn a_declared_error_is_one_only_as_declared() {
    let url = server().await;
    let outcome = http("post", format!("{url}/short"), Type::Unit).await;
    assert_eq!(outcome.to_string(), r#"{"failed":{"Short":{"by":3.50}}}"#);
    let reason = reason(&http("post", format!("{url}/wrong"), Type::Unit).await, "refused");
    assert!(reason.contains("by") && reason.contains("409"), "{reason}");
}

#[tokio::test]
async fn an_effect_with_an_unfit_answer_may_have_happened_and_a_question_has_not() {
    let url = format!("{}/list", server().await);
    let list = || Type::List(TypeId(2));
    let posted = reason(&http("post", url.clone(), list()).await, "unknown");
    assert!(posted.contains("[1]"), "{posted}");
    assert!(reason(&http("get", url, list()).await, "refused").contains("[1]"));
}

#[tokio::test]
async fn a_broken_connection_is_unknown_and_a_refused_one_not_sent() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let broken = tokio::spawn(async move { drop(listener.accept().await) });
    reason(&http("post", url.clone(), Type::Unit).await, "unknown");
    broken.await.unwrap();
    reason(&http("post", url, Type::Unit).await, "not sent");
    reason(&http("post", "nonsense".into(), Type::Unit).await, "refused");
}

async fn shell(script: &str, returns: Type) -> Value {
    let program = program("exec.run", &[Type::String, Type::List(TypeId(5)), Type::Json], returns);
    attempt(program, json!(["sh", ["-c", script], { "a": 1 }]), None).await
}

#[tokio::test]
async fn a_command_speaks_json_and_its_end_is_judged() {
    assert_eq!(shell("cat", Type::Json).await, json!({ "returned": { "a": 1 } }));
    assert_eq!(
        shell("echo \"\\\"$FLOW_STEP_KEY\\\"\"", Type::String).await,
        json!({ "returned": KEY.to_string() })
    );
    assert_eq!(shell("echo '{\"error\":\"Empty\"}'; exit 3", Type::Unit).await, json!({ "failed": "Empty" }));
    assert!(
        reason(&shell("echo no luck >&2; exit 3", Type::Unit).await, "refused")
            .contains("exit code 3: no luck")
    );
    reason(&shell("kill -9 $$", Type::Unit).await, "unknown");
    reason(&shell("echo hello", Type::Int).await, "unknown");
    let missing = program("exec.run", &[Type::String], Type::Unit);
    assert!(reason(&attempt(missing, json!(["no-such-command"]), None).await, "refused").contains("PATH"));
}

#[tokio::test]
async fn a_dropped_attempt_kills_the_command_and_what_it_started() {
    let folder = std::env::temp_dir().join(format!("flow-dropped-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir(&folder).unwrap();
    let (fifo, survived) = (folder.join("fifo"), folder.join("survived"));
    let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    // The grandchild holds the fifo open; its end of file says that it is gone.
    let script = format!("(exec 3>{}; sleep 60; touch {}) & wait", fifo.display(), survived.display());
    let attempt = tokio::spawn(async move { shell(&script, Type::Unit).await });
    let mut reader = tokio::task::spawn_blocking(move || std::fs::File::open(fifo).unwrap()).await.unwrap();
    attempt.abort();
    let read = tokio::task::spawn_blocking(move || std::io::Read::read(&mut reader, &mut [0; 1]).unwrap());
    let ended = tokio::time::timeout(std::time::Duration::from_secs(120), read).await;
    assert_eq!(ended.expect("the grandchild is killed").unwrap(), 0);
    assert!(!survived.exists());
    let _ = std::fs::remove_dir_all(&folder);
}

/// A transaction that answers with these rows and writes down what is done to it.
struct Notes {
    rows: Vec<Value>,
    transient: Option<bool>,
    seen: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl StepTransaction for Notes {
    async fn statement(&mut self, sql: &str, params: &[Value]) -> Result<SqlResult, StoreError> {
        self.seen.lock().unwrap().push(format!("{sql} {params:?}"));
        if let Some(transient) = self.transient {
            return Err(StoreError::Statement {
                message: "no".into(),
                code: Some("42P01".into()),
                transient,
            });
        }
        let rows = self.rows.iter().map(|row| row.as_object().unwrap().clone()).collect();
        Ok(SqlResult { rows, affected: 2 })
    }
    async fn undo(&mut self) -> Result<(), StoreError> {
        self.seen.lock().unwrap().push("undo".into());
        Ok(())
    }
    async fn complete(self: Box<Self>, outcome: &[u8]) -> Result<Option<CompletionRow>, StoreError> {
        let outcome: CallOutcome = postcard::from_bytes(outcome).unwrap();
        let word = if matches!(outcome, CallOutcome::Returned(_)) { "returned" } else { "failed" };
        self.seen.lock().unwrap().push(format!("complete {word}"));
        Ok(None)
    }
}

async fn sql(verb: &str, returns: Type, rows: Value, transient: Option<bool>) -> (Value, String) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let rows = rows.as_array().unwrap().clone();
    let notes = Box::new(Notes { rows, transient, seen: Arc::clone(&seen) });
    let program = program(&format!("sql.{verb}"), &[Type::Json], returns);
    let outcome = attempt(program, json!([{ "text": "do it", "params": [] }]), Some(notes)).await;
    let seen = seen.lock().unwrap().join("; ");
    (outcome, seen)
}

#[tokio::test]
async fn statements_commit_with_the_step_or_not_at_all() {
    let (outcome, seen) = sql("execute", Type::Int, json!([]), None).await;
    assert_eq!((outcome, seen.as_str()), (json!({ "returned": 2 }), "do it []; complete returned"));
    let (outcome, seen) = sql("execute", Type::Int, json!([]), Some(true)).await;
    reason(&outcome, "not sent");
    assert_eq!(seen, "do it []");
    let (outcome, seen) = sql("execute", Type::Int, json!([]), Some(false)).await;
    assert!(reason(&outcome, "refused").contains("42P01"));
    assert_eq!(seen, "do it []");
}

#[tokio::test]
async fn rows_take_the_expected_shape() {
    let pair = json!([{ "a": 1, "b": 2 }]);
    let tuple = Type::Tuple(vec![TypeId(2), TypeId(2)]);
    assert_eq!(sql("query_one", tuple, pair.clone(), None).await.0, json!({ "returned": [1, 2] }));
    assert_eq!(
        sql("query", Type::List(TypeId(2)), json!([{ "a": 1 }, { "a": 5 }]), None).await.0,
        json!({ "returned": [1, 5] })
    );
    assert_eq!(
        sql("query_one", Type::Option(TypeId(2)), json!([]), None).await.0,
        json!({ "returned": null })
    );
    let (outcome, seen) = sql("query_one", Type::Int, json!([]), None).await;
    assert!(reason(&outcome, "refused").contains("no row"));
    assert_eq!(seen, "do it []");
    assert!(reason(&sql("query_one", Type::Int, pair, None).await.0, "refused").contains("a, b"));
}
