//! Getting past in-memory locks before a read takes its snapshot.
//!
//! An in-memory lock lives for one log append. Sending the reader away to resolve it would cost more than
//! waiting, so the reader waits here for a moment; only a lock that stays is reported like a stored one.
use std::sync::Arc;
use std::time::Duration;

use rutile_kv_env::Env;
use rutile_kv_types::{Key, Lock};

use crate::concurrency_manager::{ConcurrencyManager, KeyHandle};
use crate::error::{Error, KeyError, LockedKey, Result};
use crate::mvcc::{LockVerdict, ReadOptions, judge_lock};

/// How long a reader waits for in-memory locks in all.
const MEMORY_LOCK_WAIT: Duration = Duration::from_millis(100);

/// What a read is about to look at.
#[derive(Clone, Copy)]
pub enum ReadTarget<'a> {
    Key(&'a Key),
    Keys(&'a [Key]),
    /// Encoded bounds; an empty end has no bound.
    Range {
        start: &'a [u8],
        end: &'a [u8],
    },
}

/// A lock in the way, and the handle to wait for.
struct Blocked {
    error: Error,
    handle: Option<Arc<KeyHandle>>,
}

/// Raises `max_ts` to the read timestamp, then waits until no in-memory lock may commit at or below it.
/// The snapshot must be taken after this returns.
pub(super) async fn pass(
    env: &Env,
    concurrency: &ConcurrencyManager,
    target: ReadTarget<'_>,
    options: &ReadOptions,
) -> Result<()> {
    concurrency.raise_max_ts(options.ts);
    let Err(mut blocked) = look(concurrency, target, options) else {
        return Ok(());
    };
    let mut timeout = env.clock.sleep(MEMORY_LOCK_WAIT);
    loop {
        let Some(handle) = blocked.handle.take() else {
            return Err(blocked.error);
        };
        // Registered before the second look, so that a release in between is not missed.
        let released = handle.released();
        match look(concurrency, target, options) {
            Ok(()) => return Ok(()),
            Err(still) if still.handle.as_ref().is_some_and(|other| Arc::ptr_eq(other, &handle)) => {
                tokio::select! {
                    biased;
                    () = released => {}
                    () = &mut timeout => return Err(still.error),
                }
                match look(concurrency, target, options) {
                    Ok(()) => return Ok(()),
                    Err(next) => blocked = next,
                }
            }
            Err(other) => blocked = other,
        }
    }
}

fn look(
    concurrency: &ConcurrencyManager,
    target: ReadTarget<'_>,
    options: &ReadOptions,
) -> Result<(), Blocked> {
    let judge = |key: &[u8], lock: &Lock, handle: &Arc<KeyHandle>| {
        let raw = match judge_lock(lock, key, options) {
            Ok(LockVerdict::Blocked) => Key::from_encoded(key).to_raw(),
            // A value to read through is not stored yet; the snapshot will have it or a stored lock.
            Ok(LockVerdict::Ignore | LockVerdict::ReadThrough) => return Ok(()),
            Err(error) => return Err(Blocked { error, handle: None }),
        };
        match raw {
            Ok(key) => {
                let error = KeyError::Locked(LockedKey { key, lock: lock.clone() }).into();
                Err(Blocked { error, handle: Some(handle.clone()) })
            }
            Err(error) => Err(Blocked { error: error.into(), handle: None }),
        }
    };
    match target {
        ReadTarget::Key(key) => {
            let key = key.as_encoded();
            concurrency.read_key(key, |lock, handle| judge(key, lock, handle))
        }
        ReadTarget::Keys(keys) => keys.iter().try_for_each(|key| {
            let key = key.as_encoded();
            concurrency.read_key(key, |lock, handle| judge(key, lock, handle))
        }),
        ReadTarget::Range { start, end } => concurrency.read_range(start, end, judge),
    }
}
