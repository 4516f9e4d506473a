//! DATE, DATETIME and TIMESTAMP as one integer whose order is MySQL's order of dates.
//!
//! `((((year*13 + month) << 5 | day) << 17 | hour << 12 | minute << 6 | second) << 24) | microsecond`,
//! MySQL's own packed form (my_time.cc): comparison, hashing and equality are those of the integer, and zero
//! or partial dates (`2024-00-00`) need no special case.

/// A date with time in packed form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PackedDatetime(i64);

/// The fields of a date with time. No field is normalised; zero month and day are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
pub struct DateParts {
    pub year: u32,
    pub month: u32,
    pub day: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
    pub microsecond: u32,
}

impl PackedDatetime {
    /// `0000-00-00 00:00:00`.
    pub const ZERO: PackedDatetime = PackedDatetime(0);

    pub const fn from_packed(packed: i64) -> Self {
        Self(packed)
    }

    pub const fn packed(self) -> i64 {
        self.0
    }

    pub const fn from_parts(p: DateParts) -> Self {
        let ymd = ((p.year as i64 * 13 + p.month as i64) << 5) | p.day as i64;
        let hms = ((p.hour as i64) << 12) | ((p.minute as i64) << 6) | p.second as i64;
        Self((((ymd << 17) | hms) << 24) | p.microsecond as i64)
    }

    pub const fn date(year: u32, month: u32, day: u32) -> Self {
        Self::from_parts(DateParts { year, month, day, hour: 0, minute: 0, second: 0, microsecond: 0 })
    }

    pub const fn parts(self) -> DateParts {
        let ymdhms = self.0 >> 24;
        let ymd = ymdhms >> 17;
        let hms = ymdhms & 0x1_FFFF;
        let ym = ymd >> 5;
        DateParts {
            year: (ym / 13) as u32,
            month: (ym % 13) as u32,
            day: (ymd & 31) as u32,
            hour: (hms >> 12) as u32,
            minute: ((hms >> 6) & 63) as u32,
            second: (hms & 63) as u32,
            microsecond: (self.0 & 0xFF_FFFF) as u32,
        }
    }

    pub const fn year(self) -> u32 {
        ((self.0 >> 46) / 13) as u32
    }

    pub const fn month(self) -> u32 {
        ((self.0 >> 46) % 13) as u32
    }

    pub const fn day(self) -> u32 {
        ((self.0 >> 41) & 31) as u32
    }

    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The zero date or a date with zero month or day; day arithmetic has no meaning on it.
    pub const fn has_zero_part(self) -> bool {
        self.month() == 0 || self.day() == 0
    }

    /// The same day at midnight.
    #[must_use]
    pub const fn date_only(self) -> Self {
        Self(self.0 >> 41 << 41)
    }

    pub const fn has_time(self) -> bool {
        self.0 & ((1 << 41) - 1) != 0
    }

    /// Microseconds since midnight.
    pub const fn time_micros(self) -> i64 {
        let p = self.parts();
        ((p.hour as i64 * 60 + p.minute as i64) * 60 + p.second as i64) * 1_000_000 + p.microsecond as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn packing_keeps_fields_and_order(a in (0u32..10000, 0u32..13, 0u32..32, 0u32..24, 0u32..60, 0u32..60, 0u32..1_000_000), b in (0u32..10000, 0u32..13, 0u32..32, 0u32..24, 0u32..60, 0u32..60, 0u32..1_000_000)) {
            let parts = |t: (u32, u32, u32, u32, u32, u32, u32)| DateParts { year: t.0, month: t.1, day: t.2, hour: t.3, minute: t.4, second: t.5, microsecond: t.6 };
            let (x, y) = (PackedDatetime::from_parts(parts(a)), PackedDatetime::from_parts(parts(b)));
            proptest::prop_assert_eq!(x.parts(), parts(a));
            proptest::prop_assert_eq!(x.cmp(&y), a.cmp(&b));
        }
    }
}
