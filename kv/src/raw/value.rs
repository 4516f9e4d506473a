//! A stored value: what the user wrote, the end of its life, one byte of flags.
//!
//! ```text
//! user value | [second of the end, u64 BE] | flags: 1 = has an end
//! ```

use bytes::Bytes;

use crate::error::{Error, Result};

const HAS_END: u8 = 1;

/// A value and when it ends, in seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawValue {
    pub data: Bytes,
    pub ends_at_s: Option<u64>,
}

impl RawValue {
    /// A value that lives for `ttl_s` seconds from now on; 0 is for ever.
    pub fn living(data: Bytes, ttl_s: u64, now_s: u64) -> RawValue {
        RawValue { data, ends_at_s: (ttl_s != 0).then(|| now_s.saturating_add(ttl_s)) }
    }

    /// Whether readers see it.
    pub fn is_alive(&self, now_s: u64) -> bool {
        self.ends_at_s.is_none_or(|end| end > now_s)
    }

    /// Seconds left, 0 for ever. A value that is alive has at least one.
    pub fn ttl_s(&self, now_s: u64) -> u64 {
        self.ends_at_s.map_or(0, |end| end.saturating_sub(now_s))
    }

    /// The stored form.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.data.len() + size_of::<u64>() + 1);
        bytes.extend_from_slice(&self.data);
        match self.ends_at_s {
            Some(end) => {
                bytes.extend_from_slice(&end.to_be_bytes());
                bytes.push(HAS_END);
            }
            None => bytes.push(0),
        }
        bytes
    }

    /// Reads the stored form.
    pub fn decode(mut bytes: Bytes) -> Result<RawValue> {
        let corrupt = |detail: &str| Err(Error::corrupt("raw value", detail));
        match bytes.split_off(bytes.len().saturating_sub(1)).first() {
            Some(0) => Ok(RawValue { data: bytes, ends_at_s: None }),
            Some(&HAS_END) => {
                let Some(length) = bytes.len().checked_sub(size_of::<u64>()) else {
                    return corrupt("no room for the end of life");
                };
                let Ok(end) = <[u8; 8]>::try_from(&*bytes.split_off(length)) else {
                    return corrupt("half an end of life");
                };
                Ok(RawValue { data: bytes, ends_at_s: Some(u64::from_be_bytes(end)) })
            }
            Some(_) => corrupt("unknown flags"),
            None => corrupt("nothing"),
        }
    }
}
