//! The partitions of a table.
//!
//! A partition is a name for the rows whose partitioning function gives a value of its range, and every row must be in
//! one. It is no place: all rows of a table are in the table's own key range, which regions cut and spread without it.

use serde::{Deserialize, Serialize};

use super::ColumnId;

/// `PARTITION BY RANGE (expression)`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionInfo {
    /// The canonical text of the partitioning function.
    pub expression: String,
    /// The columns that it names.
    pub reads: Vec<ColumnId>,
    /// In ascending order.
    pub partitions: Vec<RangePartition>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangePartition {
    pub name: String,
    /// `VALUES LESS THAN (n)`; `None` is MAXVALUE.
    pub less_than: Option<i128>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
}
