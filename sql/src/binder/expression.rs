//! Expressions: AST to typed tree over the row of the current block.

use rutile_sql_parser::ast::{
    self, BinaryOperator, ColumnRef, ExprKind, IsTest, LogicalOperator, UnaryOperator,
};
use rutile_sql_types::{Collation, FieldType, MySqlError, Value};

use super::block::{AliasRule, RowVariables};
use super::error::{Clause, not_supported};
use super::scope::{Scope, same_name};
use super::{BindContext, Binder, Block, literal, operator};
use crate::catalog::ColumnDefault;
use crate::expression::{Expr, build};

/// Binds expressions outside of a query, over one row: values and conditions of DML, SET, defaults.
pub struct ExpressionBinder<'a> {
    binder: Binder<'a>,
}

impl<'a> ExpressionBinder<'a> {
    /// Over the row of `scope`; an empty scope allows no column.
    pub fn new(context: &'a BindContext<'a>, scope: Scope) -> Self {
        let mut binder = Binder::new(context);
        binder.blocks.push(Block::new(scope, true));
        Self { binder }
    }

    /// Lets `VALUES(column)` mean the column that stands `offset` behind it in the row: the row that
    /// INSERT ... ON DUPLICATE KEY UPDATE tried to insert.
    #[must_use]
    pub fn with_inserted_row(mut self, offset: usize) -> Self {
        if let Some(block) = self.binder.blocks.last_mut() {
            block.inserted = Some(offset);
        }
        self
    }

    /// Lets these user variables mean what the row holds, not what the session knows.
    #[must_use]
    pub fn with_row_variables(mut self, variables: RowVariables) -> Self {
        if let Some(block) = self.binder.blocks.last_mut() {
            block.row_variables = variables;
        }
        self
    }

    /// Names in errors are said to be in this clause.
    #[must_use]
    pub fn in_clause(mut self, clause: Clause) -> Self {
        if let Some(block) = self.binder.blocks.last_mut() {
            block.clause = clause;
        }
        self
    }

    /// The row count of a LIMIT without OFFSET.
    pub fn limit(&mut self, limit: &ast::Limit) -> Result<u64, MySqlError> {
        if limit.offset.is_some() {
            return Err(not_supported("OFFSET in this statement"));
        }
        Ok(self.binder.bind_limit(Some(limit))?.map_or(u64::MAX, |rows| rows.count))
    }

    /// Subqueries are error 1235: they need a plan.
    pub fn bind(&mut self, expr: &ast::Expr) -> Result<Expr, MySqlError> {
        let bound = self.binder.bind_expr(expr)?;
        if bound.has_subquery() {
            return Err(not_supported("a subquery in this statement"));
        }
        Ok(bound)
    }
}

