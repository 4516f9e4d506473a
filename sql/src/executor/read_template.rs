//! Prepared short reads, bound once.
//!
//! Binding resolves names and types anew for each execution and turns placeholders into constants, because what
//! a constant becomes can depend on its value. Where it cannot - integers compared with integers in the condition of a
//! short read - the bound query is kept with its placeholders as slots, and an execution fills them in. It is
//! kept with all that binding looked at: the catalog's version, the session's modes, the types of the parameters.

use std::sync::Arc;

use parking_lot::Mutex;
use rutile_sql_parser::ast::{self, ExprKind, QueryBody, SelectItem, TableReference};
use rutile_sql_types::{Collation, FieldType, MySqlError, SqlMode, TimeZone, Value};

use super::row;
use super::short_read::{ShortRead, operators_over_table};
use crate::binder::{BoundQuery, Relation, bind_query, column_metas};
use crate::error::Result;
use crate::expression::{Call, Evaluation, Expr};
use crate::session::{ColumnMeta, StatementContext};

/// The kept form of one prepared statement.
#[derive(Debug, Default)]
pub struct TemplateCache(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    #[default]
    Untried,
    /// No template under this version of the catalog.
    Unfit {
        schema_version: i64,
    },
    Ready(Arc<ReadTemplate>),
}

/// A bound query whose placeholders are slots.
#[derive(Debug)]
pub struct ReadTemplate {
    facts: Facts,
    parameters: Vec<FieldType>,
    query: BoundQuery,
    pub columns: Arc<[ColumnMeta]>,
}

/// What binding looked at besides the statement.
#[derive(Debug, PartialEq)]
struct Facts {
    schema_version: i64,
    database: Option<Arc<str>>,
    sql_mode: SqlMode,
    collation: Collation,
    time_zone: TimeZone,
    div_precision_increment: u32,
}

impl Facts {
    fn of(context: &StatementContext<'_>) -> Self {
        let settings = context.settings();
        Self {
            schema_version: context.infoschema.version(),
            database: context.session.database.clone(),
            sql_mode: settings.sql_mode,
            collation: settings.collation_connection,
            time_zone: settings.time_zone,
            div_precision_increment: settings.div_precision_increment,
        }
    }

    /// Whether they still hold; unlike `==` with [`Self::of`] without copying.
    fn hold(&self, context: &StatementContext<'_>) -> bool {
        let settings = context.settings();
        self.schema_version == context.infoschema.version()
            && self.database == context.session.database
            && self.sql_mode == settings.sql_mode
            && self.collation == settings.collation_connection
            && self.time_zone == settings.time_zone
            && self.div_precision_increment == settings.div_precision_increment
    }
}

impl TemplateCache {
    /// The statement's template for this execution; `None` if it has to be bound.
    pub fn template(
        &self,
        context: &StatementContext<'_>,
        query: &ast::Query,
        evaluation: &Arc<Evaluation>,
    ) -> Option<Arc<ReadTemplate>> {
        let integers = context.parameters.iter().all(|(value, ty)| !value.is_null() && ty.kind.is_integer());
        if context.session.plans_every_query || !integers {
            return None;
        }
        let schema_version = context.infoschema.version();
        let mut state = self.0.lock();
        match &*state {
            State::Ready(template) if template.fits(context) => return Some(Arc::clone(template)),
            State::Unfit { schema_version: tried } if *tried == schema_version => return None,
            _ => {}
        }
        let template = ReadTemplate::new(context, query, evaluation).map(Arc::new);
        *state = match &template {
            Some(template) => State::Ready(Arc::clone(template)),
            None => State::Unfit { schema_version },
        };
        template
    }
}

impl ReadTemplate {
    fn new(context: &StatementContext<'_>, query: &ast::Query, evaluation: &Arc<Evaluation>) -> Option<Self> {
        if !depends_on_names_only(query) {
            return None;
        }
        let view = context.view();
        let mut names = context.bind_context(&view, evaluation);
        names.keeps_placeholders = true;
        // What fails here fails again when it is bound with its values, with the error the client is to see.
        let query = bind_query(query, &names).ok()?;
        if !slots_are_safe(&query.relation) || !row::can_run(&query.relation) {
            return None;
        }
        let columns = column_metas(&query.columns);
        let parameters = context.parameters.iter().map(|(_, ty)| ty.clone()).collect();
        Some(Self { facts: Facts::of(context), parameters, query, columns })
    }

    fn fits(&self, context: &StatementContext<'_>) -> bool {
        self.facts.hold(context)
            && self.parameters.len() == context.parameters.len()
            && self.parameters.iter().zip(context.parameters).all(|(kept, (_, given))| kept == given)
    }

