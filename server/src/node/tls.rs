//! The certificate for clients that ask for TLS: the operator's, or one made at the first start and kept.

use std::path::Path;

use rutile_kv_env::Disk;
use rutile_server_wire::{Identity, ServerTls};
use tracing::info;

use crate::error::{Error, Result};
use crate::node::TlsSettings;

/// MySQL's names for the files it makes in its data directory.
const CERTIFICATE: &str = "server-cert.pem";
const KEY: &str = "server-key.pem";

/// The identity the server has now: the files may have changed since it started.
pub(crate) fn again(disk: &dyn Disk, settings: &TlsSettings, data_dir: &Path) -> Result<ServerTls> {
    match given(disk, settings)? {
        Some(tls) => Ok(tls),
        None => kept(disk, data_dir),
    }
}

/// The operator's identity; found wrong before any data is touched.
pub(crate) fn given(disk: &dyn Disk, settings: &TlsSettings) -> Result<Option<ServerTls>> {
    match (&settings.cert, &settings.key) {
        (Some(certificate), Some(key)) => load(disk, certificate, key).map(Some),
        _ => Ok(None),
    }
}

/// The identity kept in the data directory, made now if there is none.
pub(crate) fn kept(disk: &dyn Disk, data_dir: &Path) -> Result<ServerTls> {
    let (certificate, key) = (data_dir.join(CERTIFICATE), data_dir.join(KEY));
    if disk.exists(&certificate) && disk.exists(&key) {
        return load(disk, &certificate, &key);
    }
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    let identity = Identity::self_signed(names)?;
    let tls = ServerTls::new(&identity)?;
    let failed = |source| Error::Io { what: "TLS certificate", source };
    // The certificate last: together they count only when it is there.
    disk.write_atomic(&key, identity.key.as_bytes()).map_err(failed)?;
    disk.write_atomic(&certificate, identity.certificates.as_bytes()).map_err(failed)?;
    info!(certificate = %certificate.display(), "made a self-signed TLS certificate");
    Ok(tls)
}

fn load(disk: &dyn Disk, certificate: &Path, key: &Path) -> Result<ServerTls> {
    let read = |path: &Path| {
        let bytes = disk.read(path).map_err(|source| Error::Io { what: "TLS certificate", source })?;
        Ok::<_, Error>(String::from_utf8_lossy(&bytes).into_owned())
    };
    let identity = Identity { certificates: read(certificate)?, key: read(key)? };
    ServerTls::new(&identity).map_err(|error| Error::Tls {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use rutile_kv_env::Simulation;

    use super::*;

    #[test]
    fn a_certificate_is_made_once() {
        let simulation = Simulation::new(1);
        let (disk, data) = (simulation.disk(), Path::new("/data"));
        disk.create_dir_all(data).expect("memory");
        kept(disk, data).expect("made");
        let first = disk.read(&data.join(CERTIFICATE)).expect("kept");
        kept(disk, data).expect("loaded");
        assert_eq!(disk.read(&data.join(CERTIFICATE)).expect("kept"), first);
    }

    #[test]
    fn a_damaged_certificate_is_named() {
        let simulation = Simulation::new(1);
        let (disk, data) = (simulation.disk(), Path::new("/data"));
        disk.create_dir_all(data).expect("memory");
        kept(disk, data).expect("made");
        disk.write_atomic(&data.join(CERTIFICATE), b"not a certificate").expect("memory");
        let problem = kept(disk, data).err().expect("refused").to_string();
        assert!(problem.contains("/data/server-cert.pem") && !problem.contains('\n'), "{problem}");
    }
}
