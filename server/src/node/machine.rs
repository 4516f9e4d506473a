//! Everything in one process, as part of a cluster: a placement driver, a store and a SQL server over one data
//! directory, the first two behind ports that other machines' parts dial.
//!
//! It opens what the embedded role has written, so that a server that had its data for itself takes others in: its
//! regions get replicas on their stores while it serves. The way back is closed, see [`require_alone`]: the replicas of
//! a region must not go on without those that the others hold, nor the accounts with those of the former file.
//!
//! Deliberately missing: plans that reach the store of the same process as objects; it gets them as bytes, as others do.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use rutile_kv_client::{PlanForm, Stores};
use rutile_kv_engine::DataDir;
use rutile_kv_env::{Disk, Env};
use rutile_kv_grpc::Limits;
use rutile_kv_grpc::client::GrpcStores;
use rutile_kv_proto::{Status, TikvService};

use crate::accounts::ServerAccounts;
use crate::config::{Settings, Sources};
use crate::error::{Error, Result};
use crate::node::front::{Doors, Front};
use crate::node::peer_tls::PeerTlsOptions;
use crate::node::process::{self, Served};
use crate::node::role::{KvOptions, PdOptions, Port, Role as _, RoleOptions};
use crate::node::sql::SqlParts;
use crate::node::{kv, pd, private, sql};

/// In a data directory that belongs to a cluster: what is to be known of it, and the name of the placement driver.
const MARK: &str = "cluster";
const MARK_HEAD: &str = "This data is part of a cluster. Start it with --pd-port and --kv-port.\npd-name ";

/// Flags of `rutile start` for a server that others may join, or that joins others.
#[derive(Args, Clone, Debug)]
pub(crate) struct PeerOptions {
    /// Port of the placement driver: with it and --kv-port other servers, stores and placement drivers can join;
    /// 0 takes a free one
    #[arg(long, requires = "kv_port")]
    pd_port: Option<u16>,
    /// Port of the store, for other stores and for SQL servers; 0 takes a free one
    #[arg(long, requires = "pd_port")]
    kv_port: Option<u16>,
    /// Address that both ports listen on
    #[arg(long, default_value = "127.0.0.1", requires = "pd_port")]
    peer_host: String,
    /// Host that others dial, where that is not --peer-host
    #[arg(long, requires = "pd_port")]
    advertise_host: Option<String>,
    /// Name of the placement driver in its group; without it the one it had, at first `pd`, or `pd-` and its address when
    /// it joins
    #[arg(long, requires = "pd_port")]
    pd_name: Option<String>,
    /// Placement drivers of a cluster to join at the first start
    #[arg(long, value_name = "ADDRESSES", value_delimiter = ',', requires = "pd_port")]
    join: Vec<String>,
    #[command(flatten)]
    tls: PeerTlsOptions,
}

/// [`PeerOptions`] with ports.
#[derive(Debug)]
pub(crate) struct Peers {
    role: RoleOptions,
    pd_port: u16,
    kv_port: u16,
    advertise_host: Option<String>,
    pd_name: Option<String>,
    join: Vec<String>,
}

impl PeerOptions {
    /// `None` for a server that has its data for itself, to which the flags of certificates mean nothing.
    pub(crate) fn peers(self) -> std::result::Result<Option<Peers>, String> {
        let (Some(pd_port), Some(kv_port)) = (self.pd_port, self.kv_port) else {
            if self.tls != PeerTlsOptions::default() {
                return Err(
                    "certificates of a cluster and --insecure go with --pd-port and --kv-port".to_owned()
                );
            }
            return Ok(None);
        };
        let role = RoleOptions { host: self.peer_host, tls: self.tls, ..RoleOptions::local("info") };
        let Self { advertise_host, pd_name, join, .. } = self;
        Ok(Some(Peers { role, pd_port, kv_port, advertise_host, pd_name, join }))
    }
}

impl Peers {
    async fn bind(&self, env: &Env, port: u16) -> Result<Port> {
        Port::bind_as(env, &self.role, port, self.advertise_host.as_deref()).await
    }

    /// The name that was given, else the one from before, else a new one.
    fn pd_name(&self, kept: Option<String>, address: &str) -> String {
        let new = || if self.join.is_empty() { "pd".to_owned() } else { format!("pd-{address}") };
        self.pd_name.clone().or(kept).unwrap_or_else(new)
    }

    fn pd_options(&self, data_dir: PathBuf, name: String) -> PdOptions {
        PdOptions {
            role: self.role.clone(),
            port: self.pd_port,
            data_dir,
            name,
            initial_cluster: None,
            join: self.join.clone(),
        }
    }

    fn kv_options(&self, settings: &Settings, pd: Vec<String>) -> KvOptions {
        let (data_dir, memory_limit) = (settings.server.data_dir.clone(), settings.server.memory_limit);
        let hibernate_regions = settings.raft.hibernate_regions;
        let local = KvOptions::local(self.role.clone(), self.kv_port);
        KvOptions { data_dir, pd, memory_limit, hibernate_regions, ..local }
    }
}

