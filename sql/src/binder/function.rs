//! Function calls, aggregates, and the expressions with a syntax of their own.

use rutile_sql_parser::ast::{self, AggregateFunction, ExprKind, IntervalUnit, TrimSide};
use rutile_sql_parser::restore_expression;
use rutile_sql_types::{MySqlError, Value};

use super::error::{Clause, not_supported};
use super::{Binder, literal};
use crate::expression::{AggregateCall, Expr, build};

impl Binder<'_> {
    /// Everything that is a function under a special syntax.
    pub(super) fn bind_special(&mut self, kind: &ExprKind) -> Result<Expr, MySqlError> {
        match kind {
            ExprKind::Call(call) => self.bind_function(call),
            ExprKind::Cast(cast) => self.bind_cast(cast),
            ExprKind::ConvertUsing { operand, charset } => self.bind_convert_using(operand, charset),
            ExprKind::DateArithmetic(arithmetic) => {
                let name = if arithmetic.subtract { "date_sub" } else { "date_add" };
                let args = vec![
                    self.bind_expr(&arithmetic.operand)?,
                    self.bind_expr(&arithmetic.amount)?,
                    self.unit(arithmetic.unit),
                ];
                self.call(name, args)
            }
            ExprKind::Extract { unit, operand } => {
                let args = vec![self.unit(*unit), self.bind_expr(operand)?];
                self.call("extract", args)
            }
            ExprKind::TimestampAdd(call) => self.bind_timestamp("timestampadd", call),
            ExprKind::TimestampDiff(call) => self.bind_timestamp("timestampdiff", call),
            ExprKind::Trim(trim) => {
                let name = match trim.side {
                    TrimSide::Both => "trim",
                    TrimSide::Leading => "ltrim",
                    TrimSide::Trailing => "rtrim",
                };
                let mut args = vec![&trim.operand];
                args.extend(&trim.what);
                self.bind_call(name, &args)
            }
            ExprKind::Char(call) => {
                if call.charset.is_some() {
                    return Err(not_supported("CHAR(... USING ...)"));
                }
                self.bind_call("char", &call.args.iter().collect::<Vec<_>>())
            }
            ExprKind::IntervalIndex(args) => self.bind_call("interval", &args.iter().collect::<Vec<_>>()),
            ExprKind::GetFormat(_) => Err(not_supported("GET_FORMAT")),
            ExprKind::JsonValue(_) => Err(not_supported("JSON_VALUE")),
            ExprKind::WeightString(_) => Err(not_supported("WEIGHT_STRING")),
            other => Err(MySqlError::internal(format!("unbound expression {other:?}"))),
        }
    }

    fn bind_timestamp(&mut self, name: &str, call: &ast::TimestampCall) -> Result<Expr, MySqlError> {
        let args = vec![self.unit(call.unit), self.bind_expr(&call.first)?, self.bind_expr(&call.second)?];
        self.call(name, args)
    }

    /// An interval unit travels to the kernel as a constant string.
    fn unit(&self, unit: IntervalUnit) -> Expr {
        literal::text(unit.name().as_bytes(), self.context.statement.connection_collation())
    }

    fn bind_function(&mut self, call: &ast::Call) -> Result<Expr, MySqlError> {
        let name = call.name.as_str().to_ascii_lowercase();
        if let Some(schema) = &call.schema {
            return Err(MySqlError::routine_does_not_exist("FUNCTION", format_args!("{schema}.{name}")));
        }
        if rutile_sql_functions::lookup(&name).is_none() {
            let database = self.context.current_database.ok_or_else(MySqlError::no_database_selected)?;
            return Err(MySqlError::routine_does_not_exist(
                "FUNCTION",
                format_args!("{database}.{}", call.name),
            ));
        }
        self.bind_call(&name, &call.args.iter().collect::<Vec<_>>())
    }

    pub(super) fn bind_aggregate(&mut self, aggregate: &ast::Aggregate) -> Result<Expr, MySqlError> {
        if let Some(over) = &aggregate.over {
            return self.bind_aggregate_over(aggregate, over);
        }
        let block = self.block_mut()?;
        if !block.aggregates_allowed {
            return Err(match block.clause {
                Clause::Group => MySqlError::cannot_group_on(aggregate_text(aggregate)),
                _ => MySqlError::invalid_group_function_use(),
            });
        }
        block.aggregates_allowed = false;
        let windows = std::mem::take(&mut block.windows_allowed);
        let rule = std::mem::replace(&mut block.alias_rule, super::block::AliasRule::Never);
        let call = self.bind_aggregate_call(aggregate);
        let block = self.block_mut()?;
        block.aggregates_allowed = true;
        block.windows_allowed = windows;
        block.alias_rule = rule;
        Ok(block.add_aggregate(call?))
    }

    pub(super) fn bind_aggregate_call(
        &mut self,
        aggregate: &ast::Aggregate,
    ) -> Result<AggregateCall, MySqlError> {
        let mut args = Vec::with_capacity(aggregate.args.len() + 1);
        for arg in &aggregate.args {
            args.push(self.bind_expr(arg)?);
        }
        // With a column of its own the aggregate is this block's, without it belongs to the outer query.
        if args.iter().any(|arg| arg.has_outer() && arg.columns().is_empty()) {
            return Err(not_supported("an aggregate of an outer query's columns"));
        }
        let mut order_by = Vec::with_capacity(aggregate.order_by.len());
        for item in &aggregate.order_by {
            order_by.push((self.bind_expr(&item.expr)?, item.descending));
        }
        // COUNT of something that is never NULL counts rows.
        let counts_rows = aggregate.function == AggregateFunction::Count
            && !aggregate.distinct
            && args.iter().all(|arg| arg.ty().not_null);
        if aggregate.star || counts_rows {
            return Ok(AggregateCall::count_rows());
        }
        let separator = match (aggregate.function, &aggregate.separator) {
            (AggregateFunction::GroupConcat, Some(separator)) => Some(separator.to_vec()),
            (AggregateFunction::GroupConcat, None) => Some(b",".to_vec()),
            _ => None,
        };
        // MIN and MAX of distinct values are those of all values.
        let idempotent = matches!(
            aggregate.function,
            AggregateFunction::Min
                | AggregateFunction::Max
                | AggregateFunction::BitAnd
                | AggregateFunction::BitOr
        );
        build::aggregate(
            &self.context.statement,
            aggregate.function.name(),
            args,
            aggregate.distinct && !idempotent,
            order_by,
            separator.map(|separator| Value::Bytes(separator.into())),
        )
    }
}

/// The call as error 1056 names it.
fn aggregate_text(aggregate: &ast::Aggregate) -> String {
    let args = aggregate.args.iter().map(|arg| restore_expression(arg, "utf8mb4").unwrap_or_default());
    let args = if aggregate.star { "*".to_owned() } else { args.collect::<Vec<_>>().join(",") };
    format!("{}({args})", aggregate.function.name())
}
