//! Bytes that are counted until they are dropped.

use std::sync::Arc;

use rutile_sql_types::{MySqlError, Value};

use super::{ServerMemory, StatementMemory};

/// Accounts are asked once for so many bytes, not for every row.
const GRANULE_BYTES: usize = 64 << 10;
/// What a row of values costs beside them.
const ROW_BYTES: usize = 48;

/// What part of a statement has gathered.
#[derive(Debug)]
pub struct Held {
    memory: Arc<StatementMemory>,
    bytes: usize,
    reserved: usize,
}

impl Held {
    pub(super) fn new(memory: Arc<StatementMemory>) -> Self {
        Self { memory, bytes: 0, reserved: 0 }
    }

    pub fn grow(&mut self, bytes: usize) -> Result<(), MySqlError> {
        self.bytes += bytes;
        if self.bytes <= self.reserved {
            return Ok(());
        }
        let wanted = (self.bytes - self.reserved).next_multiple_of(GRANULE_BYTES);
        self.memory.grow(wanted)?;
        self.reserved += wanted;
        Ok(())
    }

    /// Counts a row that is kept.
    pub fn grow_by_row(&mut self, row: &[Value]) -> Result<(), MySqlError> {
        self.grow(row.iter().map(Value::memory_size).sum::<usize>() + ROW_BYTES)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.memory.shrink(self.reserved);
    }
}

/// What a session keeps between statements.
#[derive(Debug)]
pub struct SessionHeld {
    server: Arc<ServerMemory>,
    bytes: usize,
}

impl SessionHeld {
    pub fn new(server: Arc<ServerMemory>) -> Self {
        Self { server, bytes: 0 }
    }

    /// `old` bytes make room for `new` ones, unless the server has no room for more.
    pub fn replace(&mut self, old: usize, new: usize) -> Result<(), MySqlError> {
        if new > old && !self.server.try_grow(new - old) {
            return Err(self.server.is_full());
        }
        self.server.shrink(old.saturating_sub(new));
        self.bytes = (self.bytes + new).saturating_sub(old);
        Ok(())
    }

    /// So many bytes are kept now.
    pub fn set(&mut self, bytes: usize) -> Result<(), MySqlError> {
        self.replace(self.bytes, bytes)
    }

    /// The same of what lies there while its client does something else: it may take half of the memory, so that
    /// statements can run.
    pub fn set_idle(&mut self, bytes: usize) -> Result<(), MySqlError> {
        let more = bytes.saturating_sub(self.bytes);
        if more > 0 && self.server.used() + more > self.server.limit() / 2 {
            return Err(self.server.is_full());
        }
        self.set(bytes)
    }

    pub fn clear(&mut self) {
        self.server.shrink(std::mem::take(&mut self.bytes));
    }
}

impl Drop for SessionHeld {
    fn drop(&mut self) {
        self.clear();
    }
}

/// The uncommitted writes of a transaction.
#[derive(Debug, Default)]
pub struct WritesHeld {
    server: Option<Arc<ServerMemory>>,
    bytes: usize,
}

impl WritesHeld {
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The writes are so large now; fails if that is too much for the running statement or the server.
    pub fn set(&mut self, bytes: usize, statement: &StatementMemory) -> Result<(), MySqlError> {
        let near = self.bytes.abs_diff(bytes) < GRANULE_BYTES && self.server.is_some();
        if near {
            return Ok(());
        }
        statement.set_written(bytes)?;
        let server = self.server.get_or_insert_with(|| Arc::clone(statement.server()));
        if bytes < self.bytes {
            server.shrink(self.bytes - bytes);
        } else if !server.try_grow(bytes - self.bytes) {
            return Err(server.is_full());
        }
        self.bytes = bytes;
        Ok(())
    }

    /// They were rolled back to so many.
    pub fn shrink_to(&mut self, bytes: usize) {
        if let Some(server) = &self.server
            && bytes < self.bytes
        {
            server.shrink(self.bytes - bytes);
            self.bytes = bytes;
        }
    }
}

impl Drop for WritesHeld {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.shrink(self.bytes);
        }
    }
}
