//! Text to number: the longest numeric prefix counts, the rest is "truncated".

/// A number read from the front of a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParsedNumber<T> {
    pub value: T,
    /// Nothing but spaces follows (and something was read).
    pub complete: bool,
    /// At least one digit was read.
    pub any: bool,
    /// The number did not fit and was clipped.
    pub overflow: bool,
}

fn skip_spaces(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|b| !is_space(*b)).unwrap_or(text.len());
    &text[start..]
}

fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t'..=b'\r')
}

fn only_spaces(text: &[u8]) -> bool {
    text.iter().all(|b| is_space(*b))
}

/// Length of `[+-]digits[.digits][e[+-]digits]` at the front, 0 if there are no digits.
fn float_length(text: &[u8]) -> usize {
    let digits = |from: usize| text[from.min(text.len())..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut at = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let whole = digits(at);
    at += whole;
    let mut fraction = 0;
    if text.get(at) == Some(&b'.') {
        fraction = digits(at + 1);
        if whole + fraction > 0 {
            at += 1 + fraction;
        }
    }
    if whole + fraction == 0 {
        return 0;
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at + 1 + sign);
        if exponent > 0 {
            at += 1 + sign + exponent;
        }
    }
    at
}

/// A double; an empty text is a complete 0, as in MySQL.
pub fn parse_double_prefix(text: &[u8]) -> ParsedNumber<f64> {
    let text = skip_spaces(text);
    let length = float_length(text);
    if length == 0 {
        return ParsedNumber { value: 0.0, complete: text.is_empty(), any: false, overflow: false };
    }
    let value = std::str::from_utf8(&text[..length]).ok().and_then(|s| s.parse::<f64>().ok()).unwrap_or(0.0);
    let overflow = value.is_infinite();
    let value = if overflow { f64::MAX.copysign(value) } else { value };
    ParsedNumber { value, complete: only_spaces(&text[length..]), any: true, overflow }
}

/// CAST(text AS SIGNED): digits only, no rounding. Values beyond 2^63-1 up to 2^64-1 come back as such.
pub fn parse_integer_prefix(text: &[u8]) -> ParsedNumber<i128> {
    let text = skip_spaces(text);
    let negative = text.first() == Some(&b'-');
    let start = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let (mut value, mut at, mut overflow) = (0i128, start, false);
    while let Some(d) = text.get(at).filter(|b| b.is_ascii_digit()) {
        value = value * 10 + i128::from(d - b'0');
        if value > i128::from(u64::MAX) {
            value = i128::from(u64::MAX);
            overflow = true;
        }
        at += 1;
    }
    if negative {
        value = -value;
        if value < i128::from(i64::MIN) {
            value = i128::from(i64::MIN);
            overflow = true;
        }
    }
    let any = at > start;
    ParsedNumber { value, complete: any && only_spaces(&text[at..]), any, overflow }
}

/// An integer column's reading of text: a whole number with fraction and exponent, rounded half away from zero.
pub fn parse_integer_rounded(text: &[u8]) -> ParsedNumber<i128> {
    let text = skip_spaces(text);
    let parsed = crate::Decimal::parse_prefix(text);
    if parsed.consumed == 0 {
        return ParsedNumber { value: 0, complete: false, any: false, overflow: false };
    }
    let whole = parsed.value.round_to(0).and_then(|d| d.digits_i128());
    let limit = i128::from(u64::MAX) + 1;
    let overflow = parsed.overflow || whole.is_none();
    let sign = if parsed.value.is_negative() { -1 } else { 1 };
    let value = if overflow { sign * limit } else { whole.unwrap_or(0).clamp(-limit, limit) };
    ParsedNumber { value, complete: only_spaces(&text[parsed.consumed..]), any: true, overflow }
}
