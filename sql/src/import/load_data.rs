//! LOAD DATA LOCAL INFILE: binds the statement and asks the client for its file.

use std::sync::Arc;

use rutile_kv_client::TransactionOptions;
use rutile_sql_parser::ast::{self, LoadDuplicates, LoadField};
use rutile_sql_types::{Charset, Collation, MySqlError, Value};

use super::fields::{FieldReader, Format};
use super::rows::{FieldTarget, Loader, RowPlan};
use crate::binder::error::Clause;
use crate::catalog::{ColumnInfo, TableInfo};
use crate::error::{Error, Result};
use crate::executor::column_values::{Strictness, default_value};
use crate::session::{LoadRequest, Outcome, StatementContext};

/// Binds `statement`; the outcome asks the connection for the file.
pub async fn load_data(context: &mut StatementContext<'_>, statement: &ast::LoadData) -> Result<Outcome> {
    if !statement.partitions.is_empty() {
        return Err(Error::unsupported("PARTITION selection"));
    }
    if !statement.set.is_empty() {
        return Err(Error::unsupported("SET in LOAD DATA"));
    }
    if context.transaction.in_transaction() {
        return Err(Error::unsupported("LOAD DATA inside a transaction"));
    }
    if context.transaction.is_read_only() {
        return Err(MySqlError::cannot_execute_in_read_only_transaction().into());
    }
    let collation = file_collation(context, statement)?;
    let (_, table) = context.table_to_write(&statement.table)?;
    let evaluation = context.evaluation(true);
    let mut eval = evaluation.eval_context();
    // The client cannot be stopped in the middle of its file, so LOCAL never fails for one value.
    eval.convert.ignore = true;
    let targets = field_targets(&table, &statement.fields)?;
    let defaults = defaults(context, &table, &mut eval)?;
    let plan = RowPlan {
        replace: statement.duplicates == LoadDuplicates::Replace,
        targets,
        defaults,
        collation,
        zone: context.settings().time_zone,
        progression: context.settings().progression,
        table,
    };
    let transaction = context.client().begin(TransactionOptions::default()).await?;
    let reader = FieldReader::new(Format::new(&statement.format), statement.ignore_lines);
    let loader = Loader::new(
        context.instance.clone(),
        transaction,
        plan,
        reader,
        eval,
        context.cancellation(),
        Arc::clone(evaluation.memory()),
    );
    Ok(Outcome::LocalInfile(LoadRequest {
        file_name: String::from_utf8_lossy(&statement.path).into_owned(),
        sink: Box::new(loader),
    }))
}

/// How the bytes of the file are to be read: CHARACTER SET, or `character_set_database`.
fn file_collation(context: &StatementContext<'_>, statement: &ast::LoadData) -> Result<Collation> {
    let charset = match &statement.charset {
        Some(name) => Charset::from_name(name.as_str())?,
        None => context.settings().collation_connection.charset(),
    };
    Ok(charset.default_collation())
}

fn field_targets(table: &TableInfo, fields: &[LoadField]) -> Result<Vec<FieldTarget>> {
    // As in MySQL a field for a generated column is read past.
    let target = |column: &ColumnInfo| match column.generated {
        Some(_) => FieldTarget::Skip,
        None => FieldTarget::Column(column.offset),
    };
    if fields.is_empty() {
        return Ok(table.public_columns().map(target).collect());
    }
    fields
        .iter()
        .map(|field| match field {
            LoadField::Column(name) => table
                .column(name.column.as_str())
                .map(target)
                .ok_or_else(|| MySqlError::unknown_column(name, Clause::FieldList.name()).into()),
            // A variable that no SET reads: the field is skipped.
            LoadField::Variable(_) => Ok(FieldTarget::Skip),
        })
        .collect()
}

/// The values of columns that no field fills.
fn defaults(
    context: &StatementContext<'_>,
    table: &TableInfo,
    eval: &mut rutile_sql_functions::EvalContext,
) -> Result<Vec<Value>> {
    let lenient = Strictness { strict: false, ignore: true };
    table
        .columns
        .iter()
        .map(|column| {
            if column.generated.is_some() {
                Ok(Value::Null)
            } else if !column.state.is_public() {
                Ok(column.original_default.clone())
            } else if column.auto_increment {
                Ok(Value::Null)
            } else {
                let before = eval.convert.warnings.take();
                let value = default_value(context, column, lenient, eval)?;
                // A missing default is a warning of each row, not of the statement.
                eval.convert.warnings.take();
                before.into_iter().for_each(|warning| eval.convert.warnings.push(warning));
                Ok(value)
            }
        })
        .collect()
}
