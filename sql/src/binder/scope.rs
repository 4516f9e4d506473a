//! What names mean inside one query block.
//!
//! A scope is the row of the block's FROM clause: tables in order and their columns by position. Names
//! follow MySQL: columns in any case, table aliases as written (`lower_case_table_names=0`), a column
//! merged by USING or NATURAL is found once without a qualifier and in each table with one.

use std::collections::HashSet;
use std::sync::Arc;

use rutile_sql_parser::ast::ColumnRef;
use rutile_sql_types::{FieldType, MySqlError};

use super::error::Clause;
use crate::catalog::TableInfo;

/// A table of the FROM clause.
#[derive(Debug, Clone)]
pub struct ScopeTable {
    /// The name columns are qualified with.
    pub alias: Arc<str>,
    /// Database and table of the catalog; empty for a derived table.
    pub database: Arc<str>,
    pub name: Arc<str>,
    /// Set for stored tables: functional dependence needs their keys.
    pub table: Option<Arc<TableInfo>>,
    /// Its columns are `first..first + count` of the row.
    pub first: usize,
    pub count: usize,
}

impl ScopeTable {
    /// Whether the columns of the row hold a key in which no two rows of the table agree.
    pub fn has_unique_key_in(&self, columns: &HashSet<usize>) -> bool {
        let Some(info) = &self.table else {
            return false;
        };
        // Positions in the row follow the public columns, which come first in the table.
        info.public_indexes().filter(|index| index.unique).any(|index| {
            index.columns.iter().all(|part| {
                part.length.is_none()
                    && info.columns.get(part.offset).is_some_and(|column| column.ty.not_null)
                    && columns.contains(&(self.first + part.offset))
            })
        })
    }
}

/// A column of the row.
#[derive(Debug, Clone)]
pub struct ScopeColumn {
    pub name: Arc<str>,
    /// The column's name in its stored table; empty for a computed one.
    pub org_name: Arc<str>,
    pub table: usize,
    pub ty: FieldType,
    pub flags: ColumnFlags,
    /// False for the copy that a merged column hides.
    pub unqualified: bool,
}

/// What clients are told about a column besides its type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ColumnFlags {
    pub primary_key: bool,
    pub unique_key: bool,
    pub multiple_key: bool,
    pub auto_increment: bool,
    pub no_default: bool,
    pub on_update_now: bool,
}

/// The names one query block can use.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    pub tables: Vec<ScopeTable>,
    pub columns: Vec<ScopeColumn>,
    /// Positions in the order of `*`: merged columns come first.
    pub star: Vec<usize>,
}

impl Scope {
    /// The row of one stored table, under `alias`.
    pub fn of_table(database: Arc<str>, table: &Arc<TableInfo>, alias: Arc<str>) -> Self {
        let mut columns = Vec::new();
        for column in table.public_columns() {
            let mark = table.key_mark(column);
            columns.push(ScopeColumn {
                name: Arc::from(column.name.as_str()),
                org_name: Arc::from(column.name.as_str()),
                table: 0,
                ty: column.ty.clone(),
                flags: ColumnFlags {
                    primary_key: mark == "PRI",
                    unique_key: mark == "UNI",
                    multiple_key: mark == "MUL",
                    auto_increment: column.auto_increment,
                    no_default: column.ty.not_null
                        && !column.auto_increment
                        && matches!(column.default, crate::catalog::ColumnDefault::Absent),
                    on_update_now: column.on_update_now,
                },
                unqualified: true,
            });
        }
        let star = (0..columns.len()).collect();
        let table = ScopeTable {
            alias,
            database,
            name: Arc::from(table.name.as_str()),
            table: Some(Arc::clone(table)),
            first: 0,
            count: columns.len(),
        };
        Self { tables: vec![table], columns, star }
    }

    /// The row of a table that has no stored columns: a derived table, a CTE, a virtual table.
    pub fn of_columns(
        database: Arc<str>,
        name: Arc<str>,
        alias: Arc<str>,
        columns: impl IntoIterator<Item = (Arc<str>, FieldType)>,
    ) -> Self {
        let columns: Vec<ScopeColumn> = columns
            .into_iter()
            .map(|(name, ty)| ScopeColumn {
                org_name: Arc::clone(&name),
                name,
                table: 0,
                ty,
                flags: ColumnFlags::default(),
                unqualified: true,
            })
            .collect();
        let table = ScopeTable { alias, database, name, table: None, first: 0, count: columns.len() };
        Self { tables: vec![table], star: (0..columns.len()).collect(), columns }
    }

    /// The row of a join: this row, then `right`'s.
    pub fn join(mut self, right: Scope) -> Result<Scope, MySqlError> {
        for table in &right.tables {
            let clash = self.tables.iter().any(|other| {
                other.alias == table.alias && (other.database == table.database || other.table.is_none())
            });
            if clash {
                return Err(MySqlError::not_unique_table(&table.alias));
            }
        }
        let tables = self.tables.len();
        let columns = self.columns.len();
        self.tables.extend(right.tables.into_iter().map(|mut table| {
            table.first += columns;
            table
        }));
        self.columns.extend(right.columns.into_iter().map(|mut column| {
            column.table += tables;
            column
        }));
        self.star.extend(right.star.into_iter().map(|position| position + columns));
        Ok(self)
    }

    /// Makes every column nullable: the row of the side of an outer join that may be missing.
    pub fn nullable(mut self) -> Scope {
        for column in &mut self.columns {
            column.ty.not_null = false;
        }
        self
    }

    /// The position `name` means here; `None` if no column has that name.
    pub fn resolve(&self, name: &ColumnRef, clause: Clause) -> Result<Option<usize>, MySqlError> {
        let mut found = None;
        for (position, column) in self.columns.iter().enumerate() {
            if !same_name(&column.name, name.column.as_str()) || !self.qualifies(column, name) {
                continue;
            }
            if found.is_some() {
                return Err(MySqlError::ambiguous_column(name, clause.name()));
            }
            found = Some(position);
        }
        Ok(found)
    }

    fn qualifies(&self, column: &ScopeColumn, name: &ColumnRef) -> bool {
        let Some(qualifier) = &name.table else {
            return column.unqualified;
        };
        let Some(table) = self.tables.get(column.table) else {
            return false;
        };
        &*table.alias == qualifier.as_str()
            && name.database.as_ref().is_none_or(|database| &*table.database == database.as_str())
    }

    /// The tables that `qualifier.*` stands for.
    pub fn table(&self, database: Option<&str>, alias: &str) -> Option<&ScopeTable> {
        self.tables
            .iter()
            .find(|table| &*table.alias == alias && database.is_none_or(|name| &*table.database == name))
    }

    /// `database.table.column`, as MySQL's group errors write a column.
    pub fn full_name(&self, position: usize) -> String {
        let Some(column) = self.columns.get(position) else {
            return String::new();
        };
        match self.tables.get(column.table) {
            Some(table) if !table.database.is_empty() => {
                format!("{}.{}.{}", table.database, table.alias, column.name)
            }
            Some(table) => format!("{}.{}", table.alias, column.name),
            None => column.name.to_string(),
        }
    }
}

/// MySQL's comparison of column names.
pub fn same_name(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || (!(a.is_ascii() && b.is_ascii()) && a.to_lowercase() == b.to_lowercase())
}
