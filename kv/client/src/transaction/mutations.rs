//! The writes of a transaction as they go to the stores.

use bytes::Bytes;
use rutile_kv_proto::kvrpcpb;
use rutile_kv_types::TimeStamp;

use super::membuffer::Change;
use super::{Held, Locks, MemBuffer};
use crate::config::ClientConfig;
use crate::error::{Error, Result};

/// What prewrite does about a key of a pessimistic transaction.
type Action = kvrpcpb::prewrite_request::PessimisticAction;

/// Sorted by key.
#[derive(Debug, Default)]
pub(crate) struct Mutations {
    list: Vec<kvrpcpb::Mutation>,
    /// One for each mutation; empty in an optimistic transaction.
    actions: Vec<Action>,
    bytes: usize,
    primary: Option<usize>,
    /// Zero when nothing was locked.
    for_update_ts: TimeStamp,
}

impl Mutations {
    /// Fails when the transaction can not be committed whatever the stores say.
    pub(crate) fn from_membuffer(
        membuffer: &MemBuffer,
        locks: Option<&Locks>,
        config: &ClientConfig,
    ) -> Result<Mutations> {
        let (size, limit) = (membuffer.size_bytes(), config.transaction_bytes_max);
        if size > limit {
            return Err(Error::TransactionTooLarge { size, limit });
        }
        // Without a lock there is nothing for prewrite to rely on: the transaction is optimistic.
        let locks = locks.filter(|locks| locks.primary().is_some());
        let mut list = Vec::with_capacity(membuffer.len());
        for (key, change) in membuffer.changes() {
            let held = locks.and_then(|locks| locks.get(key));
            let (op, value) = operation(key, change, held)?;
            let (size, limit) = (key.len() + value.len(), config.entry_bytes_max);
            if size > limit {
                return Err(Error::EntryTooLarge { size, limit });
            }
            list.push(kvrpcpb::Mutation { op: op as i32, key: key.clone(), value, assertion: 0 });
        }
        let mut mutations = Mutations { list, bytes: size, ..Mutations::default() };
        match locks {
            None => mutations.primary = mutations.first_locking(),
            Some(locks) => mutations.add_locks(membuffer, locks),
        }
        Ok(mutations)
    }

    /// The key that decides an optimistic transaction: the first that leaves a lock. `None` when there are only checks.
    fn first_locking(&self) -> Option<usize> {
        self.list.iter().position(|mutation| mutation.op() != kvrpcpb::Op::CheckNotExists)
    }

    /// Adds the keys that are only locked, and what each mutation relies on.
    fn add_locks(&mut self, membuffer: &MemBuffer, locks: &Locks) {
        for key in locks.locked().filter(|key| !membuffer.contains(key)) {
            let op = kvrpcpb::Op::Lock as i32;
            self.bytes += key.len();
            self.list.push(kvrpcpb::Mutation { op, key: key.clone(), value: Bytes::new(), assertion: 0 });
        }
        self.list.sort_by(|left, right| left.key.cmp(&right.key));
        let action = |mutation: &kvrpcpb::Mutation| match locks.get(&mutation.key) {
            Some(Held::Locked { .. }) => Action::DoPessimisticCheck,
            _ if locks.is_guarded(&mutation.key) => Action::SkipPessimisticCheck,
            _ => Action::DoConstraintCheck,
        };
        self.actions = self.list.iter().map(action).collect();
        self.for_update_ts = locks.for_update_ts();
        self.primary = locks
            .primary()
            .and_then(|primary| self.list.binary_search_by(|mutation| mutation.key.cmp(primary)).ok());
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The key that decides the transaction. `None` when there are only checks.
    pub(crate) fn primary(&self) -> Option<usize> {
        self.primary
    }

    /// Zero in an optimistic transaction.
    pub(crate) fn for_update_ts(&self) -> TimeStamp {
        self.for_update_ts
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

    /// What the items rely on; empty in an optimistic transaction.
    pub(crate) fn select_actions(&self, indexes: &[usize]) -> Vec<i32> {
        indexes.iter().filter_map(|index| self.actions.get(*index).map(|action| *action as i32)).collect()
    }

    /// Keys of those items that leave a lock.
    pub(crate) fn locking_keys(&self, indexes: &[usize]) -> Vec<Bytes> {
        let chosen = indexes.iter().filter_map(|index| self.list.get(*index));
        let locking = chosen.filter(|mutation| mutation.op() != kvrpcpb::Op::CheckNotExists);
        locking.map(|mutation| mutation.key.clone()).collect()
    }
}

/// The wire form of a change. A lock knows whether its key had a value, which settles inserts here.
fn operation(key: &Bytes, change: &Change, held: Option<Held>) -> Result<(kvrpcpb::Op, Bytes)> {
    let known = match held {
        Some(Held::Locked { exists, .. }) => Some(exists),
        Some(Held::InDoubt) | None => None,
    };
    match (change, known) {
        (Change::Duplicate(_), _) | (Change::Insert(_) | Change::CheckNotExists, Some(true)) => {
            Err(Error::AlreadyExists { key: key.clone() })
        }
        (Change::Put(value), _) | (Change::Insert(value), Some(false)) => {
            Ok((kvrpcpb::Op::Put, value.clone()))
        }
        (Change::Insert(value), None) => Ok((kvrpcpb::Op::Insert, value.clone())),
        (Change::Delete, _) => Ok((kvrpcpb::Op::Del, Bytes::new())),
        (Change::CheckNotExists, None) => Ok((kvrpcpb::Op::CheckNotExists, Bytes::new())),
        (Change::Lock, _) | (Change::CheckNotExists, Some(false)) => Ok((kvrpcpb::Op::Lock, Bytes::new())),
    }
}
