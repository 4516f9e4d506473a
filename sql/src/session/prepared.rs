//! Prepared statements: of the protocol by id, of SQL (PREPARE … EXECUTE) by name.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use rutile_sql_parser::ast::PrepareSource;
use rutile_sql_parser::{Statement, StatementKind, parse_statements};
use rutile_sql_types::{Collation, FieldType, MySqlError, Value};

use super::outcome::{ColumnMeta, Outcome};
use super::session::{Session, statement_bytes};
use super::{dispatch, maintenance};
use crate::error::{Error, Result};
use crate::executor::TemplateCache;
use crate::memory::SessionHeld;

/// The prepared statements of all sessions of a server, which `max_prepared_stmt_count` limits together.
#[derive(Debug, Default)]
pub(super) struct PreparedCount(AtomicU64);

/// One statement's part of the count.
#[derive(Debug)]
struct Counted(Arc<PreparedCount>);

impl PreparedCount {
    fn enter(self: &Arc<Self>, limit: u64) -> Result<Counted> {
        let more = |count: u64| (count < limit).then_some(count + 1);
        match self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, more) {
            Ok(_) => Ok(Counted(Arc::clone(self))),
            Err(_) => {
                let limit = usize::try_from(limit).unwrap_or(usize::MAX);
                Err(MySqlError::max_prepared_statements(limit).into())
            }
        }
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What COM_STMT_PREPARE answers.
#[derive(Debug, Clone)]
pub struct Prepared {
    pub id: u32,
    pub params: Vec<ColumnMeta>,
    pub columns: Vec<ColumnMeta>,
}

#[derive(Debug)]
pub(super) struct PreparedStatement {
    pub statement: Statement,
    pub text: Bytes,
    /// For a query.
    pub template: TemplateCache,
    _counted: Counted,
    /// A client may keep as many statements as there are, for as long as it likes.
    _held: SessionHeld,
}

#[derive(Debug, Default)]
pub(super) struct PreparedStatements {
    by_id: BTreeMap<u32, Arc<PreparedStatement>>,
    by_name: HashMap<String, u32>,
    last_id: u32,
}

impl PreparedStatements {
    pub(super) fn get(&self, id: u32) -> Option<Arc<PreparedStatement>> {
        self.by_id.get(&id).map(Arc::clone)
    }

    pub(super) fn close(&mut self, id: u32) {
        self.by_id.remove(&id);
    }

    fn add(&mut self, statement: PreparedStatement) -> u32 {
        // Ids of statements that are still open are skipped when the counter wraps.
        loop {
            self.last_id = self.last_id.wrapping_add(1).max(1);
            if !self.by_id.contains_key(&self.last_id) {
                break;
            }
        }
        self.by_id.insert(self.last_id, Arc::new(statement));
        self.last_id
    }

    fn find(&self, name: &str) -> Option<Arc<PreparedStatement>> {
        self.by_name.get(&name.to_lowercase()).and_then(|id| self.get(*id))
    }

