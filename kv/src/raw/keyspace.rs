//! Which keys raw requests may name: those of API version 2, `r` and a key space of three bytes before the user's.

use crate::error::{Error, Result};

const PREFIX: u8 = b'r';
/// `r` and the key space.
const PREFIX_BYTES: usize = 4;
/// The end of the last key space.
const END: [u8; PREFIX_BYTES] = [PREFIX + 1, 0, 0, 0];

/// A key of some key space.
pub fn check_key(key: &[u8]) -> Result<()> {
    if key.first() == Some(&PREFIX) && key.len() >= PREFIX_BYTES {
        return Ok(());
    }
    Err(Error::Invalid("a raw key of API version 2 starts with `r` and a key space".to_owned()))
}

/// Bounds that enclose nothing but raw keys.
pub fn check_range(low: &[u8], high: &[u8]) -> Result<()> {
    check_key(low)?;
    if low < high && (check_key(high).is_ok() || high == END) {
        return Ok(());
    }
    Err(Error::Invalid(
        "a range of raw keys needs an end above its start and inside the key spaces".to_owned(),
    ))
}
