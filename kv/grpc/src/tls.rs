//! Mutual TLS between the parts of a cluster.
//!
//! Every part has a certificate of the cluster's own authority and shows it to whoever it dials and is dialled by; one
//! without such a certificate is refused in the handshake. A certificate must be valid for the host that is dialled. With
//! allowed names, a caller's certificate must also be valid for one of them (a DNS name among its subject alternative
//! names), so that certificates that the authority gave out for other purposes do not count.
//!
//! Deliberately missing: certificates that are read again without a restart.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity, Server, ServerTlsConfig};
use webpki::EndEntityCert;

/// A handshake that is not over by then is given up.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(5);

/// What a part of a cluster shows and trusts, as PEM.
pub struct TlsFiles {
    /// The authority's certificate.
    pub authority: String,
    /// This part's certificate, and the ones between it and the authority's behind it.
    pub certificates: String,
    pub key: String,
}

/// Both directions. Cheap to clone.
#[derive(Clone)]
pub struct PeerTls {
    client: ClientTlsConfig,
    server: ServerTlsConfig,
    allowed: Arc<[ServerName<'static>]>,
}

impl PeerTls {
    /// Fails with the reason why nobody could use these.
    pub fn new(files: &TlsFiles, allowed_names: &[String]) -> Result<PeerTls, String> {
        let authority = Certificate::from_pem(&files.authority);
        let identity = Identity::from_pem(&files.certificates, &files.key);
        let client = ClientTlsConfig::new().ca_certificate(authority.clone()).identity(identity.clone());
        let server =
            ServerTlsConfig::new().identity(identity).client_ca_root(authority).timeout(HANDSHAKE_TIME_MAX);
        // Both look at their files only when they are used.
        let said = |error: tonic::transport::Error| {
            std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string)
        };
        Server::builder().tls_config(server.clone()).map_err(said)?;
        Endpoint::from_static("https://localhost").tls_config(client.clone()).map_err(said)?;
        let name = |name: &String| {
            ServerName::try_from(name.clone()).map_err(|_| format!("{name:?} is no name of a certificate"))
        };
        let allowed = allowed_names.iter().map(name).collect::<Result<Vec<_>, _>>()?;
        Ok(PeerTls { client, server, allowed: allowed.into() })
    }

    pub(crate) fn client(&self) -> ClientTlsConfig {
        self.client.clone()
    }

    pub(crate) fn server(&self) -> ServerTlsConfig {
        self.server.clone()
    }

    /// Whether the caller of a request may call, its certificate being one of the authority's.
    pub(crate) fn admits(&self, caller: Option<&TlsConnectInfo<TcpConnectInfo>>) -> bool {
        if self.allowed.is_empty() {
            return true;
        }
        let certificates = caller.and_then(TlsConnectInfo::peer_certs).unwrap_or_default();
        certificates.first().is_some_and(|certificate| self.has_allowed_name(certificate))
    }

    fn has_allowed_name(&self, certificate: &CertificateDer<'_>) -> bool {
        let parsed = EndEntityCert::try_from(certificate);
        parsed.is_ok_and(|parsed| {
            self.allowed.iter().any(|name| parsed.verify_is_valid_for_subject_name(name).is_ok())
        })
    }
}

/// Without the key.
impl fmt::Debug for PeerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerTls").field("allowed", &self.allowed).finish_non_exhaustive()
    }
}
