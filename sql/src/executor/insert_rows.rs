//! Complete rows into the transaction: generated values, handles, and what happens on a duplicate.

use rutile_sql_functions::EvalContext;
use rutile_sql_types::{FieldType, Value};

use super::column_values::convert;
use super::insert_conflict::{self, OnDuplicate};
use super::write_row::{RowWriter, StoredRow, Uniqueness};
use crate::catalog::{HandleKind, TableInfo};
use crate::codec::Handle;
use crate::error::{Error, Result};
use crate::generation;
use crate::memory::StatementMemory;
use crate::session::StatementContext;

/// A row to be inserted, values by column offset.
pub(super) struct NewRow {
    pub values: Vec<Value>,
    /// The AUTO_INCREMENT column, if its value is still to be generated.
    pub generate: Option<usize>,
}

/// What the statement did.
#[derive(Debug, Default)]
pub(super) struct InsertCounts {
    pub records: u64,
    pub duplicates: u64,
    pub affected: u64,
    /// LAST_INSERT_ID()
    pub first_generated: Option<u64>,
    /// The insert id of the reply when nothing was generated.
    pub last_explicit: Option<u64>,
}

/// Writes all rows into the transaction.
pub(super) async fn insert_rows(
    context: &mut StatementContext<'_>,
    table: &TableInfo,
    rows: Vec<NewRow>,
    on_duplicate: &OnDuplicate,
    eval: &mut EvalContext,
    memory: &StatementMemory,
) -> Result<InsertCounts> {
    let mut counts = InsertCounts { records: rows.len() as u64, ..InsertCounts::default() };
    let mut keys = NewKeys::prepare(context, table, &rows).await?;
    let mut writer = RowWriter::new(table, context.settings().time_zone, context.row_locks());
    if matches!(on_duplicate, OnDuplicate::Fail) {
        insert_all(context, &mut writer, rows, &mut keys, &mut counts, eval, memory).await?;
        return Ok(counts);
    }
    for (number, row) in rows.into_iter().enumerate() {
        eval.convert.row = number as u64 + 1;
        let Some((row, generated)) = keys.complete(context, row, &mut counts, eval).await? else {
            counts.duplicates += 1;
            continue;
        };
        let inserted =
            insert_conflict::insert(context, table, &mut writer, row, on_duplicate, &mut counts, eval)
                .await?;
        context.written_a_row(number, memory)?;
        match generated {
            Some(id) if inserted => counts.first_generated = counts.first_generated.or(Some(id)),
            // The row was skipped or became an update: as in MySQL the next one gets its value.
            Some(id) => keys.ids.give_back(id),
            None => {}
        }
    }
    Ok(counts)
}

/// Rows of which none may collide.
async fn insert_all(
    context: &mut StatementContext<'_>,
    writer: &mut RowWriter<'_>,
    rows: Vec<NewRow>,
    keys: &mut NewKeys<'_>,
    counts: &mut InsertCounts,
    eval: &mut EvalContext,
    memory: &StatementMemory,
) -> Result<()> {
    let mut complete = Vec::with_capacity(rows.len());
    for (number, row) in rows.into_iter().enumerate() {
        eval.convert.row = number as u64 + 1;
        let Some((row, generated)) = keys.complete(context, row, counts, eval).await? else {
            continue;
        };
        counts.first_generated = counts.first_generated.or(generated);
        complete.push(row);
    }
    let uniqueness = uniqueness(context, writer, &complete).await?;
    for (number, row) in complete.iter().enumerate() {
        writer.insert(context.writer().await?, row, uniqueness).await?;
        context.written_a_row(number, memory)?;
        counts.affected += 1;
    }
    Ok(())
}

/// Where there are locks they keep keys free, also for a statement alone that came back for them. Without them only an
/// explicit transaction has to know of a duplicate before COMMIT.
async fn uniqueness(
    context: &mut StatementContext<'_>,
    writer: &RowWriter<'_>,
    rows: &[StoredRow],
) -> Result<Uniqueness> {
    if context.transaction.is_pessimistic() {
        let free = writer.reserve(context.writer().await?, rows).await?;
        return Ok(if free { Uniqueness::Reserved } else { Uniqueness::Checked });
    }
    Ok(if context.transaction.in_transaction() { Uniqueness::Checked } else { Uniqueness::Deferred })
}

