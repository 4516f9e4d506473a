//! A transaction's own writes over the data of one timestamp.

use std::collections::HashMap;

use bytes::Bytes;
use rutile_kv_types::KeyRange;

use super::MemBuffer;
use crate::error::Result;
use crate::snapshot::{ScanOptions, Scanner, Snapshot};

/// What a transaction sees at one timestamp. Borrows the writes, so it sees later ones too; a scanner does not.
pub struct View<'a> {
    pub(super) own: &'a MemBuffer,
    pub(super) snapshot: Snapshot,
}

impl View<'_> {
    /// The data below the transaction's own writes.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    pub async fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        match self.own.get(key) {
            Some(own) => Ok(own),
            None => self.snapshot.get(key).await,
        }
    }

    /// Values of those keys that exist.
    pub async fn batch_get(&self, keys: &[Bytes]) -> Result<HashMap<Bytes, Bytes>> {
        let below: Vec<Bytes> = keys.iter().filter(|key| self.own.get(key).is_none()).cloned().collect();
        let mut found =
            if below.is_empty() { HashMap::new() } else { self.snapshot.batch_get(&below).await? };
        for key in keys {
            if let Some(Some(own)) = self.own.get(key) {
                found.insert(key.clone(), own);
            }
        }
        Ok(found)
    }

    /// Pairs of a range as the transaction sees them now; later writes do not show.
    pub fn scan(&self, range: KeyRange, options: ScanOptions) -> Scanner {
        self.snapshot.scan_under(self.own, range, options)
    }
}
