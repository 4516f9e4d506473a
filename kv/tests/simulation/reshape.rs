//! Regions that are split and merged, as the nemesis wants it, by steps in PD's answers to region heartbeats.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use rutile_kv_env::{Clock, Random};
use rutile_kv_proto::pdpb::*;
use rutile_kv_proto::{PdService, Status};
use rutile_kv_types::Key;

use crate::world::World;

/// One change of one region.
#[derive(Clone, Debug)]
pub enum Reshape {
    MergeLeft,
    MergeRight,
    /// At user keys, or in the middle without any.
    Split(&'static [&'static str]),
}

impl Reshape {
    /// Puts the step into the answer to the heartbeat of a region; a region at the end of the key space has one neighbour.
    pub async fn put(
        self,
        pd: &dyn PdService,
        beat: &RegionHeartbeatRequest,
        answer: &mut RegionHeartbeatResponse,
    ) -> Result<(), Status> {
        let Some(region) = &beat.region else { return Ok(()) };
        let start_key = match &self {
            Reshape::MergeLeft if !region.start_key.is_empty() => Bytes::new(),
            Reshape::MergeRight if !region.end_key.is_empty() => region.end_key.clone(),
            Reshape::Split(keys) => {
                let keys: Vec<Bytes> =
                    keys.iter().map(|key| Key::from_raw(key.as_bytes()).into_encoded().into()).collect();
                let policy = if keys.is_empty() { CheckPolicy::Approximate } else { CheckPolicy::Usekey };
                let inside = |key: &Bytes| {
                    *key > region.start_key && (region.end_key.is_empty() || *key < region.end_key)
                };
                let keys: Vec<Bytes> = keys.into_iter().filter(inside).collect();
                if policy == CheckPolicy::Approximate || !keys.is_empty() {
                    answer.split_region = Some(SplitRegion { policy: policy as i32, keys });
                }
                return Ok(());
            }
            Reshape::MergeLeft | Reshape::MergeRight => return Ok(()),
        };
        let end_key = if let Reshape::MergeLeft = self { region.start_key.clone() } else { Bytes::new() };
        let header = beat.header.clone();
        let found = pd.scan_regions(ScanRegionsRequest { header, start_key, end_key, limit: 0 }).await?;
        let target = if let Reshape::MergeLeft = self { found.regions.last() } else { found.regions.first() };
        if let Some(target) = target.and_then(|found| found.region.clone()) {
            answer.merge = Some(Merge { target: Some(target) });
        }
        Ok(())
    }
}

/// The power often fails soon after a store has applied a step of a merge.
pub fn ambush(world: &World, at_rest: Arc<AtomicBool>) {
    let (nodes, random) = (world.nodes.clone(), world.simulation.env().random);
    world.simulation.listen(move |event| {
        let strikes = event.name.starts_with("raftstore::merge::") && random.one_in(4);
        if strikes && !at_rest.load(Ordering::SeqCst) {
            let struck = nodes.all().into_iter().find(|node| node.machine.id() == event.machine);
            struck.into_iter().for_each(|node| node.machine.power_off_before_effect(random.range(1..12)));
        }
    });
}

/// One move of the nemesis: a few splits and merges, half of the time while one store hears of nothing.
pub async fn strike(world: &World, random: &dyn Random, clock: &dyn Clock, keys: &'static [&'static str]) {
    let one = |_| match random.range(0..5) {
        0 | 1 => Reshape::Split(keys),
        2 | 3 => Reshape::MergeRight,
        _ => Reshape::MergeLeft,
    };
    world.pd.steering.reshape((0..random.range(1..12)).map(one).collect());
    let stores = world.nodes.all();
    let away = &stores[random.range(0..stores.len() as u64) as usize];
    let network = world.simulation.network();
    if random.one_in(2) {
        clock.sleep(Duration::from_millis(random.range(0..1_000))).await;
        for other in stores.iter().filter(|other| other.store_id != away.store_id) {
            network.cut(other.machine.id(), away.machine.id());
            network.cut(away.machine.id(), other.machine.id());
        }
        clock.sleep(Duration::from_millis(random.range(300..4_000))).await;
        return network.mend();
    }
    clock.sleep(Duration::from_millis(random.range(200..1_500))).await;
}
