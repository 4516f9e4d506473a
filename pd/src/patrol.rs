//! The patrol: looks at every region and at the whole cluster, over and over.
//!
//! Heartbeats make most things move: their answers carry the next steps. The patrol sees what no heartbeat tells, such as
//! a store that is new, down or to be emptied, runs the schedulers, ends operators that take too long, and sends the steps
//! of new ones at once.
//!
//! A PD that has just started knows regions and stores but not who leads and who is well. It looks only at regions whose
//! leaders have told since, and balances nothing before most have.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rutile_kv_env::Monotonic;
use rutile_kv_types::PeerRole;
use rutile_pd_client::{RegionHeartbeat, StoreState};

use crate::checker::{Merge, Neighbourhood, Surroundings, check_merge, check_region};
use crate::cluster::{StoreView, Told};
use crate::error::Result;
use crate::operator::{Kind, Operator, Step};
use crate::pd::Pd;
use crate::placement::Rules;
use crate::schedule_settings::ScheduleSettings;
use crate::scheduler::{State, View};
use crate::statistics::{Access, hot};

const PATROL_INTERVAL: Duration = Duration::from_millis(500);
/// Share of the time that a patrol of a large cluster may take, as one part in so many.
const PATROL_SHARE: u32 = 10;
/// Of so many in ten regions the leader must have told before anything is balanced.
const HEARD_TENTHS: usize = 8;

