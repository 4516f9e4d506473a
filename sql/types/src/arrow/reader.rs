//! One value out of an array.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int64Type, UInt64Type,
};
use bytes::Bytes;

use crate::{Decimal, Duration, FieldType, Json, MySqlError, PackedDatetime, TypeKind, Value};

/// The value at `row` of an array whose MySQL type is `ty`. An array of another Arrow type than
/// `ty.arrow_type()` is an internal error.
pub fn value_at(array: &dyn Array, ty: &FieldType, row: usize) -> Result<Value, MySqlError> {
    if row >= array.len() {
        return Err(MySqlError::internal("row outside of the array"));
    }
    if array.is_null(row) || array.data_type() == &DataType::Null {
        return Ok(Value::Null);
    }
    Ok(match array.data_type() {
        DataType::Int64 => {
            let v = array.as_primitive::<Int64Type>().value(row);
            match ty.kind {
                kind if kind.has_date() => Value::Datetime(PackedDatetime::from_packed(v)),
                TypeKind::Time => Value::Duration(Duration::from_micros(v)),
                _ => Value::Int(v),
            }
        }
        DataType::UInt64 => Value::UInt(array.as_primitive::<UInt64Type>().value(row)),
        DataType::Float32 => Value::Float(array.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => Value::Double(array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(_, scale) => Value::Decimal(Decimal::from_i128(
            array.as_primitive::<Decimal128Type>().value(row),
            *scale as u8,
        )),
        DataType::Decimal256(_, scale) => {
            let (low, high) = array.as_primitive::<Decimal256Type>().value(row).to_parts();
            Value::Decimal(Decimal::from_words(high, low, *scale as u8))
        }
        DataType::Utf8 => {
            Value::Bytes(Bytes::copy_from_slice(array.as_string::<i32>().value(row).as_bytes()))
        }
        DataType::Binary => {
            let bytes = array.as_binary::<i32>().value(row);
            if ty.kind == TypeKind::Json {
                Value::Json(Json::from_binary(bytes)?)
            } else {
                Value::Bytes(Bytes::copy_from_slice(bytes))
            }
        }
        DataType::Boolean => Value::Int(i64::from(array.as_boolean().value(row))),
        other => {
            return Err(MySqlError::internal(format_args!("no MySQL value in an Arrow array of {other}")));
        }
    })
}
