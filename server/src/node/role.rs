//! What the roles of a cluster share: their flags, the port, the wait for a signal.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use rutile_kv_env::{Env, TaskHandle};
use rutile_kv_grpc::server::{Context, serve};
use rutile_kv_grpc::{Limits, Router};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::{info, warn};

use super::threads;
use crate::config::{Bytes, Settings};
use crate::error::{Error, Result};
use crate::logging::{self, LogSettings};
use crate::node::peer_tls::{PeerTlsOptions, Renewal};
use crate::node::signals::{Asked, StopSignals};
use crate::node::{HIBERNATE_REGIONS, ServerSettings};

/// Records of a region that is split.
pub(crate) const REGION_SPLIT_KEYS: u64 = 2_560_000;

/// Flags of both roles.
#[derive(Args, Clone, Debug)]
pub(crate) struct RoleOptions {
    /// File that holds these flags as TOML, data_dir = "/var/lib/rutile"; deploy/local/cluster has some
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) host: String,
    /// What others dial, as host:port; the address listened on without it
    #[arg(long)]
    pub(crate) advertise: Option<String>,
    /// error, warn, info, debug, trace, or a filter such as `info,rutile_kv=debug`
    #[arg(long, default_value = "info")]
    pub(crate) log_level: String,
    #[command(flatten)]
    pub(crate) tls: PeerTlsOptions,
}

impl RoleOptions {
    /// For this machine only.
    pub(crate) fn local(log_level: &str) -> RoleOptions {
        RoleOptions {
            config: None,
            host: "127.0.0.1".to_owned(),
            advertise: None,
            log_level: log_level.to_owned(),
            tls: PeerTlsOptions::default(),
        }
    }
}

/// Flags of `rutile start pd`.
#[derive(Args, Clone, Debug)]
pub(crate) struct PdOptions {
    #[command(flatten)]
    pub(crate) role: RoleOptions,
    /// Port for clients, stores, other members and the HTTP pages; 0 takes a free one
    #[arg(long, default_value_t = 2379)]
    pub(crate) port: u16,
    /// Where data is kept; created when missing
    #[arg(long, default_value = "./rutile-pd")]
    pub(crate) data_dir: PathBuf,
    /// Name of this member
    #[arg(long, default_value = "pd")]
    pub(crate) name: String,
    /// Found a group of several members, each started with the same list: name=host:port,name=host:port
    #[arg(long)]
    pub(crate) initial_cluster: Option<String>,
    /// Join the group that these members belong to
    #[arg(long, value_delimiter = ',')]
    pub(crate) join: Vec<String>,
}

/// Flags of `rutile start kv`.
#[derive(Args, Clone, Debug)]
pub(crate) struct KvOptions {
    #[command(flatten)]
    pub(crate) role: RoleOptions,
    /// Port for clients and other stores; 0 takes a free one
    #[arg(long, default_value_t = 20160)]
    pub(crate) port: u16,
    /// Where data is kept; created when missing
    #[arg(long, default_value = "./rutile-kv")]
    pub(crate) data_dir: PathBuf,
    /// Addresses of PD members
    #[arg(long, default_value = "127.0.0.1:2379", value_delimiter = ',')]
    pub(crate) pd: Vec<String>,
    /// A region is split into pieces of this many records
    #[arg(long, default_value_t = REGION_SPLIT_KEYS, value_parser = clap::value_parser!(u64).range(2..))]
    pub(crate) region_split_keys: u64,
    /// What the process is to stay below; caches and memtables are sized by it
    #[arg(long, default_value = "1GiB", value_parser = size)]
    pub(crate) memory_limit: Bytes,
    /// Regions that nobody uses fall asleep and cost nothing
    #[arg(long, default_value_t = HIBERNATE_REGIONS, action = clap::ArgAction::Set)]
    pub(crate) hibernate_regions: bool,
    /// Where the store is: zone=a,host=h1; the placement driver keeps copies of data apart by them
    #[arg(long, value_delimiter = ',', value_parser = label)]
    pub(crate) labels: Vec<(String, String)>,
}

impl KvOptions {
    /// With the defaults of the flags.
    pub(crate) fn local(role: RoleOptions, port: u16) -> KvOptions {
        KvOptions {
            role,
            port,
            data_dir: PathBuf::new(),
            pd: Vec::new(),
            region_split_keys: REGION_SPLIT_KEYS,
            memory_limit: ServerSettings::default().memory_limit,
            hibernate_regions: HIBERNATE_REGIONS,
            labels: Vec::new(),
        }
    }
}

/// As the setting of a SQL server, with its bounds.
fn size(text: &str) -> std::result::Result<Bytes, String> {
    let mut settings = Settings::default();
    settings.take_flag("server.memory_limit", text)?;
    Ok(settings.server.memory_limit)
}

fn label(text: &str) -> std::result::Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(key, value)| !key.is_empty() && !value.is_empty());
    let pair = pair.map(|(key, value)| (key.to_owned(), value.to_owned()));
    pair.ok_or_else(|| "a label is KEY=VALUE".to_owned())
}

