//! A SQL node, or several, on one store and one placement driver, all in this process and in memory.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use rutile_kv::Store;
use rutile_kv_client::{Client, PlanForm, StaticStores, Stores};
use rutile_kv_engine::{MemoryEngine, MemoryRaftLog};
use rutile_kv_env::Env;
use rutile_kv_proto::{PdService, Status, TikvService};
use rutile_pd::{Member, PdConfig};
use rutile_pd_client::PdClient;
use rutile_sql::{Instance, InstanceConfig, Outcome, Rows, Script, Session, SessionInfo, SqlError};

pub struct Cluster {
    env: Env,
    pub client: Client,
    pd: PdClient,
    stores: Arc<dyn Stores>,
    store: Store,
    pub instance: Instance,
    _dir: tempfile::TempDir,
}

impl Cluster {
    pub async fn start() -> Self {
        Self::start_with(InstanceConfig::default()).await
    }

    /// The same with a configuration of the SQL node.
    pub async fn start_with(config: InstanceConfig) -> Self {
        Self::start_on(config, |stores| Arc::new(stores)).await
    }

    /// The same on a store that plans and answers reach as bytes, as if it were another process.
    pub async fn start_apart(config: InstanceConfig) -> Self {
        Self::start_on(config, |stores| Arc::new(Apart(stores))).await
    }

    async fn start_on(config: InstanceConfig, stores: impl FnOnce(StaticStores) -> Arc<dyn Stores>) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let env = Env::real();
        let pd: Arc<dyn PdService> =
            Arc::new(Member::open(env.clone(), PdConfig::new(dir.path())).expect("PD opens"));
        let pd = PdClient::connect(env.clone(), pd).await.expect("PD answers");
        let store = Store::open(
            env.clone(),
            rutile_kv::Config::default(),
            Arc::new(MemoryEngine::new()),
            Arc::new(MemoryRaftLog::new()),
            pd.clone(),
        )
        .await
        .expect("the store opens");
        set_endpoint(&store);
        let stores = stores(StaticStores::new([(store.store_id(), store.service())]));
        let client = Client::new(env.clone(), pd.clone(), Arc::clone(&stores));
        let instance = open(&env, &client, config).await;
        Self { env, client, pd, stores, store, instance, _dir: dir }
    }

    /// One more SQL node.
    pub async fn another(&self, config: InstanceConfig) -> Instance {
        let client = Client::new(self.env.clone(), self.pd.clone(), Arc::clone(&self.stores));
        open(&self.env, &client, config).await
    }

    /// Pages that the store was asked for.
    pub fn coprocessor_requests(&self) -> u64 {
        let entries = self.store.metrics().entries();
        let found = entries.into_iter().find(|(name, _)| *name == "coprocessor_requests");
        found.map_or(0, |(_, value)| value)
    }

    /// A session of root, with the default character set.
    pub fn session(&self, connection_id: u64) -> Result<Session, SqlError> {
        session_on(&self.instance, connection_id)
    }

    /// The SQL node ends and another one opens on the same data.
    pub async fn restart_sql(&mut self) {
        self.instance.close();
        let config = self.instance.config().clone();
        self.instance = open(&self.env, &self.client, config).await;
    }

    pub async fn stop(self) {
        self.instance.close();
        self.client.close().await;
        self.store.stop().await.expect("the store stops");
    }
}

/// A session of root, with the default character set.
pub fn session_on(instance: &Instance, connection_id: u64) -> Result<Session, SqlError> {
    instance.session(SessionInfo {
        connection_id,
        user: "root".to_owned(),
        host: "localhost".to_owned(),
        charset_id: 255,
        ..SessionInfo::default()
    })
}

/// Stores that objects do not reach.
struct Apart(StaticStores);

impl Stores for Apart {
    fn store(&self, store_id: u64) -> Result<Arc<dyn TikvService>, Status> {
        self.0.store(store_id)
    }

    fn plan_form(&self) -> PlanForm {
        PlanForm::Bytes
    }
}

async fn open(env: &Env, client: &Client, config: InstanceConfig) -> Instance {
    Instance::open(env.clone(), client.clone(), config).await.expect("the SQL node opens")
}

fn set_endpoint(store: &Store) {
    store.set_endpoint(Arc::new(rutile_sql::storeside::SqlEndpoint::default())).expect("takes the endpoint");
}

/// Runs a statement and reads all its rows; answers how many.
pub async fn run(session: &mut Session, sql: &str) -> Result<usize, SqlError> {
    let mut script = Script::new(Bytes::copy_from_slice(sql.as_bytes()), false);
    let statement = session.next_statement(&mut script)?.expect("a statement");
    let Outcome::Rows(result) = session.execute(&statement).await? else {
        return Ok(0);
    };
    match result.rows {
        Rows::Values(rows) => Ok(rows.len()),
        Rows::Batches(mut batches) => {
            let mut rows = 0;
            while let Some(batch) = batches.next().await {
                rows += batch?.num_rows();
            }
            Ok(rows)
        }
    }
}