impl Pd {
    /// Ends when this member leads no more.
    pub(crate) async fn run_patrol(self: Arc<Self>) {
        while self.storage.leads() {
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
        self.look(|around| self.patrol_around(around))
    }

    /// Looks at the stores as they are, once for everything that is decided.
    pub(crate) fn look<T>(&self, decide: impl FnOnce(&Surroundings<'_>) -> Result<T>) -> Result<T> {
        let settings = self.settings.get();
        let stores = self.cluster.store_views(settings.max_store_down_time)?;
        let (rules, no_leaders) = (self.placement.rules(&settings), self.no_leaders());
        decide(&Surroundings { stores: &stores, settings: &settings, rules: &rules, no_leaders: &no_leaders })
    }

    fn patrol_around(&self, around: &Surroundings<'_>) -> Result<()> {
        let (now, now_ms) = (self.clock.now(), self.clock.unix_millis());
        let stores = around.stores;
        self.events.note_stores(now_ms, stores.iter().map(|view| (view.store.id, view.state_name())));
        self.moves.note(now, stores);
        let is_alive =
            |store_id| stores.iter().any(|view| view.store.id == store_id && view.telling_lately());
        self.operators.expire(is_alive, now, now_ms);
        self.operators.check_merges(|region_id| self.cluster.region_by_id(region_id).ok(), now_ms);
        let empty = |view: &&StoreView| view.store.state == StoreState::Offline && view.peers == 0;
        for view in stores.iter().filter(empty) {
            self.cluster.bury_store(view.store.id)?;
        }
        let regions = self.cluster.scan_regions(&[], &[], usize::MAX)?;
        self.note_hot(&regions, around.settings);
        self.check_all(&regions, around)?;
        self.check_merges(&regions, around)?;
        self.schedule(&regions, around)?;
        for region_id in self.operators.due(now) {
            if let Ok(told) = self.cluster.region_by_id(region_id)
                && let Some(step) = self.operators.advance(&told, now, now_ms)
            {
                self.push(&told, &step);
            }
        }
        Ok(())
    }

    fn check_all(&self, regions: &[Told], around: &Surroundings<'_>) -> Result<()> {
        let busy = self.operators.regions();
        for told in regions.iter().filter(|told| told.term != 0 && !busy.contains(&told.region.id)) {
            if let Some(operator) = check_region(told, around, &mut || self.new_id())? {
                // Within the limits, or in a later round.
                drop(self.begin(operator, told, around.settings));
            }
        }
        Ok(())
    }

    /// Merges what is small, of regions in key order.
    fn check_merges(&self, regions: &[Told], around: &Surroundings<'_>) -> Result<()> {
        let now = self.clock.now();
        let watched = self.cluster.watched_for();
        let mut busy = self.operators.regions();
        busy.extend(self.cluster.split_since(now, around.settings.split_merge_interval));
        for (n, told) in regions.iter().enumerate() {
            let left = n.checked_sub(1).and_then(|n| regions.get(n));
            let rests = |region_id: u64| !busy.contains(&region_id);
            let about = Neighbourhood { told, left, right: regions.get(n + 1), rests: &rests, watched };
            let Some(merge) = check_merge(&about, around, &mut || self.new_id())? else {
                continue;
            };
            busy.extend([merge.source.region_id, merge.target.region_id]);
            // Within the limits, or in a later round.
            drop(self.begin_merge(merge, around.settings));
        }
        Ok(())
    }

    /// Takes both operators of a merge, or says why not.
    pub(crate) fn begin_merge(
        &self,
        merge: Merge,
        settings: &ScheduleSettings,
    ) -> std::result::Result<(), String> {
        let told = |region_id| {
            self.cluster.region_by_id(region_id).map_err(|error: crate::error::Error| error.to_string())
        };
        let (source, target) = (told(merge.source.region_id)?, told(merge.target.region_id)?);
        self.begin(merge.source, &source, settings)?;
        self.begin(merge.target, &target, settings).inspect_err(|why| {
            self.operators.cancel(source.region.id, why, self.clock.unix_millis());
        })
    }

    fn schedule(&self, regions: &[Told], around: &Surroundings<'_>) -> Result<()> {
        let now = self.clock.now();
        let schedulers = self.schedulers.all(now);
        let heard = regions.iter().filter(|told| told.term != 0).count();
        let influence = self.operators.influence(|region_id| self.cluster.region_by_id(region_id).ok());
        let flows = self.flows.all();
        let mut view = View::new(around, regions, &influence, self.operators.regions())
            .with_flows(flows, self.flows.is_settled(now))
            .with_seed(self.random.next_u64());
        schedulers.iter().for_each(|kept| view.grant(kept.scheduler.granted()));
        for kept in schedulers.iter().filter(|kept| !kept.is_paused(now)) {
            let name = kept.scheduler.name();
            if heard * 10 < regions.len() * HEARD_TENTHS {
                let text = format!("{heard} of {} regions have been heard of", regions.len());
                self.schedulers.note(name, State::Pending(text));
                continue;
            }
            let wish = kept.scheduler.step(&mut view, &mut || self.new_id())?;
            if let Some(slow) = wish.slow {
                tracing::warn!(?slow, "slow stores changed");
                self.schedulers.set_slow(slow)?;
            }
            let mut state = State::Idle(wish.idle);
            for operator in wish.operators {
                let Ok(told) = self.cluster.region_by_id(operator.region_id) else {
                    continue;
                };
                let is_hot = operator.kind == Kind::Hot;
                match self.begin(operator, &told, around.settings) {
                    Ok(()) => {
                        state = State::Scheduling;
                        if is_hot {
                            self.flows.note_move(now);
                        }
                    }
                    Err(reason) if state != State::Scheduling => state = State::Pending(reason),
                    Err(_) => {}
                }
            }
            self.schedulers.note(name, state);
        }
        Ok(())
    }

    /// Forgets the traffic of regions that are gone, and notes what is hot.
    fn note_hot(&self, regions: &[Told], settings: &ScheduleSettings) {
        let (now, now_ms) = (self.clock.now(), self.clock.unix_millis());
        self.flows.forget(|region_id| self.cluster.region_by_id(region_id).is_ok(), now);
        self.history.note(now, now_ms, || {
            let flows = self.flows.all();
            let hot = |access| {
                let degree = settings.hot_region_cache_hits_threshold;
                let peers = hot::peers(regions, &flows, access, degree);
                peers.into_iter().map(move |peer| (access, peer))
            };
            hot(Access::Read).chain(hot(Access::Write)).collect()
        });
    }

    /// Stores that schedulers want to lead nothing.
    pub(crate) fn no_leaders(&self) -> BTreeSet<u64> {
        let all = self.schedulers.all(self.clock.now());
        all.iter().flat_map(|kept| kept.scheduler.evicted()).copied().collect()
    }

    /// Takes an operator, or says why not.
    pub(crate) fn begin(
        &self,
        operator: Operator,
        told: &RegionHeartbeat,
        settings: &ScheduleSettings,
    ) -> std::result::Result<(), String> {
        let per_minute = |store_id, direction| self.cluster.store_traits(store_id).limit(direction, settings);
        let (now, now_ms) = (self.clock.now(), self.clock.unix_millis());
        self.operators.add(operator, told, settings, &per_minute, now, now_ms)
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
        let rules = self.placement.rules(&settings);
        if !self.may_lack_something(beat, &rules) {
            return Ok(None);
        }
        let found = self.look(|around| check_region(beat, around, &mut || self.new_id()))?;
        let Some(operator) = found else {
            return Ok(None);
        };
        drop(self.begin(operator, beat, &settings));
        Ok(self.operators.advance(beat, self.clock.now(), now_ms))
    }

    /// Whether a look at all stores is worth it; silent stores are the patrol's.
    fn may_lack_something(&self, beat: &RegionHeartbeat, rules: &Rules) -> bool {
        let region = &beat.region;
        let applied = rules.at(&region.start_key);
        let wanted = |votes: bool| -> usize {
            applied.iter().filter(|rule| rule.role.votes() == votes).map(|rule| rule.count).sum()
        };
        let have = |role: PeerRole| region.peers.iter().filter(|peer| peer.role == role).count();
        have(PeerRole::Voter) != wanted(true)
            || have(PeerRole::Learner) != wanted(false)
            || region.peers.len() != wanted(true) + wanted(false)
            || region.peers.iter().any(|peer| self.cluster.is_offline(peer.store_id))
            || !rules.boundaries(&region.start_key, &region.end_key).is_empty()
    }

    pub(crate) fn new_id(&self) -> Result<u64> {
        self.ids.alloc(1).map(|granted| granted.start)
    }

    /// Seconds a paused scheduler waits and the like are told from now.
    pub(crate) fn now(&self) -> Monotonic {
        self.clock.now()
    }
}
