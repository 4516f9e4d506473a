//! Queries over one table that find a few rows by their keys: read through the snapshot and evaluated row by row.
//!
//! Taken are points of the primary key or of an index, short ranges, and scans in key order that a LIMIT ends.
//! Whether a range is short shows while it is read: a query that turns out to read more than
//! [`ROWS_MAX`] rows is handed over to a plan, so memory and the time lost are bounded.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

use bytes::Bytes;
use rutile_kv_client::ScanOptions;
use rutile_sql_functions::EvalContext;
use rutile_sql_types::{FieldType, MySqlError, TypeKind, Value};

use super::read_template::fill;
use super::row::{self, Row};
use super::row_walk::RowWalk;
use super::snapshot_reader::{ColumnDecoder, SnapshotReader};
use crate::binder::Relation;
use crate::binder::relation::{SortKey, TableScan};
use crate::catalog::HandleKind;
use crate::expression::{Evaluation, Expr};
use crate::planner::access_path::{AccessPath, choose};

/// Rows read before a query is handed over to a plan.
pub const ROWS_MAX: usize = 1000;
/// Bytes of stored rows read before that.
const BYTES_MAX: usize = 4 << 20;

/// A query recognised as a short read.
pub struct ShortRead<'q> {
    relation: &'q Relation,
    scan: &'q TableScan,
    filters: Cow<'q, [Expr]>,
    path: AccessPath,
    /// Positions in the scan's columns that anything above it reads.
    needed: Vec<usize>,
    /// Rows after the filter that suffice.
    limit: Option<usize>,
    /// Descending key order.
    reverse: bool,
}

/// Rows so far.
struct Found {
    rows: Vec<Row>,
    /// Keys and bytes seen, also of rows the filter left out.
    seen: usize,
    bytes: usize,
}

impl Found {
    fn is_too_much(&self) -> bool {
        self.seen > ROWS_MAX || self.bytes > BYTES_MAX
    }
}

impl<'q> ShortRead<'q> {
    /// `None` if the query needs a plan.
    pub fn of(relation: &'q Relation) -> Option<Self> {
        if !row::can_run(relation) {
            return None;
        }
        let (scan, operators) = operators_over_table(relation)?;
        Self::choose(relation, scan, &operators, Cow::Borrowed(filters_of(&operators)))
    }

