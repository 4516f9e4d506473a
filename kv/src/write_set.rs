//! The engine changes one command decided, in the form in which they are replicated.
//!
//! A command appends its changes here once; the same bytes go into the raft entry (several write
//! sets of one region simply one after another) and are decoded once more, without copying, when the
//! entry is applied. One change is
//!
//! ```text
//! tag (CF in the low nibble, 0x10 = delete, 0x20 = replace) | key length LEB128 | key | [value length LEB128 | value]
//! tag (CF in the low nibble, 0x30 = delete range)           | start, end, both with their length
//! tag 0x40, collect                                         | safe point LEB128
//! ```
//! Whoever decides knows whether a key had a value before. Locks carry that knowledge along, so that the number of
//! locks of a region is kept without looking: a put adds one, a delete takes one away, a replace does neither.
use rutile_kv_types::{Cf, Region, TimeStamp, codec};

use crate::error::{Error, Result};

const DELETE: u8 = 0x10;
const REPLACE: u8 = 0x20;
const DELETE_RANGE: u8 = 0x30;
const COLLECT: u8 = 0x40;
const CF_MASK: u8 = 0x0f;

/// Ordered changes; later ones win.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteSet {
    bytes: Vec<u8>,
}

/// One change, borrowed from the encoded form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// Set a key.
    Put { cf: Cf, key: &'a [u8], value: &'a [u8] },
    /// Set a key that had a value.
    Replace { cf: Cf, key: &'a [u8], value: &'a [u8] },
    /// Remove a key.
    Delete { cf: Cf, key: &'a [u8] },
    /// Remove all keys of a range.
    DeleteRange { cf: Cf, start: &'a [u8], end: &'a [u8] },
    /// The changes that follow remove versions that only reads below the safe point need.
    Collect { safe_point: TimeStamp },
}

impl Change<'_> {
    /// Whether it changes nothing outside the region.
    pub fn lies_in(&self, region: &Region) -> bool {
        match self {
            Change::Put { key, .. } | Change::Replace { key, .. } | Change::Delete { key, .. } => {
                region.contains(key)
            }
            Change::DeleteRange { start, end, .. } => {
                let ends_inside = region.end_key.is_empty() || *end <= &*region.end_key;
                region.contains(start) && start < end && ends_inside
            }
            Change::Collect { .. } => true,
        }
    }
}

impl WriteSet {
    /// An empty set with room for `bytes`.
    pub fn with_capacity(bytes: usize) -> Self {
        WriteSet { bytes: Vec::with_capacity(bytes) }
    }

    /// Appends a put.
    pub fn put(&mut self, cf: Cf, key: &[u8], value: &[u8]) {
        self.bytes.push(tag_of(cf));
        self.append_bytes(key);
        self.append_bytes(value);
    }

    /// Appends a put of a key that had a value.
    pub fn replace(&mut self, cf: Cf, key: &[u8], value: &[u8]) {
        self.bytes.push(tag_of(cf) | REPLACE);
        self.append_bytes(key);
        self.append_bytes(value);
    }

    /// Appends a delete.
    pub fn delete(&mut self, cf: Cf, key: &[u8]) {
        self.bytes.push(tag_of(cf) | DELETE);
        self.append_bytes(key);
    }

    /// Appends the removal of `[start, end)`.
    pub fn delete_range(&mut self, cf: Cf, start: &[u8], end: &[u8]) {
        debug_assert!(start < end, "a range has keys");
        self.bytes.push(tag_of(cf) | DELETE_RANGE);
        self.append_bytes(start);
        self.append_bytes(end);
    }

    /// Announces the removal of versions below the safe point.
    pub fn collect_below(&mut self, safe_point: TimeStamp) {
        self.bytes.push(COLLECT);
        codec::encode_var_u64(&mut self.bytes, safe_point.into_inner());
    }

