//! The list of nodes: join, renew, leave, and who is no longer in it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use rutile_kv_client::{Client, Error as StoreError, ScanOptions, Transaction, TransactionOptions};
use rutile_kv_env::{Env, Monotonic};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::config::ClusterConfig;
use super::lease::Lease;
use super::record::{HeldSchema, NodeRecord, SeenLocks, next_id};
use super::table_locks::{self, TableLocksTold};
use crate::error::{Error, Result};
use crate::meta::keys;

/// Attempts that may lose to other nodes before an operation gives up.
const ATTEMPTS_MAX: usize = 64;

/// This node among the others.
pub struct Membership {
    env: Env,
    client: Client,
    pub(super) config: ClusterConfig,
    state: Mutex<State>,
    /// Also read where nothing is to be locked: connections get their ids from it.
    id: Arc<AtomicU32>,
    /// Schema changes are this node's to run, until it gives that back.
    pub(super) owns_ddl: AtomicBool,
    /// Jobs of others are being finished.
    pub(super) finishing: AtomicBool,
    /// Jobs that this process works on in the background.
    reclaiming: Mutex<BTreeSet<i64>>,
    /// LOCK TABLES, as the other nodes were told.
    pub(super) table_locks: TableLocksTold,
}

struct State {
    uuid: String,
    lease: Arc<Lease>,
    /// What the list says of this node.
    told: NodeRecord,
}

/// What became of an attempt to renew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Renewed {
    Yes,
    /// The others took this node from the list.
    Lost,
}

impl Membership {
    /// Joins the list. From here on the transactions of `client` commit only under the lease.
    pub async fn join(env: Env, client: Client, config: ClusterConfig, schema_version: i64) -> Result<Self> {
        let (told, lease) = enter(&env, &client, &config, schema_version).await?;
        client.limit_commits(Arc::clone(&lease.limit));
        let id = Arc::new(AtomicU32::new(told.id));
        let state = Mutex::new(State { uuid: told.uuid.clone(), lease: Arc::new(lease), told });
        tracing::info!(node = id.load(Ordering::Relaxed), name = config.name, "joined the SQL nodes");
        Ok(Self {
            env,
            client,
            config,
            state,
            id,
            owns_ddl: AtomicBool::new(false),
            finishing: AtomicBool::new(false),
            reclaiming: Mutex::default(),
            table_locks: TableLocksTold::default(),
        })
    }

    /// Comes again after the others took this node from the list, as another node.
    pub(super) async fn join_again(&self, schema_version: i64) -> Result<()> {
        let (told, lease) = enter(&self.env, &self.client, &self.config, schema_version).await?;
        // Before transactions begin under the new lease: a schema change that was under way is another node's by now.
        self.owns_ddl.store(false, Ordering::Release);
        self.client.limit_commits(Arc::clone(&lease.limit));
        self.id.store(told.id, Ordering::Release);
        tracing::warn!(node = told.id, name = self.config.name, "joined the SQL nodes again");
        *self.state.lock() = State { uuid: told.uuid.clone(), lease: Arc::new(lease), told };
        Ok(())
    }

    /// Where the node's present id can be read.
    pub fn id_source(&self) -> Arc<AtomicU32> {
        Arc::clone(&self.id)
    }

    pub fn id(&self) -> u32 {
        self.id.load(Ordering::Acquire)
    }

    pub(super) fn uuid(&self) -> String {
        self.state.lock().uuid.clone()
    }

    /// Whether the lease holds: if not, statements must not count on the catalog they know.
    pub fn is_valid(&self) -> bool {
        let now = self.env.clock.now();
        self.state.lock().lease.is_valid(now)
    }

    /// Whether the list says something else of this node than this.
    pub(super) fn is_told(&self, schema_version: i64, held: &HeldSchema, locks: &SeenLocks) -> bool {
        let told = &self.state.lock().told;
        told.schema_version == schema_version && told.held == *held && told.locks == *locks
    }

