//! Columns of computed tables.

use rutile_sql_types::{Collation, FieldType, TypeKind};

/// The types that occur in INFORMATION_SCHEMA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `varchar(n)`
    Text(u32),
    LongText,
    Int,
    UnsignedInt,
    BigInt,
    UnsignedBigInt,
    Datetime,
    Timestamp,
}

#[derive(Debug, Clone, Copy)]
pub struct ColumnDefinition {
    pub name: &'static str,
    pub shape: Shape,
    pub not_null: bool,
}

pub const fn column(name: &'static str, shape: Shape, not_null: bool) -> ColumnDefinition {
    ColumnDefinition { name, shape, not_null }
}

impl ColumnDefinition {
    pub fn ty(&self) -> FieldType {
        // Names compare without case here, as in MySQL's own tables.
        let collation = Collation::UTF8MB3_GENERAL_CI;
        let ty = match self.shape {
            Shape::Text(chars) => FieldType::varchar(chars, collation),
            Shape::LongText => FieldType::long_text(collation),
            Shape::Int => FieldType::int(),
            Shape::UnsignedInt => FieldType::int().with_unsigned(),
            Shape::BigInt => FieldType::bigint(),
            Shape::UnsignedBigInt => FieldType::ubigint(),
            Shape::Datetime => FieldType::datetime(0),
            Shape::Timestamp => FieldType::new(TypeKind::Timestamp),
        };
        FieldType { not_null: self.not_null, ..ty }
    }
}
