//! The bound expression: every node knows its MySQL type, every name has become a position.
//!
//! Columns are positions in the row that the expression is evaluated over, so the same tree runs
//! over a row of values, over Arrow columns here, and over Arrow columns at the store. Operators,
//! CASE and IF are calls like any other function. `Outer` and `Subquery` exist only between the
//! binder and the planner, which turns both into joins; `Aggregate` and `Window` only while a block is bound.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use rutile_sql_functions::{CallInfo, Function};
use rutile_sql_types::{FieldType, Value};

/// An expression whose names and types are settled.
#[derive(Debug, Clone)]
pub enum Expr {
    /// The value at `index` of the input row.
    Column { index: usize, ty: FieldType },
    /// A constant.
    Literal { value: Value, ty: FieldType },
    /// The value bound to the placeholder `index` at execution.
    Parameter { index: usize, ty: FieldType },
    /// A call of a builtin or of an operator.
    Call(Box<Call>),
    /// A column of an enclosing query block, `depth` blocks out (1 is the nearest).
    Outer { depth: usize, index: usize, ty: FieldType },
    /// Column `column` of the answer of subquery `id` of the block that is being bound.
    Subquery { id: usize, column: usize, ty: FieldType },
    /// The value of the aggregate `index` of the block that is being bound.
    Aggregate { index: usize, ty: FieldType },
    /// The value of the window function `index` of the block that is being bound.
    Window { index: usize, ty: FieldType },
}

/// A builtin applied to arguments.
#[derive(Debug, Clone)]
pub struct Call {
    pub function: &'static Function,
    pub args: Vec<Expr>,
    /// Types of the arguments and of the result, as the kernel wants them.
    pub info: Arc<CallInfo>,
}

impl Expr {
    pub fn column(index: usize, ty: FieldType) -> Self {
        Self::Column { index, ty }
    }

    pub fn literal(value: Value, ty: FieldType) -> Self {
        Self::Literal { value, ty }
    }

    /// Stands in for an expression that is being rewritten.
    pub fn placeholder() -> Self {
        Self::Literal { value: Value::Null, ty: FieldType::null() }
    }

    /// The MySQL type of the value.
    pub fn ty(&self) -> &FieldType {
        match self {
            Self::Column { ty, .. }
            | Self::Literal { ty, .. }
            | Self::Parameter { ty, .. }
            | Self::Outer { ty, .. }
            | Self::Subquery { ty, .. }
            | Self::Aggregate { ty, .. }
            | Self::Window { ty, .. } => ty,
            Self::Call(call) => &call.info.result,
        }
    }

    pub fn as_literal(&self) -> Option<&Value> {
        match self {
            Self::Literal { value, .. } => Some(value),
            _ => None,
        }
    }

    pub fn as_column(&self) -> Option<usize> {
        match self {
            Self::Column { index, .. } => Some(*index),
            _ => None,
        }
    }

    /// The call, if this is a call of the function named `name`.
    pub fn as_call(&self, name: &str) -> Option<&Call> {
        match self {
            Self::Call(call) if call.function.name == name => Some(call),
            _ => None,
        }
    }

    /// The nodes directly below this one.
    pub fn children(&self) -> &[Expr] {
        match self {
            Self::Call(call) => &call.args,
            _ => &[],
        }
    }

    /// Visits this node and all below it, parents first.
    pub fn visit<'a>(&'a self, visitor: &mut impl FnMut(&'a Expr)) {
        let mut pending = vec![self];
        while let Some(expr) = pending.pop() {
            visitor(expr);
            pending.extend(expr.children().iter().rev());
        }
    }

    /// Whether any node satisfies `test`.
    pub fn any(&self, test: impl Fn(&Expr) -> bool) -> bool {
        let mut found = false;
        self.visit(&mut |expr| found = found || test(expr));
        found
    }

    /// Rebuilds the tree bottom-up: `rewrite` sees every node after its children were rewritten.
    pub fn rewrite<E>(self, rewrite: &mut impl FnMut(Expr) -> Result<Expr, E>) -> Result<Expr, E> {
        match self {
            Self::Call(mut call) => {
                let args = std::mem::take(&mut call.args);
                for arg in args {
                    call.args.push(arg.rewrite(rewrite)?);
                }
                rewrite(Self::Call(call))
            }
            leaf => rewrite(leaf),
        }
    }

