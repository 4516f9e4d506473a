//! Plans that travel come out as they went in; forged ones are refused.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use bytes::Bytes;
use rutile_sql_functions::EvalContext;
use rutile_sql_types::{Collation, FieldType, Level, MySqlError, Value, Warning};
use serde_json::{Value as Json, json};

use super::{Answer, PLAN_BYTES_MAX, decode_answer, decode_plan, encode_answer, encode_plan};
use crate::catalog::{ColumnDefault, ColumnInfo, GenerationCell, HandleKind, SchemaState, TableInfo};
use crate::distsql::{ScanRequest, Stage, TopRows, WorkDone};
use crate::expression::build::call;
use crate::expression::pushed::PushedExpr;
use crate::expression::{Evaluation, Expr, Uninterrupted};
use crate::memory::StatementMemory;

fn table() -> TableInfo {
    let column = |id: i64, name: &str, ty: FieldType| ColumnInfo {
        id,
        name: name.to_owned(),
        offset: usize::try_from(id - 1).expect("small"),
        ty,
        default: ColumnDefault::Null,
        on_update_now: false,
        auto_increment: false,
        comment: String::new(),
        state: SchemaState::Public,
        original_default: Value::Null,
        generated: None,
    };
    TableInfo {
        id: 101,
        name: "t".to_owned(),
        columns: vec![
            column(1, "a", FieldType::bigint()),
            column(2, "b", FieldType::varchar(20, Collation::DEFAULT)),
        ],
        indexes: Vec::new(),
        handle: HandleKind::RowId,
        collation: Collation::DEFAULT,
        comment: String::new(),
        auto_increment_start: 0,
        next_column_id: 3,
        next_index_id: 1,
        created_ms: 0,
        version: 1,
        view: None,
        partitioning: None,
        bound: GenerationCell::default(),
    }
}

fn column_a() -> Expr {
    Expr::column(0, FieldType::bigint())
}

fn number(value: i64) -> Expr {
    Expr::literal(Value::Int(value), FieldType::bigint())
}

fn request(filters: Vec<Expr>, stage: Option<Stage>) -> ScanRequest {
    let schema = Schema::new(vec![Field::new("a", DataType::Int64, true)]);
    ScanRequest {
        table: Arc::new(table()),
        columns: vec![0, 1],
        filters,
        output: vec![0],
        schema: Arc::new(schema),
        sends_keys: false,
        limit: Some(7),
        stage,
        keep_order: true,
        overridden: Arc::new(HashSet::from([Bytes::from_static(b"k")])),
        locking: None,
        statement: Evaluation::new(EvalContext::default(), Collation::DEFAULT, Arc::new(Uninterrupted)),
        work: Arc::default(),
    }
}

fn condition() -> Expr {
    let text = Expr::column(1, FieldType::varchar(20, Collation::DEFAULT));
    let equal =
        call("=", vec![text, Expr::literal(Value::text("x"), FieldType::varchar(1, Collation::DEFAULT))]);
    let more = call(">", vec![call("+", vec![column_a(), number(1)]).expect("binds"), number(5)]);
    call("and", vec![equal.expect("binds"), more.expect("binds")]).expect("binds")
}

fn refuse(bytes: &[u8]) -> MySqlError {
    decode_plan(bytes, StatementMemory::unlimited()).map(drop).expect_err("refused")
}

#[test]
fn a_plan_comes_out_as_it_went_in() {
    let top = TopRows { keys: vec![(PushedExpr::value(column_a()), Default::default())], count: 5 };
    let sent = request(vec![condition()], Some(Stage::Top(Arc::new(top))));
    let bytes = encode_plan(&sent).expect("travels");
    let got = decode_plan(&bytes, StatementMemory::unlimited()).expect("reads back");
    assert_eq!(got.filters, sent.filters);
    assert_eq!((&got.columns, &got.output, got.limit), (&sent.columns, &sent.output, sent.limit));
    assert_eq!((&got.schema, &got.overridden, got.keep_order), (&sent.schema, &sent.overridden, true));
    assert_eq!(*got.table, *sent.table);
    let Some(Stage::Top(top)) = &got.stage else { panic!("the stage is another one") };
    assert_eq!((top.count, top.keys.len()), (5, 1));
}

#[test]
fn what_rests_on_the_session_does_not_travel() {
    for name in ["connection_id", "user", "database", "uuid", "rand"] {
        let equal = call("=", vec![column_a(), call(name, Vec::new()).expect("binds")]).expect("binds");
        assert!(encode_plan(&request(vec![equal], None)).is_none(), "{name}");
    }
    let deep = (0..300).fold(column_a(), |expr, _| call("+", vec![expr, column_a()]).expect("binds"));
    assert!(encode_plan(&request(vec![deep], None)).is_none(), "too deep");
    let wide: Vec<Expr> =
        (0..2000).map(|_| Expr::literal(Value::text(&"x".repeat(600)), FieldType::bigint())).collect();
    assert!(encode_plan(&request(wide, None)).is_none(), "too large");
}

