//! Keys as the engine sees them: memory-comparable, with or without a timestamp.

use std::fmt;

use crate::codec;
use crate::{Error, Result, TimeStamp};

const TS_BYTES: usize = size_of::<u64>();

/// An encoded key: the memory-comparable form of a user key, optionally followed by a descending timestamp.
///
/// Whether the timestamp is there is known by the column family the key goes to, not by the bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Vec<u8>);

impl Key {
    /// Encodes a user key, with room for a timestamp so that [`Key::append_ts`] does not move it.
    pub fn from_raw(raw: &[u8]) -> Key {
        let mut encoded = Vec::with_capacity(codec::encoded_bytes_len(raw.len()) + TS_BYTES);
        codec::encode_bytes(&mut encoded, raw);
        Key(encoded)
    }

    /// Takes bytes that are encoded already; they are checked when decoded.
    pub fn from_encoded(encoded: impl Into<Vec<u8>>) -> Key {
        Key(encoded.into())
    }

    pub fn as_encoded(&self) -> &[u8] {
        &self.0
    }

    pub fn into_encoded(self) -> Vec<u8> {
        self.0
    }

    /// The user key; fails when the bytes are no encoding, or when a timestamp or anything else follows it.
    pub fn to_raw(&self) -> Result<Vec<u8>> {
        let mut rest = self.0.as_slice();
        let raw = codec::decode_bytes(&mut rest)?;
        if rest.is_empty() {
            Ok(raw)
        } else {
            Err(Error::Malformed { what: "key", reason: "bytes after the user key" })
        }
    }

    /// This key at a version.
    #[must_use]
    pub fn with_ts(&self, ts: TimeStamp) -> Key {
        let mut encoded = Vec::with_capacity(self.0.len() + TS_BYTES);
        encoded.extend_from_slice(&self.0);
        Key(encoded).append_ts(ts)
    }

    /// Appends a version.
    #[must_use]
    pub fn append_ts(mut self, ts: TimeStamp) -> Key {
        codec::encode_u64_desc(&mut self.0, ts.into_inner());
        self
    }

    /// Drops the version.
    pub fn truncate_ts(mut self) -> Result<Key> {
        let len = Key::truncate_ts_for(&self.0)?.len();
        self.0.truncate(len);
        Ok(self)
    }

    /// The version at the end of the key.
    pub fn decode_ts(&self) -> Result<TimeStamp> {
        Key::split_ts(&self.0).map(|(_, ts)| ts)
    }

    /// Splits an encoded key with version; for keys that are still inside an iterator.
    pub fn split_ts(encoded: &[u8]) -> Result<(&[u8], TimeStamp)> {
        match encoded.split_last_chunk::<TS_BYTES>() {
            Some((key, ts)) => Ok((key, TimeStamp::new(!u64::from_be_bytes(*ts)))),
            None => Err(Error::UnexpectedEnd {
                what: "timestamp of a key",
                needed: TS_BYTES,
                left: encoded.len(),
            }),
        }
    }

    /// The part before the version.
    pub fn truncate_ts_for(encoded: &[u8]) -> Result<&[u8]> {
        Key::split_ts(encoded).map(|(key, _)| key)
    }

    /// Whether `with_ts` is this key (which has no version) at some version.
    pub fn is_version_of(&self, with_ts: &[u8]) -> bool {
        with_ts.len() == self.0.len() + TS_BYTES && with_ts.starts_with(&self.0)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl AsRef<[u8]> for Key {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::format::encoded_key(&self.0))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_sort_newest_first_and_stay_beside_their_key() {
        let at = |raw: &[u8], ts: u64| Key::from_raw(raw).append_ts(ts.into());
        assert!(at(b"a", 9) < at(b"a", 8));
        assert!(at(b"a", 0) < at(b"a\0", u64::MAX));
        assert!(Key::from_raw(b"a") < at(b"a", u64::MAX));
    }

    #[test]
    fn a_version_comes_off_again() {
        let key = Key::from_raw(b"t1_r1");
        let with_ts = key.with_ts(42.into());
        assert_eq!(with_ts.decode_ts(), Ok(TimeStamp::new(42)));
        assert!(key.is_version_of(with_ts.as_encoded()));
        assert!(!Key::from_raw(b"t1_r").is_version_of(with_ts.as_encoded()));
        assert_eq!(with_ts.truncate_ts(), Ok(key.clone()));
        assert_eq!(key.to_raw().as_deref(), Ok(b"t1_r1".as_slice()));
    }

    #[test]
    fn a_version_is_not_part_of_the_user_key() {
        let with_ts = Key::from_raw(b"k").append_ts(1.into());
        assert_eq!(
            with_ts.to_raw(),
            Err(Error::Malformed { what: "key", reason: "bytes after the user key" })
        );
        assert!(Key::from_encoded(b"short".to_vec()).truncate_ts().is_err());
    }
}