impl Binder<'_> {
    pub(super) fn bind_expr(&mut self, expr: &ast::Expr) -> Result<Expr, MySqlError> {
        let bound = self.bind_kind(&expr.kind, expr)?;
        build::fold(bound, &self.context.statement)
    }

    fn bind_all(&mut self, exprs: &[ast::Expr]) -> Result<Vec<Expr>, MySqlError> {
        exprs.iter().map(|expr| self.bind_expr(expr)).collect()
    }

    /// Binds operands and builds the call.
    pub(super) fn bind_call(&mut self, name: &str, args: &[&ast::Expr]) -> Result<Expr, MySqlError> {
        let args = args.iter().map(|arg| self.bind_expr(arg)).collect::<Result<Vec<_>, _>>()?;
        self.call(name, args)
    }

    pub(super) fn call(&mut self, name: &str, args: Vec<Expr>) -> Result<Expr, MySqlError> {
        build::call_in(&self.context.statement, name, args)
    }

    fn bind_kind(&mut self, kind: &ExprKind, expr: &ast::Expr) -> Result<Expr, MySqlError> {
        match kind {
            ExprKind::Literal(value) => literal::bind(value, &self.context.statement),
            ExprKind::Column(name) => self.bind_column(name),
            ExprKind::Placeholder(index) => Ok(self.bind_placeholder(*index as usize)),
            ExprKind::UserVariable(name) => {
                if let Some(expr) = self.block_mut()?.row_variables.find(name) {
                    return Ok(expr);
                }
                let (value, ty) = self.context.session.user_variable(name);
                Ok(Expr::literal(value, ty))
            }
            ExprKind::SystemVariable(variable) => {
                if variable.component.is_some() {
                    return Err(not_supported("component system variables"));
                }
                let name = variable.name.as_str();
                let (value, ty) = self.context.session.system_variable(variable.scope, name)?;
                Ok(Expr::literal(value, ty))
            }
            ExprKind::Unary { operator, operand } => self.bind_unary(*operator, operand),
            ExprKind::Binary { operator, left, right } => self.bind_binary(*operator, left, right),
            ExprKind::Logical { operator, operands } => {
                let operands = self.bind_all(operands)?;
                build::chain(&self.context.statement, operator::logical_name(*operator), operands)
            }
            ExprKind::Is { operand, test, negated } => self.bind_is(operand, *test, *negated),
            ExprKind::Between(between) => {
                let bound = self.bind_call("between", &[&between.operand, &between.low, &between.high])?;
                self.negated_if(bound, between.negated)
            }
            ExprKind::In(list) => self.bind_in(list),
            ExprKind::InSubquery(_) | ExprKind::Exists(_) | ExprKind::Quantified(_) => {
                self.bind_match_value(expr)
            }
            ExprKind::Subquery(query) => self.bind_scalar_subquery(query),
            ExprKind::Like(like) => {
                let mut args = vec![&like.operand, &like.pattern];
                args.extend(&like.escape);
                let bound = self.bind_call("like", &args)?;
                self.negated_if(bound, like.negated)
            }
            ExprKind::Regexp(regexp) => {
                let bound = self.bind_call("regexp", &[&regexp.operand, &regexp.pattern])?;
                self.negated_if(bound, regexp.negated)
            }
            ExprKind::Case(case) => self.bind_case(case),
            ExprKind::Collate { operand, collation } => {
                let collation = Collation::from_name(collation.as_str())?;
                let operand = self.bind_expr(operand)?;
                build::collate(&self.context.statement, operand, collation)
            }
            ExprKind::Aggregate(aggregate) => self.bind_aggregate(aggregate),
            ExprKind::Row(_) => Err(MySqlError::operand_columns(1)),
            ExprKind::Odbc(inner) => self.bind_expr(inner),
            ExprKind::InsertedValue(name) => self.bind_inserted(name),
            ExprKind::DefaultOf(name) => self.bind_default_of(name),
            ExprKind::Default => Err(not_supported("DEFAULT in this place")),
            ExprKind::Assign(_) => Err(not_supported("assignment of a user variable in an expression")),
            ExprKind::Window(call) => self.bind_window(call),
            ExprKind::Match(_) => Err(not_supported("MATCH ... AGAINST")),
            other => self.bind_special(other),
        }
    }

    fn bind_placeholder(&self, index: usize) -> Expr {
        match self.context.parameters.and_then(|parameters| parameters.get(index)) {
            Some((_, ty)) if self.context.keeps_placeholders => Expr::Parameter { index, ty: ty.clone() },
            Some((value, ty)) => Expr::literal(value.clone(), ty.clone()),
            None => {
                let collation = self.context.statement.connection_collation();
                Expr::Parameter { index, ty: FieldType::varchar(PREPARED_TEXT_CHARS, collation) }
            }
        }
    }

    fn bind_column(&mut self, name: &ColumnRef) -> Result<Expr, MySqlError> {
        let block = self.block_mut()?;
        let clause = block.clause;
        let unqualified = name.table.is_none();
        if unqualified
            && block.alias_rule == AliasRule::AliasesFirst
            && let Some(expr) = alias(block, name)
        {
            return Ok(expr);
        }
        if let Some(index) = block.scope.resolve(name, clause)? {
            let ty = block.scope.columns.get(index).map_or_else(FieldType::null, |column| column.ty.clone());
            return Ok(Expr::Column { index, ty });
        }
        if unqualified
            && block.alias_rule == AliasRule::ColumnsFirst
            && let Some(expr) = alias(block, name)
        {
            return Ok(expr);
        }
        let mut barrier = block.barrier;
        for (depth, block) in self.blocks.iter().rev().enumerate().skip(1) {
            if barrier {
                break;
            }
            if let Some(index) = block.scope.resolve(name, clause)? {
                let ty =
                    block.scope.columns.get(index).map_or_else(FieldType::null, |column| column.ty.clone());
                return Ok(Expr::Outer { depth, index, ty });
            }
            barrier = block.barrier;
        }
        Err(MySqlError::unknown_column(name, clause.name()))
    }

    /// `VALUES(column)`.
    fn bind_inserted(&mut self, name: &ColumnRef) -> Result<Expr, MySqlError> {
        let block = self.block_mut()?;
        let Some(offset) = block.inserted else {
            return Err(not_supported("VALUES() outside of ON DUPLICATE KEY UPDATE"));
        };
        let clause = block.clause;
        match block.scope.resolve(name, clause)? {
            Some(index) => {
                let ty =
                    block.scope.columns.get(index).map_or_else(FieldType::null, |column| column.ty.clone());
                Ok(Expr::Column { index: index + offset, ty })
            }
            None => Err(MySqlError::unknown_column(name, clause.name())),
        }
    }

    /// `DEFAULT(column)`.
    fn bind_default_of(&mut self, name: &ColumnRef) -> Result<Expr, MySqlError> {
        let block = self.block_mut()?;
        let clause = block.clause;
        let found = block.scope.resolve(name, clause)?.and_then(|index| {
            let column = block.scope.columns.get(index)?;
            block.scope.tables.get(column.table)?.table.as_ref()?.column(&column.org_name).cloned()
        });
        let column = found.ok_or_else(|| MySqlError::unknown_column(name, clause.name()))?;
        if column.generated.is_some() {
            return Err(MySqlError::no_default_for_column(&column.name));
        }
        match column.default {
            ColumnDefault::Literal(value) => Ok(Expr::literal(value, column.ty)),
            ColumnDefault::Null => Ok(Expr::literal(Value::Null, column.ty)),
            ColumnDefault::Absent if !column.ty.not_null => Ok(Expr::literal(Value::Null, column.ty)),
            ColumnDefault::Absent => Err(MySqlError::no_default_for_column(&column.name)),
            ColumnDefault::CurrentTimestamp | ColumnDefault::Expression(_) => {
                Err(not_supported("DEFAULT() of a column with a computed default"))
            }
        }
    }

    fn bind_unary(&mut self, operator: UnaryOperator, operand: &ast::Expr) -> Result<Expr, MySqlError> {
        match operator {
            UnaryOperator::Plus => self.bind_expr(operand),
            UnaryOperator::Minus => {
                // The one integer whose absolute value does not fit its own type.
                if let Some(ast::Literal::Integer(number)) = operand.literal()
                    && *number == i64::MIN.unsigned_abs()
                {
                    let ty = FieldType::bigint().with_not_null();
                    return Ok(Expr::literal(Value::Int(i64::MIN), ty));
                }
                let operand = self.bind_expr(operand)?;
                build::negative(&self.context.statement, operand)
            }
            UnaryOperator::BitNot => self.bind_call("~", &[operand]),
            UnaryOperator::Not => self.bind_call("not", &[operand]),
            UnaryOperator::Binary => {
                let operand = self.bind_expr(operand)?;
                build::to_binary(&self.context.statement, operand)
            }
        }
    }

    fn bind_binary(
        &mut self,
        operator: BinaryOperator,
        left: &ast::Expr,
        right: &ast::Expr,
    ) -> Result<Expr, MySqlError> {
        if let (ExprKind::Row(left), ExprKind::Row(right)) = (&left.kind, &right.kind) {
            let equal = self.bind_row_equality(left, right)?;
            return match operator {
                BinaryOperator::Equal => Ok(equal),
                BinaryOperator::NotEqual => self.call("not", vec![equal]),
                _ => Err(not_supported("row comparison")),
            };
        }
        match operator {
            BinaryOperator::JsonExtractUnquote => {
                let extracted = self.bind_call("json_extract", &[left, right])?;
                self.call("json_unquote", vec![extracted])
            }
            BinaryOperator::SoundsLike => {
                let sides = vec![self.bind_call("soundex", &[left])?, self.bind_call("soundex", &[right])?];
                self.call("=", sides)
            }
            _ => self.bind_call(operator::binary_name(operator), &[left, right]),
        }
    }

    fn bind_row_equality(&mut self, left: &[ast::Expr], right: &[ast::Expr]) -> Result<Expr, MySqlError> {
        if left.len() != right.len() {
            return Err(MySqlError::operand_columns(left.len()));
        }
        let mut terms = Vec::with_capacity(left.len());
        for (left, right) in left.iter().zip(right) {
            terms.push(self.bind_call("=", &[left, right])?);
        }
        build::chain(&self.context.statement, operator::logical_name(LogicalOperator::And), terms)
    }

    fn bind_is(&mut self, operand: &ast::Expr, test: IsTest, negated: bool) -> Result<Expr, MySqlError> {
        let name = match test {
            IsTest::Null | IsTest::Unknown => "is_null",
            IsTest::True => "is_true",
            IsTest::False => "is_false",
        };
        let bound = self.bind_call(name, &[operand])?;
        self.negated_if(bound, negated)
    }

    pub(super) fn negated_if(&mut self, expr: Expr, negated: bool) -> Result<Expr, MySqlError> {
        if negated { self.call("not", vec![expr]) } else { Ok(expr) }
    }

    fn bind_in(&mut self, list: &ast::InList) -> Result<Expr, MySqlError> {
        let bound = if let ExprKind::Row(fields) = &list.operand.kind {
            let mut rows = Vec::with_capacity(list.list.len());
            for item in &list.list {
                let ExprKind::Row(values) = &item.kind else {
                    return Err(MySqlError::operand_columns(fields.len()));
                };
                rows.push(self.bind_row_equality(fields, values)?);
            }
            build::chain(&self.context.statement, operator::logical_name(LogicalOperator::Or), rows)?
        } else {
            let mut args = vec![self.bind_expr(&list.operand)?];
            args.extend(self.bind_all(&list.list)?);
            self.call("in", args)?
        };
        self.negated_if(bound, list.negated)
    }

    fn bind_case(&mut self, case: &ast::Case) -> Result<Expr, MySqlError> {
        let operand = case.operand.as_ref().map(|operand| self.bind_expr(operand)).transpose()?;
        let mut args = Vec::with_capacity(case.branches.len() * 2 + 1);
        for branch in &case.branches {
            let when = self.bind_expr(&branch.when)?;
            args.push(match &operand {
                Some(operand) => self.call("=", vec![operand.clone(), when])?,
                None => when,
            });
            args.push(self.bind_expr(&branch.then)?);
        }
        if let Some(otherwise) = &case.otherwise {
            args.push(self.bind_expr(otherwise)?);
        }
        self.call("case", args)
    }
}

/// Length of an untyped parameter, in characters; only result metadata shows it.
const PREPARED_TEXT_CHARS: u32 = 255;

fn alias(block: &Block, name: &ColumnRef) -> Option<Expr> {
    block
        .aliases
        .iter()
        .find(|(alias, _)| same_name(alias, name.column.as_str()))
        .map(|(_, expr)| expr.clone())
}
