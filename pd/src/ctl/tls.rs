//! TLS to a cluster whose parts ask for certificates.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use rutile_kv_env::Disk;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Flags, as the roles have them.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Options {
    /// Certificate of the cluster's authority; with it PD is spoken to over TLS
    #[arg(long, global = true, env = "RUTILE_CACERT", value_name = "FILE")]
    cacert: Option<PathBuf>,
    /// Certificate to show, of that authority
    #[arg(long, global = true, env = "RUTILE_CERT", value_name = "FILE")]
    cert: Option<PathBuf>,
    /// The certificate's key
    // Not named `key` for clap: regions are asked for by a key.
    #[arg(id = "certificate_key", long = "key", global = true, env = "RUTILE_KEY", value_name = "FILE")]
    key: Option<PathBuf>,
}

/// What a command line shows and trusts.
pub(super) struct Tls {
    connector: TlsConnector,
}

impl Options {
    /// `None` without flags.
    pub(super) fn load(&self, disk: &dyn Disk) -> Result<Option<Tls>, String> {
        let (authority, certificate, key) = match (&self.cacert, &self.cert, &self.key) {
            (None, None, None) => return Ok(None),
            (Some(authority), Some(certificate), Some(key)) => (authority, certificate, key),
            _ => return Err("--cacert, --cert and --key belong together".to_owned()),
        };
        let mut roots = RootCertStore::empty();
        for root in certificates(disk, authority)? {
            roots.add(root).map_err(|error| format!("{}: {error}", authority.display()))?;
        }
        let chain = certificates(disk, certificate)?;
        let secret = PrivateKeyDer::from_pem_slice(&read(disk, key)?);
        let secret = secret.map_err(|error| format!("{}: {error}", key.display()))?;
        let config =
            ClientConfig::builder().with_root_certificates(roots).with_client_auth_cert(chain, secret);
        let config =
            config.map_err(|error| format!("{} and {}: {error}", certificate.display(), key.display()))?;
        Ok(Some(Tls { connector: TlsConnector::from(Arc::new(config)) }))
    }
}

impl Tls {
    /// The handshake with `host:port`.
    pub(super) async fn greet(
        &self,
        stream: TcpStream,
        address: &str,
    ) -> Result<TlsStream<TcpStream>, String> {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(host).map_err(|error| error.to_string())?;
        self.connector.connect(name, stream).await.map_err(|error| format!("TLS: {error}"))
    }
}

fn read(disk: &dyn Disk, path: &Path) -> Result<Vec<u8>, String> {
    disk.read(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn certificates(disk: &dyn Disk, path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = read(disk, path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(format!("{}: no certificate in it", path.display())),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}
