//! The writes of a transaction as they go to the stores.

use bytes::Bytes;
use rutile_kv_proto::kvrpcpb;
use rutile_kv_types::TimeStamp;

use super::arena::{Frozen, Slice};
use super::membuffer::Kind;
use super::{Held, Locks, MemBuffer};
use crate::config::ClientConfig;
use crate::error::{Error, Result};

/// What prewrite does about a key of a pessimistic transaction.
type Action = kvrpcpb::prewrite_request::PessimisticAction;

/// One key and what is to be done about it.
#[derive(Clone, Copy, Debug)]
struct Item {
    key: Slice,
    value: Slice,
    op: kvrpcpb::Op,
}

/// Sorted by key. Keys and values are those of the membuffer, not copies.
#[derive(Debug, Default)]
pub(crate) struct Mutations {
    data: Frozen,
    list: Vec<Item>,
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
        let mut mutations = Mutations { data: membuffer.frozen(), bytes: size, ..Mutations::default() };
        mutations.list.reserve_exact(membuffer.len());
        for change in membuffer.changes() {
            let key = mutations.data.get(change.key);
            let op = operation(key, change.kind, locks.and_then(|locks| locks.get(key)))?;
            let (size, limit) = (change.key.len() + change.value.len(), config.entry_bytes_max);
            if size > limit {
                return Err(Error::EntryTooLarge { size, limit });
            }
            mutations.list.push(Item { key: change.key, value: change.value, op });
        }
        match locks {
            None => mutations.primary = mutations.first_locking(),
            Some(locks) => mutations.add_locks(membuffer, locks),
        }
        Ok(mutations)
    }

    /// The key that decides an optimistic transaction: the first that leaves a lock. `None` when there are only checks.
    fn first_locking(&self) -> Option<usize> {
        self.list.iter().position(|item| item.op != kvrpcpb::Op::CheckNotExists)
    }

    /// Adds the keys that are only locked, and what each mutation relies on.
    fn add_locks(&mut self, membuffer: &MemBuffer, locks: &Locks) {
        for key in locks.locked().filter(|key| !membuffer.contains(key)) {
            self.bytes += key.len();
            let (key, value) = (self.data.add(key.clone()), Slice::default());
            self.list.push(Item { key, value, op: kvrpcpb::Op::Lock });
        }
        let data = &self.data;
        self.list.sort_by(|left, right| data.get(left.key).cmp(data.get(right.key)));
        let action = |item: &Item| match locks.get(data.get(item.key)) {
            Some(Held::Locked { .. }) => Action::DoPessimisticCheck,
            _ if locks.is_guarded(data.get(item.key)) => Action::SkipPessimisticCheck,
            _ => Action::DoConstraintCheck,
        };
        self.actions = self.list.iter().map(action).collect();
        self.for_update_ts = locks.for_update_ts();
        self.primary = locks
            .primary()
            .and_then(|primary| self.list.binary_search_by(|item| data.get(item.key).cmp(primary)).ok());
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
        self.list.get(index).map_or_else(Bytes::new, |item| self.data.bytes(item.key))
    }

    /// The items with key and size, to be grouped by region.
    pub(crate) fn items<'a>(
        &'a self,
        indexes: &'a [usize],
    ) -> impl Iterator<Item = (usize, &'a [u8], usize)> {
        indexes.iter().filter_map(|index| {
            let item = self.list.get(*index)?;
            Some((*index, self.data.get(item.key), item.key.len() + item.value.len()))
        })
    }

    pub(crate) fn select(&self, indexes: &[usize]) -> Vec<kvrpcpb::Mutation> {
        let mutation = |item: &Item| kvrpcpb::Mutation {
            op: item.op as i32,
            key: self.data.bytes(item.key),
            value: if item.value.len() == 0 { Bytes::new() } else { self.data.bytes(item.value) },
            assertion: 0,
        };
        indexes.iter().filter_map(|index| self.list.get(*index).map(mutation)).collect()
    }

    /// What the items rely on; empty in an optimistic transaction.
    pub(crate) fn select_actions(&self, indexes: &[usize]) -> Vec<i32> {
        indexes.iter().filter_map(|index| self.actions.get(*index).map(|action| *action as i32)).collect()
    }

    /// Keys of those items that leave a lock.
    pub(crate) fn locking_keys(&self, indexes: &[usize]) -> Vec<Bytes> {
        let chosen = indexes.iter().filter_map(|index| self.list.get(*index));
        let locking = chosen.filter(|item| item.op != kvrpcpb::Op::CheckNotExists);
        locking.map(|item| self.data.bytes(item.key)).collect()
    }
}

/// What a change is on the wire. A lock knows whether its key had a value, which settles inserts here.
fn operation(key: &[u8], kind: Kind, held: Option<Held>) -> Result<kvrpcpb::Op> {
    let known = match held {
        Some(Held::Locked { exists, .. }) => Some(exists),
        Some(Held::InDoubt) | None => None,
    };
    match (kind, known) {
        (Kind::Duplicate, _) | (Kind::Insert | Kind::CheckNotExists, Some(true)) => {
            Err(Error::AlreadyExists { key: Bytes::copy_from_slice(key) })
        }
        (Kind::Put, _) | (Kind::Insert, Some(false)) => Ok(kvrpcpb::Op::Put),
        (Kind::Insert, None) => Ok(kvrpcpb::Op::Insert),
        (Kind::Delete, _) => Ok(kvrpcpb::Op::Del),
        (Kind::CheckNotExists, None) => Ok(kvrpcpb::Op::CheckNotExists),
        (Kind::Lock, _) | (Kind::CheckNotExists, Some(false)) => Ok(kvrpcpb::Op::Lock),
    }
}
