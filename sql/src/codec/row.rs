//! Row format v2.
//!
//! ```text
//! 0x80 | flags | n: u16 | m: u16 | ids of the n non-NULL columns | ids of the m NULL columns
//!      | end offset of each non-NULL value | values
//! ```
//!
//! Ids are sorted and take one byte, offsets two; when an id exceeds 255 or the values exceed 64 KiB
//! the flag bit 0 makes both four bytes wide. A column is found by binary search over the ids, so no
//! other column is decoded. Values are as narrow as they can be: integers 1, 2, 4 or 8 bytes little
//! endian, text as it is.

use std::cmp::Ordering;

use bytes::Bytes;
use rutile_sql_types::{Duration, FieldType, Json, TypeKind, Value};

use super::datum::{f64_from_memcomparable, f64_to_memcomparable, packed_from_u64, packed_to_u64};
use super::decimal;
use super::error::{CodecError, Result};

const VERSION: u8 = 128;
const FLAG_LARGE: u8 = 1;
const HEADER_LEN: usize = 6;
const NANOS_PER_MICRO: i64 = 1000;

/// One column to be written.
#[derive(Debug, Clone, Copy)]
pub struct RowColumn<'a> {
    pub id: i64,
    pub value: &'a Value,
    pub ty: &'a FieldType,
}

/// Writes a row; `columns` may come in any order. Reusable: buffers are kept between rows.
#[derive(Debug, Default)]
pub struct RowEncoder {
    values: Vec<u8>,
    present: Vec<(u32, u32, u32)>,
    null: Vec<u32>,
}

impl RowEncoder {
    /// Appends the encoded row to `out`.
    pub fn encode<'a>(
        &mut self,
        columns: impl IntoIterator<Item = RowColumn<'a>>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        self.values.clear();
        self.present.clear();
        self.null.clear();
        for column in columns {
            let id = u32::try_from(column.id)
                .map_err(|_| CodecError::malformed("row", format!("column id {}", column.id)))?;
            if column.value.is_null() {
                self.null.push(id);
                continue;
            }
            let start = offset(self.values.len())?;
            append_value(&mut self.values, column.value, column.ty)?;
            self.present.push((id, start, offset(self.values.len())?));
        }
        self.present.sort_unstable_by_key(|column| column.0);
        self.null.sort_unstable();
        self.write(out)
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<()> {
        let largest_id =
            self.present.last().map_or(0, |column| column.0).max(self.null.last().copied().unwrap_or(0));
        let large = largest_id > u32::from(u8::MAX) || self.values.len() > usize::from(u16::MAX);
        out.reserve(HEADER_LEN + self.values.len() + (self.present.len() * 2 + self.null.len()) * 4);
        out.push(VERSION);
        out.push(if large { FLAG_LARGE } else { 0 });
        out.extend_from_slice(&count(self.present.len())?.to_le_bytes());
        out.extend_from_slice(&count(self.null.len())?.to_le_bytes());
        for id in self.present.iter().map(|column| column.0).chain(self.null.iter().copied()) {
            match u8::try_from(id) {
                Ok(id) if !large => out.push(id),
                _ => out.extend_from_slice(&id.to_le_bytes()),
            }
        }
        let mut end = 0;
        for (_, from, to) in &self.present {
            end += to - from;
            match u16::try_from(end) {
                Ok(end) if !large => out.extend_from_slice(&end.to_le_bytes()),
                _ => out.extend_from_slice(&end.to_le_bytes()),
            }
        }
        for (_, from, to) in &self.present {
            out.extend_from_slice(self.values.get(*from as usize..*to as usize).unwrap_or_default());
        }
        Ok(())
    }
}

fn offset(length: usize) -> Result<u32> {
    u32::try_from(length).map_err(|_| CodecError::malformed("row", "longer than 4 GiB"))
}

fn count(columns: usize) -> Result<u16> {
    u16::try_from(columns).map_err(|_| CodecError::malformed("row", "more than 65535 columns"))
}

/// What a row says about a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowSlot<'a> {
    /// The row was written before the column existed.
    Missing,
    Null,
    Value(&'a [u8]),
}

/// A stored row, checked once; columns are then found without decoding others.
#[derive(Debug, Clone, Copy)]
pub struct RowView<'a> {
    large: bool,
    present: usize,
    null: usize,
    ids: &'a [u8],
    offsets: &'a [u8],
    values: &'a [u8],
}