    /// PREPARE replaces a statement of the same name, also when the new text then fails.
    fn remove_name(&mut self, name: &str) -> bool {
        match self.by_name.remove(&name.to_lowercase()) {
            Some(id) => self.by_id.remove(&id).is_some(),
            None => false,
        }
    }
}

impl Session {
    pub(super) async fn prepare_text(&mut self, text: Bytes, name: Option<&str>) -> Result<Prepared> {
        let mut statements = parse_statements(&text, &self.parse_options(true, false))?;
        let (Some(statement), true) = (statements.pop(), statements.is_empty()) else {
            return Err(MySqlError::empty_query().into());
        };
        if !is_preparable(&statement.kind) {
            return Err(MySqlError::unsupported_in_prepared().into());
        }
        let columns = describe(self, &statement, &text).await?;
        let parameter = ColumnMeta::computed("?", FieldType::varchar(0, Collation::DEFAULT));
        let params = vec![parameter; statement.parameter_count as usize];
        let limit = crate::variable::find("max_prepared_stmt_count")
            .map_or(u64::MAX, |limit| as_count(&self.instance.global_variables().get(limit)));
        let counted = self.instance.prepared_count().enter(limit)?;
        let mut held = SessionHeld::new(Arc::clone(self.instance.memory()));
        held.replace(0, 2 * statement_bytes(&statement, &text))?;
        let template = TemplateCache::default();
        let id = self.prepared.add(PreparedStatement {
            statement,
            text,
            template,
            _counted: counted,
            _held: held,
        });
        if let Some(name) = name {
            self.state.unreported.state = true;
            self.prepared.by_name.insert(name.to_lowercase(), id);
        }
        Ok(Prepared { id, params, columns })
    }
}

fn as_count(value: &Value) -> u64 {
    match value {
        Value::UInt(count) => *count,
        Value::Int(count) => u64::try_from(*count).unwrap_or(0),
        _ => u64::MAX,
    }
}

fn is_preparable(kind: &StatementKind) -> bool {
    !matches!(
        kind,
        StatementKind::Prepare { .. }
            | StatementKind::Execute { .. }
            | StatementKind::Deallocate(_)
            | StatementKind::LoadData(_)
            | StatementKind::LockTables(_)
            | StatementKind::UnlockTables
            | StatementKind::Help(_)
            | StatementKind::Unsupported { .. }
    )
}

/// The result columns of a statement, before it runs; names are resolved, so a missing table is error 1146.
async fn describe(session: &mut Session, statement: &Statement, text: &[u8]) -> Result<Vec<ColumnMeta>> {
    let (schema, _schema_use) = session.enter_to_look();
    let mut context = session.context(schema, &[], text);
    match &statement.kind {
        StatementKind::Query(query) => crate::executor::describe_query(&mut context, query).await,
        StatementKind::Explain(explain) => crate::executor::describe_explain(&mut context, explain).await,
        StatementKind::Show(show) => crate::infoschema::show_columns(&context, show),
        StatementKind::TableMaintenance(_) => Ok(maintenance::maintenance_columns()),
        StatementKind::Insert(_) | StatementKind::Update(_) | StatementKind::Delete(_) => {
            crate::executor::check_dml(&mut context, statement).await.map(|()| Vec::new())
        }
        _ => Ok(Vec::new()),
    }
}

/// PREPARE name FROM text
pub(super) async fn prepare_named(
    session: &mut Session,
    name: &str,
    source: &PrepareSource,
) -> Result<Outcome> {
    let text = match source {
        PrepareSource::Text(text) => text.clone(),
        PrepareSource::UserVariable(variable) => match session.state.user_variable(variable).0 {
            Value::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Value::Int(number) => number.to_string(),
            Value::Null => "NULL".to_owned(),
            _ => String::new(),
        },
    };
    session.prepared.remove_name(name);
    session.prepare_text(Bytes::from(text), Some(name)).await?;
    Ok(Outcome::Ok {
        affected_rows: 0,
        last_insert_id: 0,
        info: "Statement prepared".to_owned(),
        warnings: 0,
    })
}

/// EXECUTE name USING @a, @b
pub(super) async fn execute_named(session: &mut Session, name: &str, using: &[Box<str>]) -> Result<Outcome> {
    let prepared =
        session.prepared.find(name).ok_or_else(|| MySqlError::unknown_statement_handler(name, "EXECUTE"))?;
    if using.len() != prepared.statement.parameter_count as usize {
        return Err(MySqlError::wrong_arguments("EXECUTE").into());
    }
    let parameters: Vec<_> = using.iter().map(|variable| session.state.user_variable(variable)).collect();
    Box::pin(dispatch::dispatch(session, &prepared.statement, &prepared.text, &parameters)).await
}

/// DEALLOCATE PREPARE name
pub(super) fn deallocate(session: &mut Session, name: &str) -> Result<Outcome> {
    if session.prepared.remove_name(name) {
        return Ok(Outcome::done());
    }
    Err(Error::Sql(MySqlError::unknown_statement_handler(name, "DEALLOCATE PREPARE")))
}
