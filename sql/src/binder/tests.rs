//! Bound queries against `testdata/*.txt`: a statement, then the tree it is bound to and its columns, or the
//! error. `UPDATE_GOLDEN=1 cargo test -p rutile-sql --lib binder` records; the diff is the review.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use rutile_sql_functions::EvalContext;
use rutile_sql_parser::ast::{StatementKind, VariableScope};
use rutile_sql_parser::{ParseOptions, parse_statements};
use rutile_sql_types::{Collation, FieldType, MySqlError, Value};

use super::{BindContext, SessionValues, VirtualTable, VirtualTables, bind_query};
use crate::catalog::{
    ColumnDefault, ColumnInfo, DatabaseInfo, DatabaseSchema, GenerationCell, HandleKind, IndexColumn,
    IndexInfo, InfoSchema, SchemaState, TableInfo,
};
use crate::expression::{Evaluation, Uninterrupted};
use crate::planner::access_path::{self, AccessPath};

struct Nothing;

impl SessionValues for Nothing {
    fn system_variable(
        &self,
        _scope: Option<VariableScope>,
        name: &str,
    ) -> Result<(Value, FieldType), MySqlError> {
        Err(MySqlError::unknown_system_variable(name))
    }

    fn user_variable(&self, _name: &str) -> (Value, FieldType) {
        (Value::Null, FieldType::null())
    }
}

impl VirtualTables for Nothing {
    fn has_database(&self, _database: &str) -> bool {
        false
    }

    fn table(&self, _database: &str, _table: &str) -> Option<Arc<dyn VirtualTable>> {
        None
    }
}

fn column(offset: usize, name: &str, ty: FieldType) -> ColumnInfo {
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
        generated: None,
    }
}

fn index(id: i64, name: &str, unique: bool, columns: &[(usize, &str)]) -> IndexInfo {
    IndexInfo {
        id,
        name: name.to_owned(),
        columns: columns
            .iter()
            .map(|(offset, name)| IndexColumn {
                offset: *offset,
                name: (*name).to_owned(),
                length: None,
                descending: false,
            })
            .collect(),
        unique,
        primary: name == "PRIMARY",
        comment: String::new(),
        state: SchemaState::Public,
    }
}

/// `t(id INT PRIMARY KEY, k INT, c VARCHAR(20), d DATE, KEY kk(k), KEY kc(c, k))` and
/// `p(a INT, b VARCHAR(10), n DECIMAL(10,2), PRIMARY KEY(a, b))`.
fn catalog() -> InfoSchema {
    let int = FieldType::int();
    let text = FieldType::varchar(20, Collation::DEFAULT);
    let t = TableInfo {
        id: 10,
        name: "t".to_owned(),
        columns: vec![
            column(0, "id", int.clone().with_not_null()),
            column(1, "k", int.clone()),
            column(2, "c", text.clone()),
            column(3, "d", FieldType::date()),
        ],
        indexes: vec![
            index(1, "PRIMARY", true, &[(0, "id")]),
            index(2, "kk", false, &[(1, "k")]),
            index(3, "kc", false, &[(2, "c"), (1, "k")]),
        ],
        handle: HandleKind::Integer { offset: 0 },
        collation: Collation::DEFAULT,
        comment: String::new(),
        auto_increment_start: 0,
        next_column_id: 5,
        next_index_id: 4,
        created_ms: 0,
        version: 1,
        view: None,
        partitioning: None,
        bound: GenerationCell::default(),
    };
    let p = TableInfo {
        id: 11,
        name: "p".to_owned(),
        columns: vec![
            column(0, "a", int.with_not_null()),
            column(1, "b", text.with_not_null()),
            column(2, "n", FieldType::decimal(10, 2)),
        ],
        indexes: vec![index(1, "PRIMARY", true, &[(0, "a"), (1, "b")])],
        handle: HandleKind::Common,
        ..t.clone()
    };
    let p = TableInfo { name: "p".to_owned(), ..p };
    let info = DatabaseInfo { id: 1, name: "db".to_owned(), collation: Collation::DEFAULT };
    let tables = [t, p].into_iter().map(|table| (table.name.clone(), Arc::new(table))).collect();
    InfoSchema::new(1, [DatabaseSchema { info, tables }])
}

#[test]
fn bound_queries() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/binder/testdata");
    let catalog = catalog();
    for entry in std::fs::read_dir(folder).expect("the folder is part of the source") {
        let path = entry.expect("readable").path();
        let recorded = std::fs::read_to_string(&path).expect("readable");
        let mut actual = String::new();
        for statement in recorded.lines().filter_map(|line| line.strip_prefix("> ")) {
            let _ = writeln!(actual, "> {statement}\n{}", bound(&catalog, statement));
        }
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            let mut file = std::fs::File::create(&path).expect("writable");
            file.write_all(actual.as_bytes()).expect("writable");
            continue;
        }
        assert_eq!(actual, recorded, "{}", path.display());
    }
}

fn bound(catalog: &InfoSchema, sql: &str) -> String {
    let statements = match parse_statements(sql.as_bytes(), &ParseOptions::default()) {
        Ok(statements) => statements,
        Err(error) => return format!("ERROR {}: {error}\n", error.code()),
    };
    let Some(StatementKind::Query(query)) = statements.first().map(|statement| &statement.kind) else {
        return "no query\n".to_owned();
    };
    let statement = Evaluation::new(EvalContext::default(), Collation::DEFAULT, Arc::new(Uninterrupted));
    let context = BindContext {
        catalog,
        current_database: Some("db"),
        session: &Nothing,
        virtual_tables: &Nothing,
        parameters: None,
        keeps_placeholders: false,
        statement,
    };
    let bound = match bind_query(query, &context) {
        Ok(bound) => bound,
        Err(error) => return format!("ERROR {}: {}\n", error.code, error.message),
    };
    let mut text = String::new();
    for column in &bound.columns {
        let null = if column.ty.not_null { "" } else { " null" };
        let _ = writeln!(text, "{}: {}{null}", column.name, column.ty.sql_text());
    }
    let _ = write!(text, "{}", bound.relation);
    for path in access_paths(&bound.relation) {
        let _ = writeln!(text, "{path}");
    }
    text
}

/// The access path of each filtered table, as the filter right above it decides.
fn access_paths(relation: &super::Relation) -> Vec<String> {
    let mut found = Vec::new();
    if let super::Relation::Filter { input, predicates } = relation
        && let super::Relation::Table(scan) = &**input
    {
        found.push(match access_path::choose(scan, predicates) {
            AccessPath::Full { .. } => "path: full".to_owned(),
            AccessPath::Records { ranges } => {
                format!("path: rows, {} ({} ranges)", ranges.text(&scan.table), ranges.ranges.len())
            }
            AccessPath::Index { index, ranges } => {
                format!(
                    "path: index {}, {} ({} ranges)",
                    scan.table.indexes[index].name,
                    ranges.text(&scan.table),
                    ranges.ranges.len()
                )
            }
        });
    }
    for input in relation.inputs() {
        found.extend(access_paths(input));
    }
    found
}
