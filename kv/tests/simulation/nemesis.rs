//! What goes wrong, and how it is made good again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rutile_kv_env::{Clock, Machine, NetworkFaults, Random};

use crate::raft_checker::RaftChecker;
use crate::world::{StoreNode, World};
use crate::{lull, membership, reshape};

/// Pauses between faults.
const CALM_MS: std::ops::Range<u64> = 100..2_500;
/// How long a machine stands still: longer than a lease, an election and most locks.
const FROZEN_MS: std::ops::Range<u64> = 100..5_000;
/// How often, and for how long, the nemesis waits for what it asked of PD.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
const LOOKS_MAX: usize = 60;
/// How long a machine stays off.
const OFF_MS: std::ops::Range<u64> = 20..4_000;

/// What else may be struck besides stores and the ways between machines.
#[derive(Clone, Default)]
pub struct Faults {
    /// PD loses its power and its ways too, and its wall clock jumps.
    pub pd: bool,
    /// Clients lose their power too; this starts one again.
    pub start_client: Option<StartClient>,
    /// Nothing else happens but that the first store is made the leader and cut off.
    pub first_leads: bool,
    /// Nothing else happens but that leadership moves, while requests are slow to arrive.
    pub leaders_move: bool,
    /// Nothing else happens but that regions move between stores, which often lose power when they are told that they
    /// hold one no longer.
    pub members_move: bool,
    /// Half of what happens is that regions are split and merged: at these keys, or in the middle without any.
    pub merges: Option<&'static [&'static str]>,
    /// Regions may sleep, and half of what happens, happens to those that do.
    pub sleeps: bool,
    /// Nothing else happens.
    pub only_lulls: bool,
}

pub type StartClient = Arc<dyn Fn(&Machine) + Send + Sync>;

pub struct Nemesis {
    world: World,
    faults: Faults,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
    checker: RaftChecker,
    /// Everybody loses power soon after the next election.
    ambush: Arc<AtomicBool>,
    count: u64,
}

impl Nemesis {
    pub fn new(world: &World, faults: Faults, checker: &RaftChecker) -> Nemesis {
        let env = world.simulation.env();
        let ambush = Arc::new(AtomicBool::new(false));
        let (nodes, armed, random) = (world.nodes.clone(), ambush.clone(), env.random.clone());
        world.simulation.listen(move |event| {
            if event.name == "raftstore::ready::leads" && armed.swap(false, Ordering::SeqCst) {
                let fail = |node: &Arc<StoreNode>| node.machine.power_off_before_effect(random.range(1..12));
                nodes.all().iter().for_each(fail);
            }
        });
        membership::ambush(world);
        if faults.members_move {
            membership::ambush_the_removed(world);
        }
        if faults.merges.is_some() {
            reshape::ambush(world, world.pd.steering.at_rest.clone());
        }
        let (random, clock, checker) = (env.random, env.clock, checker.clone());
        Nemesis { world: world.clone(), faults, random, clock, checker, ambush, count: 0 }
    }

    /// Makes trouble for a while, then heals everything. Answers the number of faults.
    pub async fn run(mut self, duration: Duration) -> u64 {
        let end = self.clock.now() + duration;
        while self.clock.now() < end {
            self.pause(CALM_MS).await;
            // Some were ambushed.
            self.world.nodes.all().iter().for_each(|node| self.restore(node));
            self.strike().await;
            self.count += 1;
        }
        self.heal().await;
        self.count
    }

    async fn pause(&self, range_ms: std::ops::Range<u64>) {
        self.clock.sleep(Duration::from_millis(self.random.range(range_ms))).await;
    }

    async fn strike(&mut self) {
        if self.faults.first_leads {
            return self.cut_first_off().await;
        }
        if self.faults.members_move {
            return membership::strike(&self.world, &*self.random, &*self.clock).await;
        }
        if self.faults.leaders_move {
            return self.move_leaders().await;
        }
        if let Some(keys) = self.faults.merges
            && self.random.one_in(2)
        {
            return reshape::strike(&self.world, &*self.random, &*self.clock, keys).await;
        }
        if self.faults.only_lulls || self.faults.sleeps && self.random.one_in(2) {
            return lull::strike(&self.world, &*self.random, &*self.clock, self.leader()).await;
        }
        match self.random.range(0..30) {
            0 | 1 => self.crash_one().await,
            2 | 3 => self.crash_in_the_middle().await,
            4 => self.crash_some().await,
            5 => self.isolate(true),
            6 => self.isolate(false),
            7 => self.cut_at_random(),
            8 => self.world.simulation.network().mend(),
            9 => self.worsen_network(),
            10 | 17 if self.faults.pd => self.trouble_pd().await,
            11 => self.crash_client().await,
            12 => self.isolate_leader(500..5_000).await,
            13..=15 => self.usurp().await,
            16 => self.crash_at_election().await,
            18..=27 => membership::strike(&self.world, &*self.random, &*self.clock).await,
            28 => self.freeze_leader().await,
            29 => self.freeze_any().await,
            _ => self.world.simulation.network().mend(),
        }
    }