/// Runs a role until a signal ends it.
pub(crate) fn run<R: Role>(options: &RoleOptions, role: R) -> Result<()> {
    let env = Env::real();
    let log = LogSettings { level: options.log_level.clone(), ..LogSettings::default() };
    logging::start(env.disk.as_ref(), &log)?;
    let runtime = threads::runtime()?;
    let result = runtime.block_on(async {
        let mut signals = StopSignals::listen()?;
        let running = tokio::select! {
            running = role.start(Env::real()) => running?,
            name = stop_signal(&mut signals) => {
                info!(signal = name, "stopped before it was ready");
                return Ok(());
            }
        };
        let renewal = Renewal::new(&options.tls.certificates, R::limits(&running));
        let name = loop {
            match signals.next().await {
                Asked::Stop(name) => break name,
                Asked::Reload => renewal.renew(env.disk.as_ref()),
            }
        };
        info!(signal = name, "stopping");
        tokio::select! {
            stopped = R::stop(running) => stopped,
            name = stop_signal(&mut signals) => {
                warn!(signal = name, "second signal: not waiting any longer");
                Err(Error::TaskLost { what: "an orderly stop" })
            }
        }
    });
    runtime.shutdown_background();
    result
}

/// The next signal to stop, where there is nothing to be read again.
pub(crate) async fn stop_signal(signals: &mut StopSignals) -> &'static str {
    loop {
        if let Asked::Stop(name) = signals.next().await {
            return name;
        }
    }
}

/// One part of a cluster.
pub(crate) trait Role {
    type Running;

    fn start(self, env: Env) -> impl Future<Output = Result<Self::Running>>;

    fn stop(running: Self::Running) -> impl Future<Output = Result<()>>;

    /// Of its ports: what certificates they use.
    fn limits(running: &Self::Running) -> Vec<Limits>;
}

/// A port that serves gRPC.
pub(crate) struct Port {
    context: Context,
    limits: Limits,
    stop: watch::Sender<bool>,
    server: Option<TaskHandle>,
    listener: Option<TcpListener>,
    local: SocketAddr,
    advertised: String,
}

impl Port {
    /// Refuses an address that other machines can reach if whoever dials it could do as he likes.
    pub(crate) async fn bind(env: &Env, options: &RoleOptions, port: u16) -> Result<Port> {
        Self::bind_as(env, options, port, None).await
    }

    /// The same, where others dial another host.
    pub(crate) async fn bind_as(
        env: &Env,
        options: &RoleOptions,
        port: u16,
        host: Option<&str>,
    ) -> Result<Port> {
        let limits = options.tls.limits(env.disk.as_ref())?;
        let bad = |source| Error::Listen { address: format!("{}:{port}", options.host), source };
        let listener = TcpListener::bind((options.host.as_str(), port)).await.map_err(bad)?;
        let local = listener.local_addr().map_err(|source| Error::Io { what: "listener", source })?;
        let (stop, stopped) = watch::channel(false);
        options.tls.check_open(&options.host, local.ip(), &limits)?;
        let context = Context::new(env.clone(), limits.clone(), stopped);
        let advertised = match (host, &options.advertise) {
            (Some(host), _) => format!("{host}:{}", local.port()),
            (None, Some(address)) => address.clone(),
            (None, None) if local.ip().is_unspecified() => {
                let reason = format!("others can not dial {local}: say what they can");
                return Err(Error::Setting { name: "--advertise or --advertise-host".to_owned(), reason });
            }
            (None, None) => local.to_string(),
        };
        Ok(Port { context, limits, stop, server: None, listener: Some(listener), local, advertised })
    }

    /// How this part dials others, too.
    pub(crate) fn limits(&self) -> Limits {
        self.limits.clone()
    }

    /// What others dial, with its scheme.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.limits.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.advertised)
    }

    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    /// What others dial.
    pub(crate) fn advertised(&self) -> &str {
        &self.advertised
    }

    /// Serves from now on.
    pub(crate) fn serve(&mut self, env: &Env, routes: Router) {
        let Some(listener) = self.listener.take() else {
            return;
        };
        let context = self.context.clone();
        let server = async move {
            if let Err(error) = serve(listener, &context, routes).await {
                warn!(%error, "the port failed");
            }
        };
        self.server = Some(env.spawn.spawn("grpc", Box::pin(server)));
    }

    /// The one line on standard output: scripts wait for it and read the port.
    pub(crate) fn announce(&self, role: &str) {
        info!(address = %self.local, "ready");
        let mut out = std::io::stdout();
        // Nobody may be reading.
        let _ = writeln!(out, "ready {role}={}", self.local).and_then(|()| out.flush());
    }

    /// Takes no more calls and waits for those under way.
    pub(crate) async fn stop(&self) {
        self.stop.send_replace(true);
        if let Some(server) = &self.server {
            server.join().await;
        }
    }
}
