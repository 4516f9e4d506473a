//! Numbers for monitoring: of the member, and of the cluster while it leads.

use super::Member;
use crate::cluster::STORE_STATES;

/// A number that rises and falls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gauge {
    pub name: String,
    pub help: &'static str,
    pub value: u64,
}

impl Member {
    /// What monitoring sees; the cluster's numbers are there on the leader only, so that a sum over members is right.
    pub fn gauges(&self) -> Vec<Gauge> {
        let mut gauges = Vec::new();
        let mut add = |name: String, help, value| gauges.push(Gauge { name, help, value });
        let reign = self.reign_now();
        add("is_leader".to_owned(), "1 on the member that leads", reign.is_some().into());
        let Some(reign) = reign else {
            return gauges;
        };
        let pd = &reign.pd;
        let roster = self.roster();
        add("members".to_owned(), "Members of the group", roster.members.len() as u64);
        // One that is alone hears of nobody.
        let healthy = if roster.members.len() < 2 { roster.members.len() } else { roster.healthy.len() };
        add("members_healthy".to_owned(), "Members that the leader heard of lately", healthy as u64);
        add("gc_safe_point_ms".to_owned(), "Versions before this time may be gone", pd.gc_safe_point_ms());
        add(
            "timestamps_end_ms".to_owned(),
            "Timestamps up to this time may have been given away",
            pd.timestamps_end_ms(),
        );
        add("regions".to_owned(), "Regions known to the placement driver", pd.region_count() as u64);
        add("operators".to_owned(), "Operators under way", pd.operators.running().len() as u64);
        // A storage that fails ends the reign; the page need not say it, too.
        let views = pd.cluster.store_views(pd.settings.get().max_store_down_time).unwrap_or_default();
        for state in STORE_STATES {
            let count = views.iter().filter(|view| view.state_name() == state).count();
            add(format!("stores_{}", state.to_lowercase()), "Stores in this state", count as u64);
        }
        gauges
    }
}
