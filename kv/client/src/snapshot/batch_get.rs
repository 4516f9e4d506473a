//! Reading several keys: one request for each region, at the same time.

use std::collections::HashMap;

use bytes::Bytes;
use futures::StreamExt;
use rutile_kv_proto::kvrpcpb;

use super::Snapshot;
use crate::backoff::Backoff;
use crate::error::Result;
use crate::region::{Group, Repair};
use crate::replica_read::ReplicaRead;

/// Bytes of keys in one request.
const REQUEST_BYTES_MAX: usize = 64 << 10;

enum Part {
    Read(Vec<kvrpcpb::KvPair>),
    Failed { items: Vec<usize>, repair: Repair },
}

impl Snapshot {
    /// Values of those keys that exist.
    pub async fn batch_get(&self, keys: &[Bytes]) -> Result<HashMap<Bytes, Bytes>> {
        let mut pending: Vec<Bytes> = keys.to_vec();
        pending.sort_unstable();
        pending.dedup();
        let mut found = HashMap::with_capacity(pending.len());
        let mut backoff = Backoff::new("batch get", self.core.config.retry_budget);
        while !pending.is_empty() {
            let keys = std::mem::take(&mut pending);
            // A list and not an iterator: a borrowing closure held over the await would keep this future from
            // being Send (rust-lang/rust#102211).
            let items: Vec<(usize, &[u8], usize)> =
                keys.iter().enumerate().map(|(item, key)| (item, key.as_ref(), key.len())).collect();
            let groups = self.core.group(items, REQUEST_BYTES_MAX).await?;
            let reads = groups.into_iter().map(|group| self.read_group(&keys, group));
            let parts: Vec<Result<Part>> =
                futures::stream::iter(reads).buffer_unordered(self.core.config.concurrency).collect().await;
            let (mut locks, mut repairs) = (Vec::new(), Vec::new());
            for part in parts {
                match part? {
                    Part::Read(pairs) => {
                        for pair in pairs {
                            match pair.error {
                                None => drop(found.insert(pair.key, pair.value)),
                                Some(error) => {
                                    let lock = self.lock_in(*error)?;
                                    pending.push(lock.key.clone());
                                    locks.push(lock);
                                }
                            }
                        }
                    }
                    Part::Failed { items, repair } => {
                        pending.extend(items.into_iter().filter_map(|item| keys.get(item).cloned()));
                        repairs.push(repair);
                    }
                }
            }
            pending.sort_unstable();
            for repair in repairs {
                self.core.wait_for(&mut backoff, repair).await?;
            }
            if !locks.is_empty() {
                self.get_past(locks, &mut backoff).await?;
            }
        }
        Ok(found)
    }

    async fn read_group(&self, keys: &[Bytes], group: Group) -> Result<Part> {
        let request = kvrpcpb::BatchGetRequest {
            context: self.context(&group.region),
            keys: group.items.iter().filter_map(|item| keys.get(*item).cloned()).collect(),
            version: self.ts.into_inner(),
        };
        if self.replicas() != ReplicaRead::Leader {
            let request = request.clone();
            let answer = self.ask_follower(&group.region, |service, context| async move {
                service.kv_batch_get(kvrpcpb::BatchGetRequest { context, ..request }).await
            });
            if let Some(kvrpcpb::BatchGetResponse { error: None, pairs, .. }) = answer.await {
                return Ok(Part::Read(pairs));
            }
        }
        match self.core.attempt(&group.region, group.region.service.kv_batch_get(request)).await {
            Err(repair) => Ok(Part::Failed { items: group.items, repair }),
            Ok(answer) => match answer.error {
                // A lock of the whole request (in memory at the store): its key stands for the group.
                Some(error) if answer.pairs.is_empty() => {
                    let mut backoff = Backoff::new("batch get", self.core.config.retry_budget);
                    let lock = self.lock_in(*error)?;
                    self.get_past(vec![lock], &mut backoff).await?;
                    let cause = "a key was locked".to_owned();
                    Ok(Part::Failed { items: group.items, repair: Repair::Now(cause) })
                }
                _ => Ok(Part::Read(answer.pairs)),
            },
        }
    }
}
