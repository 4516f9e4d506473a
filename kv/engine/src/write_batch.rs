//! Changes that become visible together.

use rutile_kv_types::Cf;

/// Changes in the order they were added; a later one on the same key wins.
///
/// Keys and values are copied once into one buffer, so that a batch of a thousand pairs costs two allocations.
#[derive(Clone, Debug, Default)]
pub struct WriteBatch {
    ops: Vec<Op>,
    data: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Op {
    kind: Kind,
    cf: Cf,
    /// Key, or start of the range.
    first_len: usize,
    /// Value, or end of the range.
    second_len: usize,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Put,
    Delete,
    DeleteRange,
}

/// One change of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteOp<'a> {
    Put {
        cf: Cf,
        key: &'a [u8],
        value: &'a [u8],
    },
    Delete {
        cf: Cf,
        key: &'a [u8],
    },
    /// `[start, end)`; both bounds are keys, there is no infinity.
    DeleteRange {
        cf: Cf,
        start: &'a [u8],
        end: &'a [u8],
    },
}

impl WriteBatch {
    pub fn new() -> WriteBatch {
        WriteBatch::default()
    }

    pub fn with_capacity(ops: usize, bytes: usize) -> WriteBatch {
        WriteBatch { ops: Vec::with_capacity(ops), data: Vec::with_capacity(bytes) }
    }

    pub fn put(&mut self, cf: Cf, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.push(Kind::Put, cf, key.as_ref(), value.as_ref());
    }

    pub fn delete(&mut self, cf: Cf, key: impl AsRef<[u8]>) {
        self.push(Kind::Delete, cf, key.as_ref(), &[]);
    }

    /// Removes `[start, end)`; nothing when the range is empty.
    pub fn delete_range(&mut self, cf: Cf, start: impl AsRef<[u8]>, end: impl AsRef<[u8]>) {
        if start.as_ref() < end.as_ref() {
            self.push(Kind::DeleteRange, cf, start.as_ref(), end.as_ref());
        }
    }

    /// Adds all changes of `other` after these.
    pub fn append(&mut self, other: &WriteBatch) {
        self.ops.extend_from_slice(&other.ops);
        self.data.extend_from_slice(&other.data);
    }

    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    pub fn len(&self) -> usize {
        self.ops.len()
    }

    /// Bytes of keys and values.
    pub fn size_bytes(&self) -> usize {
        self.data.len()
    }

    pub fn clear(&mut self) {
        self.ops.clear();
        self.data.clear();
    }

    /// The changes in order.
    pub fn ops(&self) -> impl Iterator<Item = WriteOp<'_>> {
        let mut rest = self.data.as_slice();
        self.ops.iter().map(move |op| {
            let (first, after) = rest.split_at(op.first_len);
            let (second, after) = after.split_at(op.second_len);
            rest = after;
            match op.kind {
                Kind::Put => WriteOp::Put { cf: op.cf, key: first, value: second },
                Kind::Delete => WriteOp::Delete { cf: op.cf, key: first },
                Kind::DeleteRange => WriteOp::DeleteRange { cf: op.cf, start: first, end: second },
            }
        })
    }

    fn push(&mut self, kind: Kind, cf: Cf, first: &[u8], second: &[u8]) {
        self.data.extend_from_slice(first);
        self.data.extend_from_slice(second);
        self.ops.push(Op { kind, cf, first_len: first.len(), second_len: second.len() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_come_out_in_the_order_they_went_in() {
        let mut batch = WriteBatch::new();
        batch.put(Cf::Default, b"a", b"1");
        batch.delete(Cf::Lock, "b");
        batch.delete_range(Cf::Write, "c", "d");
        batch.delete_range(Cf::Write, "d", "c");
        let mut tail = WriteBatch::new();
        tail.put(Cf::Raft, "e", "");
        batch.append(&tail);
        let ops: Vec<WriteOp<'_>> = batch.ops().collect();
        assert_eq!(
            ops,
            [
                WriteOp::Put { cf: Cf::Default, key: b"a", value: b"1" },
                WriteOp::Delete { cf: Cf::Lock, key: b"b" },
                WriteOp::DeleteRange { cf: Cf::Write, start: b"c", end: b"d" },
                WriteOp::Put { cf: Cf::Raft, key: b"e", value: b"" },
            ]
        );
        assert_eq!(batch.size_bytes(), 6);
    }
}
