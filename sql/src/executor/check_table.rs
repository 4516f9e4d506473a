//! CHECK TABLE and ADMIN CHECK TABLE: whether every index holds exactly the rows of its table.
//!
//! All at one snapshot: each row's entries are there and name the row, and an index has no more entries than that.

use bytes::Bytes;
use rutile_kv_client::ScanOptions;
use rutile_sql_types::{MySqlError, TimeZone, Value};

use super::snapshot_reader::SnapshotReader;
use crate::catalog::{IndexInfo, TableInfo};
use crate::codec::record_key::{index_range, record_range, split_record_key};
use crate::codec::{Handle, index_entry};
use crate::distsql::from_storage;
use crate::error::Result;
use crate::generation::decode_row;
use crate::session::StatementContext;

/// Rows whose entries are looked up together.
const ROWS_PER_LOOKUP: usize = 256;

/// Error 8223 with the first difference found in any index, or in the one that is named.
pub async fn check_table(
    context: &mut StatementContext<'_>,
    table: &TableInfo,
    only: Option<&IndexInfo>,
) -> Result<()> {
    let snapshot = context.read_view().await?.snapshot;
    let zone = context.settings().time_zone;
    let indexes: Vec<&IndexInfo> = table
        .public_indexes()
        .filter(|index| !table.is_clustered(index))
        .filter(|index| only.is_none_or(|only| only.id == index.id))
        .collect();
    let reader = SnapshotReader::new(snapshot, context.transaction.membuffer());
    let mut rows = 0_u64;
    let mut records = reader.scan(record_range(table.id), ScanOptions::default());
    loop {
        let mut batch = Vec::with_capacity(ROWS_PER_LOOKUP);
        while batch.len() < ROWS_PER_LOOKUP
            && let Some(record) = records.next().await.map_err(from_storage)?
        {
            batch.push(record);
        }
        context.check_killed()?;
        rows += batch.len() as u64;
        check_rows(&reader, table, &indexes, &batch, zone).await?;
        if batch.len() < ROWS_PER_LOOKUP {
            break;
        }
    }
    for index in indexes {
        let keys = ScanOptions { key_only: true, ..ScanOptions::default() };
        let mut entries = reader.scan(index_range(table.id, index.id), keys);
        let mut count = 0_u64;
        while entries.next().await.map_err(from_storage)?.is_some() {
            count += 1;
        }
        if count != rows {
            return Err(inconsistent(table, index, format_args!("{count} entries, {rows} rows")).into());
        }
    }
    Ok(())
}

async fn check_rows(
    reader: &SnapshotReader<'_>,
    table: &TableInfo,
    indexes: &[&IndexInfo],
    records: &[(Bytes, Bytes)],
    zone: TimeZone,
) -> Result<(), MySqlError> {
    let mut rows = Vec::with_capacity(records.len());
    for (key, stored) in records {
        rows.push(row_of(table, key, stored, zone)?);
    }
    for index in indexes {
        let mut expected = Vec::with_capacity(rows.len());
        for (handle, values) in &rows {
            let entry =
                index_entry::index_entry(table, index, values, handle).map_err(MySqlError::internal)?;
            expected.push((Bytes::from(entry.key), entry.value));
        }
        let found = reader.get_all(expected.iter().map(|(key, _)| key.clone()).collect()).await?;
        let mut found = found.into_iter().peekable();
        for ((key, value), (handle, _)) in expected.iter().zip(&rows) {
            match found.next_if(|(found, _)| found == key) {
                Some((_, stored)) if stored == *value => {}
                Some(_) => {
                    return Err(inconsistent(
                        table,
                        index,
                        format_args!("the entry of {handle:?} names another row"),
                    ));
                }
                None => return Err(inconsistent(table, index, format_args!("no entry of {handle:?}"))),
            }
        }
    }
    Ok(())
}

fn row_of(
    table: &TableInfo,
    key: &[u8],
    stored: &[u8],
    zone: TimeZone,
) -> Result<(Handle, Vec<Value>), MySqlError> {
    let (_, suffix) = split_record_key(key).map_err(MySqlError::internal)?;
    let handle =
        Handle::from_record_suffix(suffix, table.is_common_handle()).map_err(MySqlError::internal)?;
    let values = decode_row(table, &handle, stored, zone)?;
    Ok((handle, values))
}

/// TiDB's error of the same statement.
fn inconsistent(table: &TableInfo, index: &IndexInfo, what: std::fmt::Arguments<'_>) -> MySqlError {
    let message = format!("data inconsistency in table: {}, index: {}: {what}", table.name, index.name);
    MySqlError::new(8223, "HY000", message)
}
