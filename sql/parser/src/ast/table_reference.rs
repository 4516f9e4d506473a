//! What may stand in FROM.

use super::{DataType, Expr, Ident, JsonReaction, ObjectName, Query, Span};

/// A table, a derived table or a join. Parentheses and `{OJ ...}` leave no trace; `(a, b)` is an inner join.
#[derive(Clone, Debug, PartialEq)]
pub enum TableReference {
    Table(Box<TableFactor>),
    Derived(Box<DerivedTable>),
    JsonTable(Box<JsonTable>),
    Join(Box<Join>),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableFactor {
    pub name: ObjectName,
    /// `PARTITION (p0, p1)`
    pub partitions: Vec<Ident>,
    /// `AS OF TIMESTAMP expr`: read the past
    pub as_of: Option<Expr>,
    pub alias: Option<Ident>,
    pub index_hints: Vec<IndexHint>,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub struct DerivedTable {
    pub lateral: bool,
    pub query: Query,
    pub alias: Ident,
    pub columns: Vec<Ident>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IndexHintKind {
    Use,
    Ignore,
    Force,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IndexHintScope {
    All,
    Join,
    OrderBy,
    GroupBy,
}

/// `USE|IGNORE|FORCE INDEX [FOR ...] (names)`; `PRIMARY` is a name like any other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexHint {
    pub kind: IndexHintKind,
    pub scope: IndexHintScope,
    pub indexes: Vec<Ident>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JoinKind {
    /// `JOIN`, `INNER JOIN`, `CROSS JOIN` and the comma inside parentheses: all one in MySQL
    Inner,
    Left,
    Right,
    /// `STRAIGHT_JOIN`: inner, left side read first
    Straight,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    pub left: TableReference,
    pub right: TableReference,
    pub kind: JoinKind,
    pub constraint: JoinConstraint,
}

#[derive(Clone, Debug, PartialEq)]
pub enum JoinConstraint {
    None,
    On(Expr),
    Using(Vec<Ident>),
    Natural,
}

/// `JSON_TABLE(document, path COLUMNS (...)) AS alias`
#[derive(Clone, Debug, PartialEq)]
pub struct JsonTable {
    pub document: Expr,
    pub path: Box<[u8]>,
    pub columns: Vec<JsonTableColumn>,
    pub alias: Ident,
}

#[derive(Clone, Debug, PartialEq)]
pub enum JsonTableColumn {
    Ordinality(Ident),
    Path {
        name: Ident,
        data_type: DataType,
        path: Box<[u8]>,
        on_empty: Option<JsonReaction>,
        on_error: Option<JsonReaction>,
    },
    ExistsPath {
        name: Ident,
        data_type: DataType,
        path: Box<[u8]>,
    },
    Nested {
        path: Box<[u8]>,
        columns: Vec<JsonTableColumn>,
    },
}
