//! The thread's cryptographic generator, seeded by the operating system.

use rand::RngCore;

use crate::Random;

pub(super) struct RealRandom;

impl Random for RealRandom {
    fn next_u64(&self) -> u64 {
        rand::rng().next_u64()
    }

    fn fill(&self, out: &mut [u8]) {
        rand::rng().fill_bytes(out);
    }
}
