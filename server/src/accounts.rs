//! Who may log in: the root account, until accounts are rows of the catalog.
//!
//! Its verifier, never the password, is in `accounts` inside the data directory, so that a restart without the
//! password option asks for the same password. SQL nodes of a cluster keep it in the cluster's storage instead: it is the
//! same for all of them, and each login reads it there.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use rutile_kv_env::Disk;
use rutile_server_wire::{Account, Accounts, CACHING_SHA2, Error as WireError, ErrorPacket, Verifier};
use rutile_sql::session::Instance;

use crate::error::{Error, Result};

const FILE: &str = "accounts";

/// First line of the file; a release that changes the format changes it.
const HEADER: &str = "rutile-accounts 1";

/// The account that may do everything.
pub(crate) const ROOT: &str = "root";

/// The accounts of this server.
#[derive(Debug)]
pub(crate) struct ServerAccounts {
    root: Verifier,
}

impl ServerAccounts {
    /// Reads the accounts of a data directory, which may not exist yet.
    pub(crate) fn load(disk: &dyn Disk, data_dir: &Path) -> Result<Self> {
        let path = file(data_dir);
        if !disk.exists(&path) {
            return Ok(Self { root: Verifier::Empty });
        }
        let content = disk.read(&path).map_err(|source| Error::Io { what: "accounts file", source })?;
        let root = parse(&content).map_err(|what| Error::AccountFile { path, what })?;
        Ok(Self { root })
    }

    /// Gives root this password.
    pub(crate) fn set_root_password(&mut self, password: &str) -> Result<()> {
        self.root = Verifier::caching_sha2(password.as_bytes())?;
        Ok(())
    }

    pub(crate) fn save(&self, disk: &dyn Disk, data_dir: &Path) -> Result<()> {
        disk.write_atomic(&file(data_dir), written(&self.root).as_bytes())
            .map_err(|source| Error::Io { what: "accounts file", source })
    }

    pub(crate) fn into_root(self) -> Verifier {
        self.root
    }

    pub(crate) fn root_has_password(&self) -> bool {
        self.root != Verifier::Empty
    }
}

fn written(root: &Verifier) -> String {
    let hex: String = root.authentication_string().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{HEADER}\n{ROOT} {} {hex}\n", root.plugin())
}

/// What a server brings for the accounts of its cluster.
pub(crate) struct GivenAccounts {
    /// Root's password, as the operator gives it.
    pub(crate) password: Option<String>,
    /// What root had when this server had its data for itself.
    pub(crate) kept: Verifier,
}

/// The accounts of a cluster.
pub(crate) struct ClusterAccounts {
    instance: Instance,
    /// Other machines reach this node, so an account without a password lets nobody in.
    exposed: bool,
}

impl ClusterAccounts {
    /// A password that was given becomes that of the cluster; else one that was kept does, if there is none. Without one in the cluster, only this machine may reach
    /// the node; one that is there is never taken away.
    pub(crate) async fn open(
        instance: Instance,
        given: GivenAccounts,
        host: &str,
        exposed: bool,
    ) -> Result<Arc<Self>> {
        let accounts = Self { instance, exposed };
        let mut root = accounts.root().await?;
        let password = match given.password.as_deref() {
            Some("") if root != Verifier::Empty || given.kept != Verifier::Empty => {
                return Err(Error::PasswordTakenAway);
            }
            Some("") | None => None,
            Some(password) => Some(Verifier::caching_sha2(password.as_bytes())?),
        };
        let kept = (root == Verifier::Empty && given.kept != Verifier::Empty).then_some(given.kept);
        if let Some(verifier) = password.or(kept) {
            let stored = Bytes::from(written(&verifier));
            let written = accounts.instance.set_account(ROOT, stored).await;
            written.map_err(|error| Error::Sql(error.into()))?;
            root = verifier;
        }
        if exposed && root == Verifier::Empty {
            return Err(Error::OpenToNetwork { host: host.to_owned() });
        }
        Ok(Arc::new(accounts))
    }

