//! DROP TABLE and TRUNCATE TABLE.

use async_trait::async_trait;
use rutile_sql_parser::ast;
use rutile_sql_types::MySqlError;

use super::change::{self, Change};
use super::database::refuse_system_schema;
use super::job::{Garbage, Job, Work};
use super::reclaim;
use crate::catalog::{InfoSchema, TableInfo};
use crate::error::{Error, Result};
use crate::meta::MetaTransaction;
use crate::session::StatementContext;

struct Drop {
    /// Database and table names; all of them exist or nothing is dropped.
    tables: Vec<(String, String)>,
    if_exists: bool,
}

struct Dropped {
    missing: Vec<String>,
    job: Option<Job>,
}

#[async_trait]
impl Change for Drop {
    type Output = Dropped;

    async fn apply(&self, schema: &InfoSchema, meta: &mut MetaTransaction) -> Result<Dropped> {
        let mut missing = Vec::new();
        let mut garbage = Vec::new();
        for (database, name) in &self.tables {
            let table = schema.table(database, name).filter(|table| table.view.is_none());
            let found = schema.database(database).zip(table);
            let Some((database_schema, table)) = found else {
                missing.push(format!("{database}.{name}"));
                continue;
            };
            meta.remove_table(database_schema.info.id, table.id).await?;
            garbage.push(Garbage::Table(table.id));
        }
        // DROP TABLE is atomic since MySQL 8.0: one missing table and none is dropped.
        if !missing.is_empty() && !self.if_exists {
            return Err(MySqlError::unknown_table(missing.join(",")).into());
        }
        let job = store_reclaim(meta, garbage).await?;
        Ok(Dropped { missing, job })
    }
}

async fn store_reclaim(meta: &mut MetaTransaction, garbage: Vec<Garbage>) -> Result<Option<Job>> {
    if garbage.is_empty() {
        return Ok(None);
    }
    let job = Job { id: meta.allocate_id().await?, work: Work::Reclaim(garbage) };
    meta.put_job(&job)?;
    Ok(Some(job))
}

pub async fn drop_table(context: &mut StatementContext<'_>, statement: &ast::DropTable) -> Result<()> {
    let mut tables: Vec<(String, String)> = Vec::with_capacity(statement.tables.len());
    for name in &statement.tables {
        let database = context.database_of(name)?.to_owned();
        refuse_system_schema(context, &database)?;
        let table = name.name.value.clone();
        if tables.iter().any(|(d, t)| *d == database && *t == table) {
            return Err(MySqlError::not_unique_table(&table).into());
        }
        tables.push((database, table));
    }
    if statement.temporary {
        // No temporary table can exist, so none is found; DROP TEMPORARY never touches a base table.
        for (database, table) in &tables {
            let error = MySqlError::unknown_table(format_args!("{database}.{table}"));
            if !statement.if_exists {
                return Err(error.into());
            }
            context.note(error);
        }
        return Ok(());
    }
    let _turn = context.instance.ddl_turn(&context.cancellation()).await?;
    let change = Drop { tables, if_exists: statement.if_exists };
    let dropped = change::apply(context.instance, &change).await?;
    for name in dropped.output.missing {
        context.note(MySqlError::unknown_table(name));
    }
    if let Some(job) = dropped.output.job {
        reclaim::start(context.instance, job, dropped.version);
    }
    Ok(())
}

struct Truncate<'a> {
    database: &'a str,
    table: &'a str,
}

#[async_trait]
impl Change for Truncate<'_> {
    type Output = Option<Job>;

    /// The table starts again under a new id, empty; the old id's data is reclaimed like a dropped table's.
    async fn apply(&self, schema: &InfoSchema, meta: &mut MetaTransaction) -> Result<Option<Job>> {
        let missing = || MySqlError::no_such_table(self.database, self.table);
        let database = schema.database(self.database).ok_or_else(missing)?;
        let table = schema
            .table(self.database, self.table)
            .filter(|table| table.view.is_none())
            .ok_or_else(missing)?;
        if !is_settled(table) {
            return Err(Error::unsupported("TRUNCATE TABLE during ALTER TABLE"));
        }
        meta.remove_table(database.info.id, table.id).await?;
        let mut fresh = TableInfo::clone(table);
        fresh.id = meta.allocate_id().await?;
        fresh.auto_increment_start = 0;
        meta.put_table(database.info.id, &mut fresh).await?;
        store_reclaim(meta, vec![Garbage::Table(table.id)]).await
    }
}

/// No element is on its way in or out.
pub(super) fn is_settled(table: &TableInfo) -> bool {
    table.columns.iter().all(|column| column.state.is_public())
        && table.indexes.iter().all(|index| index.state.is_public())
}

pub async fn truncate_table(context: &mut StatementContext<'_>, name: &ast::ObjectName) -> Result<()> {
    let database = context.database_of(name)?.to_owned();
    if crate::infoschema::is_host_cache(&database, name.name.as_str()) {
        context.instance.host_cache().clear();
        return Ok(());
    }
    refuse_system_schema(context, &database)?;
    let _turn = context.instance.ddl_turn(&context.cancellation()).await?;
    let change = Truncate { database: &database, table: name.name.as_str() };
    let truncated = change::apply(context.instance, &change).await?;
    if let Some(job) = truncated.output {
        reclaim::start(context.instance, job, truncated.version);
    }
    Ok(())
}
