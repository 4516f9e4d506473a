//! The date and time functions.
//!
//! `read.rs` reads arguments; `overflow.rs` warns; `now.rs` NOW and its relatives; `part.rs` YEAR ... EXTRACT, `part_vector.rs` over arrays; `week.rs`; `construct.rs` DATE TIME TIMESTAMP
//! MAKEDATE ...; `day_number.rs` TO_DAYS ...; `shift.rs` DATE_ADD; `clock.rs` ADDTIME TIMEDIFF; `difference.rs`
//! DATEDIFF TIMESTAMPDIFF PERIOD_ADD; `format.rs` and `specifier.rs` DATE_FORMAT; `parse.rs` STR_TO_DATE; `epoch.rs`
//! UNIX_TIMESTAMP FROM_UNIXTIME CONVERT_TZ.
//! Missing on purpose: names in languages other than English (lc_time_names).

mod clock;
mod construct;
mod day_number;
mod difference;
mod epoch;
mod format;
mod now;
mod overflow;
mod parse;
mod part;
mod part_vector;
mod read;
mod shift;
mod specifier;
mod week;

use crate::call::Function;

pub(crate) const FAMILIES: &[&[Function]] = &[
    now::FUNCTIONS,
    part::FUNCTIONS,
    week::FUNCTIONS,
    construct::FUNCTIONS,
    day_number::FUNCTIONS,
    shift::FUNCTIONS,
    clock::FUNCTIONS,
    difference::FUNCTIONS,
    format::FUNCTIONS,
    parse::FUNCTIONS,
    epoch::FUNCTIONS,
];

/// English names, for DATE_FORMAT, STR_TO_DATE, MONTHNAME.
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// From Monday on.
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
