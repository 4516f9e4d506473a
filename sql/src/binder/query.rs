//! Query expressions: WITH, set operations, parentheses, ORDER BY and LIMIT around them.

use std::sync::Arc;

use rutile_sql_parser::ast::{self, ExprKind, OrderItem, Query, QueryBody, With};
use rutile_sql_types::{FieldType, MySqlError, Value};

use super::error::{self, Clause};
use super::relation::{Relation, SortKey};
use super::scope::{Scope, same_name};
use super::{BindContext, Binder, Block, OutputColumn, set_operation};
use crate::expression::{Expr, build};

/// A query whose names and types are settled.
#[derive(Debug, Clone)]
pub struct BoundQuery {
    pub relation: Relation,
    /// As many as the relation has output columns.
    pub columns: Vec<OutputColumn>,
}

/// The tables of one WITH clause.
#[derive(Debug, Default)]
pub(super) struct CommonScope {
    pub tables: Vec<CommonTable>,
}

/// A common table; every use gets its own copy of the relation.
#[derive(Debug, Clone)]
pub(super) struct CommonTable {
    pub name: Arc<str>,
    pub columns: Vec<(Arc<str>, FieldType)>,
    pub relation: Relation,
}

/// Row counts of LIMIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RowLimit {
    pub offset: u64,
    pub count: u64,
}

/// Operators on top of one another in a plan: a chain of INTERSECT has several for each.
const HEIGHT_MAX: usize = 1_200;

/// Binds a whole query. Its locking clause is for who runs it.
pub fn bind_query(query: &Query, context: &BindContext<'_>) -> Result<BoundQuery, MySqlError> {
    Binder::new(context).bind_whole(query).and_then(flat_enough)
}

/// Binds the query of a view that is being made: under the limit of views within views, and without the view itself.
pub fn bind_view_query(
    query: &Query,
    context: &BindContext<'_>,
    view: (&str, &str),
) -> Result<BoundQuery, MySqlError> {
    let mut binder = Binder::new(context);
    binder.defining = Some(view);
    binder.view_depth = 1;
    binder.bind_whole(query).and_then(flat_enough)
}

/// Plans are walked by recursion.
fn flat_enough(bound: BoundQuery) -> Result<BoundQuery, MySqlError> {
    if bound.relation.is_higher_than(HEIGHT_MAX) {
        return Err(MySqlError::plan_too_deep(HEIGHT_MAX));
    }
    Ok(bound)
}

