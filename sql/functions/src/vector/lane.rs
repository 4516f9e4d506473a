//! Arguments of a batch as plain machine values: the shape in which the fast paths read them.

use arrow::array::{Array, ArrayRef, AsArray, Int64Builder, StringArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{Decimal128Type, Float64Type, Int64Type};
use rutile_sql_types::{FieldType, TypeKind, Value};

use crate::call::{CallInfo, ColumnarArg};

/// One argument: the same value for all rows, or one per row.
pub(super) enum Side<'a, T> {
    Constant(Option<T>),
    Column {
        values: &'a [T],
        nulls: Option<&'a NullBuffer>,
    },
    /// Integers widened to exact numbers.
    Widened {
        values: &'a [i64],
        nulls: Option<&'a NullBuffer>,
        widen: fn(i64) -> T,
    },
}

impl<T: Copy> Side<'_, T> {
    /// The value of a row; `None` is NULL.
    #[inline]
    pub fn at(&self, row: usize) -> Option<T> {
        match self {
            Side::Constant(value) => *value,
            Side::Column { values, nulls } => {
                if nulls.is_some_and(|nulls| nulls.is_null(row)) {
                    None
                } else {
                    values.get(row).copied()
                }
            }
            Side::Widened { values, nulls, widen } => {
                if nulls.is_some_and(|nulls| nulls.is_null(row)) {
                    None
                } else {
                    values.get(row).map(|value| widen(*value))
                }
            }
        }
    }
}

/// Text of one argument.
pub(super) enum TextSide<'a> {
    Constant(Option<&'a [u8]>),
    Column(&'a StringArray),
}

impl<'a> TextSide<'a> {
    #[inline]
    pub fn at(&self, row: usize) -> Option<&'a [u8]> {
        match self {
            TextSide::Constant(value) => *value,
            TextSide::Column(array) => (!array.is_null(row)).then(|| array.value(row).as_bytes()),
        }
    }
}

/// How two arguments can be read together.
pub(super) enum Class {
    /// Signed integers, or temporal values of one kind in their packed order.
    Int,
    Real,
    /// Exact numbers; both are brought to this scale.
    Exact {
        scale: u8,
    },
    Text,
}

/// The class of a set of arguments; `None` if they differ or none of the lanes takes them.
pub(super) fn class_of<'t>(types: impl IntoIterator<Item = &'t FieldType> + Clone) -> Option<Class> {
    let all = |test: fn(&FieldType) -> bool| types.clone().into_iter().all(test);
    if all(|ty| ty.kind.is_integer() && !ty.unsigned)
        || all(|ty| matches!(ty.kind, TypeKind::Date | TypeKind::Datetime))
        || all(|ty| ty.kind == TypeKind::Timestamp)
        || all(|ty| ty.kind == TypeKind::Time)
    {
        return Some(Class::Int);
    }
    if all(|ty| ty.kind == TypeKind::Double) {
        return Some(Class::Real);
    }
    if all(|ty| (ty.kind.is_integer() && !ty.unsigned) || (ty.kind == TypeKind::Decimal && ty.length <= 38)) {
        let scale = types.clone().into_iter().map(scale_of).max().unwrap_or(0);
        return Some(Class::Exact { scale });
    }
    if all(|ty| ty.kind.is_text()) {
        return Some(Class::Text);
    }
    None
}

fn scale_of(ty: &FieldType) -> u8 {
    if ty.kind == TypeKind::Decimal { ty.decimals } else { 0 }
}

pub(super) fn ints(arg: &ColumnarArg) -> Option<Side<'_, i64>> {
    match arg {
        ColumnarArg::Scalar(Value::Null) => Some(Side::Constant(None)),
        ColumnarArg::Scalar(Value::Int(value)) => Some(Side::Constant(Some(*value))),
        ColumnarArg::Scalar(Value::Datetime(value)) => Some(Side::Constant(Some(value.packed()))),
        ColumnarArg::Scalar(Value::Duration(value)) => Some(Side::Constant(Some(value.micros()))),
        ColumnarArg::Scalar(_) => None,
        ColumnarArg::Array(array) => {
            let array = array.as_primitive_opt::<Int64Type>()?;
            Some(Side::Column { values: array.values(), nulls: array.nulls() })
        }
    }
}

pub(super) fn reals(arg: &ColumnarArg) -> Option<Side<'_, f64>> {
    match arg {
        ColumnarArg::Scalar(Value::Null) => Some(Side::Constant(None)),
        ColumnarArg::Scalar(Value::Double(value)) => Some(Side::Constant(Some(*value))),
        ColumnarArg::Scalar(_) => None,
        ColumnarArg::Array(array) => {
            let array = array.as_primitive_opt::<Float64Type>()?;
            Some(Side::Column { values: array.values(), nulls: array.nulls() })
        }
    }
}

/// Exact numbers as digits at the argument's own scale.
pub(super) fn exacts<'a>(arg: &'a ColumnarArg, ty: &FieldType) -> Option<Side<'a, i128>> {
    match arg {
        ColumnarArg::Scalar(Value::Null) => Some(Side::Constant(None)),
        ColumnarArg::Scalar(Value::Int(value)) => Some(Side::Constant(Some(i128::from(*value)))),
        ColumnarArg::Scalar(Value::Decimal(value)) => {
            Some(Side::Constant(Some(value.round_to(ty.decimals)?.digits_i128()?)))
        }
        ColumnarArg::Scalar(_) => None,
        ColumnarArg::Array(array) => {
            if let Some(array) = array.as_primitive_opt::<Decimal128Type>() {
                return Some(Side::Column { values: array.values(), nulls: array.nulls() });
            }
            let array = array.as_primitive_opt::<Int64Type>()?;
            Some(Side::Widened { values: array.values(), nulls: array.nulls(), widen: i128::from })
        }
    }
}

pub(super) fn texts(arg: &ColumnarArg) -> Option<TextSide<'_>> {
    match arg {
        ColumnarArg::Scalar(Value::Null) => Some(TextSide::Constant(None)),
        ColumnarArg::Scalar(Value::Bytes(value)) => Some(TextSide::Constant(Some(value))),
        ColumnarArg::Scalar(_) => None,
        ColumnarArg::Array(array) => array.as_string_opt::<i32>().map(TextSide::Column),
    }
}

/// What the digits of an argument are multiplied by to stand at `scale`.
pub(super) fn factor_to(ty: &FieldType, scale: u8) -> Option<i128> {
    10_i128.checked_pow(u32::from(scale.checked_sub(scale_of(ty))?))
}

/// MySQL's truth values as a column: 1, 0 or NULL.
pub(super) fn truths(rows: usize, test: impl Fn(usize) -> Option<bool>) -> ArrayRef {
    let mut builder = Int64Builder::with_capacity(rows);
    for row in 0..rows {
        builder.append_option(test(row).map(i64::from));
    }
    std::sync::Arc::new(builder.finish())
}

/// The scale of an argument of the call.
pub(super) fn scale(call: &CallInfo, index: usize) -> u8 {
    call.args.get(index).map_or(0, scale_of)
}
