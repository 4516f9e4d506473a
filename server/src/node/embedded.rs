//! Everything in one process: storage, SQL, the MySQL port and the status port.

use std::fs::Permissions;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rutile_kv_engine::DataDir;
use rutile_kv_env::{Env, TaskHandle};
use rutile_sql::InstanceConfig;
use rutile_sql::memory::MemoryLimit;
use rutile_sql::session::Instance;
use tokio::net::{TcpListener, lookup_host};
use tokio::sync::watch;
use tracing::{info, warn};

use crate::accounts::ServerAccounts;
use crate::cli::StartOptions;
use crate::config::ServerConfig;
use crate::connection::{Connections, Listener, ListenerParts};
use crate::error::{Error, Result};
use crate::node::signals::StopSignals;
use crate::node::storage::Storage;
use crate::node::{facts, keys, limits, root_password, tls};
use crate::{SERVER_VERSION, logging, status};

/// How long connections that were cut off may take to unwind.
const UNWIND: Duration = Duration::from_secs(2);

/// Runs until a signal ends it.
pub(crate) fn run(options: StartOptions) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("rutile")
        .enable_all()
        .build()
        .map_err(|source| Error::Io { what: "threads", source })?;
    let result = runtime.block_on(async {
        let mut signals = StopSignals::listen()?;
        let node = Node::start(options).await?;
        let name = signals.next().await;
        info!(signal = name, "stopping");
        tokio::select! {
            stopped = node.stop() => stopped,
            name = signals.next() => {
                warn!(signal = name, "second signal: not waiting any longer");
                Err(Error::TaskLost { what: "an orderly stop" })
            }
        }
    });
    // All that matters is on disk. A statement deep in a computation must not hold the process.
    runtime.shutdown_background();
    result
}

/// The parts of a running server.
struct Node {
    env: Env,
    config: ServerConfig,
    storage: Storage,
    instance: Instance,
    connections: Arc<Connections>,
    facts: Arc<status::Facts>,
    /// Ends the listeners when it is set.
    stop: watch::Sender<bool>,
    listener: TaskHandle,
    status: TaskHandle,
}

impl Node {
    /// Everything that can be wrong with the command line or the machine is found before data is touched.
    async fn start(options: StartOptions) -> Result<Self> {
        let env = Env::real();
        logging::start(&options.log_level, options.log_format)?;
        let accounts = accounts(&env, &options)?;
        check_exposure(&options.host, &accounts).await?;
        let given_tls = tls::given(env.disk.as_ref(), &options)?;
        let mysql = bind(&options.host, options.port).await?;
        let http = bind(&options.host, options.status_port).await?;
        let data_dir = DataDir::open(env.disk.as_ref(), &options.data_dir)?;
        keep_private(&options.data_dir)?;
        if accounts.changed {
            accounts.accounts.save(env.disk.as_ref(), &options.data_dir)?;
        }
        let started = env.clock.now();
        info!(version = SERVER_VERSION, data_dir = %options.data_dir.display(), "starting");
        let storage = Storage::open(&env, data_dir).await?;
        let instance = open_sql(&env, &options, &storage, local_port(&mysql)?.port()).await?;
        let authenticator = keys::authenticator(env.disk.as_ref(), &options.data_dir)?;
        let tls = match given_tls {
            Some(tls) => tls,
            None => tls::kept(env.disk.as_ref(), &options.data_dir)?,
        };
        keys::make_in_background(&env, authenticator.clone(), &options.data_dir);

        let connections = Connections::new(connections_max(&env, options.max_connections) as usize);
        let facts = Arc::new(status::Facts {
            clock: env.clock.clone(),
            started,
            connections: connections.clone(),
            ready: AtomicBool::new(true),
            read: Box::new(storage.metrics()),
        });
        let (stop, stopped) = watch::channel(false);
        let (mysql_address, http_address) = (local_port(&mysql)?, local_port(&http)?);
        let listener = Listener::new(ListenerParts {
            env: env.clone(),
            config: ServerConfig::default(),
            instance: instance.clone(),
            accounts: Arc::new(accounts.accounts),
            authenticator,
            tls,
            connections: connections.clone(),
        });
        let accepting = listener.run(mysql, wait_for(stopped.clone()));
        let listener = env.spawn.spawn("listener", Box::pin(accepting));
        let pages = status::serve(http, facts.clone(), wait_for(stopped));
        let status = env.spawn.spawn("status", Box::pin(log_failure(pages)));
        announce(mysql_address, http_address);
        let config = ServerConfig::default();
        Ok(Self { env, config, storage, instance, connections, facts, stop, listener, status })
    }

