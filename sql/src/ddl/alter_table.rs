//! ALTER TABLE, CREATE INDEX, DROP INDEX: from the actions to the table that is wanted.
//!
//! All actions of a statement apply to one copy of the definition, in order; the copy then becomes real
//! through `alter_job`, in one flip, so the statement is atomic. What would need old rows to be rewritten
//! (a type change that changes bytes, another clustered key) answers 1235.

use rutile_sql_parser::ast::{self, AlterAction};
use rutile_sql_types::{FieldType, MySqlError, TypeKind, Value};

use super::create_table::{check_auto_column, column_indexes};
use super::database::refuse_system_schema;
use super::drop_table::is_settled;
use super::index::{index_info, name_and_add, warn_duplicates};
use super::job::{Alter, Job, Progress, Stage, Work};
use super::option::Options;
use super::{alter_job, column, default, generated, partition, rename_table, row_size};
use crate::catalog::{ColumnDefault, ColumnId, ColumnInfo, HandleKind, TableInfo};
use crate::error::{Error, Result};
use crate::session::StatementContext;

pub async fn alter_table(context: &mut StatementContext<'_>, statement: &ast::AlterTable) -> Result<()> {
    let rename = statement.actions.iter().find_map(|action| match action {
        AlterAction::RenameTable(name) => Some(name),
        _ => None,
    });
    if let Some(name) = rename {
        if statement.actions.len() > 1 {
            return Err(Error::unsupported("RENAME together with other actions of ALTER TABLE"));
        }
        return rename_table(context, &[(statement.table.clone(), name.clone())]).await;
    }
    run(context, &statement.table, &statement.actions).await
}

pub async fn create_index(context: &mut StatementContext<'_>, statement: &ast::CreateIndex) -> Result<()> {
    let action = AlterAction::AddIndex(statement.index.clone());
    run(context, &statement.table, &[action]).await
}

pub async fn drop_index(context: &mut StatementContext<'_>, statement: &ast::DropIndex) -> Result<()> {
    let action = AlterAction::DropIndex(statement.name.clone());
    run(context, &statement.table, &[action]).await
}

async fn run(
    context: &mut StatementContext<'_>,
    name: &ast::ObjectName,
    actions: &[AlterAction],
) -> Result<()> {
    let database = context.database_of(name)?.to_owned();
    refuse_system_schema(context, &database)?;
    let instance = context.instance.clone();
    let _turn = instance.ddl_turn(&context.cancellation()).await?;
    context.infoschema = instance.schema_cache().reload().await?;
    let (schema, source) = context.find_table(name)?;
    // This statement must not wait for itself.
    instance.metadata_locks().release_transaction(context.session.info.connection_id);
    if !is_settled(&source) {
        return Err(Error::unsupported("ALTER TABLE while an earlier one is unfinished"));
    }
    let mut wanted = Wanted { table: TableInfo::clone(&source), auto_increment: None, generated: Vec::new() };
    for action in actions {
        wanted.apply(context, action)?;
    }
    let known: Vec<_> = source.indexes.iter().map(|index| index.id).collect();
    let old = wanted.table.indexes.iter().filter(|index| known.contains(&index.id)).count();
    warn_duplicates(context, &database, &wanted.table, old);
    let target = wanted.finish(&source)?;
    let auto_increment = wanted.auto_increment;
    if target != *source {
        let alter = Alter {
            database: schema.info.id,
            source: TableInfo::clone(&source),
            target,
            stage: Stage::Done,
            progress: Progress::default(),
            sql_mode: Some(context.settings().sql_mode.bits()),
        };
        let job = Job { id: 0, work: Work::Alter(Box::new(alter)) };
        alter_job::start(&instance, job, &context.cancellation()).await?;
    }
    if let Some(value) = auto_increment
        && let Some(last) = value.checked_sub(1)
    {
        instance.auto_ids().rebase(&source, last).await?;
    }
    Ok(())
}

