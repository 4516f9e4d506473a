//! The Arrow type of a MySQL type.

use arrow::datatypes::DataType;

use crate::{FieldType, TypeKind};

/// Digits a Decimal128 holds.
pub(super) const DECIMAL128_PRECISION: u32 = 38;

impl FieldType {
    pub fn arrow_type(&self) -> DataType {
        use TypeKind::*;
        match self.kind {
            Null => DataType::Null,
            Year | Bit | Enum | Set => DataType::UInt64,
            Float => DataType::Float32,
            Double => DataType::Float64,
            Decimal => {
                let scale = self.decimals as i8;
                if self.length <= DECIMAL128_PRECISION {
                    DataType::Decimal128(DECIMAL128_PRECISION as u8, scale)
                } else {
                    DataType::Decimal256(76, scale)
                }
            }
            Date | Datetime | Timestamp | Time => DataType::Int64,
            Json => DataType::Binary,
            kind if kind.is_integer() && self.unsigned => DataType::UInt64,
            kind if kind.is_integer() => DataType::Int64,
            _ if self.collation.is_binary() => DataType::Binary,
            _ => DataType::Utf8,
        }
    }
}
