//! Every decoder that reads what others wrote: packets, SQL, keys, rows, replicated entries, messages.
//!
//! A target takes any bytes. It must neither panic nor hang, and where a codec goes both ways, what it accepts must come
//! back the same. `cargo fuzz` runs the targets with coverage; `main.rs` runs them over a corpus in every build.

use prost::Message;
use rutile_kv_proto::{coprocessor, errorpb, kvrpcpb, metapb, pdpb, raft_serverpb};
use rutile_kv_types::{Cf, Key, Lock, Write, codec, format};
use rutile_server_wire::fuzz as wire;
use rutile_sql::codec as sql_codec;
use rutile_sql_parser::{ParseOptions, SqlMode, parse_statements, template};
use rutile_sql_types::{Charset, Decimal, FieldType, Json};

pub type Target = fn(&[u8]);

/// Name and decoder; the name is that of the file under `fuzz_targets` and of the corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("handshake", wire::handshake),
    ("verifier", wire::verifier),
    ("command", wire::command),
    ("parameters", wire::parameters),
    ("frames", wire::frames),
    ("packet_primitives", wire::primitives),
    ("sql", sql),
    ("kv_codec", kv_codec),
    ("lock_and_write", lock_and_write),
    ("write_set", rutile_kv::fuzz::write_set),
    ("raft_entry", rutile_kv::fuzz::raft_entry),
    ("messages", messages),
    ("table_keys", table_keys),
    ("row", row),
    ("json", json),
    ("values", values),
    ("patterns", rutile_sql_functions::fuzz::patterns),
    ("catalog", catalog),
    ("configuration", rutile_server::fuzz::configuration),
    ("accounts", rutile_server::fuzz::accounts),
];

/// Runs the target of this name.
pub fn run(name: &str, bytes: &[u8]) {
    for (_, target) in TARGETS.iter().filter(|(found, _)| *found == name) {
        target(bytes);
    }
}

/// SQL text under the modes that change how it is read; what is parsed has a template.
pub fn sql(bytes: &[u8]) {
    for sql_mode in [SqlMode(0), SqlMode::ANSI_QUOTES, SqlMode::NO_BACKSLASH_ESCAPES] {
        for multi_statements in [false, true] {
            let options =
                ParseOptions { sql_mode, placeholders: true, multi_statements, ..ParseOptions::default() };
            let _ = parse_statements(bytes, &options);
        }
    }
    let _ = template(bytes, &ParseOptions::default());
}

/// Memcomparable and compact numbers and bytes: what is decoded encodes to the bytes it was decoded from.
pub fn kv_codec(bytes: &[u8]) {
    let mut input = bytes;
    if let Ok(raw) = codec::decode_bytes(&mut input) {
        let mut again = Vec::new();
        codec::encode_bytes(&mut again, &raw);
        assert_eq!(again, &bytes[..bytes.len() - input.len()], "memcomparable bytes");
    }
    for decode in [codec::decode_var_u64, |input: &mut &[u8]| codec::decode_var_i64(input).map(|n| n as u64)]
    {
        let _ = decode(&mut &*bytes);
    }
    let _ = codec::decode_compact_bytes(&mut &*bytes);
    let _ = codec::decode_f64(&mut &*bytes);
    let key = Key::from_encoded(bytes);
    let _ = (key.to_raw(), key.decode_ts(), Key::split_ts(bytes), key.truncate_ts());
    let _ = (format::raw_key(bytes), format::encoded_key(bytes), format::region_bound(bytes));
}

/// Values of the lock and write column families.
pub fn lock_and_write(bytes: &[u8]) {
    if let Ok(lock) = Lock::parse(bytes) {
        assert_eq!(Lock::parse(&lock.to_bytes()).as_ref(), Ok(&lock), "a lock");
    }
    if let Ok(write) = Write::parse(bytes) {
        assert_eq!(Write::parse(&write.to_bytes()).as_ref(), Ok(&write), "a write");
    }
    for cf in [Cf::Default, Cf::Lock, Cf::Write] {
        let _ = format::cf_value(cf, bytes);
    }
}

