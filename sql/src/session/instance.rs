//! The SQL node: everything its sessions share.

use std::sync::Arc;
use std::sync::Weak;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rutile_kv_client::{Client, TransactionOptions};
use rutile_kv_env::{BoxFuture, Env, Monotonic, TaskHandle};

use super::prepared::PreparedCount;
use super::processlist::ProcessList;
use super::session::Session;
use super::state::SessionInfo;
use super::status::StatusCounters;
use crate::catalog::InfoSchema;
use crate::config::InstanceConfig;
use crate::domain::{self, MetadataLocks, SchemaCache, TableLocks};
use crate::error::{Result, SqlError};
use crate::executor::QueryEngine;
use crate::memory::ServerMemory;
use crate::meta::MetaTransaction;
use crate::meta::auto_id::AutoIds;
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
    status: StatusCounters,
    query_engine: Arc<QueryEngine>,
    memory: Arc<ServerMemory>,
    /// One DDL statement runs at a time.
    ddl_turn: tokio::sync::Mutex<()>,
    started: Monotonic,
    closing: AtomicBool,
    tasks: Mutex<Vec<TaskHandle>>,
}

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
        let global_variables = GlobalVariables::new(&config.facts, config.memory);
        let reader = MetaTransaction::new(client.begin(TransactionOptions::default()).await?);
        for (name, value) in reader.global_variables().await? {
            if let Err(error) = global_variables.restore(&name, &value) {
                tracing::warn!(name, value, %error, "a persisted system variable is ignored");
            }
        }
        let started = env.clock.now();
        let query_engine = Arc::new(QueryEngine::new(env.clone(), &config.spill)?);
        let instance = Self(Arc::new(Shared {
            env,
            schema_cache,
            metadata_locks: Arc::new(MetadataLocks::default()),
            table_locks: TableLocks::default(),
            auto_ids: AutoIds::new(client.clone()),
            client,
            memory: Arc::new(ServerMemory::new(config.memory)),
            config,
            global_variables,
            processes: ProcessList::default(),
            prepared_count: Arc::default(),
            query_engine,
            status: StatusCounters::default(),
            ddl_turn: tokio::sync::Mutex::new(()),
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

    pub fn ddl_turn(&self) -> &tokio::sync::Mutex<()> {
        &self.0.ddl_turn
    }

    pub fn uptime_seconds(&self) -> u64 {
        self.0.env.clock.now().saturating_since(self.0.started).as_secs()
    }
}
