//! COM_FIELD_LIST, by which old command line clients learn column names for completion.

use bytes::Bytes;
use rutile_server_wire::{Field, Result};
use rutile_sql::session::{Outcome, ResultSet, Rows, Script, Session};
use rutile_sql_types::Value;

use crate::connection::client::{self, refused};
use crate::connection::column;

/// SHOW COLUMNS: name and default.
const NAME: usize = 0;
const DEFAULT: usize = 4;

/// Columns of a table whose names match `wildcard`, all if that is empty. Metadata is that of `SELECT *`, names and
/// defaults are those of SHOW COLUMNS.
pub(crate) async fn fields(session: &mut Session, table: &[u8], wildcard: &[u8]) -> Result<Vec<Field>> {
    let table = format!("`{}`", String::from_utf8_lossy(table).replace('`', "``"));
    let prepared = session.prepare(Bytes::from(format!("SELECT * FROM {table}"))).await.map_err(refused)?;
    session.close_prepared(prepared.id);
    let mut show = format!("SHOW COLUMNS FROM {table}");
    if !wildcard.is_empty() {
        let pattern = String::from_utf8_lossy(wildcard).replace('\\', "\\\\").replace('\'', "''");
        show.push_str(&format!(" LIKE '{pattern}'"));
    }
    let shown = rows(session, show).await?;
    let results = client::facts(session).results;
    let field = |cells: &Vec<Value>| {
        let (Some(Value::Bytes(name)), default) = (cells.get(NAME), cells.get(DEFAULT)) else {
            return None;
        };
        let meta = prepared.columns.iter().find(|meta| meta.name.as_bytes() == name.as_ref())?;
        let default = match default {
            Some(Value::Bytes(text)) => Some(text.to_vec()),
            _ => None,
        };
        Some(Field { column: column::column(meta, results), default })
    };
    Ok(shown.iter().filter_map(field).collect())
}

async fn rows(session: &mut Session, sql: String) -> Result<Vec<Vec<Value>>> {
    let mut script = Script::new(Bytes::from(sql), false);
    let Some(statement) = session.next_statement(&mut script).map_err(refused)? else {
        return Ok(Vec::new());
    };
    match session.execute(&statement).await.map_err(refused)? {
        Outcome::Rows(ResultSet { rows: Rows::Values(rows), .. }) => Ok(rows),
        _ => Ok(Vec::new()),
    }
}
