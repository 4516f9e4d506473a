//! Values into an array.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, Decimal128Builder, Decimal256Builder, Float32Builder, Float64Builder,
    Int64Builder, NullArray, StringBuilder, UInt64Builder,
};
use arrow::datatypes::{DataType, i256};

use crate::convert::{ConvertContext, cast};
use crate::{Decimal, FieldType, MySqlError, Value};

/// Collects values of one type. Values of another representation are cast without warnings.
pub struct ValueBuilder {
    ty: FieldType,
    inner: Inner,
}

enum Inner {
    Null(usize),
    Int(Int64Builder),
    UInt(UInt64Builder),
    Float(Float32Builder),
    Double(Float64Builder),
    Decimal128(Decimal128Builder),
    Decimal256(Decimal256Builder),
    Text(StringBuilder),
    Binary(BinaryBuilder),
}

impl ValueBuilder {
    pub fn new(ty: &FieldType, capacity: usize) -> Self {
        let inner = match ty.arrow_type() {
            DataType::Null => Inner::Null(0),
            DataType::UInt64 => Inner::UInt(UInt64Builder::with_capacity(capacity)),
            DataType::Float32 => Inner::Float(Float32Builder::with_capacity(capacity)),
            DataType::Float64 => Inner::Double(Float64Builder::with_capacity(capacity)),
            DataType::Decimal128(..) => {
                Inner::Decimal128(Decimal128Builder::with_capacity(capacity).with_data_type(ty.arrow_type()))
            }
            DataType::Decimal256(..) => {
                Inner::Decimal256(Decimal256Builder::with_capacity(capacity).with_data_type(ty.arrow_type()))
            }
            DataType::Utf8 => Inner::Text(StringBuilder::with_capacity(capacity, capacity * 8)),
            DataType::Binary => Inner::Binary(BinaryBuilder::with_capacity(capacity, capacity * 8)),
            _ => Inner::Int(Int64Builder::with_capacity(capacity)),
        };
        Self { ty: ty.clone(), inner }
    }

    pub fn append(&mut self, value: &Value) -> Result<(), MySqlError> {
        if self.append_direct(value) {
            return Ok(());
        }
        let converted = cast(value, &natural_type(value), &self.ty, &mut ConvertContext::default())?;
        if self.append_direct(&converted) {
            Ok(())
        } else {
            Err(MySqlError::internal("a value does not fit the type of its column"))
        }
    }

    fn append_direct(&mut self, value: &Value) -> bool {
        match (&mut self.inner, value) {
            (Inner::Null(count), _) => *count += 1,
            (inner, Value::Null) => inner.append_null(),
            (Inner::Int(b), Value::Int(v)) => b.append_value(*v),
            (Inner::Int(b), Value::Datetime(v)) => b.append_value(v.packed()),
            (Inner::Int(b), Value::Duration(v)) => b.append_value(v.micros()),
            (Inner::Int(b), Value::UInt(v)) if i64::try_from(*v).is_ok() && self.ty.kind.is_integer() => {
                b.append_value(*v as i64)
            }
            (Inner::UInt(b), Value::UInt(v)) => b.append_value(*v),
            (Inner::UInt(b), Value::Int(v)) if *v >= 0 => b.append_value(*v as u64),
            (Inner::Float(b), Value::Float(v)) => b.append_value(*v),
            (Inner::Double(b), Value::Double(v)) => b.append_value(*v),
            (Inner::Decimal128(b), Value::Decimal(v)) => {
                match v.round_to(self.ty.decimals).and_then(|d| d.digits_i128()) {
                    Some(digits) => b.append_value(digits),
                    None => return false,
                }
            }
            (Inner::Decimal256(b), Value::Decimal(v)) => match v.round_to(self.ty.decimals) {
                Some(d) => b.append_value(wide(&d)),
                None => return false,
            },
            (Inner::Text(b), Value::Bytes(v)) => b.append_value(String::from_utf8_lossy(v)),
            (Inner::Binary(b), Value::Bytes(v)) => b.append_value(v),
            (Inner::Binary(b), Value::Json(v)) => b.append_value(v.to_binary()),
            _ => return false,
        }
        true
    }

    pub fn finish(self) -> ArrayRef {
        match self.inner {
            Inner::Null(count) => Arc::new(NullArray::new(count)),
            Inner::Int(mut b) => Arc::new(b.finish()),
            Inner::UInt(mut b) => Arc::new(b.finish()),
            Inner::Float(mut b) => Arc::new(b.finish()),
            Inner::Double(mut b) => Arc::new(b.finish()),
            Inner::Decimal128(mut b) => Arc::new(b.finish()),
            Inner::Decimal256(mut b) => Arc::new(b.finish()),
            Inner::Text(mut b) => Arc::new(b.finish()),
            Inner::Binary(mut b) => Arc::new(b.finish()),
        }
    }
}

impl Inner {
    fn append_null(&mut self) {
        match self {
            Inner::Null(count) => *count += 1,
            Inner::Int(b) => b.append_null(),
            Inner::UInt(b) => b.append_null(),
            Inner::Float(b) => b.append_null(),
            Inner::Double(b) => b.append_null(),
            Inner::Decimal128(b) => b.append_null(),
            Inner::Decimal256(b) => b.append_null(),
            Inner::Text(b) => b.append_null(),
            Inner::Binary(b) => b.append_null(),
        }
    }
}

fn wide(d: &Decimal) -> i256 {
    let (high, low) = d.digits().into_words();
    i256::from_parts(low as u128, high)
}

/// The type a bare value has by itself, for converting it.
pub(crate) fn natural_type(value: &Value) -> FieldType {
    match value {
        Value::Null => FieldType::null(),
        Value::Int(_) => FieldType::bigint(),
        Value::UInt(_) => FieldType::ubigint(),
        Value::Float(_) => FieldType::float(),
        Value::Double(_) => FieldType::double(),
        Value::Decimal(d) => FieldType::decimal(d.precision(), d.scale()),
        Value::Bytes(_) => FieldType::varchar(u32::MAX, crate::Collation::DEFAULT),
        Value::Datetime(_) => FieldType::datetime(6),
        Value::Duration(_) => FieldType::time(6),
        Value::Json(_) => FieldType::json(),
    }
}
