//! A stored table as a DataFusion table provider.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Column, Result};
use datafusion::logical_expr::{Expr as PlanExpr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use rutile_sql_types::FieldType;

use super::TableReader;
use crate::binder::relation::TableScan;
use crate::distsql::{ReadView, ScanRequest};
use crate::expression::datafusion::from_plan;
use crate::expression::{Evaluation, Expr};
use crate::planner::access_path;
use crate::planner::statistics::TableRows;

/// One use of a table in a query.
#[derive(Clone)]
pub struct StoredTable {
    scan: TableScan,
    schema: SchemaRef,
    by_name: HashMap<String, (usize, FieldType)>,
    view: ReadView,
    statement: Arc<Evaluation>,
    rows: Arc<TableRows>,
}

impl std::fmt::Debug for StoredTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StoredTable({})", self.scan.table.name)
    }
}

impl StoredTable {
    pub fn new(scan: &TableScan, view: ReadView, statement: Arc<Evaluation>, rows: Arc<TableRows>) -> Self {
        let mut fields = Vec::with_capacity(scan.columns.len());
        let mut by_name = HashMap::with_capacity(scan.columns.len());
        for (position, (offset, ty)) in scan.columns.iter().zip(&scan.types).enumerate() {
            let name = column_name(scan, *offset, position);
            fields.push(Field::new(&name, ty.arrow_type(), true));
            by_name.insert(name, (position, ty.clone()));
        }
        let schema = Arc::new(Schema::new(fields));
        Self { scan: scan.clone(), schema, by_name, view, statement, rows }
    }

    /// Types of the columns.
    pub fn types(&self) -> &[FieldType] {
        &self.scan.types
    }

    fn bound(&self, filter: &PlanExpr) -> Option<Expr> {
        let expr = from_plan(filter, &|column: &Column| self.by_name.get(&column.name).cloned())?;
        // A volatile condition must see each row once, here or above, not maybe both.
        (!expr.is_volatile()).then_some(expr)
    }
}

/// The column's own name, so that EXPLAIN reads well; computed columns of a plan start with `#`.
fn column_name(scan: &TableScan, offset: usize, position: usize) -> String {
    match scan.table.columns.get(offset) {
        Some(column) if !column.name.starts_with('#') => column.name.clone(),
        _ => format!("c{position}"),
    }
}

#[async_trait]
impl TableProvider for StoredTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&PlanExpr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(filters
            .iter()
            .map(|filter| match self.bound(filter) {
                Some(_) => TableProviderFilterPushDown::Exact,
                None => TableProviderFilterPushDown::Unsupported,
            })
            .collect())
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[PlanExpr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let wanted: Vec<usize> = match projection {
            Some(projection) => projection.clone(),
            None => (0..self.scan.columns.len()).collect(),
        };
        let filters: Vec<Expr> = filters.iter().filter_map(|filter| self.bound(filter)).collect();
        let path = access_path::choose(&self.scan, &filters);
        // Only what is sent or filtered on is decoded.
        let mut decoded = wanted.clone();
        decoded.extend(filters.iter().flat_map(Expr::columns));
        decoded.sort_unstable();
        decoded.dedup();
        let place = |position: usize| decoded.binary_search(&position).unwrap_or_default();
        let mut own_writes = self.view.own_writes(self.scan.table.id).cloned();
        let mut overridden = own_writes.as_ref().map(|writes| Arc::clone(&writes.keys)).unwrap_or_default();
        let locking = self.view.locking.clone().filter(|scans| scans.aliases.contains(&self.scan.alias));
        if let Some(scans) = &locking {
            // Keys come to light where own rows are merged, also if there are none.
            own_writes = Some(own_writes.unwrap_or_default());
            if !scans.skipped.is_empty() {
                overridden = Arc::new(overridden.union(&scans.skipped).cloned().collect());
            }
        }
        let request = ScanRequest {
            table: Arc::clone(&self.scan.table),
            columns: decoded
                .iter()
                .filter_map(|position| self.scan.columns.get(*position).copied())
                .collect(),
            filters: filters.into_iter().map(|filter| filter.remap(&place)).collect(),
            output: wanted.iter().map(|position| place(*position)).collect(),
            schema: ScanRequest::schema_of(&self.schema, &wanted),
            limit,
            stage: None,
            // Own rows take their places among the stored ones.
            sends_keys: own_writes.is_some(),
            keep_order: own_writes.is_some(),
            overridden,
            locking,
            statement: Arc::clone(&self.statement),
            work: Arc::default(),
        };
        let estimate = path.estimated_rows(self.rows.get(self.scan.table.id));
        let alias = Arc::clone(&self.scan.alias);
        Ok(Arc::new(TableReader::new(
            Arc::new(request),
            path,
            self.view.clone(),
            own_writes,
            alias,
            estimate,
            Arc::clone(&self.rows),
        )))
    }
}
