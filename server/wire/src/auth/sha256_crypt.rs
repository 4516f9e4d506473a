//! SHA-256 crypt (U. Drepper, "Unix crypt using SHA-256 and SHA-512"), with MySQL's 20-byte salts, which the
//! specification would cut to 16.

use sha2::{Digest, Sha256};

const HASH_BYTES: usize = 32;
const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Order in which the hash bytes are taken, three at a time, for the base-64 text.
const OUTPUT_ORDER: [[usize; 3]; 10] = [
    [0, 10, 20],
    [21, 1, 11],
    [12, 22, 2],
    [3, 13, 23],
    [24, 4, 14],
    [15, 25, 5],
    [6, 16, 26],
    [27, 7, 17],
    [18, 28, 8],
    [9, 19, 29],
];

/// Length of the digest text.
pub(crate) const DIGEST_CHARS: usize = 43;

/// The 43-character digest of `password` under `salt` after `rounds` rounds.
pub(crate) fn digest(password: &[u8], salt: &[u8], rounds: u32) -> [u8; DIGEST_CHARS] {
    let initial = initial_sum(password, salt);
    let by_password = repeated_sum(password, password.len(), password.len());
    let by_salt = repeated_sum(salt, 16 + usize::from(initial[0]), salt.len());
    let mut sum = initial;
    for round in 0..rounds {
        let mut hasher = Sha256::new();
        if round % 2 == 1 {
            hasher.update(&by_password)
        } else {
            hasher.update(sum)
        }
        if round % 3 != 0 {
            hasher.update(&by_salt);
        }
        if round % 7 != 0 {
            hasher.update(&by_password);
        }
        if round % 2 == 1 {
            hasher.update(sum)
        } else {
            hasher.update(&by_password)
        }
        sum = hasher.finalize().into();
    }
    encode(&sum)
}

/// Steps 1 to 12 of the specification: digest A, with digest B mixed in by the bits of the password's length.
fn initial_sum(password: &[u8], salt: &[u8]) -> [u8; HASH_BYTES] {
    let alternate: [u8; HASH_BYTES] =
        Sha256::new().chain_update(password).chain_update(salt).chain_update(password).finalize().into();
    let mut hasher = Sha256::new().chain_update(password).chain_update(salt);
    hasher.update(stretch(&alternate, password.len()));
    let mut bits = password.len();
    while bits > 0 {
        if bits & 1 == 1 {
            hasher.update(alternate)
        } else {
            hasher.update(password)
        }
        bits >>= 1;
    }
    hasher.finalize().into()
}

/// Steps 13 to 20: the hash of `text` repeated `times`, stretched to `length` bytes.
fn repeated_sum(text: &[u8], times: usize, length: usize) -> Vec<u8> {
    let mut hasher = Sha256::new();
    for _ in 0..times {
        hasher.update(text);
    }
    let hash: [u8; HASH_BYTES] = hasher.finalize().into();
    stretch(&hash, length)
}

fn stretch(hash: &[u8; HASH_BYTES], length: usize) -> Vec<u8> {
    hash.iter().copied().cycle().take(length).collect()
}

fn encode(sum: &[u8; HASH_BYTES]) -> [u8; DIGEST_CHARS] {
    let mut text = [0u8; DIGEST_CHARS];
    let mut slots = text.iter_mut();
    let mut emit = |mut bits: u32, count: usize| {
        for slot in slots.by_ref().take(count) {
            *slot = ALPHABET[(bits & 0x3f) as usize];
            bits >>= 6;
        }
    };
    for [a, b, c] in OUTPUT_ORDER {
        emit(u32::from(sum[a]) << 16 | u32::from(sum[b]) << 8 | u32::from(sum[c]), 4);
    }
    emit(u32::from(sum[31]) << 8 | u32::from(sum[30]), 3);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_as_glibc_does() {
        // perl -e 'print crypt($password, q($5$rounds=N$salt))' on Debian 12.
        let cases = [
            ("Hello world!", "saltstring", 5000, "5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
            ("Hello world!", "saltstringsaltst", 10000, "3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA"),
            (
                "we have a short salt string but not a short password",
                "short",
                77777,
                "JiO1O3ZpDAxGJeaDIuqCoEFysAe1mZNJRs3pw0KQRd/",
            ),
            ("", "anotherlongsalts", 1400, "7IcTVudmZDHdXM3GIn4KAxA5tvn.eciiARdqRBeqNs/"),
        ];
        for (password, salt, rounds, expected) in cases {
            let got = digest(password.as_bytes(), salt.as_bytes(), rounds);
            assert_eq!(std::str::from_utf8(&got), Ok(expected), "{password}");
        }
    }
}