    /// Renews the lease, and says which catalog is in use and which locks of others are known.
    pub(super) async fn renew(
        &self,
        schema_version: i64,
        held: HeldSchema,
        locks: SeenLocks,
    ) -> Result<Renewed> {
        let (uuid, lease, id) = {
            let state = self.state.lock();
            (state.uuid.clone(), Arc::clone(&state.lease), state.told.id)
        };
        let asked = self.env.clock.now();
        let mut transaction = self.client.begin_unlimited(TransactionOptions::default()).await?;
        let stored: Option<NodeRecord> = get(&transaction, &keys::sql_node(id)).await?;
        let Some(mut record) = stored.filter(|record| record.uuid == uuid) else {
            return Ok(Renewed::Lost);
        };
        record.expires_ms = expiry(&transaction, &self.config);
        (record.schema_version, record.held, record.locks) = (schema_version, held, locks);
        put(&mut transaction, keys::sql_node(id), &record)?;
        transaction.commit().await?;
        lease.extend(record.expires_ms, asked, self.config.lease.saturating_sub(self.config.margin));
        self.state.lock().told = record;
        Ok(Renewed::Yes)
    }

    /// All nodes in the list, and the millisecond of PD's timestamps at which they were in it.
    pub async fn nodes(&self) -> Result<(Vec<NodeRecord>, u64)> {
        let transaction = self.client.begin_unlimited(TransactionOptions::default()).await?;
        let nodes = list(&transaction).await?;
        Ok((nodes, transaction.start_ts().physical()))
    }