impl<'a> RowView<'a> {
    pub fn parse(row: &'a [u8]) -> Result<Self> {
        let truncated = CodecError::Truncated { what: "row" };
        let (header, rest) = row.split_first_chunk::<HEADER_LEN>().ok_or(truncated.clone())?;
        let [version, flags, present_low, present_high, null_low, null_high] = *header;
        if version != VERSION {
            return Err(CodecError::malformed("row", format!("version byte {version}")));
        }
        if flags & !FLAG_LARGE != 0 {
            return Err(CodecError::malformed("row", format!("flags {flags}")));
        }
        let large = flags & FLAG_LARGE != 0;
        let present = usize::from(u16::from_le_bytes([present_low, present_high]));
        let null = usize::from(u16::from_le_bytes([null_low, null_high]));
        let (id_width, offset_width) = if large { (4, 4) } else { (1, 2) };
        let (ids, rest) = rest.split_at_checked((present + null) * id_width).ok_or(truncated.clone())?;
        let (offsets, values) = rest.split_at_checked(present * offset_width).ok_or(truncated.clone())?;
        let view = Self { large, present, null, ids, offsets, values };
        if present > 0 && view.end_of(present - 1).is_none_or(|end| end > values.len()) {
            return Err(truncated);
        }
        Ok(view)
    }

    /// The stored bytes of a column.
    pub fn get(&self, column_id: i64) -> Result<RowSlot<'a>> {
        let Ok(id) = u32::try_from(column_id) else {
            return Ok(RowSlot::Missing);
        };
        if let Some(position) = self.search(0, self.present, id) {
            return self.value_at(position).map(RowSlot::Value);
        }
        Ok(match self.search(self.present, self.present + self.null, id) {
            Some(_) => RowSlot::Null,
            None => RowSlot::Missing,
        })
    }

    /// Whether the row was written with the column.
    pub fn holds(&self, column_id: i64) -> Result<bool> {
        Ok(self.get(column_id)? != RowSlot::Missing)
    }

    fn value_at(&self, position: usize) -> Result<&'a [u8]> {
        let start = match position.checked_sub(1) {
            Some(previous) => self.end_of(previous),
            None => Some(0),
        };
        let end = self.end_of(position);
        start
            .zip(end)
            .and_then(|(start, end)| self.values.get(start..end))
            .ok_or_else(|| CodecError::malformed("row", format!("offset of value {position}")))
    }

    fn search(&self, mut low: usize, mut high: usize, id: u32) -> Option<usize> {
        while low < high {
            let middle = low.midpoint(high);
            match self.id_at(middle)?.cmp(&id) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Some(middle),
            }
        }
        None
    }

    fn id_at(&self, position: usize) -> Option<u32> {
        if self.large {
            let bytes = self.ids.get(position * 4..)?.first_chunk::<4>()?;
            return Some(u32::from_le_bytes(*bytes));
        }
        self.ids.get(position).map(|id| u32::from(*id))
    }

    fn end_of(&self, position: usize) -> Option<usize> {
        if self.large {
            let bytes = self.offsets.get(position * 4..)?.first_chunk::<4>()?;
            return usize::try_from(u32::from_le_bytes(*bytes)).ok();
        }
        let bytes = self.offsets.get(position * 2..)?.first_chunk::<2>()?;
        Some(usize::from(u16::from_le_bytes(*bytes)))
    }
}

/// Appends the stored form of a non-NULL value.
pub fn append_value(out: &mut Vec<u8>, value: &Value, ty: &FieldType) -> Result<()> {
    match value {
        Value::Null => {}
        Value::Int(v) => append_int(out, *v),
        Value::UInt(v) => append_uint(out, *v),
        Value::Float(v) => out.extend_from_slice(&f64_to_memcomparable(f64::from(*v)).to_be_bytes()),
        Value::Double(v) => out.extend_from_slice(&f64_to_memcomparable(*v).to_be_bytes()),
        Value::Decimal(v) => {
            decimal::append(out, v, decimal::precision_of(v, ty), decimal::scale_of(v, ty))?;
        }
        Value::Bytes(v) => out.extend_from_slice(v),
        Value::Datetime(v) => append_uint(out, packed_to_u64(*v)),
        Value::Duration(v) => append_int(out, v.micros().saturating_mul(NANOS_PER_MICRO)),
        Value::Json(v) => out.extend_from_slice(&v.to_binary()),
    }
    Ok(())
}

