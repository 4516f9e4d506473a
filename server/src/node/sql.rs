//! The role of a SQL server without a store: finds the cluster through its placement driver, serves MySQL clients.
//!
//! What it keeps on disk is only what clients may pin: the RSA key and the TLS certificate.

use std::sync::Arc;

use rutile_kv_client::{Client, Stores};
use rutile_kv_engine::DataDir;
use rutile_kv_env::{Env, TaskHandle};
use rutile_kv_grpc::Limits;
use rutile_kv_grpc::client::{GrpcStores, PdStub};
use rutile_pd_client::PdClient;
use rutile_server_wire::Verifier;
use rutile_sql::cluster::ClusterConfig;
use rutile_sql::session::Instance;
use tracing::{info, warn};

use crate::SERVER_VERSION;
use crate::accounts::{ClusterAccounts, GivenAccounts};
use crate::config::{Settings, Sources};
use crate::connection::ConnectionIds;
use crate::error::{Error, Result};
use crate::metrics::Reading;
use crate::node::front::{Doors, Front, FrontParts, instance_config, is_exposed};
use crate::node::kv::{PD_PAUSE, connect};
use crate::node::peer_tls::CertOptions;
use crate::node::process::{self, Served, farewell};
use crate::node::{GcSettings, facts, private, root_password};

/// What `rutile start sql` is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SqlOptions {
    pub(crate) sources: Sources,
    /// Addresses of PD members.
    pub(crate) pd: Vec<String>,
    /// Whether the stores run plans; TiKV's do not.
    pub(crate) runs_plans: bool,
    pub(crate) certificates: CertOptions,
}

/// Runs until a signal ends it.
pub(crate) fn run(options: &SqlOptions) -> Result<()> {
    let limits = options.certificates.limits(Env::real().disk.as_ref(), &[])?;
    process::run(&options.sources, &options.certificates, async move |env, settings| {
        Running::start_alone(env, settings, options.pd.clone(), options.runs_plans, limits).await
    })
}

/// A running SQL server.
pub(crate) struct Running {
    env: Env,
    front: Front,
    client: Client,
    limits: Limits,
    /// Decides, on one node of all, how far old versions may go.
    gc: TaskHandle,
    /// Locked against other processes: temporary files are in it, too.
    _data_dir: Option<DataDir>,
}

/// What a SQL server stands on.
pub(crate) struct SqlParts {
    /// Addresses of PD members.
    pub(crate) pd: Vec<String>,
    pub(crate) limits: Limits,
    /// How the store of this process is reached, if there is one.
    pub(crate) stores: Box<dyn FnOnce(GrpcStores) -> Arc<dyn Stores> + Send>,
    /// What root had before this server was one of several.
    pub(crate) kept: Verifier,
    /// Adds the counters of the storage.
    pub(crate) read_storage: Box<dyn Fn(&mut Reading) + Send + Sync>,
    /// Its own data directory, unless another part of the process holds it.
    pub(crate) data_dir: Option<DataDir>,
}

impl Running {
    /// Without a store in the same process.
    pub(crate) async fn start_alone(
        env: Env,
        settings: Settings,
        pd: Vec<String>,
        runs_plans: bool,
        limits: Limits,
    ) -> Result<Self> {
        let disk = env.disk.as_ref();
        let path = &settings.server.data_dir;
        let doors = Doors::open(disk, &settings).await?;
        private::refuse_strange_link(path)?;
        let data_dir = DataDir::open(disk, path)?;
        private::keep_directory(path)?;
        let parts = SqlParts {
            pd,
            limits,
            stores: Box::new(move |stores| {
                Arc::new(if runs_plans { stores } else { stores.without_plans() })
            }),
            kept: Verifier::Empty,
            read_storage: Box::new(|_| {}),
            data_dir: Some(data_dir),
        };
        Self::start(env, settings, doors, parts).await
    }

