//! The constants of an IN list, sorted once, so that a row asks for its value instead of comparing it with each of them.
//!
//! Which constants take part is what the comparison of the two types leaves exact whatever the row: integers, exact
//! numbers, reals with numbers, text under the call's collation, dates and times without a time zone. All others are
//! compared one by one, as are arguments that are no constants.

use std::cmp::Ordering;
use std::sync::Arc;

use rutile_sql_types::compare::{ComparisonType, compare_as, comparison_type};
use rutile_sql_types::convert::{to_datetime, to_decimal, to_double};
use rutile_sql_types::temporal::DateFlags;
use rutile_sql_types::{ConvertContext, Decimal, FieldType, MySqlError, PackedDatetime, TypeKind, Value};

use crate::call::{CallInfo, EvalContext};

/// Shorter lists are compared one by one.
const ITEMS_MIN: usize = 8;

/// What an IN list holds.
#[derive(Debug, Default)]
pub struct Members {
    integers: Vec<i128>,
    decimals: Vec<Decimal>,
    reals: Vec<f64>,
    texts: Vec<Box<[u8]>>,
    dates: Vec<PackedDatetime>,
    times: Vec<i64>,
    /// One of the constants is NULL.
    unknown: bool,
    /// Arguments that are still to be compared.
    others: Vec<usize>,
}

/// A value in the form in which it is looked for.
enum Key {
    Integer(i128),
    Decimal(Decimal),
    Real(f64),
    Text(Box<[u8]>),
    Date(PackedDatetime),
    Time(i64),
}

impl Members {
    /// Of a call of `in`; `None` of a short list.
    pub fn of(call: &CallInfo) -> Option<Arc<Members>> {
        if call.args.len() <= ITEMS_MIN {
            return None;
        }
        call.prepared(|| Ok(Self::collect(call))).ok()
    }

    fn collect(call: &CallInfo) -> Members {
        let mut members = Members::default();
        let Some(operand) = call.args.first() else { return members };
        for (position, ty) in call.args.iter().enumerate().skip(1) {
            match call.constant(position) {
                Some(Value::Null) => members.unknown = true,
                Some(value) => match key_of(value, ty, operand, call) {
                    Some(key) => members.add(key),
                    None => members.others.push(position),
                },
                None => members.others.push(position),
            }
        }
        members.integers.sort_unstable();
        members.decimals.sort_unstable();
        members.reals.sort_unstable_by(f64::total_cmp);
        members.texts.sort_unstable();
        members.dates.sort_unstable();
        members.times.sort_unstable();
        members
    }

    fn add(&mut self, key: Key) {
        match key {
            Key::Integer(key) => self.integers.push(key),
            Key::Decimal(key) => self.decimals.push(key),
            Key::Real(key) => self.reals.push(key),
            Key::Text(key) => self.texts.push(key),
            Key::Date(key) => self.dates.push(key),
            Key::Time(key) => self.times.push(key),
        }
    }

    /// Positions of the arguments that must be compared one by one.
    pub fn others(&self) -> &[usize] {
        &self.others
    }

    /// `value IN (...)`. Arguments that are no constants are asked for when they are needed.
    pub fn test(
        &self,
        ctx: &mut EvalContext,
        value: &Value,
        call: &CallInfo,
        argument: impl FnMut(&mut EvalContext, usize) -> Result<Value, MySqlError>,
    ) -> Result<Value, MySqlError> {
        if value.is_null() {
            return Ok(Value::Null);
        }
        match self.contains(value, call) {
            Some(true) => Ok(Value::bool(true)),
            Some(false) if self.others.is_empty() => Ok(answer(self.unknown)),
            Some(false) => {
                compare_each(ctx, value, call, self.others.iter().copied(), self.unknown, argument)
            }
            None => compare_each(ctx, value, call, 1..call.args.len(), false, argument),
        }
    }

