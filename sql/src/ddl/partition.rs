//! PARTITION BY RANGE in CREATE TABLE, and what ALTER TABLE may do around it; MySQL's checks of both.
//!
//! A partition is a definition that every row obeys (`catalog::PartitionInfo`). So ADD PARTITION and REMOVE
//! PARTITIONING change only definitions; DROP and TRUNCATE PARTITION, which would delete rows, the other methods and
//! subpartitions answer 1235.

use rutile_sql_parser::ast::{self, PartitionAction, PartitionMethod, PartitionValue, PartitionValues};
use rutile_sql_parser::{ParseOptions, parse_expression, restore_column_expression};
use rutile_sql_types::{FieldType, MySqlError, TypeKind, Value};

use crate::binder::error::Clause;
use crate::catalog::{PartitionInfo, RangePartition, TableInfo};
use crate::error::{Error, Result};
use crate::generation::{bind_constant, bind_partition};

const NAME_CHARS_MAX: usize = 64;
/// The functions that MySQL lets a partitioning function call, but for UNIX_TIMESTAMP.
const ALLOWED: &[&str] = &[
    "abs",
    "ceiling",
    "datediff",
    "dayofmonth",
    "dayofweek",
    "dayofyear",
    "extract",
    "floor",
    "hour",
    "microsecond",
    "minute",
    "mod",
    "month",
    "quarter",
    "second",
    "time_to_sec",
    "to_days",
    "to_seconds",
    "weekday",
    "year",
    "yearweek",
];

/// The partitions that CREATE TABLE asks for; all columns and indexes are in the table by now.
pub(super) fn partitions(table: &TableInfo, parsed: &ast::Partitioning) -> Result<PartitionInfo> {
    let PartitionMethod::Range(function) = &parsed.method else {
        return Err(Error::unsupported("PARTITION BY other than RANGE (expression)"));
    };
    if parsed.sub.is_some() {
        return Err(Error::unsupported("SUBPARTITION BY"));
    }
    if parsed.partitions.is_empty() {
        return Err(partition_error(1492, "For RANGE partitions each partition must be defined").into());
    }
    if parsed.count.is_some_and(|count| count != parsed.partitions.len() as u64) {
        let text = "Wrong number of partitions defined, mismatch with previous setting";
        return Err(MySqlError::new(1064, "42000", text).into());
    }
    let mut info = function_of(table, function)?;
    add(table, &mut info, &parsed.partitions)?;
    Ok(info)
}

fn partition_error(code: u16, text: impl Into<String>) -> MySqlError {
    MySqlError::new(code, "HY000", text)
}

fn not_constant() -> MySqlError {
    partition_error(
        1486,
        "Constant, random or timezone-dependent expressions in (sub)partitioning function are not allowed",
    )
}

fn wrong_type(column: &str) -> MySqlError {
    partition_error(1659, format!("Field '{column}' is of a not allowed type for this type of partitioning"))
}

fn function_of(table: &TableInfo, function: &ast::Expr) -> Result<PartitionInfo> {
    let expression = restore_column_expression(function, "utf8mb4")
        .map_err(|_| partition_error(1564, "This partition function is not allowed"))?;
    for (name, _) in &expression.functions {
        match name.as_str() {
            "unix_timestamp" => return Err(Error::unsupported("UNIX_TIMESTAMP in a partitioning function")),
            "rand" | "now" | "curdate" | "curtime" | "uuid" | "sysdate" => return Err(not_constant().into()),
            allowed if ALLOWED.contains(&allowed) => {}
            _ => return Err(partition_error(1564, "This partition function is not allowed").into()),
        }
    }
    let mut reads = Vec::new();
    for name in &expression.columns {
        let column = table
            .column(name.column.as_str())
            .ok_or_else(|| MySqlError::unknown_column(&name.column.value, Clause::Partition.name()))?;
        if column.ty.kind == TypeKind::Timestamp {
            return Err(not_constant().into());
        }
        if !reads.contains(&column.id) {
            reads.push(column.id);
        }
    }
    if reads.is_empty() {
        return Err(not_constant().into());
    }
    Ok(PartitionInfo { expression: expression.text, reads, partitions: Vec::new() })
}

/// Appends partitions above those that are there.
fn add(table: &TableInfo, info: &mut PartitionInfo, definitions: &[ast::PartitionDef]) -> Result<()> {
    let unsigned = bind_partition(table, info)?.ty().unsigned;
    for definition in definitions {
        let name = definition.name.as_str();
        if name.is_empty() || name.ends_with(' ') || name.chars().count() > NAME_CHARS_MAX {
            return Err(MySqlError::wrong_partition_name().into());
        }
        if info.partitions.iter().any(|other| other.name.eq_ignore_ascii_case(name)) {
            return Err(partition_error(1517, format!("Duplicate partition name {name}")).into());
        }
        refuse_options(definition)?;
        let less_than = bound(name, &definition.values, unsigned)?;
        match (info.partitions.last().map(|last| last.less_than), less_than) {
            (Some(None), _) => {
                let text = "MAXVALUE can only be used in last partition definition";
                return Err(partition_error(1481, text).into());
            }
            (Some(Some(last)), Some(next)) if next <= last => {
                let text = "VALUES LESS THAN value must be strictly increasing for each partition";
                return Err(partition_error(1493, text).into());
            }
            _ => {}
        }
        let comment = definition.options.comment.clone().unwrap_or_default();
        info.partitions.push(RangePartition { name: name.to_owned(), less_than, comment });
    }
    Ok(())
}

