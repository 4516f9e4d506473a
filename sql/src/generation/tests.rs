//! The modes that values are computed with, and what is kept with a definition.

use std::sync::Arc;

use rutile_sql_functions::EvalContext;
use rutile_sql_types::{Collation, FieldType, SqlMode, Value};

use super::complete;
use crate::catalog::{
    ColumnDefault, ColumnInfo, GeneratedColumn, GenerationCell, HandleKind, SchemaState, TableInfo,
};

fn column(offset: usize, name: &str, ty: FieldType, expression: Option<(&str, bool, &[i64])>) -> ColumnInfo {
    ColumnInfo {
        id: offset as i64 + 1,
        name: name.to_owned(),
        offset,
        ty,
        default: ColumnDefault::Absent,
        on_update_now: false,
        auto_increment: false,
        comment: String::new(),
        state: SchemaState::Public,
        original_default: Value::Null,
        generated: expression.map(|(text, stored, reads)| GeneratedColumn {
            expression: text.to_owned(),
            stored,
            reads: reads.to_vec(),
        }),
    }
}

fn table(columns: Vec<ColumnInfo>) -> TableInfo {
    TableInfo {
        id: 1,
        name: "t".to_owned(),
        columns,
        indexes: Vec::new(),
        handle: HandleKind::RowId,
        collation: Collation::DEFAULT,
        comment: String::new(),
        auto_increment_start: 0,
        next_column_id: 100,
        next_index_id: 1,
        created_ms: 0,
        version: 0,
        view: None,
        partitioning: None,
        bound: GenerationCell::default(),
    }
}

#[test]
fn expressions_are_bound_once_for_a_definition() {
    let table = table(vec![
        column(0, "a", FieldType::bigint(), None),
        column(1, "b", FieldType::bigint(), Some(("(`a` + 1)", false, &[1]))),
    ]);
    let first = Arc::clone(table.generation().expect("binds").expect("has one"));
    let again = table.generation().expect("binds").expect("has one");
    assert!(Arc::ptr_eq(&first, again), "the same");
    let copy = table.clone();
    let other = copy.generation().expect("binds").expect("has one");
    assert!(!Arc::ptr_eq(&first, other), "a copy may be changed before it is used");
    assert_eq!(copy, table);
}

#[test]
fn a_column_may_stand_before_what_it_reads() {
    // As between two states of ALTER TABLE, where hidden columns stand last.
    let table = table(vec![
        column(0, "c", FieldType::bigint(), Some(("(`b` * 10)", true, &[2]))),
        column(1, "b", FieldType::bigint(), Some(("(`a` + 1)", false, &[3]))),
        column(2, "a", FieldType::bigint(), None),
    ]);
    let mut row = vec![Value::Null, Value::Null, Value::Int(4)];
    complete(&table, &mut row, &mut EvalContext::default()).expect("fits");
    assert_eq!(row, [Value::Int(50), Value::Int(5), Value::Int(4)]);
}

#[test]
fn names_mean_the_columns_that_the_definition_knew() {
    // A column of the name is leaving, another one has come.
    let mut leaving = column(2, "a", FieldType::bigint(), None);
    leaving.state = SchemaState::WriteOnly;
    let table = table(vec![
        column(0, "a", FieldType::bigint(), None),
        column(1, "b", FieldType::bigint(), Some(("`a`", true, &[3]))),
        leaving,
    ]);
    let mut row = vec![Value::Int(1), Value::Null, Value::Int(2)];
    complete(&table, &mut row, &mut EvalContext::default()).expect("fits");
    assert_eq!(row.get(1), Some(&Value::Int(2)));
}

#[test]
fn sessions_choose_errors_but_not_values() {
    let table = table(vec![
        column(0, "a", FieldType::varchar(20, Collation::DEFAULT), None),
        column(1, "d", FieldType::date(), Some(("cast(`a` as date)", false, &[1]))),
        column(2, "q", FieldType::decimal(20, 10), Some(("(1 / char_length(`a`))", false, &[1]))),
    ]);
    let values = |mode: &str, text: &str| {
        let mut context =
            EvalContext { div_precision_increment: 9, changes_data: true, ..EvalContext::default() };
        context.convert.sql_mode = SqlMode::parse(mode).expect("a mode");
        let mut row = vec![Value::text(text), Value::Null, Value::Null];
        let done = complete(&table, &mut row, &mut context);
        assert_eq!(context.convert.sql_mode, SqlMode::parse(mode).expect("a mode"), "given back");
        assert_eq!(context.div_precision_increment, 9, "given back");
        done.map(|()| row.split_off(1))
    };
    let lenient = values("", "2020-02-30").expect("a warning");
    assert_eq!(lenient.first(), Some(&Value::Null));
    assert_eq!(
        values("ALLOW_INVALID_DATES,PAD_CHAR_TO_FULL_LENGTH", "2020-02-30").expect("a warning"),
        lenient
    );
    assert_eq!(values("STRICT_ALL_TABLES", "2020-02-30").expect_err("strict").code, 1292);
    let strict = values("STRICT_ALL_TABLES", "2020-02-28").expect("a date");
    assert_eq!(values("", "2020-02-28").expect("a date"), strict);
    assert_eq!(
        strict.get(1).map(|value| format!("{value:?}").contains("1000")),
        Some(true),
        "four digits: {strict:?}"
    );
}

#[test]
fn who_depends_on_the_session_is_known() {
    let table = table(vec![
        column(0, "ts", FieldType::timestamp(0), None),
        column(1, "d", FieldType::date(), Some(("cast(`ts` as date)", false, &[1]))),
        column(2, "y", FieldType::bigint(), Some(("year(`d`)", false, &[2]))),
        column(3, "kept", FieldType::date(), Some(("`d`", true, &[2]))),
        column(4, "of_kept", FieldType::bigint(), Some(("year(`kept`)", false, &[4]))),
        column(5, "n", FieldType::bigint(), None),
        column(6, "plain", FieldType::bigint(), Some(("(`n` + 1)", false, &[6]))),
    ]);
    let generation = table.generation().expect("binds").expect("has some");
    let dependent: Vec<usize> = (0..7).filter(|offset| generation.depends_on_session(*offset)).collect();
    assert_eq!(dependent, [1, 2, 3], "what is kept is a fact");
    assert!(generation.depends_on(4, &|offset| offset == 0));
    assert!(!generation.depends_on(6, &|offset| offset == 0));
}
