//! The SQL node: everything its sessions share.

use std::sync::Arc;
use std::sync::Weak;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use rutile_kv_client::{Client, Error as StoreError, TransactionOptions};
use rutile_kv_env::{BoxFuture, Env, Monotonic, TaskHandle};

use super::host_cache::HostCache;
use super::prepared::PreparedCount;
use super::processlist::{Cancellation, ProcessList};
use super::session::Session;
use super::state::SessionInfo;
use super::status::StatusCounters;
use crate::catalog::InfoSchema;
use crate::cluster::{self, Membership};
use crate::config::InstanceConfig;
use crate::domain::{self, MetadataLocks, SchemaCache, TableLocks};
use crate::error::{Error, Result, SqlError};
use crate::executor::QueryEngine;
use crate::memory::ServerMemory;
use crate::meta::auto_id::AutoIds;
use crate::meta::{MetaTransaction, keys};
use crate::variable::GlobalVariables;

struct Shared {
    env: Env,
    client: Client,
    config: InstanceConfig,
    schema_cache: SchemaCache,
    metadata_locks: Arc<MetadataLocks>,
    table_locks: TableLocks,
    auto_ids: AutoIds,
    global_variables: GlobalVariables,
    processes: ProcessList,
    prepared_count: Arc<PreparedCount>,
    host_cache: HostCache,
    status: StatusCounters,
    query_engine: Arc<QueryEngine>,
    memory: Arc<ServerMemory>,
    /// One DDL statement runs at a time.
    ddl_turn: tokio::sync::Mutex<()>,
    /// Set where other SQL nodes may use the same storage.
    membership: Option<Arc<Membership>>,
    started: Monotonic,
    closing: AtomicBool,
    tasks: Mutex<Vec<TaskHandle>>,
}

/// Nobody else runs DDL until it is dropped.
#[derive(Debug)]
pub struct DdlTurn<'a>(#[expect(dead_code, reason = "held until dropped")] tokio::sync::MutexGuard<'a, ()>);

/// A running SQL node; clones share it.
#[derive(Clone)]
pub struct Instance(Arc<Shared>);

/// Does not keep the node alive.
#[derive(Clone)]
pub struct WeakInstance(Weak<Shared>);

impl WeakInstance {
    pub fn upgrade(&self) -> Option<Instance> {
        self.0.upgrade().map(Instance)
    }
}

impl Instance {
    /// Reads the catalog, restores global variables, starts background duties.
    pub async fn open(env: Env, client: Client, config: InstanceConfig) -> Result<Self, SqlError> {
        Self::try_open(env, client, config).await.map_err(SqlError::from)
    }

    async fn try_open(env: Env, client: Client, config: InstanceConfig) -> Result<Self> {
        let schema_cache = SchemaCache::open(client.clone()).await?;
        let membership = match config.cluster.clone() {
            None => None,
            Some(cluster) => {
                let version = schema_cache.current().version();
                Some(Arc::new(Membership::join(env.clone(), client.clone(), cluster, version).await?))
            }
        };
        let global_variables = GlobalVariables::new(&config.facts, config.memory);
        let reader = MetaTransaction::new(client.begin(TransactionOptions::default()).await?);
        for (name, value) in reader.global_variables().await? {
            if let Err(error) = global_variables.restore(&name, &value) {
                tracing::warn!(name, value, %error, "a persisted system variable is ignored");
            }
        }
        let started = env.clock.now();
        let node = membership.is_some().then(|| env.random.range(1..u64::MAX));
        let query_engine = Arc::new(QueryEngine::new(env.clone(), &config.spill)?);
        let instance = Self(Arc::new(Shared {
            env,
            schema_cache,
            metadata_locks: Arc::new(MetadataLocks::default()),
            table_locks: TableLocks::default(),
            auto_ids: AutoIds::new(client.clone(), node),
            client,
            memory: Arc::new(ServerMemory::new(config.memory).watching(config.resident.clone())),
            config,
            global_variables,
            processes: ProcessList::default(),
            prepared_count: Arc::default(),
            host_cache: HostCache::default(),
            query_engine,
            status: StatusCounters::default(),
            ddl_turn: tokio::sync::Mutex::new(()),
            membership,
            started,
            closing: AtomicBool::new(false),
            tasks: Mutex::new(Vec::new()),
        }));
        domain::start(&instance).await?;
        Ok(instance)
    }

    /// A session for one connection.
    pub fn session(&self, info: SessionInfo) -> Result<Session, SqlError> {
        Session::new(self.clone(), info).map_err(SqlError::from)
    }

    /// Background work stops at its next step; open sessions end with their connections.
    pub fn close(&self) {
        self.0.closing.store(true, Ordering::Release);
        for task in self.0.tasks.lock().drain(..) {
            task.abort();
        }
    }

    /// Tells the other SQL nodes that this one is gone; it has no session any more.
    pub async fn leave(&self) -> Result<(), SqlError> {
        match &self.0.membership {
            Some(membership) => membership.leave().await.map_err(SqlError::from),
            None => Ok(()),
        }
    }

    pub fn is_closing(&self) -> bool {
        self.0.closing.load(Ordering::Acquire)
    }

