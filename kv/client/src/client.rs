//! The client as one object.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::RwLock;
use rutile_kv_env::Env;
use rutile_kv_proto::kvrpcpb;
use rutile_kv_types::TimeStamp;
use rutile_pd_client::{LeaderRegion, PdClient, from_wire};

use crate::background::Background;
use crate::backoff::Backoff;
use crate::commit_limit::CommitLimit;
use crate::config::ClientConfig;
use crate::error::{Error, Result};
use crate::lock_resolver::LockResolver;
use crate::region::RegionCache;
use crate::replica_read::Replicas;
use crate::running::Running;
use crate::snapshot::Snapshot;
use crate::stores::{PlanForm, Stores};
use crate::transaction::{Transaction, TransactionOptions};

/// Begins transactions and snapshots. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    pub(crate) core: Arc<Core>,
}

/// What all parts of the client share.
pub(crate) struct Core {
    pub(crate) env: Env,
    pub(crate) config: ClientConfig,
    pub(crate) pd: PdClient,
    pub(crate) cache: RegionCache,
    pub(crate) resolver: LockResolver,
    pub(crate) background: Background,
    pub(crate) running: Arc<Running>,
    pub(crate) replicas: Replicas,
    /// For transactions that begin from now on.
    commit_limit: RwLock<Option<Arc<CommitLimit>>>,
    plan_form: PlanForm,
}

impl Client {
    pub fn new(env: Env, pd: PdClient, stores: Arc<dyn Stores>) -> Client {
        Client::with_config(env, pd, stores, ClientConfig::default())
    }

    pub fn with_config(env: Env, pd: PdClient, stores: Arc<dyn Stores>, config: ClientConfig) -> Client {
        let core = Core {
            commit_limit: RwLock::default(),
            plan_form: stores.plan_form(),
            cache: RegionCache::new(pd.clone(), stores),
            resolver: LockResolver::new(),
            background: Background::new(),
            running: Arc::default(),
            replicas: Replicas::default(),
            env,
            config,
            pd,
        };
        Client { core: Arc::new(core) }
    }

    pub fn pd(&self) -> &PdClient {
        &self.core.pd
    }

    pub fn env(&self) -> &Env {
        &self.core.env
    }

    /// A timestamp larger than that of every commit that returned before.
    pub async fn timestamp(&self) -> Result<TimeStamp> {
        Ok(self.core.pd.timestamp().await?)
    }

    /// How plans travel to the stores.
    pub fn plan_form(&self) -> PlanForm {
        self.core.plan_form
    }

    /// Transactions that begin from now on commit only up to the end of this limit, wherever it is by then.
    pub fn limit_commits(&self, limit: Arc<CommitLimit>) {
        *self.core.commit_limit.write() = Some(limit);
    }

    pub async fn begin(&self, options: TransactionOptions) -> Result<Transaction> {
        // Before its start: a limit that comes meanwhile is of a later lease.
        let limit = self.core.commit_limit.read().clone();
        self.begin_under(options, limit).await
    }

    /// A transaction that may commit at any time: one that renews a lease, say.
    pub async fn begin_unlimited(&self, options: TransactionOptions) -> Result<Transaction> {
        self.begin_under(options, None).await
    }

    async fn begin_under(
        &self,
        options: TransactionOptions,
        limit: Option<Arc<CommitLimit>>,
    ) -> Result<Transaction> {
        if self.core.background.is_closed() {
            return Err(Error::Closed);
        }
        let beginning = self.core.running.begin();
        let start_ts = self.timestamp().await?;
        let transaction = Transaction::new(Arc::clone(&self.core), start_ts, &options, limit);
        beginning.end(start_ts);
        Ok(transaction)
    }

    /// The data as committed at `ts`.
    pub fn snapshot(&self, ts: TimeStamp) -> Snapshot {
        Snapshot::new(Arc::clone(&self.core), ts)
    }

    /// Splits regions at these user keys. Keys that are boundaries already change nothing.
    pub async fn split_region(&self, keys: &[Bytes]) -> Result<()> {
        let mut backoff = Backoff::new("split region", self.core.config.retry_budget);
        for key in keys {
            let region = self.core.cache.locate(key).await?;
            if region.range.start == *key {
                continue;
            }
            let answer = self
                .core
                .call(&mut backoff, key, |region| {
                    let service = Arc::clone(&region.service);
                    let request = kvrpcpb::SplitRegionRequest {
                        context: region.context(),
                        split_keys: vec![key.clone()],
                        is_raw_kv: false,
                    };
                    async move { service.split_region(request).await }
                })
                .await?;
            for region in answer.regions.iter().map(from_wire::region) {
                let leader = region.peers.first().cloned();
                self.core.cache.insert(LeaderRegion { region, leader })?;
            }
        }
        Ok(())
    }

    /// Waits until all background work of committed transactions is done; no transaction begins afterwards.
    pub async fn close(&self) {
        self.core.background.close().await;
    }
}