    /// Stops accepting, lets running statements finish for a while, closes sessions, flushes.
    async fn stop(self) -> Result<()> {
        self.facts.ready.store(false, Ordering::Release);
        self.stop.send_replace(true);
        self.listener.join().await;
        self.connections.close();
        if !self.drained_within(self.config.drain_timeout).await {
            let cut = self.connections.abort_all();
            warn!(connections = cut, "statements still running are cut off");
            self.drained_within(UNWIND).await;
        }
        self.instance.close();
        self.storage.stop().await?;
        self.status.abort();
        info!("stopped");
        Ok(())
    }

    async fn drained_within(&self, limit: Duration) -> bool {
        tokio::select! {
            () = self.connections.drained() => true,
            () = self.env.clock.sleep(limit) => false,
        }
    }
}

struct Accounts {
    accounts: ServerAccounts,
    /// A password was given that the data directory does not have yet.
    changed: bool,
}

fn accounts(env: &Env, options: &StartOptions) -> Result<Accounts> {
    let disk = env.disk.as_ref();
    let mut accounts = ServerAccounts::load(disk, &options.data_dir)?;
    let variable = std::env::var_os(root_password::VARIABLE);
    let given = root_password::given(disk, options.root_password_file.as_deref(), variable)?;
    let changed = given.is_some();
    if let Some(password) = given {
        accounts.set_root_password(&password)?;
    }
    Ok(Accounts { accounts, changed })
}

/// An empty password is for this machine only.
async fn check_exposure(host: &str, accounts: &Accounts) -> Result<()> {
    if accounts.accounts.root_has_password() {
        return Ok(());
    }
    let mut addresses = resolve(host, 0).await?;
    if addresses.all(|address| address.ip().is_loopback()) {
        return Ok(());
    }
    Err(Error::OpenToNetwork { host: host.to_owned() })
}

async fn resolve(host: &str, port: u16) -> Result<impl Iterator<Item = SocketAddr>> {
    let bad = |source| Error::Listen { address: format!("{host}:{port}"), source };
    lookup_host((host, port)).await.map_err(bad)
}

async fn bind(host: &str, port: u16) -> Result<TcpListener> {
    let bad = |source| Error::Listen { address: format!("{host}:{port}"), source };
    TcpListener::bind((host, port)).await.map_err(bad)
}

fn local_port(listener: &TcpListener) -> Result<SocketAddr> {
    listener.local_addr().map_err(|source| Error::Io { what: "listener", source })
}

async fn open_sql(env: &Env, options: &StartOptions, storage: &Storage, port: u16) -> Result<Instance> {
    let data_dir: &Path = &options.data_dir;
    let facts =
        facts::server_facts(env.disk.as_ref(), data_dir, port, storage.cluster_id(), storage.store_id());
    let config = InstanceConfig { facts, memory: MemoryLimit { server_bytes: options.memory_limit } };
    let opened = Instance::open(env.clone(), storage.client().clone(), config).await;
    opened.map_err(|error| Error::Sql(error.into()))
}

fn connections_max(env: &Env, wanted: u32) -> u32 {
    let files = limits::open_files(env.disk.as_ref());
    let possible = limits::connections_max(wanted, files);
    if possible < wanted {
        warn!(wanted, possible, "max_connections is lowered to what the limit of open files allows");
    }
    possible
}

/// Data, password verifiers and keys are nobody else's to read.
fn keep_private(data_dir: &Path) -> Result<()> {
    let owner_only = Permissions::from_mode(0o700);
    std::fs::set_permissions(data_dir, owner_only)
        .map_err(|source| Error::Io { what: "rights of the data directory", source })
}

async fn wait_for(mut stopped: watch::Receiver<bool>) {
    // A sender that is gone is a process that ends.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

async fn log_failure(work: impl Future<Output = std::io::Result<()>>) {
    if let Err(error) = work.await {
        warn!(%error, "the status port failed");
    }
}

/// The one line on standard output: scripts wait for it and read the ports.
fn announce(mysql: SocketAddr, status: SocketAddr) {
    info!(%mysql, %status, "ready");
    let mut out = std::io::stdout();
    // Nobody may be reading.
    let _ = writeln!(out, "ready mysql={mysql} status={status}").and_then(|()| out.flush());
}
