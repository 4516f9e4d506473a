//! Forms of values in which plain equality, hashing and order of Arrow are MySQL's.
//!
//! Numbers, packed dates and times are their own keys. Text of any collation but `binary` is compared
//! by its collation key. Two sides of an equality get a common type first, if there is one in which
//! comparing is exactly what MySQL does; otherwise the equality stays a function of both.

use rutile_sql_types::{FieldType, TypeKind, Value};

use super::{Expr, build};

/// Whether values must be replaced by keys before they are compared, grouped or sorted.
pub fn needs_key(ty: &FieldType) -> bool {
    ty.needs_collation_key()
}

/// Appends the key of a value that needs one; other values have none.
pub fn append_key(value: &Value, ty: &FieldType, key: &mut Vec<u8>) {
    if let Value::Bytes(bytes) = value {
        ty.collation.key(bytes, key);
    }
}

/// The sides of `left = right` in a form that native equality compares; `None` if there is none.
pub fn equality_keys(expr: &Expr) -> Option<(Expr, Expr)> {
    let call = expr.as_call("=")?;
    let [left, right] = call.args.as_slice() else {
        return None;
    };
    // A side without columns is a filter on one column: ranges and kernels see more in the function.
    let reads_row = |expr: &Expr| !expr.columns().is_empty() || expr.has_outer() || expr.has_subquery();
    if !reads_row(left) || !reads_row(right) {
        return None;
    }
    let common = common_key_type(left.ty(), right.ty())?;
    Some((as_key(left, &common)?, as_key(right, &common)?))
}

fn as_key(expr: &Expr, common: &FieldType) -> Option<Expr> {
    if expr.ty().arrow_type() == common.arrow_type() && expr.ty().collation == common.collation {
        return Some(expr.clone());
    }
    build::cast_constantless(expr.clone(), common.clone())
}

fn common_key_type(a: &FieldType, b: &FieldType) -> Option<FieldType> {
    use TypeKind::{Date, Datetime, Decimal, Time, Timestamp};
    let integer = |ty: &FieldType| ty.kind.is_integer() || ty.kind == TypeKind::Year;
    match (a.kind, b.kind) {
        _ if integer(a) && integer(b) => {
            Some(if a.unsigned == b.unsigned { a.clone() } else { FieldType::decimal(20, 0) })
        }
        (Decimal, Decimal) => common_decimal((a.length, a.decimals), (b.length, b.decimals)),
        (Decimal, _) if integer(b) => common_decimal((a.length, a.decimals), (20, 0)),
        (_, Decimal) if integer(a) => common_decimal((20, 0), (b.length, b.decimals)),
        (x, y) if x.is_real() && y.is_real() => Some(FieldType::double()),
        (Date | Datetime, Date | Datetime) | (Timestamp, Timestamp) | (Time, Time) => Some(a.clone()),
        (x, y) if x.is_bytes() && y.is_bytes() => Some(a.clone()),
        (x, y) if x.is_text() && y.is_text() && a.collation == b.collation => Some(a.clone()),
        _ => None,
    }
}

fn common_decimal(a: (u32, u8), b: (u32, u8)) -> Option<FieldType> {
    let scale = a.1.max(b.1);
    let integer = (a.0 - u32::from(a.1)).max(b.0 - u32::from(b.1));
    let precision = integer + u32::from(scale);
    (precision <= 65).then(|| FieldType::decimal(precision, scale))
}
