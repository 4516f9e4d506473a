//! `caching_sha2_password`: the stored verifier `$A$005$<20-byte salt><43 characters>` and the fast path over
//! SHA256(SHA256(password)).

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::auth::SCRAMBLE_BYTES;
use crate::auth::sha256_crypt::{self, DIGEST_CHARS};
use crate::config::os_nonce;
use crate::error::Result;

pub(crate) const HASH_BYTES: usize = 32;
const SALT_BYTES: usize = 20;

/// Rounds are stored in thousands; 5000 is MySQL's default.
const ROUNDS_DEFAULT: u32 = 5000;
const ROUNDS_UNIT: u32 = 1000;

/// Salt, rounds and digest of a password.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Sha2Verifier {
    rounds: u32,
    salt: [u8; SALT_BYTES],
    digest: [u8; DIGEST_CHARS],
}

impl std::fmt::Debug for Sha2Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sha2Verifier(..)")
    }
}

impl Sha2Verifier {
    pub(crate) fn create(password: &[u8]) -> Result<Self> {
        let mut salt = [0u8; SALT_BYTES];
        os_nonce(&mut salt)?;
        let digest = sha256_crypt::digest(password, &salt, ROUNDS_DEFAULT);
        Ok(Self { rounds: ROUNDS_DEFAULT, salt, digest })
    }

    /// A verifier no password meets, for users that do not exist. Its cost is that of a real one.
    pub(crate) fn unmatchable() -> Self {
        Self { rounds: ROUNDS_DEFAULT, salt: [b'.'; SALT_BYTES], digest: [0; DIGEST_CHARS] }
    }

    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let rest = text.strip_prefix(b"$A$")?;
        let (rounds, rest) = rest.split_first_chunk::<3>()?;
        // Written in hexadecimal by MySQL; 005 either way for the default.
        let rounds =
            u32::from_str_radix(std::str::from_utf8(rounds).ok()?, 16).ok()?.checked_mul(ROUNDS_UNIT)?;
        let (salt, digest) = rest.strip_prefix(b"$")?.split_first_chunk::<SALT_BYTES>()?;
        let digest = <[u8; DIGEST_CHARS]>::try_from(digest).ok()?;
        (rounds > 0).then_some(Self { rounds, salt: *salt, digest })
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("$A${:03X}$", self.rounds / ROUNDS_UNIT).into_bytes();
        text.extend_from_slice(&self.salt);
        text.extend_from_slice(&self.digest);
        text
    }

    /// The slow, complete check.
    pub(crate) fn accepts(&self, password: &[u8]) -> bool {
        sha256_crypt::digest(password, &self.salt, self.rounds).ct_eq(&self.digest).into()
    }
}

/// SHA256(SHA256(password)), what the cache keeps.
pub(crate) fn fast_digest(password: &[u8]) -> [u8; HASH_BYTES] {
    Sha256::digest(Sha256::digest(password)).into()
}

/// Whether `response` = SHA256(pw) xor SHA256(SHA256(SHA256(pw)), scramble) for the password behind `fast`.
pub(crate) fn fast_accepts(
    fast: &[u8; HASH_BYTES],
    response: &[u8],
    scramble: &[u8; SCRAMBLE_BYTES],
) -> bool {
    let Ok(response) = <[u8; HASH_BYTES]>::try_from(response) else {
        return false;
    };
    let mask: [u8; HASH_BYTES] = Sha256::new().chain_update(fast).chain_update(scramble).finalize().into();
    let mut candidate = [0u8; HASH_BYTES];
    for (slot, (sent, masked)) in candidate.iter_mut().zip(response.iter().zip(mask)) {
        *slot = sent ^ masked;
    }
    let hashed: [u8; HASH_BYTES] = Sha256::digest(candidate).into();
    hashed.ct_eq(fast).into()
}

#[cfg(test)]
pub(crate) fn client_response(password: &[u8], scramble: &[u8; SCRAMBLE_BYTES]) -> [u8; HASH_BYTES] {
    let mut response: [u8; HASH_BYTES] = Sha256::digest(password).into();
    let mask: [u8; HASH_BYTES] =
        Sha256::new().chain_update(fast_digest(password)).chain_update(scramble).finalize().into();
    for (slot, masked) in response.iter_mut().zip(mask) {
        *slot ^= masked;
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_form_round_trips_and_checks() -> Result<()> {
        let verifier = Sha2Verifier::create(b"pass")?;
        let stored = verifier.to_bytes();
        assert_eq!(stored.len(), 70);
        let again = Sha2Verifier::parse(&stored);
        assert_eq!(again.as_ref(), Some(&verifier));
        assert!(verifier.accepts(b"pass"));
        assert!(!verifier.accepts(b"Pass"));
        assert!(!Sha2Verifier::unmatchable().accepts(b""));
        for cut in 0..stored.len() {
            assert_eq!(Sha2Verifier::parse(&stored[..cut]), None);
        }
        Ok(())
    }

    #[test]
    fn accepts_a_verifier_made_by_mysql() {
        // CREATE USER ... IDENTIFIED BY 'rutile-test-1' on MySQL 9.7, HEX(authentication_string).
        let stored = unhex(MYSQL_STORED);
        let verifier = Sha2Verifier::parse(&stored).expect("format of MySQL");
        assert!(verifier.accepts(b"rutile-test-1"));
        assert!(!verifier.accepts(b"rutile-test-2"));
        assert_eq!(verifier.to_bytes(), stored);
    }

    const MYSQL_STORED: &str = "244124303041247670745B545F56146A4B26513D7E1D101F3272554F467758586350557A6E4C677757416D44384670732F666B6A2F702F567769615148464C61537656374233";

    fn unhex(text: &str) -> Vec<u8> {
        (0..text.len() / 2)
            .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("hex"))
            .collect()
    }

    #[test]
    fn fast_path_takes_only_the_right_response_to_this_scramble() {
        let scramble = *b"abcdefghijklmnopqrst";
        let fast = fast_digest(b"pw");
        let response = client_response(b"pw", &scramble);
        assert!(fast_accepts(&fast, &response, &scramble));
        assert!(!fast_accepts(&fast, &response, b"abcdefghijklmnopqrsu"));
        assert!(!fast_accepts(&fast, &client_response(b"pv", &scramble), &scramble));
        assert!(!fast_accepts(&fast, &response[1..], &scramble));
    }
}
