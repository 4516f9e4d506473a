//! What one running statement may touch.
//!
//! Planner and executor get `&mut StatementContext` and nothing else of the session. Reads go through
//! `read_view` (a snapshot; merge `transaction.membuffer()` over it), writes through `writer`. The session
//! commits or rolls back after the statement; an executor never does.

use std::sync::Arc;
use std::time::Duration;

use rutile_kv_client::{Client, LockWait, Transaction};
use rutile_kv_types::TimeStamp;
use rutile_sql_parser::ast;
use rutile_sql_types::{FieldType, MySqlError, Value};

use super::instance::Instance;
use super::processlist::Cancellation;
use super::state::SessionState;
use crate::catalog::{DatabaseSchema, InfoSchema, TableInfo};
use crate::error::{Error, Result};
use crate::memory::StatementMemory;
use crate::txn::{ReadView, RowLocks, SessionTransaction};
use crate::variable::Settings;

/// Rows after which a long statement looks whether it was killed.
const ROWS_PER_KILL_CHECK: usize = 64;

/// The surroundings of one statement.
pub struct StatementContext<'s> {
    pub instance: &'s Instance,
    pub session: &'s mut SessionState,
    pub transaction: &'s mut SessionTransaction,
    /// The catalog of this statement, to its end.
    pub infoschema: Arc<InfoSchema>,
    /// Values of the placeholders, by their number.
    pub parameters: &'s [(Value, FieldType)],
    /// What the statement was parsed from: spans of the syntax tree point into it.
    pub text: &'s [u8],
}

