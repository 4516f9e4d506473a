//! Aggregates as state machines: `accumulate` takes a row's arguments, `state` and `merge` carry partial results
//! between stores and nodes, `result` ends a group.
//!
//! `count.rs` COUNT; `sum.rs` SUM and AVG; `extreme.rs` MIN, MAX, ANY_VALUE; `bits.rs` BIT_AND, BIT_OR, BIT_XOR;
//! `variance.rs` STD and VARIANCE; `concat.rs` GROUP_CONCAT. Missing: JSON_ARRAYAGG, JSON_OBJECTAGG.

mod bits;
mod concat;
mod count;
mod extreme;
mod sum;
mod variance;

use rutile_sql_types::{FieldType, MySqlError, Value};

use crate::call::{ArgInfo, Arity, EvalContext, InferContext};

/// The state of one group.
pub trait Accumulator: Send + Sync + std::fmt::Debug {
    /// Takes the arguments of one row.
    fn accumulate(&mut self, context: &mut EvalContext, args: &[Value]) -> Result<(), MySqlError>;

    /// What `merge` of another accumulator needs.
    fn state(&self) -> Vec<Value>;

    fn merge(&mut self, context: &mut EvalContext, state: &[Value]) -> Result<(), MySqlError>;

    /// The group's value in the type the aggregate inferred.
    fn result(&mut self, context: &mut EvalContext) -> Result<Value, MySqlError>;

    /// Bytes the state holds, for quotas.
    fn size_bytes(&self) -> usize;
}

/// What an accumulator is made for.
#[derive(Debug, Clone)]
pub struct AggregateInfo {
    pub args: Vec<FieldType>,
    pub result: FieldType,
    /// SEPARATOR of GROUP_CONCAT.
    pub separator: Vec<u8>,
    /// `group_concat_max_len`
    pub max_length: usize,
}

/// One aggregate function.
#[derive(Clone, Copy)]
pub struct Aggregate {
    pub name: &'static str,
    pub arity: Arity,
    pub infer: fn(&mut InferContext, &[ArgInfo<'_>]) -> Result<FieldType, MySqlError>,
    /// Types of the values `state` answers.
    pub state: fn(&AggregateInfo) -> Vec<FieldType>,
    pub new: fn(&AggregateInfo) -> Box<dyn Accumulator>,
}

impl std::fmt::Debug for Aggregate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

static AGGREGATES: &[&[Aggregate]] = &[
    count::AGGREGATES,
    sum::AGGREGATES,
    extreme::AGGREGATES,
    bits::AGGREGATES,
    variance::AGGREGATES,
    concat::AGGREGATES,
];

/// The aggregate of this name, in any case.
pub fn lookup(name: &str) -> Option<&'static Aggregate> {
    AGGREGATES
        .iter()
        .flat_map(|family| family.iter())
        .find(|aggregate| aggregate.name.eq_ignore_ascii_case(name))
}
