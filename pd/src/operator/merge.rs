//! The two operators of a merge, which begin and end together.

use super::Step;
use super::running::{End, Running};
use super::table::{Operators, State};
use crate::cluster::Told;

impl Operators {
    /// Ends merges that can not go on: the target is another one than was counted on, or the other half has ended.
    pub(crate) fn check_merges(&self, told: impl Fn(u64) -> Option<Told>, now_ms: u64) {
        let mut state = self.state.lock();
        let mut over = Vec::new();
        for (region_id, running) in &state.running {
            match running.operator.steps.last() {
                // The target tells first that the region is a part of it.
                Some(Step::Merge { .. }) if told(*region_id).is_none() => {
                    over.push((*region_id, End::Success));
                }
                Some(Step::Merge { target, .. })
                    if told(target.id).is_none_or(|now| now.region.epoch != target.epoch) =>
                {
                    over.push((*region_id, End::Cancelled("the target has changed".to_owned())));
                }
                Some(Step::TakeOver { source }) if !state.merges(source.id) && told(source.id).is_some() => {
                    over.push((*region_id, End::Cancelled("the merge has ended".to_owned())));
                }
                _ => {}
            }
        }
        for (region_id, end) in over {
            if let Some(running) = state.running.remove(&region_id) {
                state.end(running, end, now_ms);
            }
        }
    }
}

impl State {
    /// Whether a region is on its way into another one.
    fn merges(&self, region_id: u64) -> bool {
        let running = self.running.get(&region_id);
        running.is_some_and(|running| matches!(running.operator.steps.last(), Some(Step::Merge { .. })))
    }

    /// With the operator of a target that has taken over, that of the source has succeeded.
    pub(super) fn end_with_source(&mut self, ended: &Running, end: &End, now_ms: u64) {
        if let (Some(Step::TakeOver { source }), End::Success) = (ended.operator.steps.last(), end)
            && self.merges(source.id)
            && let Some(running) = self.running.remove(&source.id)
        {
            self.end(running, End::Success, now_ms);
        }
    }
}
