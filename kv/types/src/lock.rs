//! Lock values: a transaction's claim on a key between prewrite (or pessimistic lock) and commit.

use std::fmt;

use bytes::Bytes;

use crate::codec;
use crate::{Error, LastChange, Result, TimeStamp};

const FLAG_SHORT_VALUE: u8 = b'v';
const FLAG_FOR_UPDATE_TS: u8 = b'f';
const FLAG_TXN_SIZE: u8 = b't';
const FLAG_MIN_COMMIT_TS: u8 = b'c';
const FLAG_ASYNC_COMMIT: u8 = b'a';
const FLAG_ROLLBACK_TS: u8 = b'r';
const FLAG_LAST_CHANGE: u8 = b'l';
const FLAG_TXN_SOURCE: u8 = b's';
const FLAG_LOCKED_WITH_CONFLICT: u8 = b'F';
const FLAG_GENERATION: u8 = b'g';

/// What the transaction will do to the key when it commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LockType {
    Put,
    Delete,
    /// Takes part in conflict checks but changes nothing.
    Lock,
    /// `SELECT … FOR UPDATE` and the like; replaced at prewrite, never committed as such.
    Pessimistic,
    /// TiKV's shared pessimistic lock; recognised so that it is never mistaken, not written by us yet.
    Shared,
}

impl LockType {
    pub const fn to_byte(self) -> u8 {
        match self {
            LockType::Put => b'P',
            LockType::Delete => b'D',
            LockType::Lock => b'L',
            LockType::Pessimistic => b'S',
            LockType::Shared => b'H',
        }
    }

    pub fn from_byte(byte: u8) -> Result<LockType> {
        match byte {
            b'P' => Ok(LockType::Put),
            b'D' => Ok(LockType::Delete),
            b'L' => Ok(LockType::Lock),
            b'S' => Ok(LockType::Pessimistic),
            b'H' => Ok(LockType::Shared),
            byte => Err(Error::UnknownType { what: "lock", byte }),
        }
    }
}

/// The value under a key of the lock CF. Field order is the order on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    pub lock_type: LockType,
    /// User key of the primary, whose record decides the transaction.
    pub primary: Bytes,
    pub start_ts: TimeStamp,
    /// Life in milliseconds, counted from the physical part of `start_ts`.
    pub ttl_ms: u64,
    /// At most [`crate::SHORT_VALUE_MAX_BYTES`].
    pub short_value: Option<Bytes>,
    /// Zero in optimistic transactions.
    pub for_update_ts: TimeStamp,
    /// Keys in the transaction as the client estimates it; chooses between resolving one key and the whole region.
    pub txn_size: u64,
    pub min_commit_ts: TimeStamp,
    pub use_async_commit: bool,
    /// User keys of all other locks; only on an async-commit primary.
    pub secondaries: Vec<Bytes>,
    /// Start timestamps of rollbacks that this lock's commit record will have to carry, when it lands on one of them.
    pub rollback_ts: Vec<TimeStamp>,
    pub last_change: LastChange,
    pub txn_source: u64,
    /// Locked although a newer version exists (`wake_up_mode` ForceLock).
    pub is_locked_with_conflict: bool,
    /// Of pipelined (flushed early) transactions; zero otherwise.
    pub generation: u64,
}

