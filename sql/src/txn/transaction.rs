//! Begin, read, write, savepoints, commit and rollback of one session's transaction.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use rutile_kv_client::{Client, MemBuffer, Savepoint, Snapshot, Transaction, TransactionOptions};
use rutile_kv_types::TimeStamp;
use rutile_sql_types::MySqlError;

use crate::catalog::InfoSchema;
use crate::error::{Error, Result};
use crate::memory::{StatementMemory, WritesHeld};
use crate::variable::{Characteristics, Isolation};

/// What a statement reads from: a snapshot, to be merged with the membuffer of the transaction.
#[derive(Clone)]
pub struct ReadView {
    pub snapshot: Snapshot,
    pub start_ts: TimeStamp,
}

/// A named savepoint; names compare in any case and the newest of a name counts.
struct NamedSavepoint {
    name: String,
    at: Savepoint,
}

/// A transaction that was asked for; its store transaction starts with the first use.
struct Open {
    /// Started by BEGIN (or by autocommit=0), so it outlives the statement.
    explicit: bool,
    characteristics: Characteristics,
    store: Option<Transaction>,
    /// Where the running statement finds the rows it locks.
    for_update_ts: Option<TimeStamp>,
    savepoints: Vec<NamedSavepoint>,
    /// What `store` has buffered, on the server's account.
    writes: WritesHeld,
    /// The catalog as it was when the snapshot was taken: the transaction keeps to it.
    schema: Option<Arc<InfoSchema>>,
    /// The running statement is the one that chose `schema`, so no change can have come between.
    schema_is_fresh: bool,
}

/// What the buffered writes take until they are committed.
pub fn buffered(store: &Transaction) -> usize {
    /// The list of mutations that commit makes of them, and their numbers.
    const MUTATION_BYTES: usize = 72;
    store.memory_bytes() + store.len() * MUTATION_BYTES
}

/// The transaction of one session, if one is open.
#[derive(Default)]
pub struct SessionTransaction {
    open: Option<Open>,
    /// The snapshot of the running statement when no transaction is open or the level is READ COMMITTED.
    statement_view: Option<ReadView>,
}

