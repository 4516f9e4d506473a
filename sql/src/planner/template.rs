//! The DataFusion session every query is planned with, built once per process.
//!
//! DataFusion's analyzer is empty: expressions arrive typed, so nothing may coerce them. No function
//! is registered by name: expressions carry theirs. The optimizer rules are those that move or drop
//! operators without evaluating an expression; rules that fold constants would turn a condition of
//! the data into a failed statement, and rules for subqueries get them wrong for MySQL (the binder
//! has already turned subqueries into joins).

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::execution::config::SessionConfig;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::optimizer::OptimizerRule;
use datafusion::optimizer::eliminate_cross_join::EliminateCrossJoin;
use datafusion::optimizer::eliminate_limit::EliminateLimit;
use datafusion::optimizer::extract_equijoin_predicate::ExtractEquijoinPredicate;
use datafusion::optimizer::optimize_projections::OptimizeProjections;
use datafusion::optimizer::push_down_filter::PushDownFilter;
use datafusion::optimizer::push_down_limit::PushDownLimit;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::combine_partial_final_agg::CombinePartialFinalAggregate;
use datafusion::physical_optimizer::ensure_coop::EnsureCooperative;
use datafusion::physical_optimizer::ensure_requirements::EnsureRequirements;
use datafusion::physical_optimizer::join_selection::JoinSelection;
use datafusion::physical_optimizer::limit_pushdown::LimitPushdown;
use datafusion::physical_optimizer::output_requirements::OutputRequirements;
use datafusion::physical_optimizer::projection_pushdown::ProjectionPushdown;
use datafusion::physical_optimizer::sanity_checker::SanityCheckPlan;

use crate::executor::OrderUnions;

/// Rows per batch between operators, if they are not too wide.
pub const BATCH_ROWS: usize = 8192;
/// Wide rows come in batches of so many at least.
const BATCH_ROWS_MIN: usize = 128;
/// Bytes of a batch, as far as types tell: several are on their way in each statement, and not counted.
const BATCH_BYTES: std::ops::RangeInclusive<usize> = 128 << 10..=1 << 20;
/// This part of the server's memory is a batch, within those bounds.
const BATCH_SHARE: usize = 512;
/// Kept by a sort for the merge of what it wrote to disk; it takes more if there is.
const SORT_MERGE_BYTES: usize = 2 << 20;
/// Rewrites of the whole rule list; the second pass sees what the first one exposed.
const OPTIMIZER_PASSES: usize = 2;

/// The session to plan with; `partitions` bounds the parallelism of one query.
pub fn session_template(partitions: usize, runtime: Arc<RuntimeEnv>) -> SessionState {
    SessionStateBuilder::new()
        .with_config(session_config(partitions))
        .with_runtime_env(runtime)
        .with_analyzer_rules(Vec::new())
        .with_optimizer_rules(optimizer_rules())
        .with_physical_optimizer_rules(physical_rules())
        .build()
}

fn session_config(partitions: usize) -> SessionConfig {
    let mut options = ConfigOptions::new();
    options.optimizer.max_passes = OPTIMIZER_PASSES;
    options.execution.sort_spill_reservation_bytes = SORT_MERGE_BYTES;
    // Dynamic filters need a scan that accepts them; ours does not yet.
    options.optimizer.enable_dynamic_filter_pushdown = false;
    options.optimizer.enable_join_dynamic_filter_pushdown = false;
    options.optimizer.enable_topk_dynamic_filter_pushdown = false;
    options.optimizer.enable_aggregate_dynamic_filter_pushdown = false;
    options.catalog.create_default_catalog_and_schema = false;
    options.catalog.information_schema = false;
    SessionConfig::from(options).with_target_partitions(partitions).with_batch_size(BATCH_ROWS)
}

/// Rows per batch where a row of the tables that are read takes so many bytes.
pub fn batch_rows(row_bytes: usize, server_bytes: usize) -> usize {
    let batch_bytes = (server_bytes / BATCH_SHARE).clamp(*BATCH_BYTES.start(), *BATCH_BYTES.end());
    (batch_bytes / row_bytes.max(1)).clamp(BATCH_ROWS_MIN, BATCH_ROWS)
}

/// Logical rules in the order they run.
pub fn optimizer_rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    vec![
        Arc::new(ExtractEquijoinPredicate::new()),
        Arc::new(EliminateCrossJoin::new()),
        Arc::new(EliminateLimit::new()),
        Arc::new(PushDownLimit::new()),
        Arc::new(PushDownFilter::new()),
        Arc::new(OptimizeProjections::new()),
    ]
}

/// Physical rules in the order they run.
pub fn physical_rules() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    vec![
        Arc::new(OutputRequirements::new_add_mode()),
        Arc::new(OrderUnions),
        Arc::new(JoinSelection::new()),
        Arc::new(EnsureRequirements::new()),
        Arc::new(CombinePartialFinalAggregate::new()),
        Arc::new(ProjectionPushdown::new()),
        Arc::new(OutputRequirements::new_remove_mode()),
        Arc::new(LimitPushdown::new()),
        Arc::new(EnsureCooperative::new()),
        Arc::new(SanityCheckPlan::new()),
    ]
}
