//! One counter on this node.

use bytes::Bytes;
use parking_lot::Mutex;
use rutile_kv_client::{Client, Error as StoreError, TransactionOptions};
use rutile_kv_types::TimeStamp;

use super::progression::Progression;
use super::stored::Stored;
use crate::error::{Error, Result};

/// Writes of the counter that may lose to another node before the statement gives up.
const ATTEMPTS_MAX: usize = 64;

/// Where a counter is, and how it goes on.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    pub key: Bytes,
    /// Ids that one reservation takes, and how far ahead explicit values are announced at most.
    pub step: u64,
    /// Where the counter starts when it was never stored.
    pub first: u64,
    /// This node, if there may be others that write explicit values.
    pub node: Option<u64>,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// Ids in hand: `[next, end)`.
    next: u64,
    end: u64,
    /// What was last seen of the stored counter, by its explicit value.
    seen: Stored,
    /// The largest explicit value known, with the margin that others announced.
    explicit: u64,
    /// How far ahead the last explicit value was announced.
    margin: u64,
}

impl State {
    /// The stored counter as it was at some time.
    fn learn(&mut self, stored: Stored, node: u64) {
        if stored.explicit >= self.seen.explicit {
            self.seen = stored;
        }
        if stored.writer != node {
            self.next = self.next.max(stored.first_for(Some(node)));
            self.explicit = self.explicit.max(stored.explicit);
        }
    }

    fn is_exhausted(&self) -> bool {
        self.next >= self.end
    }
}

pub(super) struct Counter {
    terms: Terms,
    state: Mutex<State>,
    /// Held while a write of the counter is on its way, so that only one is.
    writing: tokio::sync::Mutex<()>,
}

impl Counter {
    pub fn new(terms: Terms) -> Self {
        Self { terms, state: Mutex::default(), writing: tokio::sync::Mutex::default() }
    }

    /// `count` ids from `progression`; answers the first. The rest follow at its increment.
    pub async fn allocate(&self, client: &Client, count: u64, progression: Progression) -> Result<u64> {
        // Also when nothing is in hand: another session may reserve meanwhile, by what it knew before.
        self.refresh(client).await?;
        self.allocate_more(client, count, progression).await
    }

    /// The same for a statement that has got ids already: explicit values that came since its start are not asked for.
    pub async fn allocate_more(&self, client: &Client, count: u64, progression: Progression) -> Result<u64> {
        loop {
            if let Some(first) = self.take(count, progression)? {
                return Ok(first);
            }
            let _one = self.writing.lock().await;
            if let Some(first) = self.take(count, progression)? {
                return Ok(first);
            }
            self.reserve(client, count.saturating_mul(progression.increment.max(1))).await?;
        }
    }

    /// Learns which explicit values other nodes have announced: all whose statements have returned.
    async fn refresh(&self, client: &Client) -> Result<()> {
        if let Some(node) = self.terms.node
            && let Some(stored) = self.read(client).await?
        {
            self.state.lock().learn(stored, node);
        }
        Ok(())
    }

    async fn read(&self, client: &Client) -> Result<Option<Stored>> {
        let bytes = client.snapshot(TimeStamp::MAX).get(&self.terms.key).await?;
        bytes.map(|bytes| Stored::parse(&bytes)).transpose()
    }

    fn take(&self, count: u64, progression: Progression) -> Result<Option<u64>> {
        let mut state = self.state.lock();
        if state.end == 0 {
            return Ok(None);
        }
        let exhausted = || Error::AutoIncrementExhausted;
        let first = progression.at_or_above(state.next.max(1)).ok_or_else(exhausted)?;
        let last = (count.saturating_sub(1))
            .checked_mul(progression.increment.max(1))
            .and_then(|distance| first.checked_add(distance))
            .ok_or_else(exhausted)?;
        if last >= state.end {
            return Ok(None);
        }
        state.next = last + 1;
        Ok(Some(first))
    }

