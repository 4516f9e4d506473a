//! Any value as text or bytes.

use bytes::Bytes;

use crate::{FieldType, Value};

use super::ConvertContext;

/// The text of a value; `None` is NULL. JSON gives its JSON text.
pub fn to_bytes(value: &Value, ty: &FieldType, ctx: &ConvertContext) -> Option<Bytes> {
    match value {
        Value::Null => None,
        Value::Bytes(bytes) => Some(bytes.clone()),
        _ => {
            let mut out = Vec::new();
            crate::text::format_text(value, ty, &mut out, ctx.time_zone);
            Some(out.into())
        }
    }
}
