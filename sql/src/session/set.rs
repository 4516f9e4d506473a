//! SET: system variables, user variables, NAMES, CHARACTER SET, TRANSACTION.
//!
//! All values of a list are computed before the first is assigned, and if one assignment fails the session's
//! variables are as before the statement (MySQL manual, "SET Syntax for Variable Assignment").

use rutile_sql_parser::ast::{IsolationLevel, SetItem, SetValue, TransactionCharacteristics, VariableScope};
use rutile_sql_types::{Charset, Collation, FieldType, MySqlError, Value};

use super::outcome::Outcome;
use super::session::Session;
use super::{evaluate, transaction_control};
use crate::cluster::publish_variable;
use crate::error::{Error, Result};
use crate::meta::MetaTransaction;
use crate::variable::{self, Definition, Isolation};

/// One assignment with its value computed; `None` is DEFAULT.
enum Assignment {
    System { scope: VariableScope, definition: &'static Definition, value: Option<Value> },
    User { name: Box<str>, value: Value, ty: FieldType },
    Names { charset: Option<String>, collation: Option<String> },
    CharacterSet(Option<String>),
    Transaction { scope: Option<VariableScope>, characteristics: TransactionCharacteristics },
}

pub(super) async fn run(
    session: &mut Session,
    items: &[SetItem],
    text: &[u8],
    parameters: &[(Value, FieldType)],
) -> Result<Outcome> {
    let mut assignments = Vec::with_capacity(items.len());
    for item in items {
        assignments.push(resolve(session, item, text, parameters).await?);
    }
    let before = session.state.variables.clone();
    let was_autocommit = session.state.settings().autocommit;
    for assignment in assignments {
        if let Err(error) = assign(session, assignment).await {
            session.state.variables = before;
            return Err(error);
        }
    }
    if session.state.settings().autocommit && !was_autocommit {
        transaction_control::implicit_commit(session).await?;
    }
    Ok(Outcome::done())
}

async fn resolve(
    session: &mut Session,
    item: &SetItem,
    text: &[u8],
    parameters: &[(Value, FieldType)],
) -> Result<Assignment> {
    Ok(match item {
        SetItem::System { scope, component, name, value } => {
            if component.is_some() {
                return Err(Error::unsupported("component variables"));
            }
            let definition = variable::find(name.as_str())
                .ok_or_else(|| MySqlError::unknown_system_variable(name.as_str()))?;
            let value = match value {
                SetValue::Default => None,
                SetValue::Word(word) => Some(Value::text(word.as_str())),
                SetValue::Expr(expression) => {
                    Some(evaluate::constant(session, expression, text, parameters).await?.0)
                }
            };
            Assignment::System { scope: scope.unwrap_or(VariableScope::Session), definition, value }
        }
        SetItem::User { name, value } => {
            let (value, ty) = evaluate::constant(session, value, text, parameters).await?;
            Assignment::User { name: name.clone(), value, ty }
        }
        SetItem::Names { charset, collation } => {
            Assignment::Names { charset: charset.clone(), collation: collation.clone() }
        }
        SetItem::CharacterSet(charset) => Assignment::CharacterSet(charset.clone()),
        SetItem::Transaction { scope, characteristics } => {
            Assignment::Transaction { scope: *scope, characteristics: *characteristics }
        }
    })
}

async fn assign(session: &mut Session, assignment: Assignment) -> Result<()> {
    match assignment {
        Assignment::System { scope, definition, value } => {
            assign_system(session, scope, definition, value.as_ref()).await
        }
        Assignment::User { name, value, ty } => {
            session.state.set_user_variable(&name, value, ty)?;
            Ok(())
        }
        Assignment::Names { charset, collation } => {
            let charset = charset.unwrap_or_else(|| Charset::Utf8mb4.name().to_owned());
            Ok(session.state.variables.set_names(&charset, collation.as_deref())?)
        }
        Assignment::CharacterSet(charset) => {
            let charset = charset.unwrap_or_else(|| Charset::Utf8mb4.name().to_owned());
            let database = database_collation(session);
            Ok(session.state.variables.set_character_set(&charset, database)?)
        }
        Assignment::Transaction { scope, characteristics } => {
            assign_transaction(session, scope, characteristics).await
        }
    }
}

fn database_collation(session: &Session) -> Collation {
    let schema = session.instance.infoschema();
    let database = session.state.database.as_deref().and_then(|name| schema.database(name));
    database.map_or(session.state.settings().collation_server, |found| found.info.collation)
}

async fn assign_system(
    session: &mut Session,
    scope: VariableScope,
    definition: &'static Definition,
    value: Option<&Value>,
) -> Result<()> {
    let global = session.instance.global_variables();
    let sql_mode = session.state.settings().sql_mode;
    match scope {
        VariableScope::Session => {
            let state = &mut session.state;
            state.variables.set(definition, value, global, &mut state.warnings)?;
            follow_session_variable(session, definition.name, value);
            Ok(())
        }
        VariableScope::Global => {
            let stored = global.set(definition, value, sql_mode, &mut session.state.warnings)?;
            publish_variable(&session.instance, definition.name, &definition.show(&stored)).await
        }
        VariableScope::Persist => {
            let stored = global.set(definition, value, sql_mode, &mut session.state.warnings)?;
            persist(session, definition, &stored).await?;
            publish_variable(&session.instance, definition.name, &definition.show(&stored)).await
        }
        VariableScope::PersistOnly => Err(Error::unsupported("SET PERSIST_ONLY")),
    }
}

/// Variables that are another name for a field of the session.
fn follow_session_variable(session: &mut Session, name: &str, value: Option<&Value>) {
    let number = match value {
        Some(Value::Int(v)) => u64::try_from(*v).unwrap_or(0),
        Some(Value::UInt(v)) => *v,
        _ => return,
    };
    match name {
        "last_insert_id" | "identity" => session.state.last_insert_id = number,
        "insert_id" => session.state.next_insert_id = Some(number),
        _ => {}
    }
}

async fn persist(session: &Session, definition: &Definition, value: &Value) -> Result<()> {
    let client = session.instance.client();
    let mut meta = MetaTransaction::new(client.begin(rutile_kv_client::TransactionOptions::default()).await?);
    meta.put_global_variable(definition.name, &definition.show(value));
    meta.commit().await?;
    Ok(())
}

async fn assign_transaction(
    session: &mut Session,
    scope: Option<VariableScope>,
    characteristics: TransactionCharacteristics,
) -> Result<()> {
    let isolation = characteristics.isolation.map(isolation_name);
    // Checked first: an unsupported level must not leave half of the statement behind.
    let level = isolation.map(Isolation::from_name).transpose()?;
    let Some(scope) = scope else {
        if session.transaction.in_transaction() {
            return Err(MySqlError::transaction_characteristics().into());
        }
        session.state.variables.set_next_transaction(level, characteristics.read_only);
        return Ok(());
    };
    let values = [
        ("transaction_isolation", isolation.map(Value::text)),
        ("transaction_read_only", characteristics.read_only.map(Value::bool)),
    ];
    let global = session.instance.global_variables();
    let sql_mode = session.state.settings().sql_mode;
    for (name, value) in values {
        let (Some(value), Some(definition)) = (value, variable::find(name)) else {
            continue;
        };
        let state = &mut session.state;
        match scope {
            VariableScope::Session => {
                state.variables.set(definition, Some(&value), global, &mut state.warnings)?;
            }
            _ => {
                let stored = global.set(definition, Some(&value), sql_mode, &mut state.warnings)?;
                publish_variable(&session.instance, definition.name, &definition.show(&stored)).await?;
            }
        }
    }
    Ok(())
}

fn isolation_name(level: IsolationLevel) -> &'static str {
    match level {
        IsolationLevel::ReadUncommitted => "READ-UNCOMMITTED",
        IsolationLevel::ReadCommitted => "READ-COMMITTED",
        IsolationLevel::RepeatableRead => "REPEATABLE-READ",
        IsolationLevel::Serializable => "SERIALIZABLE",
    }
}
