//! Acquiring pessimistic locks, with waiting for those of others.
//!
//! The request is decided again each time its turn comes, with the `for_update_ts` it came with: it conflicts when
//! the transaction it waited for committed, and goes on when that one was rolled back.
use std::time::Duration;

use rutile_kv_types::{Key, TimeStamp};

use super::acquire_pessimistic_lock::{AcquirePessimisticLock, Acquired};
use super::scheduler::Scheduler;
use crate::error::{Error, KeyError, LockedKey, Result};
use crate::lock_manager::{Ticket, Wait, WaitFor};
use crate::replica::{RegionContext, Replica};

/// Longest wait of one request, and the usual one. Clients come again; meanwhile they look after dead owners.
pub const LOCK_WAIT_MAX: Duration = Duration::from_secs(1);

impl<R: Replica> Scheduler<R> {
    /// Locks the keys of `command`. When others hold some of them, waits for the first of those for `wait` in all, and
    /// answers that they are blocked when that did not help. Cancellation-safe as far as waiting goes.
    pub async fn acquire(
        &self,
        context: &RegionContext,
        command: &AcquirePessimisticLock,
        wait: Duration,
    ) -> Result<Acquired> {
        let mut line: Option<Ticket> = None;
        let mut timeout = None;
        loop {
            let look = line.as_ref().map_or(0, Ticket::before_look);
            let locks = match self.run(context, command).await? {
                Acquired::Blocked(locks) => locks,
                locked => return Ok(locked),
            };
            let Some(first) = locks.first().filter(|_| !wait.is_zero()) else {
                return Ok(Acquired::Blocked(locks));
            };
            let (key, holder) = (Key::from_raw(&first.key), first.lock.start_ts);
            let Some(ticket) = line.as_ref().filter(|ticket| ticket.key() == key.as_encoded()) else {
                line = self.lock_manager.enter(key.as_encoded(), command.start_ts);
                match line {
                    Some(_) => continue,
                    // Too many wait already: the client comes again.
                    None => return Ok(Acquired::Blocked(locks)),
                }
            };
            let deadlock = |circle| deadlock(first, circle);
            if ticket.blocked(look, holder).map_err(deadlock)? == Wait::LookAgain {
                continue;
            }
            let timeout = timeout.get_or_insert_with(|| self.env.clock.sleep(wait));
            tokio::select! {
                biased;
                // First, because on a busy key it may be one's turn all the time.
                () = timeout => return Ok(Acquired::Blocked(locks)),
                turn = ticket.turn() => turn.map_err(deadlock)?,
                // Nothing that happens to the lock is heard of here any more: the next look sends the client away.
                () = self.replica().merge_begun(context.region_id) => {}
            }
        }
    }
}

/// The last edge of the circle is the wait that closes it.
fn deadlock(blocked: &LockedKey, circle: Vec<WaitFor>) -> Error {
    let lock_ts = circle.last().map_or(TimeStamp::ZERO, |edge| edge.holder);
    KeyError::Deadlock { lock_ts, key: blocked.key.clone(), circle }.into()
}