/// The definition under change. Index parts refer to columns by name until `finish` renumbers them.
struct Wanted {
    table: TableInfo,
    auto_increment: Option<u64>,
    /// Generated columns whose expression is the statement's.
    generated: Vec<ColumnId>,
}

impl Wanted {
    fn apply(&mut self, context: &mut StatementContext<'_>, action: &AlterAction) -> Result<()> {
        match action {
            AlterAction::AddColumn { column, position } => {
                self.add_column(context, column, position.as_ref())
            }
            AlterAction::AddIndex(definition) => self.add_index(definition),
            AlterAction::DropColumn(name) => self.drop_column(name.as_str()),
            AlterAction::DropIndex(name) => self.drop_index(name.as_str()),
            AlterAction::DropPrimaryKey => self.drop_index(super::index::PRIMARY_NAME),
            AlterAction::RenameColumn { from, to } => self.rename_column(from.as_str(), to.as_str()),
            AlterAction::RenameIndex { from, to } => self.rename_index(from.as_str(), to.as_str()),
            AlterAction::ModifyColumn { column, position } => {
                self.change_column(context, column.name.as_str(), column, position.as_ref())
            }
            AlterAction::ChangeColumn { old, column, position } => {
                self.change_column(context, old.as_str(), column, position.as_ref())
            }
            AlterAction::SetDefault { column, default } => {
                self.set_default(context, column.as_str(), default)
            }
            AlterAction::DropDefault(name) => self.drop_default(name.as_str()),
            AlterAction::Option(option) => self.option(option),
            // Only MyISAM keeps index maintenance apart; dumps write these around every table.
            AlterAction::EnableKeys | AlterAction::DisableKeys => {
                let text = format!("Table storage engine for '{}' doesn't have this option", self.table.name);
                context.note(MySqlError::new(1031, "HY000", text));
                Ok(())
            }
            AlterAction::Force => Ok(()),
            AlterAction::Partition(action) => partition::alter(&mut self.table, action),
            AlterAction::SetIndexVisible { index, visible: true } => {
                self.index_position(index.as_str()).map(drop)
            }
            AlterAction::SetColumnVisible { column, visible: true } => {
                self.column_position(column.as_str()).map(drop)
            }
            other => Err(Error::unsupported(format!("ALTER TABLE ... {}", name_of(other)))),
        }
    }

    fn add_column(
        &mut self,
        context: &mut StatementContext<'_>,
        definition: &ast::ColumnDef,
        position: Option<&ast::ColumnPosition>,
    ) -> Result<()> {
        let collation = self.table.collation;
        let mut column = column::column_info(context, definition, collation)?;
        if self.table.columns.iter().any(|other| other.is_named(&column.name)) {
            return Err(MySqlError::duplicate_column(&column.name).into());
        }
        if column.auto_increment {
            return Err(Error::unsupported("ADD COLUMN with AUTO_INCREMENT"));
        }
        column::settle_default(&mut column);
        column.original_default = match &column.default {
            _ if column.generated.is_some() => Value::Null,
            ColumnDefault::Literal(value) => value.clone(),
            ColumnDefault::CurrentTimestamp => context.current_timestamp(&column.ty),
            _ if column.ty.not_null => implicit_default(&column.ty),
            _ => Value::Null,
        };
        column.id = self.table.next_column_id;
        self.table.next_column_id += 1;
        self.generated.extend(column.generated.is_some().then_some(column.id));
        self.insert(column, position)?;
        self.renumber()?;
        for index in column_indexes(definition) {
            self.add_index(&index)?;
        }
        Ok(())
    }

    fn insert(&mut self, column: ColumnInfo, position: Option<&ast::ColumnPosition>) -> Result<()> {
        let at = match position {
            None => self.table.columns.len(),
            Some(ast::ColumnPosition::First) => 0,
            Some(ast::ColumnPosition::After(name)) => self.column_position(name.as_str())? + 1,
        };
        self.table.columns.insert(at, column);
        Ok(())
    }

