//! SHOW CREATE TABLE and SHOW CREATE DATABASE, byte for byte as MySQL writes them: tools parse this text.

use std::fmt::Write as _;

use rutile_sql_parser::ast::ObjectName;
use rutile_sql_types::{Collation, FieldType, MySqlError, TimeZone, TypeKind, Value};

use crate::catalog::{ColumnDefault, ColumnInfo, IndexInfo, PartitionInfo, TableInfo, ViewInfo};
use crate::error::Result;
use crate::infoschema::describe::{
    current_timestamp, kind_name, literal, quoted, quoted_if_needed, table_charset, value_text,
};
use crate::infoschema::tables::column_name;
use crate::session::StatementContext;

pub(super) async fn table(context: &mut StatementContext<'_>, name: &ObjectName) -> Result<Vec<Vec<Value>>> {
    let (schema, found) = context.find_relation(name)?;
    if let Some(view) = &found.view {
        let text = create_view(context, &schema.info.name, &found, view);
        return Ok(vec![view_row(&found, view, text)]);
    }
    let (_, table) = context.table(name)?;
    let next = match table.auto_increment_column() {
        Some(_) => context.instance.auto_ids().peek(&table).await?,
        None => 1,
    };
    let text = create_table(&table, next, context.settings().time_zone);
    Ok(vec![vec![Value::text(&table.name), Value::from(text)]])
}

/// SHOW CREATE VIEW; error 1347 for a table.
pub(super) fn view(context: &StatementContext<'_>, name: &ObjectName) -> Result<Vec<Vec<Value>>> {
    let (schema, found) = context.find_relation(name)?;
    match &found.view {
        Some(view) => {
            let text = create_view(context, &schema.info.name, &found, view);
            Ok(vec![view_row(&found, view, text)])
        }
        None => Err(MySqlError::wrong_object(&schema.info.name, &found.name, "VIEW").into()),
    }
}

fn view_row(table: &TableInfo, view: &ViewInfo, text: String) -> Vec<Value> {
    vec![
        Value::text(&table.name),
        Value::from(text),
        Value::text(&view.charset_client),
        Value::text(&view.collation_connection),
    ]
}

/// The statement that makes the view again; the query is written as it was given.
fn create_view(context: &StatementContext<'_>, database: &str, table: &TableInfo, view: &ViewInfo) -> String {
    let (user, host) = view.definer.split_once('@').unwrap_or((&view.definer, "%"));
    let columns: Vec<String> = table.public_columns().map(|column| quoted(&column.name)).collect();
    // Without the database where it is the default one: a dump goes into another one.
    let is_current = context.session.database.as_deref() == Some(database);
    format!(
        "CREATE ALGORITHM={} DEFINER={}@{} SQL SECURITY {} VIEW {}{} ({}) AS {}",
        view.algorithm,
        quoted(user),
        quoted(host),
        if view.invoker_security { "INVOKER" } else { "DEFINER" },
        if is_current { String::new() } else { format!("{}.", quoted(database)) },
        quoted(&table.name),
        columns.join(","),
        view.query
    )
}

pub(super) fn database(
    context: &StatementContext<'_>,
    name: &str,
    if_not_exists: bool,
) -> Result<Vec<Vec<Value>>> {
    let schema = context.infoschema.database(name).ok_or_else(|| MySqlError::unknown_database(name))?;
    let collation = schema.info.collation;
    let mut text = String::from("CREATE DATABASE ");
    if if_not_exists {
        text.push_str("/*!32312 IF NOT EXISTS*/ ");
    }
    let _ = write!(text, "{} /*!40100 DEFAULT CHARACTER SET {}", quoted(name), collation.charset().name());
    if !collation.is_default() || collation == Collation::UTF8MB4_0900_AI_CI {
        let _ = write!(text, " COLLATE {}", collation.name());
    }
    text.push_str(" */ /*!80016 DEFAULT ENCRYPTION='N' */");
    Ok(vec![vec![Value::text(name), Value::from(text)]])
}

/// The statement that creates the table again.
pub(super) fn create_table(table: &TableInfo, next_auto_increment: u64, zone: TimeZone) -> String {
    let mut lines: Vec<String> =
        table.public_columns().map(|column| column_line(table, column, zone)).collect();
    lines.extend(table.public_indexes().map(|index| index_line(table, index)));
    let mut text =
        format!("CREATE TABLE {} (\n  {}\n) ENGINE=InnoDB", quoted(&table.name), lines.join(",\n  "));
    if next_auto_increment > 1 {
        let _ = write!(text, " AUTO_INCREMENT={next_auto_increment}");
    }
    text.push(' ');
    text.push_str(&table_charset(table));
    if !table.comment.is_empty() {
        let _ = write!(text, " COMMENT={}", literal(&table.comment));
    }
    if let Some(info) = &table.partitioning {
        partitions(&mut text, info);
    }
    text
}

