//! Write records: what a transaction did to a key, at the moment it committed or was rolled back.

use std::fmt;

use bytes::Bytes;

use crate::codec;
use crate::lock::{decode_short_value, encode_short_value};
use crate::{Error, LastChange, LockType, Result, TimeStamp};

const FLAG_SHORT_VALUE: u8 = b'v';
const FLAG_OVERLAPPED_ROLLBACK: u8 = b'R';
const FLAG_GC_FENCE: u8 = b'F';
const FLAG_LAST_CHANGE: u8 = b'l';
const FLAG_TXN_SOURCE: u8 = b'S';

/// The inline value that marks a rollback record which must not be collapsed.
const PROTECTED_ROLLBACK_VALUE: &[u8] = b"p";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WriteType {
    Put,
    Delete,
    /// The key was locked and not changed.
    Lock,
    /// The transaction with this `start_ts` can never commit on this key.
    Rollback,
}

impl WriteType {
    pub const fn to_byte(self) -> u8 {
        match self {
            WriteType::Put => b'P',
            WriteType::Delete => b'D',
            WriteType::Lock => b'L',
            WriteType::Rollback => b'R',
        }
    }

    pub fn from_byte(byte: u8) -> Result<WriteType> {
        match byte {
            b'P' => Ok(WriteType::Put),
            b'D' => Ok(WriteType::Delete),
            b'L' => Ok(WriteType::Lock),
            b'R' => Ok(WriteType::Rollback),
            byte => Err(Error::UnknownType { what: "write record", byte }),
        }
    }

    /// The record a lock of this type becomes at commit; pessimistic locks become none.
    pub const fn from_lock_type(lock_type: LockType) -> Option<WriteType> {
        match lock_type {
            LockType::Put => Some(WriteType::Put),
            LockType::Delete => Some(WriteType::Delete),
            LockType::Lock => Some(WriteType::Lock),
            LockType::Pessimistic | LockType::Shared => None,
        }
    }
}

/// A write record that owns its inline value.
pub type Write = Record<Bytes>;

/// A write record whose inline value borrows from the engine, for readers that copy it at most once.
pub type WriteRef<'a> = Record<&'a [u8]>;

/// The value under (key, `commit_ts`) of the write CF. Field order is the order on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<V> {
    pub write_type: WriteType,
    pub start_ts: TimeStamp,
    /// The value itself when short; else it is in the default CF at (key, `start_ts`).
    pub short_value: Option<V>,
    /// A rollback of another transaction, whose `start_ts` equals this `commit_ts`, is recorded here too.
    pub has_overlapped_rollback: bool,
    /// Written with `has_overlapped_rollback`: the next newer Put or Delete when the record was rewritten, zero for
    /// none. A reader at or above a non-zero fence takes the record as absent, because garbage collection may have
    /// removed what the fence names.
    pub gc_fence: Option<TimeStamp>,
    pub last_change: LastChange,
    pub txn_source: u64,
}

impl<V: AsRef<[u8]>> Record<V> {
    pub fn new(write_type: WriteType, start_ts: TimeStamp, short_value: Option<V>) -> Record<V> {
        Record {
            write_type,
            start_ts,
            short_value,
            has_overlapped_rollback: false,
            gc_fence: None,
            last_change: LastChange::Unknown,
            txn_source: 0,
        }
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let value_bytes = self.short_value.as_ref().map_or(0, |value| value.as_ref().len() + 2);
        let mut out = Vec::with_capacity(32 + value_bytes);
        out.push(self.write_type.to_byte());
        codec::encode_var_u64(&mut out, self.start_ts.into_inner());
        if let Some(value) = &self.short_value {
            encode_short_value(&mut out, FLAG_SHORT_VALUE, value.as_ref());
        }
        if self.has_overlapped_rollback {
            out.push(FLAG_OVERLAPPED_ROLLBACK);
        }
        if let Some(ts) = self.gc_fence {
            out.push(FLAG_GC_FENCE);
            codec::encode_u64(&mut out, ts.into_inner());
        }
        self.last_change.encode(FLAG_LAST_CHANGE, &mut out);
        if self.txn_source != 0 {
            out.push(FLAG_TXN_SOURCE);
            codec::encode_var_u64(&mut out, self.txn_source);
        }
        out
    }

    /// A rollback that must survive: a late prewrite has to find it.
    pub fn is_protected_rollback(&self) -> bool {
        let marked =
            self.short_value.as_ref().is_some_and(|value| value.as_ref() == PROTECTED_ROLLBACK_VALUE);
        self.write_type == WriteType::Rollback && marked
    }

    /// Whether a reader at `read_ts` may use this Put or Delete (see `gc_fence`).
    pub fn is_visible_under_gc_fence(&self, read_ts: TimeStamp) -> bool {
        self.gc_fence.is_none_or(|fence| fence.is_zero() || fence > read_ts)
    }
}

impl Write {
    /// The record of a rollback at its own `start_ts`.
    pub fn new_rollback(start_ts: TimeStamp, protected: bool) -> Write {
        let value = protected.then(|| Bytes::from_static(PROTECTED_ROLLBACK_VALUE));
        Record::new(WriteType::Rollback, start_ts, value)
    }

    /// Reads a record, copying its inline value.
    pub fn parse(input: &[u8]) -> Result<Write> {
        WriteRef::parse(input).map(|record| record.to_write())
    }

    pub fn as_ref(&self) -> WriteRef<'_> {
        self.map_value(|value| value.as_ref())
    }
}

impl<'a> WriteRef<'a> {
    /// Reads a record without copying. Fields behind an unknown flag are ignored, because newer versions append them.
    pub fn parse(mut input: &'a [u8]) -> Result<WriteRef<'a>> {
        let input = &mut input;
        let write_type = WriteType::from_byte(codec::decode_u8(input)?)?;
        let mut record = Record::new(write_type, codec::decode_var_u64(input)?.into(), None);
        while !input.is_empty() {
            match codec::decode_u8(input)? {
                FLAG_SHORT_VALUE => record.short_value = Some(decode_short_value(input)?),
                FLAG_OVERLAPPED_ROLLBACK => record.has_overlapped_rollback = true,
                FLAG_GC_FENCE => record.gc_fence = Some(codec::decode_u64(input)?.into()),
                FLAG_LAST_CHANGE => record.last_change = LastChange::decode(input)?,
                FLAG_TXN_SOURCE => record.txn_source = codec::decode_var_u64(input)?,
                _ => break,
            }
        }
        Ok(record)
    }

    pub fn to_write(&self) -> Write {
        self.map_value(|value| Bytes::copy_from_slice(value))
    }
}

impl<V> Record<V> {
    fn map_value<'s, W>(&'s self, map: impl FnOnce(&'s V) -> W) -> Record<W> {
        Record {
            write_type: self.write_type,
            start_ts: self.start_ts,
            short_value: self.short_value.as_ref().map(map),
            has_overlapped_rollback: self.has_overlapped_rollback,
            gc_fence: self.gc_fence,
            last_change: self.last_change,
            txn_source: self.txn_source,
        }
    }
}

impl<V: AsRef<[u8]>> fmt::Display for Record<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::format::write_record(f, self)
    }
}
