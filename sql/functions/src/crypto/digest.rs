//! MD5, SHA, SHA2, CRC32, RANDOM_BYTES.

use bytes::Bytes;
use md5::Md5;
use rutile_sql_types::{Charset, FieldType, MySqlError, Value};
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use crate::call::argument::{charset, int, text};
use crate::call::infer::connection_text;
use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "md5",
        1,
        1,
        |ctx, args| connection_text(ctx, args, 32),
        |c, a, i| digest(c, a, i, hashed::<Md5>),
    ),
    Function::new(
        "sha",
        1,
        1,
        |ctx, args| connection_text(ctx, args, 40),
        |c, a, i| digest(c, a, i, hashed::<Sha1>),
    ),
    Function::new(
        "sha1",
        1,
        1,
        |ctx, args| connection_text(ctx, args, 40),
        |c, a, i| digest(c, a, i, hashed::<Sha1>),
    ),
    Function::new("sha2", 2, 2, infer_sha2, sha2_digest),
    Function::new("crc32", 1, 1, infer_crc32, crc32),
    Function::new("random_bytes", 1, 1, infer_random_bytes, random_bytes).volatile(),
];

/// Most bytes of RANDOM_BYTES.
const MAX_RANDOM_BYTES: i64 = 1024;

fn hashed<D: Digest>(bytes: &[u8]) -> String {
    D::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// The bytes of the argument in its own character set.
fn bytes_of(ctx: &EvalContext, args: &[Value], call: &CallInfo) -> Option<Bytes> {
    let text = text(ctx, args, call, 0)?;
    Some(match charset(call, 0) {
        Charset::Latin1 if !text.is_ascii() => Charset::Latin1.encode(&text).0.into(),
        _ => text,
    })
}

fn digest(
    ctx: &mut EvalContext,
    args: &[Value],
    call: &CallInfo,
    of: fn(&[u8]) -> String,
) -> Result<Value, MySqlError> {
    Ok(bytes_of(ctx, args, call).map(|b| Value::from(of(&b))).into())
}

fn infer_sha2(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    let digits = match args[1].constant {
        Some(Value::Int(224)) => 56,
        Some(Value::Int(0 | 256)) => 64,
        Some(Value::Int(384)) => 96,
        _ => 128,
    };
    Ok(connection_text(ctx, args, digits)?.with_nullable())
}

/// A length other than 0, 224, 256, 384, 512 gives NULL and warning 1583.
fn sha2_digest(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let (Some(bytes), Some(bits)) = (bytes_of(ctx, args, call), int(ctx, args, call, 1)) else {
        return Ok(Value::Null);
    };
    Ok(match bits {
        224 => hashed::<Sha224>(&bytes).into(),
        0 | 256 => hashed::<Sha256>(&bytes).into(),
        384 => hashed::<Sha384>(&bytes).into(),
        512 => hashed::<Sha512>(&bytes).into(),
        _ => {
            ctx.warn(MySqlError::wrong_parameters("sha2"));
            Value::Null
        }
    })
}

fn infer_crc32(_: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    Ok(FieldType { not_null: args[0].ty.not_null, ..FieldType::ubigint().with_length(10) })
}

fn crc32(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    Ok(bytes_of(ctx, args, call).map(|b| Value::UInt(crc32fast::hash(&b).into())).into())
}

fn infer_random_bytes(_: &mut InferContext, _: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    Ok(FieldType::varbinary(MAX_RANDOM_BYTES as u32))
}

fn random_bytes(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let Some(count) = int(ctx, args, call, 0) else {
        return Ok(Value::Null);
    };
    if !(1..=MAX_RANDOM_BYTES).contains(&count) {
        return Err(MySqlError::new(1690, "22003", "length value is out of range in 'random_bytes'"));
    }
    let mut bytes = vec![0; count as usize];
    (ctx.session.entropy)(&mut bytes);
    Ok(bytes.into())
}
