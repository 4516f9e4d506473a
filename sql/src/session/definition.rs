//! DDL statements: implicit commit, then the change.

use std::sync::Arc;

use rutile_sql_parser::ast::{self, AlterAction};
use rutile_sql_parser::{Statement, StatementKind};

use super::outcome::Outcome;
use super::session::Session;
use super::{dml, transaction_control};
use crate::ddl;
use crate::error::{Error, Result};

/// The session is not registered as a user of the catalog here: a DDL that waits for the users of older
/// definitions must not wait for itself.
pub(super) async fn run(session: &mut Session, statement: &Statement, text: &[u8]) -> Result<Outcome> {
    transaction_control::implicit_commit(session).await?;
    let schema = session.instance.infoschema();
    let mut context = session.context(schema, &[], text);
    let affected = match &statement.kind {
        StatementKind::CreateDatabase(create) => ddl::create_database(&mut context, create).await?,
        StatementKind::AlterDatabase(alter) => ddl::alter_database(&mut context, alter).await?,
        StatementKind::DropDatabase(dropped) => ddl::drop_database(&mut context, dropped).await?,
        StatementKind::CreateTable(create) => {
            let created = ddl::create_table(&mut context, create).await?;
            if let (true, Some(query)) = (created, &create.query) {
                return fill(session, statement, create, query, text).await;
            }
            0
        }
        StatementKind::AlterTable(alter) => ddl::alter_table(&mut context, alter).await.map(|()| 0)?,
        StatementKind::DropTable(dropped) => ddl::drop_table(&mut context, dropped).await.map(|()| 0)?,
        StatementKind::CreateView(create) => ddl::create_view(&mut context, create).await.map(|()| 0)?,
        StatementKind::DropView(dropped) => ddl::drop_view(&mut context, dropped).await.map(|()| 0)?,
        StatementKind::RenameTable(rename) => {
            ddl::rename_table(&mut context, &rename.pairs).await.map(|()| 0)?
        }
        StatementKind::TruncateTable(name) => ddl::truncate_table(&mut context, name).await.map(|()| 0)?,
        StatementKind::CreateIndex(create) => ddl::create_index(&mut context, create).await.map(|()| 0)?,
        StatementKind::DropIndex(dropped) => ddl::drop_index(&mut context, dropped).await.map(|()| 0)?,
        _ => return Err(Error::internal("not a DDL statement")),
    };
    session.instance.metadata_locks().release_transaction(session.state.info.connection_id);
    let info = match &statement.kind {
        StatementKind::AlterTable(alter) if alter.actions.iter().all(says_nothing) => String::new(),
        StatementKind::AlterTable(_) | StatementKind::CreateIndex(_) | StatementKind::DropIndex(_) => {
            format!("Records: 0  Duplicates: 0  Warnings: {}", session.state.warning_count())
        }
        _ => String::new(),
    };
    Ok(Outcome::Ok { affected_rows: affected, last_insert_id: 0, info, warnings: 0 })
}

/// The rows of CREATE TABLE ... SELECT. A table that cannot be filled is not there.
async fn fill(
    session: &mut Session,
    statement: &Statement,
    create: &ast::CreateTable,
    query: &ast::CreateQuery,
    text: &[u8],
) -> Result<Outcome> {
    let schema = session.instance.infoschema();
    let selected = {
        let mut context = session.context(Arc::clone(&schema), &[], text);
        crate::executor::output_columns(&mut context, &query.query)?
    };
    let columns = selected
        .iter()
        .map(|column| ast::ColumnRef {
            database: None,
            table: None,
            column: ast::Ident::new(column.name.to_string()),
        })
        .collect();
    let insert = ast::Insert {
        replace: query.replace,
        hints: Vec::new(),
        priority: ast::WritePriority::Normal,
        ignore: query.ignore,
        table: create.name.clone(),
        partitions: Vec::new(),
        columns: Some(columns),
        source: ast::InsertSource::Query(query.query.clone()),
        alias: None,
        on_duplicate: Vec::new(),
    };
    let insert = Statement { kind: StatementKind::Insert(Box::new(insert)), ..statement.clone() };
    let filled = match Box::pin(dml::run(session, &insert, text, &[])).await {
        Ok(outcome) => transaction_control::implicit_commit(session).await.map(|()| outcome),
        Err(error) => Err(error),
    };
    if filled.is_err() {
        if let Err(error) = transaction_control::rollback(session).await {
            tracing::debug!(%error, "rollback of a table that could not be filled");
        }
        let dropped = ast::DropTable { temporary: false, if_exists: true, tables: vec![create.name.clone()] };
        let schema = session.instance.infoschema();
        let mut context = session.context(schema, &[], text);
        ddl::drop_table(&mut context, &dropped).await?;
    }
    session.instance.metadata_locks().release_transaction(session.state.info.connection_id);
    filled
}

/// Actions after which MySQL counts no records.
fn says_nothing(action: &AlterAction) -> bool {
    matches!(action, AlterAction::RenameTable(_) | AlterAction::EnableKeys | AlterAction::DisableKeys)
}
