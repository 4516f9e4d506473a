//! Which rows an UPDATE or DELETE is about when finding them takes a plan: joins, and subqueries anywhere.
//!
//! The statement's FROM and WHERE run as a query over the newest data. Of each table that is written it gives what names
//! the row: the primary key, or a hidden column that stands for the row id of a table without one. The rows are then
//! locked and read again as they are stored. A row that the join gives several times is written once.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use rutile_sql_parser::ast::{self, Ident, ObjectName, SelectItem, TableReference};
use rutile_sql_types::{FieldType, MySqlError, Value};

use super::snapshot_reader::SnapshotReader;
use super::statement::collect;
use super::write_row::{RowWriter, StoredRow};
use crate::binder::scope::ScopeTable;
use crate::binder::{BindContext, BoundQuery, Relation, Scope, bind_query};
use crate::catalog::{
    ColumnDefault, ColumnInfo, DatabaseSchema, HandleKind, InfoSchema, SchemaState, TableInfo,
};
use crate::codec::{Handle, record_key};
use crate::distsql::ReadView;
use crate::error::{Error, Result};
use crate::expression::Evaluation;
use crate::generation::decode_row;
use crate::memory::Held;
use crate::session::StatementContext;

/// Name of the column that stands for a row id; no user can have written it without backticks.
const ROW_ID: &str = "#rowid";
/// Rows that are read again together.
const FETCHED_TOGETHER: usize = 256;

/// The clauses of an UPDATE or DELETE that say which rows.
pub(super) struct Clauses<'s> {
    pub with: Option<&'s ast::With>,
    pub tables: &'s [TableReference],
    pub selection: Option<&'s ast::Expr>,
    pub order_by: &'s [ast::OrderItem],
    pub limit: Option<&'s ast::Limit>,
}

impl Clauses<'_> {
    /// A query of these rows.
    pub fn query(&self, items: Vec<SelectItem>) -> ast::Query {
        let select = ast::Select {
            items,
            from: self.tables.to_vec(),
            selection: self.selection.cloned(),
            ..ast::Select::default()
        };
        ast::Query {
            with: self.with.cloned(),
            body: ast::QueryBody::Select(Box::new(select)),
            order_by: self.order_by.to_vec(),
            limit: self.limit.cloned(),
            locking: Vec::new(),
            into: None,
            span: ast::Span::default(),
        }
    }
}

/// A table that is written.
pub(super) struct Target {
    pub table: Arc<TableInfo>,
    /// Where the found rows have what makes the handle, in the order of the key.
    handle: Vec<usize>,
    /// The stored rows, by record key.
    pub rows: HashMap<Bytes, StoredRow>,
}

impl Target {
    /// `column(i)` is where the found rows have the table's column at offset `i`.
    pub fn new(catalog: &InfoSchema, scope: &ScopeTable, column: &impl Fn(usize) -> usize) -> Result<Self> {
        let scanned = scope.table.as_ref().ok_or_else(|| Error::internal("a target that is not stored"))?;
        let table = catalog
            .table_by_id(scanned.id)
            .ok_or_else(|| Error::internal("a target that the catalog does not have"))?;
        let handle = key_offsets(scanned).into_iter().map(|offset| column(public_position(scanned, offset)));
        Ok(Self { table: Arc::clone(table), handle: handle.collect(), rows: HashMap::new() })
    }

    /// The record key of the row that a found row has of this table; `None` where an outer join found none.
    pub fn record_key(&self, found: &[Value]) -> Result<Option<Bytes>> {
        let parts: Vec<&Value> = self.handle.iter().filter_map(|position| found.get(*position)).collect();
        if parts.iter().any(|part| part.is_null()) {
            return Ok(None);
        }
        let handle = match self.table.handle {
            HandleKind::RowId => match parts.as_slice() {
                [Value::Int(id)] => Handle::Int(*id),
                _ => return Err(Error::internal("a row id that is no integer")),
            },
            _ => {
                let mut row = vec![Value::Null; self.table.columns.len()];
                for (offset, part) in key_offsets(&self.table).into_iter().zip(parts) {
                    if let Some(slot) = row.get_mut(offset) {
                        slot.clone_from(part);
                    }
                }
                self.table.handle_of(&row)?.ok_or_else(|| Error::internal("a key without a handle"))?
            }
        };
        Ok(Some(Bytes::from(record_key::record_key(self.table.id, &handle))))
    }

