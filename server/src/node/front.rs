//! The SQL half of a process: the MySQL port, the status port, and the sessions between them and the storage.
//!
//! What can be wrong with the command line or the machine is found by [`Doors::open`], before any data is touched.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use rutile_kv_env::{Disk, Env, TaskHandle};
use rutile_server_wire::{Accounts, ServerTls};
use rutile_sql::memory::{MemoryLimit, ResidentProbe};
use rutile_sql::session::Instance;
use rutile_sql::variable::ServerFacts;
use rutile_sql::{InstanceConfig, Spill};
use tokio::net::{TcpListener, TcpSocket, lookup_host};
use tokio::sync::watch;
use tracing::{info, warn};

use crate::config::{Reloaded, Settings, Sources};
use crate::connection::{ConnectionIds, Connections, Listener, ListenerParts, Logins};
use crate::error::{Error, Result};
use crate::logging::Logging;
use crate::metrics::Reading;
use crate::node::process::farewell;
use crate::node::{keys, limits, private, tls};
use crate::status;

/// Clients that the system accepts ahead of us: those of a storm would else try again a second later.
const BACKLOG: u32 = 4_096;

/// Temporary files, in the data directory.
const SPILL: &str = "tmp";

/// How long connections that were cut off may take to unwind.
const UNWIND: Duration = Duration::from_secs(2);

/// The sockets, taken before anything else happens.
pub(crate) struct Doors {
    mysql: TcpListener,
    http: TcpListener,
    given_tls: Option<ServerTls>,
}

impl Doors {
    pub(crate) async fn open(disk: &dyn Disk, settings: &Settings) -> Result<Self> {
        let given_tls = tls::given(disk, &settings.tls)?;
        let mysql = bind(&settings.server.host, settings.server.port).await?;
        let http = bind(&settings.status.host, settings.status.port).await?;
        Ok(Self { mysql, http, given_tls })
    }

    pub(crate) fn mysql_port(&self) -> Result<u16> {
        Ok(local_port(&self.mysql)?.port())
    }
}

/// What a front is made of.
pub(crate) struct FrontParts {
    pub(crate) settings: Settings,
    pub(crate) doors: Doors,
    pub(crate) instance: Instance,
    pub(crate) accounts: Arc<dyn Accounts>,
    pub(crate) connection_ids: ConnectionIds,
    /// Adds the counters of the storage.
    pub(crate) read_storage: Box<dyn Fn(&mut Reading) + Send + Sync>,
}

/// A running front.
pub(crate) struct Front {
    env: Env,
    /// What is in effect; a reload changes the live part.
    settings: watch::Sender<Settings>,
    instance: Instance,
    connections: Arc<Connections>,
    tls: Arc<RwLock<ServerTls>>,
    facts: Arc<status::Facts>,
    /// Ends the listeners when it is set.
    stop: watch::Sender<bool>,
    listener: TaskHandle,
    status: TaskHandle,
}

impl Front {
    /// Serves; keys and certificates are in the data directory, or made there.
    pub(crate) fn start(env: &Env, parts: FrontParts) -> Result<Self> {
        let FrontParts { settings, doors, instance, accounts, connection_ids, read_storage } = parts;
        let (disk, data_path) = (env.disk.as_ref(), settings.server.data_dir.clone());
        let authenticator = keys::authenticator(disk, &data_path)?;
        let tls = match doors.given_tls {
            Some(tls) => tls,
            None => tls::kept(disk, &data_path)?,
        };
        let tls = Arc::new(RwLock::new(tls));
        keys::make_in_background(env, authenticator.clone(), &data_path);
        let connections = connections(disk, &settings, &instance, connection_ids);
        let limits = &settings.connections;
        let logins = Logins::new(limits.max_logins, limits.max_logins_per_address);
        let (settings, effective) = watch::channel(settings);
        let (sql_metrics, serving) = (instance.clone(), instance.clone());
        let facts = Arc::new(status::Facts {
            clock: env.clock.clone(),
            disk: env.disk.clone(),
            started: env.clock.now(),
            connections: connections.clone(),
            logins: logins.clone(),
            ready: AtomicBool::new(true),
            serves: Box::new(move || serving.membership().is_none_or(|membership| membership.is_valid())),
            settings: effective.clone(),
            read: Box::new(move |reading| {
                read_storage(reading);
                reading.sql(&sql_metrics);
            }),
        });
        let (stop, stopped) = watch::channel(false);
        let (mysql_address, http_address) = (local_port(&doors.mysql)?, local_port(&doors.http)?);
        let listener = Listener::new(ListenerParts {
            env: env.clone(),
            settings: effective,
            instance: instance.clone(),
            accounts,
            authenticator,
            tls: tls.clone(),
            connections: connections.clone(),
            logins,
        });
        let accepting = listener.run(doors.mysql, wait_for(stopped.clone()));
        let listener = env.spawn.spawn("listener", Box::pin(accepting));
        let pages = status::serve(doors.http, facts.clone(), wait_for(stopped));
        let status = env.spawn.spawn("status", Box::pin(log_failure(pages)));
        announce(mysql_address, http_address);
        Ok(Self { env: env.clone(), settings, instance, connections, tls, facts, stop, listener, status })
    }