/// Reads the stored form of a non-NULL value of a column.
pub fn decode_value(bytes: &[u8], ty: &FieldType) -> Result<Value> {
    Ok(match ty.kind {
        TypeKind::Null => Value::Null,
        TypeKind::TinyInt | TypeKind::SmallInt | TypeKind::MediumInt | TypeKind::Int | TypeKind::BigInt => {
            if ty.unsigned {
                Value::UInt(decode_uint(bytes)?)
            } else {
                Value::Int(decode_int(bytes)?)
            }
        }
        TypeKind::Year | TypeKind::Bit | TypeKind::Enum | TypeKind::Set => Value::UInt(decode_uint(bytes)?),
        #[expect(clippy::cast_possible_truncation, reason = "the value was an f32 when written")]
        TypeKind::Float => Value::Float(decode_float(bytes)? as f32),
        TypeKind::Double => Value::Double(decode_float(bytes)?),
        TypeKind::Decimal => Value::Decimal(decimal::decode(&mut &*bytes)?),
        TypeKind::Date | TypeKind::Datetime | TypeKind::Timestamp => {
            Value::Datetime(packed_from_u64(decode_uint(bytes)?))
        }
        TypeKind::Time => Value::Duration(Duration::from_micros(decode_int(bytes)? / NANOS_PER_MICRO)),
        TypeKind::Json => Value::Json(
            Json::from_binary(bytes)
                .map_err(|error| CodecError::malformed("JSON value", error.to_string()))?,
        ),
        TypeKind::Char
        | TypeKind::VarChar
        | TypeKind::Binary
        | TypeKind::VarBinary
        | TypeKind::TinyText
        | TypeKind::Text
        | TypeKind::MediumText
        | TypeKind::LongText
        | TypeKind::TinyBlob
        | TypeKind::Blob
        | TypeKind::MediumBlob
        | TypeKind::LongBlob => Value::Bytes(Bytes::copy_from_slice(bytes)),
    })
}

fn append_int(out: &mut Vec<u8>, value: i64) {
    if let Ok(narrow) = i8::try_from(value) {
        out.extend_from_slice(&narrow.to_le_bytes());
    } else if let Ok(narrow) = i16::try_from(value) {
        out.extend_from_slice(&narrow.to_le_bytes());
    } else if let Ok(narrow) = i32::try_from(value) {
        out.extend_from_slice(&narrow.to_le_bytes());
    } else {
        out.extend_from_slice(&value.to_le_bytes());
    }
}

fn append_uint(out: &mut Vec<u8>, value: u64) {
    if let Ok(narrow) = u8::try_from(value) {
        out.push(narrow);
    } else if let Ok(narrow) = u16::try_from(value) {
        out.extend_from_slice(&narrow.to_le_bytes());
    } else if let Ok(narrow) = u32::try_from(value) {
        out.extend_from_slice(&narrow.to_le_bytes());
    } else {
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// A signed integer of 1, 2, 4 or 8 bytes.
pub fn decode_int(bytes: &[u8]) -> Result<i64> {
    match bytes.len() {
        1 => bytes.first_chunk().map(|b| i64::from(i8::from_le_bytes(*b))),
        2 => bytes.first_chunk().map(|b| i64::from(i16::from_le_bytes(*b))),
        4 => bytes.first_chunk().map(|b| i64::from(i32::from_le_bytes(*b))),
        8 => bytes.first_chunk().map(|b| i64::from_le_bytes(*b)),
        _ => None,
    }
    .ok_or_else(|| CodecError::malformed("integer", format!("{} bytes", bytes.len())))
}

/// An unsigned integer of 1, 2, 4 or 8 bytes.
pub fn decode_uint(bytes: &[u8]) -> Result<u64> {
    match bytes.len() {
        1 => bytes.first_chunk().map(|b| u64::from(u8::from_le_bytes(*b))),
        2 => bytes.first_chunk().map(|b| u64::from(u16::from_le_bytes(*b))),
        4 => bytes.first_chunk().map(|b| u64::from(u32::from_le_bytes(*b))),
        8 => bytes.first_chunk().map(|b| u64::from_le_bytes(*b)),
        _ => None,
    }
    .ok_or_else(|| CodecError::malformed("unsigned integer", format!("{} bytes", bytes.len())))
}

/// A float as its memcomparable eight bytes.
pub fn decode_float(bytes: &[u8]) -> Result<f64> {
    let bytes: [u8; 8] =
        bytes.try_into().map_err(|_| CodecError::malformed("float", format!("{} bytes", bytes.len())))?;
    Ok(f64_from_memcomparable(u64::from_be_bytes(bytes)))
}
