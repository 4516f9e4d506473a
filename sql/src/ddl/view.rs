//! CREATE VIEW, ALTER VIEW and DROP VIEW.
//!
//! A view is a table of the catalog with the text of a query instead of rows; a query that names it binds that text
//! in its place. Missing: WITH CHECK OPTION, writing through a view.

use async_trait::async_trait;
use rutile_sql_parser::ast::{self, ViewAlgorithm};
use rutile_sql_types::{MySqlError, Value};

use super::change::{self, Change};
use super::create_table::check_name;
use super::database::refuse_system_schema;
use crate::binder::OutputColumn;
use crate::catalog::{
    ColumnDefault, ColumnInfo, GenerationCell, HandleKind, InfoSchema, SchemaState, TableInfo, ViewInfo,
};
use crate::error::{Error, Result};
use crate::meta::MetaTransaction;
use crate::session::StatementContext;

struct Create<'a> {
    database: &'a str,
    /// Without ids; `apply` numbers the view.
    view: TableInfo,
    /// OR REPLACE and ALTER: a view of that name goes.
    replaces: bool,
    /// ALTER: it must be there.
    must_exist: bool,
}

#[async_trait]
impl Change for Create<'_> {
    type Output = ();

    async fn apply(&self, schema: &InfoSchema, meta: &mut MetaTransaction) -> Result<()> {
        let found =
            schema.database(self.database).ok_or_else(|| MySqlError::unknown_database(self.database))?;
        match found.tables.get(&self.view.name) {
            Some(old) if old.view.is_none() && self.replaces => {
                return Err(MySqlError::wrong_object(self.database, &self.view.name, "VIEW").into());
            }
            Some(old) if self.replaces => meta.remove_table(found.info.id, old.id).await?,
            Some(_) => return Err(MySqlError::table_exists(&self.view.name).into()),
            None if self.must_exist => {
                return Err(MySqlError::no_such_table(self.database, &self.view.name).into());
            }
            None => {}
        }
        let mut view = self.view.clone();
        view.id = meta.allocate_id().await?;
        meta.put_table(found.info.id, &mut view).await
    }
}

pub async fn create_view(context: &mut StatementContext<'_>, statement: &ast::CreateView) -> Result<()> {
    if statement.check_option.is_some() {
        return Err(Error::unsupported("WITH CHECK OPTION"));
    }
    let database = context.database_of(&statement.name)?.to_owned();
    refuse_system_schema(context, &database)?;
    let name = statement.name.name.as_str();
    check_name(name)?;
    let columns = crate::executor::view_columns(context, &statement.query, &database, name)?;
    let view = view_info(context, statement, name, &columns)?;
    let _turn = context.instance.ddl_turn(&context.cancellation()).await?;
    let change = Create {
        database: &database,
        view,
        replaces: statement.or_replace || statement.alter,
        must_exist: statement.alter,
    };
    change::apply(context.instance, &change).await.map(drop)
}

fn view_info(
    context: &StatementContext<'_>,
    statement: &ast::CreateView,
    name: &str,
    selected: &[OutputColumn],
) -> Result<TableInfo> {
    if !statement.columns.is_empty() && statement.columns.len() != selected.len() {
        return Err(MySqlError::view_wrong_list().into());
    }
    let mut columns: Vec<ColumnInfo> = Vec::with_capacity(selected.len());
    for (offset, output) in selected.iter().enumerate() {
        let name = statement.columns.get(offset).map_or(&*output.name, ast::Ident::as_str);
        if columns.iter().any(|other| other.is_named(name)) {
            return Err(MySqlError::duplicate_column(name).into());
        }
        columns.push(column_of(context, name, offset, output));
    }
    let settings = context.settings();
    let account = || format!("{}@{}", context.session.info.user, context.session.info.host);
    let view = ViewInfo {
        query: statement.text.to_string(),
        sources: selected.iter().map(|column| column.name.to_string()).collect(),
        definer: match &statement.definer {
            Some(ast::Account::Named { user, host }) => {
                format!("{user}@{}", host.as_deref().unwrap_or("%"))
            }
            _ => account(),
        },
        invoker_security: statement.invoker_security,
        algorithm: match statement.algorithm {
            None | Some(ViewAlgorithm::Undefined) => "UNDEFINED",
            Some(ViewAlgorithm::Merge) => "MERGE",
            Some(ViewAlgorithm::Temptable) => "TEMPTABLE",
        }
        .to_owned(),
        charset_client: settings.collation_connection.charset().name().to_owned(),
        collation_connection: settings.collation_connection.name().to_owned(),
    };
    Ok(TableInfo {
        id: 0,
        name: name.to_owned(),
        next_column_id: i64::try_from(columns.len() + 1).unwrap_or(i64::MAX),
        columns,
        indexes: Vec::new(),
        handle: HandleKind::RowId,
        collation: settings.collation_connection,
        comment: "VIEW".to_owned(),
        auto_increment_start: 0,
        next_index_id: 1,
        created_ms: context.instance.env().clock.unix_millis(),
        version: 0,
        view: Some(view),
        partitioning: None,
        bound: GenerationCell::default(),
    })
}

