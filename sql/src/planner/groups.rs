//! The fast lane of SUM and AVG: sums of many groups side by side, fed from whole Arrow columns.
//!
//! Exact numbers are summed as 128-bit integers of their last digit; the first overflow moves all
//! sums to 256 bits, which holds any DECIMAL MySQL has. Approximate numbers are summed as doubles.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Decimal256Array, Float64Array, Int64Array,
};
use arrow::datatypes::{
    DataType, Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int64Type, UInt64Type, i256,
};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};
use rutile_sql_types::MySqlError;

/// Digits AVG adds behind the point (`div_precision_increment`).
const AVERAGE_EXTRA_DIGITS: u32 = 4;

/// SUM or AVG of every group.
#[derive(Debug)]
pub struct SumGroups {
    average: bool,
    output: DataType,
    sums: Sums,
    /// Values summed, NULLs not among them.
    counts: Vec<i64>,
}

#[derive(Debug)]
enum Sums {
    Narrow(Vec<i128>),
    Wide(Vec<i256>),
    Real(Vec<f64>),
}

/// Whether the fast lane takes this argument and result.
pub fn supports(argument: &DataType, output: &DataType) -> bool {
    let exact = matches!(
        argument,
        DataType::Int64 | DataType::UInt64 | DataType::Decimal128(..) | DataType::Decimal256(..)
    );
    let real = matches!(argument, DataType::Float32 | DataType::Float64);
    match output {
        DataType::Decimal128(..) | DataType::Decimal256(..) => exact,
        DataType::Float64 => real,
        _ => false,
    }
}

impl SumGroups {
    pub fn new(average: bool, output: DataType) -> Self {
        let sums = match output {
            DataType::Float64 => Sums::Real(Vec::new()),
            _ => Sums::Narrow(Vec::new()),
        };
        Self { average, output, sums, counts: Vec::new() }
    }

    fn add_exact(&mut self, group: usize, value: i128) -> Result<()> {
        if let Sums::Narrow(sums) = &mut self.sums {
            match sums.get_mut(group) {
                None => return Err(no_such_group(group)),
                Some(sum) => {
                    if let Some(total) = sum.checked_add(value) {
                        *sum = total;
                        return Ok(());
                    }
                }
            }
        }
        self.add_wide(group, i256::from_i128(value))
    }

    fn add_wide(&mut self, group: usize, value: i256) -> Result<()> {
        if let Sums::Narrow(sums) = &self.sums {
            self.sums = Sums::Wide(sums.iter().map(|sum| i256::from_i128(*sum)).collect());
        }
        let Sums::Wide(sums) = &mut self.sums else {
            return Err(no_such_group(group));
        };
        let sum = sums.get_mut(group).ok_or_else(|| no_such_group(group))?;
        *sum = sum.checked_add(value).ok_or_else(out_of_range)?;
        Ok(())
    }

    fn add_real(&mut self, group: usize, value: f64) -> Result<()> {
        match &mut self.sums {
            Sums::Real(sums) => {
                *sums.get_mut(group).ok_or_else(|| no_such_group(group))? += value;
                Ok(())
            }
            _ => Err(no_such_group(group)),
        }
    }

    /// Adds a column; `counted` is how many values each row stands for (partial sums carry counts).
    fn add_column(
        &mut self,
        column: &ArrayRef,
        groups: &[usize],
        filter: Option<&BooleanArray>,
        counted: Option<&Int64Array>,
    ) -> Result<()> {
        for (row, group) in groups.iter().enumerate() {
            if column.is_null(row) || filter.is_some_and(|filter| filter.is_null(row) || !filter.value(row)) {
                continue;
            }
            match column.data_type() {
                DataType::Int64 => {
                    self.add_exact(*group, column.as_primitive::<Int64Type>().value(row).into())?
                }
                DataType::UInt64 => {
                    self.add_exact(*group, column.as_primitive::<UInt64Type>().value(row).into())?
                }
                DataType::Decimal128(..) => {
                    self.add_exact(*group, column.as_primitive::<Decimal128Type>().value(row))?;
                }
                DataType::Decimal256(..) => {
                    let value = column.as_primitive::<Decimal256Type>().value(row);
                    match value.to_i128() {
                        Some(value) => self.add_exact(*group, value)?,
                        None => self.add_wide(*group, value)?,
                    }
                }
                DataType::Float32 => {
                    self.add_real(*group, column.as_primitive::<Float32Type>().value(row).into())?
                }
                DataType::Float64 => {
                    self.add_real(*group, column.as_primitive::<Float64Type>().value(row))?
                }
                other => return Err(DataFusionError::Internal(format!("a sum over {other}"))),
            }
            if let Some(count) = self.counts.get_mut(*group) {
                *count += counted.map_or(1, |counted| counted.value(row));
            }
        }
        Ok(())
    }

