//! Expressions.
//!
//! [`Expr`] is kept small (40 bytes) because a multi-row INSERT holds a million of them; rarer forms are boxed.
//! Chains of `AND` and of `OR` are flat vectors; every other chain leans to the left and is at most
//! [`crate::Limits::height`] high.

use super::{Aggregate, WindowCall};
use super::{
    BinaryOperator, Call, CastType, ColumnRef, Ident, IntervalUnit, IsTest, Literal, LogicalOperator,
    Quantifier, Query, Span, UnaryOperator,
};

/// An expression and where it stands. For a parenthesised one the span excludes the parentheses.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    Literal(Literal),
    Column(Box<ColumnRef>),
    /// `?`, numbered from 0 in text order.
    Placeholder(u32),
    /// `@name`; the name without `@` and quotes, as typed.
    UserVariable(Box<str>),
    SystemVariable(Box<SystemVariable>),
    /// `@name := value`
    Assign(Box<Assign>),
    Unary {
        operator: UnaryOperator,
        operand: Box<Expr>,
    },
    Binary {
        operator: BinaryOperator,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// `a AND b AND c`: two or more operands; nested parentheses of the same operator on the left are flattened too.
    Logical {
        operator: LogicalOperator,
        operands: Vec<Expr>,
    },
    /// `a IS [NOT] NULL|TRUE|FALSE|UNKNOWN`
    Is {
        operand: Box<Expr>,
        test: IsTest,
        negated: bool,
    },
    Between(Box<Between>),
    In(Box<InList>),
    InSubquery(Box<InSubquery>),
    Like(Box<Like>),
    Regexp(Box<Regexp>),
    Case(Box<Case>),
    /// `CAST(a AS type)` and `CONVERT(a, type)`
    Cast(Box<Cast>),
    /// `CONVERT(a USING charset)`
    ConvertUsing {
        operand: Box<Expr>,
        charset: Box<Ident>,
    },
    /// `a COLLATE name`
    Collate {
        operand: Box<Expr>,
        collation: Box<Ident>,
    },
    Call(Box<Call>),
    Aggregate(Box<Aggregate>),
    /// Pure window functions; an aggregate with `OVER` is an [`Aggregate`].
    Window(Box<WindowCall>),
    /// `(a, b)` and `ROW(a, b)`: two or more fields
    Row(Vec<Expr>),
    /// `(SELECT ...)`
    Subquery(Box<Query>),
    Exists(Box<Query>),
    /// `a = ANY (SELECT ...)`
    Quantified(Box<Quantified>),
    /// `a + INTERVAL n unit`, `DATE_ADD(a, INTERVAL n unit)`, `ADDDATE(a, n)` and their subtracting twins
    DateArithmetic(Box<DateArithmetic>),
    /// `EXTRACT(unit FROM a)`
    Extract {
        unit: IntervalUnit,
        operand: Box<Expr>,
    },
    /// `TIMESTAMPADD(unit, n, a)`
    TimestampAdd(Box<TimestampCall>),
    /// `TIMESTAMPDIFF(unit, a, b)`
    TimestampDiff(Box<TimestampCall>),
    Trim(Box<Trim>),
    Match(Box<MatchAgainst>),
    /// `CHAR(a, b USING charset)`; without USING the result is binary
    Char(Box<CharCall>),
    /// `WEIGHT_STRING(a AS CHAR(n))`
    WeightString(Box<WeightString>),
    /// `GET_FORMAT(DATE, a)`
    GetFormat(Box<GetFormat>),
    /// `JSON_VALUE(doc, path RETURNING type ...)`
    JsonValue(Box<JsonValue>),
    /// `VALUES(column)` in ON DUPLICATE KEY UPDATE
    InsertedValue(Box<ColumnRef>),
    /// `DEFAULT(column)`
    DefaultOf(Box<ColumnRef>),
    /// Bare `DEFAULT` where a value of INSERT, REPLACE, UPDATE may stand; nowhere else
    Default,
    /// `INTERVAL(n, a, b, ...)`, the index function
    IntervalIndex(Vec<Expr>),
    /// `{name expr}` of ODBC with a name other than d, t, ts (those are literals): the value of `expr`
    Odbc(Box<Expr>),
}

/// The promise of the module's head; a larger variant must be boxed.
const _: () = assert!(size_of::<Expr>() <= 40);

