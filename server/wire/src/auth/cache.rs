//! Fast-path digests of passwords that were proved once.
//!
//! An entry is bound to the verifier it was proved against: after a password change, a drop and re-creation or a
//! renamed account the lookup misses by itself, so nothing has to be told to forget.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::auth::SCRAMBLE_BYTES;
use crate::auth::caching_sha2::{HASH_BYTES, Sha2Verifier, fast_accepts};

/// Entries kept; when full, the cache starts over and the next login of each account takes the slow path once.
const ENTRIES_MAX: usize = 10_000;

#[derive(Default)]
pub(crate) struct FastCache {
    proved: Mutex<HashMap<Sha2Verifier, [u8; HASH_BYTES]>>,
}

impl FastCache {
    /// Whether the response proves the password that was proved for this verifier before. Where none was, as for users
    /// that do not exist, the answer takes as long.
    pub(crate) fn accepts(
        &self,
        verifier: &Sha2Verifier,
        response: &[u8],
        scramble: &[u8; SCRAMBLE_BYTES],
    ) -> bool {
        let proved = self.proved.lock().unwrap_or_else(PoisonError::into_inner).get(verifier).copied();
        let accepted = fast_accepts(&proved.unwrap_or_default(), response, scramble);
        proved.is_some() & accepted
    }

    pub(crate) fn put(&self, verifier: Sha2Verifier, fast: [u8; HASH_BYTES]) {
        let mut proved = self.proved.lock().unwrap_or_else(PoisonError::into_inner);
        if proved.len() >= ENTRIES_MAX {
            proved.clear();
        }
        proved.insert(verifier, fast);
    }
}
