//! Golden scripts over the codec: `testdata/*.script`, one command per line, its answer on the lines below `---`.
//!
//! ```text
//! datum TYPE VALUE            memcomparable form, and what it decodes to
//! order TYPE VALUE VALUE ...  the values sorted by their keys; = joins equal keys
//! row ID:TYPE=VALUE ...       row format v2, then every column read back
//! get ID HEX                  one column of a row in hexadecimal
//! record TABLE HANDLE         record key;   index TABLE INDEX TYPE=VALUE... [unique] handle=H: an entry
//! ```
//! `UPDATE_GOLDEN=1 cargo test` records the answers; the diff is the review.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use rutile_sql_types::{
    Collation, Decimal, Duration, FieldType, PackedDatetime, TypeKind, Value, temporal::DateParts,
};

use super::handle::Handle;
use super::row::{RowColumn, RowEncoder, RowSlot, RowView, decode_value};
use super::{datum, index_entry, record_key};
use crate::catalog::{
    ColumnDefault, ColumnInfo, GenerationCell, HandleKind, IndexColumn, IndexInfo, SchemaState, TableInfo,
};

#[test]
fn scripts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/codec/testdata");
    let mut scripts: Vec<_> = std::fs::read_dir(&folder)
        .expect("the folder is part of the source")
        .map(|entry| entry.expect("readable").path())
        .collect();
    scripts.sort();
    assert!(!scripts.is_empty());
    for path in scripts {
        let recorded = std::fs::read_to_string(&path).expect("readable");
        let actual = run(&recorded);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            let mut file = std::fs::File::create(&path).expect("writable");
            file.write_all(actual.as_bytes()).expect("writable");
            continue;
        }
        assert_eq!(actual, recorded, "{}", path.display());
    }
}