/// A plan that was written by hand, changed at one place.
fn forged(path: &str, value: Json) -> Vec<u8> {
    let bytes = encode_plan(&request(vec![condition()], None)).expect("travels");
    let mut plan: Json = serde_json::from_slice(&bytes).expect("JSON");
    *plan.pointer_mut(path).unwrap_or_else(|| panic!("no {path}")) = value;
    serde_json::to_vec(&plan).expect("JSON")
}

#[test]
fn forged_plans_are_refused() {
    let node = |name: &str, args: usize, ty: usize| json!({"f": {"name": name, "args": args, "ty": ty, "coercibility": 5}});
    let many: Vec<Json> = (0..5000).map(|_| json!([{"c": [0, 0]}])).collect();
    let mut deep = vec![json!({"c": [0, 0]})];
    deep.extend((0..300).map(|_| node("unary_minus", 1, 0)));
    let top = |count: usize, keys: Json| json!({"Top": {"keys": keys, "count": count}});
    let key =
        json!({"key": {"expr": [{"c": [0, 0]}], "form": "Value"}, "descending": false, "nulls_first": true});
    let aggregate = |function: Json| json!({"Aggregate": {"keys": [], "calls": [{"args": [], "function": function}], "key_schema": "00", "keeps_first": false}});
    let cases = [
        ("/version", json!(2)),
        ("/columns", json!([0, 9])),
        ("/output", json!([2])),
        ("/schema", json!("zz")),
        ("/schema", json!("00ff")),
        ("/overridden", json!(["abc"])),
        ("/types", json!([])),
        ("/filters", json!(many)),
        ("/filters/0", json!([])),
        ("/filters/0", json!([{"c": [7, 0]}])),
        ("/filters/0", json!([{"c": [0, 99]}])),
        ("/filters/0", json!([{"c": [0, 0]}, {"c": [0, 0]}])),
        ("/filters/0", json!([node("sleep", 0, 0)])),
        ("/filters/0", json!([node("connection_id", 0, 0)])),
        ("/filters/0", json!([node("uuid", 0, 0)])),
        ("/filters/0", json!([node("no_such_function", 0, 0)])),
        ("/filters/0", json!([node("=", 2, 0)])),
        ("/filters/0", json!(deep)),
        ("/filters/0", json!([{"l": [{"Decimal": "x"}, 0]}])),
        ("/stage", top(1_000_000, json!([key]))),
        ("/stage", top(5, json!([]))),
        ("/stage", aggregate(json!({"ReadyMade": "array_agg"}))),
        ("/stage", aggregate(json!({"Own": {"kind": "Function", "args": [], "result": 0}}))),
        ("/stage", json!({"ReadFile": "/etc/passwd"})),
        ("/statement/sql_mode", json!(u64::MAX)),
        ("/statement/time_zone", json!("Nowhere/Land")),
    ];
    for (path, value) in cases {
        let shown = value.to_string();
        let error = refuse(&forged(path, value));
        assert!(error.code != 0 && !error.message.is_empty(), "{path} {shown}: {error}");
    }
    assert!(refuse(&vec![b' '; PLAN_BYTES_MAX + 1]).message.contains("more than"));
    assert!(refuse(b"").message.contains("refused"));
    assert!(refuse(b"\x0a\x07datafusion").message.contains("refused"));
}

#[test]
fn an_answer_brings_rows_warnings_and_work_or_the_error() {
    let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)]));
    let batch = RecordBatch::try_new(schema, vec![Arc::new(Int64Array::from(vec![1, 2]))]).expect("fits");
    let warning = Warning { level: Level::Warning, code: 1292, message: "w".to_owned() };
    let work = WorkDone { pages: 1, scanned: 3, kept: 2, sent: 2, nanos: 9 };
    let answer = Answer { batch: batch.clone(), warnings: vec![warning.clone()], work };
    let bytes = encode_answer(&Ok(answer)).expect("writes");
    let got = decode_answer(&bytes).expect("reads");
    assert_eq!((got.batch, got.warnings, got.work), (batch, vec![warning], work));
    for cut in [0, 3, 10, bytes.len() / 2] {
        assert!(decode_answer(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    let error = MySqlError::duplicate_entry("1", "t.a");
    let bytes = encode_answer(&Err(error.clone())).expect("writes");
    assert_eq!(decode_answer(&bytes).err(), Some(error));
}
