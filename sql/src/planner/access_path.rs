//! How a table is read: its rows in ranges of the primary key, rows found through an index, or all.
//!
//! Without statistics the choice is by what is pinned down: a whole unique key, then a primary key
//! prefix, then an index prefix, then intervals bounded on both sides, then half-open ones of the
//! primary key. A half-open interval of a secondary index is no reason to read rows one by one.

use rutile_kv_types::KeyRange;

use super::ranger::{KeyRanges, index_ranges, record_ranges};
use crate::binder::relation::{IndexHint, IndexHintKind, TableScan};
use crate::catalog::IndexInfo;
use crate::codec::record_key::record_range;
use crate::expression::Expr;

/// The chosen way.
#[derive(Debug, Clone, PartialEq)]
pub enum AccessPath {
    /// Every row of the table.
    Full { range: KeyRange },
    /// Rows by their own keys.
    Records { ranges: KeyRanges },
    /// Entries of this index (position in `table.indexes`), then the rows they name.
    Index { index: usize, ranges: KeyRanges },
}

impl AccessPath {
    pub fn ranges(&self) -> Vec<KeyRange> {
        match self {
            Self::Full { range } => vec![range.clone()],
            Self::Records { ranges } | Self::Index { ranges, .. } => ranges.ranges.clone(),
        }
    }

    /// The index by whose entries rows are found, as position in `table.indexes`.
    pub fn index(&self) -> Option<usize> {
        match self {
            Self::Index { index, .. } => Some(*index),
            Self::Full { .. } | Self::Records { .. } => None,
        }
    }

    /// A guess at the rows read, for join order, out of a table of `rows`.
    pub fn estimated_rows(&self, rows: u64) -> u64 {
        let ranges = match self {
            Self::Full { .. } => return rows,
            Self::Records { ranges } | Self::Index { ranges, .. } => ranges,
        };
        let count = u64::try_from(ranges.ranges.len()).unwrap_or(u64::MAX);
        let per_range = match (ranges.is_all_points(), ranges.point_columns, ranges.bounded) {
            (true, ..) => 1,
            (false, 1.., _) => POINT_PREFIX_ROWS,
            (false, 0, (true, true)) => (rows / BOUNDED_DIVISOR).max(1),
            (false, 0, _) => (rows / HALF_OPEN_DIVISOR).max(1),
        };
        count.saturating_mul(per_range).min(rows)
    }
}

/// Rows behind one value of a key's leading columns.
const POINT_PREFIX_ROWS: u64 = 10;
/// An interval bounded on both sides is taken for a fortieth of the table, a half-open one for a third
/// (the constants of System R's successors).
const BOUNDED_DIVISOR: u64 = 40;
const HALF_OPEN_DIVISOR: u64 = 3;

/// Chooses among the table's keys by the filters over the scan's columns.
pub fn choose(scan: &TableScan, filters: &[Expr]) -> AccessPath {
    let table = &scan.table;
    let mut best: Option<(u32, AccessPath)> = None;
    let mut consider = |score: u32, path: AccessPath| {
        if score > 0 && best.as_ref().is_none_or(|(other, _)| score > *other) {
            best = Some((score, path));
        }
    };
    let primary = table.primary_key().is_some_and(|index| usable(&scan.index_hints, index));
    if primary && let Some(ranges) = record_ranges(table, filters, &scan.columns) {
        if ranges.is_all_points() {
            // Nothing is shorter than the way to the rows themselves.
            return AccessPath::Records { ranges };
        }
        consider(score(&ranges, true, true), AccessPath::Records { ranges });
    }
    for (position, index) in table.indexes.iter().enumerate() {
        if !index.state.is_public() || table.is_clustered(index) || !usable(&scan.index_hints, index) {
            continue;
        }
        if let Some(ranges) = index_ranges(table, index, filters, &scan.columns) {
            let forced = named(&scan.index_hints, index);
            let score = score(&ranges, index.unique, false).max(u32::from(forced));
            consider(score, AccessPath::Index { index: position, ranges });
        }
    }
    match best {
        Some((_, path)) => path,
        None => AccessPath::Full { range: record_range(table.id) },
    }
}

/// Zero: not worth it.
fn score(ranges: &KeyRanges, unique: bool, clustered: bool) -> u32 {
    if ranges.ranges.is_empty() {
        // Contradictory conditions: nothing to read at all.
        return u32::MAX;
    }
    let points = u32::try_from(ranges.point_columns).unwrap_or(0) * 10;
    match (ranges.is_all_points(), ranges.point_columns, ranges.bounded) {
        (true, ..) if unique => 1000 + points + u32::from(clustered),
        (_, 1.., (low, high)) => {
            400 + points + u32::from(low) + u32::from(high) + if clustered { 200 } else { 0 }
        }
        (_, 0, (true, true)) => 200 + if clustered { 100 } else { 0 },
        (_, 0, (true, false) | (false, true)) if clustered => 100,
        _ => 0,
    }
}

fn usable(hints: &[IndexHint], index: &IndexInfo) -> bool {
    let names = |hint: &IndexHint| hint.indexes.iter().any(|name| index.is_named(name));
    let allowed: Vec<&IndexHint> = hints.iter().filter(|hint| hint.kind != IndexHintKind::Ignore).collect();
    let ignored = hints.iter().any(|hint| hint.kind == IndexHintKind::Ignore && names(hint));
    !ignored && (allowed.is_empty() || allowed.into_iter().any(names))
}

fn named(hints: &[IndexHint], index: &IndexInfo) -> bool {
    hints
        .iter()
        .any(|hint| hint.kind == IndexHintKind::Force && hint.indexes.iter().any(|name| index.is_named(name)))
}
