//! UUID, UUID_SHORT, IS_UUID, UUID_TO_BIN, BIN_TO_UUID.

use rutile_sql_types::{Collation, FieldType, MySqlError, Value};

use crate::call::argument::{string, text, truth};
use crate::call::infer;
use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("uuid", 0, 0, infer_uuid, uuid).volatile(),
    Function::new("uuid_short", 0, 0, |_, _| Ok(FieldType::ubigint().with_not_null()), uuid_short).volatile(),
    Function::new("is_uuid", 1, 1, |_, _| Ok(FieldType::boolean()), is_uuid),
    Function::new("uuid_to_bin", 1, 2, |_, _| Ok(FieldType::varbinary(16)), uuid_to_bin),
    Function::new("bin_to_uuid", 1, 2, infer_text, bin_to_uuid),
];

/// 100 ns steps from 1582-10-15, where UUID time starts, to the epoch.
const GREGORIAN_OFFSET: u64 = 0x01B2_1DD2_1381_4000;

fn infer_uuid(_: &mut InferContext, _: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    Ok(FieldType::varchar(36, Collation::UTF8MB3_GENERAL_CI))
}

fn infer_text(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    Ok(infer::connection_text(ctx, args, 36)?.with_nullable())
}

/// Version 1 as in MySQL: time, counted on within the statement, and a random node.
fn uuid(ctx: &mut EvalContext, _: &[Value], _: &CallInfo) -> Result<Value, MySqlError> {
    let micros = ctx.wall_micros();
    ctx.uuid_counter += 1;
    let ticks = (micros.max(0) as u64 * 10).wrapping_add(GREGORIAN_OFFSET).wrapping_add(ctx.uuid_counter);
    let random: [u8; 8] = ctx.random_bytes();
    let sequence = u16::from_be_bytes([random[0], random[1]]);
    // The multicast bit marks a node number that is no network card's.
    let node = [random[2] | 1, random[3], random[4], random[5], random[6], random[7]];
    Ok(version_1(ticks, sequence, node).into())
}

fn version_1(ticks: u64, sequence: u16, node: [u8; 6]) -> String {
    let node: String = node.iter().map(|b| format!("{b:02x}")).collect();
    format!(
        "{:08x}-{:04x}-1{:03x}-{:04x}-{node}",
        ticks as u32,
        (ticks >> 32) as u16,
        ticks >> 48 & 0xFFF,
        0x8000 | sequence & 0x3FFF,
    )
}

/// Seconds in the high bits, then random bits, then a counter within the statement.
fn uuid_short(ctx: &mut EvalContext, _: &[Value], _: &CallInfo) -> Result<Value, MySqlError> {
    ctx.uuid_counter += 1;
    let seconds = (ctx.statement_micros / 1_000_000) as u64;
    let random = u64::from(u16::from_le_bytes(ctx.random_bytes()));
    Ok(Value::UInt((seconds & 0xFFFF_FFFF) << 24 | (random << 8).wrapping_add(ctx.uuid_counter) & 0xFF_FFFF))
}

/// MySQL reads 32 digits, with dashes at their places, in braces or without.
fn parse(text: &str) -> Option<[u8; 16]> {
    let bare = match text.strip_prefix('{') {
        Some(rest) => rest.strip_suffix('}').filter(|r| r.len() == 36)?,
        None => text,
    };
    if !matches!(bare.len(), 32 | 36) {
        return None;
    }
    ::uuid::Uuid::try_parse(bare).ok().map(|u| *u.as_bytes())
}

fn is_uuid(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    Ok(string(ctx, args, call, 0).map(|t| Value::bool(parse(&t).is_some())).into())
}

/// Time fields from high to low, so that later UUIDs are larger.
fn swapped([a, b, c, d, e, f, g, h, rest @ ..]: [u8; 16]) -> [u8; 16] {
    let mut out = [g, h, e, f, a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0];
    out[8..].copy_from_slice(&rest);
    out
}

fn unswapped([g, h, e, f, a, b, c, d, rest @ ..]: [u8; 16]) -> [u8; 16] {
    let mut out = [a, b, c, d, e, f, g, h, 0, 0, 0, 0, 0, 0, 0, 0];
    out[8..].copy_from_slice(&rest);
    out
}

fn wrong(text: impl std::fmt::Display, function: &str) -> MySqlError {
    MySqlError::wrong_value_for_type("string", text, function)
}

fn uuid_to_bin(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let Some(text) = string(ctx, args, call, 0) else {
        return Ok(Value::Null);
    };
    let bytes = parse(&text).ok_or_else(|| wrong(text, "uuid_to_bin"))?;
    let swap = args.len() > 1 && truth(ctx, args, call, 1) == Some(true);
    Ok(if swap { swapped(bytes) } else { bytes }.to_vec().into())
}

fn bin_to_uuid(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let Some(bytes) = text(ctx, args, call, 0) else {
        return Ok(Value::Null);
    };
    let bytes = <[u8; 16]>::try_from(&bytes[..])
        .map_err(|_| wrong(String::from_utf8_lossy(&bytes), "bin_to_uuid"))?;
    let swap = args.len() > 1 && truth(ctx, args, call, 1) == Some(true);
    Ok(::uuid::Uuid::from_bytes(if swap { unswapped(bytes) } else { bytes }).to_string().into())
}
