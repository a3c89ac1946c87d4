//! `--store`, and engines on it.

use crate::exit::Failure;
use crate::project::{DEFAULT_STORE, Project};
use flow_engine::{Engine, ExecutorKind, Options};
use flow_store::Store;
use std::sync::Arc;
use std::time::Duration;

/// Which store, and how programs run.
#[derive(Clone, clap::Args)]
pub(crate) struct StoreArgs {
    /// Where instances are kept: sqlite://PATH or postgres://…. Without it, where the project says, else in
    /// .flow/flow.db of the project or of the current folder.
    #[arg(long, env = "FLOW_STORE", value_name = "URL")]
    store: Option<String>,
}

/// How programs run.
#[derive(Clone, clap::Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub store: StoreArgs,
    /// `native` code, or the reference `interpreter`.
    #[arg(long, env = "FLOW_EXECUTOR", default_value = "native", value_name = "KIND")]
    pub executor: Executor,
    /// How many seconds one step may compute before its instance fails.
    #[arg(long, default_value = "10", value_name = "SECONDS")]
    pub step_limit: u64,
    /// How many days the ids of requests and the answers to updates are kept: a repeat within that time is answered, not done. The
    /// same for all processes of a store.
    #[arg(long, env = "FLOW_KEEP_REQUESTS", default_value = "7", value_name = "DAYS")]
    pub keep_requests: u32,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The executors by name.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum Executor {
    Native,
    Interpreter,
}

impl StoreArgs {
    /// Connects.
    pub(crate) async fn connect(&self) -> Result<Arc<dyn Store>, Failure> {
        Ok(flow_store::connect(&self.url()?).await?)
    }

    /// The URL: the one given, else the project's.
    pub(crate) fn url(&self) -> Result<String, Failure> {
        match &self.store {
            Some(url) => Ok(url.clone()),
            None => Ok(Project::find()?.map_or_else(|| DEFAULT_STORE.to_owned(), |project| project.store())),
        }
    }

    /// ` --store URL`, where it is not the default: for commands that we suggest.
    pub(crate) fn option(&self) -> String {
        self.store
            .as_ref()
            .filter(|url| *url != DEFAULT_STORE)
            .map_or_else(String::new, |url| format!(" --store {url}"))
    }
}

impl RunArgs {
    /// Connects and opens an engine.
    pub(crate) async fn engine(&self) -> Result<Engine, Failure> {
        let executor = match self.executor {
            Executor::Native => ExecutorKind::Native,
            Executor::Interpreter => ExecutorKind::Interpreter,
        };
        let step_limit = Duration::from_secs(self.step_limit.max(1));
        let keep_requests = DAY.saturating_mul(self.keep_requests.max(1));
        let options = Options { executor, step_limit, keep_requests, ..Options::default() };
        Ok(Engine::open(self.store.connect().await?, options).await?)
    }
}

/// Runs a future on the runtime that engines need.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    flow_engine::runtime().map_err(|error| Failure::system(format!("no threads: {error}")))?.block_on(future)
}
