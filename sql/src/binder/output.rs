//! The columns of a query's answer, with what clients are told about them.

use std::sync::Arc;

use rutile_sql_functions::Coercibility;
use rutile_sql_types::FieldType;
use rutile_sql_types::field_type::WireFlags;

use super::scope::{ColumnFlags, Scope};
use crate::expression::{Expr, build};
use crate::session::ColumnMeta;

/// Longest column title, in characters (MySQL cuts there).
const MAX_TITLE_CHARS: usize = 256;

/// One column of the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputColumn {
    pub name: Arc<str>,
    /// Stored column, table alias, stored table and database it comes from; empty if computed.
    pub org_name: Arc<str>,
    pub table: Arc<str>,
    pub org_table: Arc<str>,
    pub database: Arc<str>,
    pub ty: FieldType,
    pub flags: ColumnFlags,
    /// How much its collation counts where it meets another column in a set operation.
    pub coercibility: Coercibility,
}

impl OutputColumn {
    /// A computed column.
    pub fn computed(name: &str, ty: FieldType) -> Self {
        let empty: Arc<str> = Arc::from("");
        Self {
            name: title(name),
            org_name: Arc::clone(&empty),
            table: Arc::clone(&empty),
            org_table: Arc::clone(&empty),
            database: empty,
            ty,
            flags: ColumnFlags::default(),
            coercibility: Coercibility::Implicit,
        }
    }

    /// The column `expr` is, if it is one of the scope's; computed otherwise.
    pub fn of_expr(name: &str, expr: &Expr, scope: &Scope) -> Self {
        let mut output = Self::computed(name, expr.ty().clone());
        output.coercibility = build::arg_info(expr).coercibility;
        let Some(column) = expr.as_column().and_then(|position| scope.columns.get(position)) else {
            return output;
        };
        if let Some(table) = scope.tables.get(column.table) {
            output.table = Arc::clone(&table.alias);
            output.org_table = Arc::clone(&table.name);
            output.database = Arc::clone(&table.database);
        }
        output.org_name = Arc::clone(&column.org_name);
        output.flags = column.flags;
        output
    }
}

fn title(name: &str) -> Arc<str> {
    match name.char_indices().nth(MAX_TITLE_CHARS) {
        Some((end, _)) => Arc::from(name.get(..end).unwrap_or(name)),
        None => Arc::from(name),
    }
}

/// The metadata that goes to the client.
pub fn column_metas(columns: &[OutputColumn]) -> Arc<[ColumnMeta]> {
    columns.iter().map(OutputColumn::meta).collect()
}

impl OutputColumn {
    fn meta(&self) -> ColumnMeta {
        let flag = |set: bool, flag: u16| if set { flag } else { 0 };
        ColumnMeta {
            name: Arc::clone(&self.name),
            org_name: Arc::clone(&self.org_name),
            table: Arc::clone(&self.table),
            org_table: Arc::clone(&self.org_table),
            schema: Arc::clone(&self.database),
            ty: self.ty.clone(),
            flags: flag(self.flags.primary_key, WireFlags::PRI_KEY)
                | flag(self.flags.unique_key, WireFlags::UNIQUE_KEY)
                | flag(self.flags.multiple_key, WireFlags::MULTIPLE_KEY)
                | flag(self.flags.auto_increment, WireFlags::AUTO_INCREMENT)
                | flag(self.flags.no_default, WireFlags::NO_DEFAULT_VALUE)
                | flag(self.flags.on_update_now, WireFlags::ON_UPDATE_NOW),
        }
    }
}
