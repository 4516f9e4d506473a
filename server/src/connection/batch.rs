//! Arrow columns into rows, without a value in between.
//!
//! The reader of each column is chosen once per batch by its SQL type and its array; per cell it is one match.

use std::io::Write as _;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, Decimal128Array, Decimal256Array, Float32Array, Float64Array,
    Int64Array, RecordBatch, StringArray, UInt64Array,
};
use arrow::datatypes::{
    DataType, Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int64Type, UInt64Type,
};
use rutile_server_wire::{Error, Result, Row};
use rutile_sql_types::{Duration, FieldType, PackedDatetime, TimeZone, TypeKind};

use crate::connection::value;

/// One column of a batch, ready to be read by row.
pub(crate) struct Reader<'a> {
    array: &'a dyn Array,
    cells: Cells<'a>,
    ty: &'a FieldType,
}

enum Cells<'a> {
    AllNull,
    Int(&'a Int64Array),
    UInt(&'a UInt64Array),
    Float(&'a Float32Array),
    Double(&'a Float64Array),
    Decimal128(&'a Decimal128Array, usize),
    Decimal256(&'a Decimal256Array, usize),
    Datetime(&'a Int64Array),
    Duration(&'a Int64Array),
    Text(&'a StringArray),
    Binary(&'a BinaryArray),
    Json(&'a BinaryArray),
}

/// Readers for all columns of a batch.
pub(crate) fn readers<'a>(
    batch: &'a RecordBatch,
    types: impl Iterator<Item = &'a FieldType>,
) -> Result<Vec<Reader<'a>>> {
    let readers: Vec<Reader<'a>> =
        batch.columns().iter().zip(types).map(|(array, ty)| reader(array, ty)).collect::<Result<_>>()?;
    if readers.len() == batch.num_columns() {
        Ok(readers)
    } else {
        Err(Error::Internal("a batch of the wrong width"))
    }
}

fn reader<'a>(array: &'a ArrayRef, ty: &'a FieldType) -> Result<Reader<'a>> {
    let cells = match (array.data_type(), ty.kind) {
        (DataType::Null, _) => Cells::AllNull,
        (DataType::Int64, TypeKind::Date | TypeKind::Datetime | TypeKind::Timestamp) => {
            Cells::Datetime(array.as_primitive::<Int64Type>())
        }
        (DataType::Int64, TypeKind::Time) => Cells::Duration(array.as_primitive::<Int64Type>()),
        (DataType::Int64, _) => Cells::Int(array.as_primitive::<Int64Type>()),
        (DataType::UInt64, _) => Cells::UInt(array.as_primitive::<UInt64Type>()),
        (DataType::Float32, _) => Cells::Float(array.as_primitive::<Float32Type>()),
        (DataType::Float64, _) => Cells::Double(array.as_primitive::<Float64Type>()),
        (DataType::Decimal128(_, scale), _) => {
            Cells::Decimal128(array.as_primitive::<Decimal128Type>(), places(*scale)?)
        }
        (DataType::Decimal256(_, scale), _) => {
            Cells::Decimal256(array.as_primitive::<Decimal256Type>(), places(*scale)?)
        }
        (DataType::Utf8, _) => Cells::Text(array.as_string::<i32>()),
        (DataType::Binary, TypeKind::Json) => Cells::Json(array.as_binary::<i32>()),
        (DataType::Binary, _) => Cells::Binary(array.as_binary::<i32>()),
        _ => return Err(Error::Internal("a column in an unexpected Arrow form")),
    };
    Ok(Reader { array: array.as_ref(), cells, ty })
}

fn places(scale: i8) -> Result<usize> {
    usize::try_from(scale).map_err(|_| Error::Internal("a decimal of negative scale"))
}

impl Reader<'_> {
    /// Writes the cell of row `at`, which is below the number of rows of the batch.
    pub(crate) fn write(&self, row: &mut Row<'_>, at: usize, zone: TimeZone) -> Result<()> {
        if self.array.is_null(at) {
            row.null();
            return Ok(());
        }
        match &self.cells {
            Cells::AllNull => row.null(),
            Cells::Int(array) => value::int(row, array.value(at), self.ty),
            Cells::UInt(array) => value::uint(row, array.value(at), self.ty),
            Cells::Float(array) => row.float(array.value(at)),
            Cells::Double(array) => row.double(array.value(at)),
            Cells::Decimal128(array, scale) => {
                let unscaled = array.value(at);
                row.formatted(|out| {
                    decimal(out, unscaled < 0, *scale, |out| {
                        write!(out, "{}", unscaled.unsigned_abs()).expect("memory takes every byte");
                    })
                });
            }
            Cells::Decimal256(array, scale) => {
                let unscaled = array.value(at);
                let negative = unscaled.is_negative();
                row.formatted(|out| {
                    decimal(out, negative, *scale, |out| {
                        let start = out.len();
                        write!(out, "{unscaled}").expect("memory takes every byte");
                        if negative {
                            out.remove(start);
                        }
                    })
                });
            }
            Cells::Datetime(array) => {
                value::datetime(row, PackedDatetime::from_packed(array.value(at)), self.ty, zone);
            }
            Cells::Duration(array) => value::duration(row, Duration::from_micros(array.value(at)), self.ty),
            Cells::Text(array) => row.bytes(array.value(at).as_bytes()),
            Cells::Binary(array) => row.bytes(array.value(at)),
            Cells::Json(array) => return value::binary_json(row, array.value(at)),
        }
        Ok(())
    }
}

/// Digits of an unscaled decimal with the point put in: at least one digit before it.
fn decimal(out: &mut Vec<u8>, negative: bool, scale: usize, digits: impl FnOnce(&mut Vec<u8>)) {
    if negative {
        out.push(b'-');
    }
    let start = out.len();
    digits(out);
    if scale == 0 {
        return;
    }
    let count = out.len() - start;
    if count <= scale {
        out.splice(start..start, std::iter::repeat_n(b'0', scale + 1 - count));
    }
    out.insert(out.len() - scale, b'.');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(unscaled: i128, scale: usize) -> String {
        let mut out = Vec::new();
        decimal(&mut out, unscaled < 0, scale, |out| {
            write!(out, "{}", unscaled.unsigned_abs()).expect("memory");
        });
        String::from_utf8(out).expect("digits")
    }

    #[test]
    fn decimals_keep_their_scale() {
        for (unscaled, scale, expected) in [
            (0, 0, "0"),
            (0, 2, "0.00"),
            (5, 2, "0.05"),
            (-5, 2, "-0.05"),
            (11000, 2, "110.00"),
            (-123_456, 3, "-123.456"),
            (7, 0, "7"),
            (i128::MAX, 10, "17014118346046923173168730371.5884105727"),
        ] {
            assert_eq!(text(unscaled, scale), expected);
        }
    }
}
