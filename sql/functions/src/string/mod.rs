//! The string functions. Lengths and positions count characters; of binary strings bytes.
//!
//! `join.rs` CONCAT; `repeat.rs` REPEAT SPACE LPAD RPAD; `slice.rs` SUBSTRING LEFT RIGHT SUBSTRING_INDEX INSERT
//! (`slice_vector.rs` over arrays);
//! `trim.rs`; `letter_case.rs` LOWER UPPER REVERSE; `length.rs` LENGTH CHAR_LENGTH ASCII ORD; `search.rs` LOCATE
//! INSTR REPLACE; `list.rs` FIND_IN_SET FIELD ELT MAKE_SET EXPORT_SET; `radix.rs` HEX BIN CONV CHAR; `format.rs`
//! FORMAT; `encode.rs` QUOTE SOUNDEX BASE64; `limit.rs` max_allowed_packet.
//! Missing on purpose: locales of FORMAT beyond those in its table.

mod encode;
mod format;
mod join;
mod length;
mod letter_case;
mod limit;
mod list;
mod radix;
mod repeat;
mod search;
mod slice;
mod slice_vector;
mod trim;

use crate::call::Function;

pub(crate) const FAMILIES: &[&[Function]] = &[
    join::FUNCTIONS,
    repeat::FUNCTIONS,
    slice::FUNCTIONS,
    trim::FUNCTIONS,
    letter_case::FUNCTIONS,
    length::FUNCTIONS,
    search::FUNCTIONS,
    list::FUNCTIONS,
    radix::FUNCTIONS,
    format::FUNCTIONS,
    encode::FUNCTIONS,
];
