//! Parameters of a prepared statement, from what the client sent to typed values.
//!
//! The type a client declares says how the value came, not what the statement does with it: drivers send numbers as
//! DOUBLE or as text, and the planner must make the same of them.

use bytes::Bytes;
use rutile_server_wire::{ColumnType, DatetimeParts, Parameter, ParameterValue, TimeParts};
use rutile_sql::SqlError;
use rutile_sql_types::temporal::DateParts;
use rutile_sql_types::{Collation, Decimal, Duration, FieldType, PackedDatetime, Value};

/// More days than any TIME holds (838 hours).
const DAYS_MAX: u32 = 365;

type Typed = (Value, FieldType);

/// All parameters of one execution.
pub(crate) fn values(parameters: Vec<Parameter>, connection: Collation) -> Result<Vec<Typed>, SqlError> {
    parameters.into_iter().map(|parameter| typed(parameter, connection)).collect()
}

fn typed(parameter: Parameter, connection: Collation) -> Result<Typed, SqlError> {
    Ok(match parameter.value {
        ParameterValue::Null => (Value::Null, FieldType::null()),
        ParameterValue::Int(value) => (Value::Int(value), FieldType::bigint()),
        ParameterValue::UInt(value) => (Value::UInt(value), FieldType::ubigint()),
        ParameterValue::Float(value) => (Value::Float(value), FieldType::float()),
        ParameterValue::Double(value) => (Value::Double(value), FieldType::double()),
        ParameterValue::Bytes(bytes) => bytes_value(bytes, parameter.kind, connection),
        ParameterValue::Datetime(parts) if parameter.kind == ColumnType::Date => {
            (Value::Datetime(datetime(&parts)?.date_only()), FieldType::date())
        }
        ParameterValue::Datetime(parts) => {
            (Value::Datetime(datetime(&parts)?), FieldType::datetime(if parts.micro == 0 { 0 } else { 6 }))
        }
        ParameterValue::Time(parts) => {
            (Value::Duration(time(&parts)?), FieldType::time(if parts.micro == 0 { 0 } else { 6 }))
        }
    })
}

fn bytes_value(bytes: Bytes, kind: ColumnType, connection: Collation) -> Typed {
    match kind {
        ColumnType::Decimal | ColumnType::NewDecimal => {
            let value = Decimal::parse_prefix(&bytes).value;
            (Value::Decimal(value), FieldType::decimal(value.precision(), value.scale()))
        }
        ColumnType::TinyBlob
        | ColumnType::MediumBlob
        | ColumnType::LongBlob
        | ColumnType::Blob
        | ColumnType::Bit
        | ColumnType::Geometry
        | ColumnType::Vector => {
            let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            (Value::Bytes(bytes), FieldType::varbinary(length))
        }
        _ => {
            let chars = connection.charset().count_chars(&bytes);
            let chars = u32::try_from(chars).unwrap_or(u32::MAX);
            (Value::Bytes(bytes), FieldType::varchar(chars, connection))
        }
    }
}

fn datetime(p: &DatetimeParts) -> Result<PackedDatetime, SqlError> {
    let in_range = p.year <= 9999
        && p.month <= 12
        && p.day <= 31
        && p.hour <= 23
        && p.minute <= 59
        && p.second <= 59
        && p.micro <= 999_999;
    if !in_range {
        let text = format!(
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
            p.year, p.month, p.day, p.hour, p.minute, p.second
        );
        return Err(SqlError::new(1292, "22007", format!("Incorrect datetime value: '{text}'")));
    }
    Ok(PackedDatetime::from_parts(DateParts {
        year: p.year.into(),
        month: p.month.into(),
        day: p.day.into(),
        hour: p.hour.into(),
        minute: p.minute.into(),
        second: p.second.into(),
        microsecond: p.micro,
    }))
}

fn time(p: &TimeParts) -> Result<Duration, SqlError> {
    if p.hour > 23 || p.minute > 59 || p.second > 59 || p.micro > 999_999 {
        let text = format!("{} {:02}:{:02}:{:02}", p.days, p.hour, p.minute, p.second);
        return Err(SqlError::new(1292, "22007", format!("Incorrect time value: '{text}'")));
    }
    // Far beyond the longest TIME, and far below what overflows.
    let days = i64::from(p.days.min(DAYS_MAX));
    let seconds = ((days * 24 + i64::from(p.hour)) * 60 + i64::from(p.minute)) * 60 + i64::from(p.second);
    let micros = seconds * 1_000_000 + i64::from(p.micro);
    Ok(Duration::clipped(if p.negative { -micros } else { micros }).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(kind: ColumnType, value: ParameterValue) -> Result<Typed, SqlError> {
        typed(Parameter { kind, unsigned: false, value }, Collation::DEFAULT)
    }

    #[test]
    fn numbers_dates_and_text_get_their_types() -> Result<(), SqlError> {
        let (value, ty) = one(ColumnType::NewDecimal, ParameterValue::Bytes(Bytes::from_static(b"12.50")))?;
        assert_eq!((format!("{value:?}").contains("12"), ty.length, ty.decimals), (true, 4, 2));
        let parts = DatetimeParts { year: 2024, month: 2, day: 29, hour: 1, ..DatetimeParts::default() };
        let (_, ty) = one(ColumnType::Datetime, ParameterValue::Datetime(parts))?;
        assert_eq!(ty, FieldType::datetime(0));
        let (value, ty) = one(ColumnType::Date, ParameterValue::Datetime(parts))?;
        assert_eq!((value, ty), (Value::Datetime(PackedDatetime::date(2024, 2, 29)), FieldType::date()));
        let (_, ty) = one(ColumnType::VarString, ParameterValue::Bytes(Bytes::from_static("äö".as_bytes())))?;
        assert_eq!(ty.length, 2);
        Ok(())
    }

    #[test]
    fn impossible_dates_are_refused_and_long_times_clipped() -> Result<(), SqlError> {
        let parts = DatetimeParts { year: 2024, month: 13, day: 1, ..DatetimeParts::default() };
        assert_eq!(
            one(ColumnType::Datetime, ParameterValue::Datetime(parts)).err().map(|error| error.code),
            Some(1292)
        );
        let parts = TimeParts { negative: true, days: u32::MAX, ..TimeParts::default() };
        let (value, _) = one(ColumnType::Time, ParameterValue::Time(parts))?;
        assert_eq!(value, Value::Duration(Duration::MIN));
        Ok(())
    }
}
