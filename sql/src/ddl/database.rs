//! CREATE, ALTER and DROP DATABASE.

use async_trait::async_trait;
use rutile_sql_parser::ast;
use rutile_sql_types::{Charset, Collation, MySqlError};

use super::change::{self, Change};
use super::job::{Garbage, Job, Work};
use super::reclaim;
use crate::catalog::{DatabaseInfo, InfoSchema};
use crate::error::{Error, Result};
use crate::meta::MetaTransaction;
use crate::session::StatementContext;

const IDENTIFIER_CHARS_MAX: usize = 64;

struct Create<'a> {
    name: &'a str,
    collation: Collation,
}

#[async_trait]
impl Change for Create<'_> {
    type Output = ();

    async fn apply(&self, schema: &InfoSchema, meta: &mut MetaTransaction) -> Result<()> {
        if schema.database(self.name).is_some() {
            return Err(MySqlError::database_exists(self.name).into());
        }
        let id = meta.allocate_id().await?;
        meta.put_database(&DatabaseInfo { id, name: self.name.to_owned(), collation: self.collation }).await
    }
}

pub async fn create_database(
    context: &mut StatementContext<'_>,
    statement: &ast::CreateDatabase,
) -> Result<u64> {
    let name = statement.name.as_str();
    check_name(name)?;
    refuse_system_schema(context, name)?;
    let default = context.settings().collation_server;
    let collation = collation_of(&statement.options, default)?;
    let _turn = context.instance.ddl_turn(&context.cancellation()).await?;
    match change::apply(context.instance, &Create { name, collation }).await {
        Ok(_) => Ok(1),
        Err(Error::Sql(error)) if error.code == 1007 && statement.if_not_exists => {
            context.note(error);
            Ok(1)
        }
        Err(error) => Err(error),
    }
}

struct Alter<'a> {
    name: &'a str,
    options: &'a ast::DatabaseOptions,
}

#[async_trait]
impl Change for Alter<'_> {
    type Output = ();

    async fn apply(&self, schema: &InfoSchema, meta: &mut MetaTransaction) -> Result<()> {
        let found = schema.database(self.name).ok_or_else(|| MySqlError::unknown_database(self.name))?;
        let collation = collation_of(self.options, found.info.collation)?;
        meta.put_database(&DatabaseInfo { collation, ..found.info.clone() }).await
    }
}

pub async fn alter_database(
    context: &mut StatementContext<'_>,
    statement: &ast::AlterDatabase,
) -> Result<u64> {
    let name = match &statement.name {
        Some(name) => name.as_str().to_owned(),
        None => context.current_database()?.to_owned(),
    };
    refuse_system_schema(context, &name)?;
    if statement.options.read_only.is_some() {
        return Err(Error::unsupported("ALTER DATABASE ... READ ONLY"));
    }
    let _turn = context.instance.ddl_turn(&context.cancellation()).await?;
    change::apply(context.instance, &Alter { name: &name, options: &statement.options }).await?;
    Ok(1)
}

struct Drop<'a> {
    name: &'a str,
}

/// What a dropped database left behind.
struct Dropped {
    tables: u64,
    job: Option<Job>,
}

#[async_trait]
impl Change for Drop<'_> {
    type Output = Dropped;

    async fn apply(&self, schema: &InfoSchema, meta: &mut MetaTransaction) -> Result<Dropped> {
        let found = schema.database(self.name).ok_or_else(|| MySqlError::database_drop_missing(self.name))?;
        let mut garbage = Vec::new();
        for table in found.tables.values() {
            meta.remove_table(found.info.id, table.id).await?;
            garbage.push(Garbage::Table(table.id));
        }
        meta.remove_database(found.info.id).await?;
        let tables = garbage.len() as u64;
        let job = if garbage.is_empty() {
            None
        } else {
            let job = Job { id: meta.allocate_id().await?, work: Work::Reclaim(garbage) };
            meta.put_job(&job)?;
            Some(job)
        };
        Ok(Dropped { tables, job })
    }
}

pub async fn drop_database(context: &mut StatementContext<'_>, statement: &ast::DropDatabase) -> Result<u64> {
    let name = statement.name.as_str();
    refuse_system_schema(context, name)?;
    let _turn = context.instance.ddl_turn(&context.cancellation()).await?;
    let dropped = match change::apply(context.instance, &Drop { name }).await {
        Ok(changed) => changed,
        Err(Error::Sql(error)) if error.code == 1008 && statement.if_exists => {
            context.note(error);
            return Ok(0);
        }
        Err(error) => return Err(error),
    };
    if let Some(job) = dropped.output.job {
        reclaim::start(context.instance, job, dropped.version);
    }
    if context.session.database.as_deref() == Some(name) {
        context.session.database = None;
    }
    Ok(dropped.output.tables)
}

/// Names MySQL refuses: 1102 and 1059.
fn check_name(name: &str) -> Result<()> {
    if name.chars().count() > IDENTIFIER_CHARS_MAX {
        return Err(MySqlError::identifier_too_long(name).into());
    }
    if name.is_empty() || name.ends_with(' ') {
        return Err(MySqlError::wrong_database_name(name).into());
    }
    Ok(())
}

/// The computed databases cannot be created, altered or dropped (error 1044).
pub(super) fn refuse_system_schema(context: &StatementContext<'_>, name: &str) -> Result<()> {
    if crate::infoschema::is_virtual_database(name) {
        let info = &context.session.info;
        return Err(MySqlError::database_access_denied(&info.user, &info.host, name).into());
    }
    Ok(())
}

/// The collation that CHARACTER SET and COLLATE name together; each alone implies the other.
fn collation_of(options: &ast::DatabaseOptions, default: Collation) -> Result<Collation> {
    if options.encryption.as_deref().is_some_and(|value| !value.eq_ignore_ascii_case("n")) {
        return Err(Error::unsupported("ENCRYPTION"));
    }
    let charset = options.charset.as_ref().map(|name| name.as_str());
    let collation = options.collation.as_ref().map(|name| name.as_str());
    resolve_collation(charset, collation, default)
}

/// Combines an optional character set and an optional collation; 1253 if they disagree.
pub(super) fn resolve_collation(
    charset: Option<&str>,
    collation: Option<&str>,
    default: Collation,
) -> Result<Collation> {
    let charset = match charset {
        Some(name) if !name.eq_ignore_ascii_case("default") => Some(Charset::from_name(name)?),
        _ => None,
    };
    let collation = match collation {
        Some(name) if !name.eq_ignore_ascii_case("default") => Some(Collation::from_name(name)?),
        _ => None,
    };
    match (charset, collation) {
        (None, None) => Ok(default),
        (Some(charset), None) => Ok(charset.default_collation()),
        (None, Some(collation)) => Ok(collation),
        (Some(charset), Some(collation)) if collation.charset() == charset => Ok(collation),
        (Some(charset), Some(collation)) => {
            Err(MySqlError::collation_charset_mismatch(collation.name(), charset.name()).into())
        }
    }
}
