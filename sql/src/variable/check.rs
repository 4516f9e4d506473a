//! From the value of a SET to the value that is stored: types, bounds, names, MySQL's errors.

use rutile_sql_types::{Charset, Collation, MySqlError, SqlMode, TimeZone, Value, Warnings};

use super::definition::{Definition, Kind};

/// Isolation levels by their number, as the variable prints them.
pub(super) const ISOLATION_LEVELS: [&str; 4] =
    ["READ-UNCOMMITTED", "READ-COMMITTED", "REPEATABLE-READ", "SERIALIZABLE"];

/// Checks and converts a value for `definition`; `current` is the value that is replaced.
pub fn check(
    definition: &Definition,
    value: &Value,
    current: &Value,
    strict_all: bool,
    warnings: &mut Warnings,
) -> Result<Value, MySqlError> {
    let name = definition.name;
    let stored = by_kind(definition, value, current, strict_all, warnings)?;
    // What a client would wait for in vain must not look switched on.
    if matches!(name, "session_track_gtids" | "session_track_transaction_info") && shown(&stored) != "OFF" {
        return Err(MySqlError::not_supported_yet(format_args!("{name} = {}", shown(&stored))));
    }
    Ok(stored)
}

fn by_kind(
    definition: &Definition,
    value: &Value,
    current: &Value,
    strict_all: bool,
    warnings: &mut Warnings,
) -> Result<Value, MySqlError> {
    let name = definition.name;
    match definition.kind {
        Kind::Bool => boolean(name, value),
        Kind::Integer { min, max } => integer(name, value, min, max, strict_all, warnings),
        Kind::Signed { min, max } => signed(name, value, min, max, strict_all, warnings),
        Kind::Double => double(name, value).map(|v| Value::Double(v.max(0.0))),
        Kind::Timestamp => double(name, value).and_then(|v| timestamp(name, v)),
        Kind::Text => text(name, value).map(Value::from),
        Kind::NullableText if value.is_null() => Ok(Value::Null),
        Kind::NullableText => text(name, value).map(Value::from),
        Kind::Enum(members) => member(name, value, members),
        Kind::Isolation => member(name, value, &ISOLATION_LEVELS),
        Kind::SqlMode => sql_mode(value),
        Kind::NullableCharset if value.is_null() => Ok(Value::Null),
        Kind::Charset | Kind::NullableCharset => charset(name, value),
        Kind::Collation => collation(name, value),
        Kind::TimeZone => time_zone(name, value),
        Kind::Engine => engine(name, value),
        Kind::OptimizerSwitch => optimizer_switch(name, value, current),
    }
}

fn wrong_value(name: &str, value: &Value) -> MySqlError {
    MySqlError::wrong_value_for_variable(name, shown(value))
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Int(v) => v.to_string(),
        Value::UInt(v) => v.to_string(),
        Value::Double(v) => v.to_string(),
        Value::Float(v) => v.to_string(),
        Value::Decimal(v) => v.to_string(),
        Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => format!("{other:?}"),
    }
}

fn boolean(name: &str, value: &Value) -> Result<Value, MySqlError> {
    match value {
        Value::Int(0) | Value::UInt(0) => Ok(Value::Int(0)),
        Value::Int(1) | Value::UInt(1) => Ok(Value::Int(1)),
        Value::Bytes(bytes) if bytes.eq_ignore_ascii_case(b"ON") => Ok(Value::Int(1)),
        Value::Bytes(bytes) if bytes.eq_ignore_ascii_case(b"OFF") => Ok(Value::Int(0)),
        Value::Double(_) | Value::Decimal(_) | Value::Float(_) => {
            Err(MySqlError::wrong_type_for_variable(name))
        }
        other => Err(wrong_value(name, other)),
    }
}

fn integer(
    name: &str,
    value: &Value,
    min: u64,
    max: u64,
    strict_all: bool,
    warnings: &mut Warnings,
) -> Result<Value, MySqlError> {
    let wide = match value {
        Value::Int(v) => i128::from(*v),
        Value::UInt(v) => i128::from(*v),
        _ => return Err(MySqlError::wrong_type_for_variable(name)),
    };
    let clamped = wide.clamp(i128::from(min), i128::from(max));
    bounds_warning(name, value, clamped != wide, strict_all, warnings)?;
    Ok(Value::UInt(u64::try_from(clamped).unwrap_or(max)))
}

