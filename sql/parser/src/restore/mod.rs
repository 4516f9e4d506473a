//! Expressions back to SQL, in the canonical form MySQL's SHOW CREATE TABLE prints: names in backticks, every operator
//! in parentheses, functions in lower case, strings with their character set.
//!
//! For what tables store (defaults, generated columns, CHECKs, functional indexes). The text parses back to an
//! expression of the same value whatever the `sql_mode` (but for ANSI_QUOTES, NO_BACKSLASH_ESCAPES). Deliberately
//! missing: what may not be stored there, that is subqueries, aggregates, window functions, variables and parameters:
//! for these the answer is `None`.

mod call;
mod column;
mod literal;
#[cfg(test)]
mod tests;

pub use column::{ColumnExpression, Refusal, restore_column_expression};

use crate::ast::{BinaryOperator, Case, ColumnRef, Expr, ExprKind, IsTest, LogicalOperator, UnaryOperator};

/// `charset` is the character set of plain string literals; it is printed as their introducer.
pub fn restore_expression(expr: &Expr, charset: &str) -> Option<String> {
    let mut restorer = Restorer::new(charset);
    restorer.expr(expr)?;
    Some(restorer.text)
}

struct Restorer<'a> {
    text: String,
    charset: &'a str,
    /// Columns are written without their table, and what is met on the way is noted.
    notes: Option<column::Notes>,
}

