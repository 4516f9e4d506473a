//! The stored (JSON) form of what has no JSON form of its own: types, collations, default values.
//!
//! Names instead of numbers wherever MySQL has a name, so that the catalog reads well and does not
//! depend on the order of an enum.

use std::sync::Arc;

use rutile_sql_types::{Collation, FieldType, TypeKind, Value};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{ColumnDefault, ColumnId, ColumnInfo, GeneratedColumn, SchemaState};
use crate::codec::row;

/// `#[serde(with = "stored::collation")]`: a collation by its name.
pub mod collation {
    use super::*;

    pub fn serialize<S: Serializer>(collation: &Collation, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(collation.name())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Collation, D::Error> {
        let name = String::deserialize(deserializer)?;
        Collation::from_name(&name).map_err(|error| de::Error::custom(error.message))
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredType {
    kind: String,
    #[serde(default, skip_serializing_if = "is_false")]
    unsigned: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    zerofill: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    not_null: bool,
    length: u32,
    #[serde(default)]
    decimals: u8,
    #[serde(with = "collation")]
    collation: Collation,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    elements: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

impl From<&FieldType> for StoredType {
    fn from(ty: &FieldType) -> Self {
        Self {
            kind: ty.data_type().to_owned(),
            unsigned: ty.unsigned,
            zerofill: ty.zerofill,
            not_null: ty.not_null,
            length: ty.length,
            decimals: ty.decimals,
            collation: ty.collation,
            elements: ty.elements.iter().map(|element| element.to_string()).collect(),
        }
    }
}

impl TryFrom<StoredType> for FieldType {
    type Error = String;

    fn try_from(stored: StoredType) -> Result<Self, String> {
        let kind = kind_by_name(&stored.kind).ok_or_else(|| format!("unknown type {}", stored.kind))?;
        Ok(Self {
            kind,
            unsigned: stored.unsigned,
            zerofill: stored.zerofill,
            not_null: stored.not_null,
            length: stored.length,
            decimals: stored.decimals,
            collation: stored.collation,
            elements: stored.elements.into_iter().map(Arc::from).collect(),
        })
    }
}

/// The kind whose SQL name this is, as `FieldType::data_type` prints it.
pub fn kind_by_name(name: &str) -> Option<TypeKind> {
    use TypeKind::*;
    const KINDS: [TypeKind; 30] = [
        Null, TinyInt, SmallInt, MediumInt, Int, BigInt, Year, Bit, Float, Double, Decimal, Date, Time,
        Datetime, Timestamp, Char, VarChar, Binary, VarBinary, TinyText, Text, MediumText, LongText,
        TinyBlob, Blob, MediumBlob, LongBlob, Enum, Set, Json,
    ];
    KINDS.into_iter().find(|kind| FieldType::new(*kind).data_type() == name)
}

/// A default value: its stored row form in hexadecimal.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum StoredDefault {
    Null,
    Literal(String),
    CurrentTimestamp,
    Expression(String),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StoredColumn {
    id: ColumnId,
    name: String,
    offset: usize,
    #[serde(rename = "type")]
    ty: StoredType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default: Option<StoredDefault>,
    #[serde(default, skip_serializing_if = "is_false")]
    on_update_now: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    auto_increment: bool,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    comment: String,
    #[serde(default)]
    state: SchemaState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    original_default: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    generated: Option<GeneratedColumn>,
}

impl From<ColumnInfo> for StoredColumn {
    fn from(column: ColumnInfo) -> Self {
        let ty = &column.ty;
        let default = match &column.default {
            ColumnDefault::Absent => None,
            ColumnDefault::Null => Some(StoredDefault::Null),
            ColumnDefault::Literal(value) => Some(StoredDefault::Literal(value_to_hex(value, ty))),
            ColumnDefault::CurrentTimestamp => Some(StoredDefault::CurrentTimestamp),
            ColumnDefault::Expression(text) => Some(StoredDefault::Expression(text.clone())),
        };
        let original_default =
            (!column.original_default.is_null()).then(|| value_to_hex(&column.original_default, ty));
        Self {
            id: column.id,
            name: column.name,
            offset: column.offset,
            ty: StoredType::from(ty),
            default,
            on_update_now: column.on_update_now,
            auto_increment: column.auto_increment,
            comment: column.comment,
            state: column.state,
            original_default,
            generated: column.generated,
        }
    }
}

impl TryFrom<StoredColumn> for ColumnInfo {
    type Error = String;

    fn try_from(stored: StoredColumn) -> Result<Self, String> {
        let ty = FieldType::try_from(stored.ty)?;
        let default = match stored.default {
            None => ColumnDefault::Absent,
            Some(StoredDefault::Null) => ColumnDefault::Null,
            Some(StoredDefault::Literal(hex)) => ColumnDefault::Literal(value_from_hex(&hex, &ty)?),
            Some(StoredDefault::CurrentTimestamp) => ColumnDefault::CurrentTimestamp,
            Some(StoredDefault::Expression(text)) => ColumnDefault::Expression(text),
        };
        let original_default = match stored.original_default {
            Some(hex) => value_from_hex(&hex, &ty)?,
            None => Value::Null,
        };
        Ok(Self {
            id: stored.id,
            name: stored.name,
            offset: stored.offset,
            ty,
            default,
            on_update_now: stored.on_update_now,
            auto_increment: stored.auto_increment,
            comment: stored.comment,
            state: stored.state,
            original_default,
            generated: stored.generated,
        })
    }
}

fn value_to_hex(value: &Value, ty: &FieldType) -> String {
    let mut bytes = Vec::new();
    row::append_value(&mut bytes, value, ty)
        .expect("a default was converted to the type of its column when it was declared");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn value_from_hex(hex: &str, ty: &FieldType) -> Result<Value, String> {
    let digits = hex.as_bytes();
    let bytes: Option<Vec<u8>> = digits
        .chunks(2)
        .map(|pair| {
            let text = std::str::from_utf8(pair).ok().filter(|text| text.len() == 2)?;
            u8::from_str_radix(text, 16).ok()
        })
        .collect();
    let bytes = bytes.ok_or_else(|| format!("default {hex} is not hexadecimal"))?;
    row::decode_value(&bytes, ty).map_err(|error| error.to_string())
}
