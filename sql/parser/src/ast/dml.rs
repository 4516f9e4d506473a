//! INSERT, REPLACE, UPDATE, DELETE, CALL, DO, HANDLER.

use super::{
    ColumnRef, Expr, Hint, Ident, Limit, ObjectName, OrderItem, Query, TableReference, ValueLists, With,
};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WritePriority {
    #[default]
    Normal,
    Low,
    High,
    /// Accepted and ignored, as MySQL does (warning 3005).
    Delayed,
}

/// INSERT and REPLACE.
#[derive(Clone, Debug, PartialEq)]
pub struct Insert {
    pub replace: bool,
    pub hints: Vec<Hint>,
    pub priority: WritePriority,
    pub ignore: bool,
    pub table: ObjectName,
    pub partitions: Vec<Ident>,
    /// `None`: no list was written, all columns. `INSERT ... SET a=1` is columns `(a)` and one row `(1)`.
    pub columns: Option<Vec<ColumnRef>>,
    pub source: InsertSource,
    /// `AS new(m, n)`
    pub alias: Option<InsertAlias>,
    pub on_duplicate: Vec<Assignment>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum InsertSource {
    Values(ValueLists),
    /// SELECT, TABLE, `VALUES ROW()`
    Query(Box<Query>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InsertAlias {
    pub name: Ident,
    pub columns: Vec<Ident>,
}

/// `column = value`; the value may be [`super::ExprKind::Default`].
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    pub column: ColumnRef,
    pub value: Expr,
}

/// Single-table when `tables` is one plain table; ORDER BY and LIMIT are then allowed.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    pub with: Option<With>,
    pub hints: Vec<Hint>,
    pub low_priority: bool,
    pub ignore: bool,
    pub tables: Vec<TableReference>,
    pub assignments: Vec<Assignment>,
    pub selection: Option<Expr>,
    pub order_by: Vec<OrderItem>,
    pub limit: Option<Limit>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Delete {
    pub with: Option<With>,
    pub hints: Vec<Hint>,
    pub low_priority: bool,
    pub quick: bool,
    pub ignore: bool,
    /// Multi-table forms: the tables (names or aliases) to delete from. Empty: the single table of `tables`.
    pub targets: Vec<ObjectName>,
    pub tables: Vec<TableReference>,
    pub selection: Option<Expr>,
    pub order_by: Vec<OrderItem>,
    pub limit: Option<Limit>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CallProcedure {
    pub name: ObjectName,
    pub args: Vec<Expr>,
}