/// Runs every command of a script and writes it anew with the answers.
fn run(script: &str) -> String {
    let mut out = String::new();
    let mut lines = script.lines();
    while let Some(line) = lines.next() {
        if line.is_empty() || line.starts_with('#') {
            let _ = writeln!(out, "{line}");
            continue;
        }
        for answered in lines.by_ref() {
            if answered.is_empty() {
                break;
            }
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let _ = writeln!(out, "{line}\n---\n{}\n", command(&words));
    }
    out
}

fn command(words: &[&str]) -> String {
    match words {
        ["datum", ty, value] => show_datum(ty, value),
        ["order", ty, values @ ..] => show_order(ty, values),
        ["row", columns @ ..] => show_row(columns),
        ["get", id, bytes] => show_column(id, bytes),
        ["record", table, handle] => {
            let key = record_key::record_key(table.parse().expect("id"), &handle_of(handle));
            let (table, suffix) = record_key::split_record_key(&key).expect("own key");
            format!("{}\ntable {table} handle {}", hex(&key), hex(suffix))
        }
        ["index", table, index, rest @ ..] => show_index(table, index, rest),
        _ => panic!("unknown command {words:?}"),
    }
}

fn show_datum(ty: &str, value: &str) -> String {
    let ty = type_of(ty);
    let mut key = Vec::new();
    if let Err(error) = datum::append(&mut key, &value_of(value, &ty), &ty) {
        return format!("error: {error}");
    }
    let mut rest = key.as_slice();
    let decoded = match datum::decode(&mut rest, &ty) {
        Ok(value) => show(&value),
        Err(error) => format!("error: {error}"),
    };
    let mut skipped = key.as_slice();
    datum::skip(&mut skipped).expect("own datum");
    assert!(skipped.is_empty(), "skip leaves nothing behind");
    format!("{}\n{decoded}", hex(&key))
}

fn show_order(ty: &str, values: &[&str]) -> String {
    let ty = type_of(ty);
    let mut keyed: Vec<(Vec<u8>, &str)> = values
        .iter()
        .map(|text| {
            let mut key = Vec::new();
            datum::append(&mut key, &value_of(text, &ty), &ty).expect("encodable");
            (key, *text)
        })
        .collect();
    keyed.sort_by(|a, b| a.0.cmp(&b.0));
    let mut out = String::new();
    for (position, (key, text)) in keyed.iter().enumerate() {
        if let Some(previous) = position.checked_sub(1).and_then(|at| keyed.get(at)) {
            out.push_str(if previous.0 == *key { " = " } else { " < " });
        }
        out.push_str(text);
    }
    out
}

fn show_row(columns: &[&str]) -> String {
    let parsed: Vec<(i64, FieldType, Value)> = columns
        .iter()
        .map(|column| {
            let (id, rest) = column.split_once(':').expect("id:type=value");
            let (ty, value) = rest.split_once('=').expect("type=value");
            let ty = type_of(ty);
            let value = value_of(value, &ty);
            (id.parse().expect("id"), ty, value)
        })
        .collect();
    let mut row = Vec::new();
    let written = RowEncoder::default()
        .encode(parsed.iter().map(|(id, ty, value)| RowColumn { id: *id, value, ty }), &mut row);
    if let Err(error) = written {
        return format!("error: {error}");
    }
    let view = RowView::parse(&row).expect("own row");
    let mut out = if row.len() > 200 { format!("{} bytes", row.len()) } else { hex(&row) };
    for (id, ty, value) in &parsed {
        let read = match view.get(*id).expect("own row") {
            RowSlot::Missing => "missing".to_owned(),
            RowSlot::Null => "NULL".to_owned(),
            RowSlot::Value(bytes) => {
                let decoded = decode_value(bytes, ty).expect("own value");
                assert_eq!(&decoded, value, "column {id} reads back");
                if bytes.len() > 50 { format!("{} bytes", bytes.len()) } else { show(&decoded) }
            }
        };
        let _ = write!(out, "\n{id} = {read}");
    }
    out
}

fn show_column(id: &str, bytes: &str) -> String {
    let bytes = unhex(bytes);
    match RowView::parse(&bytes).and_then(|view| view.get(id.parse().expect("id"))) {
        Ok(RowSlot::Missing) => "missing".to_owned(),
        Ok(RowSlot::Null) => "NULL".to_owned(),
        Ok(RowSlot::Value(value)) => hex(value),
        Err(error) => format!("error: {error}"),
    }
}

fn show_index(table: &str, index: &str, rest: &[&str]) -> String {
    let mut info = TableInfo {
        id: table.parse().expect("id"),
        name: "t".to_owned(),
        columns: Vec::new(),
        indexes: Vec::new(),
        handle: HandleKind::RowId,
        collation: Collation::DEFAULT,
        comment: String::new(),
        auto_increment_start: 0,
        next_column_id: 1,
        next_index_id: 1,
        created_ms: 0,
        version: 0,
        view: None,
        partitioning: None,
        bound: GenerationCell::default(),
    };
    let mut entry = IndexInfo {
        id: index.parse().expect("id"),
        name: "i".to_owned(),
        columns: Vec::new(),
        unique: false,
        primary: false,
        comment: String::new(),
        state: SchemaState::Public,
    };
    let mut row = Vec::new();
    let mut handle = Handle::Int(0);
    for word in rest {
        if *word == "unique" {
            entry.unique = true;
        } else if let Some(text) = word.strip_prefix("handle=") {
            handle = handle_of(text);
            if matches!(handle, Handle::Common(_)) {
                info.handle = HandleKind::Common;
            }
        } else {
            add_part(&mut info, &mut entry, &mut row, word);
        }
    }
    let written = index_entry::index_entry(&info, &entry, &row, &handle).expect("encodable");
    let read = index_entry::handle_of_entry(&info, &entry, &written.key, &written.value);
    assert_eq!(read, Ok(handle), "the entry leads back to its row");
    format!("key {}\nvalue {}\ndistinct {}", hex(&written.key), hex(&written.value), written.distinct)
}

fn add_part(info: &mut TableInfo, entry: &mut IndexInfo, row: &mut Vec<Value>, word: &str) {
    let (ty, value) = word.split_once('=').expect("type=value");
    let (ty, length) = match ty.split_once('/') {
        Some((ty, length)) => (ty, Some(length.parse().expect("prefix length"))),
        None => (ty, None),
    };
    let ty = type_of(ty);
    let offset = info.columns.len();
    row.push(value_of(value, &ty));
    info.columns.push(ColumnInfo {
        generated: None,
        id: 1,
        name: format!("c{offset}"),
        offset,
        ty,
        default: ColumnDefault::Absent,
        on_update_now: false,
        auto_increment: false,
        comment: String::new(),
        state: SchemaState::Public,
        original_default: Value::Null,
    });
    entry.columns.push(IndexColumn { offset, name: format!("c{offset}"), length, descending: false });
}

fn handle_of(text: &str) -> Handle {
    match text.strip_prefix("x") {
        Some(bytes) => Handle::Common(unhex(bytes).into()),
        None => Handle::Int(text.parse().expect("integer handle")),
    }
}

fn type_of(name: &str) -> FieldType {
    match name {
        "int" => FieldType::bigint(),
        "uint" => FieldType::ubigint(),
        "float" => FieldType::float(),
        "double" => FieldType::double(),
        "varchar" => FieldType::varchar(100, Collation::DEFAULT),
        "varchar_general" => FieldType::varchar(100, Collation::UTF8MB4_GENERAL_CI),
        "varchar_bin" => FieldType::varchar(100, Collation::UTF8MB4_BIN),
        "varbinary" => FieldType::varbinary(100),
        "date" => FieldType::date(),
        "datetime" => FieldType::datetime(6),
        "time" => FieldType::time(6),
        _ => {
            let sizes = name.strip_prefix("decimal(").and_then(|rest| rest.strip_suffix(')'));
            let (precision, scale) = sizes.and_then(|sizes| sizes.split_once(',')).expect("known type");
            FieldType::decimal(precision.parse().expect("digits"), scale.parse().expect("digits"))
        }
    }
}

fn value_of(text: &str, ty: &FieldType) -> Value {
    if text == "NULL" {
        return Value::Null;
    }
    match ty.kind {
        TypeKind::BigInt if ty.unsigned => Value::UInt(text.parse().expect("number")),
        TypeKind::BigInt => Value::Int(text.parse().expect("number")),
        TypeKind::Float => Value::Float(text.parse().expect("number")),
        TypeKind::Double => Value::Double(text.parse().expect("number")),
        TypeKind::Decimal => Value::Decimal(Decimal::parse_prefix(text.as_bytes()).value),
        TypeKind::Date | TypeKind::Datetime => Value::Datetime(datetime_of(text)),
        TypeKind::Time => Value::Duration(Duration::from_micros(text.parse().expect("microseconds"))),
        _ => match text.split_once('*') {
            Some((unit, times)) => Value::text(&unit.repeat(times.parse().expect("count"))),
            None => Value::text(text.trim_matches('\'').replace('_', " ").as_str()),
        },
    }
}

/// `2024-01-31T10:20:30.5`
fn datetime_of(text: &str) -> PackedDatetime {
    let numbers: Vec<u32> =
        text.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().expect("number")).collect();
    let at = |position: usize| numbers.get(position).copied().unwrap_or(0);
    PackedDatetime::from_parts(DateParts {
        year: at(0),
        month: at(1),
        day: at(2),
        hour: at(3),
        minute: at(4),
        second: at(5),
        microsecond: at(6),
    })
}

fn show(value: &Value) -> String {
    match value {
        Value::Bytes(bytes) => format!("Bytes({})", String::from_utf8_lossy(bytes)),
        Value::Decimal(decimal) => format!("Decimal({decimal})"),
        Value::Datetime(packed) => format!("Datetime({:?})", packed.parts()),
        other => format!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = |at: usize| text.get(at..at + 2).expect("pairs of digits");
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(digits(at), 16).expect("hex")).collect()
}
