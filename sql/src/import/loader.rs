//! The rows of a file into the session's transaction.
//!
//! Rows are written a batch at a time: their keys are looked at with one request, and only a row that meets another one
//! is dealt with by itself.

use std::sync::Arc;

use rutile_sql_functions::EvalContext;
use rutile_sql_types::{FieldType, MySqlError, Value};

use super::fields::{Field, FieldReader};
use super::rows::RowPlan;
use crate::catalog::{ColumnInfo, HandleKind, IndexInfo};
use crate::codec::Handle;
use crate::error::Result;
use crate::executor::column_values::convert;
use crate::executor::write_row::{RowWriter, StoredRow, Uniqueness};
use crate::expression::Evaluation;
use crate::generation;
use crate::meta::auto_id::GivenIds;
use crate::session::{Outcome, StatementContext};

/// A record longer than this is an error instead of memory.
const RECORD_BYTES_MAX: usize = 64 << 20;
/// Hidden row ids are taken from the allocator this many at a time.
const IDS_PER_CALL: u64 = 512;
/// Rows that are written together: no more than these, and no more bytes of the file.
const BATCH_ROWS_MAX: usize = 256;
const BATCH_BYTES_MAX: usize = 1 << 20;

#[derive(Debug, Default)]
struct LoadCounts {
    records: u64,
    deleted: u64,
    skipped: u64,
    first_generated: Option<u64>,
}

/// Ids reserved ahead.
#[derive(Debug, Default)]
struct Reserved {
    next: u64,
    left: u64,
}

/// Rows that wait to be written, each with the number of its record.
#[derive(Debug, Default)]
struct Batch {
    rows: Vec<StoredRow>,
    records: Vec<u64>,
    /// Which of them have a generated value.
    generated: Vec<bool>,
    bytes: usize,
}

/// One LOAD DATA.
pub struct Loader {
    plan: RowPlan,
    reader: FieldReader,
    evaluation: Arc<Evaluation>,
    eval: EvalContext,
    counts: LoadCounts,
    row_ids: Reserved,
    /// AUTO_INCREMENT values that the load got.
    given: GivenIds,
    batch: Batch,
    /// What the variables of the last record hold.
    variables: Vec<Value>,
}

impl Loader {
    pub(super) fn new(
        plan: RowPlan,
        reader: FieldReader,
        evaluation: Arc<Evaluation>,
        eval: EvalContext,
    ) -> Self {
        Self {
            given: GivenIds { table: plan.table.id, first: 0, own: 0 },
            plan,
            reader,
            evaluation,
            eval,
            counts: LoadCounts::default(),
            row_ids: Reserved::default(),
            batch: Batch::default(),
            variables: Vec::new(),
        }
    }

    /// The next bytes of the file.
    pub async fn take(&mut self, context: &mut StatementContext<'_>, data: &[u8]) -> Result<()> {
        self.reader.push(data);
        self.drain(context).await?;
        if self.reader.buffered() > RECORD_BYTES_MAX {
            return Err(MySqlError::packet_too_large().into());
        }
        Ok(())
    }

    /// The file is complete. The statement's answer, if its transaction commits.
    pub async fn complete(mut self, context: &mut StatementContext<'_>) -> Result<Outcome> {
        self.reader.end();
        self.drain(context).await?;
        for (name, value) in self.plan.variables.iter().zip(self.variables) {
            context.session.set_user_variable(name, value, self.plan.text.clone())?;
        }
        if let Some(generated) = self.counts.first_generated {
            context.session.last_insert_id = generated;
        }
        let LoadCounts { records, deleted, skipped, .. } = self.counts;
        let warnings = self.eval.convert.warnings.total();
        self.evaluation.absorb(self.eval);
        context.session.keep(&self.evaluation);
        Ok(Outcome::Ok {
            affected_rows: records - skipped + deleted,
            last_insert_id: 0,
            info: format!("Records: {records}  Deleted: {deleted}  Skipped: {skipped}  Warnings: {warnings}"),
            warnings: u16::try_from(warnings).unwrap_or(u16::MAX),
        })
    }

    async fn drain(&mut self, context: &mut StatementContext<'_>) -> Result<()> {
        while let Some(fields) = self.reader.next_record() {
            self.counts.records += 1;
            self.eval.convert.row = self.counts.records;
            self.add(context, &fields).await?;
            if self.batch.rows.len() >= BATCH_ROWS_MAX || self.batch.bytes >= BATCH_BYTES_MAX {
                self.write(context).await?;
            }
        }
        self.write(context).await
    }

    /// Makes a row of a record; it waits for its batch.
    async fn add(&mut self, context: &StatementContext<'_>, fields: &[Field]) -> Result<()> {
        let mut values = self.plan.row(fields, self.counts.records, &mut self.eval)?;
        self.variables = values.split_off(self.plan.defaults.len());
        let generated = self.fill_auto_increment(context, &mut values).await?;
        let complete = generation::complete(&self.plan.table, &mut values, &mut self.eval);
        if generation::unless_left_out(complete, &mut self.eval)?.is_none() {
            self.counts.skipped += 1;
            return Ok(());
        }
        let handle = match self.plan.table.handle_of(&values)? {
            Some(handle) => handle,
            None => Handle::Int(self.next_row_id(context).await?.cast_signed()),
        };
        self.batch.bytes += fields.iter().flatten().map(|field| field.len()).sum::<usize>();
        self.batch.records.push(self.counts.records);
        self.batch.generated.push(generated);
        self.batch.rows.push(StoredRow { handle, values });
        Ok(())
    }

