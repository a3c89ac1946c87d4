//! The ledger over HTTP, with faults on request: what a network does to a service, at will and repeatably.

use crate::books::{Books, Done, Refusal, Request};
use crate::money::Money;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use chrono::{SecondsFormat, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tower::ServiceExt;

/// What goes wrong, and how often. Rates are between 0 and 1.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// This part of the requests is answered with 503, and nothing is done.
    pub fail_rate: f64,
    /// For this part all is done, but the connection closes without an answer.
    pub drop_rate: f64,
    /// Answers take up to this long more.
    pub delay: Duration,
    /// The same seed draws the same faults.
    pub seed: u64,
}

/// The service: books, and how it behaves.
#[derive(Clone)]
pub struct Ledger {
    books: Arc<Mutex<Books>>,
    confirm_after: TimeDelta,
    faults: Arc<Faults>,
    dice: Arc<Mutex<fastrand::Rng>>,
}

impl Ledger {
    /// A service on these books. A lock is confirmed so long after it was made.
    pub fn new(books: Books, confirm_after: Duration, faults: Faults) -> Ledger {
        Ledger {
            books: Arc::new(Mutex::new(books)),
            confirm_after: TimeDelta::from_std(confirm_after).unwrap_or(TimeDelta::MAX),
            dice: Arc::new(Mutex::new(fastrand::Rng::with_seed(faults.seed))),
            faults: Arc::new(faults),
        }
    }

    /// Answers requests until the process ends.
    pub async fn serve(self, listener: TcpListener) -> std::io::Result<Infallible> {
        let router = self.router();
        loop {
            let (stream, _) = listener.accept().await?;
            let router = router.clone();
            let service = hyper::service::service_fn(move |request| answer(router.clone(), request));
            tokio::spawn(async move {
                let stream = hyper_util::rt::TokioIo::new(stream);
                // A broken connection is its client's affair.
                let _ = hyper::server::conn::http1::Builder::new().serve_connection(stream, service).await;
            });
        }
    }

    /// Looks at the books while they are served. Requests wait meanwhile.
    pub fn with_books<T>(&self, look: impl FnOnce(&Books) -> T) -> T {
        look(&self.books())
    }

    fn router(self) -> Router {
        Router::new()
            .route("/locks", post(lock))
            .route("/locks/{lock}", delete(unlock))
            .route("/confirmations/{chain}/{lock}", get(confirmation))
            .route("/releases", post(release))
            .layer(from_fn_with_state(self.clone(), interfere))
            .route("/accounts", get(accounts))
            .route("/attempts", get(attempts))
            .with_state(self)
    }

    /// A panic while the lock was held can't leave the books half changed: they change after the journal has been written.
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Performs a request where waiting for the disk holds up nobody else.
    async fn perform(&self, headers: &HeaderMap, request: Request) -> Result<Done, Response> {
        let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).map(str::to_owned);
        let key = key.filter(|key| !key.is_empty()).ok_or_else(|| {
            says(StatusCode::BAD_REQUEST, "what moves money needs an Idempotency-Key header".into())
        })?;
        let ledger = self.clone();
        let done = tokio::task::spawn_blocking(move || ledger.books().perform(&key, request)).await;
        done.map_err(|error| says(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?
            .map_err(IntoResponse::into_response)
    }
}

/// Marks a response that is not to be sent.
#[derive(Clone, Debug)]
struct Dropped;

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the answer is dropped on purpose")
    }
}

impl std::error::Error for Dropped {}

/// An error here makes hyper close the connection, which no axum handler can.
async fn answer(router: Router, request: hyper::Request<hyper::body::Incoming>) -> Result<Response, Dropped> {
    let Ok(response) = router.oneshot(request).await;
    match response.extensions().get::<Dropped>() {
        Some(dropped) => Err(dropped.clone()),
        None => Ok(response),
    }
}

async fn interfere(State(ledger): State<Ledger>, request: axum::extract::Request, next: Next) -> Response {
    let (fails, drops, delay) = {
        let mut dice = ledger.dice.lock().unwrap_or_else(PoisonError::into_inner);
        (
            dice.f64() < ledger.faults.fail_rate,
            dice.f64() < ledger.faults.drop_rate,
            ledger.faults.delay.mul_f64(dice.f64()),
        )
    };
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    if fails {
        return says(StatusCode::SERVICE_UNAVAILABLE, "not now (a fault on request)".into());
    }
    let mut response = next.run(request).await;
    if drops {
        response.extensions_mut().insert(Dropped);
    }
    response
}