    fn take(&mut self, emit_to: EmitTo) -> (Sums, Vec<i64>) {
        let sums = match &mut self.sums {
            Sums::Narrow(sums) => Sums::Narrow(emit_to.take_needed(sums)),
            Sums::Wide(sums) => Sums::Wide(emit_to.take_needed(sums)),
            Sums::Real(sums) => Sums::Real(emit_to.take_needed(sums)),
        };
        (sums, emit_to.take_needed(&mut self.counts))
    }

    /// The type sums are handed on in: exact ones as the widest decimal.
    fn partial_type(&self) -> DataType {
        partial_type(&self.output)
    }
}

/// Room for a number of groups, of which some may never see a row.
pub trait Grow {
    fn grow(&mut self, groups: usize);
}

impl Grow for SumGroups {
    fn grow(&mut self, groups: usize) {
        self.counts.resize(groups, 0);
        match &mut self.sums {
            Sums::Narrow(sums) => sums.resize(groups, 0),
            Sums::Wide(sums) => sums.resize(groups, i256::ZERO),
            Sums::Real(sums) => sums.resize(groups, 0.0),
        }
    }
}

/// The Arrow type of a partial sum whose result type is `output`.
pub fn partial_type(output: &DataType) -> DataType {
    match output {
        DataType::Float64 => DataType::Float64,
        _ => DataType::Decimal256(arrow::datatypes::DECIMAL256_MAX_PRECISION, 0),
    }
}

impl GroupsAccumulator for SumGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.grow(total);
        match values.first() {
            Some(column) => self.add_column(column, group_indices, filter, None),
            None => Err(DataFusionError::Internal("a sum without argument".to_owned())),
        }
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let average = self.average;
        let (sums, counts) = self.take(emit_to);
        if let Sums::Real(sums) = sums {
            #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
            let result = |(sum, count): (f64, i64)| {
                (count > 0).then(|| if average { sum / count as f64 } else { sum })
            };
            let values: Float64Array = sums.into_iter().zip(counts).map(result).collect();
            return Ok(Arc::new(values));
        }
        let wide: Vec<i256> = match sums {
            Sums::Narrow(sums) => sums.into_iter().map(i256::from_i128).collect(),
            Sums::Wide(sums) => sums,
            Sums::Real(_) => Vec::new(),
        };
        let mut values = Vec::with_capacity(wide.len());
        for (sum, count) in wide.into_iter().zip(counts) {
            values.push(match count {
                0 => None,
                count if average => Some(average_of(sum, count)?),
                _ => Some(sum),
            });
        }
        decimal_array(values, &self.output)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let partial = self.partial_type();
        let (sums, counts) = self.take(emit_to);
        let sums: ArrayRef = match sums {
            Sums::Real(sums) => Arc::new(Float64Array::from(sums)),
            Sums::Narrow(sums) => {
                decimal_array(sums.into_iter().map(|sum| Some(i256::from_i128(sum))).collect(), &partial)?
            }
            Sums::Wide(sums) => decimal_array(sums.into_iter().map(Some).collect(), &partial)?,
        };
        Ok(vec![sums, Arc::new(Int64Array::from(counts))])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total: usize) -> Result<()> {
        self.grow(total);
        let [sums, counts] = values else {
            return Err(DataFusionError::Internal("a partial sum is two columns".to_owned()));
        };
        let counts = counts.as_primitive::<Int64Type>();
        self.add_column(sums, group_indices, None, Some(counts))
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let mut single = SumGroups::new(self.average, self.output.clone());
        let rows = values.first().map_or(0, |column| column.len());
        let groups: Vec<usize> = (0..rows).collect();
        single.update_batch(values, &groups, filter, rows)?;
        single.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        let sums = match &self.sums {
            Sums::Narrow(sums) => sums.capacity() * size_of::<i128>(),
            Sums::Wide(sums) => sums.capacity() * size_of::<i256>(),
            Sums::Real(sums) => sums.capacity() * size_of::<f64>(),
        };
        sums + self.counts.capacity() * size_of::<i64>()
    }
}

/// The same without GROUP BY: one group.
#[derive(Debug)]
pub struct OneGroup<G>(pub G);

impl<G: GroupsAccumulator + Grow + std::fmt::Debug + Sync> Accumulator for OneGroup<G> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = values.first().map_or(0, |column| column.len());
        self.0.update_batch(values, &vec![0; rows], None, 1)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.0.grow(1);
        ScalarValue::try_from_array(&self.0.evaluate(EmitTo::All)?, 0)
    }

    fn size(&self) -> usize {
        self.0.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.0.grow(1);
        self.0.state(EmitTo::All)?.iter().map(|column| ScalarValue::try_from_array(column, 0)).collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let rows = states.first().map_or(0, |column| column.len());
        self.0.merge_batch(states, &vec![0; rows], 1)
    }
}

