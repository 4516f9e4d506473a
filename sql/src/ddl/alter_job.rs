//! From the table that is to the table that is wanted, through the F1 states.
//!
//! ```text
//! source ─ EnterDeleteOnly ─ EnterWriteOnly ─ Backfill ─┐ flip ┌─ LeaveWriteOnly ─ LeaveDeleteOnly ─ target
//!          (new elements hidden, old ones public)       └──────┘ (new ones public, old ones hidden)
//! ```
//!
//! Stages without anything to enter or leave are skipped, so a rename is one step. Every stage is one catalog
//! change; before the next one, users of the older definition are waited for. If the backfill finds a
//! duplicate, the new elements leave again and the statement fails.

use std::collections::BTreeSet;
use std::task::{Context, Waker};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use rutile_sql_types::MySqlError;

use super::change::{self, Change};
use super::job::{Alter, Garbage, Job, Progress, Stage, Work};
use super::{backfill, reclaim};
use crate::catalog::{ColumnId, ColumnInfo, IndexId, InfoSchema, SchemaState, TableInfo};
use crate::cluster;
use crate::error::{Error, Result};
use crate::meta::MetaTransaction;
use crate::session::{Cancellation, Instance};

/// Brings a new job under way and to its end.
pub(super) async fn start(instance: &Instance, job: Job, cancellation: &Cancellation) -> Result<()> {
    let Work::Alter(alter) = job.work else {
        return Err(Error::internal("not an ALTER TABLE job"));
    };
    let stage = first_stage(&alter);
    drive(instance, job.id, Alter { stage, ..*alter }, cancellation).await
}

/// Continues a stored job.
pub(super) async fn run(instance: &Instance, job: Job) -> Result<()> {
    let Work::Alter(alter) = job.work else {
        return Err(Error::internal("not an ALTER TABLE job"));
    };
    drive(instance, job.id, *alter, &Cancellation::never()).await
}

async fn drive(
    instance: &Instance,
    mut id: i64,
    mut alter: Alter,
    cancellation: &Cancellation,
) -> Result<()> {
    loop {
        let step = Step { id, alter: &alter };
        let changed = change::apply(instance, &step).await?;
        id = changed.output.id;
        if alter.stage == Stage::Done {
            if let Some(job) = changed.output.reclaim {
                reclaim::start(instance, job, changed.version);
            }
            return Ok(());
        }
        let table = alter.source.id;
        let mut outcome = wait(instance, table, changed.version, cancellation).await;
        if outcome.is_ok() && alter.stage == Stage::Backfill {
            outcome = backfill_entering(instance, id, &mut alter, cancellation).await;
        }
        match outcome {
            Ok(()) => {
                alter.stage = next_stage(&alter);
                alter.progress.next = None;
            }
            // Nothing new is public yet: the new elements leave again and the statement fails.
            Err(error) if alter.stage < Stage::LeaveWriteOnly => {
                undo(instance, id, &alter, cancellation).await?;
                return Err(error);
            }
            // The flip has happened; there is no way back, and nothing but waiting can have failed. If this node cannot
            // go on, the job stays for another one.
            Err(_) => wait(instance, table, changed.version, &Cancellation::never()).await?,
        }
    }
}

/// Takes the new elements away again, in the order that is safe for statements that already write them. Statements that
/// are met are waited for no longer than the ALTER itself waits; the rest of the way is gone behind its back.
async fn undo(instance: &Instance, id: i64, alter: &Alter, cancellation: &Cancellation) -> Result<()> {
    let entered = at_stage(alter);
    let mut back = Alter {
        database: alter.database,
        source: entered,
        target: alter.source.clone(),
        stage: Stage::LeaveWriteOnly,
        progress: Progress::default(),
        sql_mode: alter.sql_mode,
    };
    back.target.next_column_id = alter.target.next_column_id;
    back.target.next_index_id = alter.target.next_index_id;
    if alter.stage == Stage::EnterDeleteOnly {
        // Nobody has written to them: with statements that know nothing of them those that only delete there agree.
        back.stage = Stage::Done;
    }
    let mut retreat = Retreat { id, back, version: 0 };
    while !retreat.step(instance).await? {
        let waited = wait(instance, retreat.back.source.id, retreat.version, cancellation).await;
        if waited.is_err() {
            retreat.go_on_alone(instance);
            return Ok(());
        }
        retreat.back.stage = next_stage(&retreat.back);
    }
    Ok(())
}

