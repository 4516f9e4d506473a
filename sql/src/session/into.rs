//! SELECT ... INTO @a, @b: the values of the one row.

use std::sync::Arc;

use rutile_sql_parser::ast::{self, IntoTarget, IntoVariable};
use rutile_sql_types::{FieldType, MySqlError, Value};

use super::outcome::{Outcome, ResultSet, Rows};
use super::query;
use super::session::Session;
use crate::error::{Error, Result};
use crate::executor::collect;
use crate::memory::StatementMemory;

pub(super) async fn select(
    session: &mut Session,
    query: &ast::Query,
    target: &IntoTarget,
    text: &[u8],
    parameters: &[(Value, FieldType)],
) -> Result<Outcome> {
    let names = match target {
        IntoTarget::Variables(variables) => variable_names(variables)?,
        IntoTarget::Outfile(_) => return Err(Error::unsupported("SELECT ... INTO OUTFILE")),
        IntoTarget::Dumpfile(_) => return Err(Error::unsupported("SELECT ... INTO DUMPFILE")),
    };
    let plain = ast::Query { into: None, ..query.clone() };
    let outcome = Box::pin(query::select(session, &plain, text, parameters, None)).await?;
    let Outcome::Rows(ResultSet { columns, rows, .. }) = outcome else {
        return Err(Error::internal("a query without rows"));
    };
    if columns.len() != names.len() {
        return Err(MySqlError::wrong_select_column_count().into());
    }
    let types: Vec<FieldType> = columns.iter().map(|column| column.ty.clone()).collect();
    let rows = match rows {
        Rows::Values(rows) => rows,
        streamed => {
            let memory = match &session.state.streaming {
                Some(evaluation) => Arc::clone(evaluation.memory()),
                None => Arc::new(StatementMemory::unlimited()),
            };
            collect(streamed, &types, &mut memory.hold()).await?
        }
    };
    session.state.collect_streamed_warnings();
    let mut rows = rows.into_iter();
    let Some(row) = rows.next() else {
        session.state.warn(MySqlError::fetch_no_data());
        return Ok(affected(0));
    };
    if rows.next().is_some() {
        return Err(MySqlError::too_many_rows().into());
    }
    for ((name, value), ty) in names.into_iter().zip(row).zip(types) {
        session.state.set_user_variable(name, value, ty)?;
    }
    Ok(affected(1))
}

fn variable_names(variables: &[IntoVariable]) -> Result<Vec<&str>> {
    variables
        .iter()
        .map(|variable| match variable {
            IntoVariable::User(name) => Ok(&**name),
            IntoVariable::Local(name) => Err(MySqlError::undeclared_variable(name).into()),
        })
        .collect()
}

fn affected(rows: u64) -> Outcome {
    Outcome::Ok { affected_rows: rows, last_insert_id: 0, info: String::new(), warnings: 0 }
}
