//! Everything in one process: storage, SQL, the MySQL port and the status port.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use rutile_kv_engine::DataDir;
use rutile_kv_env::{Disk, Env, Monotonic, TaskHandle};
use rutile_server_wire::ServerTls;
use rutile_sql::memory::MemoryLimit;
use rutile_sql::session::Instance;
use rutile_sql::{InstanceConfig, Spill};
use tokio::net::{TcpListener, TcpSocket, lookup_host};
use tokio::sync::watch;
use tracing::{info, warn};

use super::threads;
use crate::accounts::ServerAccounts;
use crate::config::{Reloaded, Settings, Sources};
use crate::connection::{Connections, Listener, ListenerParts, Logins};
use crate::error::{Error, Result};
use crate::logging::Logging;
use crate::metrics::Reading;
use crate::node::signals::{Asked, StopSignals};
use crate::node::storage::Storage;
use crate::node::{ServerSettings, facts, keys, limits, private, root_password, tls};
use crate::{SERVER_VERSION, logging, status};

/// Clients that the system accepts ahead of us: those of a storm would else try again a second later.
const BACKLOG: u32 = 4_096;

/// Temporary files, in the data directory.
const SPILL: &str = "tmp";

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
    tls: Arc<RwLock<ServerTls>>,
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
        let http = bind(&settings.status.host, settings.status.port).await?;
        private::refuse_strange_link(data_path)?;
        let data_dir = DataDir::open(disk, data_path)?;
        private::keep_directory(data_path)?;
        keep(&accounts, disk, data_path)?;
        let started = env.clock.now();
        info!(version = SERVER_VERSION, data_dir = %data_path.display(), "starting");
        let storage = Storage::open(&env, data_dir, &settings.gc).await?;
        let instance = open_sql(&env, &settings, &storage, local_port(&mysql)?.port()).await?;
        let authenticator = keys::authenticator(disk, data_path)?;
        let tls = match given_tls {
            Some(tls) => tls,
            None => tls::kept(disk, data_path)?,
        };
        let tls = Arc::new(RwLock::new(tls));
        keys::make_in_background(&env, authenticator.clone(), data_path);

        let connections = connections(disk, &settings, &instance);
        let limits = &settings.connections;
        let logins = Logins::new(limits.max_logins, limits.max_logins_per_address);
        let (settings, effective) = watch::channel(settings);
        let (storage_metrics, sql_metrics) = (storage.metrics(), instance.clone());
        let read = Box::new(move |reading: &mut Reading| {
            storage_metrics(reading);
            reading.sql(&sql_metrics);
        });
        let clients = (connections.clone(), logins.clone());
        let facts = status_facts(&env, started, clients, effective.clone(), read);
        let (stop, stopped) = watch::channel(false);
        let (mysql_address, http_address) = (local_port(&mysql)?, local_port(&http)?);
        let listener = Listener::new(ListenerParts {
            env: env.clone(),
            settings: effective,
            instance: instance.clone(),
            accounts: Arc::new(accounts.accounts),
            authenticator,
            tls: tls.clone(),
            connections: connections.clone(),
            logins: logins.clone(),
        });
        let accepting = listener.run(mysql, wait_for(stopped.clone()));
        let listener = env.spawn.spawn("listener", Box::pin(accepting));
        let pages = status::serve(http, facts.clone(), wait_for(stopped));
        let status = env.spawn.spawn("status", Box::pin(log_failure(pages)));
        announce(mysql_address, http_address);
        Ok(Self {
            env,
            settings,
            logging,
            storage,
            instance,
            connections,
            tls,
            facts,
            stop,
            listener,
            status,
        })
    }

    /// Takes over what changed in the configuration file, as far as that can change while running.
    fn reload(&self, sources: &Sources) {
        let disk = self.env.disk.as_ref();
        let newer = match Settings::read(disk, sources) {
            Ok(newer) => newer,
            Err(error) => return warn!(%error, "the configuration is not reloaded"),
        };
        let mut reloaded = Reloaded::default();
        let before = self.settings.borrow().clone();
        self.settings.send_modify(|running| reloaded = running.reload(&newer));
        let running = self.settings.borrow().clone();
        for (name, value) in running.connections.variables() {
            if before.connections.variables().iter().any(|(old, was)| *old == name && *was != value) {
                self.instance.global_variables().configure(name, value);
            }
        }
        match tls::again(disk, &running.tls, &running.server.data_dir) {
            Ok(tls) => *self.tls.write() = tls,
            Err(error) => warn!(%error, "the certificate stays as it was"),
        }
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

fn status_facts(
    env: &Env,
    started: Monotonic,
    (connections, logins): (Arc<Connections>, Arc<Logins>),
    settings: watch::Receiver<Settings>,
    read: Box<dyn Fn(&mut Reading) + Send + Sync>,
) -> Arc<status::Facts> {
    Arc::new(status::Facts {
        clock: env.clock.clone(),
        disk: env.disk.clone(),
        started,
        connections,
        logins,
        ready: AtomicBool::new(true),
        settings,
        read,
    })
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

fn keep(accounts: &Accounts, disk: &dyn Disk, data_path: &Path) -> Result<()> {
    if accounts.changed {
        accounts.accounts.save(disk, data_path)?;
    }
    if !accounts.accounts.root_has_password() {
        warn!(
            "root has no password: whoever is on this machine is let in. Set one with {}",
            root_password::VARIABLE
        );
    }
    Ok(())
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
    let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in resolve(host, port).await? {
        match listen(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => failed = error,
        }
    }
    Err(bad(failed))
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A server that starts again does not wait for connections of the one before it.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn local_port(listener: &TcpListener) -> Result<SocketAddr> {
    listener.local_addr().map_err(|source| Error::Io { what: "listener", source })
}

async fn open_sql(env: &Env, settings: &Settings, storage: &Storage, port: u16) -> Result<Instance> {
    let ids = (storage.cluster_id(), storage.store_id());
    let mut facts = facts::server_facts(env.disk.as_ref(), &settings.server.data_dir, port, ids.0, ids.1);
    facts.configured = settings.connections.variables().to_vec();
    let config = InstanceConfig {
        facts,
        memory: MemoryLimit { server_bytes: settings.server.memory_limit.0 },
        spill: Spill {
            directory: Some(private::empty_directory(
                env.disk.as_ref(),
                settings.server.data_dir.join(SPILL),
            )?),
            bytes_max: settings.server.spill_limit.0 as u64,
        },
    };
    let opened = Instance::open(env.clone(), storage.client().clone(), config).await;
    opened.map_err(|error| Error::Sql(error.into()))
}

/// As many as the variable says, and open files allow.
fn connections(disk: &dyn Disk, settings: &Settings, instance: &Instance) -> Arc<Connections> {
    let (files, wanted) = (limits::open_files(disk), settings.connections.max_connections);
    let possible = limits::connections_max(u64::from(wanted), files);
    if possible < u64::from(wanted) {
        warn!(wanted, possible, "max_connections is lowered to what the limit of open files allows");
    }
    let instance = instance.clone();
    Connections::new(Box::new(move || {
        limits::connections_max(instance.global_variables().number("max_connections"), files) as usize
    }))
}

async fn wait_for(mut stopped: watch::Receiver<bool>) {
    // A sender that is gone is a process that ends.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

async fn log_failure(work: impl Future<Output = io::Result<()>>) {
    if let Err(error) = work.await {
        warn!(%error, "the status port failed");
    }
}

/// The one line on standard output: scripts wait for it and read the ports.
fn announce(mysql: SocketAddr, status: SocketAddr) {
    info!(%mysql, %status, "ready");
    let mut out = io::stdout();
    // Nobody may be reading.
    let _ = writeln!(out, "ready mysql={mysql} status={status}").and_then(|()| out.flush());
}