    /// Locks the rows that were found and reads them as they are stored.
    pub async fn lock_and_read(
        &mut self,
        context: &mut StatementContext<'_>,
        found: &[Vec<Value>],
        writer: &RowWriter<'_>,
        entries: bool,
        held: &mut Held,
    ) -> Result<()> {
        let mut seen = HashSet::new();
        let mut keys = Vec::new();
        for row in found {
            if let Some(key) = self.record_key(row)?
                && seen.insert(key.clone())
            {
                keys.push(key);
            }
        }
        let (locks, zone) = (context.row_locks(), context.settings().time_zone);
        let for_update_ts = context.for_update_ts().await?;
        if let Some(ts) = for_update_ts {
            locks.hold(context.writer().await?, &keys, ts).await?;
        }
        for some in keys.chunks(FETCHED_TOGETHER) {
            context.check_killed()?;
            let transaction = context.writer().await?;
            let snapshot = match for_update_ts {
                Some(ts) => transaction.view_at(ts).snapshot().clone(),
                None => transaction.snapshot(),
            };
            let reader = SnapshotReader::new(snapshot, Some(transaction.membuffer()));
            let mut unique = Vec::new();
            for (key, stored) in reader.get_all(some.to_vec()).await? {
                let (_, suffix) = record_key::split_record_key(&key)?;
                let handle = Handle::from_record_suffix(suffix, self.table.is_common_handle())?;
                let values = decode_row(&self.table, &handle, &stored, zone)?;
                held.grow_by_row(&values)?;
                let row = StoredRow { handle, values };
                if entries {
                    unique.extend(writer.lock_keys(&row, true)?);
                }
                self.rows.insert(key, row);
            }
            locks.take(context.writer().await?, &unique).await?;
        }
        Ok(())
    }
}

/// Offsets of the columns that make the handle.
fn key_offsets(table: &TableInfo) -> Vec<usize> {
    match &table.handle {
        HandleKind::Integer { offset } => vec![*offset],
        HandleKind::RowId => Vec::new(),
        _ => table
            .primary_key()
            .map(|key| key.columns.iter().map(|part| part.offset).collect())
            .unwrap_or_default(),
    }
}

/// The column's position among the public ones.
fn public_position(table: &TableInfo, offset: usize) -> usize {
    table.public_columns().position(|column| column.offset == offset).unwrap_or(usize::MAX)
}

/// The catalog with a column for the row id in every table of `tables` that has no primary key.
pub(super) fn with_row_ids(
    catalog: &InfoSchema,
    tables: &[TableReference],
    current_database: Option<&str>,
) -> Option<InfoSchema> {
    let mut changed: BTreeMap<String, DatabaseSchema> = BTreeMap::new();
    for name in stored_names(tables) {
        let Some(database) = name.database.as_ref().map(Ident::as_str).or(current_database) else {
            continue;
        };
        let Some(table) = catalog.table(database, name.name.as_str()) else {
            continue;
        };
        if table.handle != HandleKind::RowId {
            continue;
        }
        let schema = match (changed.get_mut(database), catalog.database(database)) {
            (Some(schema), _) => schema,
            (None, Some(schema)) => {
                changed.entry(database.to_owned()).or_insert_with(|| DatabaseSchema::clone(schema))
            }
            (None, None) => continue,
        };
        schema.tables.insert(table.name.clone(), Arc::new(with_row_id(table)));
    }
    if changed.is_empty() {
        return None;
    }
    let changes = changed.into_iter().map(|(name, schema)| (name, Some(schema)));
    Some(catalog.with_changes(catalog.version(), changes))
}

fn with_row_id(table: &TableInfo) -> TableInfo {
    let mut table = table.clone();
    let offset = table.columns.len();
    table.columns.push(ColumnInfo {
        id: table.next_column_id,
        name: format!("{ROW_ID}{}", table.id),
        offset,
        ty: FieldType::bigint().with_not_null(),
        default: ColumnDefault::Absent,
        on_update_now: false,
        auto_increment: false,
        comment: String::new(),
        state: SchemaState::Public,
        original_default: Value::Null,
        generated: None,
    });
    table.handle = HandleKind::Integer { offset };
    table
}