fn signed(
    name: &str,
    value: &Value,
    min: i64,
    max: i64,
    strict_all: bool,
    warnings: &mut Warnings,
) -> Result<Value, MySqlError> {
    let wide = match value {
        Value::Int(v) => i128::from(*v),
        Value::UInt(v) => i128::from(*v),
        _ => return Err(MySqlError::wrong_type_for_variable(name)),
    };
    let clamped = wide.clamp(i128::from(min), i128::from(max));
    bounds_warning(name, value, clamped != wide, strict_all, warnings)?;
    Ok(Value::Int(i64::try_from(clamped).unwrap_or(max)))
}

/// A clamped value is warning 1292, and error 1231 under STRICT_ALL_TABLES.
fn bounds_warning(
    name: &str,
    value: &Value,
    clamped: bool,
    strict_all: bool,
    warnings: &mut Warnings,
) -> Result<(), MySqlError> {
    if !clamped {
        return Ok(());
    }
    if strict_all {
        return Err(wrong_value(name, value));
    }
    warnings.warn(MySqlError::truncated_wrong_value(name, shown(value)));
    Ok(())
}

fn double(name: &str, value: &Value) -> Result<f64, MySqlError> {
    #[expect(clippy::cast_precision_loss, reason = "variables of this kind are seconds and ratios")]
    match value {
        Value::Int(v) => Ok(*v as f64),
        Value::UInt(v) => Ok(*v as f64),
        Value::Double(v) => Ok(*v),
        Value::Float(v) => Ok(f64::from(*v)),
        Value::Decimal(v) => Ok(v.to_f64()),
        _ => Err(MySqlError::wrong_type_for_variable(name)),
    }
}

/// The last second MySQL 8 takes here: 3001-01-18 23:59:59.
const TIMESTAMP_MAX: f64 = 32_536_771_199.0;

fn timestamp(name: &str, seconds: f64) -> Result<Value, MySqlError> {
    if (0.0..=TIMESTAMP_MAX).contains(&seconds) {
        return Ok(Value::Double(seconds));
    }
    Err(MySqlError::wrong_value_for_variable(name, seconds))
}

fn text(name: &str, value: &Value) -> Result<String, MySqlError> {
    match value {
        Value::Bytes(bytes) => Ok(String::from_utf8_lossy(bytes).into_owned()),
        Value::Null => Ok(String::new()),
        _ => Err(MySqlError::wrong_type_for_variable(name)),
    }
}

fn member(name: &str, value: &Value, members: &[&str]) -> Result<Value, MySqlError> {
    let found = match value {
        Value::Int(position) => usize::try_from(*position).ok().and_then(|at| members.get(at)),
        Value::UInt(position) => usize::try_from(*position).ok().and_then(|at| members.get(at)),
        Value::Bytes(bytes) => members.iter().find(|member| bytes.eq_ignore_ascii_case(member.as_bytes())),
        Value::Double(_) | Value::Decimal(_) | Value::Float(_) => {
            return Err(MySqlError::wrong_type_for_variable(name));
        }
        _ => None,
    };
    found.map(|member| Value::text(member)).ok_or_else(|| wrong_value(name, value))
}

fn sql_mode(value: &Value) -> Result<Value, MySqlError> {
    let mode = match value {
        Value::Bytes(bytes) => SqlMode::parse(&String::from_utf8_lossy(bytes))?,
        Value::Int(bits) => {
            SqlMode::from_bits(u64::try_from(*bits).map_err(|_| wrong_value("sql_mode", value))?)?
        }
        Value::UInt(bits) => SqlMode::from_bits(*bits)?,
        Value::Null => return Err(wrong_value("sql_mode", value)),
        _ => return Err(MySqlError::wrong_type_for_variable("sql_mode")),
    };
    Ok(Value::from(mode.to_string()))
}

