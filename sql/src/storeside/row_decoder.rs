//! Row format v2 straight into Arrow columns: no value is built for a row in between.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, Decimal128Builder, Decimal256Builder, Float32Builder, Float64Builder,
    Int64Builder, StringBuilder, UInt64Builder,
};
use arrow::datatypes::{DataType, i256};
use rutile_sql_functions::EvalContext;
use rutile_sql_types::{FieldType, MySqlError, TypeKind, Value};

use super::decimal;
use crate::catalog::{HandleKind, TableInfo};
use crate::codec::record_key::split_record_key;
use crate::codec::row::{RowSlot, RowView, decode_float, decode_int, decode_uint};
use crate::codec::{CodecError, Handle};
use crate::expression::Evaluation;
use crate::generation::VirtualReader;

const NANOS_PER_MICRO: i64 = 1000;

/// Builds columns from stored rows.
pub struct RowDecoder {
    columns: Vec<Column>,
    computed: Option<Computed>,
    rows: usize,
}

/// What computes virtual columns.
struct Computed {
    reader: VirtualReader,
    context: EvalContext,
    statement: Arc<Evaluation>,
}

struct Column {
    source: Source,
    original_default: Value,
    name: String,
    builder: Builder,
}

/// Where a column's value is.
enum Source {
    /// In the row, under this id.
    Row(i64),
    /// The integer handle in the key.
    Handle,
    /// Computed, as the column at this offset.
    Virtual(usize),
}

enum Builder {
    Int(Int64Builder),
    UInt(UInt64Builder),
    /// Dates, packed: stored as an unsigned integer.
    Packed(Int64Builder),
    /// TIME in microseconds: stored in nanoseconds.
    Time(Int64Builder),
    Float(Float32Builder),
    Double(Float64Builder),
    Decimal {
        builder: Decimal128Builder,
        scale: u8,
    },
    LongDecimal {
        builder: Decimal256Builder,
        scale: u8,
    },
    Text(StringBuilder),
    Binary(BinaryBuilder),
}

impl RowDecoder {
    /// Decodes these columns (positions in `table.columns`) of the table's rows.
    pub fn new(
        table: &Arc<TableInfo>,
        columns: &[usize],
        statement: &Arc<Evaluation>,
    ) -> Result<Self, MySqlError> {
        let computed = VirtualReader::new(table, columns)?.map(|reader| Computed {
            reader,
            context: statement.eval_context(),
            statement: Arc::clone(statement),
        });
        let columns = columns
            .iter()
            .map(|offset| {
                let info = table.columns.get(*offset).ok_or_else(|| {
                    MySqlError::internal(format!("table {} has no column {offset}", table.name))
                })?;
                let is_handle =
                    matches!(table.handle, HandleKind::Integer { offset: handle } if handle == *offset);
                let source = match (is_handle, info.is_virtual()) {
                    (true, _) => Source::Handle,
                    (false, true) => Source::Virtual(*offset),
                    (false, false) => Source::Row(info.id),
                };
                Ok(Column {
                    source,
                    original_default: info.original_default.clone(),
                    name: info.name.clone(),
                    builder: Builder::new(&info.ty)?,
                })
            })
            .collect::<Result<Vec<_>, MySqlError>>()?;
        Ok(Self { columns, computed, rows: 0 })
    }

    /// Appends one row.
    pub fn push(&mut self, key: &[u8], value: &[u8]) -> Result<(), MySqlError> {
        let row = RowView::parse(value).map_err(damaged)?;
        let computed = match &mut self.computed {
            Some(computed) => computed.reader.compute(key, &row, &mut computed.context)?,
            None => &[],
        };
        for column in &mut self.columns {
            let result = match column.source {
                Source::Handle => handle_of(key).and_then(|handle| column.builder.append_handle(handle)),
                Source::Virtual(offset) => {
                    column.builder.append_value(computed.get(offset).unwrap_or(&Value::Null))
                }
                Source::Row(id) => match row.get(id) {
                    Ok(RowSlot::Value(bytes)) => column.builder.append(bytes),
                    Ok(RowSlot::Null) => {
                        column.builder.append_null();
                        Ok(())
                    }
                    Ok(RowSlot::Missing) => column.builder.append_value(&column.original_default),
                    Err(error) => Err(error),
                },
            };
            result.map_err(|error| damaged_column(&column.name, error))?;
        }
        self.rows += 1;
        Ok(())
    }

    /// The columns of the rows pushed since the last call, and how many rows.
    pub fn finish(&mut self) -> (Vec<ArrayRef>, usize) {
        let columns = self.columns.iter_mut().map(|column| column.builder.finish()).collect();
        if let Some(Computed { context, statement, .. }) = &mut self.computed
            && !context.convert.warnings.is_empty()
        {
            statement.absorb(std::mem::replace(context, statement.eval_context()));
        }
        (columns, std::mem::take(&mut self.rows))
    }
}

fn handle_of(key: &[u8]) -> Result<i64, CodecError> {
    let (_, suffix) = split_record_key(key)?;
    match Handle::from_record_suffix(suffix, false)? {
        Handle::Int(handle) => Ok(handle),
        Handle::Common(_) => {
            Err(CodecError::Malformed { what: "record key", detail: "not an integer handle".to_owned() })
        }
    }
}