    /// Takes `count` more ids, or more than that, from the storage.
    async fn reserve(&self, client: &Client, count: u64) -> Result<()> {
        let count = count.max(self.terms.step);
        let (floor, node) = (self.state.lock().next, self.terms.node);
        let (stored, start) = self
            .write(client, |stored| {
                let unbound = stored.first_for(node);
                let start = stored.end.max(floor).max(unbound).max(1);
                if start == u64::MAX {
                    return Err(Error::AutoIncrementExhausted);
                }
                let reserved = Stored { end: start.saturating_add(count), ..stored };
                Ok((Some(reserved), (reserved, start)))
            })
            .await?;
        let mut state = self.state.lock();
        // Nothing between the old range and the new one belongs to another node: go on without a gap.
        if state.end != start || state.is_exhausted() {
            state.next = start.max(state.next);
        }
        state.end = stored.end;
        if let Some(node) = node {
            state.learn(stored, node);
        }
        Ok(())
    }

    /// Rows with explicit values up to `id` are about to be written: no node generates one up to it any more.
    pub async fn announce(&self, client: &Client, id: u64) -> Result<()> {
        let Some(node) = self.terms.node else {
            return Ok(());
        };
        if self.state.lock().seen.covers(id, node) {
            return Ok(());
        }
        let _one = self.writing.lock().await;
        let margin = {
            let state = self.state.lock();
            if state.seen.covers(id, node) {
                return Ok(());
            }
            // The first is exact: a single value moves the counter no further than in MySQL.
            if state.seen.writer == node { (state.margin * 2).clamp(1, self.terms.step) } else { 0 }
        };
        let (before, stored) = self
            .write(client, |before| {
                if before.covers(id, node) {
                    return Ok((None, (before, before)));
                }
                let margin = if before.writer == node { margin } else { 0 };
                let stored = before.announced(id, margin, node);
                Ok((Some(stored), (before, stored)))
            })
            .await?;
        let mut state = self.state.lock();
        state.learn(before, node);
        state.learn(stored, node);
        state.margin = stored.explicit.saturating_sub(id).min(margin);
        Ok(())
    }

    /// An explicit value: later ids of this node are greater. Where it is alone, also those after a restart.
    pub async fn rebase(&self, client: &Client, id: u64) -> Result<()> {
        let next = id.saturating_add(1);
        self.announce(client, id).await?;
        if self.raise(id, next) {
            return Ok(());
        }
        let _one = self.writing.lock().await;
        if self.raise(id, next) {
            return Ok(());
        }
        self.state.lock().next = next;
        self.reserve(client, self.terms.step).await
    }

    /// True if nothing more is to be stored for ids to begin at `next`.
    fn raise(&self, explicit: u64, next: u64) -> bool {
        let mut state = self.state.lock();
        state.explicit = state.explicit.max(explicit);
        let in_hand = state.end > 0 && next <= state.end;
        if in_hand || self.terms.node.is_some() {
            state.next = state.next.max(next);
            return true;
        }
        false
    }

    /// Whether an explicit value that others wrote meanwhile may be one of the ids from `first` on that a statement got;
    /// `own` is the largest of the statement itself.
    pub async fn overtaken(&self, client: &Client, first: u64, own: u64) -> Result<bool> {
        self.refresh(client).await?;
        let explicit = self.state.lock().explicit;
        Ok(explicit >= first && explicit > own)
    }

    /// The id that comes next: here, where this node is alone; otherwise the first that no node has in hand.
    pub async fn peek(&self, client: &Client) -> Result<u64> {
        if self.terms.node.is_none() {
            let state = *self.state.lock();
            if state.end > 0 {
                return Ok(state.next.max(1));
            }
        }
        Ok(self.read(client).await?.map_or(self.terms.first, |stored| stored.next(self.terms.first)))
    }

    /// One transaction on the stored counter: `change` answers what to store, if anything, and what it found.
    async fn write<T>(
        &self,
        client: &Client,
        change: impl Fn(Stored) -> Result<(Option<Stored>, T)>,
    ) -> Result<T> {
        for _ in 0..ATTEMPTS_MAX {
            let mut transaction = client.begin(TransactionOptions::default()).await?;
            let stored = match transaction.get(&self.terms.key).await? {
                Some(bytes) => Stored::parse(&bytes)?,
                None => Stored { end: self.terms.first, ..Stored::default() },
            };
            let (changed, found) = change(stored)?;
            let Some(changed) = changed else {
                return Ok(found);
            };
            transaction.put(self.terms.key.clone(), changed.text());
            match transaction.commit().await {
                Ok(_) => return Ok(found),
                // Losing costs only ids: whatever happened to this attempt, the next one reads afresh.
                Err(StoreError::WriteConflict { .. } | StoreError::Undetermined { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::internal("could not reserve AUTO_INCREMENT values: too many conflicts"))
    }
}
