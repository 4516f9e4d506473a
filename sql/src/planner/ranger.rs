//! Key ranges from conditions.
//!
//! From the conjunction of a scan's filters it takes, for each key column in turn, what the terms say
//! about that column alone: points (`=`, IN, IS NULL) let the next key column take part, an interval
//! ends the key. Ranges only have to cover the rows: all filters run on what they read. Terms whose
//! constant does not convert exactly into the column's type are left out for that reason.

use std::cmp::Ordering;
use std::ops::Bound;

use bytes::Bytes;
use rutile_kv_types::KeyRange;
use rutile_sql_types::{Decimal, FieldType, TypeKind, Value};

use crate::catalog::{HandleKind, IndexInfo, TableInfo};
use crate::codec::datum::{self, NULL_FLAG};
use crate::codec::record_key::{index_prefix, integer_record_key, record_prefix};
use crate::expression::{Expr, compare_values};

/// Most points that leading key columns are multiplied out to; beyond, later columns are not used.
const MAX_POINTS: usize = 1024;

/// Most pairs of intervals of two terms that are looked at.
const MAX_PAIRS: usize = 1 << 16;

/// What is known about one column: it is in one of these intervals.
#[derive(Debug, Clone, PartialEq)]
pub struct Intervals {
    pub list: Vec<Interval>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Interval {
    pub low: Bound<Value>,
    pub high: Bound<Value>,
}

/// The ranges of one key, and how much of the key they pin down.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyRanges {
    pub ranges: Vec<KeyRange>,
    /// Leading columns that are single values in every range.
    pub point_columns: usize,
    /// Whether the column after those is bounded below and above.
    pub bounded: (bool, bool),
    /// How many columns the key has.
    pub key_columns: usize,
    /// The columns of the table that were used and what is known about them.
    pub conditions: Vec<(usize, Intervals)>,
}

impl KeyRanges {
    pub fn is_all_points(&self) -> bool {
        self.point_columns == self.key_columns
    }

    /// The conditions as EXPLAIN shows them.
    pub fn text(&self, table: &TableInfo) -> String {
        let name = |column: usize| table.columns.get(column).map_or("?", |column| column.name.as_str());
        let conditions: Vec<String> =
            self.conditions.iter().map(|(column, intervals)| intervals.text(name(*column))).collect();
        conditions.join(" AND ")
    }
}

/// A column of a key.
struct KeyColumn<'a> {
    /// Position in the scan's columns.
    position: usize,
    /// Position in the table's columns.
    offset: usize,
    ty: &'a FieldType,
    prefix: Option<u32>,
}

/// Ranges of the rows of a table clustered on its primary key.
pub fn record_ranges(table: &TableInfo, filters: &[Expr], columns: &[usize]) -> Option<KeyRanges> {
    match table.handle {
        HandleKind::RowId => None,
        HandleKind::Integer { offset } => integer_handle_ranges(table, filters, columns, offset),
        HandleKind::Common => {
            let key = key_columns(table, table.primary_key()?, columns)?;
            datum_ranges(record_prefix(table.id), &key, filters)
        }
    }
}

/// Ranges of the entries of an index.
pub fn index_ranges(
    table: &TableInfo,
    index: &IndexInfo,
    filters: &[Expr],
    columns: &[usize],
) -> Option<KeyRanges> {
    let key = key_columns(table, index, columns)?;
    datum_ranges(index_prefix(table.id, index.id), &key, filters)
}

fn key_columns<'a>(table: &'a TableInfo, index: &IndexInfo, columns: &[usize]) -> Option<Vec<KeyColumn<'a>>> {
    index
        .columns
        .iter()
        .map(|part| {
            let info = table.columns.get(part.offset)?;
            let position = columns.iter().position(|column| *column == part.offset)?;
            Some(KeyColumn { position, offset: part.offset, ty: &info.ty, prefix: part.length })
        })
        .collect()
}