impl Builder {
    fn new(ty: &FieldType) -> Result<Self, MySqlError> {
        Ok(match ty.arrow_type() {
            DataType::Int64 if ty.kind.has_date() => Self::Packed(Int64Builder::new()),
            DataType::Int64 if ty.kind == TypeKind::Time => Self::Time(Int64Builder::new()),
            DataType::Int64 => Self::Int(Int64Builder::new()),
            DataType::UInt64 => Self::UInt(UInt64Builder::new()),
            DataType::Float32 => Self::Float(Float32Builder::new()),
            DataType::Float64 => Self::Double(Float64Builder::new()),
            DataType::Decimal128(precision, scale) => Self::Decimal {
                builder: Decimal128Builder::new().with_data_type(DataType::Decimal128(precision, scale)),
                scale: ty.decimals,
            },
            DataType::Decimal256(precision, scale) => Self::LongDecimal {
                builder: Decimal256Builder::new().with_data_type(DataType::Decimal256(precision, scale)),
                scale: ty.decimals,
            },
            DataType::Utf8 => Self::Text(StringBuilder::new()),
            DataType::Binary => Self::Binary(BinaryBuilder::new()),
            other => {
                return Err(MySqlError::internal(format!("a stored column of Arrow type {other}")));
            }
        })
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), CodecError> {
        match self {
            Self::Int(builder) => builder.append_value(decode_int(bytes)?),
            Self::UInt(builder) => builder.append_value(decode_uint(bytes)?),
            Self::Packed(builder) => builder.append_value(decode_uint(bytes)?.cast_signed()),
            Self::Time(builder) => builder.append_value(decode_int(bytes)? / NANOS_PER_MICRO),
            #[expect(clippy::cast_possible_truncation, reason = "the value was an f32 when written")]
            Self::Float(builder) => builder.append_value(decode_float(bytes)? as f32),
            Self::Double(builder) => builder.append_value(decode_float(bytes)?),
            Self::Decimal { builder, scale } => match decimal::decode_i128(bytes, *scale) {
                Some(digits) => builder.append_value(digits),
                None => return Err(malformed("decimal", format!("{} bytes", bytes.len()))),
            },
            Self::LongDecimal { builder, scale } => match decimal::decode_i256(bytes, *scale) {
                Some(digits) => builder.append_value(digits),
                None => return Err(malformed("decimal", format!("{} bytes", bytes.len()))),
            },
            Self::Text(builder) => {
                let text =
                    std::str::from_utf8(bytes).map_err(|error| malformed("text", error.to_string()))?;
                builder.append_value(text);
            }
            Self::Binary(builder) => builder.append_value(bytes),
        }
        Ok(())
    }

    fn append_handle(&mut self, handle: i64) -> Result<(), CodecError> {
        match self {
            Self::Int(builder) => builder.append_value(handle),
            Self::UInt(builder) => builder.append_value(handle.cast_unsigned()),
            _ => return Err(malformed("handle", "the key column is no integer".to_owned())),
        }
        Ok(())
    }

    fn append_value(&mut self, value: &Value) -> Result<(), CodecError> {
        match (self, value) {
            (builder, Value::Null) => builder.append_null(),
            (Self::Int(builder), Value::Int(value)) => builder.append_value(*value),
            (Self::UInt(builder), Value::UInt(value)) => builder.append_value(*value),
            (Self::Packed(builder), Value::Datetime(value)) => builder.append_value(value.packed()),
            (Self::Time(builder), Value::Duration(value)) => builder.append_value(value.micros()),
            (Self::Float(builder), Value::Float(value)) => builder.append_value(*value),
            (Self::Double(builder), Value::Double(value)) => builder.append_value(*value),
            (Self::Decimal { builder, .. }, Value::Decimal(value)) => match value.digits_i128() {
                Some(digits) => builder.append_value(digits),
                None => return Err(malformed("default", value.to_string())),
            },
            (Self::LongDecimal { builder, .. }, Value::Decimal(value)) => {
                let (high, low) = value.digits().into_words();
                builder.append_value(i256::from_parts(low.cast_unsigned(), high));
            }
            (Self::Text(builder), Value::Bytes(value)) => {
                let text =
                    std::str::from_utf8(value).map_err(|error| malformed("default", error.to_string()))?;
                builder.append_value(text);
            }
            (Self::Binary(builder), Value::Bytes(value)) => builder.append_value(value),
            (Self::Binary(builder), Value::Json(value)) => builder.append_value(value.to_binary()),
            (_, value) => {
                return Err(malformed("default", format!("{value:?} in a column of another type")));
            }
        }
        Ok(())
    }

    fn append_null(&mut self) {
        match self {
            Self::Int(builder) | Self::Packed(builder) | Self::Time(builder) => builder.append_null(),
            Self::UInt(builder) => builder.append_null(),
            Self::Float(builder) => builder.append_null(),
            Self::Double(builder) => builder.append_null(),
            Self::Decimal { builder, .. } => builder.append_null(),
            Self::LongDecimal { builder, .. } => builder.append_null(),
            Self::Text(builder) => builder.append_null(),
            Self::Binary(builder) => builder.append_null(),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Int(builder) | Self::Packed(builder) | Self::Time(builder) => Arc::new(builder.finish()),
            Self::UInt(builder) => Arc::new(builder.finish()),
            Self::Float(builder) => Arc::new(builder.finish()),
            Self::Double(builder) => Arc::new(builder.finish()),
            Self::Decimal { builder, .. } => Arc::new(builder.finish()),
            Self::LongDecimal { builder, .. } => Arc::new(builder.finish()),
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Binary(builder) => Arc::new(builder.finish()),
        }
    }
}

fn malformed(what: &'static str, detail: String) -> CodecError {
    CodecError::Malformed { what, detail }
}

fn damaged(error: CodecError) -> MySqlError {
    MySqlError::internal(error)
}

fn damaged_column(column: &str, error: CodecError) -> MySqlError {
    MySqlError::internal(format!("column {column}: {error}"))
}