/// The names of all tables in FROM, those of derived tables not among them.
fn stored_names(tables: &[TableReference]) -> Vec<&ObjectName> {
    let mut names = Vec::new();
    let mut pending: Vec<&TableReference> = tables.iter().collect();
    while let Some(table) = pending.pop() {
        match table {
            TableReference::Table(factor) => names.push(&factor.name),
            TableReference::Join(join) => pending.extend([&join.left, &join.right]),
            TableReference::Derived(_) | TableReference::JsonTable(_) => {}
        }
    }
    names
}

/// `alias.*` of a table.
pub(super) fn all_columns_of(table: &ScopeTable) -> SelectItem {
    let database = (!table.database.is_empty()).then(|| Ident::new(&*table.database));
    SelectItem::QualifiedWildcard(ObjectName { database, name: Ident::new(&*table.alias) })
}

/// Binds the query, and registers the stored tables that it reads.
pub(super) fn bind(
    context: &mut StatementContext<'_>,
    query: &ast::Query,
    catalog: &InfoSchema,
    evaluation: &Arc<Evaluation>,
    prepared: bool,
) -> Result<BoundQuery> {
    let bound = {
        let view = context.view();
        let names = context.bind_context(&view, evaluation);
        let parameters = names.parameters.filter(|_| !prepared);
        bind_query(query, &BindContext { catalog, parameters, ..names })?
    };
    let mut pending = vec![&bound.relation];
    while let Some(relation) = pending.pop() {
        if let Relation::Table(scan) = relation {
            context.use_table(&scan.table)?;
        }
        pending.extend(relation.inputs());
    }
    Ok(bound)
}

/// The rows of a bound query in the newest data, or in an optimistic transaction in its snapshot.
pub(super) async fn find(
    context: &mut StatementContext<'_>,
    bound: &BoundQuery,
    evaluation: &Arc<Evaluation>,
    held: &mut Held,
) -> Result<Vec<Vec<Value>>> {
    let ts = context.for_update_ts().await?;
    let client = context.client().clone();
    let transaction = context.writer().await?;
    let ts = ts.unwrap_or_else(|| transaction.start_ts());
    let view = ReadView::with_own_writes(client, ts, &bound.relation, transaction.membuffer());
    let engine = Arc::clone(context.instance.query_engine());
    let rows = engine.run(bound, Some(&view), evaluation).await?;
    let types: Vec<FieldType> =
        (0..bound.relation.width()).map(|column| bound.relation.output_type(column)).collect();
    Ok(collect(rows, &types, held).await?)
}

/// Puts joined rows into the order in which nested loops over the tables of FROM find them: of several matches of a
/// row the first one counts.
pub(super) fn sort(catalog: &InfoSchema, scope: &Scope, found: &mut Vec<Vec<Value>>) -> Result<()> {
    if scope.tables.len() < 2 {
        return Ok(());
    }
    let mut tables = Vec::new();
    for table in scope.tables.iter().filter(|table| table.table.is_some()) {
        tables.push(Target::new(catalog, table, &|column| table.first + column)?);
    }
    let mut keyed = Vec::with_capacity(found.len());
    for row in std::mem::take(found) {
        let key: Result<Vec<Option<Bytes>>> = tables.iter().map(|table| table.record_key(&row)).collect();
        keyed.push((key?, row));
    }
    keyed.sort_by(|a, b| a.0.cmp(&b.0));
    *found = keyed.into_iter().map(|(_, row)| row).collect();
    Ok(())
}

/// Whether rows and values of a statement can only be found by a plan.
pub(super) fn needs_plan<'e>(
    with: Option<&ast::With>,
    tables: &[TableReference],
    exprs: impl IntoIterator<Item = &'e ast::Expr>,
) -> bool {
    with.is_some() || !matches!(tables, [TableReference::Table(_)]) || has_subquery(exprs)
}

pub(super) fn has_subquery<'e>(exprs: impl IntoIterator<Item = &'e ast::Expr>) -> bool {
    let mut pending: Vec<&ast::Expr> = exprs.into_iter().collect();
    while let Some(expr) = pending.pop() {
        if parts_of(expr, &mut pending).is_some() {
            return true;
        }
    }
    false
}