    /// Whether a value that is not NULL is among the sorted constants; `None` if each of them must be compared with it.
    fn contains(&self, value: &Value, call: &CallInfo) -> Option<bool> {
        let ty = call.args.first()?;
        let mut context = ConvertContext::default();
        let mut found = false;
        if !self.integers.is_empty() {
            found |= self.integers.binary_search(&integer(value)?).is_ok();
        }
        if !self.decimals.is_empty() {
            found |= self.decimals.binary_search(&to_decimal(value, ty, &mut context)?).is_ok();
        }
        if !self.reals.is_empty() {
            let key = real(to_double(value, ty, &mut context)?)?;
            found |= self.reals.binary_search_by(|other| other.total_cmp(&key)).is_ok();
        }
        if !self.texts.is_empty() {
            let key = text(value, call)?;
            found |= self.texts.binary_search(&key).is_ok();
        }
        if !self.dates.is_empty() {
            let key = to_datetime(value, ty, DateFlags::FUZZY, &mut context)?;
            found |= self.dates.binary_search(&key).is_ok();
        }
        if !self.times.is_empty() {
            let Value::Duration(key) = value else { return None };
            found |= self.times.binary_search(&key.micros()).is_ok();
        }
        context.warnings.is_empty().then_some(found)
    }
}

/// What a row without a match gets.
fn answer(unknown: bool) -> Value {
    if unknown { Value::Null } else { Value::bool(false) }
}

fn compare_each(
    ctx: &mut EvalContext,
    value: &Value,
    call: &CallInfo,
    items: impl Iterator<Item = usize>,
    mut unknown: bool,
    mut argument: impl FnMut(&mut EvalContext, usize) -> Result<Value, MySqlError>,
) -> Result<Value, MySqlError> {
    let Some(operand) = call.args.first() else { return Ok(Value::Null) };
    for item in items {
        let Some(ty) = call.args.get(item) else { continue };
        let other = match call.constant(item) {
            Some(constant) => constant.clone(),
            None => argument(ctx, item)?,
        };
        let how = comparison_type(operand, ty);
        match compare_as(how, call.collation, value, operand, &other, ty, &mut ctx.convert) {
            Some(Ordering::Equal) => return Ok(Value::bool(true)),
            Some(_) => {}
            None => unknown = true,
        }
    }
    Ok(answer(unknown))
}

/// The key of a constant, if every value of the operand can be looked for by it.
fn key_of(value: &Value, ty: &FieldType, operand: &FieldType, call: &CallInfo) -> Option<Key> {
    let mut context = ConvertContext::default();
    let is_number =
        |ty: &FieldType| ty.kind.is_integer() || ty.kind.is_real() || ty.kind == TypeKind::Decimal;
    let has_zone = ty.kind == TypeKind::Timestamp || operand.kind == TypeKind::Timestamp;
    let key = match comparison_type(operand, ty) {
        ComparisonType::Integer => Key::Integer(integer(value)?),
        ComparisonType::Decimal if is_number(operand) && is_number(ty) => {
            Key::Decimal(to_decimal(value, ty, &mut context)?)
        }
        ComparisonType::Double if is_number(operand) && is_number(ty) => {
            Key::Real(real(to_double(value, ty, &mut context)?)?)
        }
        ComparisonType::Text if matches!(value, Value::Bytes(_)) => Key::Text(text(value, call)?),
        ComparisonType::Datetime if operand.kind.has_date() && ty.kind.has_date() && !has_zone => {
            Key::Date(to_datetime(value, ty, DateFlags::FUZZY, &mut context)?)
        }
        ComparisonType::Time => match value {
            Value::Duration(time) => Key::Time(time.micros()),
            _ => return None,
        },
        _ => return None,
    };
    context.warnings.is_empty().then_some(key)
}

fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::Int(value) => Some(i128::from(*value)),
        Value::UInt(value) => Some(i128::from(*value)),
        _ => None,
    }
}

/// Both zeros are one; what is no number equals nothing.
fn real(value: f64) -> Option<f64> {
    if value.is_nan() { None } else { Some(value + 0.0) }
}

fn text(value: &Value, call: &CallInfo) -> Option<Box<[u8]>> {
    let Value::Bytes(bytes) = value else { return None };
    let mut key = Vec::new();
    call.collation.key(bytes, &mut key);
    Some(key.into_boxed_slice())
}
