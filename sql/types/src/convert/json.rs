//! SQL values as JSON and back.

use crate::field_type::WireType;
use crate::{FieldType, Json, MySqlError, TypeKind, Value};

use super::ConvertContext;

/// A value as a JSON value: text becomes a JSON string (it is not parsed), BLOBs become opaque. NULL is JSON null.
pub fn to_json(value: &Value, ty: &FieldType, ctx: &ConvertContext) -> Result<Json, MySqlError> {
    Ok(match value {
        Value::Null => Json::Null,
        Value::Int(v) => Json::Int(*v),
        Value::UInt(_) if matches!(ty.kind, TypeKind::Enum | TypeKind::Set) => {
            let mut text = Vec::new();
            crate::text::format_text(value, ty, &mut text, ctx.time_zone);
            Json::String(String::from_utf8_lossy(&text).into_owned())
        }
        Value::UInt(_) if ty.kind == TypeKind::Bit => {
            let mut bytes = Vec::new();
            crate::text::format_text(value, ty, &mut bytes, ctx.time_zone);
            Json::Opaque(WireType::Bit, bytes.into())
        }
        Value::UInt(v) => Json::UInt(*v),
        Value::Float(v) => Json::Double(f64::from(*v)),
        Value::Double(v) => Json::Double(*v),
        Value::Decimal(v) => Json::Decimal(*v),
        Value::Bytes(bytes) if ty.collation.is_binary() => Json::Opaque(ty.wire_type(), bytes.clone()),
        Value::Bytes(bytes) => Json::String(String::from_utf8_lossy(bytes).into_owned()),
        Value::Datetime(v) => match ty.kind {
            TypeKind::Date => Json::Date(*v),
            TypeKind::Timestamp => Json::Timestamp(ctx.time_zone.from_utc(*v)),
            _ => Json::Datetime(*v),
        },
        Value::Duration(v) => Json::Time(*v),
        Value::Json(json) => json.clone(),
    })
}

/// A JSON scalar as the SQL value it stands for; arrays and objects stay JSON.
pub fn json_to_value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Int(i64::from(*b)),
        Json::Int(v) => Value::Int(*v),
        Json::UInt(v) => Value::UInt(*v),
        Json::Double(v) => Value::Double(*v),
        Json::Decimal(v) => Value::Decimal(*v),
        Json::String(s) => Value::text(s),
        Json::Date(v) | Json::Datetime(v) | Json::Timestamp(v) => Value::Datetime(*v),
        Json::Time(v) => Value::Duration(*v),
        Json::Opaque(_, bytes) => Value::Bytes(bytes.clone()),
        Json::Array(_) | Json::Object(_) => Value::Json(json.clone()),
    }
}
