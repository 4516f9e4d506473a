//! KILL, FLUSH and DO.

use rutile_sql_parser::ast::{self, FlushTarget};
use rutile_sql_types::{FieldType, MySqlError, Value};

use super::outcome::Outcome;
use super::session::Session;
use super::{evaluate, transaction_control};
use crate::error::{Error, Result};

pub(super) async fn kill(
    session: &mut Session,
    kill: &ast::Kill,
    text: &[u8],
    parameters: &[(Value, FieldType)],
) -> Result<Outcome> {
    let (value, _) = evaluate::constant(session, &kill.id, text, parameters).await?;
    let id = match value {
        Value::Int(id) => u64::try_from(id).unwrap_or(0),
        Value::UInt(id) => id,
        _ => 0,
    };
    if !crate::cluster::kill(&session.instance, id, kill.query_only).await? {
        return Err(MySqlError::no_such_thread(id).into());
    }
    if id == session.state.info.connection_id {
        return Err(MySqlError::query_interrupted().into());
    }
    Ok(Outcome::done())
}

/// DO: evaluates and forgets.
pub(super) async fn evaluate_all(
    session: &mut Session,
    expressions: &[ast::Expr],
    text: &[u8],
    parameters: &[(Value, FieldType)],
) -> Result<Outcome> {
    for expression in expressions {
        evaluate::constant(session, expression, text, parameters).await?;
    }
    Ok(Outcome::done())
}

/// Of caches there is that of hosts; there are no logs or grant tables to flush; what would lock or export is refused.
pub(super) async fn flush(session: &mut Session, flush: &ast::Flush) -> Result<Outcome> {
    match &flush.what {
        FlushTarget::Tables { read_lock: true, .. } => Err(Error::unsupported("FLUSH TABLES WITH READ LOCK")),
        FlushTarget::Tables { for_export: true, .. } => Err(Error::unsupported("FLUSH TABLES FOR EXPORT")),
        FlushTarget::Tables { .. } => {
            transaction_control::implicit_commit(session).await?;
            Ok(Outcome::done())
        }
        FlushTarget::Options(options) => {
            transaction_control::implicit_commit(session).await?;
            if options.iter().any(|option| option == "HOSTS") {
                session.instance.host_cache().clear();
            }
            Ok(Outcome::done())
        }
    }
}
