//! `mysql_native_password`: SHA1(SHA1(password)) is stored as `*` and 40 hex digits; the client sends
//! SHA1(password) xor SHA1(scramble, stored).

use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;

use crate::auth::SCRAMBLE_BYTES;

const HASH_BYTES: usize = 20;

/// SHA1(SHA1(password)).
#[derive(Clone, PartialEq, Eq)]
pub struct NativeVerifier([u8; HASH_BYTES]);

impl std::fmt::Debug for NativeVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NativeVerifier(..)")
    }
}

fn sha1(parts: &[&[u8]]) -> [u8; HASH_BYTES] {
    let mut hasher = Sha1::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

impl NativeVerifier {
    pub(crate) fn create(password: &[u8]) -> Self {
        Self(sha1(&[&sha1(&[password])]))
    }

    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let digits = std::str::from_utf8(text.strip_prefix(b"*")?).ok()?;
        if digits.len() != 2 * HASH_BYTES || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let mut hash = [0u8; HASH_BYTES];
        for (index, slot) in hash.iter_mut().enumerate() {
            *slot = u8::from_str_radix(digits.get(2 * index..2 * index + 2)?, 16).ok()?;
        }
        Some(Self(hash))
    }

    pub(crate) fn to_text(&self) -> String {
        let mut text = String::from("*");
        for byte in self.0 {
            text.push_str(&format!("{byte:02X}"));
        }
        text
    }

    /// Whether the client knows the password, without the password ever being here.
    pub(crate) fn accepts(&self, response: &[u8], scramble: &[u8; SCRAMBLE_BYTES]) -> bool {
        let Ok(response) = <[u8; HASH_BYTES]>::try_from(response) else {
            return false;
        };
        let mask = sha1(&[scramble, &self.0]);
        let mut candidate = [0u8; HASH_BYTES];
        for (slot, (sent, masked)) in candidate.iter_mut().zip(response.iter().zip(mask)) {
            *slot = sent ^ masked;
        }
        sha1(&[&candidate]).ct_eq(&self.0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_form_is_the_one_mysql_shows() {
        // SELECT PASSWORD('mypass') of MySQL 5.7's manual.
        let verifier = NativeVerifier::create(b"mypass");
        assert_eq!(verifier.to_text(), "*6C8989366EAF75BB670AD8EA7A7FC1176A95CEF4");
        assert_eq!(NativeVerifier::parse(verifier.to_text().as_bytes()), Some(verifier));
        assert_eq!(NativeVerifier::parse(b"*6C89"), None);
        assert_eq!(NativeVerifier::parse("*6C8989366EAF75BB670AD8EA7A7FC1176A95CEé".as_bytes()), None);
    }

    #[test]
    fn only_the_right_response_to_this_scramble_passes() {
        let verifier = NativeVerifier::create(b"secret");
        let scramble = *b"abcdefghijklmnopqrst";
        let mut response = sha1(&[b"secret"]);
        for (slot, masked) in response.iter_mut().zip(sha1(&[&scramble, &verifier.0])) {
            *slot ^= masked;
        }
        assert!(verifier.accepts(&response, &scramble));
        assert!(!verifier.accepts(&response, b"abcdefghijklmnopqrsu"), "a recorded login must not replay");
        assert!(!verifier.accepts(&response[..19], &scramble));
        assert!(!verifier.accepts(b"", &scramble));
    }
}
