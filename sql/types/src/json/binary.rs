//! The stored form of a JSON value: one tag byte, then the content. Version 1.
//!
//! It is written into rows and Arrow columns, so tags never change their meaning. Lengths are LEB128.

use bytes::Bytes;

use crate::field_type::WireType;
use crate::{Decimal, Duration, MySqlError, PackedDatetime};

use super::{Json, JsonObject};

/// First byte of every stored document.
const VERSION: u8 = 1;
/// Deepest nesting read back; what is stored was parsed under the same limit.
const MAX_DEPTH: usize = 128;

impl Json {
    pub fn to_binary(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        self.write_binary(&mut out);
        out
    }

    pub fn from_binary(bytes: &[u8]) -> Result<Json, MySqlError> {
        let mut reader = Reader { bytes, at: 1 };
        let value = (bytes.first() == Some(&VERSION)).then(|| reader.value(0)).flatten();
        value
            .filter(|_| reader.at == bytes.len())
            .ok_or_else(|| MySqlError::internal("a stored JSON value is damaged"))
    }

    fn write_binary(&self, out: &mut Vec<u8>) {
        let fixed = |tag: u8, bytes: &[u8], out: &mut Vec<u8>| {
            out.push(tag);
            out.extend_from_slice(bytes);
        };
        match self {
            Json::Null => out.push(0),
            Json::Bool(b) => out.push(1 + u8::from(*b)),
            Json::Int(v) => fixed(3, &v.to_le_bytes(), out),
            Json::UInt(v) => fixed(4, &v.to_le_bytes(), out),
            Json::Double(v) => fixed(5, &v.to_le_bytes(), out),
            Json::Decimal(v) => {
                fixed(6, &[v.scale()], out);
                out.extend_from_slice(&v.digits().to_le_bytes());
            }
            Json::String(s) => write_bytes(7, s.as_bytes(), out),
            Json::Array(items) => {
                out.push(8);
                write_length(items.len(), out);
                items.iter().for_each(|item| item.write_binary(out));
            }
            Json::Object(object) => {
                out.push(9);
                write_length(object.len(), out);
                for (key, value) in object.iter() {
                    write_length(key.len(), out);
                    out.extend_from_slice(key.as_bytes());
                    value.write_binary(out);
                }
            }
            Json::Date(v) => fixed(10, &v.packed().to_le_bytes(), out),
            Json::Datetime(v) => fixed(11, &v.packed().to_le_bytes(), out),
            Json::Timestamp(v) => fixed(12, &v.packed().to_le_bytes(), out),
            Json::Time(v) => fixed(13, &v.micros().to_le_bytes(), out),
            Json::Opaque(kind, data) => {
                out.push(14);
                write_bytes(*kind as u8, data, out);
            }
        }
    }
}

fn write_length(mut length: usize, out: &mut Vec<u8>) {
    while length >= 0x80 {
        out.push((length & 0x7F) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}

fn write_bytes(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    write_length(bytes.len(), out);
    out.extend_from_slice(bytes);
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(count)?)?;
        self.at += count;
        Some(taken)
    }

    fn eight(&mut self) -> Option<[u8; 8]> {
        self.take(8)?.try_into().ok()
    }

    fn length(&mut self) -> Option<usize> {
        let (mut value, mut shift) = (0usize, 0);
        loop {
            let byte = self.take(1)?[0];
            value |= usize::from(byte & 0x7F).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
            shift += 7;
        }
    }

    fn text(&mut self) -> Option<String> {
        let length = self.length()?;
        String::from_utf8(self.take(length)?.to_vec()).ok()
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        if depth > MAX_DEPTH {
            return None;
        }
        Some(match self.take(1)?[0] {
            0 => Json::Null,
            1 => Json::Bool(false),
            2 => Json::Bool(true),
            3 => Json::Int(i64::from_le_bytes(self.eight()?)),
            4 => Json::UInt(u64::from_le_bytes(self.eight()?)),
            5 => Json::Double(f64::from_le_bytes(self.eight()?)),
            6 => {
                let scale = self.take(1)?[0];
                let digits: [u8; 32] = self.take(32)?.try_into().ok()?;
                Json::Decimal(Decimal::new(ethnum::I256::from_le_bytes(digits), scale))
            }
            7 => Json::String(self.text()?),
            8 => {
                let count = self.length()?;
                let mut items = Vec::with_capacity(count.min(self.bytes.len()));
                for _ in 0..count {
                    items.push(self.value(depth + 1)?);
                }
                Json::Array(items)
            }
            9 => {
                let mut object = JsonObject::new();
                for _ in 0..self.length()? {
                    let key = self.text()?;
                    object.insert(key, self.value(depth + 1)?);
                }
                Json::Object(object)
            }
            10 => Json::Date(PackedDatetime::from_packed(i64::from_le_bytes(self.eight()?))),
            11 => Json::Datetime(PackedDatetime::from_packed(i64::from_le_bytes(self.eight()?))),
            12 => Json::Timestamp(PackedDatetime::from_packed(i64::from_le_bytes(self.eight()?))),
            13 => Json::Time(Duration::from_micros(i64::from_le_bytes(self.eight()?))),
            14 => {
                let kind = WireType::from_byte(self.take(1)?[0])?;
                let length = self.length()?;
                Json::Opaque(kind, Bytes::copy_from_slice(self.take(length)?))
            }
            _ => return None,
        })
    }
}