fn refuse_options(definition: &ast::PartitionDef) -> Result<()> {
    let options = &definition.options;
    let foreign = options.engine.as_ref().is_some_and(|engine| !engine.eq_ignore_ascii_case("innodb"));
    let refused = [
        (foreign, "ENGINE other than InnoDB of a partition"),
        (options.data_directory.is_some() || options.index_directory.is_some(), "DIRECTORY of a partition"),
        (options.max_rows.is_some() || options.min_rows.is_some(), "MAX_ROWS and MIN_ROWS of a partition"),
        (options.tablespace.is_some(), "TABLESPACE of a partition"),
        (options.nodegroup.is_some(), "NODEGROUP of a partition"),
        (!definition.subpartitions.is_empty(), "SUBPARTITION"),
    ];
    match refused.into_iter().find(|(present, _)| *present) {
        Some((_, feature)) => Err(Error::unsupported(feature)),
        None => Ok(()),
    }
}

/// The end of a partition; `None` is MAXVALUE.
fn bound(name: &str, values: &PartitionValues, unsigned: bool) -> Result<Option<i128>> {
    let value = match values {
        PartitionValues::LessThan(values) => match values.as_slice() {
            [PartitionValue::MaxValue] => return Ok(None),
            [PartitionValue::Expr(value)] => value,
            _ => {
                return Err(
                    partition_error(1653, "Inconsistency in usage of column lists for partitioning").into()
                );
            }
        },
        PartitionValues::In(_) => {
            let text = "Only LIST PARTITIONING can use VALUES IN in partition definition";
            return Err(partition_error(1480, text).into());
        }
        PartitionValues::None => {
            return Err(MySqlError::partition_requires_values("RANGE", "LESS THAN").into());
        }
    };
    let number = match bind_constant(value)? {
        Value::Null => {
            return Err(partition_error(1566, "Not allowed to use NULL value in VALUES LESS THAN").into());
        }
        Value::Int(number) => i128::from(number),
        Value::UInt(number) => i128::from(number),
        _ => {
            let text = format!("VALUES value for partition '{name}' must have type INT");
            return Err(partition_error(1697, text).into());
        }
    };
    if unsigned && number < 0 {
        return Err(partition_error(1563, "Partition constant is out of partition function domain").into());
    }
    Ok(Some(number))
}

/// ALTER TABLE ... PARTITION.
pub(super) fn alter(table: &mut TableInfo, action: &PartitionAction) -> Result<()> {
    let info = table.partitioning.clone();
    let found = info.ok_or_else(|| {
        partition_error(1505, "Partition management on a not partitioned table is not possible")
    });
    match action {
        PartitionAction::Add(definitions) => {
            let mut info = found?;
            if info.partitions.last().is_some_and(|last| last.less_than.is_none()) {
                let text = "MAXVALUE can only be used in last partition definition";
                return Err(partition_error(1481, text).into());
            }
            add(table, &mut info, definitions)?;
            table.partitioning = Some(info);
        }
        PartitionAction::Remove => {
            found?;
            table.partitioning = None;
        }
        PartitionAction::Repartition(_) => return Err(Error::unsupported("PARTITION BY in ALTER TABLE")),
        _ => {
            found?;
            return Err(Error::unsupported("this change of partitions"));
        }
    }
    Ok(())
}

/// Judges a definition as a whole.
pub(super) fn check(table: &TableInfo) -> Result<()> {
    let Some(info) = &table.partitioning else {
        return Ok(());
    };
    let parsed = parse_expression(info.expression.as_bytes(), &ParseOptions::default())
        .map_err(|_| Error::internal("a partitioning function that does not parse"))?;
    let ty: FieldType = bind_partition(table, info)?.ty().clone();
    if !ty.kind.is_integer() && ty.kind != TypeKind::Year {
        return Err(match &parsed.kind {
            ast::ExprKind::Column(name) => wrong_type(name.column.as_str()),
            _ => partition_error(1491, "The PARTITION function returns the wrong type"),
        }
        .into());
    }
    for index in table.indexes.iter().filter(|index| index.unique) {
        let holds = |id: &i64| {
            index.columns.iter().any(|part| {
                part.length.is_none() && table.columns.get(part.offset).is_some_and(|column| column.id == *id)
            })
        };
        if !info.reads.iter().all(holds) {
            let kind = if index.primary { "PRIMARY KEY" } else { "UNIQUE INDEX" };
            let text = format!(
                "A {kind} must include all columns in the table's partitioning function (prefixed columns are not considered)."
            );
            return Err(partition_error(1503, text).into());
        }
    }
    Ok(())
}

/// Judges a change: 3855 for a column of the partitioning function that goes or gets another name.
pub(super) fn check_change(source: &TableInfo, target: &TableInfo) -> Result<()> {
    let Some(info) = &target.partitioning else {
        return Ok(());
    };
    for id in &info.reads {
        let before = source.columns.iter().find(|column| column.id == *id);
        let after = target.columns.iter().find(|column| column.id == *id);
        let Some(before) = before else {
            continue;
        };
        match after {
            Some(after) if after.name == before.name => {
                if after.generated != before.generated {
                    return Err(Error::unsupported(
                        "another expression of a column that partitions are made of",
                    ));
                }
            }
            _ => {
                let text = format!(
                    "Column '{}' has a partitioning function dependency and cannot be dropped or renamed.",
                    before.name
                );
                return Err(partition_error(3855, text).into());
            }
        }
    }
    Ok(())
}