/// PARTITION BY, in a comment that servers older than 5.1 skip, as MySQL writes it.
fn partitions(text: &mut String, info: &PartitionInfo) {
    let lines: Vec<String> = info
        .partitions
        .iter()
        .map(|partition| {
            let end = partition.less_than.map_or("MAXVALUE".to_owned(), |end| format!("({end})"));
            let mut line = format!("PARTITION {} VALUES LESS THAN {end}", quoted_if_needed(&partition.name));
            if !partition.comment.is_empty() {
                let _ = write!(line, " COMMENT = {}", literal(&partition.comment));
            }
            line.push_str(" ENGINE = InnoDB");
            line
        })
        .collect();
    let _ = write!(text, "\n/*!50100 PARTITION BY RANGE ({})\n({}) */", info.expression, lines.join(",\n "));
}

fn column_line(table: &TableInfo, column: &ColumnInfo, zone: TimeZone) -> String {
    let ty = &column.ty;
    let mut line = format!("{} {}", quoted(&column.name), ty.sql_text());
    if ty.is_string_like() && !ty.collation.is_binary() {
        charset(&mut line, ty, table.collation);
    }
    if let Some(generated) = &column.generated {
        let _ = write!(line, " GENERATED ALWAYS AS ({}) {}", generated.expression, kind_name(generated));
    }
    if ty.not_null {
        line.push_str(" NOT NULL");
    } else if ty.kind == TypeKind::Timestamp {
        line.push_str(" NULL");
    }
    default_clause(&mut line, column, zone);
    if column.on_update_now {
        let _ = write!(line, " ON UPDATE {}", current_timestamp(ty));
    }
    if column.auto_increment {
        line.push_str(" AUTO_INCREMENT");
    }
    if !column.comment.is_empty() {
        let _ = write!(line, " COMMENT {}", literal(&column.comment));
    }
    line
}

/// The character set is written if the collation differs from the table's, the collation unless it is the default of
/// its character set.
fn charset(line: &mut String, ty: &FieldType, table: Collation) {
    if ty.collation != table {
        let _ = write!(line, " CHARACTER SET {}", ty.collation.charset().name());
    }
    let default_elsewhere = ty.collation == Collation::UTF8MB4_0900_AI_CI && ty.collation != table;
    if !ty.collation.is_default() || default_elsewhere {
        let _ = write!(line, " COLLATE {}", ty.collation.name());
    }
}

fn default_clause(line: &mut String, column: &ColumnInfo, zone: TimeZone) {
    let ty = &column.ty;
    let _ = match &column.default {
        ColumnDefault::CurrentTimestamp => write!(line, " DEFAULT {}", current_timestamp(ty)),
        ColumnDefault::Expression(text) => write!(line, " DEFAULT ({text})"),
        ColumnDefault::Literal(Value::UInt(bits)) if ty.kind == TypeKind::Bit => {
            write!(line, " DEFAULT b'{bits:b}'")
        }
        ColumnDefault::Literal(value) => write!(line, " DEFAULT {}", literal(&value_text(value, ty, zone))),
        ColumnDefault::Absent => Ok(()),
        // TEXT and BLOB cannot have a default, so their NULL is not written.
        ColumnDefault::Null if ty.kind.is_lob() => Ok(()),
        ColumnDefault::Null => write!(line, " DEFAULT NULL"),
    };
}

fn index_line(table: &TableInfo, index: &IndexInfo) -> String {
    let parts: Vec<String> = index
        .columns
        .iter()
        .map(|part| {
            let name = quoted(column_name(table, part));
            let order = if part.descending { " DESC" } else { "" };
            match part.length {
                Some(length) => format!("{name}({length}){order}"),
                None => format!("{name}{order}"),
            }
        })
        .collect();
    let parts = parts.join(",");
    let mut line = if index.primary {
        format!("PRIMARY KEY ({parts})")
    } else if index.unique {
        format!("UNIQUE KEY {} ({parts})", quoted(&index.name))
    } else {
        format!("KEY {} ({parts})", quoted(&index.name))
    };
    if index.primary && !table.is_clustered(index) {
        line.push_str(" /*T![clustered_index] NONCLUSTERED */");
    }
    if !index.comment.is_empty() {
        let _ = write!(line, " COMMENT {}", literal(&index.comment));
    }
    line
}