    /// Takes a node from the list whose lease has ended. False if it renewed it meanwhile.
    pub(super) async fn expel(&self, node: &NodeRecord) -> Result<bool> {
        let mut transaction = self.client.begin_unlimited(TransactionOptions::default()).await?;
        let stored: Option<NodeRecord> = get(&transaction, &keys::sql_node(node.id)).await?;
        let Some(stored) = stored.filter(|stored| stored.uuid == node.uuid) else {
            return Ok(true);
        };
        if !stored.is_expired(transaction.start_ts().physical()) {
            return Ok(false);
        }
        transaction.delete(keys::sql_node(node.id));
        match transaction.commit().await {
            Ok(_) => {
                tracing::warn!(
                    node = node.id,
                    name = node.name,
                    "a SQL node was not heard of and is off the list"
                );
                Ok(true)
            }
            Err(error) if lost_a_race(&error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Leaves the list: others need not wait for the lease to end. Nothing of this node may run any more.
    pub async fn leave(&self) -> Result<()> {
        let (uuid, id) = (self.uuid(), self.id());
        for _ in 0..ATTEMPTS_MAX {
            let mut transaction = self.client.begin_unlimited(TransactionOptions::default()).await?;
            let stored: Option<NodeRecord> = get(&transaction, &keys::sql_node(id)).await?;
            if stored.is_none_or(|stored| stored.uuid != uuid) {
                return Ok(());
            }
            transaction.delete(keys::sql_node(id));
            table_locks::drop_own(&mut transaction, &uuid).await?;
            let owner: Option<String> = get(&transaction, &keys::ddl_owner()).await?;
            if owner.as_ref() == Some(&uuid) {
                transaction.delete(keys::ddl_owner());
            }
            match transaction.commit().await {
                Ok(_) => {
                    self.client.release_gc_safe_point(&self.gc_service()).await?;
                    return Ok(());
                }
                Err(error) if lost_a_race(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::internal("could not leave the list of SQL nodes: too many conflicts"))
    }

    /// The name under which this node holds back garbage collection.
    pub(super) fn gc_service(&self) -> String {
        format!("sql-{}", self.uuid())
    }

    /// Whether this node does what one of all has to do: it has the smallest id.
    pub async fn is_first(&self) -> Result<bool> {
        let (nodes, now_ms) = self.nodes().await?;
        let first = nodes.iter().find(|node| !node.is_expired(now_ms));
        Ok(first.is_some_and(|first| first.uuid == self.uuid()))
    }

    /// This process starts to work on a job; false if it does already.
    pub(crate) fn begin_reclaim(&self, job: i64) -> bool {
        self.reclaiming.lock().insert(job)
    }

    pub(crate) fn end_reclaim(&self, job: i64) {
        self.reclaiming.lock().remove(&job);
    }

    pub(crate) fn reclaims(&self, job: i64) -> bool {
        self.reclaiming.lock().contains(&job)
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn env(&self) -> &Env {
        &self.env
    }

    pub(super) fn new_uuid(&self) -> String {
        new_uuid(&self.env)
    }
}

/// Writes a record under a free id.
async fn enter(
    env: &Env,
    client: &Client,
    config: &ClusterConfig,
    schema_version: i64,
) -> Result<(NodeRecord, Lease)> {
    let uuid = new_uuid(env);
    for _ in 0..ATTEMPTS_MAX {
        let asked: Monotonic = env.clock.now();
        let mut transaction = client.begin_unlimited(TransactionOptions::default()).await?;
        let now_ms = transaction.start_ts().physical();
        let nodes = list(&transaction).await?;
        for gone in nodes.iter().filter(|node| node.is_expired(now_ms)) {
            transaction.delete(keys::sql_node(gone.id));
        }
        let last: u32 = get(&transaction, &keys::last_sql_node()).await?.unwrap_or(0);
        let taken = nodes.iter().map(|node| node.id).collect();
        let id = next_id(last, &taken).ok_or_else(|| Error::internal("too many SQL nodes"))?;
        let record = NodeRecord {
            id,
            uuid: uuid.clone(),
            name: config.name.clone(),
            expires_ms: expiry(&transaction, config),
            schema_version,
            held: HeldSchema::default(),
            locks: SeenLocks::default(),
        };
        put(&mut transaction, keys::sql_node(id), &record)?;
        put(&mut transaction, keys::last_sql_node(), &id)?;
        // Letters to whoever had the id before.
        for range in [keys::letters_to(id), keys::answers_to(id)] {
            for (key, _) in pairs(&transaction, range).await? {
                transaction.delete(key);
            }
        }
        match transaction.commit().await {
            Ok(_) => {
                let lasts = config.lease.saturating_sub(config.margin);
                let lease = Lease::new(record.expires_ms, asked, lasts);
                return Ok((record, lease));
            }
            Err(error) if lost_a_race(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::internal("could not join the SQL nodes: too many conflicts"))
}

fn expiry(transaction: &Transaction, config: &ClusterConfig) -> u64 {
    let lease_ms = u64::try_from(config.lease.as_millis()).unwrap_or(u64::MAX);
    transaction.start_ts().physical().saturating_add(lease_ms)
}

fn new_uuid(env: &Env) -> String {
    let mut bytes = [0; 16];
    env.random.fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) async fn list(transaction: &Transaction) -> Result<Vec<NodeRecord>> {
    pairs(transaction, keys::sql_nodes()).await?.iter().map(|(_, value)| decode(value)).collect()
}

pub(super) async fn pairs(
    transaction: &Transaction,
    range: rutile_kv_types::KeyRange,
) -> Result<Vec<(Bytes, Bytes)>> {
    let mut scanner = transaction.scan(range, ScanOptions::default());
    let mut pairs = Vec::new();
    while let Some(pair) = scanner.next().await? {
        pairs.push(pair);
    }
    Ok(pairs)
}

pub(super) async fn get<T: DeserializeOwned>(transaction: &Transaction, key: &[u8]) -> Result<Option<T>> {
    transaction.get(key).await?.map(|value| decode(&value)).transpose()
}

pub(super) fn put<T: Serialize>(transaction: &mut Transaction, key: Bytes, value: &T) -> Result<()> {
    let value = serde_json::to_vec(value).map_err(|error| Error::internal(error.to_string()))?;
    transaction.put(key, Bytes::from(value));
    Ok(())
}

pub(super) fn decode<T: DeserializeOwned>(value: &[u8]) -> Result<T> {
    serde_json::from_slice(value).map_err(|error| Error::corrupt(format!("entry of a SQL node: {error}")))
}

/// Nothing was written, and another attempt reads what came first.
pub(super) fn lost_a_race(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::WriteConflict { .. } | StoreError::KeyLocked { .. } | StoreError::RolledBack { .. }
    )
}
