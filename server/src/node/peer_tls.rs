//! Whom the parts of a cluster trust: flags, files, and what is refused without them.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use rutile_kv_env::Disk;
use rutile_kv_grpc::{Limits, PeerTls, TlsFiles};
use tracing::{info, warn};

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
    pub(crate) certificates: CertOptions,
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
        let Some(files) = self.files(disk)? else {
            return Ok(Limits::default());
        };
        let tls = PeerTls::new(&files, allowed_names).map_err(|reason| self.refused(reason))?;
        Ok(Limits { tls: Some(tls), ..Limits::default() })
    }

    /// Reads the files again for whoever uses them already. Files that are wrong change nothing.
    fn renew(&self, disk: &dyn Disk, tls: &PeerTls) -> Result<()> {
        match self.files(disk)? {
            Some(files) => tls.replace(&files).map_err(|reason| self.refused(reason)),
            None => Ok(()),
        }
    }

    fn files(&self, disk: &dyn Disk) -> Result<Option<TlsFiles>> {
        let (Some(authority), Some(certificate), Some(key)) = (&self.cacert, &self.cert, &self.key) else {
            return Ok(None);
        };
        let read = |path: &Path| {
            let bytes = disk
                .read(path)
                .map_err(|source| Error::ConfigFile { path: path.to_owned(), reason: source.to_string() })?;
            Ok::<_, Error>(String::from_utf8_lossy(&bytes).into_owned())
        };
        let files =
            TlsFiles { authority: read(authority)?, certificates: read(certificate)?, key: read(key)? };
        Ok(Some(files))
    }

    fn refused(&self, reason: String) -> Error {
        let named = |path: &Option<PathBuf>| path.clone().unwrap_or_default();
        Error::Tls { certificate: named(&self.cert), key: named(&self.key), reason }
    }
}

/// Certificates in use, and the files that they came from: SIGHUP reads those again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Renewal {
    options: CertOptions,
    used: Vec<PeerTls>,
}

impl Renewal {
    pub(crate) fn new(options: &CertOptions, used: impl IntoIterator<Item = Limits>) -> Renewal {
        let used = used.into_iter().filter_map(|limits| limits.tls).collect();
        Renewal { options: options.clone(), used }
    }

    /// The next connections use what the files hold now.
    pub(crate) fn renew(&self, disk: &dyn Disk) {
        for tls in &self.used {
            match self.options.renew(disk, tls) {
                Ok(()) => info!("certificates between the parts of the cluster are read again"),
                Err(error) => warn!(%error, "certificates stay as they were"),
            }
        }
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
