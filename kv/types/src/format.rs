//! Printers: keys and values as `t10_r5@412` and `Put start_ts=410 short="v"` in logs, scripts and tools.
//!
//! Keys of the SQL layer are recognised by TiDB's published layout (`t{table}_r{handle}`, `t{table}_i{index}…`); all
//! other keys are printed as quoted text with escapes. A printer never fails: what can not be decoded is shown as hex.

use std::fmt::{self, Write as _};

use crate::codec;
use crate::write::Record;
use crate::{Cf, Key, KeyRange, LastChange, Lock, Region, TimeStamp, WriteRef};

/// Values are cut here in print; the rest is a count.
const VALUE_PRINT_MAX_BYTES: usize = 64;

/// A user key.
pub fn raw_key(raw: &[u8]) -> String {
    let mut out = String::new();
    match raw {
        [prefix @ (b'x' | b'r'), a, b, c, rest @ ..]
            if rest.first().is_some_and(|b| matches!(b, b't' | b'm')) =>
        {
            let keyspace = u32::from_be_bytes([0, *a, *b, *c]);
            put(&mut out, format_args!("{}{keyspace}:{}", char::from(*prefix), raw_key(rest)));
        }
        [b't', rest @ ..] => match table_key(rest) {
            Some(text) => out.push_str(&text),
            None => out.push_str(&quoted(raw)),
        },
        _ => out.push_str(&quoted(raw)),
    }
    out
}

/// The key without its `t`: table id, then nothing, a record or an index entry.
fn table_key(mut rest: &[u8]) -> Option<String> {
    let table = codec::decode_i64(&mut rest).ok()?;
    let mut out = format!("t{table}");
    match rest {
        [] => {}
        [b'_', b'r', handle @ ..] => {
            out.push_str("_r");
            out.push_str(&record_handle(handle));
        }
        [b'_', b'i', index @ ..] => {
            let mut index = index;
            out.push_str("_i");
            if index.is_empty() {
                return Some(out);
            }
            put(&mut out, format_args!("{}", codec::decode_i64(&mut index).ok()?));
            if !index.is_empty() {
                put(&mut out, format_args!("({})", index_values(index)));
            }
        }
        other => {
            out.push('_');
            out.push_str(&quoted(other));
        }
    }
    Some(out)
}

/// An integer handle, a clustered key of several columns, or a bound in between.
fn record_handle(mut handle: &[u8]) -> String {
    match handle.len() {
        0 => String::new(),
        8 => codec::decode_i64(&mut handle).map_or_else(|_| hex(handle), |handle| handle.to_string()),
        9 if handle.last() == Some(&0) => {
            codec::decode_i64(&mut handle).map_or_else(|_| hex(handle), |handle| format!("{handle}+"))
        }
        _ => format!("({})", index_values(handle)),
    }
}

/// Column values as TiDB's `codec.EncodeKey` writes them: a flag byte and a memory-comparable body each.
fn index_values(mut rest: &[u8]) -> String {
    let mut parts = Vec::new();
    while let Some((flag, body)) = rest.split_first() {
        let mut body = body;
        let part = match flag {
            0x00 => Ok("NULL".to_owned()),
            0x01 => codec::decode_bytes(&mut body).map(|bytes| quoted(&bytes)),
            0x03 => codec::decode_i64(&mut body).map(|value| value.to_string()),
            0x04 => codec::decode_u64(&mut body).map(|value| format!("{value}u")),
            0x05 => codec::decode_f64(&mut body).map(|value| format!("{value:?}")),
            0x07 => codec::decode_i64(&mut body).map(|value| format!("{value}us")),
            _ => {
                parts.push(hex(rest));
                break;
            }
        };
        match part {
            Ok(text) => parts.push(text),
            Err(_) => {
                parts.push(hex(rest));
                break;
            }
        }
        rest = body;
    }
    parts.join(",")
}

/// An encoded key, with `@ts` when a timestamp follows the user key.
pub fn encoded_key(encoded: &[u8]) -> String {
    let mut rest = encoded;
    match codec::decode_bytes(&mut rest) {
        Ok(raw) if rest.is_empty() => raw_key(&raw),
        Ok(raw) if rest.len() == 8 => {
            let ts = codec::decode_u64_desc(&mut rest).map(TimeStamp::new).unwrap_or_default();
            format!("{}@{ts}", raw_key(&raw))
        }
        Ok(raw) => format!("{}+{}", raw_key(&raw), hex(rest)),
        Err(_) => hex(encoded),
    }
}

/// An encoded region bound.
pub fn region_bound(encoded: &[u8]) -> String {
    if encoded.is_empty() { "∞".to_owned() } else { encoded_key(encoded) }
}

/// A value under an encoded key of a data CF.
pub fn cf_value(cf: Cf, bytes: &[u8]) -> String {
    match cf {
        Cf::Lock => Lock::parse(bytes).map_or_else(|_| hex(bytes), |lock| lock.to_string()),
        Cf::Write => WriteRef::parse(bytes).map_or_else(|_| hex(bytes), |record| record.to_string()),
        Cf::Default | Cf::Raft => value(bytes),
    }
}