fn charset(name: &str, value: &Value) -> Result<Value, MySqlError> {
    match value {
        Value::Bytes(bytes) => {
            let text = String::from_utf8_lossy(bytes);
            // Character sets with wide code units cannot be a client's: its statements would not parse.
            if name == "character_set_client" && is_wide(&text) {
                return Err(wrong_value(name, value));
            }
            Ok(Value::text(Charset::from_name(&text)?.name()))
        }
        // Numbers are collation ids (MySQL manual, "Server System Variables").
        Value::Int(id) => by_id(*id)
            .map(|collation| Value::text(collation.charset().name()))
            .ok_or_else(|| MySqlError::unknown_character_set(id)),
        Value::Null => Err(wrong_value(name, value)),
        _ => Err(MySqlError::wrong_type_for_variable(name)),
    }
}

fn is_wide(charset: &str) -> bool {
    ["ucs2", "utf16", "utf16le", "utf32"].iter().any(|wide| charset.eq_ignore_ascii_case(wide))
}

fn by_id(id: i64) -> Option<Collation> {
    u16::try_from(id).ok().and_then(Collation::from_id)
}

fn collation(name: &str, value: &Value) -> Result<Value, MySqlError> {
    match value {
        Value::Bytes(bytes) => Ok(Value::text(Collation::from_name(&String::from_utf8_lossy(bytes))?.name())),
        Value::Int(id) => by_id(*id)
            .map(|collation| Value::text(collation.name()))
            .ok_or_else(|| MySqlError::unknown_collation(id)),
        Value::Null => Err(wrong_value(name, value)),
        _ => Err(MySqlError::wrong_type_for_variable(name)),
    }
}

fn time_zone(name: &str, value: &Value) -> Result<Value, MySqlError> {
    match value {
        Value::Bytes(bytes) => {
            let text = String::from_utf8_lossy(bytes);
            if text.eq_ignore_ascii_case("SYSTEM") {
                return Ok(Value::text("SYSTEM"));
            }
            Ok(Value::from(TimeZone::parse(&text)?.to_string()))
        }
        Value::Null => Err(MySqlError::unknown_time_zone("NULL")),
        _ => Err(MySqlError::wrong_type_for_variable(name)),
    }
}

fn engine(name: &str, value: &Value) -> Result<Value, MySqlError> {
    match value {
        Value::Bytes(bytes) if bytes.eq_ignore_ascii_case(b"InnoDB") => Ok(Value::text("InnoDB")),
        Value::Bytes(bytes) => Err(MySqlError::unknown_storage_engine(String::from_utf8_lossy(bytes))),
        Value::Null => Err(wrong_value(name, value)),
        _ => Err(MySqlError::wrong_type_for_variable(name)),
    }
}

/// `name=on|off|default,…` changes the named switches and keeps the others; `default` resets all.
fn optimizer_switch(name: &str, value: &Value, current: &Value) -> Result<Value, MySqlError> {
    let Value::Bytes(bytes) = value else {
        return Err(MySqlError::wrong_type_for_variable(name));
    };
    let wanted = String::from_utf8_lossy(bytes).into_owned();
    let default = super::find(name).map_or("", |definition| definition.default);
    let mut switches: Vec<(String, String)> = pairs(&shown(current));
    let defaults = pairs(default);
    for part in wanted.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        if part.eq_ignore_ascii_case("default") {
            switches.clone_from(&defaults);
            continue;
        }
        let wrong = || MySqlError::wrong_value_for_variable(name, part);
        let (key, state) = part.split_once('=').ok_or_else(wrong)?;
        let position = switches.iter().position(|(switch, _)| switch.eq_ignore_ascii_case(key.trim()));
        let switch = position.and_then(|at| switches.get_mut(at)).ok_or_else(wrong)?;
        switch.1 = match state.trim().to_ascii_lowercase().as_str() {
            "default" => defaults.iter().find(|d| d.0 == switch.0).map_or("on", |d| &d.1).to_owned(),
            state @ ("on" | "off") => state.to_owned(),
            _ => return Err(wrong()),
        };
    }
    let text: Vec<String> = switches.into_iter().map(|(key, state)| format!("{key}={state}")).collect();
    Ok(Value::from(text.join(",")))
}

fn pairs(text: &str) -> Vec<(String, String)> {
    text.split(',').filter_map(|part| part.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect()
}
