//! The conversation of a login: plugin choice, auth switch, fast path, full path.

use std::sync::Arc;

use tokio::sync::{OnceCell, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};

use crate::auth::account::{Account, Accounts, Verifier};
use crate::auth::cache::FastCache;
use crate::auth::caching_sha2::{self, Sha2Verifier};
use crate::auth::failed_logins::{FailedLogins, Origin, Turn};
use crate::auth::rsa_key::RsaKey;
use crate::auth::{CACHING_SHA2, NATIVE, SCRAMBLE_BYTES};
use crate::capability::Capabilities;
use crate::config::ConnectionConfig;
use crate::error::{Error, ErrorPacket, Result};
use crate::metrics::Metrics;
use crate::packet::{Channel, put};

const FAST_AUTH_SUCCESS: u8 = 0x03;
const PERFORM_FULL_AUTH: u8 = 0x04;
const REQUEST_PUBLIC_KEY: u8 = 0x02;
const AUTH_MORE_DATA: u8 = 0x01;
const AUTH_SWITCH: u8 = 0xfe;

/// ER_ACCESS_DENIED_ERROR
const ACCESS_DENIED: u16 = 1045;

/// Full checks that may run at the same time: thousands of hash rounds each, they must not take the CPU from statements.
const FULL_CHECKS_MAX: usize = 1;

/// What a server's logins share: the cache of proved passwords and the RSA key.
pub struct Authenticator {
    cache: FastCache,
    rsa: OnceCell<Arc<RsaKey>>,
    full_checks: Semaphore,
    failed_logins: FailedLogins,
}

/// What a client sent to log in.
pub(crate) struct Attempt<'a> {
    pub(crate) user: &'a str,
    pub(crate) plugin: Option<&'a str>,
    pub(crate) response: Vec<u8>,
    pub(crate) scramble: [u8; SCRAMBLE_BYTES],
    pub(crate) capabilities: Capabilities,
    /// COM_CHANGE_USER: a fresh scramble is sent whatever the client offered.
    pub(crate) again: bool,
}

impl Default for Authenticator {
    fn default() -> Self {
        Self {
            cache: FastCache::default(),
            rsa: OnceCell::new(),
            full_checks: Semaphore::new(FULL_CHECKS_MAX),
            failed_logins: FailedLogins::default(),
        }
    }
}

impl Authenticator {
    /// With a key kept from an earlier start; without one it is made when a client first asks.
    pub fn with_rsa_key(key: RsaKey) -> Self {
        Self { rsa: OnceCell::new_with(Some(Arc::new(key))), ..Self::default() }
    }

    /// Makes the RSA key ahead of the first client that needs it, and returns it for keeping.
    pub async fn rsa_key(&self) -> Result<Arc<RsaKey>> {
        let make = || async {
            let key = spawn_blocking(RsaKey::generate)
                .await
                .map_err(|_| Error::Internal("RSA key generation stopped"))??;
            Ok(Arc::new(key))
        };
        self.rsa.get_or_try_init(make).await.cloned()
    }

    /// Runs the conversation; the OK packet is the caller's. After failures of the same account and address it waits
    /// for its turn first.
    pub(crate) async fn login(
        &self,
        channel: &mut Channel,
        accounts: &dyn Accounts,
        attempt: Attempt<'_>,
        config: &ConnectionConfig,
    ) -> Result<Account> {
        let origin = Origin::new(attempt.user, &config.client_host);
        let (patience, delay_max) = (config.connect_timeout, config.failed_login_delay_max);
        match self.failed_logins.enter(&origin, Instant::now(), patience, delay_max) {
            Turn::Now => {}
            Turn::At(turn) => {
                let _place = Waiting { logins: &self.failed_logins, origin: &origin };
                sleep_until(turn).await;
            }
            Turn::Never => {
                let empty = attempt.response.is_empty() || attempt.response == [0];
                let error = ErrorPacket::access_denied(attempt.user, &config.client_host, !empty);
                return Err(Error::Fatal(error));
            }
        }
        let proved = self.prove(channel, accounts, attempt, config).await;
        match &proved {
            Ok(_) => self.failed_logins.succeeded(&origin),
            Err(Error::Fatal(packet)) if packet.code == ACCESS_DENIED => {
                self.failed_logins.failed(origin, Instant::now(), delay_max);
            }
            Err(_) => {}
        }
        proved
    }