/// The keys that the rows of one statement get from the server.
struct NewKeys<'t> {
    table: &'t TableInfo,
    ids: GeneratedIds,
    /// The next hidden row id, in a table without a handle of its own.
    row_id: Option<u64>,
}

impl<'t> NewKeys<'t> {
    async fn prepare(
        context: &mut StatementContext<'_>,
        table: &'t TableInfo,
        rows: &[NewRow],
    ) -> Result<Self> {
        let ids = GeneratedIds::prepare(context, table, rows).await?;
        let row_id = match table.handle {
            HandleKind::RowId => {
                Some(context.instance.auto_ids().allocate_row_ids(table, rows.len() as u64).await?)
            }
            _ => None,
        };
        Ok(Self { table, ids, row_id })
    }

    /// The row with its handle, and the value that was generated for it; `None` if IGNORE leaves it out.
    async fn complete(
        &mut self,
        context: &mut StatementContext<'_>,
        mut row: NewRow,
        counts: &mut InsertCounts,
        eval: &mut EvalContext,
    ) -> Result<Option<(StoredRow, Option<u64>)>> {
        let generated = self.ids.fill(context, self.table, &mut row, counts, eval).await?;
        let complete = generation::complete(self.table, &mut row.values, eval);
        if generation::unless_left_out(complete, eval)?.is_none() {
            return Ok(None);
        }
        let handle = match self.table.handle_of(&row.values)? {
            Some(handle) => handle,
            None => {
                let id = self.row_id.ok_or_else(|| Error::internal("a row without a handle"))?;
                self.row_id = Some(id + 1);
                Handle::Int(id.cast_signed())
            }
        };
        Ok(Some((StoredRow { handle, values: row.values }, generated)))
    }
}

/// AUTO_INCREMENT values of one statement.
#[derive(Default)]
struct GeneratedIds {
    /// The next of the values reserved for the statement: for all rows in one go when every row needs one.
    next: u64,
    left: usize,
}

impl GeneratedIds {
    async fn prepare(context: &mut StatementContext<'_>, table: &TableInfo, rows: &[NewRow]) -> Result<Self> {
        let all = !rows.is_empty() && rows.iter().all(|row| row.generate.is_some());
        if !all || context.session.next_insert_id.is_some() {
            return Ok(Self::default());
        }
        let progression = context.settings().progression;
        let next = context.instance.auto_ids().allocate(table, rows.len() as u64, progression).await?;
        Ok(Self { next, left: rows.len() })
    }

    /// The row that got this value last did not use it.
    fn give_back(&mut self, id: u64) {
        self.next = id;
        self.left += 1;
    }

    /// Gives the row its generated value, which it answers, or moves the counter beyond an explicit one.
    async fn fill(
        &mut self,
        context: &mut StatementContext<'_>,
        table: &TableInfo,
        row: &mut NewRow,
        counts: &mut InsertCounts,
        eval: &mut EvalContext,
    ) -> Result<Option<u64>> {
        let Some(column) = table.auto_increment_column() else {
            return Ok(None);
        };
        let Some(offset) = row.generate else {
            if let Some(explicit) = row.values.get(column.offset).and_then(positive) {
                context.instance.auto_ids().rebase(table, explicit).await?;
                counts.last_explicit = Some(explicit);
            }
            return Ok(None);
        };
        let progression = context.settings().progression;
        let id = match (context.session.next_insert_id.take(), self.left) {
            (Some(forced), _) => {
                context.instance.auto_ids().rebase(table, forced).await?;
                forced
            }
            (None, 0) => context.instance.auto_ids().allocate(table, 1, progression).await?,
            (None, left) => {
                let id = self.next;
                // The last reserved value may be the largest there is.
                (self.next, self.left) = (id.saturating_add(progression.increment), left - 1);
                id
            }
        };
        let value = convert(&Value::UInt(id), &FieldType::ubigint(), column, eval)?;
        if let Some(slot) = row.values.get_mut(offset) {
            *slot = value;
        }
        Ok(Some(id))
    }
}

fn positive(value: &Value) -> Option<u64> {
    match value {
        Value::Int(value) => u64::try_from(*value).ok(),
        Value::UInt(value) => Some(*value),
        _ => None,
    }
}