    fn append_bytes(&mut self, bytes: &[u8]) {
        codec::encode_var_u64(&mut self.bytes, bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The encoded form.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Decodes an encoded write set; stops after the first error.
pub struct Changes<'a> {
    rest: &'a [u8],
}

impl<'a> Changes<'a> {
    /// Reads changes from the body of an entry.
    pub fn decode(bytes: &'a [u8]) -> Self {
        Changes { rest: bytes }
    }

    fn read_bytes(&mut self) -> Result<&'a [u8]> {
        let length = codec::decode_var_u64(&mut self.rest)
            .map_err(|error| Error::corrupt("write set", error.to_string()))?;
        let length = usize::try_from(length).ok().filter(|length| *length <= self.rest.len());
        let Some(length) = length else {
            return Err(Error::corrupt("write set", "a length goes past the end"));
        };
        let (bytes, rest) = self.rest.split_at(length);
        self.rest = rest;
        Ok(bytes)
    }

    fn read_change(&mut self, tag: u8) -> Result<Change<'a>> {
        if tag == COLLECT {
            return Ok(Change::Collect { safe_point: codec::decode_var_u64(&mut self.rest)?.into() });
        }
        let cf = cf_of(tag & CF_MASK)?;
        let key = self.read_bytes()?;
        match tag & !CF_MASK {
            0 => Ok(Change::Put { cf, key, value: self.read_bytes()? }),
            REPLACE => Ok(Change::Replace { cf, key, value: self.read_bytes()? }),
            DELETE => Ok(Change::Delete { cf, key }),
            DELETE_RANGE => Ok(Change::DeleteRange { cf, start: key, end: self.read_bytes()? }),
            _ => Err(Error::corrupt("write set", format!("unknown change tag {tag:#04x}"))),
        }
    }
}

impl<'a> Iterator for Changes<'a> {
    type Item = Result<Change<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        let (tag, rest) = self.rest.split_first()?;
        self.rest = rest;
        let change = self.read_change(*tag);
        if change.is_err() {
            self.rest = &[];
        }
        Some(change)
    }
}

/// Only data column families are replicated; the raft CF is local.
fn tag_of(cf: Cf) -> u8 {
    match cf {
        Cf::Default => 0,
        Cf::Lock => 1,
        Cf::Write => 2,
        Cf::Raft => 3,
    }
}

fn cf_of(tag: u8) -> Result<Cf> {
    match tag {
        0 => Ok(Cf::Default),
        1 => Ok(Cf::Lock),
        2 => Ok(Cf::Write),
        _ => Err(Error::corrupt("write set", format!("column family {tag} is not replicated"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_keeps_order() {
        let mut set = WriteSet::default();
        set.put(Cf::Lock, b"k", b"v");
        set.delete(Cf::Write, b"w");
        set.replace(Cf::Lock, b"k", b"u");
        set.put(Cf::Default, b"", &[7; 300]);
        set.collect_below(TimeStamp::new(1 << 60));
        set.delete_range(Cf::Lock, b"a", b"b");
        let changes: Vec<_> =
            Changes::decode(set.as_bytes()).map(|change| change.expect("just encoded")).collect();
        assert_eq!(
            changes,
            [
                Change::Put { cf: Cf::Lock, key: b"k", value: b"v" },
                Change::Delete { cf: Cf::Write, key: b"w" },
                Change::Replace { cf: Cf::Lock, key: b"k", value: b"u" },
                Change::Put { cf: Cf::Default, key: b"", value: &[7; 300] },
                Change::Collect { safe_point: TimeStamp::new(1 << 60) },
                Change::DeleteRange { cf: Cf::Lock, start: b"a", end: b"b" },
            ]
        );
    }

    #[test]
    fn a_range_must_end_inside_its_region() {
        let region = Region { start_key: "b".into(), end_key: "d".into(), ..Region::default() };
        let lies_in = |start: &'static [u8], end: &'static [u8]| {
            Change::DeleteRange { cf: Cf::Write, start, end }.lies_in(&region)
        };
        assert!(lies_in(b"b", b"d") && lies_in(b"c", b"cc"));
        for (start, end) in [(b"a", b"c"), (b"c", b"e"), (b"c", b"c"), (b"d", b"e")] {
            assert!(!lies_in(start, end), "{start:?} {end:?}");
        }
    }

    #[test]
    fn truncated_and_foreign_bytes_are_errors() {
        let mut set = WriteSet::default();
        set.put(Cf::Lock, b"key", b"value");
        let bytes = set.as_bytes();
        for length in 1..bytes.len() {
            assert!(Changes::decode(&bytes[..length]).last().expect("one item").is_err(), "{length}");
        }
        assert!(Changes::decode(&[0x03, 0, 0]).next().expect("one item").is_err(), "raft CF");
        assert!(Changes::decode(&[0x70, 0, 0]).next().expect("one item").is_err(), "unknown tag");
    }
}
