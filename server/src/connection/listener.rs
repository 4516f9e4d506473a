//! Accepting MySQL clients.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use rutile_kv_env::Env;
use rutile_server_wire::{
    Accounts, Authenticator, Class, ConnectionConfig, Error as WireError, ErrorPacket, ServerTls, auth,
    refuse, serve_connection,
};
use rutile_sql::session::Instance;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tracing::{Instrument, debug, info, info_span, warn};

use crate::SERVER_VERSION;
use crate::config::Settings;
use crate::connection::client::Client;
use crate::connection::logins::{Arrival, Logins};
use crate::connection::registry::{Connections, Place};

/// Pause after a failed accept: the usual cause is a lack of file handles, which only time cures.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// What a listener is made of.
pub(crate) struct ListenerParts {
    pub(crate) env: Env,
    pub(crate) settings: watch::Receiver<Settings>,
    pub(crate) instance: Instance,
    pub(crate) accounts: Arc<dyn Accounts>,
    pub(crate) authenticator: Arc<Authenticator>,
    /// Read again at a reload.
    pub(crate) tls: Arc<RwLock<ServerTls>>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) logins: Arc<Logins>,
}

/// Takes clients from a socket.
pub(crate) struct Listener {
    parts: ListenerParts,
}

impl Listener {
    pub(crate) fn new(parts: ListenerParts) -> Self {
        Self { parts }
    }

    /// Accepts until `stop` resolves. Clients already in stay.
    pub(crate) async fn run(self, socket: TcpListener, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut stop => return,
                accepted = socket.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => self.admit(stream, peer),
                Err(error) => {
                    warn!(%error, "accept failed");
                    self.parts.env.clock.sleep(ACCEPT_RETRY).await;
                }
            }
        }
    }

    fn admit(&self, stream: TcpStream, peer: SocketAddr) {
        // Replies are written whole; waiting for more to fill a segment would only delay them.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, %peer, "client left at once");
            return;
        }
        if let Some(error) = refusal(&self.parts.instance, peer.ip()) {
            return self.turn_away(stream, peer, error);
        }
        let arrival = self.parts.logins.arrive(auth::network(peer.ip()));
        match arrival.and_then(|arrival| Some((arrival, self.parts.connections.enter()?))) {
            Some((arrival, place)) => self.serve(stream, peer, place, arrival),
            None => self.turn_away(stream, peer, ErrorPacket::too_many_connections()),
        }
    }

    fn turn_away(&self, stream: TcpStream, peer: SocketAddr, error: ErrorPacket) {
        debug!(%peer, %error, "client refused");
        let (_, stop) = watch::channel(None);
        let config = ConnectionConfig {
            write_timeout: ACCEPT_RETRY,
            ..ConnectionConfig::new(SERVER_VERSION, 0, peer.ip().to_string(), stop)
        };
        self.parts.env.spawn.spawn(
            "refused-client",
            Box::pin(async move {
                if let Err(error) = refuse(Box::new(stream), &error, &config).await {
                    debug!(%error, "client left before it was refused");
                }
            }),
        );
    }

    fn serve(&self, stream: TcpStream, peer: SocketAddr, place: Place, mut arrival: Arrival) {
        let parts = &self.parts;
        let failed_login_delay_max = parts.settings.borrow().connections.failed_login_delay_max;
        let variables = parts.instance.global_variables();
        let id = place.id;
        let mut config = ConnectionConfig {
            connect_timeout: Duration::from_secs(variables.number("connect_timeout")),
            allowed_packet_bytes_max: variables.number("max_allowed_packet") as usize,
            failed_login_delay_max,
            tls: Some(parts.tls.read().clone()),
            tls_required: variables.number("require_secure_transport") != 0,
            metrics: parts.connections.metrics().clone(),
            ..ConnectionConfig::new(SERVER_VERSION, id, peer.ip().to_string(), place.stop.clone())
        };
        let (instance, connections) = (parts.instance.clone(), parts.connections.clone());
        let clock = parts.env.clock.clone();
        let (accounts, authenticator) = (parts.accounts.clone(), parts.authenticator.clone());
        let work = async move {
            let arrived = clock.now();
            tokio::select! {
                () = arrival.turn() => {}
                () = clock.sleep(config.connect_timeout) => return debug!("no turn to log in"),
            }
            // The time to wait and the time to log in are one.
            let waited = clock.now().saturating_since(arrived);
            config.connect_timeout = config.connect_timeout.saturating_sub(waited);
            let mut client = Client::new(instance, connections, peer.ip(), arrival, place.reserved);
            let result =
                serve_connection(Box::new(stream), &mut client, accounts.as_ref(), &authenticator, config)
                    .await;
            match result {
                Ok(()) => debug!("connection closed"),
                Err(error) => log_end(&error),
            }
            drop(place);
        };
        let span = info_span!("connection", conn_id = id, %peer);
        let task = parts.env.spawn.spawn("client", Box::pin(work.instrument(span)));
        parts.connections.attach(id, task);
    }
}

/// Why clients of this address are not let in, if they are not.
fn refusal(instance: &Instance, address: IpAddr) -> Option<ErrorPacket> {
    let errors_max = instance.global_variables().number("max_connect_errors");
    let refused = instance.host_cache().refuses(address, errors_max);
    refused.then(|| ErrorPacket::host_is_blocked(&address.to_canonical().to_string()))
}

/// A connection that ends badly is one line; the client's own mistakes are no warnings.
fn log_end(error: &WireError) {
    match (error.class(), error) {
        (_, WireError::Internal(_)) => warn!(%error, "connection ended by a defect"),
        (Class::TellClientAndClose, _) => info!(%error, "connection ended"),
        _ => debug!(%error, "connection ended"),
    }
}
