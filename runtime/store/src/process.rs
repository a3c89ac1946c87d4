//! Who this process is, for other processes that find its leases.

use crate::Owner;
use uuid::Uuid;

/// A new worker identity of this process.
pub(crate) fn this_process() -> Owner {
    let formats = flow_machine::FORMATS;
    Owner { worker: Uuid::new_v4(), pid: std::process::id(), host: host_name(), formats }
}

#[cfg(unix)]
fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn host_name() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_else(|_| "localhost".into())
}
