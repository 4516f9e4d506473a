//! From fields to stored rows, inside the load's own transaction.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use rutile_kv_client::Transaction;
use rutile_sql_functions::EvalContext;
use rutile_sql_types::{Collation, FieldType, MySqlError, TimeZone, Value};

use super::fields::{Field, FieldReader};
use crate::catalog::{HandleKind, TableInfo};
use crate::codec::Handle;
use crate::error::{Error, Result, SqlError};
use crate::executor::column_values::{Strictness, convert, implicit_default, reject_null};
use crate::executor::write_row::{RowWriter, StoredRow, Uniqueness};
use crate::generation;
use crate::memory::{StatementMemory, WritesHeld};
use crate::meta::auto_id::Progression;
use crate::session::{Cancellation, Instance, LoadSink, Outcome};
use crate::txn::{RowLocks, buffered};

/// A record longer than this is an error instead of memory.
const RECORD_BYTES_MAX: usize = 64 << 20;
/// Hidden row ids and AUTO_INCREMENT values are taken from the allocator this many at a time.
const IDS_PER_CALL: u64 = 512;
/// Rows after which the load looks whether it was killed.
const ROWS_PER_KILL_CHECK: u64 = 64;

/// Where a field of the file goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldTarget {
    /// The column at this offset.
    Column(usize),
    Skip,
}

/// What every row of the load shares.
pub(super) struct RowPlan {
    pub table: Arc<TableInfo>,
    /// REPLACE: rows in the way are deleted; otherwise the new row is skipped.
    pub replace: bool,
    pub targets: Vec<FieldTarget>,
    /// By column offset.
    pub defaults: Vec<Value>,
    /// Of the file's text.
    pub collation: Collation,
    pub zone: TimeZone,
    pub progression: Progression,
}

#[derive(Debug, Default)]
struct LoadCounts {
    records: u64,
    deleted: u64,
    skipped: u64,
}

/// Ids reserved ahead.
#[derive(Debug, Default)]
struct Reserved {
    next: u64,
    left: u64,
}

/// The sink of one LOAD DATA.
pub(super) struct Loader {
    instance: Instance,
    transaction: Transaction,
    plan: RowPlan,
    reader: FieldReader,
    eval: EvalContext,
    cancellation: Cancellation,
    memory: Arc<StatementMemory>,
    writes: WritesHeld,
    text: FieldType,
    counts: LoadCounts,
    row_ids: Reserved,
}

impl Loader {
    pub fn new(
        instance: Instance,
        transaction: Transaction,
        plan: RowPlan,
        reader: FieldReader,
        eval: EvalContext,
        cancellation: Cancellation,
        memory: Arc<StatementMemory>,
    ) -> Self {
        let text = FieldType::varchar(u32::from(u16::MAX), plan.collation);
        Self {
            instance,
            transaction,
            plan,
            reader,
            eval,
            cancellation,
            memory,
            writes: WritesHeld::default(),
            text,
            counts: LoadCounts::default(),
            row_ids: Reserved::default(),
        }
    }

    async fn drain(&mut self) -> Result<()> {
        let table = Arc::clone(&self.plan.table);
        let mut writer = RowWriter::new(&table, self.plan.zone, RowLocks::none());
        while let Some(fields) = self.reader.next_record() {
            self.counts.records += 1;
            self.eval.convert.row = self.counts.records;
            let row = self.row(&fields)?;
            self.write(&mut writer, row).await?;
            self.writes.set(buffered(&self.transaction), &self.memory)?;
            if self.counts.records.is_multiple_of(ROWS_PER_KILL_CHECK) {
                self.check_killed()?;
            }
        }
        self.check_killed()?;
        if self.reader.buffered() > RECORD_BYTES_MAX {
            return Err(MySqlError::packet_too_large().into());
        }
        Ok(())
    }

    fn check_killed(&self) -> Result<()> {
        if self.cancellation.is_cancelled() {
            return Err(MySqlError::query_interrupted().into());
        }
        Ok(())
    }