    /// Writes the batch.
    async fn write(&mut self, context: &mut StatementContext<'_>) -> Result<()> {
        context.check_killed()?;
        let Batch { rows, records, generated, .. } = std::mem::take(&mut self.batch);
        if rows.is_empty() {
            return Ok(());
        }
        let table = Arc::clone(&self.plan.table);
        let mut writer = RowWriter::new(&table, self.plan.zone, context.row_locks());
        let unopposed = writer.unopposed(context.writer().await?, &rows).await?;
        let rows = rows.into_iter().zip(records).zip(generated).zip(unopposed);
        for (((row, record), generated), free) in rows {
            if free {
                writer.insert(context.writer().await?, &row, Uniqueness::Known).await?;
            } else {
                self.eval.convert.row = record;
                self.write_opposed(context, &mut writer, row, generated).await?;
            }
            context.transaction.account_writes(self.evaluation.memory())?;
        }
        Ok(())
    }

    /// Writes a row that may meet others: they go, or it does.
    async fn write_opposed(
        &mut self,
        context: &mut StatementContext<'_>,
        writer: &mut RowWriter<'_>,
        mut row: StoredRow,
        generated: bool,
    ) -> Result<()> {
        while let Some(collision) = writer.collision(context.writer().await?, &row).await? {
            if generated && self.is_overtaken(context, collision.index, &row).await? {
                self.renumber(context, &mut row).await?;
                continue;
            }
            if !self.plan.replace {
                self.eval.convert.warnings.warn(writer.duplicate(collision.index, &row));
                self.counts.skipped += 1;
                return Ok(());
            }
            let transaction = context.writer().await?;
            let existing = writer.read(transaction, collision.handle).await?;
            writer.delete(transaction, &existing).await?;
            self.counts.deleted += 1;
        }
        // `collision` has looked at every key just now.
        writer.insert(context.writer().await?, &row, Uniqueness::Known).await
    }

    /// Gives the row its generated value, or moves the counter beyond an explicit one. Whether it was generated.
    async fn fill_auto_increment(
        &mut self,
        context: &StatementContext<'_>,
        values: &mut [Value],
    ) -> Result<bool> {
        let table = Arc::clone(&self.plan.table);
        let Some(column) = table.auto_increment_column() else {
            return Ok(false);
        };
        let Some(slot) = values.get_mut(column.offset) else {
            return Ok(false);
        };
        let explicit = match slot {
            Value::Null | Value::Int(0) | Value::UInt(0) => {
                *slot = self.generate(context, column).await?;
                return Ok(true);
            }
            Value::UInt(id) => *id,
            Value::Int(id) if *id > 0 => id.unsigned_abs(),
            _ => return Ok(false),
        };
        self.given.own = self.given.own.max(explicit);
        context.instance.auto_ids().rebase(&table, explicit).await?;
        Ok(false)
    }

    /// What other nodes have announced is asked for once in a batch.
    async fn generate(&mut self, context: &StatementContext<'_>, column: &ColumnInfo) -> Result<Value> {
        let (ids, table, progression) =
            (context.instance.auto_ids(), &self.plan.table, self.plan.progression);
        let id = if self.batch.generated.contains(&true) {
            ids.allocate_more(table, 1, progression).await?
        } else {
            ids.allocate(table, 1, progression).await?
        };
        self.counts.first_generated.get_or_insert(id);
        convert(&Value::UInt(id), &FieldType::ubigint(), column, &mut self.eval)
    }

    /// Whether the row is in the way only because another session wrote out the value that was generated here.
    async fn is_overtaken(
        &self,
        context: &StatementContext<'_>,
        index: &IndexInfo,
        row: &StoredRow,
    ) -> Result<bool> {
        let Some(column) = self.plan.table.auto_increment_column() else {
            return Ok(false);
        };
        let first = match row.values.get(column.offset) {
            Some(Value::UInt(id)) => *id,
            Some(Value::Int(id)) => id.unsigned_abs(),
            _ => return Ok(false),
        };
        let numbered = index.columns.iter().any(|part| part.offset == column.offset);
        let given = GivenIds { first, ..self.given };
        Ok(numbered && context.instance.auto_ids().overtaken(given).await?)
    }

    /// Gives a row another generated value. Generated columns do not depend on it (MySQL refuses that).
    async fn renumber(&mut self, context: &StatementContext<'_>, row: &mut StoredRow) -> Result<()> {
        let table = Arc::clone(&self.plan.table);
        if let Some(column) = table.auto_increment_column() {
            let value = self.generate(context, column).await?;
            if let Some(slot) = row.values.get_mut(column.offset) {
                *slot = value;
            }
        }
        if let Some(handle) = table.handle_of(&row.values)? {
            row.handle = handle;
        }
        Ok(())
    }

    async fn next_row_id(&mut self, context: &StatementContext<'_>) -> Result<u64> {
        debug_assert_eq!(self.plan.table.handle, HandleKind::RowId);
        if self.row_ids.left == 0 {
            let next = context.instance.auto_ids().allocate_row_ids(&self.plan.table, IDS_PER_CALL).await?;
            self.row_ids = Reserved { next, left: IDS_PER_CALL };
        }
        let id = self.row_ids.next;
        self.row_ids = Reserved { next: id + 1, left: self.row_ids.left - 1 };
        Ok(id)
    }
}
