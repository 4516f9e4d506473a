//! The first value of each group, and the check that there is no second row.

use arrow::array::{Array, ArrayRef, BooleanArray, UInt64Array, new_null_array};
use arrow::compute::{interleave, take};
use arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use rutile_sql_types::MySqlError;

use super::groups::Grow;

/// Keeps the first row's value of every group.
#[derive(Debug)]
pub struct AnyGroups {
    /// A second row is error 1242.
    single: bool,
    output: DataType,
    /// First values, in pieces as they were found.
    pieces: Vec<ArrayRef>,
    /// Piece and position of each group's value.
    places: Vec<Option<(usize, usize)>>,
}

impl AnyGroups {
    pub fn new(single: bool, output: DataType) -> Self {
        Self { single, output, pieces: Vec::new(), places: Vec::new() }
    }

    fn add(&mut self, column: &ArrayRef, groups: &[usize], filter: Option<&BooleanArray>) -> Result<()> {
        let mut rows = Vec::new();
        for (row, group) in groups.iter().enumerate() {
            if filter.is_some_and(|filter| filter.is_null(row) || !filter.value(row)) {
                continue;
            }
            match self.places.get_mut(*group) {
                None => return Err(DataFusionError::Internal(format!("group {group} has no place"))),
                Some(Some(_)) if self.single => {
                    return Err(DataFusionError::External(
                        Box::new(MySqlError::subquery_returns_many_rows()),
                    ));
                }
                Some(Some(_)) => {}
                Some(place) => {
                    *place = Some((self.pieces.len(), rows.len()));
                    rows.push(row as u64);
                }
            }
        }
        if !rows.is_empty() {
            self.pieces.push(take(column, &UInt64Array::from(rows), None)?);
        }
        Ok(())
    }
}

impl Grow for AnyGroups {
    fn grow(&mut self, groups: usize) {
        self.places.resize(groups, None);
    }
}

impl GroupsAccumulator for AnyGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.grow(total);
        match values.first() {
            Some(column) => self.add(column, group_indices, filter),
            None => Err(DataFusionError::Internal("a value without argument".to_owned())),
        }
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let places = emit_to.take_needed(&mut self.places);
        // The piece behind all others stands for "no row".
        let nothing = new_null_array(&self.output, 1);
        let pieces: Vec<&dyn Array> =
            self.pieces.iter().map(AsRef::as_ref).chain(std::iter::once(nothing.as_ref())).collect();
        let last = pieces.len() - 1;
        let indices: Vec<(usize, usize)> =
            places.into_iter().map(|place| place.unwrap_or((last, 0))).collect();
        if indices.is_empty() {
            return Ok(new_null_array(&self.output, 0));
        }
        Ok(interleave(&pieces, &indices)?)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.evaluate(emit_to)?])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total: usize) -> Result<()> {
        self.update_batch(values, group_indices, None, total)
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        if filter.is_some() {
            return Err(DataFusionError::NotImplemented("a filtered partial value".to_owned()));
        }
        Ok(values.to_vec())
    }

    fn size(&self) -> usize {
        self.pieces.iter().map(|piece| piece.get_array_memory_size()).sum::<usize>()
            + self.places.capacity() * size_of::<Option<(usize, usize)>>()
    }
}
