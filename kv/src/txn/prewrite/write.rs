//! Locks and records of the mutations that passed.
use rutile_kv_types::{Lock, LockType, MutationOp, TimeStamp, Write, WriteType, is_short_value};

use super::command::{Prewrite, Target};
use crate::concurrency_manager::{ConcurrencyManager, KeyHandleGuard};
use crate::mvcc::WriteBuffer;

impl Prewrite {
    /// The lock that a mutation leaves, with the value inline when it is short. It is never weaker than the
    /// pessimistic lock it takes the place of.
    fn lock_for(&self, target: &Target) -> Lock {
        let mutation = &self.mutations[target.index];
        let mut lock = Lock::new(lock_type(mutation.op), self.primary.clone(), self.start_ts, self.ttl_ms);
        if lock.lock_type == LockType::Put && is_short_value(&mutation.value) {
            lock.short_value = Some(mutation.value.clone());
        }
        lock.txn_size = self.txn_size;
        lock.min_commit_ts = self.min_commit_ts;
        lock.for_update_ts = self.for_update_ts;
        if let Some(replaced) = &target.replaced {
            lock.ttl_ms = lock.ttl_ms.max(replaced.ttl_ms);
            lock.min_commit_ts = lock.min_commit_ts.max(replaced.min_commit_ts);
            lock.for_update_ts = lock.for_update_ts.max(replaced.for_update_ts);
        }
        lock
    }

    /// The same with what an async commit needs to be found again: the primary lists all other keys.
    fn async_lock_for(&self, target: &Target, min_commit_ts: TimeStamp) -> Lock {
        let mut lock = self.lock_for(target);
        lock.use_async_commit = true;
        lock.min_commit_ts = lock.min_commit_ts.max(min_commit_ts);
        if self.mutations[target.index].key == self.primary {
            lock.secondaries.clone_from(self.secondaries.as_ref().unwrap_or(&Vec::new()));
        }
        lock
    }

    fn put_long_value(&self, buffer: &mut WriteBuffer, index: usize) {
        let mutation = &self.mutations[index];
        let writes_value = lock_type(mutation.op) == LockType::Put;
        if writes_value && !is_short_value(&mutation.value) {
            buffer.put_value(self.keys[index].clone(), self.start_ts, &mutation.value);
        }
    }

    /// Prewrite locks; of an async commit at `min_commit_ts` if there is one.
    pub(super) fn write_locks(
        &self,
        to_write: &[Target],
        min_commit_ts: Option<TimeStamp>,
        buffer: &mut WriteBuffer,
    ) {
        for target in to_write {
            let key = &self.keys[target.index];
            self.put_long_value(buffer, target.index);
            let lock = match min_commit_ts {
                Some(min_commit_ts) => self.async_lock_for(target, min_commit_ts),
                None => self.lock_for(target),
            };
            match target.replaced {
                Some(_) => buffer.replace_lock(key, &lock),
                None => buffer.put_lock(key, &lock),
            }
        }
    }

    /// Puts all keys into the in-memory lock table and picks the commit timestamp of one phase, or the least one of
    /// an async commit; `None` when it would exceed the limit.
    pub(super) fn pick_commit_ts(
        &self,
        to_write: &[Target],
        one_pc: bool,
        concurrency: &ConcurrencyManager,
    ) -> Option<(TimeStamp, Vec<KeyHandleGuard>)> {
        let mut picked = self.min_commit_ts.max(self.start_ts.next()).max(self.for_update_ts.next());
        let mut handles = Vec::with_capacity(to_write.len());
        for target in to_write {
            let mut lock =
                if one_pc { self.lock_for(target) } else { self.async_lock_for(target, TimeStamp::ZERO) };
            let handle = concurrency.lock_key(self.keys[target.index].as_encoded());
            picked = handle.publish(|| {
                let min_commit_ts = picked.max(lock.min_commit_ts).max(concurrency.max_ts().next());
                lock.min_commit_ts = min_commit_ts;
                (lock, min_commit_ts)
            });
            handles.push(handle);
        }
        let within = self.max_commit_ts.is_zero() || picked <= self.max_commit_ts;
        within.then_some((picked, handles))
    }

    /// The records of a transaction committed by this request.
    pub(super) fn write_commits(&self, to_write: &[Target], commit_ts: TimeStamp, buffer: &mut WriteBuffer) {
        debug_assert!(commit_ts > self.start_ts, "a commit is above its start");
        for target in to_write {
            self.put_long_value(buffer, target.index);
            let lock = self.lock_for(target);
            let write_type = WriteType::from_lock_type(lock.lock_type).unwrap_or(WriteType::Lock);
            let write = Write::new(write_type, self.start_ts, lock.short_value);
            let key = &self.keys[target.index];
            if target.replaced.is_some() {
                buffer.unlock(key);
            }
            buffer.put_write(key.clone(), commit_ts, &write);
        }
    }
}

fn lock_type(op: MutationOp) -> LockType {
    match op {
        MutationOp::Put | MutationOp::Insert => LockType::Put,
        MutationOp::Delete => LockType::Delete,
        MutationOp::Lock | MutationOp::CheckNotExists => LockType::Lock,
    }
}