impl SessionTransaction {
    /// A transaction that outlives its statement is open (SERVER_STATUS_IN_TRANS).
    pub fn in_transaction(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.explicit)
    }

    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    pub fn is_read_only(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.characteristics.read_only)
    }

    /// Opens a transaction; the caller has ended the previous one.
    pub fn begin(&mut self, explicit: bool, characteristics: Characteristics) {
        self.open = Some(Open {
            explicit,
            characteristics,
            store: None,
            for_update_ts: None,
            savepoints: Vec::new(),
            writes: WritesHeld::default(),
            schema: None,
            schema_is_fresh: false,
        });
    }

    /// Takes the snapshot now: START TRANSACTION WITH CONSISTENT SNAPSHOT.
    pub async fn start(&mut self, client: &Client) -> Result<()> {
        if let Some(open) = &mut self.open
            && open.store.is_none()
        {
            let pessimistic = open.characteristics.pessimistic;
            // A statement that commits by itself comes back with locks when others hold some.
            let commit_lock_wait = (!open.explicit).then_some(Duration::ZERO);
            open.store = Some(client.begin(TransactionOptions { pessimistic, commit_lock_wait }).await?);
        }
        Ok(())
    }

    /// Statements of this transaction lock the rows they write.
    pub fn is_pessimistic(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.characteristics.pessimistic)
    }

    /// A new statement reads afresh under READ COMMITTED and outside a transaction.
    pub fn start_statement(&mut self) {
        self.restart_statement();
        if let Some(open) = &mut self.open {
            open.schema_is_fresh = false;
        }
    }

    /// The statement begins again, on what is committed by now.
    pub fn restart_statement(&mut self) {
        self.statement_view = None;
        if let Some(open) = &mut self.open {
            open.for_update_ts = None;
        }
    }

    /// Whether an earlier statement chose the catalog this one reads by.
    pub fn keeps_older_schema(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.schema.is_some() && !open.schema_is_fresh)
    }

    /// The catalog a transaction with one snapshot reads by. Rows of the snapshot fit the definitions of its time:
    /// an index that became public later would miss entries in it.
    pub fn pinned_schema(&self) -> Option<&Arc<InfoSchema>> {
        self.open.as_ref()?.schema.as_ref()
    }

    /// The first statement of a REPEATABLE READ transaction decides which catalog it keeps to.
    pub fn pin_schema(&mut self, schema: &Arc<InfoSchema>) {
        if let Some(open) = &mut self.open
            && open.explicit
            && open.characteristics.isolation == Isolation::RepeatableRead
            && open.schema.is_none()
        {
            open.schema = Some(Arc::clone(schema));
            open.schema_is_fresh = true;
        }
    }

    /// The snapshot the running statement reads. It does not contain the transaction's own writes: merge
    /// `membuffer()` over it.
    pub async fn read_view(&mut self, client: &Client) -> Result<ReadView> {
        let isolation = self.open.as_ref().map(|open| open.characteristics.isolation);
        if isolation == Some(Isolation::RepeatableRead) {
            self.start(client).await?;
            if let Some(store) = self.store() {
                return Ok(ReadView { snapshot: store.snapshot(), start_ts: store.start_ts() });
            }
        }
        if let Some(view) = &self.statement_view {
            return Ok(view.clone());
        }
        let start_ts = client.timestamp().await?;
        let view = ReadView { snapshot: client.snapshot(start_ts), start_ts };
        self.statement_view = Some(view.clone());
        Ok(view)
    }

    /// The store transaction to write to. The session has opened one before it runs a writing statement.
    pub async fn writer(&mut self, client: &Client) -> Result<&mut Transaction> {
        if self.is_read_only() {
            return Err(MySqlError::cannot_execute_in_read_only_transaction().into());
        }
        self.start(client).await?;
        self.open
            .as_mut()
            .and_then(|open| open.store.as_mut())
            .ok_or_else(|| Error::internal("a write outside a transaction"))
    }

    /// Where the running statement finds the rows it is to lock: the newest committed data, not those of the
    /// transaction's snapshot (MySQL manual, "Consistent Nonlocking Reads"). `None` in an optimistic transaction.
    pub async fn for_update_ts(&mut self, client: &Client) -> Result<Option<TimeStamp>> {
        if !self.is_pessimistic() {
            return Ok(None);
        }
        let transaction = self.writer(client).await?;
        let fresh = transaction.fresh_for_update_ts().await?;
        Ok(self.open.as_mut().map(|open| *open.for_update_ts.get_or_insert(fresh)))
    }

    /// Uncommitted writes of this transaction; `None` if there are none.
    pub fn membuffer(&self) -> Option<&MemBuffer> {
        self.store().map(Transaction::membuffer).filter(|membuffer| !membuffer.is_empty())
    }

    /// The started store transaction.
    pub fn store(&self) -> Option<&Transaction> {
        self.open.as_ref().and_then(|open| open.store.as_ref())
    }

    pub fn store_mut(&mut self) -> Option<&mut Transaction> {
        self.open.as_mut().and_then(|open| open.store.as_mut())
    }

    /// Where a failing statement rolls back to.
    pub fn statement_savepoint(&self) -> Option<Savepoint> {
        self.store().map(Transaction::savepoint)
    }

    /// Undoes a failed statement. What it locked stays locked, as in MySQL.
    pub fn rollback_statement(&mut self, savepoint: Option<Savepoint>) {
        if let Some(open) = &mut self.open
            && let (Some(store), Some(savepoint)) = (&mut open.store, savepoint)
        {
            store.rollback_to(savepoint);
            open.writes.shrink_to(buffered(store));
        }
    }

    /// Counts what the transaction has written so far; error 3170 if it is too much for the running statement or the
    /// server. Whoever writes rows asks after each.
    pub fn account_writes(&mut self, memory: &StatementMemory) -> Result<()> {
        if let Some(open) = &mut self.open
            && let Some(store) = &open.store
        {
            open.writes.set(buffered(store), memory)?;
        }
        Ok(())
    }

    /// SAVEPOINT name: replaces an older one of the same name.
    pub async fn savepoint(&mut self, client: &Client, name: &str) -> Result<()> {
        self.start(client).await?;
        if let Some(open) = &mut self.open {
            let Some(store) = &open.store else {
                return Ok(());
            };
            let at = store.savepoint();
            open.savepoints.retain(|savepoint| !savepoint.name.eq_ignore_ascii_case(name));
            open.savepoints.push(NamedSavepoint { name: name.to_owned(), at });
        }
        Ok(())
    }

    /// ROLLBACK TO name: later savepoints are gone, this one stays.
    pub fn rollback_to(&mut self, name: &str) -> Result<()> {
        let position = self.find_savepoint(name)?;
        if let Some(open) = &mut self.open {
            open.savepoints.truncate(position + 1);
            if let (Some(store), Some(savepoint)) = (&mut open.store, open.savepoints.last()) {
                store.rollback_to(savepoint.at.clone());
                open.writes.shrink_to(buffered(store));
            }
        }
        Ok(())
    }

    /// RELEASE SAVEPOINT name: it and later ones are gone, their writes stay.
    pub fn release(&mut self, name: &str) -> Result<()> {
        let position = self.find_savepoint(name)?;
        if let Some(open) = &mut self.open {
            open.savepoints.truncate(position);
        }
        Ok(())
    }

    fn find_savepoint(&self, name: &str) -> Result<usize> {
        self.open
            .as_ref()
            .and_then(|open| open.savepoints.iter().position(|s| s.name.eq_ignore_ascii_case(name)))
            .ok_or_else(|| MySqlError::routine_does_not_exist("SAVEPOINT", name).into())
    }

    /// Commits the store transaction, if one started. On failure the writes stay readable through
    /// `store()` until `close`, so that the caller can say what the duplicate was. Given up once `cancelled` completes, if
    /// nothing is decided by then.
    pub async fn commit(&mut self, cancelled: BoxFuture<'static, ()>) -> Result<()> {
        self.statement_view = None;
        if let Some(store) = self.store_mut() {
            store.commit_unless(cancelled).await?;
        }
        Ok(())
    }

    /// Forgets the transaction after `commit`.
    pub fn close(&mut self) {
        self.open = None;
        self.statement_view = None;
    }

    /// Undoes everything. Locks that cannot be removed now expire on their own.
    pub async fn rollback(&mut self) -> Result<()> {
        let open = self.open.take();
        self.statement_view = None;
        match open.and_then(|open| open.store) {
            Some(mut store) => Ok(store.rollback().await?),
            None => Ok(()),
        }
    }
}
