//! Reading a range in batches, forward or in reverse, across regions, with a transaction's own writes laid over it.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use rutile_kv_proto::endpoint::next_key;
use rutile_kv_proto::{Code, kvrpcpb};
use rutile_kv_types::KeyRange;

use super::Snapshot;
use crate::backoff::Backoff;
use crate::error::Result;
use crate::region::{CachedRegion, Repair};
use crate::replica_read::ReplicaRead;

const BATCH_DEFAULT: usize = 256;
const BATCH_MAX: usize = 10_240;
/// Pairs of the first request, when nobody knows how large they are.
const BATCH_FIRST: usize = 128;
/// What later requests shall bring; an answer that is too large for the network is no answer.
const BATCH_BYTES: usize = 4 << 20;

#[derive(Clone, Debug)]
pub struct ScanOptions {
    /// Pairs after which the scanner ends; `None` for all.
    pub limit: Option<usize>,
    /// From the end of the range to its start.
    pub reverse: bool,
    /// Leaves the values empty.
    pub key_only: bool,
    /// Pairs of one request, at most; large ones come fewer at a time.
    pub batch: usize,
}

impl Default for ScanOptions {
    fn default() -> ScanOptions {
        ScanOptions { limit: None, reverse: false, key_only: false, batch: BATCH_DEFAULT }
    }
}

/// Pairs of a range in order. Not cancellation-safe: after a dropped `next` it must not be used again.
pub struct Scanner {
    snapshot: Snapshot,
    options: ScanOptions,
    /// What the store was not asked for yet.
    rest: KeyRange,
    rest_done: bool,
    fetched: VecDeque<(Bytes, Bytes)>,
    /// Own writes in scan order; `None` deletes.
    own: VecDeque<(Bytes, Option<Bytes>)>,
    left: usize,
    /// Pairs of the next request.
    window: usize,
}

impl Scanner {
    pub(crate) fn new(
        snapshot: Snapshot,
        range: KeyRange,
        options: ScanOptions,
        own: Vec<(Bytes, Option<Bytes>)>,
    ) -> Scanner {
        let mut own = VecDeque::from(own);
        if options.reverse {
            own.make_contiguous().reverse();
        }
        let left = options.limit.unwrap_or(usize::MAX);
        let (rest_done, window) = (range.is_empty(), options.batch.clamp(1, BATCH_FIRST));
        Scanner { snapshot, options, rest: range, rest_done, fetched: VecDeque::new(), own, left, window }
    }

    /// The next pair; `None` at the end of the range or of the limit.
    pub async fn next(&mut self) -> Result<Option<(Bytes, Bytes)>> {
        if self.left == 0 {
            return Ok(None);
        }
        let found = self.next_merged().await?;
        if found.is_some() {
            self.left -= 1;
        }
        Ok(found)
    }

    async fn next_merged(&mut self) -> Result<Option<(Bytes, Bytes)>> {
        loop {
            while self.fetched.is_empty() && !self.rest_done {
                self.fetch().await?;
            }
            let own_first = match (self.own.front(), self.fetched.front()) {
                (None, _) => return Ok(self.fetched.pop_front()),
                (Some(_), None) => true,
                (Some((own, _)), Some((stored, _))) => {
                    let order = if self.options.reverse { stored.cmp(own) } else { own.cmp(stored) };
                    if order == Ordering::Equal {
                        self.fetched.pop_front();
                    }
                    order != Ordering::Greater
                }
            };
            if !own_first {
                return Ok(self.fetched.pop_front());
            }
            if let Some((key, Some(value))) = self.own.pop_front() {
                let value = if self.options.key_only { Bytes::new() } else { value };
                return Ok(Some((key, value)));
            }
        }
    }