/// A common table may be read in subqueries; as a table of FROM it would need a scope of its own.
pub(super) fn refuse_common_tables(with: Option<&ast::With>, tables: &[TableReference]) -> Result<()> {
    let Some(with) = with else {
        return Ok(());
    };
    let is_common = |name: &&ObjectName| {
        name.database.is_none() && with.tables.iter().any(|table| table.name.is(name.name.as_str()))
    };
    if stored_names(tables).iter().any(is_common) {
        return Err(Error::unsupported("a common table in FROM of UPDATE and DELETE"));
    }
    Ok(())
}

/// Error 1093 if a subquery of one of the expressions reads a table that is written. One inside a derived table is
/// read before anything is written.
pub(super) fn refuse_target_in_subquery(
    scope: &Scope,
    targets: &[usize],
    current_database: Option<&str>,
    exprs: &[&ast::Expr],
) -> Result<()> {
    let mut pending = exprs.to_vec();
    while let Some(expr) = pending.pop() {
        let Some(query) = parts_of(expr, &mut pending) else {
            continue;
        };
        let mut queries = vec![query];
        while let Some(query) = queries.pop() {
            for select in selects_of(&query.body) {
                pending.extend(&select.selection);
                for name in stored_names(&select.from) {
                    let database = name.database.as_ref().map(Ident::as_str).or(current_database);
                    let is_target = |target: &&ScopeTable| {
                        *target.name == *name.name.as_str() && database == Some(&*target.database)
                    };
                    let written = targets.iter().filter_map(|index| scope.tables.get(*index));
                    if let Some(target) = written.into_iter().find(is_target) {
                        return Err(MySqlError::update_table_used(&target.alias).into());
                    }
                }
            }
        }
    }
    Ok(())
}

/// The subquery that this expression is; its operands go to `pending`.
fn parts_of<'e>(expr: &'e ast::Expr, pending: &mut Vec<&'e ast::Expr>) -> Option<&'e ast::Query> {
    use ast::ExprKind as K;
    match &expr.kind {
        K::Subquery(query) | K::Exists(query) => return Some(query),
        K::InSubquery(form) => {
            pending.push(&form.operand);
            return Some(&form.query);
        }
        K::Quantified(form) => {
            pending.push(&form.operand);
            return Some(&form.query);
        }
        K::Unary { operand, .. } | K::Is { operand, .. } | K::Collate { operand, .. } => {
            pending.push(operand)
        }
        K::Binary { left, right, .. } => pending.extend([&**left, &**right]),
        K::Logical { operands, .. } => pending.extend(operands),
        K::Between(form) => pending.extend([&form.operand, &form.low, &form.high]),
        K::In(form) => {
            pending.push(&form.operand);
            pending.extend(&form.list);
        }
        K::Cast(form) => pending.push(&form.operand),
        K::ConvertUsing { operand, .. } | K::Extract { operand, .. } => pending.push(operand),
        K::Odbc(operand) => pending.push(operand),
        K::Like(form) => {
            pending.extend([&form.operand, &form.pattern]);
            pending.extend(&form.escape);
        }
        K::Regexp(form) => pending.extend([&form.operand, &form.pattern]),
        K::DateArithmetic(form) => pending.extend([&form.operand, &form.amount]),
        K::TimestampAdd(form) | K::TimestampDiff(form) => pending.extend([&form.first, &form.second]),
        K::Trim(form) => {
            pending.push(&form.operand);
            pending.extend(&form.what);
        }
        K::Row(parts) | K::IntervalIndex(parts) => pending.extend(parts),
        K::Case(form) => {
            pending.extend(form.operand.iter().chain(&form.otherwise));
            pending.extend(form.branches.iter().flat_map(|branch| [&branch.when, &branch.then]));
        }
        K::Call(call) => pending.extend(&call.args),
        _ => {}
    }
    None
}

/// All SELECTs of a query expression.
fn selects_of(body: &ast::QueryBody) -> Vec<&ast::Select> {
    let mut found = Vec::new();
    let mut pending = vec![body];
    while let Some(body) = pending.pop() {
        match body {
            ast::QueryBody::Select(select) => found.push(&**select),
            ast::QueryBody::SetOperation(operation) => {
                pending.push(&operation.first);
                pending.extend(operation.rest.iter().map(|branch| &branch.body));
            }
            ast::QueryBody::Parenthesized(query) => pending.push(&query.body),
            ast::QueryBody::Values(_) | ast::QueryBody::Table(_) => {}
        }
    }
    found
}