    /// A runnable query with slots in its filter, which get these values.
    pub fn with_parameters(
        relation: &'q Relation,
        parameters: &[(Value, FieldType)],
    ) -> Result<Option<Self>, MySqlError> {
        let Some((scan, operators)) = operators_over_table(relation) else {
            return Ok(None);
        };
        let filters = filters_of(&operators)
            .iter()
            .map(|term| fill(term, parameters))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self::choose(relation, scan, &operators, Cow::Owned(filters)))
    }

    fn choose(
        relation: &'q Relation,
        scan: &'q TableScan,
        operators: &[&'q Relation],
        filters: Cow<'q, [Expr]>,
    ) -> Option<Self> {
        let path = choose(scan, &filters);
        let filters = without_covered(scan, &path, filters);
        let (limit, reverse) = early_end(scan, operators, &path);
        let is_short = match &path {
            AccessPath::Full { .. } => filters.is_empty() && limit.is_some_and(|limit| limit <= ROWS_MAX),
            AccessPath::Records { ranges } | AccessPath::Index { ranges, .. } => {
                ranges.ranges.len() <= ROWS_MAX
                    && (ranges.point_columns > 0 || ranges.bounded == (true, true) || limit.is_some())
            }
        };
        let needed = needed_columns(scan, operators, &filters);
        is_short.then_some(Self { relation, scan, filters, path, needed, limit, reverse })
    }

    pub fn scan(&self) -> &TableScan {
        self.scan
    }

    pub fn path(&self) -> &AccessPath {
        &self.path
    }

    pub fn relation(&self) -> &Relation {
        self.relation
    }

    pub fn limit(&self) -> Option<usize> {
        self.limit
    }

    pub fn is_reverse(&self) -> bool {
        self.reverse
    }

    /// The query's rows, or `None` if it reads too many for this way.
    pub async fn read(
        &self,
        reader: &SnapshotReader<'_>,
        statement: &Evaluation,
    ) -> Result<Option<Vec<Row>>, MySqlError> {
        statement.check_alive()?;
        let mut context = statement.eval_context();
        let mut found = Found { rows: Vec::new(), seen: 0, bytes: 0 };
        if self.limit != Some(0) {
            self.collect(reader, &mut context, &mut found).await?;
        }
        if found.is_too_much() {
            return Ok(None);
        }
        let rows = row::rows_over(self.relation, found.rows, &mut context)?;
        statement.absorb(context);
        Ok(Some(rows))
    }

    async fn collect(
        &self,
        reader: &SnapshotReader<'_>,
        context: &mut EvalContext,
        found: &mut Found,
    ) -> Result<(), MySqlError> {
        let mut decoder = ColumnDecoder::new(self.scan, &self.needed)?;
        let walk = RowWalk { table: &self.scan.table, path: &self.path, records: self.scan_options() };
        let mut visit = |key: &Bytes, stored: &Bytes| {
            found.seen += 1;
            found.bytes += stored.len();
            let row = decoder.decode(key, stored, context)?;
            if row::keeps(&self.filters, &row, context)? {
                found.rows.push(row);
            }
            let enough = found.is_too_much() || self.limit.is_some_and(|limit| found.rows.len() >= limit);
            Ok(if enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        };
        walk.run(reader, &mut visit).await
    }

    fn scan_options(&self) -> ScanOptions {
        let mut options = ScanOptions { reverse: self.reverse, ..ScanOptions::default() };
        if self.filters.is_empty() {
            options.limit = self.limit;
        } else if let Some(limit) = self.limit {
            options.batch = options.batch.min(limit.max(16));
        }
        options
    }
}

/// The conditions directly above the table.
pub(super) fn filters_of<'q>(operators: &[&'q Relation]) -> &'q [Expr] {
    match operators.last() {
        Some(Relation::Filter { predicates, .. }) => predicates,
        _ => &[],
    }
}

/// The one table at the bottom, and the operators over it from the top down.
pub fn operators_over_table(relation: &Relation) -> Option<(&TableScan, Vec<&Relation>)> {
    let (mut operators, mut current) = (Vec::new(), relation);
    loop {
        match current {
            Relation::Table(scan) => return Some((scan, operators)),
            Relation::Project { input, .. }
            | Relation::Filter { input, .. }
            | Relation::Sort { input, .. }
            | Relation::Distinct { input }
            | Relation::Limit { input, .. }
            | Relation::Aggregate { input, .. } => {
                operators.push(current);
                current = input;
            }
            _ => return None,
        }
    }
}

/// The terms that the ranges do not answer already: key ranges of an integer handle hold exactly the rows of its
/// comparisons with integers.
fn without_covered<'q>(scan: &TableScan, path: &AccessPath, filters: Cow<'q, [Expr]>) -> Cow<'q, [Expr]> {
    let HandleKind::Integer { offset } = scan.table.handle else {
        return filters;
    };
    let signed = scan.table.columns.get(offset).is_some_and(|column| !column.ty.unsigned);
    let position = scan.columns.iter().position(|column| *column == offset);
    let (AccessPath::Records { .. }, Some(handle), true) = (path, position, signed) else {
        return filters;
    };
    if !filters.iter().any(|term| compares_handle(term, handle)) {
        return filters;
    }
    let mut left = filters.into_owned();
    left.retain(|term| !compares_handle(term, handle));
    Cow::Owned(left)
}

