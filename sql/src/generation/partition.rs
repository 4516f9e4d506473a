//! The partition that a row is in: error 1526 if there is none.

use rutile_sql_functions::EvalContext;
use rutile_sql_types::{MySqlError, Value};

use crate::expression::{Expr, evaluate};

/// A bound partitioning function, and where its values end.
#[derive(Debug)]
pub(super) struct PartitionRule {
    pub expr: Expr,
    /// The end of the last partition, if it has one. The lowest begins nowhere, and there are no gaps.
    pub end: Option<i128>,
}

impl PartitionRule {
    pub fn check(&self, row: &[Value], context: &mut EvalContext) -> Result<(), MySqlError> {
        let Some(end) = self.end else {
            return Ok(());
        };
        let value = match evaluate(&self.expr, row, context)? {
            // NULL is in the lowest partition.
            Value::Null => return Ok(()),
            Value::Int(value) => i128::from(value),
            Value::UInt(value) => i128::from(value),
            other => return Err(MySqlError::internal(format!("{other:?} of a partitioning function"))),
        };
        if value < end { Ok(()) } else { Err(MySqlError::no_partition_for_value(value)) }
    }
}
