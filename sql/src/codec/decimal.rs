//! DECIMAL in MySQL's binary form: base 10^9 groups, big endian, sign bit flipped, so that equal
//! precision and scale sort by bytes. One byte of precision and one of scale come before it.

use rutile_sql_types::{Decimal, FieldType, TypeKind};

use super::error::{CodecError, Result};

const DIGITS_PER_GROUP: usize = 9;
/// Bytes that hold a group of so many digits.
const GROUP_BYTES: [usize; DIGITS_PER_GROUP + 1] = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4];
const MAX_PRECISION: u8 = 65;
const MAX_SCALE: u8 = 30;

/// The precision the value is stored with: its column's, else its own.
pub fn precision_of(value: &Decimal, ty: &FieldType) -> u8 {
    let digits = if ty.kind == TypeKind::Decimal {
        ty.length
    } else {
        value.integer_digits() + u32::from(value.scale())
    };
    u8::try_from(digits).unwrap_or(MAX_PRECISION).clamp(1, MAX_PRECISION)
}

/// The scale the value is stored with: its column's, else its own.
pub fn scale_of(value: &Decimal, ty: &FieldType) -> u8 {
    if ty.kind == TypeKind::Decimal { ty.decimals } else { value.scale() }.min(MAX_SCALE)
}

/// Appends precision, scale and the binary form.
pub fn append(out: &mut Vec<u8>, value: &Decimal, precision: u8, scale: u8) -> Result<()> {
    let text = value.to_string();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.as_str()),
    };
    let (integer, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let integer = integer.trim_start_matches('0');
    let integer_digits = usize::from(precision.saturating_sub(scale));
    let scale_digits = usize::from(scale);
    if integer.len() > integer_digits || fraction.len() > scale_digits {
        return Err(CodecError::malformed(
            "decimal",
            format!("{text} does not fit DECIMAL({precision},{scale})"),
        ));
    }
    out.push(precision);
    out.push(scale);
    let start = out.len();
    let padded = format!("{integer:0>integer_digits$}");
    let head = integer_digits % DIGITS_PER_GROUP;
    let padded = padded.as_bytes();
    // The partial group stands at the outside of the point on either side.
    append_groups(out, padded.get(..head).unwrap_or_default());
    append_groups(out, padded.get(head..).unwrap_or_default());
    append_groups(out, format!("{fraction:0<scale_digits$}").as_bytes());
    if let Some(encoded) = out.get_mut(start..) {
        if negative && digits.bytes().any(|digit| digit.is_ascii_digit() && digit != b'0') {
            encoded.iter_mut().for_each(|byte| *byte = !*byte);
        }
        if let Some(first) = encoded.first_mut() {
            *first ^= 0x80;
        }
    }
    Ok(())
}

fn append_groups(out: &mut Vec<u8>, digits: &[u8]) {
    for group in digits.chunks(DIGITS_PER_GROUP) {
        let number = group.iter().fold(0_u32, |sum, digit| sum * 10 + u32::from(digit - b'0'));
        let width = GROUP_BYTES.get(group.len()).copied().unwrap_or(4);
        out.extend_from_slice(number.to_be_bytes().get(4 - width..).unwrap_or_default());
    }
}

/// Reads what `append` wrote.
pub fn decode(input: &mut &[u8]) -> Result<Decimal> {
    let truncated = CodecError::Truncated { what: "decimal" };
    let (&[precision, scale], rest) = input.split_first_chunk::<2>().ok_or(truncated.clone())?;
    if precision > MAX_PRECISION || scale > precision {
        return Err(CodecError::malformed("decimal", format!("precision {precision}, scale {scale}")));
    }
    let integer_digits = usize::from(precision - scale);
    let scale_digits = usize::from(scale);
    let size = binary_size(integer_digits, scale_digits);
    let (encoded, rest) = rest.split_at_checked(size).ok_or(truncated)?;
    *input = rest;
    let mut bytes = encoded.to_vec();
    let Some(first) = bytes.first_mut() else {
        return parse("0");
    };
    *first ^= 0x80;
    let negative = *first & 0x80 != 0;
    if negative {
        bytes.iter_mut().for_each(|byte| *byte = !*byte);
    }
    let mut text = String::with_capacity(usize::from(precision) + 3);
    if negative {
        text.push('-');
    }
    let mut reader = bytes.as_slice();
    let head = integer_digits % DIGITS_PER_GROUP;
    read_group(&mut reader, head, &mut text)?;
    for _ in 0..integer_digits / DIGITS_PER_GROUP {
        read_group(&mut reader, DIGITS_PER_GROUP, &mut text)?;
    }
    if integer_digits == 0 {
        text.push('0');
    }
    if scale_digits > 0 {
        text.push('.');
        for _ in 0..scale_digits / DIGITS_PER_GROUP {
            read_group(&mut reader, DIGITS_PER_GROUP, &mut text)?;
        }
        read_group(&mut reader, scale_digits % DIGITS_PER_GROUP, &mut text)?;
    }
    parse(&text)
}

fn binary_size(integer_digits: usize, scale_digits: usize) -> usize {
    let size = |digits: usize| {
        digits / DIGITS_PER_GROUP * 4 + GROUP_BYTES.get(digits % DIGITS_PER_GROUP).copied().unwrap_or(4)
    };
    size(integer_digits) + size(scale_digits)
}

fn read_group(reader: &mut &[u8], digits: usize, text: &mut String) -> Result<()> {
    let width = GROUP_BYTES.get(digits).copied().unwrap_or(4);
    let (group, rest) = reader.split_at_checked(width).ok_or(CodecError::Truncated { what: "decimal" })?;
    *reader = rest;
    if digits > 0 {
        let number = group.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        text.push_str(&format!("{number:0>digits$}"));
    }
    Ok(())
}

fn parse(text: &str) -> Result<Decimal> {
    let parsed = Decimal::parse_prefix(text.as_bytes());
    if parsed.consumed == text.len() && !parsed.overflow {
        return Ok(parsed.value);
    }
    Err(CodecError::malformed("decimal", format!("digits {text}")))
}
