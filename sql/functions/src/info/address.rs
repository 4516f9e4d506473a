//! INET_ATON, INET_NTOA, INET6_ATON, INET6_NTOA and the IS_IPV tests.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rutile_sql_types::{FieldType, MySqlError, Value};

use crate::call::argument::{int, string, text};
use crate::call::infer;
use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext};
use crate::numeric::literal;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("inet_aton", 1, 1, |_, _| Ok(FieldType::ubigint()), inet_aton),
    Function::new("inet_ntoa", 1, 1, |ctx, args| infer_text(ctx, args, 31), inet_ntoa),
    Function::new("inet6_aton", 1, 1, |_, _| Ok(FieldType::varbinary(16)), inet6_aton),
    Function::new("inet6_ntoa", 1, 1, |ctx, args| infer_text(ctx, args, 39), inet6_ntoa),
    Function::new("is_ipv4", 1, 1, infer::boolean, |c, a, i| {
        test(c, a, i, |t| t.parse::<Ipv4Addr>().is_ok())
    }),
    Function::new("is_ipv6", 1, 1, infer::boolean, |c, a, i| {
        test(c, a, i, |t| t.parse::<Ipv6Addr>().is_ok())
    }),
    Function::new("is_ipv4_compat", 1, 1, infer::boolean, |c, a, i| prefixed(c, a, i, &[0; 12])),
    Function::new("is_ipv4_mapped", 1, 1, infer::boolean, |c, a, i| {
        prefixed(c, a, i, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff])
    }),
];

fn infer_text(ctx: &mut InferContext, args: &[ArgInfo<'_>], length: u32) -> Result<FieldType, MySqlError> {
    Ok(infer::connection_text(ctx, args, length)?.with_nullable())
}

/// NULL with warning 1411, which quotes the argument as it would be written.
fn wrong(ctx: &mut EvalContext, function: &str, args: &[Value], call: &CallInfo) -> Value {
    let kind = if matches!(args[0], Value::Bytes(_)) { "string" } else { "integer" };
    ctx.warn(MySqlError::wrong_value_for_type(kind, literal(&args[0], &call.args[0]), function));
    Value::Null
}

/// Also reads the short forms `127.1` (127.0.0.1) of inet_addr().
fn inet_aton(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let Some(address) = string(ctx, args, call, 0) else {
        return Ok(Value::Null);
    };
    Ok(match number_of(&address) {
        Some(number) => Value::UInt(number),
        None => wrong(ctx, "inet_aton", args, call),
    })
}

fn number_of(address: &str) -> Option<u64> {
    let mut parts = Vec::new();
    for part in address.split('.') {
        if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        parts.push(part.parse::<u64>().ok().filter(|n| *n <= 255)?);
    }
    let (last, leading) = parts.split_last()?;
    if leading.len() > 3 {
        return None;
    }
    let high = leading.iter().fold(0, |number, part| number << 8 | part);
    // Missing parts are the zeros before the last one.
    Some(if leading.is_empty() { *last } else { high << (8 * (4 - leading.len())) | last })
}

fn inet_ntoa(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let Some(number) = int(ctx, args, call, 0) else {
        return Ok(Value::Null);
    };
    Ok(match u32::try_from(number) {
        Ok(number) => Ipv4Addr::from(number).to_string().into(),
        Err(_) => wrong(ctx, "inet_ntoa", args, call),
    })
}

fn inet6_aton(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let Some(address) = string(ctx, args, call, 0) else {
        return Ok(Value::Null);
    };
    Ok(match address.parse() {
        Ok(IpAddr::V4(v4)) => v4.octets().to_vec().into(),
        Ok(IpAddr::V6(v6)) => v6.octets().to_vec().into(),
        Err(_) => wrong(ctx, "inet6_aton", args, call),
    })
}

fn inet6_ntoa(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let Some(bytes) = text(ctx, args, call, 0) else {
        return Ok(Value::Null);
    };
    if let Ok(v4) = <[u8; 4]>::try_from(&bytes[..]) {
        return Ok(Ipv4Addr::from(v4).to_string().into());
    }
    if let Ok(v6) = <[u8; 16]>::try_from(&bytes[..]) {
        return Ok(Ipv6Addr::from(v6).to_string().into());
    }
    Ok(wrong(ctx, "inet6_ntoa", args, call))
}

fn test(
    ctx: &mut EvalContext,
    args: &[Value],
    call: &CallInfo,
    holds: fn(&str) -> bool,
) -> Result<Value, MySqlError> {
    Ok(string(ctx, args, call, 0).map(|t| Value::bool(holds(&t))).into())
}

/// Whether it is the 16 bytes of an address with this start.
fn prefixed(
    ctx: &mut EvalContext,
    args: &[Value],
    call: &CallInfo,
    start: &[u8; 12],
) -> Result<Value, MySqlError> {
    let address = text(ctx, args, call, 0);
    Ok(address.map(|a| Value::bool(a.len() == 16 && a.starts_with(start))).into())
}
