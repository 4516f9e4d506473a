//! Text to decimal and back.

use std::fmt;
use std::str::FromStr;

use ethnum::I256;

use super::value::power_of_ten;
use super::{Decimal, MAX_PRECISION, MAX_SCALE};

/// What was read from the front of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParsedDecimal {
    pub value: Decimal,
    /// Bytes of the number, without leading spaces.
    pub consumed: usize,
    /// The text had more digits than fit; the value is the nearest, or the largest there is.
    pub truncated: bool,
    pub overflow: bool,
}

impl Decimal {
    /// Reads the longest decimal prefix, exponent included (`1.5e3abc` reads 1500). No digits at all reads 0 of 0 bytes.
    pub fn parse_prefix(text: &[u8]) -> ParsedDecimal {
        let (negative, sign_len) = match text.first() {
            Some(b'-') => (true, 1),
            Some(b'+') => (false, 1),
            _ => (false, 0),
        };
        let mut at = sign_len;
        let mut reader = DigitReader::default();
        while let Some(d) = text.get(at).filter(|b| b.is_ascii_digit()) {
            reader.push(d - b'0', false);
            at += 1;
        }
        if text.get(at) == Some(&b'.') {
            let fraction_start = at + 1;
            let mut end = fraction_start;
            while let Some(d) = text.get(end).filter(|b| b.is_ascii_digit()) {
                reader.push(d - b'0', true);
                end += 1;
            }
            if end > fraction_start || at > sign_len {
                at = end;
            }
        }
        if reader.seen == 0 {
            return ParsedDecimal { value: Decimal::ZERO, consumed: 0, truncated: false, overflow: false };
        }
        let (exponent, exponent_len) = parse_exponent(&text[at..]);
        let (value, truncated, overflow) = reader.finish(negative, exponent);
        ParsedDecimal { value, consumed: at + exponent_len, truncated, overflow }
    }
}

fn parse_exponent(text: &[u8]) -> (i64, usize) {
    if !matches!(text.first(), Some(b'e' | b'E')) {
        return (0, 0);
    }
    let (negative, mut at) = match text.get(1) {
        Some(b'-') => (true, 2),
        Some(b'+') => (false, 2),
        _ => (false, 1),
    };
    let start = at;
    let mut exponent: i64 = 0;
    while let Some(d) = text.get(at).filter(|b| b.is_ascii_digit()) {
        exponent = (exponent * 10 + i64::from(d - b'0')).min(1_000_000);
        at += 1;
    }
    if at == start { (0, 0) } else { (if negative { -exponent } else { exponent }, at) }
}

/// Collects digits; keeps 76 of them and remembers how the rest rounds.
#[derive(Default)]
struct DigitReader {
    digits: I256,
    kept: u32,
    scale: i64,
    seen: usize,
    /// Integer digits that no longer fit.
    dropped_integer: i64,
    /// First fraction digit that no longer fit.
    dropped_first: Option<u8>,
    dropped_nonzero: bool,
}

impl DigitReader {
    fn push(&mut self, digit: u8, fraction: bool) {
        self.seen += 1;
        if self.kept == 76 {
            self.dropped_nonzero |= digit != 0;
            if self.dropped_first.is_none() {
                self.dropped_first = Some(digit);
            }
            self.dropped_integer += i64::from(!fraction);
            return;
        }
        if digit != 0 || self.kept > 0 {
            self.digits = self.digits * 10 + I256::from(digit);
            self.kept += 1;
        }
        self.scale += i64::from(fraction);
    }

    fn finish(self, negative: bool, exponent: i64) -> (Decimal, bool, bool) {
        let scale = self.scale - exponent - self.dropped_integer;
        let (value, mut truncated, overflow) = place(self.digits, scale);
        truncated |= self.dropped_nonzero && !overflow;
        (if negative { value.negated() } else { value }, truncated, overflow)
    }
}

/// The non-negative number `digits * 10^-scale` within MySQL's 65 digits, 30 of them (rounded) after the point.
fn place(digits: I256, scale: i64) -> (Decimal, bool, bool) {
    if digits == I256::ZERO {
        return (Decimal::from_i128(0, scale.clamp(0, i64::from(MAX_SCALE)) as u8), false, false);
    }
    let largest = (Decimal::max_of(MAX_PRECISION, 0), false, true);
    if scale < 0 {
        let count = i64::from(Decimal::new(digits, 0).digit_count());
        if count - scale > i64::from(MAX_PRECISION) {
            return largest;
        }
        return (Decimal::new(digits * power_of_ten(scale.unsigned_abs() as u32), 0), false, false);
    }
    if scale > 200 {
        return (Decimal::from_i128(0, MAX_SCALE), true, false);
    }
    let (mut digits, mut scale, mut truncated) = (digits, scale, false);
    let count = i64::from(Decimal::new(digits, 0).digit_count());
    if count - scale > i64::from(MAX_PRECISION) {
        return largest;
    }
    let room = i64::from(MAX_PRECISION) - (count - scale).max(0);
    let target = scale.min(i64::from(MAX_SCALE)).min(room);
    if target < scale {
        let drop = (scale - target) as u32;
        if drop > 76 {
            return (Decimal::from_i128(0, MAX_SCALE), true, false);
        }
        let factor = power_of_ten(drop);
        let rest = digits % factor;
        truncated = rest != I256::ZERO;
        digits = digits / factor + if rest >= factor / 2 { I256::ONE } else { I256::ZERO };
        scale = target;
    }
    (Decimal::new(digits, scale as u8), truncated, false)
}

impl FromStr for Decimal {
    type Err = crate::MySqlError;

    /// The whole text must be a decimal number.
    fn from_str(text: &str) -> Result<Decimal, Self::Err> {
        let parsed = Decimal::parse_prefix(text.as_bytes());
        if parsed.consumed == 0 || parsed.consumed != text.len() || parsed.overflow {
            return Err(crate::MySqlError::truncated_wrong_value("DECIMAL", text));
        }
        Ok(parsed.value)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = usize::from(self.scale());
        let mut digits = match self.digits_i128() {
            Some(small) => small.unsigned_abs().to_string(),
            None => self.digits().unsigned_abs().to_string(),
        };
        if digits.len() <= scale {
            digits.insert_str(0, &"0".repeat(scale + 1 - digits.len()));
        }
        if self.is_negative() {
            f.write_str("-")?;
        }
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        f.write_str(whole)?;
        if scale > 0 { write!(f, ".{fraction}") } else { Ok(()) }
    }
}
