//! ADMIN SHOW DDL JOBS: the jobs that are not finished, the oldest first, with TiDB's columns.
//!
//! ROW_COUNT is how many rows a backfill has behind it. Deliberately missing: finished jobs and times, which are not
//! kept.

use rutile_sql_types::{Collation, FieldType, Value};

use crate::catalog::InfoSchema;
use crate::ddl::job::{Alter, Job, Stage, Work};
use crate::ddl::unfinished_jobs;
use crate::error::Result;
use crate::session::{ColumnMeta, Instance, Outcome};

const NAME_CHARS: u32 = 64;

/// Jobs without a LIMIT, as in TiDB.
const LIMIT: u64 = 10;

pub async fn ddl_jobs(instance: &Instance, limit: Option<u64>) -> Result<Outcome> {
    let schema = instance.infoschema();
    let limit = usize::try_from(limit.unwrap_or(LIMIT)).unwrap_or(usize::MAX);
    let jobs = unfinished_jobs(instance).await?;
    let rows = jobs.iter().take(limit).enumerate().map(|(place, job)| row(&schema, job, place)).collect();
    Ok(Outcome::values(columns(), rows))
}

fn columns() -> Vec<ColumnMeta> {
    let number = |name: &'static str| ColumnMeta::computed(name, FieldType::bigint());
    let text =
        |name: &'static str| ColumnMeta::computed(name, FieldType::varchar(NAME_CHARS, Collation::DEFAULT));
    let time = |name: &'static str| ColumnMeta::computed(name, FieldType::datetime(0));
    vec![
        number("JOB_ID"),
        text("DB_NAME"),
        text("TABLE_NAME"),
        text("JOB_TYPE"),
        text("SCHEMA_STATE"),
        number("SCHEMA_ID"),
        number("TABLE_ID"),
        number("ROW_COUNT"),
        time("CREATE_TIME"),
        time("START_TIME"),
        time("END_TIME"),
        text("STATE"),
        text("COMMENTS"),
    ]
}

fn row(schema: &InfoSchema, job: &Job, place: usize) -> Vec<Value> {
    let state = Value::text(if place == 0 { "running" } else { "queueing" });
    let head = match &job.work {
        Work::Alter(alter) => {
            let database = schema.database_of(alter.source.id).map(|schema| schema.info.name.as_str());
            vec![
                Value::text(database.unwrap_or_default()),
                Value::text(&alter.source.name),
                Value::text(kind_of(alter)),
                Value::text(state_of(alter.stage)),
                Value::Int(alter.database),
                Value::Int(alter.source.id),
                Value::Int(i64::try_from(alter.progress.rows).unwrap_or(i64::MAX)),
            ]
        }
        Work::Reclaim(_) => vec![
            Value::text(""),
            Value::text(""),
            Value::text("delete range"),
            Value::text("none"),
            Value::Null,
            Value::Null,
            Value::Int(0),
        ],
    };
    let times = [Value::Null, Value::Null, Value::Null];
    std::iter::once(Value::Int(job.id)).chain(head).chain(times).chain([state, Value::text("")]).collect()
}

fn kind_of(alter: &Alter) -> &'static str {
    let (old, new) = (&alter.source, &alter.target);
    if new.columns.iter().any(|column| old.columns.iter().all(|known| known.id != column.id)) {
        "add column"
    } else if new.indexes.iter().any(|index| old.indexes.iter().all(|known| known.id != index.id)) {
        "add index"
    } else if new.columns.len() < old.columns.len() {
        "drop column"
    } else if new.indexes.len() < old.indexes.len() {
        "drop index"
    } else {
        "alter table"
    }
}

fn state_of(stage: Stage) -> &'static str {
    match stage {
        Stage::EnterDeleteOnly | Stage::LeaveDeleteOnly => "delete only",
        Stage::EnterWriteOnly | Stage::LeaveWriteOnly => "write only",
        Stage::Backfill => "write reorganization",
        Stage::Done => "public",
    }
}
