//! Text of FLOAT and DOUBLE as MySQL writes it.
//!
//! Shortest digits that read back as the same value (FLOAT: at most 6 significant digits), in plain form while the
//! decimal point is within 15 places, else with an exponent: `1e15`, `1.5e-20`, never a plus sign, `-0` kept. A column
//! with fixed decimals (`FLOAT(7,2)`) shows exactly those.

use std::io::Write as _;

use crate::column::DECIMALS_NOT_FIXED;

/// DBL_DIG: the widest plain form on either side of the point.
const PLAIN_PLACES_MAX: i32 = 15;

/// FLT_DIG less the digit before the point.
const FLOAT_FRACTION_DIGITS: usize = 5;

/// Appends the text of a DOUBLE.
pub fn double(out: &mut Vec<u8>, value: f64, decimals: u8) {
    if !fixed(out, value, decimals) {
        // `{:e}` gives the shortest digits that read back as the same value.
        by_exponent_form(out, format_args!("{value:e}"));
    }
}

/// Appends the text of a FLOAT.
pub fn float(out: &mut Vec<u8>, value: f32, decimals: u8) {
    if !fixed(out, f64::from(value), decimals) {
        by_exponent_form(out, format_args!("{:.*e}", FLOAT_FRACTION_DIGITS, f64::from(value)));
    }
}

fn fixed(out: &mut Vec<u8>, value: f64, decimals: u8) -> bool {
    if !value.is_finite() {
        // No MySQL expression yields these; text that no number looks like is better than a wrong number.
        out.extend_from_slice(value.to_string().as_bytes());
        return true;
    }
    if decimals >= DECIMALS_NOT_FIXED {
        return false;
    }
    write!(out, "{:.*}", usize::from(decimals), value).expect("writing to memory does not fail");
    true
}

/// Rewrites `-1.2345e-7` into MySQL's form.
fn by_exponent_form(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    let mut scratch = [0u8; 40];
    let mut rest = &mut scratch[..];
    rest.write_fmt(text).expect("at most 17 digits, sign, point and exponent");
    let unused = rest.len();
    let written = &scratch[..scratch.len() - unused];
    let Some(e) = written.iter().position(|byte| *byte == b'e') else {
        return out.extend_from_slice(written);
    };
    let exponent = std::str::from_utf8(&written[e + 1..])
        .ok()
        .and_then(|digits| digits.parse::<i32>().ok())
        .unwrap_or(0);
    let mut digits = [0u8; 20];
    let mut count = 0;
    let mut negative = false;
    for byte in &written[..e] {
        match byte {
            b'-' => negative = true,
            b'.' => {}
            digit => {
                if let Some(slot) = digits.get_mut(count) {
                    *slot = *digit;
                    count += 1;
                }
            }
        }
    }
    while count > 1 && digits[count - 1] == b'0' {
        count -= 1;
    }
    if negative {
        out.push(b'-');
    }
    place_point(out, &digits[..count], exponent);
}

/// `digits` without trailing zeros, the first of weight 10^exponent.
fn place_point(out: &mut Vec<u8>, digits: &[u8], exponent: i32) {
    let point = exponent + 1;
    if point > PLAIN_PLACES_MAX || point <= -PLAIN_PLACES_MAX {
        let (first, more) = digits.split_at(1);
        out.extend_from_slice(first);
        if !more.is_empty() {
            out.push(b'.');
            out.extend_from_slice(more);
        }
        out.push(b'e');
        out.extend_from_slice(itoa::Buffer::new().format(exponent).as_bytes());
        return;
    }
    if point <= 0 {
        out.extend_from_slice(b"0.");
        out.extend(std::iter::repeat_n(b'0', point.unsigned_abs() as usize));
        out.extend_from_slice(digits);
        return;
    }
    let whole = point as usize;
    if digits.len() <= whole {
        out.extend_from_slice(digits);
        out.extend(std::iter::repeat_n(b'0', whole - digits.len()));
    } else {
        let (before, after) = digits.split_at(whole);
        out.extend_from_slice(before);
        out.push(b'.');
        out.extend_from_slice(after);
    }
}
