//! SHOW TABLE t REGIONS: where the table's data is, as PD knows it. Columns and keys are written as TiDB writes them.
//!
//! Deliberately missing: traffic and size of a region, which PD does not give out yet; those columns are NULL.

use std::fmt::Write as _;

use rutile_kv_types::{Key, KeyRange};
use rutile_pd_client::LeaderRegion;
use rutile_sql_parser::ast::{Ident, ObjectName};
use rutile_sql_types::{MySqlError, Value};

use crate::codec::{Handle, record_key};
use crate::error::{Error, Result};
use crate::session::StatementContext;

/// One row for each region that holds a part of the table, or of one of its indexes.
pub(super) async fn regions(
    context: &mut StatementContext<'_>,
    name: &ObjectName,
    index: Option<&Ident>,
) -> Result<Vec<Vec<Value>>> {
    let (_, table) = context.table(name)?;
    let range = match index {
        None => record_key::table_range(table.id),
        Some(index) => {
            let found = table
                .indexes
                .iter()
                .find(|known| known.is_named(index.as_str()))
                .ok_or_else(|| MySqlError::new(1176, "42000", missing(index.as_str(), &table.name)))?;
            if table.is_clustered(found) {
                record_key::record_range(table.id)
            } else {
                record_key::index_range(table.id, found.id)
            }
        }
    };
    let KeyRange { start, end } = range;
    let (start, end) = (Key::from_raw(&start), Key::from_raw(&end));
    let pd = context.client().pd().clone();
    let found = pd
        .scan_regions(start.as_encoded(), end.as_encoded(), 0)
        .await
        .map_err(|error| Error::internal(format!("PD: {error}")))?;
    Ok(found.iter().map(row).collect())
}

fn missing(index: &str, table: &str) -> String {
    format!("Key '{index}' doesn't exist in table '{table}'")
}

fn row(found: &LeaderRegion) -> Vec<Value> {
    let region = &found.region;
    let peers: Vec<String> = region.peers.iter().map(|peer| peer.id.to_string()).collect();
    let (leader, store) = match &found.leader {
        Some(leader) => (Value::UInt(leader.id), Value::UInt(leader.store_id)),
        None => (Value::UInt(0), Value::UInt(0)),
    };
    vec![
        Value::UInt(region.id),
        Value::from(shown(&region.start_key)),
        Value::from(shown(&region.end_key)),
        leader,
        store,
        Value::from(peers.join(", ")),
        Value::Int(0),
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Null,
        Value::text(""),
        Value::text(""),
    ]
}

/// `t_10_r_5`, `t_10_i_2_…`, `t_10_`; other keys in hexadecimal.
fn shown(encoded: &[u8]) -> String {
    let Ok(raw) = Key::from_encoded(encoded.to_vec()).to_raw() else {
        return hex(encoded);
    };
    if let Ok((table, suffix)) = record_key::split_record_key(&raw) {
        return match Handle::from_record_suffix(suffix, false) {
            Ok(Handle::Int(handle)) => format!("t_{table}_r_{handle}"),
            _ => format!("t_{table}_r_{}", hex(suffix)),
        };
    }
    if let Ok((table, index, suffix)) = record_key::split_index_key(&raw) {
        return format!("t_{table}_i_{index}_{}", hex(suffix));
    }
    match raw.split_first_chunk::<9>() {
        Some((prefix, rest)) if prefix.first() == Some(&record_key::TABLE_PREFIX) => match table_of(prefix) {
            Some(table) => format!("t_{table}_{}", hex(rest)),
            None => hex(&raw),
        },
        _ => hex(&raw),
    }
}

fn table_of(prefix: &[u8; 9]) -> Option<i64> {
    const SIGN: u64 = 1 << 63;
    let digits: [u8; 8] = prefix.get(1..)?.try_into().ok()?;
    Some((u64::from_be_bytes(digits) ^ SIGN).cast_signed())
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing into a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_as_tidb_writes_them() {
        let encoded = |raw: &[u8]| Key::from_raw(raw).into_encoded();
        let record = record_key::record_key(10, &Handle::Int(-5));
        assert_eq!(shown(&encoded(&record)), "t_10_r_-5");
        let mut entry = record_key::index_prefix(10, 2);
        entry.extend([3, 0xff]);
        assert_eq!(shown(&encoded(&entry)), "t_10_i_2_03ff");
        assert_eq!(shown(&encoded(&record_key::table_prefix(12))), "t_12_");
        assert_eq!(shown(&encoded(b"mDB")), "6d4442");
        assert_eq!(shown(b""), "");
    }
}
