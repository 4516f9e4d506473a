//! The map as the leader sees it for as long as it leads.

use std::sync::Arc;

use super::{Batch, snapshot_path};
use crate::error::{Error, Result};
use crate::member::Group;

/// One time of leading. When it is over every write is refused, and whoever has something of it in memory throws it
/// away.
pub(crate) struct Storage {
    group: Arc<Group>,
    /// The term that is led.
    term: u64,
}

impl Storage {
    /// Opens or creates the directory of a member that is alone.
    #[cfg(test)]
    pub(crate) fn open(env: &rutile_kv_env::Env, dir: impl Into<std::path::PathBuf>) -> Result<Storage> {
        let group = Group::open(env, &dir.into(), &crate::member::Founding::Alone)?;
        let term = group.term();
        Ok(Storage::of(group, term))
    }

    pub(crate) fn of(group: Arc<Group>, term: u64) -> Storage {
        Storage { group, term }
    }

    pub(crate) fn group(&self) -> &Arc<Group> {
        &self.group
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.group.get(key)
    }

    /// A number written by [`Batch::put_u64`].
    pub(crate) fn get_u64(&self, key: &[u8]) -> Result<Option<u64>> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let bytes =
            value.as_slice().try_into().map_err(|_| self.corrupt_value("a number of another size"))?;
        Ok(Some(u64::from_be_bytes(bytes)))
    }

    /// Values of all keys with `prefix`, in key order.
    pub(crate) fn values_with_prefix(&self, prefix: &[u8]) -> Vec<Vec<u8>> {
        self.group.values_with_prefix(prefix)
    }

    /// Makes the batch durable here and visible to this leader. It counts once [`Storage::settled`] says so, before
    /// which nobody outside may hear of it; a member that is alone has nobody to wait for. Blocks for one sync; a failed
    /// sync ends the process.
    pub(crate) fn write(&self, batch: Batch) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        self.group.write(self.term, batch)
    }

    /// Completes when most members have everything that was written until now; fails when this member leads no more,
    /// after which nobody knows what became of it.
    pub(crate) async fn settled(&self) -> Result<()> {
        self.group.settled(self.term).await
    }

    /// Whether nothing that was written waits for other members.
    pub(crate) fn is_settled(&self) -> bool {
        self.group.is_settled(self.term)
    }

    /// Whether this time of leading goes on.
    pub(crate) fn leads(&self) -> bool {
        self.group.term() == self.term
    }

    pub(crate) fn corrupt_value(&self, reason: &'static str) -> Error {
        Error::Corrupt { file: snapshot_path(self.group.dir()), offset: 0, reason }
    }
}