    fn add_index(&mut self, definition: &ast::IndexDef) -> Result<()> {
        if definition.kind == ast::IndexKind::Primary && self.table.primary_key().is_some() {
            return Err(MySqlError::multiple_primary_key().into());
        }
        let index = index_info(&self.table, definition)?;
        if index.primary && self.table.primary_key().is_none() && self.table.handle != HandleKind::RowId {
            return Err(Error::unsupported("ADD PRIMARY KEY to a clustered table"));
        }
        name_and_add(&mut self.table, index)
    }

    fn drop_column(&mut self, name: &str) -> Result<()> {
        let position = self.column_position(name).map_err(|_| Error::Sql(MySqlError::cannot_drop(name)))?;
        if self.table.columns.len() == 1 {
            return Err(MySqlError::cannot_remove_all_columns().into());
        }
        let uses =
            |index: &crate::catalog::IndexInfo| index.columns.iter().any(|part| part.offset == position);
        if self.table.indexes.iter().any(|index| uses(index) && self.table.is_clustered(index)) {
            return Err(Error::unsupported("DROP COLUMN of the clustered primary key"));
        }
        if self.table.indexes.iter().any(|index| uses(index) && index.columns.len() > 1) {
            return Err(Error::unsupported("DROP COLUMN of an index with several columns"));
        }
        self.table.indexes.retain(|index| !uses(index));
        self.table.columns.remove(position);
        self.renumber()
    }

    fn drop_index(&mut self, name: &str) -> Result<()> {
        let position = self.index_position(name)?;
        if let Some(index) = self.table.indexes.get(position)
            && self.table.is_clustered(index)
        {
            return Err(Error::unsupported("DROP PRIMARY KEY of a clustered table"));
        }
        self.table.indexes.remove(position);
        Ok(())
    }

    fn index_position(&self, name: &str) -> Result<usize> {
        self.table
            .indexes
            .iter()
            .position(|index| index.is_named(name))
            .ok_or_else(|| MySqlError::cannot_drop(name).into())
    }

    fn column_position(&self, name: &str) -> Result<usize> {
        self.table
            .columns
            .iter()
            .position(|column| column.is_named(name))
            .ok_or_else(|| MySqlError::unknown_column(name, &self.table.name).into())
    }

    fn rename_column(&mut self, from: &str, to: &str) -> Result<()> {
        let position = self.column_position(from)?;
        let clash = |(at, column): (usize, &ColumnInfo)| at != position && column.is_named(to);
        if self.table.columns.iter().enumerate().any(clash) {
            return Err(MySqlError::duplicate_column(to).into());
        }
        if let Some(column) = self.table.columns.get_mut(position) {
            column.name = to.to_owned();
        }
        for part in self.table.indexes.iter_mut().flat_map(|index| &mut index.columns) {
            if part.offset == position {
                part.name = to.to_owned();
            }
        }
        Ok(())
    }

    fn rename_index(&mut self, from: &str, to: &str) -> Result<()> {
        let position = self
            .index_position(from)
            .map_err(|_| Error::Sql(MySqlError::key_does_not_exist(from, &self.table.name)))?;
        let clash = self.table.indexes.iter().enumerate().any(|(at, i)| at != position && i.is_named(to));
        if clash {
            return Err(MySqlError::duplicate_key_name(to).into());
        }
        if let Some(index) = self.table.indexes.get_mut(position) {
            index.name = to.to_owned();
        }
        Ok(())
    }

