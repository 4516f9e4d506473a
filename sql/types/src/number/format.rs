//! FLOAT and DOUBLE as text: MySQL's my_gcvt (strings/dtoa.cc).

use std::fmt::Write;

/// Shortest text that reads back as the same double; plain for 1e-15 <= |x| < 1e15, else `1.5e-20`.
pub fn format_double(v: f64, out: &mut String) {
    if !v.is_finite() {
        out.push('0');
        return;
    }
    let scientific = format!("{v:e}");
    write_general(&scientific, out);
}

/// FLOAT shows six significant digits.
pub fn format_float(v: f32, out: &mut String) {
    if !v.is_finite() {
        out.push('0');
        return;
    }
    let scientific = format!("{:.5e}", f64::from(v));
    write_general(&scientific, out);
}

/// DOUBLE(M,D): exactly `decimals` digits after the point.
pub fn format_double_fixed(v: f64, decimals: u8, out: &mut String) {
    write!(out, "{v:.*}", usize::from(decimals)).expect("writing into a String cannot fail");
}

/// Largest exponent printed without `e`; MAX_DECPT_FOR_F_FORMAT of dtoa.cc.
const PLAIN_DIGITS: i32 = 15;

fn write_general(scientific: &str, out: &mut String) {
    let (mantissa, exponent) = scientific.split_once('e').expect("formatted with {:e}");
    let exponent: i32 = exponent.parse().expect("formatted with {:e}");
    let (negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa),
    };
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    let digits = digits.trim_end_matches('0');
    let digits = if digits.is_empty() { "0" } else { digits };
    if negative {
        out.push('-');
    }
    let point = if digits == "0" { 1 } else { exponent + 1 };
    if !(-PLAIN_DIGITS + 1..=PLAIN_DIGITS).contains(&point) {
        out.push_str(&digits[..1]);
        if digits.len() > 1 {
            out.push('.');
            out.push_str(&digits[1..]);
        }
        write!(out, "e{exponent}").expect("writing into a String cannot fail");
    } else if point <= 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', point.unsigned_abs() as usize));
        out.push_str(digits);
    } else if digits.len() as i32 <= point {
        out.push_str(digits);
        out.extend(std::iter::repeat_n('0', (point - digits.len() as i32) as usize));
    } else {
        let (whole, fraction) = digits.split_at(point as usize);
        out.push_str(whole);
        out.push('.');
        out.push_str(fraction);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_print_as_recorded() {
        let recorded = [
            (1e15, "1e15"),
            (1e14, "100000000000000"),
            (1e-15, "0.000000000000001"),
            (1e-16, "1e-16"),
            (1.5e-20, "1.5e-20"),
            (-0.0, "-0"),
            (1e22 / 3.0, "3.3333333333333335e21"),
            (0.1 + 0.2, "0.30000000000000004"),
            (123456789012345e0, "123456789012345"),
            (1234567890123456e0, "1.234567890123456e15"),
            (1e-5 / 3.0, "0.0000033333333333333337"),
            (f64::MAX, "1.7976931348623157e308"),
            (5e-324, "5e-324"),
        ];
        for (v, text) in recorded {
            let mut out = String::new();
            format_double(v, &mut out);
            assert_eq!(out, text);
        }
        let recorded = [
            (16777217f32, "16777200"),
            (0.1, "0.1"),
            (1e10, "10000000000"),
            (1.17e-38, "1.17e-38"),
            (1234567.0, "1234570"),
            (1e15, "1e15"),
            (0.00001234567, "0.0000123457"),
        ];
        for (v, text) in recorded {
            let mut out = String::new();
            format_float(v, &mut out);
            assert_eq!(out, text);
        }
    }
}
