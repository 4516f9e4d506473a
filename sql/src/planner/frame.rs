//! Which rows of its partition each row's window frame holds.

use std::cmp::Ordering;
use std::ops::Range;

use rutile_sql_functions::EvalContext;
use rutile_sql_types::MySqlError;

use crate::expression::FrameEdge;

/// An edge of the frame; see [`FrameEdge`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Edge {
    Partition,
    Rows(i64),
    Peers,
    /// A value, which is computed for each row.
    Value,
}

impl Edge {
    pub fn of(edge: &FrameEdge) -> Self {
        match edge {
            FrameEdge::Partition => Self::Partition,
            FrameEdge::Rows(rows) => Self::Rows(*rows),
            FrameEdge::Peers => Self::Peers,
            FrameEdge::Value(_) => Self::Value,
        }
    }
}

/// A value of the partition: its column (the order key, then the edges that are values) and its row.
pub type Cell = (usize, usize);

/// Compares two cells; NULL is below everything.
pub type Compare<'a> = dyn Fn(Cell, Cell, &mut EvalContext) -> Ordering + 'a;

/// Where the order key stands among the values of a frame.
const KEY: usize = 0;

/// The frames of a partition.
pub struct Frames<'p> {
    pub rows: usize,
    /// Groups of rows that the order does not tell apart, in order.
    pub peers: &'p [Range<usize>],
    pub edges: (Edge, Edge),
    pub descending: bool,
}

impl Frames<'_> {
    /// The frame of every row.
    pub fn all(
        &self,
        context: &mut EvalContext,
        compare: &Compare<'_>,
    ) -> Result<Vec<Range<usize>>, MySqlError> {
        let end_column = if self.edges.0 == Edge::Value { 2 } else { 1 };
        let mut frames = Vec::with_capacity(self.rows);
        for peers in self.peers {
            for row in peers.clone() {
                let start = match self.edges.0 {
                    Edge::Partition => 0,
                    Edge::Peers => peers.start,
                    Edge::Rows(distance) => self.moved(row, distance),
                    Edge::Value => self.first_within((1, row), peers, context, compare),
                };
                let end = match self.edges.1 {
                    Edge::Partition => self.rows,
                    Edge::Peers => peers.end,
                    Edge::Rows(distance) => self.moved(row, distance.saturating_add(1)),
                    Edge::Value => self.behind_last((end_column, row), peers, context, compare),
                };
                frames.push(start..end.max(start));
            }
        }
        Ok(frames)
    }

    fn moved(&self, row: usize, distance: i64) -> usize {
        let steps = usize::try_from(distance.unsigned_abs()).unwrap_or(usize::MAX);
        if distance < 0 { row.saturating_sub(steps) } else { row.saturating_add(steps).min(self.rows) }
    }

    /// The first row whose key is not before `edge`.
    fn first_within(
        &self,
        edge: Cell,
        peers: &Range<usize>,
        context: &mut EvalContext,
        compare: &Compare<'_>,
    ) -> usize {
        if self.is_null(edge.1, context, compare) {
            return peers.start;
        }
        self.partition_point(|row, context| self.order((KEY, row), edge, context, compare).is_lt(), context)
    }

    /// The row behind the last one whose key is not after `edge`.
    fn behind_last(
        &self,
        edge: Cell,
        peers: &Range<usize>,
        context: &mut EvalContext,
        compare: &Compare<'_>,
    ) -> usize {
        if self.is_null(edge.1, context, compare) {
            return peers.end;
        }
        self.partition_point(|row, context| self.order((KEY, row), edge, context, compare).is_le(), context)
    }

    /// Whether the row's key is NULL: such rows have only one another in their frames.
    fn is_null(&self, row: usize, context: &mut EvalContext, compare: &Compare<'_>) -> bool {
        // No column of that number exists, so its cells are NULL.
        compare((KEY, row), (usize::MAX, row), context).is_eq()
    }

    fn order(&self, left: Cell, right: Cell, context: &mut EvalContext, compare: &Compare<'_>) -> Ordering {
        let order = compare(left, right, context);
        if self.descending { order.reverse() } else { order }
    }

    fn partition_point(
        &self,
        before: impl Fn(usize, &mut EvalContext) -> bool,
        context: &mut EvalContext,
    ) -> usize {
        let (mut low, mut high) = (0, self.rows);
        while low < high {
            let middle = low + (high - low) / 2;
            if before(middle, context) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}
