//! Limits and budgets of the client.

use std::time::Duration;

use crate::replica_read::ReplicaRead;

#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Keys and values of one transaction. Whoever has a quota for its memory ends it earlier.
    pub transaction_bytes_max: usize,
    /// One key with its value; a raft entry must hold it.
    pub entry_bytes_max: usize,
    /// Keys and values of one request for locks or for the commit of secondaries, and of a transaction that is committed
    /// in one phase.
    pub batch_bytes_max: usize,
    /// Keys and values of one prewrite. Each passes through the store in several forms at a time, and `concurrency` of
    /// them are under way.
    pub prewrite_bytes_max: usize,
    /// Requests of one transaction or batch get in flight.
    pub concurrency: usize,
    /// How long region errors, busy stores and locks of others are waited out. Longer than the locks of an owner that
    /// died live: 20 seconds.
    pub retry_budget: Duration,
    /// How long the commit of the primary key is tried; afterwards its outcome is unknown.
    pub commit_budget: Duration,
    /// How long a lock lives that nobody keeps alive, in a small transaction; larger ones get more.
    pub lock_ttl: Duration,
    /// The same for pessimistic locks. Both are renewed at half of it.
    pub pessimistic_lock_ttl: Duration,
    /// How long the locks of a pessimistic transaction are kept alive; afterwards others may remove them.
    pub transaction_lifetime_max: Duration,
    /// The peers that snapshots read from unless told otherwise.
    pub replica_read: ReplicaRead,
    /// Commit a transaction of one region and one batch in one phase.
    pub one_pc: bool,
    /// Commit small transactions with their last prewrite, without waiting for the commit of the primary.
    pub async_commit: bool,
}

impl Default for ClientConfig {
    fn default() -> ClientConfig {
        ClientConfig {
            transaction_bytes_max: 1 << 30,
            entry_bytes_max: 6 << 20,
            batch_bytes_max: 1 << 20,
            prewrite_bytes_max: 256 << 10,
            concurrency: 16,
            retry_budget: Duration::from_secs(40),
            commit_budget: Duration::from_secs(40),
            lock_ttl: Duration::from_secs(3),
            pessimistic_lock_ttl: Duration::from_secs(20),
            transaction_lifetime_max: Duration::from_secs(60 * 60),
            replica_read: ReplicaRead::Leader,
            one_pc: true,
            async_commit: true,
        }
    }
}