impl StatementContext<'_> {
    pub fn client(&self) -> &Client {
        self.instance.client()
    }

    pub fn settings(&self) -> &Settings {
        self.session.settings()
    }

    /// The default database, or error 1046.
    pub fn current_database(&self) -> Result<&str> {
        Ok(self.session.database.as_deref().ok_or_else(MySqlError::no_database_selected)?)
    }

    /// The database a name means.
    pub fn database_of<'a>(&'a self, name: &'a ast::ObjectName) -> Result<&'a str> {
        match &name.database {
            Some(database) => Ok(database.as_str()),
            None => self.current_database(),
        }
    }

    /// A stored table by name (1046, 1049, 1146), registered as used by this statement and its transaction.
    pub fn table(&mut self, name: &ast::ObjectName) -> Result<(Arc<DatabaseSchema>, Arc<TableInfo>)> {
        let (schema, table) = self.find_table(name)?;
        self.use_table(&table)?;
        Ok((schema, table))
    }

    /// The same of a table that the statement writes.
    pub fn table_to_write(
        &mut self,
        name: &ast::ObjectName,
    ) -> Result<(Arc<DatabaseSchema>, Arc<TableInfo>)> {
        let (schema, table) = self.find_relation(name)?;
        if table.view.is_some() {
            return Err(Error::unsupported("writing through a view"));
        }
        self.use_table_to_write(&table)?;
        Ok((schema, table))
    }

    /// The same without registering: a DDL that waits for the users of a table must not wait for itself. A view is
    /// error 1347.
    pub fn find_table(&self, name: &ast::ObjectName) -> Result<(Arc<DatabaseSchema>, Arc<TableInfo>)> {
        let (schema, table) = self.find_relation(name)?;
        if table.view.is_some() {
            return Err(MySqlError::wrong_object(&schema.info.name, &table.name, "BASE TABLE").into());
        }
        Ok((schema, table))
    }

    /// A stored table or a view.
    pub fn find_relation(&self, name: &ast::ObjectName) -> Result<(Arc<DatabaseSchema>, Arc<TableInfo>)> {
        let database = self.database_of(name)?;
        let schema = self
            .infoschema
            .database(database)
            .map(Arc::clone)
            .ok_or_else(|| MySqlError::unknown_database(database))?;
        let table = schema
            .tables
            .get(name.name.as_str())
            .map(Arc::clone)
            .ok_or_else(|| MySqlError::no_such_table(database, name.name.as_str()))?;
        Ok((schema, table))
    }

    /// Registers a table that the statement reads.
    pub fn use_table(&mut self, table: &TableInfo) -> Result<()> {
        self.register_unless_locked(table, false)
    }

    /// Registers a table that the statement writes.
    pub fn use_table_to_write(&mut self, table: &TableInfo) -> Result<()> {
        self.register_unless_locked(table, true)
    }

    /// Registers a table if LOCK TABLES of this session (1100, 1099) and of others allows that.
    fn register_unless_locked(&mut self, table: &TableInfo, write: bool) -> Result<()> {
        if let Some(own) = &self.session.locked_tables {
            return match own.get(&table.id) {
                None => Err(MySqlError::table_not_locked(&table.name).into()),
                Some(false) if write => Err(MySqlError::table_not_locked_for_write(&table.name).into()),
                Some(_) => self.register_table(table),
            };
        }
        let session = self.session.info.connection_id;
        let uses = self.instance.metadata_locks();
        // Who has used the table in its transaction already is waited for by the one who locks it.
        let used_before = uses.uses_table(session, table.id);
        // In this order: who locks it takes the lock first and looks for users afterwards.
        self.register_table(table)?;
        if !used_before && self.instance.table_locks().blocks(session, table.id, write) {
            uses.stop_using(session, table.id);
            return Err(Error::TableLocked);
        }
        Ok(())
    }

    /// Registers a table as used, so that DDL waits for this statement and its transaction.
    ///
    /// Error 1412 if the transaction comes to the table only after its definition changed: the snapshot may hold rows
    /// of another shape. A table the transaction uses already cannot change under it, since DDL waits.
    fn register_table(&mut self, table: &TableInfo) -> Result<()> {
        self.instance.check_lease()?;
        let session = self.session.info.connection_id;
        let locks = self.instance.metadata_locks();
        if self.transaction.keeps_older_schema() && !locks.uses_table(session, table.id) {
            let newest = self.instance.infoschema();
            if newest.table_by_id(table.id).is_none_or(|now| now.version != table.version) {
                return Err(MySqlError::new(
                    1412,
                    "HY000",
                    "Table definition has changed, please retry transaction",
                )
                .into());
            }
        }
        locks.use_table(session, table, self.infoschema.version());
        Ok(())
    }

    /// What this statement reads.
    pub async fn read_view(&mut self) -> Result<ReadView> {
        let client = self.instance.client().clone();
        self.transaction.read_view(&client).await
    }

    /// Where this statement writes; 1792 in a READ ONLY transaction.
    pub async fn writer(&mut self) -> Result<&mut Transaction> {
        let client = self.instance.client().clone();
        self.transaction.writer(&client).await
    }

    /// How this statement waits for rows that others have locked.
    pub fn row_locks(&self) -> RowLocks {
        let wait = Duration::from_secs(self.settings().innodb_lock_wait_timeout_s);
        RowLocks::new(LockWait::Timeout(wait), self.cancellation())
    }

    /// Where this statement finds the rows it is to lock; `None` in an optimistic transaction.
    pub async fn for_update_ts(&mut self) -> Result<Option<TimeStamp>> {
        let client = self.instance.client().clone();
        self.transaction.for_update_ts(&client).await
    }

    /// After the writes of a statement's row of that number: error 3170 if the transaction has become too large, and
    /// now and then 1317 if the statement was killed.
    pub fn written_a_row(&mut self, number: usize, memory: &StatementMemory) -> Result<()> {
        if number.is_multiple_of(ROWS_PER_KILL_CHECK) {
            self.check_killed()?;
        }
        self.transaction.account_writes(memory)
    }

    pub fn warn(&mut self, error: MySqlError) {
        self.session.warn(error);
    }

    pub fn note(&mut self, error: MySqlError) {
        self.session.note(error);
    }

    /// A Boolean system variable of the session.
    pub fn flag(&self, name: &str) -> bool {
        crate::variable::find(name)
            .is_some_and(|definition| self.session.variables.get(definition) == Value::Int(1))
    }

    /// For loops that must stop when the statement is killed.
    pub fn cancellation(&self) -> Cancellation {
        Cancellation::of(&self.session.process, self.settings().lock_wait_timeout_s)
    }

    /// Error 1317 if the statement was killed.
    pub fn check_killed(&self) -> Result<()> {
        if self.session.process.is_query_killed() {
            return Err(MySqlError::query_interrupted().into());
        }
        Ok(())
    }

    /// The statement's NOW() as a column of this type stores it.
    pub fn current_timestamp(&self, ty: &FieldType) -> Value {
        super::evaluate::current_timestamp(self.session, ty)
    }

    /// Converts a constant to a column's type; `None` unless it is stored without loss or warning.
    pub fn store_exactly(&self, value: &Value, from: &FieldType, ty: &FieldType) -> Option<Value> {
        super::evaluate::store_exactly(self.session, value, from, ty)
    }
}
