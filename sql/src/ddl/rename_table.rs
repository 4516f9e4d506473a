//! RENAME TABLE: names change, ids and data stay.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use rutile_sql_parser::ast;
use rutile_sql_types::MySqlError;

use super::change::{self, Change};
use super::create_table::check_name;
use super::database::refuse_system_schema;
use crate::catalog::{InfoSchema, TableInfo};
use crate::error::{Error, Result};
use crate::meta::MetaTransaction;
use crate::session::StatementContext;

/// Database and table.
type Name = (String, String);

struct Rename {
    pairs: Vec<(Name, Name)>,
}

#[async_trait]
impl Change for Rename {
    type Output = ();

    /// Pairs apply from left to right, so `a TO tmp, b TO a, tmp TO b` swaps two tables; only the end matters.
    async fn apply(&self, schema: &InfoSchema, meta: &mut MetaTransaction) -> Result<()> {
        let mut names: BTreeMap<Name, (Name, Arc<TableInfo>)> = BTreeMap::new();
        for database in schema.databases() {
            for (name, table) in &database.tables {
                let name = (database.info.name.clone(), name.clone());
                names.insert(name.clone(), (name, Arc::clone(table)));
            }
        }
        for (from, to) in &self.pairs {
            if schema.database(&to.0).is_none() {
                return Err(MySqlError::unknown_database(&to.0).into());
            }
            if names.contains_key(to) {
                return Err(MySqlError::table_exists(&to.1).into());
            }
            let moved = names.remove(from).ok_or_else(|| MySqlError::no_such_table(&from.0, &from.1))?;
            names.insert(to.clone(), moved);
        }
        for (name, (before, table)) in &names {
            if name == before {
                continue;
            }
            let missing = || Error::internal("a database vanished while renaming");
            let from = schema.database(&before.0).ok_or_else(missing)?.info.id;
            let to = schema.database(&name.0).ok_or_else(missing)?.info.id;
            let mut renamed = TableInfo::clone(table);
            renamed.name.clone_from(&name.1);
            meta.move_table(from, to, &mut renamed).await?;
        }
        Ok(())
    }
}

pub async fn rename_table(
    context: &mut StatementContext<'_>,
    pairs: &[(ast::ObjectName, ast::ObjectName)],
) -> Result<()> {
    let mut named = Vec::with_capacity(pairs.len());
    for (from, to) in pairs {
        let from_database = context.database_of(from)?.to_owned();
        let to_database = context.database_of(to)?.to_owned();
        refuse_system_schema(context, &from_database)?;
        refuse_system_schema(context, &to_database)?;
        check_name(to.name.as_str())?;
        named.push(((from_database, from.name.value.clone()), (to_database, to.name.value.clone())));
    }
    let _turn = context.instance.ddl_turn(&context.cancellation()).await?;
    change::apply(context.instance, &Rename { pairs: named }).await?;
    Ok(())
}
