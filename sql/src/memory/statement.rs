//! What one statement holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, StringArray};
use arrow::buffer::Buffer;
use arrow::datatypes::DataType;
use bytes::Bytes;
use rutile_sql_functions::MemoryCheck;
use rutile_sql_types::MySqlError;

use super::{Held, MemoryLimit, ServerMemory};

/// Texts that an expression makes of a batch are counted from this size on.
pub const LARGE_BYTES: usize = 1 << 20;

/// The account of one statement.
#[derive(Debug)]
pub struct StatementMemory {
    server: Arc<ServerMemory>,
    quota: usize,
    used: AtomicUsize,
    /// What the transaction has written, which the server counts for the transaction.
    written: AtomicUsize,
    peak: AtomicUsize,
}

impl StatementMemory {
    pub fn new(server: Arc<ServerMemory>, quota: usize) -> Self {
        server.enter_statement();
        Self {
            server,
            quota,
            used: AtomicUsize::new(0),
            written: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
        }
    }

    /// Without bounds: for evaluation outside of a session.
    pub fn unlimited() -> Self {
        Self::new(Arc::new(ServerMemory::new(MemoryLimit { server_bytes: usize::MAX })), usize::MAX)
    }

    pub fn server(&self) -> &Arc<ServerMemory> {
        &self.server
    }

    pub fn quota(&self) -> usize {
        self.quota
    }

    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// The most that was held at one time.
    pub fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }

    /// Counts `bytes` more, or fails.
    pub fn grow(&self, bytes: usize) -> Result<(), MySqlError> {
        let written = self.written.load(Ordering::Relaxed);
        let used = self.used.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        let failure = if used.saturating_add(written) > self.quota {
            self.over_quota()
        } else if self.server.has_room_for(used, bytes) && self.server.try_grow(bytes) {
            self.peak.fetch_max(used, Ordering::Relaxed);
            return Ok(());
        } else {
            self.server.is_full()
        };
        self.used.fetch_sub(bytes, Ordering::Relaxed);
        Err(failure)
    }

    /// Counts bytes that are held whether they fit or not.
    pub fn grow_anyway(&self, bytes: usize) {
        let used = self.used.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.peak.fetch_max(used, Ordering::Relaxed);
        self.server.grow(bytes);
    }

    pub fn shrink(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
        self.server.shrink(bytes);
    }

    /// Room for what somebody gathers.
    pub fn hold(self: &Arc<Self>) -> Held {
        Held::new(Arc::clone(self))
    }

    /// What the transaction has written by now; fails if statement and transaction are too large together.
    pub(super) fn set_written(&self, bytes: usize) -> Result<(), MySqlError> {
        self.written.store(bytes, Ordering::Relaxed);
        if self.used().saturating_add(bytes) > self.quota { Err(self.over_quota()) } else { Ok(()) }
    }

    pub fn over_quota(&self) -> MySqlError {
        exceeded(self.quota, "rutile_mem_quota_query")
    }

    /// The same column, counted until it is dropped if it is a large one.
    pub fn hold_column(self: &Arc<Self>, column: ArrayRef) -> Result<ArrayRef, MySqlError> {
        if !matches!(column.data_type(), DataType::Utf8 | DataType::Binary)
            || column.get_buffer_memory_size() < LARGE_BYTES
        {
            return Ok(column);
        }
        let mut held = self.hold();
        held.grow(column.get_buffer_memory_size())?;
        let kept = |values: &Buffer| {
            Buffer::from(Bytes::from_owner(HeldBuffer { values: values.clone(), _held: held }))
        };
        Ok(match column.data_type() {
            DataType::Utf8 => {
                let texts = column.as_string::<i32>();
                let values = kept(texts.values());
                Arc::new(
                    StringArray::try_new(texts.offsets().clone(), values, texts.nulls().cloned())
                        .map_err(MySqlError::internal)?,
                )
            }
            _ => {
                let bytes = column.as_binary::<i32>();
                let values = kept(bytes.values());
                Arc::new(
                    BinaryArray::try_new(bytes.offsets().clone(), values, bytes.nulls().cloned())
                        .map_err(MySqlError::internal)?,
                )
            }
        })
    }
}

/// A buffer that gives its bytes back when the last array over it is dropped.
struct HeldBuffer {
    values: Buffer,
    _held: Held,
}

