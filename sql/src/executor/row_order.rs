//! ORDER BY and DISTINCT over rows in memory, by keys in which `memcmp` is MySQL's order: text by its collation.

use hashbrown::HashSet;
use rutile_sql_functions::EvalContext;
use rutile_sql_types::{FieldType, MySqlError, TypeKind, Value};

use super::row::Row;
use crate::binder::relation::SortKey;
use crate::codec::datum;
use crate::expression::evaluate;

/// Whether values of this type have a key; JSON does not.
pub fn has_key(ty: &FieldType) -> bool {
    ty.kind != TypeKind::Json
}

/// Appends the key of a value.
pub fn append_key(key: &mut Vec<u8>, value: &Value, ty: &FieldType) -> Result<(), MySqlError> {
    let appended = match value {
        // Both zeros are one value.
        Value::Double(number) if *number == 0.0 => datum::append(key, &Value::Double(0.0), ty),
        Value::Float(number) if *number == 0.0 => datum::append(key, &Value::Float(0.0), ty),
        value => datum::append(key, value, ty),
    };
    appended.map_err(MySqlError::internal)
}

/// The rows in order; rows with equal keys stay as they came.
pub fn sorted(rows: Vec<Row>, keys: &[SortKey], context: &mut EvalContext) -> Result<Vec<Row>, MySqlError> {
    sorted_by(rows, |row| row, keys, context)
}

/// The same of anything that has a row.
pub fn sorted_by<T>(
    items: Vec<T>,
    row_of: impl Fn(&T) -> &[Value],
    keys: &[SortKey],
    context: &mut EvalContext,
) -> Result<Vec<T>, MySqlError> {
    if items.len() < 2 || keys.is_empty() {
        return Ok(items);
    }
    if let [key] = keys
        && key.expr.ty().kind.is_text()
    {
        return sorted_by_text(items, row_of, key, context);
    }
    let mut keyed = Vec::with_capacity(items.len());
    for item in items {
        let mut order = Vec::new();
        for key in keys {
            let start = order.len();
            append_key(&mut order, &evaluate(&key.expr, row_of(&item), context)?, key.expr.ty())?;
            if key.descending {
                order.iter_mut().skip(start).for_each(|byte| *byte = !*byte);
            }
        }
        keyed.push((order, item));
    }
    keyed.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(keyed.into_iter().map(|(_, item)| item).collect())
}

/// One text decides: most texts differ in their first characters, so comparing costs less than making keys.
fn sorted_by_text<T>(
    items: Vec<T>,
    row_of: impl Fn(&T) -> &[Value],
    key: &SortKey,
    context: &mut EvalContext,
) -> Result<Vec<T>, MySqlError> {
    let collation = key.expr.ty().collation;
    let mut keyed = Vec::with_capacity(items.len());
    for item in items {
        keyed.push((evaluate(&key.expr, row_of(&item), context)?, item));
    }
    keyed.sort_by(|(a, _), (b, _)| {
        let order = match (a, b) {
            (Value::Bytes(a), Value::Bytes(b)) => collation.compare(a, b),
            // NULL is below everything.
            (a, b) => b.is_null().cmp(&a.is_null()),
        };
        if key.descending { order.reverse() } else { order }
    });
    Ok(keyed.into_iter().map(|(_, item)| item).collect())
}

/// The first of each set of rows that compare as equal.
pub fn distinct(mut rows: Vec<Row>, types: &[FieldType]) -> Result<Vec<Row>, MySqlError> {
    if rows.len() < 2 {
        return Ok(rows);
    }
    let mut seen = HashSet::with_capacity(rows.len());
    let mut failure = None;
    rows.retain(|row| {
        let mut key = Vec::new();
        for (value, ty) in row.iter().zip(types) {
            if let Err(error) = append_key(&mut key, value, ty) {
                failure = Some(error);
                return false;
            }
        }
        seen.insert(key)
    });
    match failure {
        Some(error) => Err(error),
        None => Ok(rows),
    }
}