#[derive(Deserialize)]
struct LockBody {
    chain: String,
    amount: Money,
}

async fn lock(
    State(ledger): State<Ledger>,
    headers: HeaderMap,
    body: Result<Json<LockBody>, JsonRejection>,
) -> Result<Json<String>, Response> {
    let Json(LockBody { chain, amount }) = body.map_err(IntoResponse::into_response)?;
    match ledger.perform(&headers, Request::Lock { chain, amount }).await? {
        Done::Locked(lock) => Ok(Json(lock)),
        other => Err(unexpected(&other)),
    }
}

async fn unlock(
    State(ledger): State<Ledger>,
    headers: HeaderMap,
    Path(lock): Path<String>,
) -> Result<StatusCode, Response> {
    match ledger.perform(&headers, Request::Unlock { lock }).await? {
        Done::Unlocked => Ok(StatusCode::NO_CONTENT),
        other => Err(unexpected(&other)),
    }
}

#[derive(Deserialize)]
struct ReleaseBody {
    lock: String,
    chain: String,
}

async fn release(
    State(ledger): State<Ledger>,
    headers: HeaderMap,
    body: Result<Json<ReleaseBody>, JsonRejection>,
) -> Result<Json<String>, Response> {
    let Json(ReleaseBody { lock, chain }) = body.map_err(IntoResponse::into_response)?;
    match ledger.perform(&headers, Request::Release { lock, chain }).await? {
        Done::Released(at) => Ok(Json(at.to_rfc3339_opts(SecondsFormat::Nanos, true))),
        other => Err(unexpected(&other)),
    }
}

/// Answers once the lock is confirmed on the other chain, which takes its time.
async fn confirmation(
    State(ledger): State<Ledger>,
    Path((chain, lock)): Path<(String, String)>,
) -> Result<StatusCode, Response> {
    let since = || ledger.books().confirms(&chain, &lock);
    let due = since().map_err(IntoResponse::into_response)?.checked_add_signed(ledger.confirm_after);
    // A confirmation too far away to have a date never comes.
    let left = due.map_or(TimeDelta::MAX, |due| due - Utc::now());
    tokio::time::sleep(left.to_std().unwrap_or_default()).await;
    since().map(|_| StatusCode::NO_CONTENT).map_err(IntoResponse::into_response)
}

async fn accounts(State(ledger): State<Ledger>) -> Json<Value> {
    let (accounts, escrow) = ledger.books().accounts();
    let total = Money(accounts.values().fold(escrow.0, |sum, account| sum + account.0));
    Json(json!({ "accounts": accounts, "escrow": escrow, "total": total }))
}

async fn attempts(State(ledger): State<Ledger>) -> Json<Value> {
    Json(json!(ledger.books().attempts()))
}

fn unexpected(done: &Done) -> Response {
    says(StatusCode::INTERNAL_SERVER_ERROR, format!("the books did something else: {done:?}"))
}

/// An answer for people. (`error` is kept for errors that a workflow may declare.)
fn says(status: StatusCode, message: String) -> Response {
    (status, Json(json!({ "message": message }))).into_response()
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let error = |error: Value| (StatusCode::CONFLICT, Json(json!({ "error": error }))).into_response();
        match self {
            Refusal::InsufficientFunds { available } => {
                error(json!({ "InsufficientFunds": { "available": available } }))
            }
            Refusal::ChainClosed { chain } => error(json!({ "ChainClosed": { "chain": chain } })),
            Refusal::UnknownChain { chain, known } => says(
                StatusCode::NOT_FOUND,
                format!("there is no account `{chain}` (there are {})", known.join(", ")),
            ),
            Refusal::NoAmount(amount) => says(
                StatusCode::UNPROCESSABLE_ENTITY,
                format!("{amount} can't be locked: it must be above 0"),
            ),
            Refusal::UnknownLock(lock) => says(StatusCode::NOT_FOUND, format!("there is no lock `{lock}`")),
            Refusal::Settled { lock, state } => {
                says(StatusCode::CONFLICT, format!("the lock `{lock}` has been {state}"))
            }
            Refusal::KeyReused { key } => says(
                StatusCode::UNPROCESSABLE_ENTITY,
                format!("the idempotency key `{key}` was used for another request"),
            ),
            Refusal::Unwritten(reason) => says(StatusCode::INTERNAL_SERVER_ERROR, reason),
        }
    }
}
