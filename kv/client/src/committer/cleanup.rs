//! After the verdict: committing secondaries, or removing locks, in the background.
//!
//! Nothing here changes the outcome. What fails is left to the next reader, which finds the lock and asks the primary.

use std::sync::Arc;

use rutile_kv_proto::kvrpcpb;
use rutile_kv_types::TimeStamp;

use super::shell::Shared;
use crate::backoff::Backoff;
use crate::error::{Error, Result};
use crate::region::Group;

pub(super) async fn commit_secondaries(shared: &Arc<Shared>, indexes: Vec<usize>, commit_ts: TimeStamp) {
    shared.core.resolver.committed(shared.start_ts, commit_ts);
    sweep(shared, "commit secondaries", indexes, Sweep::Commit(commit_ts)).await;
}

pub(super) async fn roll_back(shared: &Arc<Shared>) {
    let all = (0..shared.mutations.len()).collect();
    sweep(shared, "roll back", all, Sweep::RollBack).await;
}

#[derive(Clone, Copy)]
enum Sweep {
    Commit(TimeStamp),
    RollBack,
}

async fn sweep(shared: &Arc<Shared>, name: &'static str, indexes: Vec<usize>, kind: Sweep) {
    let work = Arc::clone(shared);
    let work = async move {
        rutile_kv_env::failpoint!("client::commit::before_sweep");
        if let Err(error) = work.sweep_all(name, indexes, kind).await {
            tracing::warn!(start_ts = work.start_ts.into_inner(), %error, "{name} was left to the readers");
        }
    };
    shared.core.background.run(&shared.core.env, name, Box::pin(work)).await;
}

impl Shared {
    async fn sweep_all(&self, name: &'static str, mut indexes: Vec<usize>, kind: Sweep) -> Result<()> {
        let mut backoff = Backoff::new(name, self.core.config.retry_budget);
        while !indexes.is_empty() {
            let items = self.mutations.items(&indexes);
            let groups = self.core.group(items, self.core.config.batch_bytes_max).await?;
            let mut again = Vec::new();
            for group in groups {
                let outcome = self.sweep_group(&group, kind).await;
                match outcome {
                    Ok(()) => {}
                    Err(repair) => {
                        self.core.wait_for(&mut backoff, repair).await?;
                        again.extend(group.items);
                    }
                }
            }
            indexes = again;
        }
        Ok(())
    }

    async fn sweep_group(
        &self,
        group: &Group,
        kind: Sweep,
    ) -> std::result::Result<(), crate::region::Repair> {
        let keys = self.mutations.locking_keys(&group.items);
        let (context, start_version) = (group.region.context(), self.start_ts.into_inner());
        let service = &group.region.service;
        let error = match kind {
            Sweep::Commit(commit_ts) => {
                let commit_version = commit_ts.into_inner();
                let request = kvrpcpb::CommitRequest { context, start_version, keys, commit_version };
                self.core.attempt(&group.region, service.kv_commit(request)).await?.error
            }
            Sweep::RollBack => {
                let request = kvrpcpb::BatchRollbackRequest { context, start_version, keys };
                self.core.attempt(&group.region, service.kv_batch_rollback(request)).await?.error
            }
        };
        match error {
            None => Ok(()),
            Some(error) => Err(crate::region::Repair::Fatal(Error::from_key_error(*error, self.start_ts))),
        }
    }
}