    /// Reads one batch of one region.
    async fn fetch(&mut self) -> Result<()> {
        let core = Arc::clone(&self.snapshot.core);
        let mut backoff = Backoff::new("scan", core.config.retry_budget);
        loop {
            let region = if self.options.reverse {
                core.cache.locate_before(&self.rest.end).await?
            } else {
                core.cache.locate(&self.rest.start).await?
            };
            let Some(part) = self.rest.intersection(&region.range) else {
                // PD answered with a region it is about to replace.
                core.cache.invalidate(&region);
                let cause = "the region does not hold the key".to_owned();
                core.wait_for(&mut backoff, Repair::Later(cause)).await?;
                continue;
            };
            let limit = self.window.min(self.left.saturating_add(self.own.len()));
            let request = self.request(&region, &part, limit);
            if self.snapshot.replicas() != ReplicaRead::Leader
                && let Some(pairs) = self.pairs_of_follower(&region, request.clone()).await
            {
                self.take(part, pairs, limit);
                return Ok(());
            }
            let answer = region.service.kv_scan(request).await;
            if limit > 1 && answer.as_ref().is_err_and(|status| status.code == Code::OutOfRange) {
                // Larger than what may travel.
                self.window = limit / 8 + 1;
                continue;
            }
            let answer = match core.attempt(&region, std::future::ready(answer)).await {
                Ok(answer) => answer,
                Err(repair) => {
                    core.wait_for(&mut backoff, repair).await?;
                    continue;
                }
            };
            let mut locks = Vec::new();
            for error in
                answer.error.into_iter().chain(answer.pairs.iter().filter_map(|pair| pair.error.clone()))
            {
                locks.push(self.snapshot.lock_in(*error)?);
            }
            if locks.is_empty() {
                self.take(part, answer.pairs, limit);
                return Ok(());
            }
            self.snapshot.get_past(locks, &mut backoff).await?;
        }
    }

    /// What a follower answers, unless there are locks among it.
    async fn pairs_of_follower(
        &self,
        region: &CachedRegion,
        request: kvrpcpb::ScanRequest,
    ) -> Option<Vec<kvrpcpb::KvPair>> {
        let answer = self.snapshot.ask_follower(region, |service, context| async move {
            service.kv_scan(kvrpcpb::ScanRequest { context, ..request }).await
        });
        let answer: kvrpcpb::ScanResponse = answer.await?;
        let locked = answer.error.is_some() || answer.pairs.iter().any(|pair| pair.error.is_some());
        (!locked).then_some(answer.pairs)
    }

    fn request(&self, region: &CachedRegion, part: &KeyRange, limit: usize) -> kvrpcpb::ScanRequest {
        let (start_key, end_key) = if self.options.reverse {
            (part.end.clone(), part.start.clone())
        } else {
            (part.start.clone(), part.end.clone())
        };
        kvrpcpb::ScanRequest {
            context: self.snapshot.context(region),
            start_key,
            end_key,
            limit: limit as u32,
            version: self.snapshot.ts.into_inner(),
            key_only: self.options.key_only,
            reverse: self.options.reverse,
            sample_step: 0,
        }
    }

    /// The next request asks for more, as far as pairs of this size allow.
    fn widen(&mut self, pairs: &[kvrpcpb::KvPair]) {
        let bytes: usize = pairs.iter().map(|pair| pair.key.len() + pair.value.len()).sum();
        let fit = BATCH_BYTES.checked_div(bytes / pairs.len().max(1)).unwrap_or(BATCH_MAX);
        self.window = (self.window * 4).min(self.options.batch).min(fit).clamp(1, BATCH_MAX);
    }

    /// Keeps a batch and moves on: past its last key, or past the region when it held fewer than asked for.
    fn take(&mut self, part: KeyRange, pairs: Vec<kvrpcpb::KvPair>, limit: usize) {
        let region_done = pairs.len() < limit;
        self.widen(&pairs);
        self.fetched.extend(pairs.into_iter().map(|pair| (pair.key, pair.value)));
        let last = self.fetched.back().map(|(key, _)| key.clone()).filter(|_| !region_done);
        if self.options.reverse {
            let bound = last.unwrap_or(part.start);
            self.rest_done = bound <= self.rest.start;
            self.rest.end = bound;
        } else {
            match last {
                Some(last) => self.rest.start = next_key(&last),
                None if part.end.is_empty() => self.rest_done = true,
                None => self.rest.start = part.end,
            }
            self.rest_done |= self.rest.is_empty();
        }
    }
}