/// One pair of an engine, as scripts show it; `encoded_key` has no store prefix.
pub fn pair(cf: Cf, key: &[u8], bytes: &[u8]) -> String {
    format!("{cf} {} = {}", encoded_key(key), cf_value(cf, bytes))
}

/// A user value, cut to a readable length.
pub fn value(bytes: &[u8]) -> String {
    match bytes.split_at_checked(VALUE_PRINT_MAX_BYTES) {
        Some((head, tail)) if !tail.is_empty() => format!("{}…(+{} bytes)", quoted(head), tail.len()),
        _ => quoted(bytes),
    }
}

pub fn key_range(range: &KeyRange) -> String {
    let end = if range.end.is_empty() { "∞".to_owned() } else { raw_key(&range.end) };
    let start = if range.start.is_empty() { "-∞".to_owned() } else { raw_key(&range.start) };
    format!("[{start}, {end})")
}

pub fn region(region: &Region) -> String {
    let start = if region.start_key.is_empty() { "-∞".to_owned() } else { encoded_key(&region.start_key) };
    let end = region_bound(&region.end_key);
    let peers: Vec<String> =
        region.peers.iter().map(|peer| format!("{}@{}", peer.id, peer.store_id)).collect();
    let epoch = region.epoch;
    format!(
        "region {} [{start}, {end}) epoch {}/{} peers {}",
        region.id,
        epoch.conf_ver,
        epoch.version,
        peers.join(" ")
    )
}

pub(crate) fn write_lock(f: &mut fmt::Formatter<'_>, lock: &Lock) -> fmt::Result {
    write!(
        f,
        "lock={:?} primary={} start_ts={} ttl={}",
        lock.lock_type,
        raw_key(&lock.primary),
        lock.start_ts,
        lock.ttl_ms
    )?;
    if let Some(short) = &lock.short_value {
        write!(f, " short={}", value(short))?;
    }
    for (name, ts) in [("for_update_ts", lock.for_update_ts), ("min_commit_ts", lock.min_commit_ts)] {
        if !ts.is_zero() {
            write!(f, " {name}={ts}")?;
        }
    }
    for (name, number) in
        [("txn_size", lock.txn_size), ("txn_source", lock.txn_source), ("generation", lock.generation)]
    {
        if number != 0 {
            write!(f, " {name}={number}")?;
        }
    }
    if lock.use_async_commit {
        let keys: Vec<String> = lock.secondaries.iter().map(|key| raw_key(key)).collect();
        write!(f, " async_commit=[{}]", keys.join(" "))?;
    }
    if !lock.rollback_ts.is_empty() {
        let all: Vec<String> = lock.rollback_ts.iter().map(TimeStamp::to_string).collect();
        write!(f, " rollback_ts=[{}]", all.join(" "))?;
    }
    write_last_change(f, lock.last_change)?;
    if lock.is_locked_with_conflict {
        f.write_str(" locked_with_conflict")?;
    }
    Ok(())
}

pub(crate) fn write_record<V: AsRef<[u8]>>(f: &mut fmt::Formatter<'_>, record: &Record<V>) -> fmt::Result {
    write!(f, "write={:?} start_ts={}", record.write_type, record.start_ts)?;
    if record.is_protected_rollback() {
        f.write_str(" protected")?;
    } else if let Some(short) = &record.short_value {
        write!(f, " short={}", value(short.as_ref()))?;
    }
    if record.has_overlapped_rollback {
        f.write_str(" overlapped_rollback")?;
    }
    if let Some(fence) = record.gc_fence {
        write!(f, " gc_fence={fence}")?;
    }
    write_last_change(f, record.last_change)?;
    if record.txn_source != 0 {
        write!(f, " txn_source={}", record.txn_source)?;
    }
    Ok(())
}

fn write_last_change(f: &mut fmt::Formatter<'_>, last_change: LastChange) -> fmt::Result {
    match last_change {
        LastChange::Unknown => Ok(()),
        LastChange::NotExist => f.write_str(" last_change=none"),
        LastChange::Exist { commit_ts, versions } => write!(f, " last_change={commit_ts}/{versions}"),
    }
}

/// Text in quotes; bytes outside printable ASCII as `\xNN`.
pub fn quoted(bytes: &[u8]) -> String {
    format!("\"{}\"", bytes.escape_ascii())
}

/// `0x…`.
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(2 + 2 * bytes.len());
    out.push_str("0x");
    for byte in bytes {
        put(&mut out, format_args!("{byte:02x}"));
    }
    out
}

fn put(out: &mut String, args: fmt::Arguments<'_>) {
    out.write_fmt(args).expect("writing to a String can not fail");
}

/// The timestamp of an encoded key in the write or default CF, for tools that print versions in columns.
pub fn version(encoded: &[u8]) -> Option<TimeStamp> {
    Key::split_ts(encoded).ok().map(|(_, ts)| ts)
}
