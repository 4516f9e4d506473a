//! Binding, outside of any session: with the modes that are MySQL's defaults.

use std::sync::Arc;

use rutile_sql_functions::EvalContext;
use rutile_sql_parser::ast::{self, VariableScope};
use rutile_sql_parser::{ParseOptions, parse_expression, restore_column_expression};
use rutile_sql_types::{Collation, FieldType, MySqlError, TypeKind, Value};

use super::{Formula, Generation, PartitionRule};
use crate::binder::error::Clause;
use crate::binder::{
    BindContext, ColumnFlags, ExpressionBinder, Scope, ScopeColumn, ScopeTable, SessionValues, VirtualTable,
    VirtualTables,
};
use crate::catalog::{ColumnId, ColumnInfo, GeneratedColumn, InfoSchema, PartitionInfo, TableInfo};
use crate::expression::{Evaluation, Expr, Uninterrupted, evaluate};

/// Functions whose answer depends on the session, or on what ALTER TABLE may change without touching the column.
const SESSION_FUNCTIONS: [&str; 3] = ["from_unixtime", "convert_tz", "default"];

impl Generation {
    /// Binds the expressions of a definition; `None` if it has none.
    pub fn of(table: &TableInfo) -> Result<Option<Self>, MySqlError> {
        let has_generated = table.columns.iter().any(|column| column.generated.is_some());
        if !has_generated && table.partitioning.is_none() {
            return Ok(None);
        }
        let evaluation = default_modes();
        let mut formulas = Vec::new();
        for column in &table.columns {
            if let Some(generated) = &column.generated {
                formulas.push(bind(table, column, generated, &evaluation)?);
            }
        }
        let partition = table.partitioning.as_ref().map(|info| {
            let end = info.partitions.last().and_then(|last| last.less_than);
            Ok::<_, MySqlError>(PartitionRule { expr: bind_partition(table, info)?, end })
        });
        let mut generation = Self { formulas: in_order(formulas)?, partition: partition.transpose()? };
        generation.spread_dependence();
        Ok(Some(generation))
    }

    /// A virtual column that reads one which depends on the session depends on it as well.
    fn spread_dependence(&mut self) {
        let mut dependent: Vec<usize> = Vec::new();
        for formula in &mut self.formulas {
            formula.depends_on_session |= formula.reads.iter().any(|read| dependent.contains(read));
            if formula.depends_on_session && !formula.stored {
                dependent.push(formula.offset);
            }
        }
    }
}

fn bind(
    table: &TableInfo,
    column: &ColumnInfo,
    generated: &GeneratedColumn,
    evaluation: &Arc<Evaluation>,
) -> Result<Formula, MySqlError> {
    let unreadable =
        || MySqlError::internal(format!("the expression of generated column {}.{}", table.name, column.name));
    let parsed = parse_expression(generated.expression.as_bytes(), &ParseOptions::default())
        .map_err(|_| unreadable())?;
    let noted =
        restore_column_expression(&parsed, Collation::DEFAULT.charset().name()).map_err(|_| unreadable())?;
    let expr = bind_in(scope(table, &generated.reads), &parsed, Clause::Generated, evaluation)?;
    let by_session = |name: &str| SESSION_FUNCTIONS.contains(&name);
    let depends_on_session = noted.functions.iter().any(|(name, _)| by_session(name))
        || column.ty.kind == TypeKind::Timestamp
        || expr.any(|expr| matches!(expr.ty().kind, TypeKind::Timestamp | TypeKind::Time));
    // A call that was folded away has used the zone of nobody.
    let called = |name: &str| noted.functions.iter().filter(|(function, _)| function == name).count();
    let mut left = 0;
    expr.visit(&mut |expr| left += usize::from(expr.as_call("from_unixtime").is_some()));
    if left < called("from_unixtime") {
        return Err(MySqlError::not_supported_yet("FROM_UNIXTIME of a constant in a generated column"));
    }
    Ok(Formula {
        offset: column.offset,
        reads: expr.columns(),
        expr,
        stored: generated.stored,
        depends_on_session,
    })
}

