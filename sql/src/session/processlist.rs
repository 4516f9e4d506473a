//! Who is connected and what they run; KILL.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use rutile_kv_env::Monotonic;
use rutile_sql_types::MySqlError;
use tokio::sync::Notify;

use super::state::SessionInfo;

/// MySQL's default of `lock_wait_timeout`, for work no session waits for.
const LOCK_WAIT_TIMEOUT_S: u64 = 31_536_000;

/// What a session is doing.
#[derive(Debug, Clone)]
struct Activity {
    database: Option<String>,
    /// `Query`, `Sleep`, `Execute` …
    command: &'static str,
    since: Monotonic,
    /// The statement's own bytes, shared with the text it came in.
    statement: Option<Bytes>,
    /// Number of the statement that ran last.
    run: u64,
}

/// One connection in the list.
#[derive(Debug)]
pub struct Process {
    pub id: u64,
    pub user: String,
    pub host: String,
    activity: Mutex<Activity>,
    /// Set by KILL QUERY, cleared when the next statement starts. Long loops look at it.
    query_killed: Arc<AtomicBool>,
    connection_killed: AtomicBool,
    /// Somebody asked for that, by KILL or a time limit: the client has not just gone.
    ordered: AtomicBool,
    killed: Notify,
}

impl Process {
    pub(super) fn start(&self, command: &'static str, statement: Option<Bytes>, now: Monotonic) {
        let mut activity = self.activity.lock();
        activity.command = command;
        activity.statement = statement;
        activity.since = now;
        activity.run += 1;
        let killed = self.is_connection_killed();
        self.query_killed.store(killed, Ordering::Release);
        if !killed {
            self.ordered.store(false, Ordering::Release);
        }
    }

    /// The number of the running statement, for whoever ends it later.
    pub(super) fn run(&self) -> u64 {
        self.activity.lock().run
    }

    /// The statement of that number has ended, unless another one runs by now. A KILL that comes meanwhile stays in
    /// force until the next one starts.
    pub(super) fn finish(&self, run: u64, now: Monotonic) {
        let mut activity = self.activity.lock();
        if activity.run == run {
            activity.command = "Sleep";
            activity.statement = None;
            activity.since = now;
        }
    }

    pub(super) fn set_database(&self, database: Option<String>) {
        self.activity.lock().database = database;
    }

    /// The flag that running statements watch.
    pub fn kill_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.query_killed)
    }

    pub fn is_query_killed(&self) -> bool {
        self.query_killed.load(Ordering::Acquire)
    }

    pub fn is_connection_killed(&self) -> bool {
        self.connection_killed.load(Ordering::Acquire)
    }

    /// Completes when the running statement or the connection is killed.
    pub async fn killed(&self) {
        loop {
            let notified = self.killed.notified();
            if self.is_query_killed() || self.is_connection_killed() {
                return;
            }
            notified.await;
        }
    }

    /// Completes when the connection is killed; a KILL QUERY is not for an idle one.
    pub async fn connection_killed(&self) {
        loop {
            let notified = self.killed.notified();
            if self.is_connection_killed() {
                return;
            }
            notified.await;
        }
    }

    /// Completes when somebody wants an end of the statement: not when its client is gone, who may have sent it as the
    /// last word (COMMIT).
    pub async fn ordered_to_end(&self) {
        loop {
            let notified = self.killed.notified();
            if self.ordered.load(Ordering::Acquire) {
                return;
            }
            notified.await;
        }
    }

    /// Whether somebody, not the absence of its client, ended the connection.
    pub fn was_connection_ordered_to_end(&self) -> bool {
        self.is_connection_killed() && self.ordered.load(Ordering::Acquire)
    }

    fn kill(&self, connection: bool) {
        self.ordered.store(true, Ordering::Release);
        self.end(connection);
    }

    fn end(&self, connection: bool) {
        if connection {
            self.connection_killed.store(true, Ordering::Release);
        }
        self.query_killed.store(true, Ordering::Release);
        self.killed.notify_waiters();
    }
}