    /// Values by column offset; too few or too many fields are warnings (1261, 1262).
    fn row(&mut self, fields: &[Field]) -> Result<Vec<Value>> {
        let lenient = Strictness { strict: false, ignore: true };
        let mut values = self.plan.defaults.clone();
        for (position, target) in self.plan.targets.iter().enumerate() {
            let FieldTarget::Column(offset) = *target else {
                continue;
            };
            let column =
                self.plan.table.columns.get(offset).ok_or_else(|| Error::internal("column offset"))?;
            let value = match fields.get(position) {
                Some(Some(text)) => convert(&Value::Bytes(text.clone()), &self.text, column, &mut self.eval)?,
                Some(None) if column.auto_increment => Value::Null,
                Some(None) => reject_null(Value::Null, column, lenient, &mut self.eval)?,
                None => {
                    self.eval.convert.warnings.warn(MySqlError::too_few_records(self.counts.records));
                    if column.ty.not_null && !column.auto_increment {
                        implicit_default(&column.ty)
                    } else {
                        Value::Null
                    }
                }
            };
            if let Some(slot) = values.get_mut(offset) {
                *slot = value;
            }
        }
        if fields.len() > self.plan.targets.len() {
            self.eval.convert.warnings.warn(MySqlError::too_many_records(self.counts.records));
        }
        Ok(values)
    }

    async fn write(&mut self, writer: &mut RowWriter<'_>, mut values: Vec<Value>) -> Result<()> {
        self.fill_auto_increment(&mut values).await?;
        let complete = generation::complete(&self.plan.table, &mut values, &mut self.eval);
        if generation::unless_left_out(complete, &mut self.eval)?.is_none() {
            self.counts.skipped += 1;
            return Ok(());
        }
        let handle = match self.plan.table.handle_of(&values)? {
            Some(handle) => handle,
            None => Handle::Int(self.next_row_id().await?.cast_signed()),
        };
        let row = StoredRow { handle, values };
        while let Some(collision) = writer.collision(&mut self.transaction, &row).await? {
            if !self.plan.replace {
                self.eval.convert.warnings.warn(writer.duplicate(collision.index, &row));
                self.counts.skipped += 1;
                return Ok(());
            }
            let existing = writer.read(&mut self.transaction, collision.handle).await?;
            writer.delete(&mut self.transaction, &existing).await?;
            self.counts.deleted += 1;
        }
        // `collision` has looked at every key just now.
        writer.insert(&mut self.transaction, &row, Uniqueness::Known).await
    }

    async fn fill_auto_increment(&mut self, values: &mut [Value]) -> Result<()> {
        let Some(column) = self.plan.table.auto_increment_column() else {
            return Ok(());
        };
        let Some(slot) = values.get_mut(column.offset) else {
            return Ok(());
        };
        let ids = self.instance.auto_ids();
        match slot {
            Value::Null | Value::Int(0) | Value::UInt(0) => {
                let id = ids.allocate(&self.plan.table, 1, self.plan.progression).await?;
                *slot = convert(&Value::UInt(id), &FieldType::ubigint(), column, &mut self.eval)?;
            }
            Value::UInt(id) => ids.rebase(&self.plan.table, *id).await?,
            Value::Int(id) if *id > 0 => ids.rebase(&self.plan.table, id.unsigned_abs()).await?,
            _ => {}
        }
        Ok(())
    }

    async fn next_row_id(&mut self) -> Result<u64> {
        debug_assert_eq!(self.plan.table.handle, HandleKind::RowId);
        if self.row_ids.left == 0 {
            let next = self.instance.auto_ids().allocate_row_ids(&self.plan.table, IDS_PER_CALL).await?;
            self.row_ids = Reserved { next, left: IDS_PER_CALL };
        }
        let id = self.row_ids.next;
        self.row_ids = Reserved { next: id + 1, left: self.row_ids.left - 1 };
        Ok(id)
    }

    async fn complete(&mut self) -> Result<Outcome> {
        self.reader.end();
        self.drain().await?;
        self.transaction.commit().await?;
        let LoadCounts { records, deleted, skipped } = self.counts;
        let warnings = self.eval.convert.warnings.total();
        Ok(Outcome::Ok {
            affected_rows: records - skipped + deleted,
            last_insert_id: 0,
            info: format!("Records: {records}  Deleted: {deleted}  Skipped: {skipped}  Warnings: {warnings}"),
            warnings: u16::try_from(warnings).unwrap_or(u16::MAX),
        })
    }
}

#[async_trait]
impl LoadSink for Loader {
    async fn chunk(&mut self, data: Bytes) -> Result<(), SqlError> {
        self.reader.push(&data);
        Ok(self.drain().await?)
    }

    async fn finish(mut self: Box<Self>) -> Result<Outcome, SqlError> {
        Ok(self.complete().await?)
    }
}
