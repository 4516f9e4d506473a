//! The server's RSA key, kept in the data directory so that clients may pin it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rutile_kv_env::{Disk, Env};
use rutile_server_wire::{Authenticator, RsaKey};
use tracing::warn;

use crate::error::{Error, Result};

const FILE: &str = "rsa_key.pem";

fn file(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE)
}

/// An authenticator with the kept key; at the first start one that still has to make it.
pub(crate) fn authenticator(disk: &dyn Disk, data_dir: &Path) -> Result<Arc<Authenticator>> {
    let path = file(data_dir);
    if !disk.exists(&path) {
        return Ok(Arc::default());
    }
    let pem = disk.read(&path).map_err(|source| Error::Io { what: "RSA key", source })?;
    let key = RsaKey::from_pem(&String::from_utf8_lossy(&pem))?;
    Ok(Arc::new(Authenticator::with_rsa_key(key)))
}

/// Makes and keeps the key beside the running server: it takes a while, and the first client with a password should not
/// wait for it.
pub(crate) fn make_in_background(env: &Env, authenticator: Arc<Authenticator>, data_dir: &Path) {
    let path = file(data_dir);
    if env.disk.exists(&path) {
        return;
    }
    let disk = env.disk.clone();
    let work = async move {
        let saved = match authenticator.rsa_key().await.and_then(|key| key.to_pem()) {
            Ok(pem) => disk.write_atomic(&path, pem.as_bytes()).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = saved {
            warn!(error, "the RSA key is not kept; the next start makes another one");
        }
    };
    env.spawn.spawn("rsa-key", Box::pin(work));
}