impl Expr {
    pub fn new(kind: ExprKind, span: Span) -> Expr {
        Expr { kind, span }
    }

    /// The literal this expression is, if it is one.
    pub fn literal(&self) -> Option<&Literal> {
        match &self.kind {
            ExprKind::Literal(literal) => Some(literal),
            _ => None,
        }
    }
}

/// Scope written before a system variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VariableScope {
    Global,
    /// `SESSION` and `LOCAL`
    Session,
    Persist,
    PersistOnly,
}

/// `@@[scope.][component.]name`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemVariable {
    /// `None`: the session value if there is one, else the global one.
    pub scope: Option<VariableScope>,
    /// Key cache or component name, as in `@@hot.key_buffer_size`.
    pub component: Option<Ident>,
    pub name: Ident,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Assign {
    pub variable: Box<str>,
    pub value: Expr,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Between {
    pub operand: Expr,
    pub low: Expr,
    pub high: Expr,
    pub negated: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct InList {
    pub operand: Expr,
    pub list: Vec<Expr>,
    pub negated: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct InSubquery {
    pub operand: Expr,
    pub query: Query,
    pub negated: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Like {
    pub operand: Expr,
    pub pattern: Expr,
    pub escape: Option<Expr>,
    pub negated: bool,
}

/// `REGEXP` and `RLIKE`
#[derive(Clone, Debug, PartialEq)]
pub struct Regexp {
    pub operand: Expr,
    pub pattern: Expr,
    pub negated: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// `CASE operand WHEN value ...`; `None`: `CASE WHEN condition ...`
    pub operand: Option<Expr>,
    pub branches: Vec<CaseBranch>,
    pub otherwise: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CaseBranch {
    pub when: Expr,
    pub then: Expr,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Cast {
    pub operand: Expr,
    pub target: CastType,
    /// `CAST(a AS type ARRAY)`, of multi-valued indexes.
    pub array: bool,
    /// `CAST(a AT TIME ZONE [INTERVAL] 'zone' AS DATETIME)`
    pub time_zone: Option<Box<[u8]>>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Quantified {
    pub operand: Expr,
    /// One of the comparison operators.
    pub operator: BinaryOperator,
    pub quantifier: Quantifier,
    pub query: Query,
}

#[derive(Clone, Debug, PartialEq)]
pub struct DateArithmetic {
    pub operand: Expr,
    pub amount: Expr,
    pub unit: IntervalUnit,
    pub subtract: bool,
}

/// TIMESTAMPADD(unit, first, second) or TIMESTAMPDIFF(unit, first, second).
#[derive(Clone, Debug, PartialEq)]
pub struct TimestampCall {
    pub unit: IntervalUnit,
    pub first: Expr,
    pub second: Expr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrimSide {
    Both,
    Leading,
    Trailing,
}

/// `TRIM([side] [what] FROM operand)`; `TRIM(operand)` is both sides, no `what`.
#[derive(Clone, Debug, PartialEq)]
pub struct Trim {
    pub side: TrimSide,
    pub what: Option<Expr>,
    pub operand: Expr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatchMode {
    NaturalLanguage,
    NaturalLanguageWithExpansion,
    Boolean,
}

#[derive(Clone, Debug, PartialEq)]
pub struct MatchAgainst {
    pub columns: Vec<ColumnRef>,
    pub against: Expr,
    pub mode: MatchMode,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CharCall {
    pub args: Vec<Expr>,
    pub charset: Option<Ident>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct WeightString {
    pub operand: Expr,
    /// `AS CHAR(n)` or `AS BINARY(n)`
    pub cast: Option<WeightStringCast>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeightStringCast {
    pub binary: bool,
    pub length: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FormatKind {
    Date,
    Time,
    /// `DATETIME` and `TIMESTAMP`
    Datetime,
}

#[derive(Clone, Debug, PartialEq)]
pub struct GetFormat {
    pub kind: FormatKind,
    pub standard: Expr,
}

/// What JSON_VALUE and JSON_TABLE do when a value is missing or does not convert.
#[derive(Clone, Debug, PartialEq)]
pub enum JsonReaction {
    Null,
    Error,
    Default(Expr),
}

#[derive(Clone, Debug, PartialEq)]
pub struct JsonValue {
    pub document: Expr,
    pub path: Expr,
    pub returning: Option<CastType>,
    pub on_empty: Option<JsonReaction>,
    pub on_error: Option<JsonReaction>,
}
