//! Scattering regions when somebody asks for it; [`crate::scheduler::Scattered`] decides where they go.

use crate::error::{Error, Result};
use crate::pd::Pd;

/// What became of the regions that were asked for.
#[derive(Debug, Default)]
pub(crate) struct ScatterOutcome {
    /// Those that move, or are well placed already.
    pub(crate) done: u64,
    /// The others, and why.
    pub(crate) failed: Vec<(u64, String)>,
}

impl ScatterOutcome {
    pub(crate) fn percentage(&self) -> u64 {
        let all = self.done + self.failed.len() as u64;
        (self.done * 100).checked_div(all).unwrap_or(100)
    }
}

impl Pd {
    /// Spreads regions over the stores. Those of a group are spread evenly; the empty name is a group too.
    pub(crate) fn scatter(&self, group: &str, region_ids: &[u64]) -> Result<ScatterOutcome> {
        self.look(|around| {
            let mut outcome = ScatterOutcome::default();
            for region_id in region_ids {
                let told = match self.cluster.region_by_id(*region_id) {
                    Ok(told) => told,
                    Err(error @ Error::RegionNotFound(_)) => {
                        outcome.failed.push((*region_id, error.to_string()));
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                let wanted = self.scattered.scatter(group, &told, around, &mut || self.new_id())?;
                let begun = wanted.and_then(|operator| match operator {
                    Some(operator) => self.begin(operator, &told, around.settings),
                    None => Ok(()),
                });
                match begun {
                    Ok(()) => outcome.done += 1,
                    Err(reason) => outcome.failed.push((*region_id, reason)),
                }
            }
            Ok(outcome)
        })
    }
}
