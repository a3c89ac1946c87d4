//! Programs: stored beside the instances, compiled when first needed, several versions side by side.

use crate::error::EngineError;
use crate::options::ExecutorKind;
use crate::platform;
use flow_codegen::NativeExecutor;
use flow_machine::rows::ProgramHash;
use flow_mir::Interpreter;
use flow_mir::{Executor, Program};
use flow_store::Store;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Compiled programs, by hash.
pub(crate) struct Programs {
    store: Arc<dyn Store>,
    kind: ExecutorKind,
    ready: Mutex<HashMap<ProgramHash, Arc<dyn Executor>>>,
    /// The program put last, with its hash: encoding it anew for each start would cost more than the start.
    last: Mutex<Option<(Arc<Program>, ProgramHash)>>,
}

impl Programs {
    pub(crate) fn new(store: Arc<dyn Store>, kind: ExecutorKind) -> Programs {
        Programs { store, kind, ready: Mutex::default(), last: Mutex::default() }
    }

    /// A program that is compiled already.
    pub(crate) fn ready(&self, hash: &ProgramHash) -> Option<Arc<dyn Executor>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).get(hash).cloned()
    }

    fn put_last(&self, program: &Arc<Program>) -> Option<(ProgramHash, Arc<dyn Executor>)> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, hash) = last.as_ref().filter(|(known, _)| Arc::ptr_eq(known, program))?;
        self.ready(hash).map(|executor| (*hash, executor))
    }

    /// Two who compile the same program at once end up with one of them.
    fn keep(&self, hash: ProgramHash, executor: Arc<dyn Executor>) -> Arc<dyn Executor> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).entry(hash).or_insert(executor).clone()
    }

    /// Stores a program, if it is new, and makes it ready to run.
    pub(crate) async fn put(
        &self,
        program: &Arc<Program>,
    ) -> Result<(ProgramHash, Arc<dyn Executor>), EngineError> {
        if let Some((hash, executor)) = self.put_last(program) {
            return Ok((hash, executor));
        }
        let (artifact, hash) = program.encode().map_err(|error| bad_program(&[0; 32], &error))?;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((program.clone(), hash.0));
        if let Some(executor) = self.ready(&hash.0) {
            return Ok((hash.0, executor));
        }
        self.store.put_program(&hash.0, &artifact).await?;
        let executor = compile(self.kind, program.clone()).map_err(|reason| bad_program(&hash.0, &reason))?;
        Ok((hash.0, self.keep(hash.0, executor)))
    }

    /// A program of the store, for the instance `name`.
    pub(crate) async fn get(&self, hash: &ProgramHash, name: &str) -> Result<Arc<dyn Executor>, EngineError> {
        if let Some(executor) = self.ready(hash) {
            return Ok(executor);
        }
        let program = self.read(hash, name).await?;
        let executor = compile(self.kind, program).map_err(|reason| bad_program(hash, &reason))?;
        Ok(self.keep(*hash, executor))
    }

    /// A program of the store, not compiled.
    pub(crate) async fn read(&self, hash: &ProgramHash, name: &str) -> Result<Arc<Program>, EngineError> {
        let artifact = self.store.program(hash).await?;
        let artifact =
            artifact.ok_or_else(|| EngineError::ProgramMissing { name: name.to_owned(), hash: hex(hash) })?;
        let (program, found) = Program::decode(&artifact).map_err(|error| bad_program(hash, &error))?;
        if found.0 != *hash {
            return Err(bad_program(hash, &format!("the store has the program {found} in its place")));
        }
        Ok(Arc::new(program))
    }
}

fn compile(kind: ExecutorKind, program: Arc<Program>) -> Result<Arc<dyn Executor>, String> {
    platform::compute(|| match kind {
        ExecutorKind::Interpreter => Ok(Arc::new(Interpreter::new(program)) as Arc<dyn Executor>),
        ExecutorKind::Native => {
            let executor = NativeExecutor::compile(program).map_err(|error| error.to_string())?;
            Ok(Arc::new(executor) as Arc<dyn Executor>)
        }
    })
}

fn bad_program(hash: &ProgramHash, reason: &dyn std::fmt::Display) -> EngineError {
    EngineError::BadProgram { hash: hex(hash), reason: reason.to_string() }
}

/// A hash as people write it.
pub(crate) fn hex(hash: &ProgramHash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