/// The way back of an ALTER TABLE that failed.
struct Retreat {
    id: i64,
    back: Alter,
    /// Of the last step.
    version: i64,
}

impl Retreat {
    /// Takes the step of this stage; true after the last one. The caller holds the instance's DDL turn.
    async fn step(&mut self, instance: &Instance) -> Result<bool> {
        let changed = change::apply(instance, &Step { id: self.id, alter: &self.back }).await?;
        (self.id, self.version) = (changed.output.id, changed.version);
        if let Some(job) = changed.output.reclaim {
            reclaim::start(instance, job, changed.version);
        }
        Ok(self.back.stage == Stage::Done)
    }

    /// Goes the rest of the way in the background: other schema changes need not wait for statements that this one met.
    /// Among several SQL nodes they do, since whoever may change the schema next finishes what was left first.
    fn go_on_alone(self, instance: &Instance) {
        let (id, worker) = (self.id, instance.clone());
        let work = async move {
            let finished = match worker.membership() {
                Some(_) => worker.ddl_turn(&Cancellation::never()).await.map(drop),
                None => self.finish(&worker).await,
            };
            if let Err(error) = finished {
                tracing::warn!(job = id, %error, "an ALTER TABLE is undone at the next start only");
            }
        };
        let mut work: BoxFuture<'static, ()> = Box::pin(work);
        // Before the caller gives its turn away: then no statement can come first, and wait here for longer than it may.
        if work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            instance.spawn("sql-ddl-undo", work);
        }
    }

    async fn finish(mut self, instance: &Instance) -> Result<()> {
        loop {
            cluster::wait_for_older(instance, self.back.source.id, self.version).await?;
            self.back.stage = next_stage(&self.back);
            let _turn = instance.ddl_turn(&Cancellation::never()).await?;
            if self.step(instance).await? {
                return Ok(());
            }
        }
    }
}

/// Waits for users of older definitions, at most `lock_wait_timeout`.
async fn wait(instance: &Instance, table: i64, version: i64, cancellation: &Cancellation) -> Result<()> {
    let timeout = instance.env().clock.sleep(Duration::from_secs(cancellation.lock_wait_timeout_s()));
    tokio::select! {
        // A killed statement that meets nobody still goes all the way back.
        biased;
        cleared = cluster::wait_for_older(instance, table, version) => cleared,
        () = timeout => Err(MySqlError::lock_wait_timeout().into()),
        () = cancellation.cancelled() => Err(MySqlError::query_interrupted().into()),
    }
}

async fn backfill_entering(
    instance: &Instance,
    id: i64,
    alter: &mut Alter,
    cancellation: &Cancellation,
) -> Result<()> {
    let table = at_stage(alter);
    let (indexes, known) = (entering_indexes(alter), column_ids(&alter.source));
    let is_new = |column: &&ColumnInfo| !known.contains(&column.id);
    let stored = |column: &&ColumnInfo| column.generated.as_ref().is_some_and(|generated| generated.stored);
    let entering = backfill::Entering {
        table: &table,
        indexes: table.indexes.iter().filter(|index| indexes.contains(&index.id)).collect(),
        columns: table.columns.iter().filter(is_new).filter(stored).collect(),
    };
    if entering.is_empty() {
        return Ok(());
    }
    backfill::run(instance, id, alter, &entering, cancellation).await
}

fn first_stage(alter: &Alter) -> Stage {
    if has_entering(alter) {
        Stage::EnterDeleteOnly
    } else if has_leaving(alter) {
        Stage::LeaveWriteOnly
    } else {
        Stage::Done
    }
}

fn next_stage(alter: &Alter) -> Stage {
    match alter.stage {
        Stage::EnterDeleteOnly => Stage::EnterWriteOnly,
        Stage::EnterWriteOnly => Stage::Backfill,
        Stage::Backfill if has_leaving(alter) => Stage::LeaveWriteOnly,
        Stage::LeaveWriteOnly => Stage::LeaveDeleteOnly,
        Stage::Backfill | Stage::LeaveDeleteOnly | Stage::Done => Stage::Done,
    }
}

fn column_ids(table: &TableInfo) -> BTreeSet<ColumnId> {
    table.columns.iter().map(|column| column.id).collect()
}

