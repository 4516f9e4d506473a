//! Everything in one process: storage, SQL, the MySQL port and the status port.

use std::fs::Permissions;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rutile_kv_engine::DataDir;
use rutile_kv_env::{Disk, Env, TaskHandle};
use rutile_sql::InstanceConfig;
use rutile_sql::memory::MemoryLimit;
use rutile_sql::session::Instance;
use tokio::net::{TcpListener, lookup_host};
use tokio::sync::watch;
use tracing::{info, warn};

use super::threads;
use crate::accounts::ServerAccounts;
use crate::config::{Reloaded, Settings, Sources};
use crate::connection::{Connections, Listener, ListenerParts, Logins};
use crate::error::{Error, Result};
use crate::logging::Logging;
use crate::node::signals::{Asked, StopSignals};
use crate::node::storage::Storage;
use crate::node::{ServerSettings, facts, keys, limits, root_password, tls};
use crate::{SERVER_VERSION, logging, status};

/// How long connections that were cut off may take to unwind.
const UNWIND: Duration = Duration::from_secs(2);

/// Runs until a signal ends it.
pub(crate) fn run(sources: Sources) -> Result<()> {
    let env = Env::real();
    let settings = Settings::read(env.disk.as_ref(), &sources)?;
    let runtime = threads::runtime()?;
    let result = runtime.block_on(async {
        let mut signals = StopSignals::listen()?;
        let node = Node::start(env, settings).await?;
        let name = loop {
            match signals.next().await {
                Asked::Stop(name) => break name,
                Asked::Reload => node.reload(&sources),
            }
        };
        info!(signal = name, "stopping");
        let again = async {
            loop {
                if let Asked::Stop(name) = signals.next().await {
                    return name;
                }
            }
        };
        tokio::select! {
            stopped = node.stop() => stopped,
            name = again => {
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
    /// What is in effect; a reload changes the live part.
    settings: watch::Sender<Settings>,
    logging: Logging,
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
    async fn start(env: Env, settings: Settings) -> Result<Self> {
        let disk = env.disk.as_ref();
        let ServerSettings { host, data_dir: data_path, .. } = &settings.server;
        let logging = logging::start(disk, &settings.log)?;
        let accounts = accounts(disk, &settings.server)?;
        check_exposure(host, &accounts).await?;
        let given_tls = tls::given(disk, &settings.tls)?;
        let mysql = bind(host, settings.server.port).await?;
        let http = bind(host, settings.status.port).await?;
        let data_dir = DataDir::open(disk, data_path)?;
        keep_private(data_path)?;
        if accounts.changed {
            accounts.accounts.save(disk, data_path)?;
        }
        let started = env.clock.now();
        info!(version = SERVER_VERSION, data_dir = %data_path.display(), "starting");
        let storage = Storage::open(&env, data_dir, &settings.gc).await?;
        let instance = open_sql(&env, &settings.server, &storage, local_port(&mysql)?.port()).await?;
        let authenticator = keys::authenticator(disk, data_path)?;
        let tls = match given_tls {
            Some(tls) => tls,
            None => tls::kept(disk, data_path)?,
        };
        keys::make_in_background(&env, authenticator.clone(), data_path);

        let connections = Connections::new(connections_max(disk, settings.connections.max_connections));
        let limits = &settings.connections;
        let logins = Logins::new(limits.max_logins, limits.max_logins_per_address);
        let (settings, effective) = watch::channel(settings);
        let (storage_metrics, sql_metrics) = (storage.metrics(), instance.clone());
        let facts = Arc::new(status::Facts {
            clock: env.clock.clone(),
            disk: env.disk.clone(),
            started,
            connections: connections.clone(),
            logins: logins.clone(),
            ready: AtomicBool::new(true),
            settings: effective.clone(),
            read: Box::new(move |reading| {
                storage_metrics(reading);
                reading.sql(&sql_metrics);
            }),
        });
        let (stop, stopped) = watch::channel(false);
        let (mysql_address, http_address) = (local_port(&mysql)?, local_port(&http)?);
        let listener = Listener::new(ListenerParts {
            env: env.clone(),
            settings: effective,
            instance: instance.clone(),
            accounts: Arc::new(accounts.accounts),
            authenticator,
            tls,
            connections: connections.clone(),
            logins: logins.clone(),
        });
        let accepting = listener.run(mysql, wait_for(stopped.clone()));
        let listener = env.spawn.spawn("listener", Box::pin(accepting));
        let pages = status::serve(http, facts.clone(), wait_for(stopped));
        let status = env.spawn.spawn("status", Box::pin(log_failure(pages)));
        announce(mysql_address, http_address);
        Ok(Self { env, settings, logging, storage, instance, connections, facts, stop, listener, status })
    }

    /// Takes over what changed in the configuration file, as far as that can change while running.
    fn reload(&self, sources: &Sources) {
        let disk = self.env.disk.as_ref();
        let newer = match Settings::read(disk, sources) {
            Ok(newer) => newer,
            Err(error) => return warn!(%error, "the configuration is not reloaded"),
        };
        let mut reloaded = Reloaded::default();
        self.settings.send_modify(|running| reloaded = running.reload(&newer));
        let running = self.settings.borrow().clone();
        self.connections.set_max(connections_max(disk, running.connections.max_connections));
        if let Err(error) = self.logging.reload(disk, &running.log) {
            warn!(%error, "the log goes on as it was");
        }
        let Reloaded { applied, waiting } = reloaded;
        info!(?applied, wait_for_restart = ?waiting, "configuration reloaded");
    }

    /// Stops accepting, lets running statements finish for a while, closes sessions, flushes.
    async fn stop(self) -> Result<()> {
        self.facts.ready.store(false, Ordering::Release);
        self.stop.send_replace(true);
        self.listener.join().await;
        self.connections.close();
        if !self.drained_within(self.drain_timeout()).await {
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

    fn drain_timeout(&self) -> Duration {
        self.settings.borrow().server.drain_timeout
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

fn accounts(disk: &dyn Disk, settings: &ServerSettings) -> Result<Accounts> {
    let mut accounts = ServerAccounts::load(disk, &settings.data_dir)?;
    let variable = std::env::var_os(root_password::VARIABLE);
    let given = root_password::given(disk, settings.root_password_file.as_deref(), variable)?;
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

async fn open_sql(env: &Env, settings: &ServerSettings, storage: &Storage, port: u16) -> Result<Instance> {
    let ids = (storage.cluster_id(), storage.store_id());
    let facts = facts::server_facts(env.disk.as_ref(), &settings.data_dir, port, ids.0, ids.1);
    let config = InstanceConfig { facts, memory: MemoryLimit { server_bytes: settings.memory_limit.0 } };
    let opened = Instance::open(env.clone(), storage.client().clone(), config).await;
    opened.map_err(|error| Error::Sql(error.into()))
}

fn connections_max(disk: &dyn Disk, wanted: u32) -> usize {
    let files = limits::open_files(disk);
    let possible = limits::connections_max(wanted, files);
    if possible < wanted {
        warn!(wanted, possible, "max_connections is lowered to what the limit of open files allows");
    }
    possible as usize
}

/// Data, password verifiers and keys are nobody else's to read.
fn keep_private(data_dir: &std::path::Path) -> Result<()> {
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
