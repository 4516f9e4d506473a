//! The machine: operating system clocks, operating system randomness, a Tokio runtime, the file system.

mod clock;
mod disk;
mod random;
mod spawn;

use std::sync::Arc;

pub use spawn::THREAD_STACK_BYTES;

use crate::{Env, Hooks};

pub(crate) fn env(runtime: Option<tokio::runtime::Handle>) -> Env {
    Env {
        clock: Arc::new(clock::RealClock::new()),
        random: Arc::new(random::RealRandom),
        spawn: Arc::new(spawn::RealSpawn::new(runtime)),
        disk: Arc::new(disk::RealDisk),
        hooks: Hooks::default(),
    }
}
