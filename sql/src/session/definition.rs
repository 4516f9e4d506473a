//! DDL statements: implicit commit, then the change.

use rutile_sql_parser::ast::AlterAction;
use rutile_sql_parser::{Statement, StatementKind};

use super::outcome::Outcome;
use super::session::Session;
use super::transaction_control;
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
        StatementKind::CreateTable(create) => ddl::create_table(&mut context, create).await.map(|()| 0)?,
        StatementKind::AlterTable(alter) => ddl::alter_table(&mut context, alter).await.map(|()| 0)?,
        StatementKind::DropTable(dropped) => ddl::drop_table(&mut context, dropped).await.map(|()| 0)?,
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

/// Actions after which MySQL counts no records.
fn says_nothing(action: &AlterAction) -> bool {
    matches!(action, AlterAction::RenameTable(_) | AlterAction::EnableKeys | AlterAction::DisableKeys)
}