    /// The read with its slots filled; its table counts as used.
    pub fn read(&self, context: &mut StatementContext<'_>) -> Result<Option<ShortRead<'_>>> {
        let Some(read) = ShortRead::with_parameters(&self.query.relation, context.parameters)? else {
            return Ok(None);
        };
        context.use_table(&read.scan().table)?;
        Ok(Some(read))
    }
}

/// Whether binding the query reads nothing but the catalog: no variables, no functions of the time or the session.
fn depends_on_names_only(query: &ast::Query) -> bool {
    let QueryBody::Select(select) = &query.body else {
        return false;
    };
    let literal = |expr: &ast::Expr| matches!(expr.kind, ExprKind::Literal(_));
    query.with.is_none()
        && query.into.is_none()
        && query.locking.is_empty()
        && query.order_by.iter().all(|item| is_plain(&item.expr))
        && query
            .limit
            .as_ref()
            .is_none_or(|limit| literal(&limit.count) && limit.offset.as_ref().is_none_or(literal))
        && select.hints.is_empty()
        && !select.options.calc_found_rows
        && select.windows.is_empty()
        && matches!(select.from.as_slice(), [TableReference::Table(_)])
        && select.selection.as_ref().is_none_or(is_plain)
        && select.having.as_ref().is_none_or(is_plain)
        && select.group_by.as_ref().is_none_or(|group| group.items.iter().all(is_plain))
        && select.items.iter().all(|item| match item {
            SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(_) => true,
            SelectItem::Expr { expr, .. } => is_plain(expr),
        })
}

fn is_plain(expr: &ast::Expr) -> bool {
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Column(_) | ExprKind::Placeholder(_) => true,
        ExprKind::Unary { operand, .. } | ExprKind::Is { operand, .. } => is_plain(operand),
        ExprKind::Binary { left, right, .. } => is_plain(left) && is_plain(right),
        ExprKind::Logical { operands, .. } => operands.iter().all(is_plain),
        ExprKind::Between(between) => {
            [&between.operand, &between.low, &between.high].into_iter().all(is_plain)
        }
        ExprKind::In(list) => is_plain(&list.operand) && list.list.iter().all(is_plain),
        ExprKind::Aggregate(aggregate) => {
            aggregate.over.is_none() && aggregate.order_by.is_empty() && aggregate.args.iter().all(is_plain)
        }
        _ => false,
    }
}

/// Whether slots occur only where a constant would have been bound just so: integers compared with integers, in the
/// filter directly above the table.
fn slots_are_safe(relation: &Relation) -> bool {
    let Some((_, operators)) = operators_over_table(relation) else {
        return false;
    };
    let is_slot = |expr: &Expr| matches!(expr, Expr::Parameter { .. });
    let mut slots = 0;
    relation.visit_exprs(&mut |expr| slots += usize::from(expr.any(is_slot)));
    match operators.last() {
        Some(Relation::Filter { predicates, .. }) => {
            predicates.iter().filter(|term| term.any(is_slot)).count() == slots
                && predicates.iter().all(compares_integers)
        }
        _ => slots == 0,
    }
}

fn compares_integers(expr: &Expr) -> bool {
    let Expr::Call(call) = expr else {
        return !matches!(expr, Expr::Parameter { .. });
    };
    if !call.args.iter().any(|arg| matches!(arg, Expr::Parameter { .. })) {
        return call.args.iter().all(compares_integers);
    }
    let simple = |arg: &Expr| {
        arg.ty().kind.is_integer()
            && matches!(arg, Expr::Parameter { .. } | Expr::Column { .. } | Expr::Literal { .. })
    };
    matches!(call.function.name, "=" | "<=>" | "<" | "<=" | ">" | ">=" | "between" | "in")
        && call.args.iter().all(simple)
}

/// The expression with values in its slots.
pub fn fill(expr: &Expr, parameters: &[(Value, FieldType)]) -> Result<Expr, MySqlError> {
    match expr {
        Expr::Parameter { index, .. } => match parameters.get(*index) {
            Some((value, ty)) => Ok(Expr::literal(value.clone(), ty.clone())),
            None => Err(MySqlError::internal(format!("placeholder {index} has no value"))),
        },
        Expr::Call(call) => {
            let args = call.args.iter().map(|arg| fill(arg, parameters)).collect::<Result<_, _>>()?;
            Ok(Expr::Call(Box::new(Call { function: call.function, args, info: Arc::clone(&call.info) })))
        }
        other => Ok(other.clone()),
    }
}
