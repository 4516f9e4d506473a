//! The patrol: looks at every region and at the whole cluster, over and over.
//!
//! Heartbeats make most things move: their answers carry the next steps. The patrol sees what no heartbeat tells, such as
//! a store that is new, down or to be emptied, runs the schedulers, ends operators that take too long, and sends the steps
//! of new ones at once.
//!
//! A PD that has just started knows regions and stores but not who leads and who is well. It looks only at regions whose
//! leaders have told since, and balances nothing before most have.

use std::sync::Arc;
use std::time::Duration;

use rutile_kv_env::Monotonic;
use rutile_pd_client::{RegionHeartbeat, StoreState};

use crate::checker::{Surroundings, check_replicas};
use crate::cluster::{StoreView, Told};
use crate::error::Result;
use crate::operator::{Operator, Step};
use crate::pd::Pd;
use crate::schedule_settings::ScheduleSettings;
use crate::scheduler::{State, View};

const PATROL_INTERVAL: Duration = Duration::from_millis(500);
/// Share of the time that a patrol of a large cluster may take, as one part in so many.
const PATROL_SHARE: u32 = 10;
/// Of so many in ten regions the leader must have told before anything is balanced.
const HEARD_TENTHS: usize = 8;

impl Pd {
    /// The loop of the task; ends by being aborted.
    pub async fn run_patrol(self: Arc<Self>) {
        loop {
            let started = self.clock.now();
            if let Err(error) = self.patrol() {
                tracing::warn!(%error, "patrol failed");
            }
            let took = self.clock.now().saturating_since(started);
            self.clock.sleep(PATROL_INTERVAL.max(took * PATROL_SHARE)).await;
        }
    }

    /// One round.
    pub(crate) fn patrol(&self) -> Result<()> {
        if !self.cluster.is_bootstrapped() {
            return Ok(());
        }
        let settings = self.settings.get();
        let (now, now_ms) = (self.clock.now(), self.clock.unix_millis());
        let stores = self.cluster.store_views(settings.max_store_down_time)?;
        let is_alive =
            |store_id| stores.iter().any(|view| view.store.id == store_id && view.telling_lately());
        self.operators.expire(is_alive, now, now_ms);
        let empty = |view: &&StoreView| view.store.state == StoreState::Offline && view.peers == 0;
        for view in stores.iter().filter(empty) {
            self.cluster.bury_store(view.store.id)?;
        }
        let regions = self.cluster.scan_regions(&[], &[], usize::MAX)?;
        self.check_all(&regions, &stores, &settings)?;
        self.schedule(&regions, &stores, &settings)?;
        for region_id in self.operators.due(now) {
            if let Ok(told) = self.cluster.region_by_id(region_id)
                && let Some(step) = self.operators.advance(&told, now, now_ms)
            {
                self.push(&told, &step);
            }
        }
        Ok(())
    }

    fn check_all(&self, regions: &[Told], stores: &[StoreView], settings: &ScheduleSettings) -> Result<()> {
        let busy = self.operators.regions();
        let around = Surroundings { stores, settings };
        for told in regions.iter().filter(|told| told.term != 0 && !busy.contains(&told.region.id)) {
            if let Some(operator) = check_replicas(told, &around, &mut || self.new_id())? {
                // Within the limits, or in a later round.
                drop(self.begin(operator, told, settings));
            }
        }
        Ok(())
    }

    fn schedule(&self, regions: &[Told], stores: &[StoreView], settings: &ScheduleSettings) -> Result<()> {
        let now = self.clock.now();
        let schedulers = self.schedulers.all(now);
        let heard = regions.iter().filter(|told| told.term != 0).count();
        let influence = self.operators.influence(|region_id| self.cluster.region_by_id(region_id).ok());
        let mut view = View::new(stores, regions, &influence, self.operators.regions(), settings);
        for kept in &schedulers {
            view.ban_leaders(kept.scheduler.evicted());
        }
        for kept in schedulers.iter().filter(|kept| !kept.is_paused(now)) {
            let name = kept.scheduler.name();
            if heard * 10 < regions.len() * HEARD_TENTHS {
                let text = format!("{heard} of {} regions have been heard of", regions.len());
                self.schedulers.note(name, State::Pending(text));
                continue;
            }
            let wish = kept.scheduler.step(&mut view, &mut || self.new_id())?;
            let mut state = State::Idle(wish.idle.to_owned());
            for operator in wish.operators {
                let Ok(told) = self.cluster.region_by_id(operator.region_id) else {
                    continue;
                };
                match self.begin(operator, &told, settings) {
                    Ok(()) => state = State::Scheduling,
                    Err(reason) if state != State::Scheduling => state = State::Pending(reason),
                    Err(_) => {}
                }
            }
            self.schedulers.note(name, state);
        }
        Ok(())
    }

    /// Takes an operator, or says why not.
    pub(crate) fn begin(
        &self,
        operator: Operator,
        told: &RegionHeartbeat,
        settings: &ScheduleSettings,
    ) -> std::result::Result<(), String> {
        self.operators.add(operator, told, settings, self.clock.now(), self.clock.unix_millis())
    }

    /// The step that the answer to a heartbeat carries.
    pub(crate) fn next_step(&self, beat: &RegionHeartbeat) -> Result<Option<Step>> {
        let (now, now_ms) = (self.clock.now(), self.clock.unix_millis());
        let region_id = beat.region.id;
        let step = self.operators.advance(beat, now, now_ms);
        if step.is_some() || self.operators.regions().contains(&region_id) {
            return Ok(step);
        }
        let settings = self.settings.get();
        if !self.may_lack_something(beat, &settings) {
            return Ok(None);
        }
        let stores = self.cluster.store_views(settings.max_store_down_time)?;
        let around = Surroundings { stores: &stores, settings: &settings };
        let Some(operator) = check_replicas(beat, &around, &mut || self.new_id())? else {
            return Ok(None);
        };
        drop(self.begin(operator, beat, &settings));
        Ok(self.operators.advance(beat, self.clock.now(), now_ms))
    }

    /// Whether a look at all stores is worth it; silent stores are the patrol's.
    fn may_lack_something(&self, beat: &RegionHeartbeat, settings: &ScheduleSettings) -> bool {
        let peers = &beat.region.peers;
        peers.len() as u64 != settings.max_replicas
            || peers.iter().any(|peer| {
                peer.role != rutile_kv_types::PeerRole::Voter || self.cluster.is_offline(peer.store_id)
            })
    }

    pub(crate) fn new_id(&self) -> Result<u64> {
        self.ids.alloc(1).map(|granted| granted.start)
    }

    /// Seconds a paused scheduler waits and the like are told from now.
    pub(crate) fn now(&self) -> Monotonic {
        self.clock.now()
    }
}
