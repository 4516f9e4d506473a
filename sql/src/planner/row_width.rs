//! How wide the rows of a plan may become: all columns that are read, side by side.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::LogicalPlan;
use rutile_sql_types::FieldType;

use crate::executor::StoredTable;

/// Most texts are shorter than their columns allow.
const TEXT_BYTES_MAX: usize = 1024;
/// A text of which no type is known.
const TEXT_BYTES_UNKNOWN: usize = 64;
const FIXED_BYTES: usize = 16;

/// Bytes of one row of each table that is read.
pub fn row_bytes(plan: &LogicalPlan) -> Result<usize> {
    let mut bytes = 0;
    plan.apply(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            let provider = source_as_provider(&scan.source)?;
            let any: &dyn std::any::Any = provider.as_ref();
            let stored = any.downcast_ref::<StoredTable>();
            let all: Vec<usize>;
            let columns = match &scan.projection {
                Some(columns) => columns,
                None => {
                    all = (0..scan.source.schema().fields().len()).collect();
                    &all
                }
            };
            let schema = scan.source.schema();
            bytes += columns
                .iter()
                .map(|column| match stored.and_then(|table| table.types().get(*column)) {
                    Some(ty) => width_of(ty),
                    None => schema.fields().get(*column).map_or(0, |field| arrow_width(field.data_type())),
                })
                .sum::<usize>();
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(bytes)
}

fn width_of(ty: &FieldType) -> usize {
    match ty.arrow_type() {
        DataType::Utf8 | DataType::Binary => (ty.length as usize).min(TEXT_BYTES_MAX),
        _ => FIXED_BYTES,
    }
}

fn arrow_width(ty: &DataType) -> usize {
    match ty {
        DataType::Utf8 | DataType::Binary => TEXT_BYTES_UNKNOWN,
        _ => FIXED_BYTES,
    }
}
