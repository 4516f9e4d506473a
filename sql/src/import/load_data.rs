//! LOAD DATA LOCAL INFILE: binds the statement.

use std::sync::Arc;

use rutile_sql_functions::EvalContext;
use rutile_sql_parser::ast::{self, LoadDuplicates, LoadField};
use rutile_sql_types::{Charset, Collation, FieldType, MySqlError, Value};

use super::fields::{FieldReader, Format};
use super::loader::Loader;
use super::rows::{FieldTarget, RowPlan};
use crate::binder::error::Clause;
use crate::binder::{ExpressionBinder, RowVariables, Scope};
use crate::catalog::{ColumnInfo, TableInfo};
use crate::error::{Error, Result};
use crate::executor::column_values::{Strictness, default_value};
use crate::executor::update::{BoundAssignment, bind_assignments};
use crate::expression::Evaluation;
use crate::session::StatementContext;

/// Binds `statement`; what it answers takes the file.
pub fn load_data(context: &mut StatementContext<'_>, statement: &ast::LoadData) -> Result<Loader> {
    if !statement.partitions.is_empty() {
        return Err(Error::unsupported("PARTITION selection"));
    }
    if context.transaction.is_read_only() {
        return Err(MySqlError::cannot_execute_in_read_only_transaction().into());
    }
    let collation = file_collation(context, statement)?;
    let (database, table) = context.table_to_write(&statement.table)?;
    let evaluation = context.evaluation(true);
    let mut eval = evaluation.eval_context();
    // The client cannot be stopped in the middle of its file, so LOCAL never fails for one value.
    eval.convert.ignore = true;
    let text = FieldType::varchar(u32::from(u16::MAX), collation);
    let (targets, variables) = field_targets(&table, &statement.fields)?;
    let variables = RowVariables { names: variables, first: table.columns.len(), ty: Some(text.clone()) };
    let scope =
        Scope::of_table(Arc::from(database.info.name.as_str()), &table, Arc::from(table.name.as_str()));
    let assignments = assignments(context, &evaluation, &table, &scope, variables.clone(), &statement.set)?;
    let defaults = defaults(context, &table, &mut eval)?;
    let plan = RowPlan {
        replace: statement.duplicates == LoadDuplicates::Replace,
        targets,
        variables: variables.names,
        assignments,
        defaults,
        text,
        zone: context.settings().time_zone,
        progression: context.settings().progression,
        table,
    };
    let reader = FieldReader::new(Format::new(&statement.format), statement.ignore_lines);
    Ok(Loader::new(plan, reader, evaluation, eval))
}

/// How the bytes of the file are to be read: CHARACTER SET, or `character_set_database`.
fn file_collation(context: &StatementContext<'_>, statement: &ast::LoadData) -> Result<Collation> {
    let charset = match &statement.charset {
        Some(name) => Charset::from_name(name.as_str())?,
        None => context.settings().collation_connection.charset(),
    };
    Ok(charset.default_collation())
}

/// Where each field goes, and the user variables among the targets, each once.
fn field_targets(table: &TableInfo, fields: &[LoadField]) -> Result<(Vec<FieldTarget>, Vec<Box<str>>)> {
    // As in MySQL a field for a generated column is read past.
    let target = |column: &ColumnInfo| match column.generated {
        Some(_) => FieldTarget::Skip,
        None => FieldTarget::Column(column.offset),
    };
    if fields.is_empty() {
        return Ok((table.public_columns().map(target).collect(), Vec::new()));
    }
    let mut variables: Vec<Box<str>> = Vec::new();
    let mut targets = Vec::with_capacity(fields.len());
    for field in fields {
        targets.push(match field {
            LoadField::Column(name) => table
                .column(name.column.as_str())
                .map(target)
                .ok_or_else(|| MySqlError::unknown_column(name, Clause::FieldList.name()))?,
            LoadField::Variable(name) => {
                let known = variables.iter().position(|other| other.to_lowercase() == name.to_lowercase());
                FieldTarget::Variable(known.unwrap_or_else(|| {
                    variables.push(name.clone());
                    variables.len() - 1
                }))
            }
        });
    }
    Ok((targets, variables))
}

/// The SET clause, over the row and the variables behind it.
fn assignments(
    context: &StatementContext<'_>,
    evaluation: &Arc<Evaluation>,
    table: &TableInfo,
    scope: &Scope,
    variables: RowVariables,
    set: &[ast::Assignment],
) -> Result<Vec<BoundAssignment>> {
    let view = context.view();
    let names = context.bind_context(&view, evaluation);
    let mut binder = ExpressionBinder::new(&names, scope.clone())
        .in_clause(Clause::FieldList)
        .with_row_variables(variables);
    bind_assignments(&mut binder, table, scope, set)
}

/// The values of columns that no field fills.
fn defaults(context: &StatementContext<'_>, table: &TableInfo, eval: &mut EvalContext) -> Result<Vec<Value>> {
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
