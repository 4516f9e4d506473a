//! The threads that run a process's tasks.

use tokio::runtime::{Builder, Runtime};

use crate::error::{Error, Result};

/// As many workers as the machine has cores.
pub(super) fn runtime() -> Result<Runtime> {
    Builder::new_multi_thread()
        .thread_name("rutile")
        .thread_stack_size(rutile_kv_env::THREAD_STACK_BYTES)
        .enable_all()
        .build()
        .map_err(|source| Error::Io { what: "threads", source })
}
