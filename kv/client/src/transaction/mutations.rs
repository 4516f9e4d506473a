//! The writes of a transaction as they go to the stores.

use bytes::Bytes;
use rutile_kv_proto::kvrpcpb;

use super::MemBuffer;
use super::membuffer::Change;
use crate::config::ClientConfig;
use crate::error::{Error, Result};

/// Sorted by key.
#[derive(Debug, Default)]
pub(crate) struct Mutations {
    list: Vec<kvrpcpb::Mutation>,
    bytes: usize,
}

impl Mutations {
    /// Fails when the transaction can not be committed whatever the stores say.
    pub(crate) fn from_membuffer(membuffer: &MemBuffer, config: &ClientConfig) -> Result<Mutations> {
        let (size, limit) = (membuffer.size_bytes(), config.transaction_bytes_max);
        if size > limit {
            return Err(Error::TransactionTooLarge { size, limit });
        }
        let mut list = Vec::with_capacity(membuffer.len());
        for (key, change) in membuffer.changes() {
            let (op, value) = match change {
                Change::Put(value) => (kvrpcpb::Op::Put, value.clone()),
                Change::Insert(value) => (kvrpcpb::Op::Insert, value.clone()),
                Change::Delete => (kvrpcpb::Op::Del, Bytes::new()),
                Change::CheckNotExists => (kvrpcpb::Op::CheckNotExists, Bytes::new()),
                Change::Lock => (kvrpcpb::Op::Lock, Bytes::new()),
                Change::Duplicate(_) => return Err(Error::AlreadyExists { key: key.clone() }),
            };
            let (size, limit) = (key.len() + value.len(), config.entry_bytes_max);
            if size > limit {
                return Err(Error::EntryTooLarge { size, limit });
            }
            list.push(kvrpcpb::Mutation { op: op as i32, key: key.clone(), value, assertion: 0 });
        }
        Ok(Mutations { list, bytes: size })
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The key that decides the transaction: the first that leaves a lock. `None` when there are only checks.
    pub(crate) fn primary(&self) -> Option<usize> {
        self.list.iter().position(|mutation| mutation.op() != kvrpcpb::Op::CheckNotExists)
    }

    pub(crate) fn key(&self, index: usize) -> Bytes {
        self.list.get(index).map_or_else(Bytes::new, |mutation| mutation.key.clone())
    }

    /// The items with key and size, to be grouped by region.
    pub(crate) fn items<'a>(
        &'a self,
        indexes: &'a [usize],
    ) -> impl Iterator<Item = (usize, &'a [u8], usize)> {
        indexes.iter().filter_map(|index| {
            let mutation = self.list.get(*index)?;
            Some((*index, mutation.key.as_ref(), mutation.key.len() + mutation.value.len()))
        })
    }

    pub(crate) fn select(&self, indexes: &[usize]) -> Vec<kvrpcpb::Mutation> {
        indexes.iter().filter_map(|index| self.list.get(*index).cloned()).collect()
    }

    /// Keys of those items that leave a lock.
    pub(crate) fn locking_keys(&self, indexes: &[usize]) -> Vec<Bytes> {
        let chosen = indexes.iter().filter_map(|index| self.list.get(*index));
        let locking = chosen.filter(|mutation| mutation.op() != kvrpcpb::Op::CheckNotExists);
        locking.map(|mutation| mutation.key.clone()).collect()
    }
}