    async fn root(&self) -> Result<Verifier> {
        let stored = self.instance.account(ROOT).await.map_err(|error| Error::Sql(error.into()))?;
        match stored {
            None => Ok(Verifier::Empty),
            Some(stored) => parse(&stored)
                .map_err(|what| Error::AccountFile { path: "account root of the cluster".into(), what }),
        }
    }
}

#[async_trait]
impl Accounts for ClusterAccounts {
    async fn find(&self, user: &str, _host: &str) -> rutile_server_wire::Result<Option<Account>> {
        // For every name: the time that reading takes, or that it fails, must not tell whether an account exists.
        let verifier = self.root().await.map_err(|error| {
            tracing::warn!(%error, "the account of a login could not be read");
            WireError::Fatal(ErrorPacket::new(
                1105,
                "HY000",
                "The accounts of the cluster cannot be read now",
            ))
        })?;
        if user != ROOT || (self.exposed && verifier == Verifier::Empty) {
            return Ok(None);
        }
        Ok(Some(Account { user: ROOT.to_owned(), host: "%".to_owned(), verifier }))
    }
}

fn file(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE)
}

pub(crate) fn parse(content: &[u8]) -> Result<Verifier, &'static str> {
    let text = std::str::from_utf8(content).map_err(|_| "not text")?;
    let mut lines = text.lines();
    if lines.next() != Some(HEADER) {
        return Err("unknown header");
    }
    let mut words = lines.next().unwrap_or_default().split(' ');
    if (words.next(), words.next()) != (Some(ROOT), Some(CACHING_SHA2)) {
        return Err("no root account");
    }
    let stored = unhex(words.next().unwrap_or_default()).ok_or("verifier is not hexadecimal")?;
    Verifier::parse(CACHING_SHA2, &stored).ok_or("verifier of unknown form")
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

#[async_trait]
impl Accounts for ServerAccounts {
    async fn find(&self, user: &str, _host: &str) -> rutile_server_wire::Result<Option<Account>> {
        if user != ROOT {
            return Ok(None);
        }
        Ok(Some(Account { user: ROOT.to_owned(), host: "%".to_owned(), verifier: self.root.clone() }))
    }
}

#[cfg(test)]
mod tests {
    use rutile_kv_env::Simulation;

    use super::*;

    #[test]
    fn the_password_survives_a_restart_and_is_not_in_the_file() {
        let simulation = Simulation::new(1);
        let disk = simulation.disk();
        let dir = Path::new("/data");
        disk.create_dir_all(dir).expect("memory");
        let mut accounts = ServerAccounts::load(disk, dir).expect("absent file");
        assert!(!accounts.root_has_password());
        accounts.set_root_password("open sesame").expect("random salt");
        accounts.save(disk, dir).expect("memory");
        let again = ServerAccounts::load(disk, dir).expect("saved file");
        assert_eq!(again.root, accounts.root);
        let content = disk.read(&dir.join(FILE)).expect("saved file");
        assert!(!String::from_utf8_lossy(&content).contains("sesame"));
    }

    #[test]
    fn a_damaged_file_never_means_no_password() {
        let mut accounts = ServerAccounts { root: Verifier::Empty };
        accounts.set_root_password("x").expect("random salt");
        let hex: String =
            accounts.root.authentication_string().iter().map(|byte| format!("{byte:02x}")).collect();
        let whole = format!("{HEADER}\n{ROOT} {CACHING_SHA2} {hex}\n");
        assert_eq!(parse(whole.as_bytes()), Ok(accounts.root));
        for cut in 0..whole.len() - 1 {
            // The bare plugin name with nothing behind it is how no password is written.
            let is_empty_form = whole[..cut].trim_end() == format!("{HEADER}\n{ROOT} {CACHING_SHA2}");
            assert!(is_empty_form || parse(&whole.as_bytes()[..cut]).is_err(), "cut at {cut}");
        }
    }
}