/// Runs until a signal ends it.
pub(crate) fn run(sources: &Sources, peers: Peers) -> Result<()> {
    let certificates = peers.role.tls.certificates.clone();
    process::run(sources, &certificates, async move |env, settings| {
        Running::start(env, settings, peers).await
    })
}

struct Running {
    pd: pd::Running,
    kv: kv::Running,
    sql: sql::Running,
}

impl Running {
    /// Everything that can be wrong with the command line or the machine is found before data is touched.
    async fn start(env: Env, settings: Settings, peers: Peers) -> Result<Self> {
        let disk = env.disk.as_ref();
        let path = settings.server.data_dir.clone();
        let doors = Doors::open(disk, &settings).await?;
        let (pd_port, kv_port) =
            (peers.bind(&env, peers.pd_port).await?, peers.bind(&env, peers.kv_port).await?);
        private::refuse_strange_link(&path)?;
        let data_dir = DataDir::open(disk, &path)?;
        private::keep_directory(&path)?;
        // From before it was one of several.
        let kept = ServerAccounts::load(disk, &path)?;
        let name = peers.pd_name(marked(disk, &path)?, pd_port.advertised());
        mark(disk, &path, &name)?;
        let limits = pd_port.limits();
        let pd_options = peers.pd_options(data_dir.placement_driver(), name);
        let pd = pd::start_on(pd_options, env.clone(), pd_port).await?;
        let mut addresses = vec![pd.address().to_owned()];
        addresses.extend(peers.join.iter().cloned());
        let options = peers.kv_options(&settings, addresses.clone());
        let kv = match kv::start_on(options, env.clone(), kv_port, data_dir).await {
            Ok(kv) => kv,
            Err(error) => {
                drop(PdOptions::stop(pd).await);
                return Err(error);
            }
        };
        let (store, readings, member) = (kv.store_id(), kv.readings(), pd.member());
        let service = kv.service();
        let parts = SqlParts {
            pd: addresses,
            limits,
            kept: kept.into_root(),
            stores: Box::new(move |others| Arc::new(NearStores { store, service, others })),
            read_storage: Box::new(move |reading| {
                readings.read(reading);
                pd::read(&member, reading);
            }),
            data_dir: None,
        };
        match sql::Running::start(env, settings, doors, parts).await {
            Ok(sql) => Ok(Self { pd, kv, sql }),
            Err(error) => {
                drop(KvOptions::stop(kv).await);
                drop(PdOptions::stop(pd).await);
                Err(error)
            }
        }
    }
}

impl Served for Running {
    fn front(&self) -> &Front {
        self.sql.front()
    }

    fn limits(&self) -> Vec<Limits> {
        PdOptions::limits(&self.pd).into_iter().chain(KvOptions::limits(&self.kv)).collect()
    }

    /// What stops still talks to what is below it.
    async fn stop(self) -> Result<()> {
        let sql = self.sql.stop().await;
        let kv = KvOptions::stop(self.kv).await;
        let pd = PdOptions::stop(self.pd).await;
        sql.and(kv).and(pd)
    }
}

/// The name of the placement driver in a directory that is part of a cluster.
fn marked(disk: &dyn Disk, data_dir: &Path) -> Result<Option<String>> {
    let path = data_dir.join(MARK);
    if !disk.exists(&path) {
        return Ok(None);
    }
    let content = disk.read(&path).map_err(|source| Error::Io { what: "mark of the cluster", source })?;
    let text = String::from_utf8_lossy(&content);
    Ok(text.strip_prefix(MARK_HEAD).map(|name| name.trim_end().to_owned()))
}

/// Notes that the data is part of a cluster from now on.
fn mark(disk: &dyn Disk, data_dir: &Path, name: &str) -> Result<()> {
    let text = format!("{MARK_HEAD}{name}\n");
    disk.write_atomic(&data_dir.join(MARK), text.as_bytes())
        .map_err(|source| Error::Io { what: "mark of the cluster", source })
}

/// Refuses data that is part of a cluster to a server that would have it for itself.
pub(crate) fn require_alone(disk: &dyn Disk, data_dir: &Path) -> Result<()> {
    if disk.exists(&data_dir.join(MARK)) {
        return Err(Error::PartOfCluster { path: data_dir.to_owned() });
    }
    Ok(())
}

/// The store of this process without a network in between, the others over it.
struct NearStores {
    store: u64,
    service: Arc<dyn TikvService>,
    others: GrpcStores,
}

impl Stores for NearStores {
    fn store(&self, store_id: u64) -> std::result::Result<Arc<dyn TikvService>, Status> {
        if store_id == self.store { Ok(Arc::clone(&self.service)) } else { self.others.store(store_id) }
    }

    fn plan_form(&self) -> PlanForm {
        PlanForm::Either
    }
}
