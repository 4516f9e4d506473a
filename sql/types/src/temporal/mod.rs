//! Dates and times as MySQL has them: zero and partial dates are values, TIME reaches ±838:59:59.
//!
//! `packed.rs` DATE/DATETIME/TIMESTAMP as one ordered integer; `duration.rs` TIME as signed microseconds;
//! `calendar.rs` day numbers and weeks; `zone.rs` time zones; `parse.rs` and `parse_time.rs` every text form;
//! `number.rs` dates as numbers (20240131); `format.rs` text output; `interval.rs` date arithmetic.

mod calendar;
mod duration;
mod format;
mod interval;
mod number;
mod packed;
mod parse;
mod parse_time;
mod zone;

pub use calendar::{
    WeekMode, civil_from_days, days_from_civil, days_in_month, is_leap_year, week_of_year, weekday,
};
pub use duration::{Duration, MAX_DURATION_MICROS};
pub use format::{format_date, format_datetime, format_duration};
pub use interval::{Interval, IntervalUnit};
pub use number::{
    datetime_from_number, datetime_to_number, duration_from_number, duration_to_number, time_of_day_number,
};
pub use packed::{DateParts, PackedDatetime};
pub use parse::{DateFlags, ParsedDatetime, TemporalWarning, check_date, parse_datetime};
pub use parse_time::{ParsedTime, parse_time};
pub use zone::TimeZone;