fn compares_handle(term: &Expr, handle: usize) -> bool {
    let Expr::Call(call) = term else {
        return false;
    };
    let [column, constants @ ..] = call.args.as_slice() else {
        return false;
    };
    matches!(call.function.name, "=" | "<" | "<=" | ">" | ">=" | "between")
        && column.as_column() == Some(handle)
        && constants.iter().all(|constant| matches!(constant.as_literal(), Some(Value::Int(_))))
}

/// Columns read by the operators up to the first that makes rows of its own, and by the terms that are left.
fn needed_columns(scan: &TableScan, operators: &[&Relation], filters: &[Expr]) -> Vec<usize> {
    let mut needed = BTreeSet::new();
    for operator in operators.iter().rev() {
        let ends = match operator {
            Relation::Filter { .. } => {
                needed.extend(filters.iter().flat_map(Expr::columns));
                false
            }
            Relation::Project { exprs, .. } => {
                needed.extend(exprs.iter().flat_map(Expr::columns));
                true
            }
            Relation::Sort { keys, .. } => {
                needed.extend(keys.iter().flat_map(|key| key.expr.columns()));
                false
            }
            Relation::Aggregate { keys, calls, .. } => {
                let args = calls.iter().flat_map(|call| &call.args);
                needed.extend(keys.iter().chain(args).flat_map(Expr::columns));
                true
            }
            Relation::Distinct { .. } => {
                needed.extend(0..scan.columns.len());
                false
            }
            _ => false,
        };
        if ends {
            return needed.into_iter().collect();
        }
    }
    (0..scan.columns.len()).collect()
}

/// How many rows of the table suffice, if its key order is the query's, and whether that descends.
pub(super) fn early_end(
    scan: &TableScan,
    operators: &[&Relation],
    path: &AccessPath,
) -> (Option<usize>, bool) {
    if !operators.iter().any(|operator| matches!(operator, Relation::Limit { .. })) {
        return (None, false);
    }
    let mut columns: Vec<Option<usize>> = scan.columns.iter().map(|column| Some(*column)).collect();
    let mut reverse = false;
    for (position, operator) in operators.iter().rev().enumerate() {
        match operator {
            Relation::Filter { .. } if position == 0 => {}
            Relation::Project { exprs, .. } => {
                columns = exprs
                    .iter()
                    .map(|expr| expr.as_column().and_then(|column| columns.get(column).copied().flatten()))
                    .collect();
            }
            Relation::Sort { keys, .. } => match key_order(scan, keys, &columns, path) {
                Some(descending) => reverse = descending,
                None => break,
            },
            Relation::Limit { offset, count: Some(count), .. } => {
                return (usize::try_from(offset.saturating_add(*count)).ok(), reverse);
            }
            _ => break,
        }
    }
    (None, false)
}

/// Whether rows in key order are in this order, and whether it descends.
fn key_order(
    scan: &TableScan,
    keys: &[SortKey],
    columns: &[Option<usize>],
    path: &AccessPath,
) -> Option<bool> {
    if matches!(path, AccessPath::Index { .. }) {
        return None;
    }
    if matches!(path, AccessPath::Records { ranges } if ranges.is_all_points()) {
        return None;
    }
    let descending = keys.first()?.descending;
    let column =
        |key: &SortKey| key.expr.as_column().and_then(|column| columns.get(column).copied().flatten());
    match scan.table.handle {
        HandleKind::RowId => None,
        HandleKind::Integer { offset } => {
            let ty = &scan.table.columns.get(offset)?.ty;
            // Handles order as signed integers, which the upper half of BIGINT UNSIGNED does not. No two rows
            // have the same handle, so further keys order nothing.
            let signed = !ty.unsigned || ty.kind != TypeKind::BigInt;
            (signed && column(keys.first()?) == Some(offset)).then_some(descending)
        }
        HandleKind::Common => {
            let parts = &scan.table.primary_key()?.columns;
            let follows = keys.len() <= parts.len()
                && keys.iter().zip(parts).all(|(key, part)| {
                    part.length.is_none() && key.descending == descending && column(key) == Some(part.offset)
                });
            follows.then_some(descending)
        }
    }
}