impl<'a> Restorer<'a> {
    fn new(charset: &'a str) -> Self {
        Self { text: String::new(), charset, notes: None }
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn expr(&mut self, expr: &Expr) -> Option<()> {
        match &expr.kind {
            ExprKind::Literal(literal) => self.literal(literal),
            ExprKind::Column(column) => self.column(column),
            ExprKind::Unary { operator, operand } => self.unary(*operator, operand)?,
            ExprKind::Binary { operator, left, right } => self.binary(*operator, left, right)?,
            ExprKind::Logical { operator, operands } => {
                let word = match operator {
                    LogicalOperator::And => " and ",
                    LogicalOperator::Or => " or ",
                };
                self.push("(");
                self.separated(operands, word, Self::truth)?;
                self.push(")");
            }
            ExprKind::Is { operand, test, negated } => self.is(operand, *test, *negated)?,
            ExprKind::Case(case) => self.case(case)?,
            ExprKind::Collate { operand, collation } => {
                self.push("(");
                self.expr(operand)?;
                self.push(" collate ");
                self.push(&collation.value);
                self.push(")");
            }
            ExprKind::Row(fields) => {
                self.push("(");
                self.separated(fields, ",", Self::expr)?;
                self.push(")");
            }
            ExprKind::Odbc(inner) => self.expr(inner)?,
            other => self.predicate(other)?,
        }
        Some(())
    }

    fn predicate(&mut self, kind: &ExprKind) -> Option<()> {
        match kind {
            ExprKind::Between(between) => {
                self.push("(");
                self.expr(&between.operand)?;
                self.push(if between.negated { " not between " } else { " between " });
                self.expr(&between.low)?;
                self.push(" and ");
                self.expr(&between.high)?;
                self.push(")");
            }
            ExprKind::In(list) => {
                self.push("(");
                self.expr(&list.operand)?;
                self.push(if list.negated { " not in (" } else { " in (" });
                self.separated(&list.list, ",", Self::expr)?;
                self.push("))");
            }
            ExprKind::Like(like) => self.negatable(like.negated, |restorer| {
                restorer.push("(");
                restorer.expr(&like.operand)?;
                restorer.push(" like ");
                restorer.expr(&like.pattern)?;
                if let Some(escape) = &like.escape {
                    restorer.push(" escape ");
                    restorer.expr(escape)?;
                }
                restorer.push(")");
                Some(())
            })?,
            ExprKind::Regexp(regexp) => self.negatable(regexp.negated, |restorer| {
                restorer.function("regexp_like", &[&regexp.operand, &regexp.pattern])
            })?,
            other => self.call(other)?,
        }
        Some(())
    }

    fn separated<T>(
        &mut self,
        items: &[T],
        separator: &str,
        print: fn(&mut Self, &T) -> Option<()>,
    ) -> Option<()> {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.push(separator);
            }
            print(self, item)?;
        }
        Some(())
    }

    /// `not(...)` around what `print` prints, if negated.
    fn negatable(&mut self, negated: bool, print: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        if !negated {
            return print(self);
        }
        self.push("(not(");
        print(self)?;
        self.push("))");
        Some(())
    }

    fn name(&mut self, name: &str) {
        self.text.push('`');
        self.push(&name.replace('`', "``"));
        self.text.push('`');
    }

    fn column(&mut self, column: &ColumnRef) {
        if let Some(notes) = &mut self.notes {
            notes.columns.push(column.clone());
            return self.name(&column.column.value);
        }
        for part in [&column.database, &column.table].into_iter().flatten() {
            self.name(&part.value);
            self.push(".");
        }
        self.name(&column.column.value);
    }

    /// An operand in boolean context: MySQL compares what is not boolean with 0.
    fn truth(&mut self, expr: &Expr) -> Option<()> {
        if is_boolean(expr) {
            return self.expr(expr);
        }
        self.push("(0 <> ");
        self.expr(expr)?;
        self.push(")");
        Some(())
    }

    fn unary(&mut self, operator: UnaryOperator, operand: &Expr) -> Option<()> {
        match operator {
            UnaryOperator::Plus => self.expr(operand)?,
            UnaryOperator::Minus if operand.literal().is_some() => {
                self.push("-");
                self.expr(operand)?;
            }
            UnaryOperator::Minus => self.function("-", &[operand])?,
            UnaryOperator::BitNot => self.function("~", &[operand])?,
            UnaryOperator::Not if is_boolean(operand) => {
                self.push("(not(");
                self.expr(operand)?;
                self.push("))");
            }
            UnaryOperator::Not => {
                self.push("(0 = ");
                self.expr(operand)?;
                self.push(")");
            }
            UnaryOperator::Binary => {
                self.push("cast(");
                self.expr(operand)?;
                self.push(" as char charset binary)");
            }
        }
        Some(())
    }

    fn binary(&mut self, operator: BinaryOperator, left: &Expr, right: &Expr) -> Option<()> {
        match operator {
            BinaryOperator::Concat => return self.function("concat", &[left, right]),
            BinaryOperator::JsonExtract => return self.function("json_extract", &[left, right]),
            BinaryOperator::JsonExtractUnquote => {
                self.push("json_unquote(");
                self.function("json_extract", &[left, right])?;
                self.push(")");
                return Some(());
            }
            BinaryOperator::SoundsLike => {
                self.push("(");
                self.function("soundex", &[left])?;
                self.push(" = ");
                self.function("soundex", &[right])?;
                self.push(")");
                return Some(());
            }
            BinaryOperator::MemberOf => {
                self.expr(left)?;
                self.push(" member of (");
                self.expr(right)?;
                self.push(")");
                return Some(());
            }
            _ => {}
        }
        let operand = if operator == BinaryOperator::Xor { Self::truth } else { Self::expr };
        self.push("(");
        operand(self, left)?;
        self.push(" ");
        self.push(operator.symbol());
        self.push(" ");
        operand(self, right)?;
        self.push(")");
        Some(())
    }

    fn is(&mut self, operand: &Expr, test: IsTest, negated: bool) -> Option<()> {
        let (truth, word) = match test {
            IsTest::Null | IsTest::Unknown => (false, "null"),
            IsTest::True => (true, "true"),
            IsTest::False => (true, "false"),
        };
        self.push("(");
        if truth {
            self.truth(operand)?
        } else {
            self.expr(operand)?
        }
        self.push(if negated { " is not " } else { " is " });
        self.push(word);
        self.push(")");
        Some(())
    }

    fn case(&mut self, case: &Case) -> Option<()> {
        self.push("(case ");
        if let Some(operand) = &case.operand {
            self.expr(operand)?;
            self.push(" ");
        }
        for branch in &case.branches {
            self.push("when ");
            self.expr(&branch.when)?;
            self.push(" then ");
            self.expr(&branch.then)?;
            self.push(" ");
        }
        if let Some(otherwise) = &case.otherwise {
            self.push("else ");
            self.expr(otherwise)?;
            self.push(" ");
        }
        self.push("end)");
        Some(())
    }
}

/// Functions whose result is a truth value already.
const BOOLEAN_FUNCTIONS: [&str; 6] =
    ["regexp_like", "isnull", "json_contains", "json_contains_path", "json_overlaps", "json_valid"];

/// Whether MySQL takes the value as a truth value without comparing it with 0.
fn is_boolean(expr: &Expr) -> bool {
    use crate::ast::Literal;
    match &expr.kind {
        ExprKind::Literal(literal) => matches!(literal, Literal::Boolean(_)),
        ExprKind::Unary { operator, .. } => *operator == UnaryOperator::Not,
        ExprKind::Binary { operator, .. } => {
            operator.is_comparison()
                || matches!(
                    operator,
                    BinaryOperator::Xor | BinaryOperator::SoundsLike | BinaryOperator::MemberOf
                )
        }
        ExprKind::Logical { .. }
        | ExprKind::Is { .. }
        | ExprKind::Between(_)
        | ExprKind::In(_)
        | ExprKind::Like(_)
        | ExprKind::Regexp(_)
        | ExprKind::Match(_) => true,
        ExprKind::Call(call) => BOOLEAN_FUNCTIONS.iter().any(|name| call.name.is(name)),
        _ => false,
    }
}
