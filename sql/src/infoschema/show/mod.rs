//! SHOW: each form is a list of columns and rows, then LIKE or WHERE over the output.
//!
//! `objects.rs` databases, tables, columns, indexes; `create.rs` SHOW CREATE; `server.rs` variables, processes,
//! engines, character sets, privileges; `regions.rs` SHOW TABLE REGIONS; `listing.rs` the columns of all forms; `filter.rs` LIKE and WHERE.

mod create;
mod filter;
mod listing;
mod objects;
mod regions;
mod server;

use rutile_sql_parser::ast::{Show, ShowFilter};
use rutile_sql_types::Value;

use crate::error::Result;
use crate::session::{ColumnMeta, Outcome, StatementContext};

/// Runs a SHOW statement.
pub async fn show(context: &mut StatementContext<'_>, show: &Show) -> Result<Outcome> {
    let columns = listing::columns(context, show)?;
    let rows = rows(context, show).await?;
    let (rows, columns) = filter::apply(context, show, columns, rows)?;
    Ok(Outcome::values(columns, rows))
}

/// The result columns, for PREPARE.
pub fn show_columns(context: &StatementContext<'_>, show: &Show) -> Result<Vec<ColumnMeta>> {
    listing::columns(context, show)
}

async fn rows(context: &mut StatementContext<'_>, show: &Show) -> Result<Vec<Vec<Value>>> {
    match show {
        Show::Databases { .. } => Ok(objects::databases(context)),
        Show::Tables { full, database, .. } => objects::tables(context, database.as_ref(), *full),
        Show::TableStatus { database, .. } => objects::table_status(context, database.as_ref()).await,
        Show::OpenTables { .. } => Ok(Vec::new()),
        Show::Columns { full, table, .. } => objects::columns(context, table, *full),
        Show::Index { table, .. } => objects::indexes(context, table),
        Show::CreateTable(name) => create::table(context, name).await,
        Show::CreateView(name) => create::view(context, name),
        Show::CreateDatabase { if_not_exists, name } => {
            create::database(context, name.as_str(), *if_not_exists)
        }
        Show::Variables { scope, .. } => Ok(server::variables(context, *scope)),
        Show::Status { .. } => Ok(server::status(context)),
        Show::Warnings { limit } => server::warnings(context, false, limit.as_ref()),
        Show::Errors { limit } => server::warnings(context, true, limit.as_ref()),
        Show::CountWarnings => Ok(server::count(context, false)),
        Show::CountErrors => Ok(server::count(context, true)),
        Show::Engines => Ok(server::engines()),
        Show::Plugins
        | Show::BinaryLogStatus
        | Show::ReplicaStatus { .. }
        | Show::Replicas
        | Show::Profiles => Ok(Vec::new()),
        Show::Processlist { full } => server::processlist(context, *full).await,
        Show::Grants { account, .. } => server::grants(context, account.as_ref()),
        Show::Privileges => Ok(server::privileges()),
        Show::CharacterSet { .. } => Ok(server::character_sets()),
        Show::Collation { .. } => Ok(server::collations()),
        Show::Triggers { database, .. } | Show::Events { database, .. } => {
            objects::check_database(context, database.as_ref())?;
            Ok(Vec::new())
        }
        Show::ProcedureStatus { .. } | Show::FunctionStatus { .. } => Ok(Vec::new()),
        Show::TableRegions { table, index } => regions::regions(context, table, index.as_ref()).await,
        other => Err(listing::unsupported(other)),
    }
}

/// The LIKE or WHERE of a statement.
fn filter_of(show: &Show) -> Option<&ShowFilter> {
    match show {
        Show::Databases { filter }
        | Show::Tables { filter, .. }
        | Show::TableStatus { filter, .. }
        | Show::OpenTables { filter, .. }
        | Show::Columns { filter, .. }
        | Show::Variables { filter, .. }
        | Show::Status { filter, .. }
        | Show::CharacterSet { filter }
        | Show::Collation { filter }
        | Show::Triggers { filter, .. }
        | Show::Events { filter, .. }
        | Show::ProcedureStatus { filter }
        | Show::FunctionStatus { filter } => filter.as_ref(),
        _ => None,
    }
}
