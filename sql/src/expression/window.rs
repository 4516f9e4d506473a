//! A bound window function call: its value for a row depends on the rows around it.

use rutile_sql_functions::aggregate::Aggregate;
use rutile_sql_types::FieldType;

use super::Expr;

/// A window function applied to expressions of the input row.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowCall {
    pub function: WindowFunction,
    pub args: Vec<Expr>,
    pub partition_by: Vec<Expr>,
    /// Keys, and whether each descends.
    pub order_by: Vec<(Expr, bool)>,
    pub frame: Frame,
    /// Type of the result.
    pub ty: FieldType,
}

#[derive(Debug, Clone, Copy)]
pub enum WindowFunction {
    RowNumber,
    Rank,
    DenseRank,
    PercentRank,
    CumeDist,
    Ntile,
    /// The value some rows ahead, or behind.
    Lead,
    Lag,
    FirstValue,
    LastValue,
    NthValue,
    /// An aggregate over the frame.
    Aggregate(&'static Aggregate),
}

/// The rows of the partition that a call looks at.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    pub start: FrameEdge,
    pub end: FrameEdge,
}

#[derive(Debug, Clone, PartialEq)]
pub enum FrameEdge {
    /// The end of the partition on this side.
    Partition,
    /// So many rows after the current one.
    Rows(i64),
    /// The last row, on this side, that the order does not tell from the current one.
    Peers,
    /// The last row, on this side, whose only order key does not go beyond this value.
    Value(Expr),
}

impl WindowFunction {
    pub fn name(self) -> &'static str {
        match self {
            Self::RowNumber => "row_number",
            Self::Rank => "rank",
            Self::DenseRank => "dense_rank",
            Self::PercentRank => "percent_rank",
            Self::CumeDist => "cume_dist",
            Self::Ntile => "ntile",
            Self::Lead => "lead",
            Self::Lag => "lag",
            Self::FirstValue => "first_value",
            Self::LastValue => "last_value",
            Self::NthValue => "nth_value",
            Self::Aggregate(aggregate) => aggregate.name,
        }
    }
}

impl PartialEq for WindowFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for WindowFunction {}

impl WindowCall {
    /// All expressions of the input row.
    pub fn exprs(&self) -> impl Iterator<Item = &Expr> {
        let edges = [&self.frame.start, &self.frame.end].into_iter().filter_map(|edge| match edge {
            FrameEdge::Value(expr) => Some(expr),
            _ => None,
        });
        self.args
            .iter()
            .chain(&self.partition_by)
            .chain(self.order_by.iter().map(|(expr, _)| expr))
            .chain(edges)
    }

    /// The same, to be changed.
    pub fn exprs_mut(&mut self) -> impl Iterator<Item = &mut Expr> {
        let edges = [&mut self.frame.start, &mut self.frame.end].into_iter().filter_map(|edge| match edge {
            FrameEdge::Value(expr) => Some(expr),
            _ => None,
        });
        self.args
            .iter_mut()
            .chain(&mut self.partition_by)
            .chain(self.order_by.iter_mut().map(|(expr, _)| expr))
            .chain(edges)
    }
}