/// The default of a stored column shows through the view.
fn column_of(context: &StatementContext<'_>, name: &str, offset: usize, output: &OutputColumn) -> ColumnInfo {
    let source = context
        .infoschema
        .table(&output.database, &output.org_table)
        .and_then(|table| table.column(&output.org_name));
    let mut ty = output.ty.clone();
    if ty.kind == rutile_sql_types::TypeKind::Null {
        ty = rutile_sql_types::FieldType::varbinary(0);
    }
    let default = match source {
        Some(source) if source.auto_increment => {
            ColumnDefault::Literal(crate::executor::column_values::implicit_default(&ty))
        }
        Some(source) => source.default.clone(),
        None if ty.not_null && super::selected_columns::has_zero(&ty) => {
            ColumnDefault::Literal(crate::executor::column_values::implicit_default(&ty))
        }
        None if ty.not_null => ColumnDefault::Absent,
        None => ColumnDefault::Null,
    };
    ColumnInfo {
        id: i64::try_from(offset + 1).unwrap_or(i64::MAX),
        name: name.to_owned(),
        offset,
        ty,
        default,
        on_update_now: false,
        auto_increment: false,
        comment: source.map(|source| source.comment.clone()).unwrap_or_default(),
        state: SchemaState::Public,
        original_default: Value::Null,
        generated: None,
    }
}

struct Drop {
    views: Vec<(String, String)>,
    if_exists: bool,
}

#[async_trait]
impl Change for Drop {
    /// Those that were not there.
    type Output = Vec<String>;

    async fn apply(&self, schema: &InfoSchema, meta: &mut MetaTransaction) -> Result<Vec<String>> {
        let mut missing = Vec::new();
        for (database, name) in &self.views {
            let Some((found, view)) = schema.database(database).zip(schema.table(database, name)) else {
                missing.push(format!("{database}.{name}"));
                continue;
            };
            if view.view.is_none() {
                return Err(MySqlError::wrong_object(database, name, "VIEW").into());
            }
            meta.remove_table(found.info.id, view.id).await?;
        }
        if !missing.is_empty() && !self.if_exists {
            return Err(MySqlError::unknown_table(missing.join(",")).into());
        }
        Ok(missing)
    }
}

pub async fn drop_view(context: &mut StatementContext<'_>, statement: &ast::DropView) -> Result<()> {
    let mut views = Vec::with_capacity(statement.views.len());
    for name in &statement.views {
        views.push((context.database_of(name)?.to_owned(), name.name.value.clone()));
    }
    let known = |(database, name): &(String, String)| context.infoschema.table(database, name).is_some();
    let change = Drop { if_exists: statement.if_exists, views };
    let missing = if change.if_exists && !change.views.iter().any(known) {
        change.views.iter().map(|(database, name)| format!("{database}.{name}")).collect()
    } else {
        let _turn = context.instance.ddl_turn(&context.cancellation()).await?;
        change::apply(context.instance, &change).await?.output
    };
    for name in missing {
        context.note(MySqlError::unknown_table(name));
    }
    Ok(())
}