impl AsRef<[u8]> for HeldBuffer {
    fn as_ref(&self) -> &[u8] {
        self.values.as_slice()
    }
}

impl MemoryCheck for StatementMemory {
    fn check(&self, bytes: usize) -> Result<(), MySqlError> {
        self.grow(bytes)?;
        self.shrink(bytes);
        Ok(())
    }
}

impl Drop for StatementMemory {
    fn drop(&mut self) {
        self.server.shrink(self.used());
        self.server.leave_statement();
    }
}

impl ServerMemory {
    pub(super) fn is_full(&self) -> MySqlError {
        exceeded(self.limit(), "rutile_server_memory_limit")
    }
}

/// ER_CAPACITY_EXCEEDED, as MySQL says it of `range_optimizer_max_mem_size`.
fn exceeded(bytes: usize, variable: &str) -> MySqlError {
    MySqlError::new(
        3170,
        "HY000",
        format!(
            "Memory capacity of {bytes} bytes for '{variable}' exceeded. The statement was stopped and its changes were undone."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::ResidentProbe;

    fn statement(server: usize, quota: usize) -> Arc<StatementMemory> {
        let server = Arc::new(ServerMemory::new(MemoryLimit { server_bytes: server }));
        Arc::new(StatementMemory::new(server, quota))
    }

    #[test]
    fn a_reservation_that_does_not_fit_leaves_nothing_behind() {
        let memory = statement(1000, 600);
        memory.grow(500).expect("fits");
        assert_eq!(memory.grow(101).expect_err("over the quota").code, 3170);
        assert_eq!((memory.used(), memory.server().used()), (500, 500));
        let other = Arc::new(StatementMemory::new(Arc::clone(memory.server()), 600));
        let error = other.grow(501).expect_err("the server is full");
        assert!(error.message.contains("rutile_server_memory_limit"), "{}", error.message);
        assert_eq!((other.used(), memory.server().used()), (0, 500));
        memory.shrink(500);
        other.grow(501).expect("fits now");
        let server = Arc::clone(other.server());
        drop((memory, other));
        assert_eq!(server.used(), 0);
    }

    #[test]
    fn a_process_that_is_too_large_gives_no_more_to_those_that_hold_most() {
        const MIB: usize = 1 << 20;
        let resident = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&resident);
        let probe = ResidentProbe::new(move || Some(seen.load(Ordering::Relaxed)));
        let limit = MemoryLimit { server_bytes: 100 * MIB };
        let server = Arc::new(ServerMemory::new(limit).watching(Some(probe)));
        let statement = || Arc::new(StatementMemory::new(Arc::clone(&server), usize::MAX));
        let (large, small) = (statement(), statement());
        large.grow(50 * MIB).expect("fits");
        small.grow(2 * MIB).expect("fits");
        resident.store(88 * MIB, Ordering::Relaxed);
        assert_eq!(large.grow(2 * MIB).expect_err("the process is too large").code, 3170);
        small.grow(2 * MIB).expect("holds less than others");
        large.shrink(10 * MIB);
        large.grow(2 * MIB).expect("half is given anyway");
        large.grow(30 * MIB).expect_err("but not more");
        resident.store(87 * MIB, Ordering::Relaxed);
        large.grow(30 * MIB).expect("fits again");
    }

    #[test]
    fn what_the_transaction_wrote_counts_against_the_quota() {
        let memory = statement(1000, 600);
        memory.set_written(400).expect("fits");
        memory.grow(200).expect("fits");
        memory.grow(1).expect_err("over the quota");
        memory.set_written(401).expect_err("over the quota");
    }

    #[test]
    fn a_large_column_counts_as_long_as_it_is_there() {
        let memory = statement(10 << 20, 3 << 20);
        let text = "x".repeat(2 << 20);
        let column: ArrayRef = Arc::new(StringArray::from(vec![Some(text.as_str()), None]));
        let held = memory.hold_column(Arc::clone(&column)).expect("fits");
        assert_eq!(&held, &column);
        assert!(memory.used() >= 2 << 20);
        memory.hold_column(Arc::clone(&column)).expect_err("over the quota");
        let slice = held.slice(0, 1);
        drop(held);
        assert!(memory.used() >= 2 << 20, "a slice keeps the buffer");
        drop(slice);
        assert_eq!(memory.used(), 0);
    }
}
