//! Which file runs which kind of statement.

use rutile_sql_parser::ast::{self, QueryBody, Show};
use rutile_sql_parser::{Statement, StatementKind};
use rutile_sql_types::{FieldType, Value};

use super::outcome::Outcome;
use super::session::Session;
use super::{
    definition, dml, load, lock_tables, maintenance, prepared, query, set, transaction_control, utility,
};
use crate::error::{Error, Result};

/// Statements that leave the previous statement's warnings in place: those that show them, and SELECTs without
/// tables (MySQL manual, "Diagnostics Area": only a statement that uses tables or raises a condition clears it).
pub(super) fn keeps_diagnostics(kind: &StatementKind) -> bool {
    match kind {
        StatementKind::Show(show) => matches!(
            **show,
            Show::Warnings { .. } | Show::Errors { .. } | Show::CountWarnings | Show::CountErrors
        ),
        StatementKind::Query(query) => match &query.body {
            QueryBody::Select(select) => select.from.is_empty(),
            _ => false,
        },
        _ => false,
    }
}

pub(super) async fn dispatch(
    session: &mut Session,
    statement: &Statement,
    text: &[u8],
    parameters: &[(Value, FieldType)],
) -> Result<Outcome> {
    use StatementKind as K;
    match &statement.kind {
        K::Query(query) => query::select(session, query, text, parameters, None).await,
        K::Explain(explain) => query::explain(session, explain, text, parameters).await,
        K::Show(show) => query::show(session, show, text, parameters).await,
        K::Do(expressions) => utility::evaluate_all(session, expressions, text, parameters).await,
        K::Insert(_) | K::Update(_) | K::Delete(_) => dml::run(session, statement, text, parameters).await,
        K::LoadData(statement) => load::start(session, statement, text).await,
        K::CreateDatabase(_)
        | K::AlterDatabase(_)
        | K::DropDatabase(_)
        | K::CreateTable(_)
        | K::AlterTable(_)
        | K::DropTable(_)
        | K::CreateView(_)
        | K::DropView(_)
        | K::RenameTable(_)
        | K::TruncateTable(_)
        | K::CreateIndex(_)
        | K::DropIndex(_) => definition::run(session, statement, text).await,
        K::Begin(begin) => transaction_control::begin(session, *begin).await,
        K::Commit(completion) => transaction_control::commit_statement(session, *completion).await,
        K::Rollback(completion) => transaction_control::rollback_statement(session, *completion).await,
        K::Savepoint(name) => transaction_control::savepoint(session, name.as_str()).await,
        K::RollbackToSavepoint(name) => transaction_control::rollback_to(session, name.as_str()),
        K::ReleaseSavepoint(name) => transaction_control::release(session, name.as_str()),
        K::Set(items) => set::run(session, items, text, parameters).await,
        K::Use(name) => session.set_database(name.as_str()).map(|()| Outcome::done()),
        K::Prepare { name, source } => prepared::prepare_named(session, name.as_str(), source).await,
        K::Execute { name, using } => prepared::execute_named(session, name.as_str(), using).await,
        K::Deallocate(name) => prepared::deallocate(session, name.as_str()),
        K::Kill(kill) => utility::kill(session, kill, text, parameters).await,
        K::Flush(flush) => utility::flush(session, flush).await,
        K::TableMaintenance(maintenance) => maintenance::run(session, maintenance, text).await,
        K::SplitTable(split) => maintenance::split(session, split, text, parameters).await,
        K::Admin(admin) => maintenance::admin(session, admin, text).await,
        K::LockTables(tables) => lock_tables::lock(session, tables, text).await,
        K::UnlockTables => lock_tables::unlock(session).await,
        other => Err(Error::unsupported(name_of(other))),
    }
}

/// The statement's name in error 1235.
fn name_of(kind: &StatementKind) -> &'static str {
    use StatementKind as K;
    match kind {
        K::Unsupported { feature } => feature,
        K::Call(_) => "CALL",
        K::DropRoutine(routine) => match routine.kind {
            ast::RoutineKind::Procedure => "DROP PROCEDURE",
            ast::RoutineKind::Function => "DROP FUNCTION",
            ast::RoutineKind::Trigger => "DROP TRIGGER",
            ast::RoutineKind::Event => "DROP EVENT",
        },
        K::LockInstance => "LOCK INSTANCE",
        K::UnlockInstance => "UNLOCK INSTANCE",
        K::SetPassword(_) => "SET PASSWORD",
        K::SetRole(_) => "SET ROLE",
        K::SetDefaultRole(_) => "SET DEFAULT ROLE",
        K::Help(_) => "HELP",
        K::Shutdown => "SHUTDOWN",
        K::Restart => "RESTART",
        K::CreateUser(_) => "CREATE USER",
        K::AlterUser(_) => "ALTER USER",
        K::DropUser { .. } => "DROP USER",
        K::RenameUser(_) => "RENAME USER",
        K::CreateRole { .. } => "CREATE ROLE",
        K::DropRole { .. } => "DROP ROLE",
        K::Grant(_) | K::GrantRoles(_) => "GRANT",
        K::Revoke(_) | K::RevokeRoles(_) => "REVOKE",
        _ => "this statement",
    }
}
