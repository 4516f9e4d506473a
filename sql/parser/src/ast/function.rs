//! Function calls: scalar and aggregate.

use super::{Expr, Ident, OrderItem, Over};

/// A call of a scalar function, built in or stored: every function that has no node of its own.
///
/// Special syntaxes are normalised: `SUBSTRING(a FROM b FOR c)` has three args, `POSITION(a IN b)` is `LOCATE(a, b)`,
/// `CURRENT_TIMESTAMP` without parentheses has no args. `ADDDATE(a, n)` stays a call; with INTERVAL it is
/// [`super::DateArithmetic`].
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub schema: Option<Ident>,
    /// As typed; compare with [`Ident::is`].
    pub name: Ident,
    pub args: Vec<Expr>,
}

/// Aggregates the grammar knows. ANY_VALUE and GROUPING are plain [`Call`]s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AggregateFunction {
    Count,
    Sum,
    Avg,
    Min,
    Max,
    BitAnd,
    BitOr,
    BitXor,
    /// `STD`, `STDDEV`, `STDDEV_POP`
    StddevPop,
    StddevSamp,
    /// `VARIANCE`, `VAR_POP`
    VarPop,
    VarSamp,
    GroupConcat,
    JsonArrayAgg,
    JsonObjectAgg,
    StCollect,
}

impl AggregateFunction {
    /// The name as MySQL prints it.
    pub fn name(self) -> &'static str {
        use AggregateFunction::*;
        match self {
            Count => "count",
            Sum => "sum",
            Avg => "avg",
            Min => "min",
            Max => "max",
            BitAnd => "bit_and",
            BitOr => "bit_or",
            BitXor => "bit_xor",
            StddevPop => "std",
            StddevSamp => "stddev_samp",
            VarPop => "variance",
            VarSamp => "var_samp",
            GroupConcat => "group_concat",
            JsonArrayAgg => "json_arrayagg",
            JsonObjectAgg => "json_objectagg",
            StCollect => "st_collect",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    pub function: AggregateFunction,
    pub distinct: bool,
    /// `COUNT(*)`; then `args` is empty.
    pub star: bool,
    pub args: Vec<Expr>,
    /// Of GROUP_CONCAT.
    pub order_by: Vec<OrderItem>,
    /// Of GROUP_CONCAT; `None` is a comma.
    pub separator: Option<Box<[u8]>>,
    pub over: Option<Over>,
}
