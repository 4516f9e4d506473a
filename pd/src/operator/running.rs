//! An operator that is carried out.

use rutile_kv_env::Monotonic;
use rutile_kv_types::RegionEpoch;
use rutile_pd_client::RegionHeartbeat;

use super::{Operator, Step};

/// How an operator ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Success,
    Timeout,
    /// Another one mattered more.
    Replaced,
    /// And why.
    Cancelled(String),
}

#[derive(Clone, Debug)]
pub(crate) struct Running {
    pub(crate) operator: Operator,
    /// Index of the step that is carried out; below the number of steps.
    pub(crate) current: usize,
    pub(crate) created_ms: u64,
    pub(super) step_since: Monotonic,
    pub(super) sent: Option<Monotonic>,
    /// The region when it began.
    pub(crate) epoch: RegionEpoch,
    /// Data to move.
    pub(crate) bytes: u64,
}

/// One that is over.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) running: Running,
    pub(crate) end: End,
    pub(crate) ended_ms: u64,
}

impl Running {
    pub(super) fn new(operator: Operator, told: &RegionHeartbeat, now: Monotonic, now_ms: u64) -> Running {
        debug_assert!(!operator.steps.is_empty(), "an operator has steps");
        Running {
            operator,
            current: 0,
            created_ms: now_ms,
            step_since: now,
            sent: None,
            epoch: told.region.epoch,
            bytes: told.approximate_size_bytes,
        }
    }

    /// Goes over the steps that are done; how it ended if that was the last, or if it can not go on.
    pub(super) fn advance(&mut self, told: &RegionHeartbeat, now: Monotonic) -> Option<End> {
        loop {
            let Some(step) = self.operator.steps.get(self.current) else {
                return Some(End::Success);
            };
            if !step.is_done(told) {
                break;
            }
            self.current += 1;
            self.step_since = now;
            self.sent = None;
        }
        let made = self.operator.steps.iter().take(self.current + 1).map(Step::changes).sum::<u64>();
        if told.region.epoch.conf_ver > self.epoch.conf_ver + made {
            return Some(End::Cancelled("the members of the region were changed otherwise".to_owned()));
        }
        self.step()?.hindrance(told).map(End::Cancelled)
    }

    pub(crate) fn step(&self) -> Option<&Step> {
        self.operator.steps.get(self.current)
    }

    /// The steps that are not done yet.
    pub(super) fn to_come(&self) -> &[Step] {
        self.operator.steps.get(self.current..).unwrap_or_default()
    }
}