fn default_modes() -> Arc<Evaluation> {
    Evaluation::new(EvalContext::default(), Collation::DEFAULT, Arc::new(Uninterrupted))
}

fn bind_in(
    scope: Scope,
    parsed: &ast::Expr,
    clause: Clause,
    evaluation: &Arc<Evaluation>,
) -> Result<Expr, MySqlError> {
    let nothing = Nothing;
    let catalog = InfoSchema::default();
    let context = BindContext {
        catalog: &catalog,
        current_database: Some(""),
        session: &nothing,
        virtual_tables: &nothing,
        parameters: None,
        keeps_placeholders: false,
        statement: Arc::clone(evaluation),
    };
    ExpressionBinder::new(&context, scope).in_clause(clause).bind(parsed)
}

/// The partitioning function of a table.
pub fn bind_partition(table: &TableInfo, info: &PartitionInfo) -> Result<Expr, MySqlError> {
    let parsed = parse_expression(info.expression.as_bytes(), &ParseOptions::default())
        .map_err(|_| MySqlError::internal(format!("the partitioning function of {}", table.name)))?;
    bind_in(scope(table, &info.reads), &parsed, Clause::Partition, &default_modes())
}

/// The value of an expression without columns.
pub fn bind_constant(parsed: &ast::Expr) -> Result<Value, MySqlError> {
    let expr = bind_in(Scope::default(), parsed, Clause::Partition, &default_modes())?;
    evaluate(&expr, &[], &mut EvalContext::default())
}

/// The row of the table, in which only the columns that an expression is known to read have names.
fn scope(table: &TableInfo, reads: &[ColumnId]) -> Scope {
    let columns: Vec<ScopeColumn> = table
        .columns
        .iter()
        .map(|column| {
            let name: Arc<str> =
                Arc::from(if reads.contains(&column.id) { column.name.as_str() } else { "" });
            ScopeColumn {
                org_name: Arc::clone(&name),
                name,
                table: 0,
                ty: column.ty.clone(),
                flags: ColumnFlags::default(),
                unqualified: true,
            }
        })
        .collect();
    let only = ScopeTable {
        alias: Arc::from(table.name.as_str()),
        database: Arc::from(""),
        name: Arc::from(table.name.as_str()),
        table: Some(Arc::new(table.clone())),
        first: 0,
        count: columns.len(),
    };
    Scope { tables: vec![only], star: (0..columns.len()).collect(), columns }
}

/// Each behind those it reads: while a definition changes, positions alone do not tell.
fn in_order(mut formulas: Vec<Formula>) -> Result<Vec<Formula>, MySqlError> {
    let mut ordered: Vec<Formula> = Vec::with_capacity(formulas.len());
    while !formulas.is_empty() {
        let waits = |formula: &Formula| formulas.iter().any(|other| formula.reads.contains(&other.offset));
        let Some(ready) = formulas.iter().position(|formula| !waits(formula)) else {
            return Err(MySqlError::generated_column_non_prior());
        };
        ordered.push(formulas.remove(ready));
    }
    Ok(ordered)
}

/// No session: definitions with variables were refused.
#[derive(Debug)]
struct Nothing;

impl SessionValues for Nothing {
    fn system_variable(
        &self,
        _scope: Option<VariableScope>,
        name: &str,
    ) -> Result<(Value, FieldType), MySqlError> {
        Err(MySqlError::unknown_system_variable(name))
    }

    fn user_variable(&self, _name: &str) -> (Value, FieldType) {
        (Value::Null, FieldType::null())
    }
}

impl VirtualTables for Nothing {
    fn has_database(&self, _database: &str) -> bool {
        false
    }

    fn table(&self, _database: &str, _table: &str) -> Option<Arc<dyn VirtualTable>> {
        None
    }
}
