//! Plans and answers as bytes, for stores in other processes.
//!
//! ```text
//! value.rs  types and values      expr.rs       expressions, as a list of nodes, operands first
//! stage.rs  aggregates, top rows  plan.rs       a whole scan, and what of the statement it depends on
//! answer.rs rows as Arrow IPC, warnings, what the store has done, or the statement's error
//! ```
//! A plan that arrives is not trusted. It is a closed list of things a scan can do, none of which opens a file, waits or
//! changes anything: functions that depend on the session are not among them. Sizes and depths are bounded, types are
//! not believed but inferred again, and a plan that does not fit together is refused before a row is read.
//!
//! The sender infers again as well: what would not come out the same at the store is not sent, and the scan is evaluated
//! here (`scan_here.rs`).

mod answer;
mod expr;
mod plan;
mod stage;
#[cfg(test)]
mod tests;
mod value;

pub(crate) use answer::{Answer, decode_answer, encode_answer};
pub(crate) use plan::{decode_plan, encode_plan};

use rutile_sql_types::MySqlError;

/// Bytes of a plan, at most.
pub(crate) const PLAN_BYTES_MAX: usize = 1 << 20;
/// Calls inside calls.
const DEPTH_MAX: usize = 200;
/// Conditions, group keys, aggregates and sort keys of one plan, each.
const PARTS_MAX: usize = 4096;
/// Rows of a top stage.
const TOP_ROWS_MAX: usize = 10_000;

/// What is wrong with a plan that arrived.
fn refused(what: impl std::fmt::Display) -> MySqlError {
    MySqlError::internal(format!("refused plan: {what}"))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.push(DIGITS.get(usize::from(digit)).map_or('0', |digit| char::from(*digit)));
        }
    }
    text
}

fn unhex(text: &str) -> Result<Vec<u8>, MySqlError> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return Err(refused("half a byte"));
    }
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
    bytes.collect::<Option<_>>().ok_or_else(|| refused("bytes that are not hexadecimal"))
}