impl Binder<'_> {
    /// A query that sees nothing of the blocks around it.
    pub(super) fn bind_barred(&mut self, query: &Query) -> Result<BoundQuery, MySqlError> {
        self.barred(|binder| binder.bind_query(query))
    }

    /// What is bound inside sees nothing of the blocks around it.
    pub(super) fn barred<T>(
        &mut self,
        bind: impl FnOnce(&mut Self) -> Result<T, MySqlError>,
    ) -> Result<T, MySqlError> {
        self.blocks.push(Block::new(Scope::default(), true));
        let bound = bind(self);
        self.blocks.pop();
        bound
    }

    /// Puts one more common table in front of those that are known.
    pub(super) fn push_common(&mut self, table: CommonTable) {
        self.common.push(CommonScope { tables: vec![table] });
    }

    /// A query inside another one.
    pub(super) fn bind_query(&mut self, query: &Query) -> Result<BoundQuery, MySqlError> {
        if !query.locking.is_empty() {
            // A lock that is not taken must not be promised.
            return Err(error::not_supported("FOR UPDATE and FOR SHARE in a subquery"));
        }
        self.bind_whole(query)
    }

    fn bind_whole(&mut self, query: &Query) -> Result<BoundQuery, MySqlError> {
        let common = self.common.len();
        if let Some(with) = &query.with {
            self.bind_with(with)?;
        }
        let bound = self.bind_query_body(query);
        self.common.truncate(common);
        bound
    }

    fn bind_query_body(&mut self, query: &Query) -> Result<BoundQuery, MySqlError> {
        let limit = self.bind_limit(query.limit.as_ref())?;
        match &query.body {
            QueryBody::Select(select) => self.bind_select(select, &query.order_by, limit),
            body => {
                let bound = self.bind_operand(body)?;
                let relation = self.bind_set_order(bound.relation, &bound.columns, &query.order_by)?;
                Ok(BoundQuery { relation: limited(relation, limit), ..bound })
            }
        }
    }

    pub(super) fn bind_operand(&mut self, body: &QueryBody) -> Result<BoundQuery, MySqlError> {
        match body {
            QueryBody::Select(select) => self.bind_select(select, &[], None),
            QueryBody::Parenthesized(query) => self.bind_query(query),
            QueryBody::Values(rows) => self.bind_values(rows),
            QueryBody::Table(name) => self.bind_table_statement(name),
            QueryBody::SetOperation(operation) => self.bind_set_operation(operation),
        }
    }

    fn bind_with(&mut self, with: &With) -> Result<(), MySqlError> {
        self.common.push(CommonScope::default());
        for table in &with.tables {
            let common = if with.recursive && mentions_table(&table.query, table.name.as_str()) {
                self.bind_recursive(table)?
            } else {
                let query = self.bind_barred(&table.query)?;
                let columns = super::from::table_columns(&query.columns, &table.columns)?;
                CommonTable { name: Arc::from(table.name.as_str()), columns, relation: query.relation }
            };
            let Some(scope) = self.common.last_mut() else {
                return Err(MySqlError::internal("WITH outside of a query"));
            };
            if scope.tables.iter().any(|other| same_name(&other.name, &common.name)) {
                return Err(MySqlError::not_unique_table(&common.name));
            }
            scope.tables.push(common);
        }
        Ok(())
    }

    /// The nearest common table of that name.
    pub(super) fn common_table(&self, name: &str) -> Option<CommonTable> {
        self.common
            .iter()
            .rev()
            .flat_map(|scope| scope.tables.iter())
            .find(|table| same_name(&table.name, name))
            .cloned()
    }

    fn bind_table_statement(&mut self, name: &ast::ObjectName) -> Result<BoundQuery, MySqlError> {
        let factor = ast::TableFactor {
            name: name.clone(),
            partitions: Vec::new(),
            as_of: None,
            alias: None,
            index_hints: Vec::new(),
            span: name.span(),
        };
        let select = ast::Select {
            items: vec![ast::SelectItem::Wildcard(name.span())],
            from: vec![ast::TableReference::Table(Box::new(factor))],
            ..ast::Select::default()
        };
        self.bind_select(&select, &[], None)
    }

    fn bind_values(&mut self, rows: &[Vec<ast::Expr>]) -> Result<BoundQuery, MySqlError> {
        self.blocks.push(Block::new(Scope::default(), false));
        let bound: Result<Vec<Vec<Expr>>, MySqlError> =
            rows.iter().map(|row| row.iter().map(|value| self.bind_expr(value)).collect()).collect();
        self.blocks.pop();
        let rows = bound?;
        let width = rows.first().map_or(0, Vec::len);
        if rows.iter().any(|row| row.len() != width) {
            return Err(MySqlError::column_count_mismatch_at_row(2));
        }
        let mut types: Vec<FieldType> = Vec::with_capacity(width);
        for column in 0..width {
            let candidates: Vec<&Expr> = rows.iter().filter_map(|row| row.get(column)).collect();
            types.push(build::common_type(&candidates)?);
        }
        let rows = rows
            .into_iter()
            .map(|row| row.into_iter().zip(&types).map(|(value, ty)| build::convert(value, ty)).collect())
            .collect::<Result<Vec<Vec<Expr>>, _>>()?;
        let columns = types
            .iter()
            .enumerate()
            .map(|(position, ty)| OutputColumn::computed(&format!("column_{position}"), ty.clone()))
            .collect();
        Ok(BoundQuery { relation: Relation::Values { rows, types }, columns })
    }

    fn bind_set_operation(&mut self, operation: &ast::SetOperation) -> Result<BoundQuery, MySqlError> {
        let mut operands = vec![self.bind_operand(&operation.first)?];
        let mut operators = Vec::with_capacity(operation.rest.len());
        for branch in &operation.rest {
            operands.push(self.bind_operand(&branch.body)?);
            operators.push((branch.operator, branch.all));
        }
        set_operation::combine(operands, &operators)
    }

    /// ORDER BY after a set operation sees the columns of the answer only.
    fn bind_set_order(
        &mut self,
        relation: Relation,
        columns: &[OutputColumn],
        order_by: &[OrderItem],
    ) -> Result<Relation, MySqlError> {
        if order_by.is_empty() {
            return Ok(relation);
        }
        let named = columns.iter().map(|column| (Arc::clone(&column.name), column.ty.clone()));
        let scope = Scope::of_columns(Arc::from(""), Arc::from(""), Arc::from(""), named);
        let mut block = Block::new(scope, false);
        block.clause = Clause::Order;
        self.blocks.push(block);
        let keys: Result<Vec<SortKey>, MySqlError> = order_by
            .iter()
            .map(|item| {
                let expr = match position_of(&item.expr) {
                    Some(position) => output_at(columns, position, Clause::Order)?,
                    None => self.bind_expr(&item.expr)?,
                };
                Ok(SortKey { expr, descending: item.descending })
            })
            .collect();
        self.blocks.pop();
        Ok(Relation::Sort { input: Box::new(relation), keys: keys? })
    }

    pub(super) fn bind_limit(&mut self, limit: Option<&ast::Limit>) -> Result<Option<RowLimit>, MySqlError> {
        let Some(limit) = limit else {
            return Ok(None);
        };
        let count = self.limit_number(&limit.count)?;
        let offset = match &limit.offset {
            Some(offset) => self.limit_number(offset)?,
            None => 0,
        };
        Ok(Some(RowLimit { offset, count }))
    }

    fn limit_number(&mut self, expr: &ast::Expr) -> Result<u64, MySqlError> {
        match &expr.kind {
            ExprKind::Literal(ast::Literal::Integer(number)) => Ok(*number),
            ExprKind::Placeholder(index) => match self.context.parameters {
                // While preparing any number will do: only types are looked at.
                None => Ok(u64::MAX),
                Some(parameters) => {
                    let value = parameters.get(*index as usize).map(|(value, _)| value);
                    match value {
                        Some(Value::Int(number)) if *number >= 0 => Ok(number.unsigned_abs()),
                        Some(Value::UInt(number)) => Ok(*number),
                        _ => Err(MySqlError::wrong_arguments("LIMIT")),
                    }
                }
            },
            _ => Err(MySqlError::wrong_arguments("LIMIT")),
        }
    }
}

