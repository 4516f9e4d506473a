//! Tokio tasks and operating system threads, counted by name.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::{BoxFuture, Spawn, TaskHandle, ThreadHandle};

/// Of each thread that runs tasks. Query plans and expressions are walked by recursion; memory is taken as it is used.
pub const THREAD_STACK_BYTES: usize = 16 << 20;

type Running = Arc<Mutex<BTreeMap<String, usize>>>;

pub(super) struct RealSpawn {
    handle: Option<Handle>,
    running: Running,
}

/// Used by processes that never started a runtime: command line tools and plain tests.
static OWN_RUNTIME: OnceLock<Runtime> = OnceLock::new();

impl RealSpawn {
    pub(super) fn new(runtime: Option<Handle>) -> RealSpawn {
        let handle = runtime.or_else(|| Handle::try_current().ok());
        RealSpawn { handle, running: Running::default() }
    }

    fn handle(&self) -> Handle {
        if let Some(handle) = &self.handle {
            return handle.clone();
        }
        let own = OWN_RUNTIME.get_or_init(|| {
            Builder::new_multi_thread()
                .enable_all()
                .thread_name("rutile-env")
                .thread_stack_size(THREAD_STACK_BYTES)
                .build()
                .expect("a process that can not start threads can not do anything else either")
        });
        own.handle().clone()
    }

    fn enter(&self, name: &str) -> RunningGuard {
        *self.running.lock().entry(name.to_owned()).or_default() += 1;
        RunningGuard { name: name.to_owned(), running: self.running.clone() }
    }
}

/// Counts one task or thread while it lives.
struct RunningGuard {
    name: String,
    running: Running,
}

impl Drop for RunningGuard {
    fn drop(&mut self) {
        let mut running = self.running.lock();
        if let Some(count) = running.get_mut(&self.name) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.name);
            }
        }
    }
}

impl Spawn for RealSpawn {
    fn spawn(&self, name: &'static str, future: BoxFuture<'static, ()>) -> TaskHandle {
        let (mut handle, mut token) = TaskHandle::new(name, Box::new(|| {}));
        let guard = self.enter(name);
        let task = self.handle().spawn(async move {
            // Both live in the future, so that abort and panic end them as well. The token goes last: whoever joins
            // must not find the task still counted.
            let guard = guard;
            future.await;
            drop(guard);
            token.finished();
        });
        let abort = task.abort_handle();
        handle.set_abort(Box::new(move || abort.abort()));
        handle
    }

    fn spawn_blocking(&self, name: &'static str, work: Box<dyn FnOnce() + Send>) -> TaskHandle {
        let (handle, mut token) = TaskHandle::new(name, Box::new(|| {}));
        let guard = self.enter(name);
        self.handle().spawn_blocking(move || {
            work();
            drop(guard);
            token.finished();
        });
        handle
    }

    fn has_threads(&self) -> bool {
        true
    }

    fn spawn_thread(&self, name: &str, work: Box<dyn FnOnce() + Send>) -> io::Result<ThreadHandle> {
        let guard = self.enter(name);
        // The runtime is entered so that code on the thread may create timers and sockets.
        let runtime = self.handle();
        let inner = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let _guard = guard;
            let _runtime = runtime.enter();
            work();
        })?;
        Ok(ThreadHandle::new(name.to_owned(), inner))
    }

    fn running(&self) -> Vec<(String, usize)> {
        self.running.lock().iter().map(|(name, count)| (name.clone(), *count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use crate::Env;
    use crate::spawn::TaskEnd;

    #[tokio::test]
    async fn a_task_is_listed_until_it_ends() {
        let env = Env::real();
        let (start, started) = tokio::sync::oneshot::channel::<()>();
        let task = env.spawn.spawn(
            "waiter",
            Box::pin(async move {
                started.await.expect("the test sends");
            }),
        );
        assert_eq!(env.spawn.running(), [("waiter".to_owned(), 1)]);
        start.send(()).expect("the task receives");
        assert_eq!(task.join().await, TaskEnd::Finished);
        assert_eq!(env.spawn.running(), []);
    }

    #[tokio::test]
    async fn an_aborted_and_a_panicked_task_tell_their_joiner() {
        let env = Env::real();
        let stuck = env.spawn.spawn("stuck", Box::pin(std::future::pending()));
        stuck.abort();
        assert_eq!(stuck.join().await, TaskEnd::Aborted);
        let broken = env.spawn.spawn("broken", Box::pin(async { panic!("expected by the test") }));
        assert_eq!(broken.join().await, TaskEnd::Panicked);
    }

    #[test]
    fn tasks_run_without_a_runtime_around() {
        let env = Env::real();
        let (sender, receiver) = mpsc::channel();
        let clock = env.clock.clone();
        env.spawn.spawn(
            "sender",
            Box::pin(async move {
                clock.sleep(std::time::Duration::from_millis(1)).await;
                sender.send(7).expect("the test receives");
            }),
        );
        assert_eq!(receiver.recv(), Ok(7));
        let thread = env.spawn.spawn_thread("worker", Box::new(|| {})).expect("threads can be started");
        thread.join().expect("the thread does nothing");
    }
}