impl Lock {
    /// A lock with the four mandatory fields; the rest is "absent".
    pub fn new(lock_type: LockType, primary: Bytes, start_ts: TimeStamp, ttl_ms: u64) -> Lock {
        Lock {
            lock_type,
            primary,
            start_ts,
            ttl_ms,
            short_value: None,
            for_update_ts: TimeStamp::ZERO,
            txn_size: 0,
            min_commit_ts: TimeStamp::ZERO,
            use_async_commit: false,
            secondaries: Vec::new(),
            rollback_ts: Vec::new(),
            last_change: LastChange::Unknown,
            txn_source: 0,
            is_locked_with_conflict: false,
            generation: 0,
        }
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.encoded_size_hint());
        out.push(self.lock_type.to_byte());
        codec::encode_compact_bytes(&mut out, &self.primary);
        codec::encode_var_u64(&mut out, self.start_ts.into_inner());
        codec::encode_var_u64(&mut out, self.ttl_ms);
        if let Some(value) = &self.short_value {
            encode_short_value(&mut out, FLAG_SHORT_VALUE, value);
        }
        encode_unless_zero(&mut out, FLAG_FOR_UPDATE_TS, self.for_update_ts.into_inner());
        encode_unless_zero(&mut out, FLAG_TXN_SIZE, self.txn_size);
        encode_unless_zero(&mut out, FLAG_MIN_COMMIT_TS, self.min_commit_ts.into_inner());
        if self.use_async_commit {
            out.push(FLAG_ASYNC_COMMIT);
            codec::encode_var_u64(&mut out, self.secondaries.len() as u64);
            for key in &self.secondaries {
                codec::encode_compact_bytes(&mut out, key);
            }
        }
        if !self.rollback_ts.is_empty() {
            out.push(FLAG_ROLLBACK_TS);
            codec::encode_var_u64(&mut out, self.rollback_ts.len() as u64);
            for ts in &self.rollback_ts {
                codec::encode_u64(&mut out, ts.into_inner());
            }
        }
        self.last_change.encode(FLAG_LAST_CHANGE, &mut out);
        if self.txn_source != 0 {
            out.push(FLAG_TXN_SOURCE);
            codec::encode_var_u64(&mut out, self.txn_source);
        }
        if self.is_locked_with_conflict {
            out.push(FLAG_LOCKED_WITH_CONFLICT);
        }
        encode_unless_zero(&mut out, FLAG_GENERATION, self.generation);
        out
    }

    /// Reads a lock value. Fields behind an unknown flag are ignored, because newer versions append them.
    pub fn parse(mut input: &[u8]) -> Result<Lock> {
        let input = &mut input;
        let lock_type = LockType::from_byte(codec::decode_u8(input)?)?;
        let primary = Bytes::copy_from_slice(codec::decode_compact_bytes(input)?);
        let start_ts = codec::decode_var_u64(input)?.into();
        // TiKV's oldest locks end here, without a life time.
        let ttl_ms = if input.is_empty() { 0 } else { codec::decode_var_u64(input)? };
        let mut lock = Lock::new(lock_type, primary, start_ts, ttl_ms);
        while !input.is_empty() {
            let flag = codec::decode_u8(input)?;
            if !lock.parse_field(flag, input)? {
                break;
            }
        }
        Ok(lock)
    }

    /// Reads one optional field; false for a flag of a newer version.
    fn parse_field(&mut self, flag: u8, input: &mut &[u8]) -> Result<bool> {
        match flag {
            FLAG_SHORT_VALUE => self.short_value = Some(Bytes::copy_from_slice(decode_short_value(input)?)),
            FLAG_FOR_UPDATE_TS => self.for_update_ts = codec::decode_u64(input)?.into(),
            FLAG_TXN_SIZE => self.txn_size = codec::decode_u64(input)?,
            FLAG_MIN_COMMIT_TS => self.min_commit_ts = codec::decode_u64(input)?.into(),
            FLAG_ASYNC_COMMIT => {
                self.use_async_commit = true;
                let count = codec::decode_var_u64(input)?;
                // The count is not trusted with memory: the vector grows as keys are really read.
                for _ in 0..count {
                    self.secondaries.push(Bytes::copy_from_slice(codec::decode_compact_bytes(input)?));
                }
            }
            FLAG_ROLLBACK_TS => {
                let count = codec::decode_var_u64(input)?;
                for _ in 0..count {
                    self.rollback_ts.push(codec::decode_u64(input)?.into());
                }
            }
            FLAG_LAST_CHANGE => self.last_change = LastChange::decode(input)?,
            FLAG_TXN_SOURCE => self.txn_source = codec::decode_var_u64(input)?,
            FLAG_LOCKED_WITH_CONFLICT => self.is_locked_with_conflict = true,
            FLAG_GENERATION => self.generation = codec::decode_u64(input)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub fn is_pessimistic(&self) -> bool {
        matches!(self.lock_type, LockType::Pessimistic | LockType::Shared)
    }

    fn encoded_size_hint(&self) -> usize {
        let secondaries: usize = self.secondaries.iter().map(|key| key.len() + 5).sum();
        let short_value = self.short_value.as_ref().map_or(0, |value| value.len() + 2);
        64 + self.primary.len() + short_value + secondaries + 9 * self.rollback_ts.len()
    }
}

fn encode_unless_zero(out: &mut Vec<u8>, flag: u8, value: u64) {
    if value != 0 {
        out.push(flag);
        codec::encode_u64(out, value);
    }
}

/// Appends an inline value. Longer values than the limit are a bug of the caller: their length byte would lie.
pub(crate) fn encode_short_value(out: &mut Vec<u8>, flag: u8, value: &[u8]) {
    assert!(crate::is_short_value(value), "a value of {} bytes does not fit inline", value.len());
    out.push(flag);
    #[expect(clippy::cast_possible_truncation, reason = "an inline value has at most 255 bytes, as asserted")]
    let length = value.len() as u8;
    out.push(length);
    out.extend_from_slice(value);
}

pub(crate) fn decode_short_value<'a>(input: &mut &'a [u8]) -> Result<&'a [u8]> {
    let len = usize::from(codec::decode_u8(input)?);
    match input.split_at_checked(len) {
        Some((value, rest)) => {
            *input = rest;
            Ok(value)
        }
        None => Err(Error::UnexpectedEnd { what: "short value", needed: len, left: input.len() }),
    }
}

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::format::write_lock(f, self)
    }
}
