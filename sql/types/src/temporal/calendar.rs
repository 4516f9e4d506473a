//! The proleptic Gregorian calendar: day numbers, weekdays, MySQL's eight week modes.

/// Days of MySQL's TO_DAYS (day 0 is the non-existent 0000-00-00; 0000-01-01 is day 1).
pub fn days_from_civil(year: u32, month: u32, day: u32) -> i64 {
    if year == 0 && month == 0 {
        return 0;
    }
    // calc_daynr of MySQL's my_time.cc; it also defines the answer for partial dates.
    let (mut y, m, d) = (i64::from(year), i64::from(month), i64::from(day));
    let mut days = 365 * y + 31 * (m - 1) + d;
    if m <= 2 {
        y -= 1;
    } else {
        days -= (m * 4 + 23) / 10;
    }
    // Division truncates towards zero as in C: year 0 counts as a common year.
    let centuries = (y / 100 + 1) * 3 / 4;
    days + y / 4 - centuries
}

/// The inverse; `None` outside 0000-01-01 .. 9999-12-31.
pub fn civil_from_days(days: i64) -> Option<(u32, u32, u32)> {
    if !(1..=3_652_424).contains(&days) {
        return None;
    }
    // Howard Hinnant's civil_from_days, era based; 719_528 is TO_DAYS('1970-01-01').
    // MySQL's year 0 has no 29 February, so its first two months are one day later than in the proleptic calendar.
    let proleptic = if days <= 59 { days - 1 } else { days };
    let z = proleptic - 719_528 + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    u32::try_from(year).ok().map(|y| (y, month as u32, day as u32))
}

pub fn is_leap_year(year: u32) -> bool {
    year != 0 && year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// Days of the month; 0 for month 0, so that every day is "too large" there.
pub fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap_year(year) => 29,
        2 => 28,
        _ => 0,
    }
}

/// 0 = Monday; or 0 = Sunday with `sunday_first`.
pub fn weekday(days: i64, sunday_first: bool) -> u32 {
    (days + 5 + i64::from(sunday_first)).rem_euclid(7) as u32
}

/// MySQL's week flags: what WEEK(date, mode) decodes its mode into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeekMode {
    pub monday_first: bool,
    /// Week numbers run 1-53 and belong to the year `week_of_year` returns.
    pub year: bool,
    /// Week 1 is the first week that has the first weekday in this year (else: 4 days or more).
    pub first_weekday: bool,
}

impl WeekMode {
    /// From the mode argument of WEEK(): bit 2 is inverted for Monday-first modes.
    pub fn from_mode(mode: i64) -> WeekMode {
        let mode = mode & 7;
        let monday_first = mode & 1 != 0;
        let first_weekday = if monday_first { mode & 4 != 0 } else { mode & 4 == 0 };
        WeekMode { monday_first, year: mode & 2 != 0, first_weekday }
    }
}

/// (week, year the week belongs to); MySQL's calc_week.
pub fn week_of_year(year: u32, month: u32, day: u32, mode: WeekMode) -> (u32, u32) {
    let days = days_from_civil(year, month, day);
    let mut first = days_from_civil(year, 1, 1);
    let mut first_weekday = i64::from(weekday(first, !mode.monday_first));
    let mut year_of_week = year;
    let mut week_year = mode.year;
    let mut length = if is_leap_year(year) { 366 } else { 365 };
    if month == 1 && i64::from(day) <= 7 - first_weekday {
        if !week_year
            && ((mode.first_weekday && first_weekday != 0) || (!mode.first_weekday && first_weekday >= 4))
        {
            return (0, year);
        }
        week_year = true;
        year_of_week = year_of_week.wrapping_sub(1);
        length = if is_leap_year(year_of_week) { 366 } else { 365 };
        first -= length;
        first_weekday = (first_weekday + 53 * 7 - length) % 7;
    }
    let shifted = if (mode.first_weekday && first_weekday != 0) || (!mode.first_weekday && first_weekday >= 4)
    {
        days - (first + 7 - first_weekday)
    } else {
        days - (first - first_weekday)
    };
    if week_year && shifted >= 52 * 7 {
        let next = (first_weekday + length) % 7;
        if (!mode.first_weekday && next < 4) || (mode.first_weekday && next == 0) {
            return (1, year_of_week.wrapping_add(1));
        }
    }
    ((shifted / 7 + 1) as u32, year_of_week)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn day_numbers_are_those_of_to_days() {
        assert_eq!(days_from_civil(0, 1, 1), 1);
        assert_eq!(days_from_civil(1970, 1, 1), 719_528);
        assert_eq!(days_from_civil(9999, 12, 31), 3_652_424);
        for days in (1..3_652_424).step_by(97) {
            let (y, m, d) = civil_from_days(days).expect("in range");
            assert_eq!(days_from_civil(y, m, d), days, "{y}-{m}-{d}");
        }
    }

    #[test]
    fn weeks_follow_the_mode() {
        // Recorded: select week('2024-01-01',0..7), the week of a year that starts on a Monday.
        let recorded = [0, 1, 53, 1, 1, 1, 1, 1];
        for (mode, week) in recorded.into_iter().enumerate() {
            assert_eq!(week_of_year(2024, 1, 1, WeekMode::from_mode(mode as i64)).0, week, "mode {mode}");
        }
        assert_eq!(weekday(days_from_civil(2024, 1, 1), false), 0);
    }
}
