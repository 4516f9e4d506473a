//! TIME: a signed number of microseconds within ±838:59:59.

/// The TIME type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(i64);

/// 838:59:59 in microseconds; MySQL clips everything beyond (the fraction too).
pub const MAX_DURATION_MICROS: i64 = ((838 * 60 + 59) * 60 + 59) * 1_000_000;

impl Duration {
    pub const ZERO: Duration = Duration(0);
    pub const MAX: Duration = Duration(MAX_DURATION_MICROS);
    pub const MIN: Duration = Duration(-MAX_DURATION_MICROS);

    /// Without a range check, for values that were checked before.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Clipped to the range; the flag says whether it was.
    pub fn clipped(micros: i64) -> (Self, bool) {
        let kept = micros.clamp(-MAX_DURATION_MICROS, MAX_DURATION_MICROS);
        (Self(kept), kept != micros)
    }

    pub fn from_parts(negative: bool, hours: u32, minutes: u32, seconds: u32, micros: u32) -> Self {
        let total = ((i64::from(hours) * 60 + i64::from(minutes)) * 60 + i64::from(seconds)) * 1_000_000
            + i64::from(micros);
        Self(if negative { -total } else { total })
    }

    pub const fn micros(self) -> i64 {
        self.0
    }

    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// (negative, hours, minutes, seconds, microseconds)
    pub const fn parts(self) -> (bool, u32, u32, u32, u32) {
        let total = self.0.unsigned_abs();
        let seconds = total / 1_000_000;
        (
            self.0 < 0,
            (seconds / 3600) as u32,
            (seconds / 60 % 60) as u32,
            (seconds % 60) as u32,
            (total % 1_000_000) as u32,
        )
    }
}
