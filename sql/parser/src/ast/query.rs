//! Queries: SELECT, VALUES, TABLE, set operations, WITH, and their tails.

use super::{Expr, Ident, NamedWindow, ObjectName, Span, TableReference};

/// A query expression with everything that may surround it.
///
/// `SELECT ... ORDER BY ... LIMIT ... FOR UPDATE` has its tail here and only the select proper in `body`.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    pub with: Option<With>,
    pub body: QueryBody,
    pub order_by: Vec<OrderItem>,
    pub limit: Option<Limit>,
    pub locking: Vec<Locking>,
    pub into: Option<IntoTarget>,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum QueryBody {
    Select(Box<Select>),
    /// `VALUES ROW(...), ROW(...)`
    Values(Vec<Vec<Expr>>),
    /// `TABLE t`
    Table(ObjectName),
    SetOperation(Box<SetOperation>),
    /// `(query)`, kept when the inner query has a tail or a WITH of its own, or is an operand of a set operation.
    Parenthesized(Box<Query>),
}

/// `first UNION second EXCEPT third ...`, to be applied from left to right. INTERSECT binds tighter, so a chain holds
/// either only INTERSECT or only UNION and EXCEPT; the tighter chain is an operand of the looser one.
#[derive(Clone, Debug, PartialEq)]
pub struct SetOperation {
    pub first: QueryBody,
    pub rest: Vec<SetBranch>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SetBranch {
    pub operator: SetOperator,
    /// `ALL`: duplicates stay.
    pub all: bool,
    pub body: QueryBody,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SetOperator {
    Union,
    Intersect,
    Except,
}

#[derive(Clone, Debug, PartialEq)]
pub struct With {
    pub recursive: bool,
    pub tables: Vec<CommonTable>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CommonTable {
    pub name: Ident,
    pub columns: Vec<Ident>,
    pub query: Box<Query>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Select {
    pub options: SelectOptions,
    pub hints: Vec<Hint>,
    pub items: Vec<SelectItem>,
    /// Comma-separated; empty without FROM and with `FROM DUAL`.
    pub from: Vec<TableReference>,
    pub selection: Option<Expr>,
    pub group_by: Option<GroupBy>,
    pub having: Option<Expr>,
    pub windows: Vec<NamedWindow>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SelectOptions {
    /// `DISTINCT` and `DISTINCTROW`
    pub distinct: bool,
    pub high_priority: bool,
    pub straight_join: bool,
    pub small_result: bool,
    pub big_result: bool,
    pub buffer_result: bool,
    pub no_cache: bool,
    pub calc_found_rows: bool,
}

/// One hint of a `/*+ ... */` comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    pub name: Ident,
    /// What stands between the parentheses, untouched; `None` for a hint without them.
    pub arguments: Option<Box<str>>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum SelectItem {
    /// `*`
    Wildcard(Span),
    /// `t.*` and `db.t.*`
    QualifiedWildcard(ObjectName),
    Expr {
        expr: Expr,
        alias: Option<Ident>,
        /// The column's title: alias, bare column name, value of a string literal, or the exact source text.
        title: Box<str>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct GroupBy {
    pub items: Vec<Expr>,
    /// `WITH ROLLUP` and `ROLLUP (...)`
    pub rollup: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct OrderItem {
    pub expr: Expr,
    pub descending: bool,
}

/// `LIMIT count [OFFSET offset]` and `LIMIT offset, count`. Each is an unsigned integer literal, a placeholder, or a
/// bare name (a local variable of a routine; elsewhere 1064 is already raised).
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    pub count: Expr,
    pub offset: Option<Expr>,
}

/// `FOR UPDATE|SHARE [OF tables] [NOWAIT|SKIP LOCKED]`; `LOCK IN SHARE MODE` is a plain FOR SHARE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locking {
    pub strength: LockStrength,
    /// Tables by alias; empty: all.
    pub tables: Vec<ObjectName>,
    pub wait: LockWait,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LockStrength {
    Share,
    Update,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LockWait {
    Wait,
    NoWait,
    SkipLocked,
}

#[derive(Clone, Debug, PartialEq)]
pub enum IntoTarget {
    /// `INTO @a, @b`: user variables without `@`; a name without `@` is a local variable of a routine.
    Variables(Vec<IntoVariable>),
    Outfile(Box<Outfile>),
    Dumpfile(Box<[u8]>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IntoVariable {
    User(Box<str>),
    Local(Ident),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Outfile {
    pub path: Box<[u8]>,
    pub charset: Option<Ident>,
    pub format: super::FieldFormat,
}