fn index_ids(table: &TableInfo) -> BTreeSet<IndexId> {
    table.indexes.iter().map(|index| index.id).collect()
}

fn entering_indexes(alter: &Alter) -> BTreeSet<IndexId> {
    &index_ids(&alter.target) - &index_ids(&alter.source)
}

fn leaving_indexes(alter: &Alter) -> BTreeSet<IndexId> {
    &index_ids(&alter.source) - &index_ids(&alter.target)
}

fn has_entering(alter: &Alter) -> bool {
    !entering_indexes(alter).is_empty()
        || !(&column_ids(&alter.target) - &column_ids(&alter.source)).is_empty()
}

fn has_leaving(alter: &Alter) -> bool {
    !leaving_indexes(alter).is_empty()
        || !(&column_ids(&alter.source) - &column_ids(&alter.target)).is_empty()
}

/// The definition that is in force at the job's stage.
pub(super) fn at_stage(alter: &Alter) -> TableInfo {
    let (base, other, state) = match alter.stage {
        Stage::EnterDeleteOnly => (&alter.source, &alter.target, SchemaState::DeleteOnly),
        Stage::EnterWriteOnly => (&alter.source, &alter.target, SchemaState::WriteOnly),
        Stage::Backfill => (&alter.source, &alter.target, SchemaState::WriteReorganization),
        Stage::LeaveWriteOnly => (&alter.target, &alter.source, SchemaState::WriteOnly),
        Stage::LeaveDeleteOnly => (&alter.target, &alter.source, SchemaState::DeleteOnly),
        Stage::Done => return alter.target.clone(),
    };
    let mut table = with_hidden(base, other, state);
    table.next_column_id = alter.target.next_column_id.max(alter.source.next_column_id);
    table.next_index_id = alter.target.next_index_id.max(alter.source.next_index_id);
    table
}

/// `base` and, hidden behind it, what only `other` has.
fn with_hidden(base: &TableInfo, other: &TableInfo, state: SchemaState) -> TableInfo {
    let mut table = base.clone();
    let known = column_ids(base);
    for column in other.columns.iter().filter(|column| !known.contains(&column.id)) {
        let mut hidden = column.clone();
        hidden.offset = table.columns.len();
        hidden.state = state;
        table.columns.push(hidden);
    }
    let known = index_ids(base);
    for index in other.indexes.iter().filter(|index| !known.contains(&index.id)) {
        let mut hidden = index.clone();
        hidden.state = state;
        for part in &mut hidden.columns {
            let id = other.columns.get(part.offset).map(|column| column.id);
            if let Some(column) = table.columns.iter().find(|column| Some(column.id) == id) {
                part.offset = column.offset;
                part.name.clone_from(&column.name);
            }
        }
        table.indexes.push(hidden);
    }
    table
}

/// Writes the definition of one stage, and the job beside it.
struct Step<'a> {
    /// 0: the job has no id yet.
    id: i64,
    alter: &'a Alter,
}

struct Stepped {
    id: i64,
    reclaim: Option<Job>,
}

#[async_trait]
impl Change for Step<'_> {
    type Output = Stepped;

    async fn apply(&self, schema: &InfoSchema, meta: &mut MetaTransaction) -> Result<Stepped> {
        let alter = self.alter;
        let Some(current) = schema.table_by_id(alter.source.id) else {
            meta.remove_job(self.id);
            return Err(MySqlError::unknown_table(&alter.source.name).into());
        };
        let mut table = at_stage(alter);
        table.name.clone_from(&current.name);
        meta.put_table(alter.database, &mut table).await?;
        let done = alter.stage == Stage::Done;
        if done {
            if self.id != 0 {
                meta.remove_job(self.id);
            }
            let garbage: Vec<Garbage> =
                leaving_indexes(alter).into_iter().map(|index| Garbage::Index(table.id, index)).collect();
            if garbage.is_empty() {
                return Ok(Stepped { id: self.id, reclaim: None });
            }
            let job = Job { id: meta.allocate_id().await?, work: Work::Reclaim(garbage) };
            meta.put_job(&job)?;
            return Ok(Stepped { id: self.id, reclaim: Some(job) });
        }
        let id = if self.id == 0 { meta.allocate_id().await? } else { self.id };
        meta.put_job(&Job { id, work: Work::Alter(Box::new(alter.clone())) })?;
        Ok(Stepped { id, reclaim: None })
    }
}