/// Rounded half away from zero, as MySQL rounds decimals.
fn average_of(sum: i256, count: i64) -> Result<i256> {
    let scaled =
        sum.checked_mul(i256::from_i128(10_i128.pow(AVERAGE_EXTRA_DIGITS))).ok_or_else(out_of_range)?;
    let count = i256::from_i128(i128::from(count));
    let quotient = scaled.checked_div(count).ok_or_else(out_of_range)?;
    let rest = scaled.checked_rem(count).ok_or_else(out_of_range)?;
    let twice = rest.wrapping_abs().wrapping_add(rest.wrapping_abs());
    let step = if scaled.is_negative() { i256::MINUS_ONE } else { i256::ONE };
    Ok(if twice >= count { quotient.wrapping_add(step) } else { quotient })
}

fn decimal_array(values: Vec<Option<i256>>, ty: &DataType) -> Result<ArrayRef> {
    match ty {
        DataType::Decimal128(precision, scale) => {
            let mut narrow = Vec::with_capacity(values.len());
            for value in values {
                narrow.push(value.map(|value| value.to_i128().ok_or_else(out_of_range)).transpose()?);
            }
            let array: Decimal128Array = narrow.into_iter().collect();
            Ok(Arc::new(array.with_precision_and_scale(*precision, *scale)?))
        }
        DataType::Decimal256(precision, scale) => {
            let array: Decimal256Array = values.into_iter().collect();
            Ok(Arc::new(array.with_precision_and_scale(*precision, *scale)?))
        }
        other => Err(DataFusionError::Internal(format!("an exact sum of type {other}"))),
    }
}

fn no_such_group(group: usize) -> DataFusionError {
    DataFusionError::Internal(format!("group {group} has no sum"))
}

fn out_of_range() -> DataFusionError {
    DataFusionError::External(Box::new(MySqlError::new(
        1690,
        "22003",
        "DECIMAL value is out of range in 'sum'",
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimals(values: &[Option<i128>]) -> ArrayRef {
        let array: Decimal128Array = values.iter().copied().collect();
        Arc::new(array.with_precision_and_scale(15, 2).expect("a legal type"))
    }

    #[test]
    fn sums_of_groups_skip_nulls() {
        let mut sums = SumGroups::new(false, DataType::Decimal128(37, 2));
        sums.update_batch(&[decimals(&[Some(100), None, Some(-50)])], &[0, 1, 0], None, 2).expect("updates");
        let result = sums.evaluate(EmitTo::All).expect("evaluates");
        let result = result.as_primitive::<Decimal128Type>();
        assert_eq!(result.value(0), 50);
        assert!(result.is_null(1));
    }

    #[test]
    fn averages_round_half_away_from_zero() {
        let mut averages = SumGroups::new(true, DataType::Decimal128(19, 6));
        // 0.01/8 = 0.00125 and the same below zero.
        let values = decimals(&[Some(1), Some(0), Some(0), Some(0), Some(0), Some(0), Some(0), Some(0)]);
        averages.update_batch(&[values], &[0; 8], None, 2).expect("updates");
        averages.update_batch(&[decimals(&[Some(-2), Some(0), Some(0)])], &[1; 3], None, 2).expect("updates");
        let result = averages.evaluate(EmitTo::All).expect("evaluates");
        let result = result.as_primitive::<Decimal128Type>();
        assert_eq!((result.value(0), result.value(1)), (1250, -6667));
    }

    #[test]
    fn the_first_overflow_widens_all_sums() {
        let mut sums = SumGroups::new(false, DataType::Decimal256(60, 0));
        let array: Decimal128Array = vec![Some(i128::MAX), Some(i128::MAX), Some(1)].into_iter().collect();
        let values: ArrayRef = Arc::new(array);
        sums.update_batch(&[values], &[0, 0, 1], None, 2).expect("updates");
        let result = sums.evaluate(EmitTo::All).expect("evaluates");
        let result = result.as_primitive::<Decimal256Type>();
        assert_eq!(result.value(0), i256::from_i128(i128::MAX).wrapping_add(i256::from_i128(i128::MAX)));
        assert_eq!(result.value(1), i256::ONE);
    }

    #[test]
    fn partial_sums_merge_with_their_counts() {
        let mut left = SumGroups::new(true, DataType::Decimal128(19, 6));
        left.update_batch(&[decimals(&[Some(100), Some(200)])], &[0, 0], None, 1).expect("updates");
        let mut right = SumGroups::new(true, DataType::Decimal128(19, 6));
        right.update_batch(&[decimals(&[Some(600)])], &[0], None, 1).expect("updates");
        let partial = left.state(EmitTo::All).expect("state");
        right.merge_batch(&partial, &[0], 1).expect("merges");
        let result = right.evaluate(EmitTo::All).expect("evaluates");
        assert_eq!(result.as_primitive::<Decimal128Type>().value(0), 3_000_000);
    }
}
