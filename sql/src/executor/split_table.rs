//! SPLIT TABLE: cuts the regions of a table or of an index where the statement says, so that writes spread before
//! the data is there.

use bytes::Bytes;
use rutile_sql_types::{FieldType, MySqlError, Value};

use super::column_values::convert;
use crate::catalog::{ColumnInfo, HandleKind, IndexInfo, TableInfo};
use crate::codec::{Handle, datum, index_entry, record_key};
use crate::error::Result;
use crate::session::StatementContext;

/// A value and the type it was written in, one for each column of the key.
pub type Bound = Vec<(Value, FieldType)>;

/// Where to cut.
pub enum Cuts {
    /// At these keys.
    At(Vec<Bound>),
    /// Into so many regions of equal width.
    Evenly { low: Bound, high: Bound, regions: u64 },
}

/// Most regions one statement makes; TiDB's limit.
const REGIONS_MAX: u64 = 1000;
/// Bytes behind the common prefix that positions are computed with.
const WIDTH: usize = 8;

/// Returns how many keys there is a region boundary at now.
pub async fn split_table(
    context: &mut StatementContext<'_>,
    table: &TableInfo,
    index: Option<&IndexInfo>,
    cuts: Cuts,
) -> Result<usize> {
    let keys = match cuts {
        Cuts::At(bounds) => {
            bounds.iter().map(|bound| key_of(context, table, index, bound)).collect::<Result<Vec<_>>>()?
        }
        Cuts::Evenly { low, high, regions } => {
            if !(1..=REGIONS_MAX).contains(&regions) {
                return Err(MySqlError::wrong_arguments("REGIONS").into());
            }
            let low = key_of(context, table, index, &low)?;
            let high = key_of(context, table, index, &high)?;
            if low >= high {
                return Err(MySqlError::wrong_arguments(
                    "SPLIT TABLE: the lower value is not below the upper",
                )
                .into());
            }
            evenly(&low, &high, regions)
        }
    };
    context.client().split_region(&keys).await?;
    Ok(keys.len())
}

fn key_of(
    context: &StatementContext<'_>,
    table: &TableInfo,
    index: Option<&IndexInfo>,
    bound: &Bound,
) -> Result<Bytes> {
    if let Some(index) = index.filter(|index| !table.is_clustered(index)) {
        let columns: Vec<&ColumnInfo> =
            index.columns.iter().filter_map(|part| table.columns.get(part.offset)).collect();
        let values = values_of(context, &columns, bound)?;
        return Ok(Bytes::from(index_entry::index_values_prefix(table, index, &values)?));
    }
    let primary = table.primary_key().filter(|_| table.handle != HandleKind::RowId);
    let columns: Vec<&ColumnInfo> = match primary {
        Some(primary) => primary.columns.iter().filter_map(|part| table.columns.get(part.offset)).collect(),
        None => Vec::new(),
    };
    if columns.is_empty() {
        // A hidden row id has no column: the number is the id.
        return match bound.as_slice() {
            [(Value::Int(id), _)] => Ok(Bytes::from(record_key::record_key(table.id, &Handle::Int(*id)))),
            _ => Err(MySqlError::column_count_mismatch().into()),
        };
    }
    let values = values_of(context, &columns, bound)?;
    let handle = match (table.handle, values.as_slice()) {
        (HandleKind::Integer { .. }, [Value::Int(id)]) => Handle::Int(*id),
        (HandleKind::Integer { .. }, [Value::UInt(id)]) => Handle::Int(id.cast_signed()),
        _ => {
            let mut key = Vec::new();
            for (value, column) in values.iter().zip(&columns) {
                datum::append(&mut key, value, &column.ty)?;
            }
            Handle::Common(Bytes::from(key))
        }
    };
    Ok(Bytes::from(record_key::record_key(table.id, &handle)))
}

fn values_of(context: &StatementContext<'_>, columns: &[&ColumnInfo], bound: &Bound) -> Result<Vec<Value>> {
    if bound.is_empty() || bound.len() > columns.len() {
        return Err(MySqlError::column_count_mismatch().into());
    }
    let evaluation = context.evaluation(true);
    let mut eval = evaluation.eval_context();
    bound.iter().zip(columns).map(|((value, ty), column)| convert(value, ty, column, &mut eval)).collect()
}

/// Keys that cut the interval into `regions` pieces, the lower end among them.
fn evenly(low: &[u8], high: &[u8], regions: u64) -> Vec<Bytes> {
    let shared = low.iter().zip(high).take_while(|(a, b)| a == b).count();
    let number = |key: &[u8]| {
        (0..WIDTH).fold(0_u64, |sum, at| sum << 8 | u64::from(key.get(shared + at).copied().unwrap_or(0)))
    };
    let (first, last) = (number(low), number(high));
    let step = ((last - first) / regions).max(1);
    let prefix = low.get(..shared).unwrap_or_default();
    let mut keys = vec![Bytes::copy_from_slice(low)];
    for piece in 1..regions {
        let Some(at) = step.checked_mul(piece).and_then(|offset| first.checked_add(offset)) else {
            break;
        };
        if at >= last {
            break;
        }
        keys.push(Bytes::from([prefix, at.to_be_bytes().as_slice()].concat()));
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_of_equal_width_and_in_order() {
        let keys = evenly(b"t\x00\x00", b"t\x80\x00", 4);
        let at: Vec<u8> = keys.iter().filter_map(|key| key.get(1).copied()).collect();
        assert_eq!(at, [0x00, 0x20, 0x40, 0x60]);
        assert!(keys.is_sorted());
    }

    #[test]
    fn a_narrow_interval_has_fewer_pieces() {
        assert_eq!(evenly(b"a\x01", b"a\x02", 1).len(), 1);
        assert!(evenly(&[1, 0, 0, 0, 0, 0, 0, 0, 0], &[1, 0, 0, 0, 0, 0, 0, 0, 2], 10).len() <= 10);
    }
}
