//! UNION ALL in the order it is written: all rows of the first input, then those of the next.
//!
//! DataFusion's union runs its inputs side by side and merges them as they come. No order is promised by
//! SQL, but MySQL keeps it, and of two spellings that a collation calls equal UNION shows the first.

use std::fmt;
use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, ReplaceChildrenOptions};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::StreamExt;

/// Its inputs one after the other, each of one partition.
#[derive(Debug)]
pub struct SequentialUnion {
    inputs: Vec<Arc<dyn ExecutionPlan>>,
    properties: Arc<PlanProperties>,
}

impl SequentialUnion {
    fn new(inputs: Vec<Arc<dyn ExecutionPlan>>, schema: arrow::datatypes::SchemaRef) -> Self {
        let inputs = inputs
            .into_iter()
            .map(|input| -> Arc<dyn ExecutionPlan> {
                if input.properties().output_partitioning().partition_count() == 1 {
                    input
                } else {
                    Arc::new(CoalescePartitionsExec::new(input))
                }
            })
            .collect();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self { inputs, properties: Arc::new(properties) }
    }
}

impl DisplayAs for SequentialUnion {
    fn fmt_as(&self, _kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Union")
    }
}

impl ExecutionPlan for SequentialUnion {
    fn name(&self) -> &'static str {
        "Union"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.inputs.iter().collect()
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::new(children, self.schema())))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::new(children, self.schema())))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        if partition != 0 {
            return Err(DataFusionError::Internal(format!("partition {partition} of a union")));
        }
        let schema = self.schema();
        let inputs = self.inputs.clone();
        // The schema of the union, not of the input: only nullability and names can differ.
        let output = Arc::clone(&schema);
        let stream = futures::stream::iter(inputs)
            .map(move |input| input.execute(0, Arc::clone(&context)))
            .map(|opened| match opened {
                Ok(stream) => stream.left_stream(),
                Err(error) => futures::stream::once(async move { Err(error) }).right_stream(),
            })
            .flatten()
            .map(move |batch| Ok(batch?.with_schema(Arc::clone(&output))?));
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, stream)))
    }
}

/// Puts [`SequentialUnion`] in the place of DataFusion's union.
#[derive(Debug, Default)]
pub struct OrderUnions;

impl PhysicalOptimizerRule for OrderUnions {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| {
            let any: &dyn std::any::Any = plan.as_ref();
            match any.downcast_ref::<UnionExec>() {
                Some(union) => {
                    let inputs = union.children().into_iter().cloned().collect();
                    Ok(Transformed::yes(Arc::new(SequentialUnion::new(inputs, union.schema())) as _))
                }
                None => Ok(Transformed::no(plan)),
            }
        })
        .data()
    }

    fn name(&self) -> &str {
        "order_unions"
    }

    fn schema_check(&self) -> bool {
        true
    }
}
