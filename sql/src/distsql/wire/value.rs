//! Types, each once per plan, and values.

use std::collections::HashMap;

use bytes::Bytes;
use rutile_sql_types::{Decimal, Duration, FieldType, Json, MySqlError, PackedDatetime, Value};
use serde::{Deserialize, Serialize};

use super::{hex, refused, unhex};
use crate::catalog::stored::StoredType;

/// The types of a plan by number, while it is written.
#[derive(Default)]
pub(super) struct TypesOut {
    numbers: HashMap<FieldType, usize>,
    pub list: Vec<StoredType>,
}

impl TypesOut {
    pub fn number(&mut self, ty: &FieldType) -> usize {
        if let Some(number) = self.numbers.get(ty) {
            return *number;
        }
        let number = self.list.len();
        self.list.push(StoredType::from(ty));
        self.numbers.insert(ty.clone(), number);
        number
    }
}

/// The types of a plan that arrived.
pub(super) struct TypesIn(Vec<FieldType>);

impl TypesIn {
    pub fn new(list: Vec<StoredType>) -> Result<Self, MySqlError> {
        list.into_iter().map(FieldType::try_from).collect::<Result<_, _>>().map(Self).map_err(refused)
    }

    pub fn get(&self, number: usize) -> Result<&FieldType, MySqlError> {
        self.0.get(number).ok_or_else(|| refused(format!("type {number} of {}", self.0.len())))
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum WireValue {
    Null,
    Int(i64),
    UInt(u64),
    /// Floating point as bits: text would have to be exact.
    Float(u32),
    Double(u64),
    Decimal(String),
    Bytes(String),
    Datetime(i64),
    Duration(i64),
    Json(String),
}

impl WireValue {
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Int(value) => Self::Int(*value),
            Value::UInt(value) => Self::UInt(*value),
            Value::Float(value) => Self::Float(value.to_bits()),
            Value::Double(value) => Self::Double(value.to_bits()),
            Value::Decimal(value) => Self::Decimal(value.to_string()),
            Value::Bytes(bytes) => Self::Bytes(hex(bytes)),
            Value::Datetime(value) => Self::Datetime(value.packed()),
            Value::Duration(value) => Self::Duration(value.micros()),
            Value::Json(value) => Self::Json(hex(&value.to_binary())),
        }
    }

    pub fn value(self) -> Result<Value, MySqlError> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Int(value) => Value::Int(value),
            Self::UInt(value) => Value::UInt(value),
            Self::Float(bits) => Value::Float(f32::from_bits(bits)),
            Self::Double(bits) => Value::Double(f64::from_bits(bits)),
            Self::Decimal(text) => {
                Value::Decimal(text.parse::<Decimal>().map_err(|_| refused("a decimal that is none"))?)
            }
            Self::Bytes(text) => Value::Bytes(Bytes::from(unhex(&text)?)),
            Self::Datetime(packed) => Value::Datetime(PackedDatetime::from_packed(packed)),
            Self::Duration(micros) => Value::Duration(Duration::from_micros(micros)),
            Self::Json(text) => Value::Json(Json::from_binary(&unhex(&text)?)?),
        })
    }
}
