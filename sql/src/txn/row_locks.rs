//! Locks on the rows a statement is about to write or to hold.
//!
//! In a pessimistic transaction a key is locked before it is written, and what the statement knows of it is its
//! newest committed value. In an optimistic one the snapshot is all there is, and COMMIT finds out who was first.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use rutile_kv_client::{LockOptions, LockWait, LockedKeys, Transaction};
use rutile_kv_types::TimeStamp;
use rutile_sql_types::MySqlError;

use crate::error::Result;
use crate::session::Cancellation;

/// How one statement waits for locks.
#[derive(Clone)]
pub struct RowLocks {
    wait: LockWait,
    cancellation: Cancellation,
}

impl RowLocks {
    pub fn new(wait: LockWait, cancellation: Cancellation) -> Self {
        Self { wait, cancellation }
    }

    /// For a transaction that never locks.
    pub fn none() -> Self {
        Self::new(LockWait::Timeout(Duration::ZERO), Cancellation::never())
    }

    /// Rows that others hold are left out.
    pub fn skips(&self) -> bool {
        self.wait == LockWait::SkipLocked
    }

    /// The newest values of keys that the statement is about to write, own writes included.
    pub async fn current(
        &self,
        transaction: &mut Transaction,
        keys: &[Bytes],
    ) -> Result<HashMap<Bytes, Bytes>> {
        if transaction.is_pessimistic() {
            let options = LockOptions { return_values: true, ..self.options() };
            return Ok(self.lock(transaction, keys, &options).await?.values);
        }
        if let [key] = keys {
            let value = transaction.get(key).await?;
            return Ok(value.map(|value| (key.clone(), value)).into_iter().collect());
        }
        Ok(transaction.batch_get(keys).await?)
    }

    /// Locks keys of rows that were read at `for_update_ts`. A key that changed since is a write conflict, upon
    /// which the statement begins again.
    pub async fn hold(
        &self,
        transaction: &mut Transaction,
        keys: &[Bytes],
        for_update_ts: TimeStamp,
    ) -> Result<LockedKeys> {
        let options = LockOptions { for_update_ts: Some(for_update_ts), ..self.options() };
        self.lock(transaction, keys, &options).await
    }

    /// Locks keys whatever they hold. An optimistic transaction has nothing to lock.
    pub async fn take(&self, transaction: &mut Transaction, keys: &[Bytes]) -> Result<()> {
        if keys.is_empty() || !transaction.is_pessimistic() {
            return Ok(());
        }
        self.lock(transaction, keys, &self.options()).await.map(drop)
    }

    /// Locks keys that must have no value; `AlreadyExists` names one that has.
    pub async fn reserve(&self, transaction: &mut Transaction, keys: &[Bytes]) -> Result<()> {
        let options = LockOptions { must_not_exist: true, ..self.options() };
        self.lock(transaction, keys, &options).await.map(drop)
    }

    fn options(&self) -> LockOptions {
        LockOptions { wait: self.wait, ..LockOptions::default() }
    }

    /// A call dropped by KILL may have locked some keys: the transaction releases them with the others.
    async fn lock(
        &self,
        transaction: &mut Transaction,
        keys: &[Bytes],
        options: &LockOptions,
    ) -> Result<LockedKeys> {
        tokio::select! {
            biased;
            () = self.cancellation.cancelled() => Err(MySqlError::query_interrupted().into()),
            locked = transaction.lock_keys(keys, options) => Ok(locked?),
        }
    }
}