    /// Takes over what changed in the configuration file, as far as that can change while running.
    pub(crate) fn reload(&self, sources: &Sources, logging: &Logging) {
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
        if let Err(error) = logging.reload(disk, &running.log) {
            warn!(%error, "the log goes on as it was");
        }
        let Reloaded { applied, waiting } = reloaded;
        info!(?applied, wait_for_restart = ?waiting, "configuration reloaded");
    }

    /// Stops accepting, lets running statements finish for a while, closes sessions.
    pub(crate) async fn drain(&self) {
        self.facts.ready.store(false, Ordering::Release);
        self.stop.send_replace(true);
        self.listener.join().await;
        self.connections.close();
        let drain_timeout = self.settings.borrow().server.drain_timeout;
        if !self.drained_within(drain_timeout).await {
            let cut = self.connections.abort_all();
            warn!(connections = cut, "statements still running are cut off");
            self.drained_within(UNWIND).await;
        }
        self.instance.close();
        let leave = async {
            if let Err(error) = self.instance.leave().await {
                warn!(%error, "other SQL nodes learn only by the end of the lease that this one is gone");
            }
        };
        farewell(&self.env, "leaving the list of SQL nodes", leave).await;
    }

    /// The last thing: until now monitoring could see the stop.
    pub(crate) fn close(&self) {
        self.status.abort();
        info!("stopped");
    }

    async fn drained_within(&self, limit: Duration) -> bool {
        tokio::select! {
            () = self.connections.drained() => true,
            () = self.env.clock.sleep(limit) => false,
        }
    }
}

/// What SQL is told of the settings.
pub(crate) fn instance_config(
    disk: &Arc<dyn Disk>,
    settings: &Settings,
    mut facts: ServerFacts,
) -> Result<InstanceConfig> {
    facts.configured = settings.connections.variables().to_vec();
    let directory = private::empty_directory(disk.as_ref(), settings.server.data_dir.join(SPILL))?;
    let process = Arc::clone(disk);
    Ok(InstanceConfig {
        facts,
        memory: MemoryLimit { server_bytes: settings.server.memory_limit.0 },
        resident: Some(ResidentProbe::new(move || status::process::resident_bytes(process.as_ref()))),
        spill: Spill { directory: Some(directory), bytes_max: settings.server.spill_limit.0 as u64 },
        cluster: None,
    })
}

/// Whether other machines can reach this address.
pub(crate) async fn is_exposed(host: &str) -> Result<bool> {
    let mut addresses = resolve(host, 0).await?;
    Ok(!addresses.all(|address| address.ip().is_loopback()))
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

/// As many as the variable says, and open files allow.
fn connections(
    disk: &dyn Disk,
    settings: &Settings,
    instance: &Instance,
    ids: ConnectionIds,
) -> Arc<Connections> {
    let (files, wanted) = (limits::open_files(disk), settings.connections.max_connections);
    let possible = limits::connections_max(u64::from(wanted), files);
    if possible < u64::from(wanted) {
        warn!(wanted, possible, "max_connections is lowered to what the limit of open files allows");
    }
    let instance = instance.clone();
    let max = move || {
        limits::connections_max(instance.global_variables().number("max_connections"), files) as usize
    };
    Connections::new(Box::new(max), ids)
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
