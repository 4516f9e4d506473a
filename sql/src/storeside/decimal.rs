//! MySQL's binary DECIMAL to the integer of its digits, without text in between: analytical queries
//! spend much of their time here.

use arrow::datatypes::i256;

const DIGITS_PER_GROUP: usize = 9;
/// Bytes that hold a group of so many digits.
const GROUP_BYTES: [usize; DIGITS_PER_GROUP + 1] = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4];
const MAX_PRECISION: usize = 65;
/// Most digits an `i128` always holds.
const I128_DIGITS: usize = 38;

/// The groups of one stored decimal, most significant first.
struct Groups {
    negative: bool,
    /// (value, digits)
    groups: [(u32, usize); 10],
    count: usize,
    digits: usize,
}

/// The digits of a stored decimal with that scale; `None` if the bytes are none.
pub fn decode_i128(bytes: &[u8], scale: u8) -> Option<i128> {
    let groups = read(bytes, scale)?;
    if groups.digits > I128_DIGITS {
        return None;
    }
    let mut digits: i128 = 0;
    for (value, width) in groups.groups.iter().take(groups.count) {
        digits = digits * 10_i128.pow(u32::try_from(*width).ok()?) + i128::from(*value);
    }
    Some(if groups.negative { -digits } else { digits })
}

/// The same for more than 38 digits.
pub fn decode_i256(bytes: &[u8], scale: u8) -> Option<i256> {
    let groups = read(bytes, scale)?;
    let mut digits = i256::ZERO;
    for (value, width) in groups.groups.iter().take(groups.count) {
        let power = i256::from_i128(10_i128.pow(u32::try_from(*width).ok()?));
        digits = digits.checked_mul(power)?.checked_add(i256::from_i128(i128::from(*value)))?;
    }
    Some(if groups.negative { digits.wrapping_neg() } else { digits })
}

fn read(bytes: &[u8], expected_scale: u8) -> Option<Groups> {
    let (&[precision, scale], body) = bytes.split_first_chunk::<2>()?;
    let (precision, scale) = (usize::from(precision), usize::from(scale));
    if precision > MAX_PRECISION || scale > precision || scale != usize::from(expected_scale) {
        return None;
    }
    // The sign is the inverted top bit; all bits of a negative number are inverted.
    let negative = body.first().is_some_and(|first| first & 0x80 == 0);
    let integer = precision - scale;
    let mut groups = Groups { negative, groups: [(0, 0); 10], count: 0, digits: precision };
    let mut position = 0;
    let head = integer % DIGITS_PER_GROUP;
    let tail = scale % DIGITS_PER_GROUP;
    let mut widths = [DIGITS_PER_GROUP; 10];
    let mut count = 0;
    for width in [head]
        .into_iter()
        .chain(std::iter::repeat_n(DIGITS_PER_GROUP, integer / DIGITS_PER_GROUP + scale / DIGITS_PER_GROUP))
        .chain([tail])
        .filter(|width| *width > 0)
    {
        *widths.get_mut(count)? = width;
        count += 1;
    }
    for (index, width) in widths.iter().take(count).enumerate() {
        let length = *GROUP_BYTES.get(*width)?;
        let mut value: u32 = 0;
        for offset in 0..length {
            let mut byte = *body.get(position + offset)?;
            if position + offset == 0 {
                byte ^= 0x80;
            }
            value = value << 8 | u32::from(if negative { !byte } else { byte });
        }
        position += length;
        *groups.groups.get_mut(index)? = (value, *width);
    }
    groups.count = count;
    Some(groups)
}

#[cfg(test)]
mod tests {
    use rutile_sql_types::{Decimal, FieldType, Value};

    use super::*;
    use crate::codec::row::append_value;

    #[test]
    fn agrees_with_the_row_codec() {
        for (precision, scale, texts) in [
            (
                15,
                2,
                vec![
                    "0",
                    "1.00",
                    "-1.00",
                    "9999999999999.99",
                    "-9999999999999.99",
                    "0.01",
                    "-0.01",
                    "123456789.12",
                ],
            ),
            (38, 10, vec!["1234567890123456789012345678.0123456789", "-0.0000000001"]),
            (9, 9, vec!["0.123456789", "-0.000000001"]),
            (10, 0, vec!["1234567890", "-1"]),
        ] {
            let ty = FieldType::decimal(precision, scale);
            for text in texts {
                let parsed = Decimal::parse_prefix(text.as_bytes()).value;
                let value = parsed.round_to(scale).expect("the scale is legal");
                let mut stored = Vec::new();
                append_value(&mut stored, &Value::Decimal(value), &ty).expect("the value fits");
                assert_eq!(decode_i128(&stored, scale), value.digits_i128(), "{text}");
                let long = decode_i256(&stored, scale).expect("the bytes are a decimal");
                assert_eq!(long.to_i128(), value.digits_i128(), "{text}");
            }
        }
    }
}
