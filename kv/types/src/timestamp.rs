//! Timestamps of the oracle: 46 bits of milliseconds and 18 bits of a logical counter.

use std::fmt;

/// A point in the global order of transactions, as the placement driver hands it out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeStamp(u64);

impl TimeStamp {
    /// Bits of the logical part; PD's `physicalShiftBits`.
    pub const LOGICAL_BITS: u32 = 18;
    /// First logical value that does not fit.
    pub const LOGICAL_LIMIT: u64 = 1 << Self::LOGICAL_BITS;
    /// "None": no transaction ever gets it.
    pub const ZERO: TimeStamp = TimeStamp(0);
    /// "The newest": legal only for reads.
    pub const MAX: TimeStamp = TimeStamp(u64::MAX);

    pub const fn new(inner: u64) -> Self {
        TimeStamp(inner)
    }

    /// The timestamp at `physical_ms` milliseconds since the Unix epoch; a logical part that overflows carries over.
    pub const fn compose(physical_ms: u64, logical: u64) -> Self {
        TimeStamp((physical_ms << Self::LOGICAL_BITS).wrapping_add(logical))
    }

    /// Milliseconds since the Unix epoch.
    pub const fn physical(self) -> u64 {
        self.0 >> Self::LOGICAL_BITS
    }

    pub const fn logical(self) -> u64 {
        self.0 & (Self::LOGICAL_LIMIT - 1)
    }

    /// The timestamp right after this one; `MAX` stays `MAX`.
    pub const fn next(self) -> Self {
        TimeStamp(self.0.saturating_add(1))
    }

    /// The timestamp right before this one; `ZERO` stays `ZERO`.
    pub const fn prev(self) -> Self {
        TimeStamp(self.0.saturating_sub(1))
    }

    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    pub const fn is_max(self) -> bool {
        self.0 == u64::MAX
    }

    pub const fn into_inner(self) -> u64 {
        self.0
    }
}

impl From<u64> for TimeStamp {
    fn from(inner: u64) -> Self {
        TimeStamp(inner)
    }
}

impl From<TimeStamp> for u64 {
    fn from(ts: TimeStamp) -> u64 {
        ts.0
    }
}

impl fmt::Display for TimeStamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_max() { f.write_str("max") } else { write!(f, "{}", self.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_survive_composition() {
        let ts = TimeStamp::compose(1_700_000_000_123, 77);
        assert_eq!(ts.physical(), 1_700_000_000_123);
        assert_eq!(ts.logical(), 77);
        assert_eq!(ts.next().logical(), 78);
        assert_eq!(ts.prev().next(), ts);
    }

    #[test]
    fn a_full_logical_part_carries_into_the_next_millisecond() {
        assert_eq!(TimeStamp::compose(5, TimeStamp::LOGICAL_LIMIT), TimeStamp::compose(6, 0));
        assert_eq!(TimeStamp::compose(5, TimeStamp::LOGICAL_LIMIT - 1).next(), TimeStamp::compose(6, 0));
    }

    #[test]
    fn the_ends_do_not_wrap() {
        assert_eq!(TimeStamp::MAX.next(), TimeStamp::MAX);
        assert_eq!(TimeStamp::ZERO.prev(), TimeStamp::ZERO);
    }
}