    /// MODIFY and CHANGE, if every stored row and index entry stays valid as it is.
    fn change_column(
        &mut self,
        context: &mut StatementContext<'_>,
        old: &str,
        definition: &ast::ColumnDef,
        place: Option<&ast::ColumnPosition>,
    ) -> Result<()> {
        let position = self.column_position(old)?;
        if !definition.name.is(old) {
            self.rename_column(old, definition.name.as_str())?;
        }
        let collation = self.table.collation;
        let mut column = column::column_info(context, definition, collation)?;
        let Some(before) = self.table.columns.get(position).cloned() else {
            return Err(Error::internal("a column position beyond the table"));
        };
        generated_kind(&before, &column)?;
        let in_primary = self
            .table
            .indexes
            .iter()
            .any(|index| index.primary && index.columns.iter().any(|part| part.offset == position));
        column.ty.not_null |= in_primary;
        column::settle_default(&mut column);
        // The values of a virtual column are nowhere; `generated::check_change` minds its index entries.
        if !column.is_virtual() && !keeps_bytes(&before.ty, &column.ty) {
            return Err(Error::unsupported(format!(
                "change of column type from {} to {}",
                before.ty.sql_text(),
                column.ty.sql_text()
            )));
        }
        column.id = before.id;
        column.original_default = before.original_default;
        self.generated.extend(column.generated.is_some().then_some(column.id));
        if place.is_some() {
            self.table.columns.remove(position);
            self.insert(column, place)?;
        } else if let Some(slot) = self.table.columns.get_mut(position) {
            *slot = column;
        }
        self.renumber()?;
        for index in column_indexes(definition) {
            if index.kind != ast::IndexKind::Primary || !in_primary {
                self.add_index(&index)?;
            }
        }
        Ok(())
    }

    fn set_default(
        &mut self,
        context: &mut StatementContext<'_>,
        name: &str,
        default: &ast::DefaultValue,
    ) -> Result<()> {
        let position = self.column_position(name)?;
        if let Some(column) = self.table.columns.get_mut(position) {
            if column.generated.is_some() {
                return Err(MySqlError::wrong_usage("DEFAULT", "generated column").into());
            }
            let ty = column.ty.clone();
            column.default = default::column_default(context, name, &ty, default)?;
        }
        Ok(())
    }

    fn drop_default(&mut self, name: &str) -> Result<()> {
        let position = self.column_position(name)?;
        if let Some(column) = self.table.columns.get_mut(position) {
            column.default = ColumnDefault::Absent;
        }
        Ok(())
    }

    fn option(&mut self, option: &ast::TableOption) -> Result<()> {
        let options = Options::read(&self.table.name, [option])?;
        if options.substitutes_engine {
            return Err(Error::unsupported("ENGINE=MyISAM in ALTER TABLE"));
        }
        if options.names_collation() {
            self.table.collation = options.collation(self.table.collation)?;
        }
        if let Some(comment) = options.comment {
            self.table.comment = comment;
        }
        if let Some(value) = options.auto_increment {
            self.auto_increment = Some(value);
            self.table.auto_increment_start = value;
        }
        Ok(())
    }

    /// Offsets after columns moved: index parts and the handle follow their column.
    fn renumber(&mut self) -> Result<()> {
        for (offset, column) in self.table.columns.iter_mut().enumerate() {
            column.offset = offset;
        }
        let lost = || Error::internal("an index part lost its column");
        for part in self.table.indexes.iter_mut().flat_map(|index| &mut index.columns) {
            let column = self.table.columns.iter().find(|column| column.is_named(&part.name));
            part.offset = column.ok_or_else(lost)?.offset;
        }
        if let HandleKind::Integer { .. } = self.table.handle {
            let primary = self.table.indexes.iter().find(|index| index.primary);
            let part = primary.and_then(|index| index.columns.first()).ok_or_else(lost)?;
            self.table.handle = HandleKind::Integer { offset: part.offset };
        }
        Ok(())
    }

    fn finish(&mut self, source: &TableInfo) -> Result<TableInfo> {
        self.table.sort_indexes();
        check_auto_column(&self.table)?;
        partition::check_change(source, &self.table)?;
        generated::resolve(&mut self.table, &self.generated)?;
        generated::check_change(source, &self.table)?;
        generated::check(&self.table)?;
        partition::check(&self.table)?;
        row_size::check(&self.table)?;
        Ok(self.table.clone())
    }
}