/// A line of SHOW PROCESSLIST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessSnapshot {
    pub id: u64,
    pub user: String,
    pub host: String,
    pub database: Option<String>,
    pub command: &'static str,
    pub seconds: u64,
    pub statement: Option<String>,
}

#[derive(Debug, Default)]
pub struct ProcessList {
    processes: Mutex<BTreeMap<u64, Arc<Process>>>,
}

impl ProcessList {
    /// One more connection; error 1203 if its user has `user_max` already, 0 being no limit.
    pub(super) fn register(
        &self,
        info: &SessionInfo,
        now: Monotonic,
        user_max: u64,
    ) -> Result<Arc<Process>, MySqlError> {
        let process = Arc::new(Process {
            id: info.connection_id,
            user: info.user.clone(),
            host: info.host.clone(),
            activity: Mutex::new(Activity {
                database: info.database.clone(),
                command: "Sleep",
                since: now,
                statement: None,
                run: 0,
            }),
            query_killed: Arc::new(AtomicBool::new(false)),
            connection_killed: AtomicBool::new(false),
            ordered: AtomicBool::new(false),
            killed: Notify::new(),
        });
        let mut processes = self.processes.lock();
        if user_max > 0 {
            let present = processes.values().filter(|other| other.user == info.user).count();
            if present as u64 >= user_max {
                return Err(MySqlError::too_many_user_connections(&info.user));
            }
        }
        processes.insert(process.id, Arc::clone(&process));
        Ok(process)
    }

    pub(super) fn remove(&self, id: u64) {
        self.processes.lock().remove(&id);
    }

    pub fn len(&self) -> usize {
        self.processes.lock().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// KILL: false if there is no such connection.
    pub fn kill(&self, id: u64, query_only: bool) -> bool {
        let process = self.processes.lock().get(&id).map(Arc::clone);
        match process {
            Some(process) => {
                process.kill(!query_only);
                true
            }
            None => false,
        }
    }

    /// The client of a connection is gone: what runs for it ends, but for a COMMIT that it has sent.
    pub fn abandon(&self, id: u64) {
        let process = self.processes.lock().get(&id).map(Arc::clone);
        if let Some(process) = process {
            process.end(true);
        }
    }

    /// KILL of every connection; answers how many there were.
    pub fn kill_all(&self) -> usize {
        let processes: Vec<Arc<Process>> = self.processes.lock().values().map(Arc::clone).collect();
        processes.iter().for_each(|process| process.kill(true));
        processes.len()
    }

    pub fn snapshot(&self, now: Monotonic) -> Vec<ProcessSnapshot> {
        let processes: Vec<Arc<Process>> = self.processes.lock().values().map(Arc::clone).collect();
        processes
            .into_iter()
            .map(|process| {
                let activity = process.activity.lock().clone();
                ProcessSnapshot {
                    id: process.id,
                    user: process.user.clone(),
                    host: process.host.clone(),
                    database: activity.database,
                    command: activity.command,
                    seconds: now.saturating_since(activity.since).as_secs(),
                    statement: activity.statement.map(|text| String::from_utf8_lossy(&text).into_owned()),
                }
            })
            .collect()
    }
}

/// Lets work that runs for a statement learn that the statement was killed.
#[derive(Debug, Clone)]
pub struct Cancellation {
    process: Option<Arc<Process>>,
    lock_wait_timeout_s: u64,
}

impl Cancellation {
    pub(super) fn of(process: &Arc<Process>, lock_wait_timeout_s: u64) -> Self {
        Self { process: Some(Arc::clone(process)), lock_wait_timeout_s }
    }

    /// Work nobody can kill.
    pub fn never() -> Self {
        Self { process: None, lock_wait_timeout_s: LOCK_WAIT_TIMEOUT_S }
    }

    pub fn is_cancelled(&self) -> bool {
        self.process.as_ref().is_some_and(|process| process.is_query_killed())
    }

    pub async fn cancelled(&self) {
        match &self.process {
            Some(process) => process.killed().await,
            None => std::future::pending().await,
        }
    }

    /// Seconds the statement waits for others.
    pub fn lock_wait_timeout_s(&self) -> u64 {
        self.lock_wait_timeout_s
    }
}
