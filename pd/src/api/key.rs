//! Keys in pages are upper-case hexadecimal; in paths they are bytes, or hexadecimal with `?format=hex`.

use std::fmt::Write as _;

use bytes::Bytes;

use super::answer::Failure;

pub(super) fn hex(key: &[u8]) -> String {
    key.iter().fold(String::with_capacity(2 * key.len()), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02X}");
        text
    })
}

/// The value of a parameter of a query, still escaped.
pub(super) fn parameter<'a>(query: Option<&'a str>, name: &str) -> Option<&'a str> {
    let pairs = query.unwrap_or_default().split('&');
    pairs.filter_map(|pair| pair.split_once('=')).find_map(|(key, value)| (key == name).then_some(value))
}

/// A key of a path or a query.
pub(super) fn decode(text: &str, query: Option<&str>) -> Result<Vec<u8>, Failure> {
    let bytes = unescape(text.as_bytes())?;
    match parameter(query, "format") {
        Some("hex") => from_hex(&bytes),
        _ => Ok(bytes),
    }
}

/// A key as pages show it.
pub(super) fn unhex(text: &str) -> Result<Bytes, Failure> {
    from_hex(text.as_bytes()).map(Bytes::from)
}

fn from_hex(text: &[u8]) -> Result<Vec<u8>, Failure> {
    let bad = || Failure::bad_request("the key is not hexadecimal");
    if !text.len().is_multiple_of(2) {
        return Err(bad());
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    text.chunks(2).map(|chunk| pair(chunk).ok_or_else(bad)).collect()
}

/// The bytes of hexadecimal digits.
pub(crate) fn unhex_text(text: &str) -> Option<Vec<u8>> {
    from_hex(text.as_bytes()).ok()
}

/// Undoes `%41`.
fn unescape(text: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let Some((digits, tail)) = tail.split_at_checked(2) else {
            return Err(Failure::bad_request("an escape is cut off"));
        };
        rest = tail;
        bytes.extend(from_hex(digits)?);
    }
    Ok(bytes)
}