/// Messages of other stores and clients, some of each service.
pub fn messages(bytes: &[u8]) {
    fn read<M: Message + Default + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
        if let Ok(message) = M::decode(bytes) {
            let again = M::decode(message.encode_to_vec().as_slice());
            // NaN is no part of any message, so what is equal says so.
            assert!(again.is_ok_and(|again| again == message), "a message changes on its way");
        }
    }
    read::<kvrpcpb::PrewriteRequest>(bytes);
    read::<kvrpcpb::PessimisticLockRequest>(bytes);
    read::<kvrpcpb::ScanResponse>(bytes);
    read::<kvrpcpb::KeyError>(bytes);
    read::<coprocessor::KeyRange>(bytes);
    read::<errorpb::Error>(bytes);
    read::<metapb::Region>(bytes);
    read::<pdpb::RegionHeartbeatRequest>(bytes);
    read::<pdpb::StoreHeartbeatRequest>(bytes);
    read::<raft_serverpb::RaftMessage>(bytes);
}

/// Types whose values are stored in every form that there is.
fn types() -> [FieldType; 9] {
    [
        FieldType::bigint(),
        FieldType::ubigint(),
        FieldType::float(),
        FieldType::double(),
        FieldType::decimal(20, 4),
        FieldType::varchar(20, rutile_sql_types::Collation::DEFAULT),
        FieldType::varbinary(20),
        FieldType::datetime(6),
        FieldType::time(6),
    ]
}

/// Keys of rows and index entries, their handles and datums.
pub fn table_keys(bytes: &[u8]) {
    let _ = (sql_codec::record_key::split_record_key(bytes), sql_codec::record_key::split_index_key(bytes));
    for common in [false, true] {
        let _ = sql_codec::Handle::from_record_suffix(bytes, common);
        let _ = sql_codec::Handle::from_index_suffix(bytes, common);
    }
    for ty in types() {
        let mut input = bytes;
        while let Ok(_value) = sql_codec::datum::decode(&mut input, &ty) {
            if input.is_empty() {
                break;
            }
        }
    }
}

/// Rows in row format v2.
pub fn row(bytes: &[u8]) {
    if let Ok(row) = sql_codec::row::RowView::parse(bytes) {
        for column in (0..8).chain([-1, 255, 256, i64::MAX]) {
            let _ = row.get(column);
        }
    }
    for ty in types() {
        let _ = sql_codec::row::decode_value(bytes, &ty);
    }
}

/// JSON as text and as stored; what is accepted prints as text that is accepted.
pub fn json(bytes: &[u8]) {
    for parsed in [Json::parse(bytes).ok(), Json::from_binary(bytes).ok()].into_iter().flatten() {
        let mut text = String::new();
        parsed.write_text(&mut text);
        assert!(Json::parse(text.as_bytes()).is_ok(), "JSON that prints as none: {text}");
    }
}

/// Entries of the catalog as they are stored.
pub fn catalog(bytes: &[u8]) {
    let _ = serde_json::from_slice::<rutile_sql::catalog::TableInfo>(bytes);
    let _ = serde_json::from_slice::<rutile_sql::catalog::DatabaseInfo>(bytes);
}

/// Units of compound intervals.
const INTERVAL_UNITS: [&str; 4] = ["DAY_MICROSECOND", "HOUR_SECOND", "YEAR_MONTH", "MINUTE_MICROSECOND"];

/// Text that becomes a number, a date or a time.
pub fn values(bytes: &[u8]) {
    use rutile_sql_types::temporal;
    let _ = Decimal::parse_prefix(bytes);
    let _ = rutile_sql_types::number::parse_double_prefix(bytes);
    let _ = rutile_sql_types::number::parse_integer_prefix(bytes);
    let _ = rutile_sql_types::number::parse_integer_rounded(bytes);
    let _ = rutile_sql_types::json::JsonPath::parse(bytes);
    for unit in INTERVAL_UNITS.iter().filter_map(|name| temporal::IntervalUnit::parse(name)) {
        let _ = temporal::Interval::parse_compound(unit, bytes);
    }
    for charset in [Charset::Latin1, Charset::Ascii, Charset::Utf8mb3, Charset::Utf8mb4] {
        if let Some(text) = charset.decode(bytes) {
            assert!(std::str::from_utf8(&text).is_ok(), "text is UTF-8");
        }
    }
    let _ = temporal::parse_time(bytes);
    for must_have_time in [false, true] {
        let _ = temporal::parse_datetime(bytes, temporal::DateFlags::default(), must_have_time);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = rutile_sql_types::TimeZone::parse(text);
        let _ = rutile_sql_types::SqlMode::parse(text);
        let _ = temporal::IntervalUnit::parse(text);
    }
}