    fn some_store(&self) -> Arc<StoreNode> {
        let all = self.world.nodes.all();
        all[self.random.range(0..all.len() as u64) as usize].clone()
    }

    async fn crash_one(&mut self) {
        let node = self.some_store();
        node.machine.power_off();
        self.pause(OFF_MS).await;
        self.restore(&node);
    }

    /// The power fails before one of the next effects: between an append and its sync, or its acknowledgement.
    async fn crash_in_the_middle(&mut self) {
        let node = self.some_store();
        node.machine.power_off_before_effect(self.random.range(1..120));
        self.pause(OFF_MS).await;
        self.restore(&node);
    }

    /// Several at once, maybe all.
    async fn crash_some(&mut self) {
        let all = self.world.nodes.all();
        let everyone = self.random.one_in(2);
        let struck: Vec<_> = all.into_iter().filter(|_| everyone || self.random.one_in(2)).collect();
        struck.iter().for_each(|node| node.machine.power_off());
        self.pause(OFF_MS).await;
        struck.iter().for_each(|node| self.restore(node));
    }

    fn restore(&self, node: &Arc<StoreNode>) {
        node.machine.keep_power();
        if !node.machine.is_on() {
            self.world.start_store(node);
        }
    }

    /// One store from the other stores, both ways or one; half of the time from clients too.
    fn isolate(&self, both_ways: bool) {
        let network = self.world.simulation.network();
        let one = self.some_store().machine.id();
        let outward = self.random.one_in(2);
        let mut others: Vec<u64> = self.world.nodes.all().iter().map(|node| node.machine.id()).collect();
        if self.random.one_in(2) {
            others.extend(self.world.clients.iter().map(|machine| machine.id()));
        }
        for other in others.into_iter().filter(|other| *other != one) {
            if both_ways || outward {
                network.cut(one, other);
            }
            if both_ways || !outward {
                network.cut(other, one);
            }
        }
    }

    fn cut_both_ways(&self, one: u64, other: u64) {
        self.world.simulation.network().cut(one, other);
        self.world.simulation.network().cut(other, one);
    }

    /// The leader's machine, or any.
    fn leader(&self) -> u64 {
        self.checker.last_leader().unwrap_or_else(|| self.some_store().machine.id())
    }

    /// The leader can not reach the other stores, but clients can reach it.
    async fn isolate_leader(&self, for_ms: std::ops::Range<u64>) {
        let leader = self.leader();
        for node in self.world.nodes.all().iter().filter(|node| node.machine.id() != leader) {
            self.cut_both_ways(leader, node.machine.id());
        }
        self.pause(for_ms).await;
    }

    /// While nobody writes, one store is away until it wants to lead; then the leader is cut off, and all others
    /// restart in no time: they must not have forgotten that they gave the leader a lease.
    async fn usurp(&self) {
        let leader = self.leader();
        let others: Vec<_> =
            self.world.nodes.all().into_iter().filter(|node| node.machine.id() != leader).collect();
        let Some((usurper, voters)) = others.split_last() else { return };
        self.world.simulation.network().mend();
        for client in &self.world.clients {
            self.world.nodes.all().iter().for_each(|node| self.cut_both_ways(client.id(), node.machine.id()));
        }
        self.pause(300..600).await;
        self.cut_both_ways(usurper.machine.id(), leader);
        voters.iter().for_each(|voter| self.cut_both_ways(usurper.machine.id(), voter.machine.id()));
        self.pause(2_000..3_500).await;
        self.world.simulation.network().mend();
        others.iter().for_each(|other| self.cut_both_ways(other.machine.id(), leader));
        for voter in voters {
            voter.machine.power_off();
            self.restore(voter);
        }
        self.pause(500..2_000).await;
    }

    /// An election, and everybody loses power before the new leader's first entry is safe.
    async fn crash_at_election(&self) {
        self.world.simulation.network().mend();
        self.ambush.store(true, Ordering::SeqCst);
        let leader = self.world.nodes.all().into_iter().find(|node| node.machine.id() == self.leader());
        if let Some(node) = &leader {
            node.machine.power_off();
        }
        self.pause(1_500..3_000).await;
        self.ambush.store(false, Ordering::SeqCst);
        self.world.nodes.all().iter().for_each(|node| self.restore(node));
    }