    pub fn downgrade(&self) -> WeakInstance {
        WeakInstance(Arc::downgrade(&self.0))
    }

    /// Runs background work that ends with the instance.
    pub fn spawn(&self, name: &'static str, work: BoxFuture<'static, ()>) {
        let handle = self.0.env.spawn.spawn(name, work);
        let mut tasks = self.0.tasks.lock();
        tasks.retain(|task| !task.is_finished());
        tasks.push(handle);
    }

    pub fn env(&self) -> &Env {
        &self.0.env
    }

    pub fn client(&self) -> &Client {
        &self.0.client
    }

    pub fn config(&self) -> &InstanceConfig {
        &self.0.config
    }

    pub fn schema_cache(&self) -> &SchemaCache {
        &self.0.schema_cache
    }

    /// The newest catalog snapshot of this node.
    pub fn infoschema(&self) -> Arc<InfoSchema> {
        self.0.schema_cache.current()
    }

    pub fn metadata_locks(&self) -> &Arc<MetadataLocks> {
        &self.0.metadata_locks
    }

    /// LOCK TABLES.
    pub fn table_locks(&self) -> &TableLocks {
        &self.0.table_locks
    }

    pub fn auto_ids(&self) -> &AutoIds {
        &self.0.auto_ids
    }

    pub fn global_variables(&self) -> &GlobalVariables {
        &self.0.global_variables
    }

    pub fn processes(&self) -> &ProcessList {
        &self.0.processes
    }

    pub(super) fn prepared_count(&self) -> &Arc<PreparedCount> {
        &self.0.prepared_count
    }

    /// Statements prepared in all sessions, `Prepared_stmt_count`.
    pub fn prepared_statements(&self) -> u64 {
        self.0.prepared_count.get()
    }

    /// Addresses that connect and do not log in.
    pub fn host_cache(&self) -> &HostCache {
        &self.0.host_cache
    }

    pub fn status(&self) -> &StatusCounters {
        &self.0.status
    }

    /// What running queries hold of the memory limit.
    pub fn query_memory_bytes(&self) -> usize {
        self.0.memory.used()
    }

    /// Plans and runs queries.
    pub fn query_engine(&self) -> &Arc<QueryEngine> {
        &self.0.query_engine
    }

    /// What all statements and transactions of this node hold.
    pub fn memory(&self) -> &Arc<ServerMemory> {
        &self.0.memory
    }

    /// This node among others; `None` if it has the storage to itself.
    pub fn membership(&self) -> Option<&Arc<Membership>> {
        self.0.membership.as_ref()
    }

    /// Waits until this session may change the catalog, here and among the nodes.
    pub async fn ddl_turn(&self, cancellation: &Cancellation) -> Result<DdlTurn<'_>> {
        let timeout = self.0.env.clock.sleep(Duration::from_secs(cancellation.lock_wait_timeout_s()));
        let turn = tokio::select! {
            biased;
            turn = self.0.ddl_turn.lock() => turn,
            () = timeout => return Err(SqlError::lock_wait_timeout().into()),
            () = cancellation.cancelled() => return Err(SqlError::query_interrupted().into()),
        };
        cluster::take_turn(self, cancellation).await?;
        Ok(DdlTurn(turn))
    }

    /// The turn among the sessions of this node, if nobody has it.
    pub(crate) fn local_ddl_turn(&self) -> Option<DdlTurn<'_>> {
        self.0.ddl_turn.try_lock().ok().map(DdlTurn)
    }

    /// Fails if this node does not know the newest catalog for certain: nothing may rest on what it knows.
    pub(crate) fn check_lease(&self) -> Result<(), SqlError> {
        match &self.0.membership {
            Some(membership) if !membership.is_valid() => Err(SqlError::schema_lease_expired()),
            _ => Ok(()),
        }
    }

    /// KILL: false if there is no such connection, on any SQL node.
    pub async fn kill(&self, connection: u64, query_only: bool) -> Result<bool, SqlError> {
        cluster::kill(self, connection, query_only).await.map_err(SqlError::from)
    }

    /// How `user` proves who he is, in a form that the storage does not know.
    pub async fn account(&self, user: &str) -> Result<Option<Bytes>, SqlError> {
        let client = self.client();
        let read = async { client.snapshot(client.timestamp().await?).get(&keys::account(user)).await };
        read.await.map_err(|error| Error::from(error).into_sql())
    }

    /// Changes that for all SQL nodes. Of several that do so at the same time, as nodes that start together with a
    /// password do, the last one counts.
    pub async fn set_account(&self, user: &str, stored: Bytes) -> Result<(), SqlError> {
        loop {
            let write = async {
                let mut transaction = self.client().begin(TransactionOptions::default()).await?;
                transaction.put(keys::account(user), stored.clone());
                transaction.commit().await
            };
            match write.await {
                Err(StoreError::WriteConflict { .. }) => {}
                written => return written.map(drop).map_err(|error| Error::from(error).into_sql()),
            }
        }
    }

    pub fn uptime_seconds(&self) -> u64 {
        self.0.env.clock.now().saturating_since(self.0.started).as_secs()
    }
}
