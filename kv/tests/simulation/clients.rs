//! Client machines with programs that run workloads, and the verdict on all of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use rutile_kv_client::{Client, Error};
use rutile_kv_env::{Env, Machine, TaskHandle};
use rutile_kv_types::ErrorClass;

use crate::history::History;
use crate::session::{Moments, Session};
use crate::workload::Workload;
use crate::world::World;

const PROGRAMS_PER_CLIENT: usize = 3;
const PAUSE_MS: std::ops::Range<u64> = 0..80;

/// Shared by all clients of a run.
pub struct Clients {
    world: World,
    pub history: Arc<History>,
    moments: Moments,
    workloads: Vec<Box<dyn Workload>>,
    stop: AtomicBool,
    programs: Mutex<Vec<TaskHandle>>,
    /// How often each kind of error was seen.
    errors: Mutex<BTreeMap<&'static str, u64>>,
}

impl Clients {
    pub fn new(world: &World, workloads: Vec<Box<dyn Workload>>) -> Arc<Clients> {
        Arc::new(Clients {
            world: world.clone(),
            history: Arc::default(),
            moments: Moments::default(),
            workloads,
            stop: AtomicBool::new(false),
            programs: Mutex::default(),
            errors: Mutex::default(),
        })
    }

    pub fn session(&self, client: Client, env: Env) -> Session {
        let styles = Arc::new(self.world.shape.styles.clone());
        Session { client, env, history: self.history.clone(), moments: self.moments.clone(), styles }
    }

    /// Prepares the workloads in fair weather.
    pub async fn open(&self, session: &Session) {
        for workload in &self.workloads {
            while workload.open(session).await.is_err() {}
        }
    }

    /// Turns a client's machine on and starts its programs.
    pub fn start_client(self: &Arc<Self>, machine: &Machine) {
        let env = machine.power_on();
        for _ in 0..PROGRAMS_PER_CLIENT {
            let (clients, spawn) = (self.clone(), env.spawn.clone());
            let (env, machine) = (env.clone(), machine.clone());
            let program = async move {
                while !clients.stop.load(Ordering::SeqCst) {
                    if let Ok(client) = clients.world.client(&machine, &env).await {
                        return clients.run(clients.session(client, env)).await;
                    }
                }
            };
            self.programs.lock().push(spawn.spawn("program", Box::pin(program)));
        }
    }

    async fn run(&self, session: Session) {
        while !self.stop.load(Ordering::SeqCst) {
            if self.world.shape.splits && session.random().one_in(10) {
                // It may have been split there already, or PD may be away.
                let _ = session.client.split_region(&[some_key(&session)]).await;
            }
            let workload = session.random().range(0..self.workloads.len() as u64) as usize;
            if let Err(error) = self.workloads[workload].step(&session).await {
                self.note(&error);
            }
            session.env.clock.sleep(Duration::from_millis(session.random().range(PAUSE_MS))).await;
        }
        session.client.close().await;
    }

    fn note(&self, error: &Error) {
        assert_ne!(error.class(), ErrorClass::Bug, "a client was told what it should not see: {error}");
        let kind = match error {
            Error::WriteConflict { .. } => "write conflict",
            Error::AlreadyExists { .. } => "already exists",
            Error::KeyLocked { .. } => "key locked",
            Error::LockWaitTimeout { .. } => "lock wait timeout",
            Error::LockNoWait { .. } => "lock no wait",
            Error::Deadlock { .. } => "deadlock",
            Error::Undetermined { .. } => "undetermined",
            Error::RolledBack { .. } => "rolled back",
            Error::Backoff { .. } => "budget used up",
            Error::Pd(_) => "PD",
            other => panic!("a client was told what it should not see: {other}"),
        };
        *self.errors.lock().entry(kind).or_default() += 1;
    }

    pub fn errors(&self) -> BTreeMap<&'static str, u64> {
        self.errors.lock().clone()
    }

    /// What the workloads are about, in their order.
    pub fn counts(&self) -> Vec<u64> {
        self.workloads.iter().map(|workload| workload.count()).collect()
    }

    /// No new transactions; waits for those under way. Programs that lost their power have ended already.
    pub async fn finish(&self) {
        self.stop.store(true, Ordering::SeqCst);
        let programs = std::mem::take(&mut *self.programs.lock());
        for program in programs {
            program.join().await;
        }
    }

    /// Everything that was told is true, and replicas agree.
    pub async fn check(&self, session: &Session) {
        // The last looks also resolve what dead clients left.
        for workload in self.workloads.iter().chain(&self.workloads) {
            while workload.close(session).await.is_err() {}
        }
        self.workloads.iter().for_each(|workload| workload.judge());
        self.history.check(&session.client).await;
        session.client.close().await;
        crate::replicas::wait_until_equal(&self.world, &session.env, session.client.pd()).await;
    }
}

/// A key of any workload.
pub fn some_key(session: &Session) -> Bytes {
    let n = session.random().range(0..8);
    match session.random().range(0..6) {
        0 => Bytes::from(format!("account-{n}")),
        1 => Bytes::from(format!("register-{n}")),
        2 => Bytes::from(format!("list-{n}")),
        3 => Bytes::from(format!("counter-{n}")),
        4 => Bytes::from(format!("switch-{}-{}", n / 2, n % 2)),
        _ => Bytes::from(format!("set-{:03}", session.random().range(0..1_000))),
    }
}
