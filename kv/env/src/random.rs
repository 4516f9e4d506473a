//! Random numbers; seeded in simulation.

use std::ops::Range;

pub trait Random: Send + Sync {
    fn next_u64(&self) -> u64;

    /// Fills `out` with bytes fit for secrets when the environment is real.
    fn fill(&self, out: &mut [u8]);

    /// A number of `range`, evenly; the start when the range is empty.
    fn range(&self, range: Range<u64>) -> u64 {
        let width = range.end.saturating_sub(range.start);
        if width == 0 {
            return range.start;
        }
        // Lemire's multiplication keeps the bias under 2^-64 times the width, without division.
        let wide = u128::from(self.next_u64()) * u128::from(width);
        range.start + (wide >> 64) as u64
    }

    /// True once in `n` calls on average.
    fn one_in(&self, n: u64) -> bool {
        n > 0 && self.range(0..n) == 0
    }
}
