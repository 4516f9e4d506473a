//! What a transaction asks to do to one key.

use bytes::Bytes;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MutationOp {
    Put,
    Delete,
    /// Take part in conflict checks, change nothing.
    Lock,
    /// A Put of a key that must not exist.
    Insert,
    /// Checks and writes nothing.
    CheckNotExists,
}

impl MutationOp {
    /// Whether prewrite must fail when the key has a visible value.
    pub const fn should_not_exist(self) -> bool {
        matches!(self, MutationOp::Insert | MutationOp::CheckNotExists)
    }
}

/// One operation on one user key; `value` is empty unless the operation writes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutation {
    pub op: MutationOp,
    pub key: Bytes,
    pub value: Bytes,
}

impl Mutation {
    pub fn put(key: impl Into<Bytes>, value: impl Into<Bytes>) -> Mutation {
        Mutation { op: MutationOp::Put, key: key.into(), value: value.into() }
    }

    pub fn insert(key: impl Into<Bytes>, value: impl Into<Bytes>) -> Mutation {
        Mutation { op: MutationOp::Insert, key: key.into(), value: value.into() }
    }

    pub fn delete(key: impl Into<Bytes>) -> Mutation {
        Mutation { op: MutationOp::Delete, key: key.into(), value: Bytes::new() }
    }

    pub fn lock(key: impl Into<Bytes>) -> Mutation {
        Mutation { op: MutationOp::Lock, key: key.into(), value: Bytes::new() }
    }

    pub fn check_not_exists(key: impl Into<Bytes>) -> Mutation {
        Mutation { op: MutationOp::CheckNotExists, key: key.into(), value: Bytes::new() }
    }

    /// Bytes it counts for in transaction size limits.
    pub fn size_bytes(&self) -> usize {
        self.key.len() + self.value.len()
    }
}