    fn cut_at_random(&self) {
        let mut ids: Vec<u64> = self.world.nodes.all().iter().map(|node| node.machine.id()).collect();
        ids.extend(self.world.clients.iter().map(|machine| machine.id()));
        for from in &ids {
            for to in &ids {
                if from != to && self.random.one_in(4) {
                    self.world.simulation.network().cut(*from, *to);
                }
            }
        }
    }

    fn worsen_network(&self) {
        let faults = NetworkFaults {
            lost_permille: [0, 20, 20, 100][self.random.range(0..4) as usize],
            repeated_permille: [0, 10, 50][self.random.range(0..3) as usize],
            delay_us: 100..self.random.range(500..5_000),
            slow_permille: self.random.range(0..50),
            slow_us: 1_000..self.random.range(10_000..400_000),
        };
        self.world.simulation.network().set_faults(faults);
    }

    async fn trouble_pd(&mut self) {
        match self.random.range(0..3) {
            0 => {
                if self.random.one_in(2) {
                    self.world.simulation.clock().jump_wall(-5_000_000);
                }
                self.world.pd.machine.power_off();
                self.pause(OFF_MS).await;
                self.world.pd.start();
            }
            1 => {
                let (network, pd) = (self.world.simulation.network(), self.world.pd.machine.id());
                let store = self.some_store().machine.id();
                network.cut(store, pd);
                network.cut(pd, store);
            }
            _ => {
                let jump = [-3_600_000_000, -500_000, 500_000, 86_400_000_000];
                self.world.simulation.clock().jump_wall(jump[self.random.range(0..4) as usize]);
            }
        }
    }

    /// A client dies, at once or before it sends one of its next messages: after any step of a commit.
    async fn crash_client(&self) {
        let Some(start) = &self.faults.start_client else { return };
        let clients = &self.world.clients;
        let client = &clients[self.random.range(0..clients.len() as u64) as usize];
        if self.random.one_in(2) {
            client.power_off_before_effect(self.random.range(1..40));
            self.pause(OFF_MS).await;
        }
        client.power_off();
        self.pause(OFF_MS).await;
        start(client);
    }

    async fn cut_first_off(&self) {
        let Some(first) = self.world.nodes.all().first().cloned() else { return };
        self.world.pd.steering.lead_on(first.store_id);
        for _ in 0..LOOKS_MAX {
            self.clock.sleep(LOOK_AGAIN).await;
            if self.checker.last_leader() == Some(first.machine.id()) {
                // Time to take a lease, and for clients to come.
                self.pause(500..1_000).await;
                self.isolate_leader(1_000..2_000).await;
                break;
            }
        }
        self.world.simulation.network().mend();
    }

    async fn move_leaders(&self) {
        let faults = NetworkFaults { slow_permille: 300, slow_us: 1_000..200_000, ..NetworkFaults::none() };
        self.world.simulation.network().set_faults(faults);
        for _ in 0..self.random.range(1..20) {
            self.world.pd.steering.lead_on(self.some_store().store_id);
            self.pause(50..500).await;
        }
    }

    async fn freeze(&self, machine: &Machine) {
        machine.freeze();
        self.pause(FROZEN_MS).await;
        machine.thaw();
    }

    /// The leader stands still past its lease, with reads and writes under way.
    async fn freeze_leader(&self) {
        let leader = self.leader();
        if let Some(node) = self.world.nodes.all().iter().find(|node| node.machine.id() == leader) {
            self.freeze(&node.machine).await;
        }
    }

    /// Any store, PD, or a client.
    async fn freeze_any(&self) {
        let mut machines: Vec<Machine> =
            self.world.nodes.all().iter().map(|node| node.machine.clone()).collect();
        if self.faults.pd {
            machines.push(self.world.pd.machine.clone());
        }
        if self.faults.start_client.is_some() {
            machines.extend(self.world.clients.iter().cloned());
        }
        self.freeze(&machines[self.random.range(0..machines.len() as u64) as usize]).await;
    }

    async fn heal(&self) {
        self.world.simulation.set_rare_turns(false);
        self.world.pd.steering.rest();
        self.world.simulation.network().mend();
        self.world.simulation.network().set_faults(NetworkFaults::none());
        if !self.world.pd.machine.is_on() {
            self.world.pd.start();
        }
        self.world.nodes.all().iter().for_each(|node| self.restore(node));
    }
}
