//! All operators: those under way by region, and the last of those that ended.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use parking_lot::Mutex;
use rutile_kv_env::Monotonic;
use rutile_pd_client::RegionHeartbeat;

use super::limit::{Direction, StoreLimits};
use super::running::{End, Ended, Running};
use super::{Kind, Operator, Step};
use crate::cluster::Told;
use crate::schedule_settings::ScheduleSettings;

/// Ended operators that can still be asked for.
const ENDED_MAX: usize = 256;
/// A step is repeated when its result does not show for so long.
const REPEAT_AFTER: Duration = Duration::from_secs(3);

#[derive(Default)]
pub(crate) struct Operators {
    pub(super) state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) running: BTreeMap<u64, Running>,
    ended: VecDeque<Ended>,
    limits: StoreLimits,
}

/// What operators under way will add to a store; negative when they take away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Influence {
    pub(crate) leaders: i64,
    pub(crate) peers: i64,
    pub(crate) bytes: i64,
}

impl Operators {
    /// Takes an operator for the region as told, or says why not. `per_minute` is the limit of a store.
    pub(crate) fn add(
        &self,
        operator: Operator,
        told: &RegionHeartbeat,
        settings: &ScheduleSettings,
        per_minute: &dyn Fn(u64, Direction) -> u64,
        now: Monotonic,
        now_ms: u64,
    ) -> Result<(), String> {
        let mut state = self.state.lock();
        let region_id = operator.region_id;
        if let Some(running) = state.running.get(&region_id)
            && operator.kind <= running.operator.kind
        {
            return Err(format!("region {region_id} has the operator {} already", running.operator.name));
        }
        let limit = match operator.kind {
            Kind::Leader => settings.leader_schedule_limit,
            Kind::Region => settings.region_schedule_limit,
            Kind::Hot => settings.hot_region_schedule_limit,
            // Two operators each.
            Kind::Merge => settings.merge_schedule_limit.saturating_mul(2),
            Kind::Replica => settings.replica_schedule_limit,
            Kind::Admin => u64::MAX,
        };
        let same = state.running.values().filter(|running| running.operator.kind == operator.kind).count();
        if same as u64 >= limit {
            return Err(format!("{limit} operators of kind {} are under way", operator.kind.name()));
        }
        if operator.kind != Kind::Admin {
            let bytes = told.approximate_size_bytes;
            let paid = state.limits.pay(&operator.steps, bytes, per_minute, now);
            paid.map_err(|store_id| format!("store {store_id} has reached its store limit"))?;
        }
        tracing::info!(region_id, name = operator.name, reason = operator.reason, "operator begins");
        let running = Running::new(operator, told, now, now_ms);
        if let Some(former) = state.running.insert(region_id, running) {
            state.end(former, End::Replaced, now_ms);
        }
        Ok(())
    }

    /// Takes notice of a heartbeat: the step to be done now, if the leader has to be asked.
    pub(crate) fn advance(&self, told: &RegionHeartbeat, now: Monotonic, now_ms: u64) -> Option<Step> {
        let mut state = self.state.lock();
        let region_id = told.region.id;
        let running = state.running.get_mut(&region_id)?;
        if let Some(end) = running.advance(told, now) {
            if let Some(running) = state.running.remove(&region_id) {
                state.end_with_source(&running, &end, now_ms);
                state.end(running, end, now_ms);
            }
            return None;
        }
        let step = running.step()?.clone();
        if step.is_under_way(told) {
            return None;
        }
        running.sent = Some(now);
        Some(step)
    }

    /// Regions whose step should be sent, for the first time or again.
    pub(crate) fn due(&self, now: Monotonic) -> Vec<u64> {
        let state = self.state.lock();
        let is_due =
            |running: &Running| running.sent.is_none_or(|sent| now.saturating_since(sent) >= REPEAT_AFTER);
        state.running.iter().filter(|(_, running)| is_due(running)).map(|(region_id, _)| *region_id).collect()
    }

    /// Ends what takes too long or waits for a store that is gone.
    pub(crate) fn expire(&self, is_alive: impl Fn(u64) -> bool, now: Monotonic, now_ms: u64) {
        let mut state = self.state.lock();
        let mut over = Vec::new();
        for (region_id, running) in &state.running {
            let Some(step) = running.step() else {
                continue;
            };
            if now.saturating_since(running.step_since) >= step.timeout() {
                over.push((*region_id, End::Timeout));
            } else if let Some(store_id) = step.needs().filter(|store_id| !is_alive(*store_id)) {
                over.push((*region_id, End::Cancelled(format!("store {store_id} does not report"))));
            }
        }
        for (region_id, end) in over {
            if let Some(running) = state.running.remove(&region_id) {
                state.end(running, end, now_ms);
            }
        }
    }

    /// Gives an operator up; false when there is none.
    pub(crate) fn cancel(&self, region_id: u64, why: &str, now_ms: u64) -> bool {
        let mut state = self.state.lock();
        let Some(running) = state.running.remove(&region_id) else {
            return false;
        };
        state.end(running, End::Cancelled(why.to_owned()), now_ms);
        true
    }

    pub(crate) fn running(&self) -> Vec<Running> {
        self.state.lock().running.values().cloned().collect()
    }

    pub(crate) fn regions(&self) -> BTreeSet<u64> {
        self.state.lock().running.keys().copied().collect()
    }

    /// The last that ended, newest first.
    pub(crate) fn ended(&self) -> Vec<Ended> {
        self.state.lock().ended.iter().rev().cloned().collect()
    }

    /// What is still to come, by store, of regions as they are told now.
    pub(crate) fn influence(&self, told: impl Fn(u64) -> Option<Told>) -> BTreeMap<u64, Influence> {
        let state = self.state.lock();
        let mut by_store: BTreeMap<u64, Influence> = BTreeMap::new();
        for (region_id, running) in &state.running {
            let bytes = i64::try_from(running.bytes).unwrap_or(i64::MAX);
            let Some(told) = told(*region_id) else {
                continue;
            };
            for step in running.to_come() {
                match step {
                    // One that is there already is counted as any peer.
                    Step::AddLearner(peer) if told.region.peer(peer.id).is_none() => {
                        let store = by_store.entry(peer.store_id).or_default();
                        store.peers += 1;
                        store.bytes += bytes;
                    }
                    Step::Remove(peer) => {
                        let store = by_store.entry(peer.store_id).or_default();
                        store.peers -= 1;
                        store.bytes -= bytes;
                    }
                    Step::TransferLeader(peer) => {
                        by_store.entry(peer.store_id).or_default().leaders += 1;
                        if let Some(from) = &told.leader {
                            by_store.entry(from.store_id).or_default().leaders -= 1;
                        }
                    }
                    Step::AddLearner(_)
                    | Step::Promote(_)
                    | Step::Swap { .. }
                    | Step::LeaveJoint
                    | Step::Split { .. }
                    | Step::Merge { .. }
                    | Step::TakeOver { .. } => {}
                }
            }
        }
        by_store
    }
}

impl State {
    pub(super) fn end(&mut self, running: Running, end: End, now_ms: u64) {
        let (region_id, name) = (running.operator.region_id, running.operator.name);
        tracing::info!(region_id, name, ?end, "operator ended");
        if self.ended.len() == ENDED_MAX {
            self.ended.pop_front();
        }
        self.ended.push_back(Ended { running, end, ended_ms: now_ms });
    }
}