    /// The columns read, ascending and without repetition.
    pub fn columns(&self) -> Vec<usize> {
        let mut columns = Vec::new();
        self.visit(&mut |expr| {
            if let Self::Column { index, .. } = expr {
                columns.push(*index);
            }
        });
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// The same expression over a row in which column `i` stands at `position(i)`.
    pub fn remap(self, position: &impl Fn(usize) -> usize) -> Expr {
        let mapped: Result<Expr, std::convert::Infallible> = self.rewrite(&mut |expr| {
            Ok(match expr {
                Self::Column { index, ty } => Self::Column { index: position(index), ty },
                other => other,
            })
        });
        match mapped {
            Ok(expr) => expr,
            Err(never) => match never {},
        }
    }

    /// The same expression over a row that has `by` more columns in front.
    pub fn shift(self, by: usize) -> Expr {
        if by == 0 { self } else { self.remap(&|index| index + by) }
    }

    /// Whether evaluating twice may give two answers, or changes something.
    pub fn is_volatile(&self) -> bool {
        self.any(|expr| matches!(expr, Self::Call(call) if call.function.volatile))
    }

    /// Whether the value depends neither on the row nor on a placeholder, and never changes.
    pub fn is_constant(&self) -> bool {
        !self.any(|expr| match expr {
            Self::Literal { .. } => false,
            Self::Call(call) => call.function.volatile,
            _ => true,
        })
    }

    pub fn has_subquery(&self) -> bool {
        self.any(|expr| matches!(expr, Self::Subquery { .. }))
    }

    pub fn has_window(&self) -> bool {
        self.any(|expr| matches!(expr, Self::Window { .. }))
    }

    pub fn has_outer(&self) -> bool {
        self.any(|expr| matches!(expr, Self::Outer { .. }))
    }
}

/// Splits the conjunction `expr` into its terms.
pub fn conjuncts(expr: Expr) -> Vec<Expr> {
    let mut terms = Vec::new();
    let mut pending = vec![expr];
    while let Some(expr) = pending.pop() {
        match expr {
            Expr::Call(call) if call.function.name == "and" => pending.extend(call.args.into_iter().rev()),
            other => terms.push(other),
        }
    }
    terms
}

/// Structural equality: two equal expressions give equal values over the same row.
impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Column { index: a, .. }, Self::Column { index: b, .. }) => a == b,
            (Self::Literal { value: a, ty: ta }, Self::Literal { value: b, ty: tb }) => {
                ta == tb && same_constant(a, b)
            }
            (Self::Parameter { index: a, .. }, Self::Parameter { index: b, .. }) => a == b,
            (Self::Outer { depth: d, index: a, .. }, Self::Outer { depth: e, index: b, .. }) => {
                a == b && d == e
            }
            (Self::Subquery { id: a, column: c, .. }, Self::Subquery { id: b, column: d, .. }) => {
                a == b && c == d
            }
            (Self::Aggregate { index: a, .. }, Self::Aggregate { index: b, .. })
            | (Self::Window { index: a, .. }, Self::Window { index: b, .. }) => a == b,
            (Self::Call(a), Self::Call(b)) => {
                a.function.name == b.function.name && a.info.result == b.info.result && a.args == b.args
            }
            _ => false,
        }
    }
}

impl Eq for Expr {}

/// Bitwise sameness, so that floating point constants stay reflexive.
fn same_constant(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        (Value::Double(a), Value::Double(b)) => a.to_bits() == b.to_bits(),
        _ => a == b,
    }
}

impl Hash for Expr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.visit(&mut |expr| match expr {
            Self::Column { index, .. } => (0_u8, index).hash(state),
            Self::Literal { value, .. } => {
                1_u8.hash(state);
                hash_constant(value, state);
            }
            Self::Parameter { index, .. } => (2_u8, index).hash(state),
            Self::Call(call) => (3_u8, call.function.name, call.args.len()).hash(state),
            Self::Outer { depth, index, .. } => (4_u8, depth, index).hash(state),
            Self::Subquery { id, .. } => (5_u8, id).hash(state),
            Self::Aggregate { index, .. } => (6_u8, index).hash(state),
            Self::Window { index, .. } => (7_u8, index).hash(state),
        });
    }
}

/// Constants that are the same hash alike. Thousands of expressions may differ in nothing else: `id + 1`, `id + 2` ...
fn hash_constant<H: Hasher>(value: &Value, state: &mut H) {
    match value {
        Value::Int(value) => value.hash(state),
        Value::UInt(value) => value.hash(state),
        Value::Float(value) => value.to_bits().hash(state),
        Value::Double(value) => value.to_bits().hash(state),
        Value::Bytes(value) => value.hash(state),
        Value::Datetime(value) => value.packed().hash(state),
        Value::Duration(value) => value.micros().hash(state),
        // Equal ones have several forms.
        Value::Null | Value::Decimal(_) | Value::Json(_) => {}
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::print::write(f, self, &[])
    }
}
