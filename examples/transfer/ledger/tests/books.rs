//! The ledger's promises, over HTTP and across restarts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, a panic is how a failure is told"
)]

use ledger::books::{Done, Refusal, Request};
use ledger::{Books, Faults, Ledger, Money};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

fn open(directory: &Path) -> Result<Books, String> {
    let accounts = ["Bitcoin", "Ethereum", "Solana"].map(|chain| (chain.to_owned(), money("100.5")));
    Books::open(directory, BTreeMap::from(accounts), vec!["Solana".into()])
}

fn money(text: &str) -> Money {
    text.parse().unwrap()
}

fn lock(amount: &str) -> Request {
    Request::Lock { chain: "Bitcoin".into(), amount: money(amount) }
}

fn unlock(lock: &str) -> Request {
    Request::Unlock { lock: lock.into() }
}

fn release(lock: &str, chain: &str) -> Request {
    Request::Release { lock: lock.into(), chain: chain.into() }
}

#[test]
fn a_restart_keeps_the_books_and_the_keys() {
    let directory = tempfile::tempdir().unwrap();
    let mut books = open(directory.path()).unwrap();
    assert_eq!(books.perform("a", lock("0.1")), Ok(Done::Locked("a".into())));
    let released = books.perform("b", release("a", "Ethereum"));
    assert!(matches!(released, Ok(Done::Released(_))));
    assert!(open(directory.path()).is_err_and(|error| error.contains("another ledger")));
    let before = books.accounts();
    drop(books);

    let mut books = open(directory.path()).unwrap();
    assert_eq!(books.accounts(), before);
    assert_eq!(books.accounts().0["Ethereum"], money("100.6"));
    assert_eq!(books.perform("b", release("a", "Ethereum")), released);
    assert_eq!(books.accounts(), before);
    assert_eq!(books.attempts()["b"].effects, 1);
}

#[test]
fn one_key_is_one_request() {
    let directory = tempfile::tempdir().unwrap();
    let mut books = open(directory.path()).unwrap();
    books.perform("a", lock("10")).unwrap();
    books.perform("a", lock("10")).unwrap();
    assert_eq!(books.accounts().1, money("10"));
    assert_eq!(books.attempts()["a"].requests, 2);
    assert_eq!(books.perform("a", lock("11")), Err(Refusal::KeyReused { key: "a".into() }));
    let available = money("90.5");
    assert_eq!(books.perform("b", lock("90.6")), Err(Refusal::InsufficientFunds { available }));
}

#[test]
fn a_lock_given_up_is_never_made() {
    let directory = tempfile::tempdir().unwrap();
    let mut books = open(directory.path()).unwrap();
    assert_eq!(books.perform("u1", unlock("late")), Ok(Done::Unlocked));
    drop(books);
    let mut books = open(directory.path()).unwrap();
    assert!(matches!(books.perform("late", lock("1")), Err(Refusal::Settled { state: "given up", .. })));
    assert_eq!(books.perform("u2", unlock("late")), Ok(Done::Unlocked));
    assert_eq!(books.accounts().1, money("0"));
}

#[test]
fn a_lock_is_settled_once() {
    let directory = tempfile::tempdir().unwrap();
    let mut books = open(directory.path()).unwrap();
    books.perform("a", lock("1")).unwrap();
    let closed = Err(Refusal::ChainClosed { chain: "Solana".into() });
    assert_eq!(books.perform("r1", release("a", "Solana")), closed);
    books.perform("r2", release("a", "Ethereum")).unwrap();
    assert!(matches!(books.perform("u", unlock("a")), Err(Refusal::Settled { state: "released", .. })));
    books.perform("b", lock("1")).unwrap();
    books.perform("u2", unlock("b")).unwrap();
    books.perform("u3", unlock("b")).unwrap();
    assert_eq!(books.accounts().0["Bitcoin"], money("99.5"));
    assert!(matches!(
        books.perform("r3", release("b", "Ethereum")),
        Err(Refusal::Settled { state: "unlocked", .. })
    ));
}

#[test]
fn a_torn_last_line_is_cut_off_and_damage_elsewhere_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let journal = directory.path().join("journal.jsonl");
    let mut books = open(directory.path()).unwrap();
    books.perform("a", lock("1")).unwrap();
    books.perform("b", lock("2")).unwrap();
    drop(books);
    let whole = std::fs::read(&journal).unwrap();
    std::fs::write(&journal, &whole[..whole.len() - 5]).unwrap();
    let mut books = open(directory.path()).unwrap();
    assert_eq!(books.accounts().1, money("1"));
    books.perform("b", lock("2")).unwrap();
    drop(books);
    assert_eq!(open(directory.path()).unwrap().accounts().1, money("3"));

    let mut damaged = std::fs::read(&journal).unwrap();
    damaged[3] = b'#';
    std::fs::write(&journal, damaged).unwrap();
    assert!(open(directory.path()).is_err_and(|error| error.contains("line 1 is damaged")));
}

async fn serve(directory: &Path, faults: Faults) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(Ledger::new(open(directory).unwrap(), Duration::ZERO, faults).serve(listener));
    address
}

fn post(url: String, key: &str, body: Value) -> reqwest::RequestBuilder {
    reqwest::Client::new().post(url).header("idempotency-key", key).json(&body)
}

async fn total(url: &str) -> Value {
    reqwest::get(format!("{url}/accounts")).await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn concurrent_requests_move_everything_once() {
    let _ = rustls_provider();
    let directory = tempfile::tempdir().unwrap();
    let url = serve(directory.path(), Faults::default()).await;
    let requests: Vec<_> = (0..60)
        .map(|number| {
            let key = format!("k{}", number % 20);
            let body = json!({ "chain": "Bitcoin", "amount": 0.5 });
            tokio::spawn(post(format!("{url}/locks"), &key, body).send())
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.unwrap().unwrap().status(), 200);
    }
    let books = total(&url).await;
    assert_eq!(books["escrow"].to_string(), "10.0");
    assert_eq!(books["total"].to_string(), "301.5");
}

#[tokio::test]
async fn a_dropped_answer_has_had_its_effect() {
    let _ = rustls_provider();
    let directory = tempfile::tempdir().unwrap();
    let url = serve(directory.path(), Faults { drop_rate: 1.0, ..Faults::default() }).await;
    let body = json!({ "chain": "Bitcoin", "amount": "0.5" });
    assert!(post(format!("{url}/locks"), "k", body).send().await.is_err());
    assert_eq!(total(&url).await["escrow"].to_string(), "0.5");
}

#[tokio::test]
async fn refusals_name_their_error() {
    let _ = rustls_provider();
    let directory = tempfile::tempdir().unwrap();
    let url = serve(directory.path(), Faults::default()).await;
    let body = json!({ "chain": "Bitcoin", "amount": 1000 });
    let answer = post(format!("{url}/locks"), "k", body).send().await.unwrap();
    assert_eq!(answer.status(), 409);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body.to_string(), r#"{"error":{"InsufficientFunds":{"available":100.5}}}"#);
}

fn rustls_provider() -> Result<(), std::sync::Arc<rustls::crypto::CryptoProvider>> {
    rustls::crypto::ring::default_provider().install_default()
}
