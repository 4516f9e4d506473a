//! One MySQL value, detached from its type. The type (length, scale, collation, members) is in `FieldType`.

use bytes::Bytes;

use crate::{Decimal, Duration, Json, PackedDatetime};

/// A value of any SQL type.
///
/// YEAR, BIT, ENUM (index from 1, 0 = the error value '') and SET (member mask) are `UInt`;
/// DATE, DATETIME and TIMESTAMP are `Datetime` (a stored TIMESTAMP is in UTC); text and binary are `Bytes`.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Value {
    #[default]
    Null,
    Int(i64),
    UInt(u64),
    Float(f32),
    Double(f64),
    Decimal(Decimal),
    Bytes(Bytes),
    Datetime(PackedDatetime),
    Duration(Duration),
    Json(Json),
}

impl Value {
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// Text or binary from a static string, for literals in code and tests.
    pub fn text(text: &str) -> Value {
        Value::Bytes(Bytes::copy_from_slice(text.as_bytes()))
    }

    pub fn bool(b: bool) -> Value {
        Value::Int(i64::from(b))
    }

    /// Approximate memory held, for quotas.
    pub fn memory_size(&self) -> usize {
        size_of::<Value>()
            + match self {
                Value::Bytes(bytes) => bytes.len(),
                Value::Json(json) => json.memory_size(),
                _ => 0,
            }
    }
}

impl From<Option<Value>> for Value {
    fn from(value: Option<Value>) -> Value {
        value.unwrap_or(Value::Null)
    }
}

impl From<i64> for Value {
    fn from(v: i64) -> Value {
        Value::Int(v)
    }
}

impl From<u64> for Value {
    fn from(v: u64) -> Value {
        Value::UInt(v)
    }
}

impl From<f64> for Value {
    fn from(v: f64) -> Value {
        Value::Double(v)
    }
}

impl From<Decimal> for Value {
    fn from(v: Decimal) -> Value {
        Value::Decimal(v)
    }
}

impl From<Vec<u8>> for Value {
    fn from(v: Vec<u8>) -> Value {
        Value::Bytes(v.into())
    }
}

impl From<String> for Value {
    fn from(v: String) -> Value {
        Value::Bytes(v.into_bytes().into())
    }
}
