//! Mutual TLS between the parts of a cluster.
//!
//! Every part has a certificate of the cluster's own authority and shows it to whoever it dials and is dialled by; one
//! without such a certificate is refused in the handshake. A certificate must be valid for the host that is dialled. With
//! allowed names, a caller's certificate must also be valid for one of them (a DNS name among its subject alternative
//! names), so that certificates that the authority gave out for other purposes do not count.
//!
//! Certificates are replaced while the process runs ([`PeerTls::replace`]): connections made from then on use the new
//! ones, those that there are go on.

use std::fmt;
use std::sync::Arc;

use parking_lot::RwLock;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};
use webpki::EndEntityCert;

/// What a part of a cluster shows and trusts, as PEM.
pub struct TlsFiles {
    /// The authority's certificate.
    pub authority: String,
    /// This part's certificate, and the ones between it and the authority's behind it.
    pub certificates: String,
    pub key: String,
}

/// Both directions. Cheap to clone; clones share what [`PeerTls::replace`] changes.
#[derive(Clone)]
pub struct PeerTls {
    current: Arc<RwLock<Current>>,
    allowed: Arc<[ServerName<'static>]>,
}

struct Current {
    client: ClientTlsConfig,
    server: Arc<ServerConfig>,
    /// Counts replacements: a channel knows by it that it is older.
    generation: u64,
}

impl PeerTls {
    /// Fails with the reason why nobody could use these.
    pub fn new(files: &TlsFiles, allowed_names: &[String]) -> Result<PeerTls, String> {
        let name = |name: &String| {
            ServerName::try_from(name.clone()).map_err(|_| format!("{name:?} is no name of a certificate"))
        };
        let allowed = allowed_names.iter().map(name).collect::<Result<Vec<_>, _>>()?;
        let (client, server) = (client_config(files)?, server_config(files)?);
        let current = Current { client, server, generation: 0 };
        Ok(PeerTls { current: Arc::new(RwLock::new(current)), allowed: allowed.into() })
    }

    /// Uses these from the next connection on. Files that do not fit change nothing.
    pub fn replace(&self, files: &TlsFiles) -> Result<(), String> {
        let (client, server) = (client_config(files)?, server_config(files)?);
        let mut current = self.current.write();
        *current = Current { client, server, generation: current.generation + 1 };
        Ok(())
    }

    pub(crate) fn generation(&self) -> u64 {
        self.current.read().generation
    }

    pub(crate) fn client(&self) -> ClientTlsConfig {
        self.current.read().client.clone()
    }

    /// For one connection.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.current.read().server))
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

fn client_config(files: &TlsFiles) -> Result<ClientTlsConfig, String> {
    let authority = Certificate::from_pem(&files.authority);
    let identity = Identity::from_pem(&files.certificates, &files.key);
    let client = ClientTlsConfig::new().ca_certificate(authority).identity(identity);
    // It looks at the files only when it is used.
    let said = |error: tonic::transport::Error| {
        std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string)
    };
    Endpoint::from_static("https://localhost").tls_config(client.clone()).map_err(said)?;
    Ok(client)
}

/// Asks callers for a certificate of the authority.
fn server_config(files: &TlsFiles) -> Result<Arc<ServerConfig>, String> {
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&files.authority, "authority")? {
        roots.add(certificate).map_err(|error| format!("authority: {error}"))?;
    }
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
    let verifier = verifier.map_err(|error| format!("authority: {error}"))?;
    let own = certificates(&files.certificates, "certificate")?;
    let key = PrivateKeyDer::from_pem_slice(files.key.as_bytes()).map_err(|error| format!("key: {error}"))?;
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| error.to_string())?.with_client_cert_verifier(verifier);
    let mut config = config.with_single_cert(own, key).map_err(|error| error.to_string())?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn certificates(pem: &str, what: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match read {
        Ok(list) if list.is_empty() => Err(format!("{what}: the file has no certificate")),
        Ok(list) => Ok(list),
        Err(error) => Err(format!("{what}: {error}")),
    }
}

/// Without the key.
impl fmt::Debug for PeerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerTls").field("allowed", &self.allowed).finish_non_exhaustive()
    }
}
