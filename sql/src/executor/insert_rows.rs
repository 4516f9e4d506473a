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
use crate::meta::auto_id::GivenIds;
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

/// Writes the rows of one statement into the transaction, a batch at a time.
pub(super) struct Inserter<'t> {
    table: &'t TableInfo,
    on_duplicate: &'t OnDuplicate,
    keys: NewKeys<'t>,
    writer: RowWriter<'t>,
    /// Rows that came.
    rows: usize,
    pub counts: InsertCounts,
}

impl<'t> Inserter<'t> {
    /// `rows`: all of the statement.
    pub async fn start(
        context: &mut StatementContext<'_>,
        table: &'t TableInfo,
        rows: usize,
        on_duplicate: &'t OnDuplicate,
    ) -> Result<Self> {
        let keys = NewKeys::prepare(context, table, rows).await?;
        let writer = RowWriter::new(table, context.settings().time_zone, context.row_locks());
        Ok(Self { table, on_duplicate, keys, writer, rows: 0, counts: InsertCounts::default() })
    }

    pub async fn write(
        &mut self,
        context: &mut StatementContext<'_>,
        rows: Vec<NewRow>,
        eval: &mut EvalContext,
        memory: &StatementMemory,
    ) -> Result<()> {
        let first = self.rows;
        self.rows += rows.len();
        self.counts.records = self.rows as u64;
        self.keys.ids.announce(context, self.table, &rows).await?;
        self.keys.ids.reserve(context, self.table, &rows).await?;
        if matches!(self.on_duplicate, OnDuplicate::Fail) {
            return self.write_all(context, rows, first, eval, memory).await;
        }
        for (number, row) in (first..).zip(rows) {
            eval.convert.row = number as u64 + 1;
            let Some((row, generated)) = self.keys.complete(context, row, &mut self.counts, eval).await?
            else {
                self.counts.duplicates += 1;
                continue;
            };
            let (writer, counts) = (&mut self.writer, &mut self.counts);
            let inserted =
                insert_conflict::insert(context, self.table, writer, row, self.on_duplicate, counts, eval)
                    .await?;
            context.written_a_row(number, memory)?;
            match generated {
                Some(id) if inserted => {
                    self.counts.first_generated = self.counts.first_generated.or(Some(id));
                }
                // The row was skipped or became an update: as in MySQL the next one gets its value.
                Some(id) => self.keys.ids.give_back(id),
                None => {}
            }
        }
        Ok(())
    }

    /// Rows of which none may collide.
    async fn write_all(
        &mut self,
        context: &mut StatementContext<'_>,
        rows: Vec<NewRow>,
        first: usize,
        eval: &mut EvalContext,
        memory: &StatementMemory,
    ) -> Result<()> {
        let mut complete = Vec::with_capacity(rows.len());
        for (number, row) in (first..).zip(rows) {
            eval.convert.row = number as u64 + 1;
            let Some((row, generated)) = self.keys.complete(context, row, &mut self.counts, eval).await?
            else {
                continue;
            };
            self.counts.first_generated = self.counts.first_generated.or(generated);
            complete.push(row);
        }
        let uniqueness = uniqueness(context, &self.writer, &complete).await?;
        for (number, row) in (first..).zip(&complete) {
            self.writer.insert(context.writer().await?, row, uniqueness).await?;
            context.written_a_row(number, memory)?;
            self.counts.affected += 1;
        }
        Ok(())
    }
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
    async fn prepare(context: &StatementContext<'_>, table: &'t TableInfo, rows: usize) -> Result<Self> {
        let row_id = match table.handle {
            HandleKind::RowId => {
                Some(context.instance.auto_ids().allocate_row_ids(table, rows as u64).await?)
            }
            _ => None,
        };
        Ok(Self { table, ids: GeneratedIds::of_rows(rows), row_id })
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
    /// Rows that are still to come; 0 once values were reserved for them, or are not to be.
    rows: usize,
    /// The next of the values reserved for the statement: for all rows in one go when every row needs one.
    next: u64,
    left: usize,
    /// The largest explicit value so far.
    own: u64,
}

impl GeneratedIds {
    fn of_rows(rows: usize) -> Self {
        Self { rows, ..Self::default() }
    }

    /// Tells other nodes of the explicit values among these rows, of all with one word.
    async fn announce(
        &self,
        context: &StatementContext<'_>,
        table: &TableInfo,
        rows: &[NewRow],
    ) -> Result<()> {
        let Some(column) = table.auto_increment_column() else {
            return Ok(());
        };
        let explicit = rows.iter().filter(|row| row.generate.is_none());
        match explicit.filter_map(|row| row.values.get(column.offset).and_then(positive)).max() {
            Some(largest) => context.instance.auto_ids().announce(table, largest).await,
            None => Ok(()),
        }
    }

    /// Reserves values for all rows of the statement if each of the first ones needs one: clients rely on values of one
    /// statement that follow one another.
    async fn reserve(
        &mut self,
        context: &StatementContext<'_>,
        table: &TableInfo,
        first: &[NewRow],
    ) -> Result<()> {
        let rows = std::mem::take(&mut self.rows);
        let all = !first.is_empty() && first.iter().all(|row| row.generate.is_some());
        if rows > 0 && all && context.session.next_insert_id.is_none() {
            let progression = context.settings().progression;
            self.next = context.instance.auto_ids().allocate(table, rows as u64, progression).await?;
            self.left = rows;
        }
        Ok(())
    }

    /// A row came with a value of its own: reserved ones up to it are passed over, as in MySQL.
    fn pass(&mut self, explicit: u64, increment: u64) {
        while self.left > 0 && self.next <= explicit {
            (self.next, self.left) = (self.next.saturating_add(increment), self.left - 1);
        }
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
        let progression = context.settings().progression;
        let Some(offset) = row.generate else {
            if let Some(explicit) = row.values.get(column.offset).and_then(positive) {
                context.instance.auto_ids().rebase(table, explicit).await?;
                self.own = self.own.max(explicit);
                if let Some(given) = &mut context.session.given_ids {
                    given.own = self.own;
                }
                counts.last_explicit = Some(explicit);
                self.pass(explicit, progression.increment);
            }
            return Ok(None);
        };
        let id = match (context.session.next_insert_id.take(), self.left) {
            (Some(forced), _) => {
                context.instance.auto_ids().rebase(table, forced).await?;
                self.own = self.own.max(forced);
                forced
            }
            (None, 0) if context.session.given_ids.is_some() => {
                context.instance.auto_ids().allocate_more(table, 1, progression).await?
            }
            (None, 0) => context.instance.auto_ids().allocate(table, 1, progression).await?,
            (None, left) => {
                let id = self.next;
                // The last reserved value may be the largest there is.
                (self.next, self.left) = (id.saturating_add(progression.increment), left - 1);
                id
            }
        };
        let given = GivenIds { table: table.id, first: id, own: self.own };
        context.session.given_ids.get_or_insert(given).own = self.own;
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