fn integer_handle_ranges(
    table: &TableInfo,
    filters: &[Expr],
    columns: &[usize],
    offset: usize,
) -> Option<KeyRanges> {
    let info = table.columns.get(offset)?;
    let position = columns.iter().position(|column| *column == offset)?;
    let intervals = column_intervals(filters, position, &info.ty)?;
    let mut ranges = Vec::new();
    for interval in &intervals.list {
        let (low, high) = integer_bounds(interval, info.ty.unsigned)?;
        if low > high {
            continue;
        }
        // Handles order as signed integers: the upper half of an unsigned column comes first.
        let halves = if info.ty.unsigned {
            let middle = i128::from(i64::MAX);
            vec![(low, high.min(middle)), (low.max(middle + 1), high)]
        } else {
            vec![(low, high)]
        };
        for (low, high) in halves.into_iter().filter(|(low, high)| low <= high) {
            ranges.push(handle_range(table.id, low, high));
        }
    }
    let points = intervals.list.iter().all(Interval::is_point);
    let bounded = intervals.bounded();
    Some(finish(ranges, usize::from(points), bounded, 1, vec![(offset, intervals)]))
}

/// The least and greatest integer of the interval.
fn integer_bounds(interval: &Interval, unsigned: bool) -> Option<(i128, i128)> {
    let number = |value: &Value| match value {
        Value::Int(value) => Some(i128::from(*value)),
        Value::UInt(value) => Some(i128::from(*value)),
        _ => None,
    };
    let (least, greatest) =
        if unsigned { (0, i128::from(u64::MAX)) } else { (i128::from(i64::MIN), i128::from(i64::MAX)) };
    let low = match &interval.low {
        Bound::Unbounded => least,
        Bound::Included(value) => number(value)?.max(least),
        Bound::Excluded(value) => (number(value)? + 1).max(least),
    };
    let high = match &interval.high {
        Bound::Unbounded => greatest,
        Bound::Included(value) => number(value)?.min(greatest),
        Bound::Excluded(value) => (number(value)? - 1).min(greatest),
    };
    Some((low, high))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounds were clipped to 64 bits")]
fn handle_range(table: i64, low: i128, high: i128) -> (Vec<u8>, Vec<u8>) {
    let key = |handle: i128| integer_record_key(table, (handle as u64).cast_signed());
    (key(low), prefix_end(key(high)))
}

fn range(start: Vec<u8>, end: Vec<u8>) -> KeyRange {
    KeyRange { start: Bytes::from(start), end: Bytes::from(end) }
}

/// The least key above all that start with `prefix`.
fn prefix_end(mut prefix: Vec<u8>) -> Vec<u8> {
    while let Some(last) = prefix.pop() {
        if last < u8::MAX {
            prefix.push(last + 1);
            break;
        }
    }
    prefix
}

fn datum_ranges(prefix: Vec<u8>, key: &[KeyColumn<'_>], filters: &[Expr]) -> Option<KeyRanges> {
    let mut points: Vec<Vec<u8>> = vec![prefix];
    let mut conditions = Vec::new();
    let mut point_columns = 0;
    for column in key {
        let Some(intervals) = column_intervals(filters, column.position, column.ty) else {
            break;
        };
        let all_points = intervals.list.iter().all(Interval::is_point);
        if all_points && points.len() * intervals.list.len() <= MAX_POINTS {
            let mut next = Vec::with_capacity(points.len() * intervals.list.len());
            for point in &points {
                for interval in &intervals.list {
                    let Bound::Included(value) = &interval.low else {
                        return None;
                    };
                    let mut extended = point.clone();
                    datum::append_prefix(&mut extended, value, column.ty, column.prefix).ok()?;
                    next.push(extended);
                }
            }
            points = next;
            point_columns += 1;
            conditions.push((column.offset, intervals));
            continue;
        }
        let mut ranges = Vec::with_capacity(points.len() * intervals.list.len());
        if points.len() * intervals.list.len() > MAX_POINTS {
            break;
        }
        for point in &points {
            for interval in &intervals.list {
                ranges.push(datum_range(point, interval, column)?);
            }
        }
        let bounded = intervals.bounded();
        conditions.push((column.offset, intervals));
        return Some(finish(ranges, point_columns, bounded, key.len(), conditions));
    }
    if point_columns == 0 {
        return None;
    }
    let ranges = points.into_iter().map(|point| (point.clone(), prefix_end(point))).collect();
    Some(finish(ranges, point_columns, (false, false), key.len(), conditions))
}

fn finish(
    mut ranges: Vec<(Vec<u8>, Vec<u8>)>,
    point_columns: usize,
    bounded: (bool, bool),
    key_columns: usize,
    conditions: Vec<(usize, Intervals)>,
) -> KeyRanges {
    ranges.retain(|(start, end)| start < end);
    ranges.sort();
    // Collations can make two constants one key, intervals of OR may overlap, and no row is to be read twice.
    ranges.dedup_by(|(start, end), (_, last)| {
        // Not where they only touch: neighbouring points stay points, which are read one by one.
        let overlaps = *last > *start;
        if overlaps && *last < *end {
            *last = std::mem::take(end);
        }
        overlaps
    });
    let ranges = ranges.into_iter().map(|(start, end)| range(start, end)).collect();
    KeyRanges { ranges, point_columns, bounded, key_columns, conditions }
}

fn datum_range(point: &[u8], interval: &Interval, column: &KeyColumn<'_>) -> Option<(Vec<u8>, Vec<u8>)> {
    let encode = |value: &Value| {
        let mut key = point.to_vec();
        datum::append_prefix(&mut key, value, column.ty, column.prefix).ok()?;
        Some(key)
    };
    // A prefix of a string says less than or equal where the string says less than.
    let exact = column.prefix.is_none();
    let start = match &interval.low {
        // Comparisons are never true for NULL, whose datum is the least.
        Bound::Unbounded => {
            let mut key = point.to_vec();
            key.push(NULL_FLAG + 1);
            key
        }
        Bound::Excluded(value) if exact => prefix_end(encode(value)?),
        Bound::Included(value) | Bound::Excluded(value) => encode(value)?,
    };
    let end = match &interval.high {
        Bound::Unbounded => prefix_end(point.to_vec()),
        Bound::Excluded(value) if exact => encode(value)?,
        Bound::Included(value) | Bound::Excluded(value) => prefix_end(encode(value)?),
    };
    Some((start, end))
}

/// What the filters say about the column at `position`; `None` if nothing.
fn column_intervals(filters: &[Expr], position: usize, ty: &FieldType) -> Option<Intervals> {
    let mut known: Option<Intervals> = None;
    for filter in filters {
        let Some(intervals) = term_intervals(filter, position, ty) else {
            continue;
        };
        known = Some(match known {
            None => intervals,
            Some(known) => known.intersect(intervals, ty),
        });
    }
    known
}

/// What one term says about the column alone.
fn term_intervals(term: &Expr, position: usize, ty: &FieldType) -> Option<Intervals> {
    let Expr::Call(call) = term else {
        return None;
    };
    let is_column = |expr: &Expr| expr.as_column() == Some(position);
    match (call.function.name, call.args.as_slice()) {
        ("=" | "<=>" | "<" | "<=" | ">" | ">=", [left, right]) => {
            let (value, flipped) = if is_column(left) {
                (constant(right, left.ty(), ty)?, false)
            } else if is_column(right) {
                (constant(left, right.ty(), ty)?, true)
            } else {
                return None;
            };
            comparison(call.function.name, value, flipped)
        }
        ("between", [operand, low, high]) if is_column(operand) => {
            let low = constant(low, operand.ty(), ty)?;
            let high = constant(high, operand.ty(), ty)?;
            if low.is_null() || high.is_null() {
                return Some(Intervals { list: Vec::new() });
            }
            Some(Intervals::one(Bound::Included(low), Bound::Included(high)))
        }
        ("in", [operand, list @ ..]) if is_column(operand) => {
            let mut points = Vec::with_capacity(list.len());
            for item in list {
                let value = constant(item, operand.ty(), ty)?;
                if !value.is_null() {
                    points.push(Interval::point(value));
                }
            }
            Some(Intervals { list: points }.normalized(ty))
        }
        ("is_null", [operand]) if is_column(operand) => {
            Some(Intervals { list: vec![Interval::point(Value::Null)] })
        }
        ("or", branches) => {
            let mut list = Vec::new();
            for branch in branches {
                list.extend(term_intervals(branch, position, ty)?.list);
            }
            Some(Intervals { list }.normalized(ty))
        }
        _ => None,
    }
}

fn comparison(name: &str, value: Value, flipped: bool) -> Option<Intervals> {
    if value.is_null() {
        return Some(match name {
            "<=>" => Intervals { list: vec![Interval::point(Value::Null)] },
            _ => Intervals { list: Vec::new() },
        });
    }
    let name = match (name, flipped) {
        ("<", true) => ">",
        ("<=", true) => ">=",
        (">", true) => "<",
        (">=", true) => "<=",
        (name, _) => name,
    };
    Some(match name {
        "=" | "<=>" => Intervals::one(Bound::Included(value.clone()), Bound::Included(value)),
        "<" => Intervals::one(Bound::Unbounded, Bound::Excluded(value)),
        "<=" => Intervals::one(Bound::Unbounded, Bound::Included(value)),
        ">" => Intervals::one(Bound::Excluded(value), Bound::Unbounded),
        ">=" => Intervals::one(Bound::Included(value), Bound::Unbounded),
        _ => return None,
    })
}

/// A constant in the column's own type, if comparing there is comparing as the term does.
fn constant(expr: &Expr, _column: &FieldType, ty: &FieldType) -> Option<Value> {
    let Expr::Literal { value, ty: literal } = expr else {
        return None;
    };
    if value.is_null() {
        return Some(Value::Null);
    }
    match ty.kind {
        kind if kind.is_integer() || kind == TypeKind::Year => integer_constant(value, ty.unsigned),
        TypeKind::Decimal => {
            let number = match value {
                Value::Int(value) => Decimal::from(*value),
                Value::UInt(value) => Decimal::from(*value),
                Value::Decimal(value) => *value,
                _ => return None,
            };
            let rounded = number.round_to(ty.decimals)?;
            let fits = rounded.fits_precision(ty.length);
            (fits && rounded.checked_sub(&number)?.is_zero()).then_some(Value::Decimal(rounded))
        }
        TypeKind::Double => match value {
            Value::Double(_) => Some(value.clone()),
            #[expect(clippy::cast_precision_loss, reason = "MySQL compares the two as doubles")]
            Value::Int(value) => Some(Value::Double(*value as f64)),
            _ => None,
        },
        kind if kind.has_date() => match value {
            Value::Datetime(_) if literal.kind.has_date() => {
                let same_zone = (kind == TypeKind::Timestamp) == (literal.kind == TypeKind::Timestamp);
                same_zone.then(|| value.clone())
            }
            _ => None,
        },
        TypeKind::Time => matches!(value, Value::Duration(_)).then(|| value.clone()),
        kind if kind.is_string() => {
            let same = literal.kind.is_string()
                && (literal.collation == ty.collation
                    || literal.collation.charset() == ty.collation.charset());
            (same && matches!(value, Value::Bytes(_))).then(|| value.clone())
        }
        _ => None,
    }
}

/// An integer that the column may hold, in its own representation; bounds outside its range stay in
/// the other one, integer bounds compare both.
fn integer_constant(value: &Value, unsigned: bool) -> Option<Value> {
    match (value, unsigned) {
        (Value::Int(number), true) => u64::try_from(*number).ok().map(Value::UInt),
        (Value::UInt(number), false) => i64::try_from(*number).ok().map(Value::Int),
        (Value::Int(_), false) | (Value::UInt(_), true) => Some(value.clone()),
        _ => None,
    }
}

impl Interval {
    fn point(value: Value) -> Self {
        Self { low: Bound::Included(value.clone()), high: Bound::Included(value) }
    }

    pub fn is_point(&self) -> bool {
        match (&self.low, &self.high) {
            (Bound::Included(low), Bound::Included(high)) => low == high,
            _ => false,
        }
    }

    fn text(&self) -> String {
        let (open, low) = match &self.low {
            Bound::Unbounded => ("(", "-inf".to_owned()),
            Bound::Included(value) => ("[", crate::expression::print::constant(value)),
            Bound::Excluded(value) => ("(", crate::expression::print::constant(value)),
        };
        let (high, close) = match &self.high {
            Bound::Unbounded => ("+inf".to_owned(), ")"),
            Bound::Included(value) => (crate::expression::print::constant(value), "]"),
            Bound::Excluded(value) => (crate::expression::print::constant(value), ")"),
        };
        if self.is_point() { low } else { format!("{open}{low},{high}{close}") }
    }
}

impl Intervals {
    fn one(low: Bound<Value>, high: Bound<Value>) -> Self {
        Self { list: vec![Interval { low, high }] }
    }

    fn bounded(&self) -> (bool, bool) {
        let low = self.list.iter().all(|interval| interval.low != Bound::Unbounded);
        let high = self.list.iter().all(|interval| interval.high != Bound::Unbounded);
        (low, high)
    }

    fn text(&self, column: &str) -> String {
        const SHOWN: usize = 8;
        let mut parts: Vec<String> = self.list.iter().take(SHOWN).map(Interval::text).collect();
        if self.list.len() > SHOWN {
            parts.push(format!("{} more", self.list.len() - SHOWN));
        }
        format!("{column} in {{{}}}", parts.join(", "))
    }

    /// Long lists are kept apart: the shorter one alone covers the rows too.
    fn intersect(self, other: Intervals, ty: &FieldType) -> Intervals {
        if self.list.len().saturating_mul(other.list.len()) > MAX_PAIRS {
            return if self.list.len() <= other.list.len() { self } else { other };
        }
        let mut list = Vec::new();
        for a in &self.list {
            for b in &other.list {
                let low = tighter(&a.low, &b.low, ty, Ordering::Greater);
                let high = tighter(&a.high, &b.high, ty, Ordering::Less);
                let interval = Interval { low, high };
                if !interval.is_empty(ty) {
                    list.push(interval);
                }
            }
        }
        Intervals { list }
    }

    /// In order and without repeated points.
    fn normalized(mut self, ty: &FieldType) -> Intervals {
        let key = |interval: &Interval| match &interval.low {
            Bound::Included(value) | Bound::Excluded(value) => Some(value.clone()),
            Bound::Unbounded => None,
        };
        self.list.sort_by(|a, b| match (key(a), key(b)) {
            (Some(a), Some(b)) => compare_values(&a, &b, ty),
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
        });
        self.list.dedup();
        self
    }
}

impl Interval {
    fn is_empty(&self, ty: &FieldType) -> bool {
        match (&self.low, &self.high) {
            (Bound::Included(low), Bound::Included(high)) => compare_values(low, high, ty).is_gt(),
            (Bound::Included(low) | Bound::Excluded(low), Bound::Included(high) | Bound::Excluded(high)) => {
                compare_values(low, high, ty).is_ge()
            }
            // IS NULL and a comparison with no lower bound exclude one another.
            (Bound::Unbounded, Bound::Included(Value::Null)) => true,
            _ => false,
        }
    }
}

/// The bound that admits less: the greater of two lows, the lesser of two highs.
fn tighter(a: &Bound<Value>, b: &Bound<Value>, ty: &FieldType, wins: Ordering) -> Bound<Value> {
    let value = |bound: &Bound<Value>| match bound {
        Bound::Included(value) | Bound::Excluded(value) => Some(value.clone()),
        Bound::Unbounded => None,
    };
    match (value(a), value(b)) {
        (None, _) => b.clone(),
        (_, None) => a.clone(),
        (Some(x), Some(y)) => match compare_values(&x, &y, ty) {
            Ordering::Equal if matches!(a, Bound::Excluded(_)) => a.clone(),
            Ordering::Equal => b.clone(),
            order if order == wins => a.clone(),
            _ => b.clone(),
        },
    }
}
