//! MySQL's comparison matrix: in which type two values meet, and their order in it.
//!
//! Same class: compared as such. Text with number, and anything with a real: as doubles. Exact numbers: exactly.
//! Dates with text or numbers: as dates if the other side reads as one. (Manual, "Type Conversion in
//! Expression Evaluation".)

use std::cmp::Ordering;

use crate::convert::{ConvertContext, to_bytes, to_datetime, to_decimal, to_double, to_duration};
use crate::temporal::DateFlags;
use crate::{Collation, FieldType, TypeKind, Value};

/// The type two sides are compared in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComparisonType {
    Integer,
    Decimal,
    Double,
    Text,
    Datetime,
    Time,
    Json,
}

/// Chooses the type of a comparison from both sides' types.
pub fn comparison_type(a: &FieldType, b: &FieldType) -> ComparisonType {
    use ComparisonType as C;
    let temporal = |t: &FieldType| t.kind.is_temporal();
    if a.kind == TypeKind::Null || b.kind == TypeKind::Null {
        let other = if a.kind == TypeKind::Null { b } else { a };
        return if other.kind == TypeKind::Null { C::Integer } else { comparison_type(other, other) };
    }
    if a.kind == TypeKind::Json || b.kind == TypeKind::Json {
        return C::Json;
    }
    match (temporal(a), temporal(b)) {
        (true, true) if a.kind == TypeKind::Time && b.kind == TypeKind::Time => return C::Time,
        (true, true) => return C::Datetime,
        (true, false) | (false, true) => {
            let (time_side, other) = if temporal(a) { (a, b) } else { (b, a) };
            if other.kind.is_real() || (other.kind == TypeKind::Decimal && time_side.kind == TypeKind::Time) {
                return C::Double;
            }
            return if time_side.kind == TypeKind::Time { C::Time } else { C::Datetime };
        }
        (false, false) => {}
    }
    match (a.is_string_like(), b.is_string_like()) {
        (true, true) => C::Text,
        // ENUM and SET columns compare to numbers by their number, exactly.
        (true, false) if !a.kind.is_string() => number_type(b, b),
        (false, true) if !b.kind.is_string() => number_type(a, a),
        (true, false) | (false, true) => C::Double,
        (false, false) => number_type(a, b),
    }
}

fn number_type(a: &FieldType, b: &FieldType) -> ComparisonType {
    if a.kind.is_real() || b.kind.is_real() {
        ComparisonType::Double
    } else if a.kind == TypeKind::Decimal || b.kind == TypeKind::Decimal {
        ComparisonType::Decimal
    } else {
        ComparisonType::Integer
    }
}

/// Order of two values, `None` if either is NULL (or has no value in the comparison's type).
pub fn compare(
    a: &Value,
    ta: &FieldType,
    b: &Value,
    tb: &FieldType,
    ctx: &mut ConvertContext,
) -> Option<Ordering> {
    compare_as(comparison_type(ta, tb), common_collation(ta, tb), a, ta, b, tb, ctx)
}

/// The collation two texts are compared under when nothing else decides: binary wins, then the `_bin` one.
pub fn common_collation(a: &FieldType, b: &FieldType) -> Collation {
    let (x, y) = (a.collation, b.collation);
    match (a.is_string_like(), b.is_string_like()) {
        (true, false) => x,
        (false, true) => y,
        _ if x == y || x.is_binary() || x.is_bin() => x,
        _ if y.is_binary() || y.is_bin() => y,
        _ => x,
    }
}

/// Like `compare`, with type and collation decided before.
pub fn compare_as(
    how: ComparisonType,
    collation: Collation,
    a: &Value,
    ta: &FieldType,
    b: &Value,
    tb: &FieldType,
    ctx: &mut ConvertContext,
) -> Option<Ordering> {
    if a.is_null() || b.is_null() {
        return None;
    }
    match how {
        ComparisonType::Integer => compare_integers(a, ta, b, tb, ctx),
        ComparisonType::Decimal => Some(to_decimal(a, ta, ctx)?.cmp(&to_decimal(b, tb, ctx)?)),
        ComparisonType::Double => to_double(a, ta, ctx)?.partial_cmp(&to_double(b, tb, ctx)?),
        ComparisonType::Text => match (a, b) {
            (Value::Bytes(x), Value::Bytes(y)) => Some(collation.compare(x, y)),
            _ => Some(collation.compare(&to_bytes(a, ta, ctx)?, &to_bytes(b, tb, ctx)?)),
        },
        ComparisonType::Datetime => compare_dates(a, ta, b, tb, ctx),
        ComparisonType::Time => Some(to_duration(a, ta, ctx)?.cmp(&to_duration(b, tb, ctx)?)),
        ComparisonType::Json => {
            let x = crate::convert::to_json(a, ta, ctx).ok()?;
            let y = crate::convert::to_json(b, tb, ctx).ok()?;
            Some(x.compare(&y))
        }
    }
}

fn compare_integers(
    a: &Value,
    ta: &FieldType,
    b: &Value,
    tb: &FieldType,
    ctx: &mut ConvertContext,
) -> Option<Ordering> {
    match (a, b) {
        (Value::Int(x), Value::Int(y)) => Some(x.cmp(y)),
        (Value::UInt(x), Value::UInt(y)) => Some(x.cmp(y)),
        (Value::Int(x), Value::UInt(y)) => Some(i128::from(*x).cmp(&i128::from(*y))),
        (Value::UInt(x), Value::Int(y)) => Some(i128::from(*x).cmp(&i128::from(*y))),
        _ => Some(to_decimal(a, ta, ctx)?.cmp(&to_decimal(b, tb, ctx)?)),
    }
}

/// A side that is no date makes the comparison fall back to text, as MySQL does with a 1292 warning.
fn compare_dates(
    a: &Value,
    ta: &FieldType,
    b: &Value,
    tb: &FieldType,
    ctx: &mut ConvertContext,
) -> Option<Ordering> {
    let x = to_datetime(a, ta, DateFlags::FUZZY, ctx);
    let y = to_datetime(b, tb, DateFlags::FUZZY, ctx);
    match (x, y) {
        (Some(x), Some(y)) => Some(x.cmp(&y)),
        _ => {
            let (x, y) = (to_bytes(a, ta, ctx)?, to_bytes(b, tb, ctx)?);
            Some(x.cmp(&y))
        }
    }
}