/// Error 3106 unless a column stays what it is. A stored column may become an ordinary one, which keeps its values.
fn generated_kind(before: &ColumnInfo, after: &ColumnInfo) -> Result<()> {
    let refused = match (&before.generated, &after.generated) {
        (None, None) => false,
        (Some(before), Some(after)) => before.stored != after.stored,
        (Some(before), None) => !before.stored,
        (None, Some(after)) if after.stored => {
            return Err(Error::unsupported("MODIFY of a column to a stored generated one"));
        }
        (None, Some(_)) => true,
    };
    if refused {
        return Err(MySqlError::unsupported_on_generated_column("Changing the STORED status").into());
    }
    Ok(())
}

/// What a NOT NULL column without a default holds in the rows that exist (MySQL manual, "Data Type Default
/// Values").
fn implicit_default(ty: &FieldType) -> Value {
    use rutile_sql_types::{Decimal, Duration, Json, PackedDatetime};
    match ty.kind {
        TypeKind::Enum => Value::UInt(1),
        kind if kind.is_integer() && !ty.unsigned => Value::Int(0),
        kind if kind.is_integer_like() || kind == TypeKind::Set => Value::UInt(0),
        TypeKind::Float => Value::Float(0.0),
        TypeKind::Double => Value::Double(0.0),
        TypeKind::Decimal => Value::Decimal(Decimal::from_i128(0, ty.decimals)),
        TypeKind::Time => Value::Duration(Duration::ZERO),
        kind if kind.has_date() => Value::Datetime(PackedDatetime::ZERO),
        TypeKind::Json => Value::Json(Json::Null),
        TypeKind::Binary => Value::from(vec![0; ty.length as usize]),
        _ => Value::text(""),
    }
}

/// Rows and index entries written with `before` read the same, and stay in order, with `after`.
fn keeps_bytes(before: &FieldType, after: &FieldType) -> bool {
    // NULL to NOT NULL would need a look at every row.
    if after.not_null && !before.not_null {
        return false;
    }
    if before.kind.is_integer() && after.kind.is_integer() {
        return before.unsigned == after.unsigned
            && before.kind.integer_bytes() <= after.kind.integer_bytes();
    }
    let same = FieldType {
        length: after.length,
        not_null: after.not_null,
        zerofill: after.zerofill,
        elements: after.elements.clone(),
        ..before.clone()
    };
    if same != *after {
        return false;
    }
    match before.kind {
        TypeKind::VarChar | TypeKind::VarBinary | TypeKind::Char => before.length <= after.length,
        TypeKind::Enum | TypeKind::Set => after.elements.starts_with(&before.elements),
        _ => before.length == after.length || before.kind.is_real(),
    }
}

fn name_of(action: &AlterAction) -> &'static str {
    match action {
        AlterAction::AddForeignKey(_) => "ADD FOREIGN KEY",
        AlterAction::AddCheck(_) => "ADD CHECK",
        AlterAction::DropForeignKey(_) => "DROP FOREIGN KEY",
        AlterAction::DropCheck(_) => "DROP CHECK",
        AlterAction::DropConstraint(_) => "DROP CONSTRAINT",
        AlterAction::SetColumnVisible { .. } => "ALTER COLUMN SET INVISIBLE",
        AlterAction::SetIndexVisible { .. } => "ALTER INDEX INVISIBLE",
        AlterAction::SetEnforced { .. } => "ALTER CHECK",
        AlterAction::ConvertCharset { .. } => "CONVERT TO CHARACTER SET",
        AlterAction::OrderBy(_) => "ORDER BY",
        AlterAction::DiscardTablespace => "DISCARD TABLESPACE",
        AlterAction::ImportTablespace => "IMPORT TABLESPACE",
        AlterAction::SecondaryLoad => "SECONDARY_LOAD",
        AlterAction::SecondaryUnload => "SECONDARY_UNLOAD",
        _ => "this action",
    }
}