    async fn prove(
        &self,
        channel: &mut Channel,
        accounts: &dyn Accounts,
        mut attempt: Attempt<'_>,
        config: &ConnectionConfig,
    ) -> Result<Account> {
        // Without an account all goes on as with one that has another password: which plugin is asked for, which steps
        // are taken and what they cost. The salt of a verifier never leaves the server, so any will do.
        let found = accounts.find(attempt.user, &config.client_host).await?;
        let host = config.client_host.as_str();
        let denied =
            |using_password| Error::Fatal(ErrorPacket::access_denied(attempt.user, host, using_password));
        let verifier = found.as_ref().map_or_else(
            || Verifier::CachingSha2(Sha2Verifier::unmatchable()),
            |account| account.verifier.clone(),
        );
        let plugin = verifier.plugin();
        let offered = attempt.plugin.unwrap_or(NATIVE);
        // An empty password needs no plugin: an old client that knows only its own gets in without a switch.
        // One that offers none we know (libmariadb's `dummy_fallback_auth`, while another thread loads the real
        // one) has more to say, and waits to be told a plugin.
        let known = offered == NATIVE || offered == CACHING_SHA2;
        let passwordless =
            known && verifier == Verifier::Empty && attempt.response.is_empty() && !attempt.again;
        if !passwordless && (offered != plugin || attempt.again) {
            if attempt.capabilities.contains(Capabilities::PLUGIN_AUTH) {
                (config.nonce)(&mut attempt.scramble)?;
                attempt.response = switch(channel, plugin, &attempt.scramble).await?;
            } else if offered != plugin {
                return Err(Error::Fatal(not_supported()));
            }
        }
        let empty = attempt.response.is_empty() || attempt.response == [0];
        let proved = match (&verifier, empty) {
            (Verifier::Empty, empty) => empty,
            (_, true) => false,
            (Verifier::Native(verifier), false) => verifier.accepts(&attempt.response, &attempt.scramble),
            (Verifier::CachingSha2(verifier), false) => {
                self.caching_sha2(channel, verifier, &attempt, config).await?
            }
        };
        match found {
            Some(account) if proved => Ok(account),
            _ => Err(denied(!empty)),
        }
    }

    async fn caching_sha2(
        &self,
        channel: &mut Channel,
        verifier: &Sha2Verifier,
        attempt: &Attempt<'_>,
        config: &ConnectionConfig,
    ) -> Result<bool> {
        if self.cache.accepts(verifier, &attempt.response, &attempt.scramble) {
            more_data(channel, &[FAST_AUTH_SUCCESS]);
            return Ok(true);
        }
        more_data(channel, &[PERFORM_FULL_AUTH]);
        channel.flush().await?;
        let Some(password) = self.receive_password(channel, &attempt.scramble).await? else {
            return Ok(false);
        };
        let _turn = self.full_checks.acquire().await.map_err(|_| Error::Closed)?;
        Metrics::add(&config.metrics.full_password_checks, 1);
        let stored = verifier.clone();
        let check =
            spawn_blocking(move || stored.accepts(&password).then(|| caching_sha2::fast_digest(&password)));
        match check.await.map_err(|_| Error::Internal("password check stopped"))? {
            Some(fast) => {
                self.cache.put(verifier.clone(), fast);
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// The password in the clear over TLS, else under our RSA key. A clear password on a plain socket is refused unread.
    async fn receive_password(
        &self,
        channel: &mut Channel,
        scramble: &[u8; SCRAMBLE_BYTES],
    ) -> Result<Option<Vec<u8>>> {
        let packet = channel.read_packet().await?;
        if channel.is_secure() {
            return Ok(packet.strip_suffix(&[0]).map(<[u8]>::to_vec));
        }
        if packet.as_ref() != [REQUEST_PUBLIC_KEY] {
            return Ok(None);
        }
        let key = self.rsa_key().await?;
        more_data(channel, key.public_pem().as_bytes());
        channel.flush().await?;
        let message = channel.read_packet().await?;
        let scramble = *scramble;
        let _turn = self.full_checks.acquire().await.map_err(|_| Error::Closed)?;
        spawn_blocking(move || key.open_password(&message, &scramble))
            .await
            .map_err(|_| Error::Internal("decryption stopped"))
    }
}

/// A place among those that wait, also of one that gives up.
struct Waiting<'a> {
    logins: &'a FailedLogins,
    origin: &'a Origin,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.logins.leave(self.origin);
    }
}

fn more_data(channel: &mut Channel, data: &[u8]) {
    channel.packet(|out| {
        out.push(AUTH_MORE_DATA);
        out.extend_from_slice(data);
    });
}

async fn switch(channel: &mut Channel, plugin: &str, scramble: &[u8; SCRAMBLE_BYTES]) -> Result<Vec<u8>> {
    debug_assert!(plugin == CACHING_SHA2 || plugin == NATIVE, "a plugin of ours");
    channel.packet(|out| {
        out.push(AUTH_SWITCH);
        put::nul_bytes(out, plugin.as_bytes());
        out.extend_from_slice(scramble);
        out.push(0);
    });
    channel.flush().await?;
    Ok(channel.read_packet().await?.to_vec())
}

fn not_supported() -> ErrorPacket {
    crate::handshake::old_protocol()
}
