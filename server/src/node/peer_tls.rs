//! Whom the parts of a cluster trust: flags, files, and what is refused without them.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use rutile_kv_env::Disk;
use rutile_kv_grpc::{Limits, PeerTls, TlsFiles};
use tracing::warn;

use crate::error::{Error, Result};

/// What every part of a cluster shows and trusts.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CertOptions {
    /// Certificate of the cluster's authority; with it every part shows a certificate, and asks for one
    #[arg(long, value_name = "FILE", requires_all = ["cert", "key"])]
    cacert: Option<PathBuf>,
    /// This part's certificate, of that authority
    #[arg(long, value_name = "FILE", requires = "cacert")]
    cert: Option<PathBuf>,
    /// The certificate's key
    #[arg(long, value_name = "FILE", requires = "cacert")]
    key: Option<PathBuf>,
}

/// Flags of the roles that others dial.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PeerTlsOptions {
    #[command(flatten)]
    certificates: CertOptions,
    /// Callers' certificates must be valid for one of these DNS names
    #[arg(long, value_name = "NAME", value_delimiter = ',', requires = "cacert")]
    cert_allowed_name: Vec<String>,
    /// Listen where other machines can reach it although whoever dials may read and write everything
    #[arg(long)]
    insecure: bool,
}

impl CertOptions {
    /// The limits of both directions, with TLS if the flags say so.
    pub(crate) fn limits(&self, disk: &dyn Disk, allowed_names: &[String]) -> Result<Limits> {
        let (Some(authority), Some(certificate), Some(key)) = (&self.cacert, &self.cert, &self.key) else {
            return Ok(Limits::default());
        };
        let read = |path: &Path| {
            let bytes = disk
                .read(path)
                .map_err(|source| Error::ConfigFile { path: path.to_owned(), reason: source.to_string() })?;
            Ok::<_, Error>(String::from_utf8_lossy(&bytes).into_owned())
        };
        let files =
            TlsFiles { authority: read(authority)?, certificates: read(certificate)?, key: read(key)? };
        let tls = PeerTls::new(&files, allowed_names).map_err(|reason| Error::Tls {
            certificate: certificate.clone(),
            key: key.clone(),
            reason,
        })?;
        Ok(Limits { tls: Some(tls), ..Limits::default() })
    }
}

impl PeerTlsOptions {
    /// See [`CertOptions::limits`].
    pub(crate) fn limits(&self, disk: &dyn Disk) -> Result<Limits> {
        self.certificates.limits(disk, &self.cert_allowed_name)
    }

    /// Refuses to listen where others can dial without a certificate.
    pub(crate) fn check_open(&self, host: &str, address: IpAddr, limits: &Limits) -> Result<()> {
        if address.is_loopback() || limits.tls.is_some() {
            return Ok(());
        }
        if self.insecure {
            warn!(%address, "whoever can dial this address may read and write everything");
            return Ok(());
        }
        Err(Error::OpenToPeers { host: host.to_owned() })
    }
}
