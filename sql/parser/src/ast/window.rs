//! Window functions and window specifications.

use super::{Expr, Ident, IntervalUnit, OrderItem};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WindowFunction {
    RowNumber,
    Rank,
    DenseRank,
    PercentRank,
    CumeDist,
    Ntile,
    Lead,
    Lag,
    FirstValue,
    LastValue,
    NthValue,
}

impl WindowFunction {
    /// The name as MySQL prints it.
    pub fn name(self) -> &'static str {
        use WindowFunction::*;
        match self {
            RowNumber => "row_number",
            Rank => "rank",
            DenseRank => "dense_rank",
            PercentRank => "percent_rank",
            CumeDist => "cume_dist",
            Ntile => "ntile",
            Lead => "lead",
            Lag => "lag",
            FirstValue => "first_value",
            LastValue => "last_value",
            NthValue => "nth_value",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct WindowCall {
    pub function: WindowFunction,
    pub args: Vec<Expr>,
    /// `FROM LAST` of NTH_VALUE (MySQL answers 1235).
    pub from_last: bool,
    /// `IGNORE NULLS` (MySQL answers 1235); `RESPECT NULLS` is the default.
    pub ignore_nulls: bool,
    pub over: Over,
}

/// What follows OVER.
#[derive(Clone, Debug, PartialEq)]
pub enum Over {
    Name(Ident),
    Spec(Box<WindowSpec>),
}

/// `([base] [PARTITION BY ...] [ORDER BY ...] [frame])`
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WindowSpec {
    /// Named window this one extends.
    pub base: Option<Ident>,
    pub partition_by: Vec<Expr>,
    pub order_by: Vec<OrderItem>,
    pub frame: Option<WindowFrame>,
}

/// One entry of the WINDOW clause.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedWindow {
    pub name: Ident,
    pub spec: WindowSpec,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameUnit {
    Rows,
    Range,
    /// MySQL answers 1235.
    Groups,
}

#[derive(Clone, Debug, PartialEq)]
pub struct WindowFrame {
    pub unit: FrameUnit,
    pub start: FrameBound,
    /// `CURRENT ROW` when the frame was written without BETWEEN.
    pub end: FrameBound,
    pub exclusion: Option<FrameExclusion>,
}

/// `EXCLUDE ...` (MySQL answers 1235).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameExclusion {
    CurrentRow,
    Group,
    Ties,
    NoOthers,
}

#[derive(Clone, Debug, PartialEq)]
pub enum FrameBound {
    UnboundedPreceding,
    Preceding(FrameOffset),
    CurrentRow,
    Following(FrameOffset),
    UnboundedFollowing,
}

/// `n` or `INTERVAL n unit`
#[derive(Clone, Debug, PartialEq)]
pub struct FrameOffset {
    pub amount: Expr,
    pub unit: Option<IntervalUnit>,
}