    pub(crate) async fn start(env: Env, settings: Settings, doors: Doors, parts: SqlParts) -> Result<Self> {
        let disk = env.disk.as_ref();
        let server = &settings.server;
        let variable = std::env::var_os(root_password::VARIABLE);
        let password = root_password::given(disk, server.root_password_file.as_deref(), variable)?;
        let exposed = is_exposed(&server.host).await?;
        let SqlParts { pd, limits, stores, kept, read_storage, data_dir } = parts;
        info!(version = SERVER_VERSION, pd = pd.join(","), "starting");
        let stub = Arc::new(PdStub::new(env.clone(), pd, limits.clone()));
        let pd = connect(&env, stub).await;
        let stores = stores(GrpcStores::new(env.clone(), pd.clone(), limits.clone()));
        let client = Client::new(env.clone(), pd.clone(), stores);
        until_stores_serve(&env, &client).await;
        let instance = open_sql(&env, &settings, &doors, &pd, &client).await?;
        // Whoever fails from here on leaves the list of SQL nodes behind him in order.
        let started = async {
            let given = GivenAccounts { password, kept };
            let host = &settings.server.host;
            let accounts = ClusterAccounts::open(instance.clone(), given, host, exposed).await?;
            let connection_ids = match instance.membership() {
                Some(membership) => ConnectionIds::of_node(membership.id_source()),
                None => ConnectionIds::alone(),
            };
            let gc = settings.gc.clone();
            let parts = FrontParts {
                settings,
                doors,
                instance: instance.clone(),
                accounts,
                connection_ids,
                read_storage,
            };
            Ok::<_, Error>((Front::start(&env, parts)?, gc))
        };
        let (front, gc) = match started.await {
            Ok(started) => started,
            Err(error) => {
                instance.close();
                if let Err(error) = instance.leave().await {
                    warn!(%error, "other SQL nodes learn only by the end of the lease that this one is gone");
                }
                return Err(error);
            }
        };
        let work = collect_garbage(env.clone(), instance, client.clone(), gc);
        let gc = env.spawn.spawn("gc-owner", Box::pin(work));
        Ok(Self { env, front, client, limits, gc, _data_dir: data_dir })
    }
}

impl Served for Running {
    fn front(&self) -> &Front {
        &self.front
    }

    fn limits(&self) -> Vec<Limits> {
        vec![self.limits.clone()]
    }

    /// Stops accepting, lets running statements finish for a while, closes sessions, tells the others.
    async fn stop(self) -> Result<()> {
        self.gc.abort();
        self.gc.join().await;
        self.front.drain().await;
        farewell(&self.env, "the end of committed transactions' work", self.client.close()).await;
        self.front.close();
        Ok(())
    }
}

async fn open_sql(
    env: &Env,
    settings: &Settings,
    doors: &Doors,
    pd: &PdClient,
    client: &Client,
) -> Result<Instance> {
    let server = &settings.server;
    let port = doors.mysql_port()?;
    let facts = facts::server_facts(
        env.disk.as_ref(),
        &server.data_dir,
        port,
        pd.cluster_id(),
        env.random.next_u64(),
    );
    let mut config = instance_config(&env.disk, settings, facts)?;
    config.cluster = Some(ClusterConfig::new(format!("{}:{port}", server.host)));
    let opened = Instance::open(env.clone(), client.clone(), config).await;
    opened.map_err(|error| Error::Sql(error.into()))
}

/// Waits for a store that serves the catalog: the parts of a cluster may be started in any order.
async fn until_stores_serve(env: &Env, client: &Client) {
    loop {
        let read = async { client.snapshot(client.timestamp().await?).get(b"m").await };
        match read.await {
            Ok(_) => return,
            Err(error) => {
                warn!(%error, "waiting for the stores");
                env.clock.sleep(PD_PAUSE).await;
            }
        }
    }
}

/// Moves the GC safe point on, if this node is the first of all: one is enough.
async fn collect_garbage(env: Env, instance: Instance, client: Client, settings: GcSettings) {
    let Some(membership) = instance.membership() else {
        return;
    };
    loop {
        env.clock.sleep(settings.interval).await;
        let moved = match membership.is_first().await {
            Ok(false) => continue,
            Ok(true) => client.advance_gc_safe_point(settings.life_time).await.map_err(|e| e.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = moved {
            warn!(error, "the GC safe point does not move");
        }
    }
}