/// Applies LIMIT.
pub(super) fn limited(relation: Relation, limit: Option<RowLimit>) -> Relation {
    match limit {
        Some(RowLimit { offset, count }) => {
            Relation::Limit { input: Box::new(relation), offset, count: Some(count) }
        }
        None => relation,
    }
}

/// The number, if the expression is a plain integer: ORDER BY 1 and GROUP BY 1 mean a column.
pub(super) fn position_of(expr: &ast::Expr) -> Option<u64> {
    match &expr.kind {
        ExprKind::Literal(ast::Literal::Integer(position)) => Some(*position),
        _ => None,
    }
}

fn output_at(columns: &[OutputColumn], position: u64, clause: Clause) -> Result<Expr, MySqlError> {
    let index = usize::try_from(position).ok().and_then(|position| position.checked_sub(1));
    match index.and_then(|index| columns.get(index).map(|column| (index, column))) {
        Some((index, column)) => Ok(Expr::Column { index, ty: column.ty.clone() }),
        None => Err(MySqlError::unknown_column(position, clause.name())),
    }
}

/// Whether the query's FROM clauses, at any depth of set operations, name the table.
pub(super) fn mentions_table(query: &Query, name: &str) -> bool {
    table_mentions(&query.body, name) > 0
}

/// How often the FROM clauses of a query block, at any depth of set operations, name the table.
pub(super) fn table_mentions(body: &QueryBody, name: &str) -> usize {
    fn in_table(table: &ast::TableReference, name: &str) -> usize {
        match table {
            ast::TableReference::Table(factor) => {
                usize::from(factor.name.database.is_none() && factor.name.name.is(name))
            }
            ast::TableReference::Derived(derived) => table_mentions(&derived.query.body, name),
            ast::TableReference::JsonTable(_) => 0,
            ast::TableReference::Join(join) => in_table(&join.left, name) + in_table(&join.right, name),
        }
    }
    match body {
        QueryBody::Select(select) => select.from.iter().map(|table| in_table(table, name)).sum(),
        QueryBody::Values(_) => 0,
        QueryBody::Table(table) => usize::from(table.database.is_none() && table.name.is(name)),
        QueryBody::SetOperation(operation) => {
            let rest = operation.rest.iter().map(|branch| table_mentions(&branch.body, name));
            table_mentions(&operation.first, name) + rest.sum::<usize>()
        }
        QueryBody::Parenthesized(query) => table_mentions(&query.body, name),
    }
}
