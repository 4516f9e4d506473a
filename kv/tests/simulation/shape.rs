//! What varies from run to run besides the faults, all drawn from the seed.
//!
//! Few things are on in one run, and many in all: a bug that needs a small region and no one-phase commit does not
//! hide behind the average (Groce and others, "Swarm Testing", ISSTA 2012).

use std::time::Duration;

use rutile_kv::Config;
use rutile_kv_client::ClientConfig;
use rutile_kv_env::Random;

use crate::checker::append::Model;
use crate::session::Style;
use crate::workload::{Bank, Counters, Inserts, ListAppend, Registers, Skew, Workload};

#[derive(Clone, Debug)]
pub struct Shape {
    pub stores: u64,
    pub clients: u64,
    pub config: Config,
    pub client_config: ClientConfig,
    /// Clients ask for splits.
    pub splits: bool,
    /// Paces of the stores' clocks, in parts per million.
    pub paces_ppm: Vec<u64>,
    /// How transactions read what they write on.
    pub styles: Vec<Style>,
}

fn one_of<T: Copy>(random: &dyn Random, choices: &[T]) -> T {
    choices[random.range(0..choices.len() as u64) as usize]
}

impl Shape {
    /// Three or five stores with clocks of their own, and everything small enough to happen often.
    pub fn of_raft(random: &dyn Random) -> Shape {
        let stores = one_of(random, &[3, 3, 5]);
        let raft_log_gc_bytes = one_of(random, &[2 << 10, 16 << 10, 1 << 20]);
        Shape {
            stores,
            clients: 1,
            config: Config {
                raft_log_gc_bytes,
                stale_peer_interval: Duration::from_millis(random.range(3_000..8_000)),
                raft_log_lag_max: random.range(5..100),
                region_heartbeat_interval: Duration::from_millis(random.range(100..1_000)),
                ..Config::default()
            },
            client_config: ClientConfig::default(),
            splits: false,
            paces_ppm: (0..stores).map(|_| random.range(900_000..1_100_000)).collect(),
            styles: vec![Style::Optimistic],
        }
    }

    /// Adds what transactions need.
    pub fn of_transactions(random: &dyn Random) -> Shape {
        let raft = Shape::of_raft(random);
        let splits = random.one_in(2);
        let region_split_keys = if splits { one_of(random, &[30, 200, 1 << 20]) } else { 1 << 20 };
        let region_split_bytes = if splits { one_of(random, &[4 << 10, 64 << 10, 1 << 20]) } else { 1 << 30 };
        let styles = match random.range(0..3) {
            0 => vec![Style::Optimistic],
            1 => Style::LOCKING.to_vec(),
            _ => Style::LOCKING.into_iter().chain([Style::Optimistic]).collect(),
        };
        Shape {
            clients: 2,
            splits,
            config: Config {
                region_split_keys,
                region_split_bytes,
                in_memory_pessimistic_locks: random.one_in(2),
                ..raft.config
            },
            client_config: ClientConfig {
                one_pc: random.one_in(2),
                async_commit: random.one_in(2),
                batch_bytes_max: one_of(random, &[1, 64, 1 << 20]),
                lock_ttl: Duration::from_millis(one_of(random, &[200, 1_000, 3_000])),
                pessimistic_lock_ttl: Duration::from_millis(one_of(random, &[1_000, 5_000, 20_000])),
                ..ClientConfig::default()
            },
            styles,
            ..raft
        }
    }

    /// Regions fall asleep soon, and followers that sleep look for their leader often.
    pub fn let_sleep(&mut self, random: &dyn Random) {
        self.config.hibernate_regions = true;
        self.config.hibernate_after = Duration::from_millis(random.range(200..1_500));
        self.config.hibernate_check_interval = Duration::from_millis(random.range(800..4_000));
    }

    /// Regions fall asleep whenever nobody used them for a few ticks.
    pub fn let_sleep_at_once(&mut self) {
        self.config.hibernate_regions = true;
        self.config.hibernate_after = Duration::from_millis(200);
        self.config.hibernate_check_interval = Duration::from_secs(2);
    }

    /// What the lists promise: where all who write lock what they read, nothing is skewed.
    pub fn model(&self) -> Model {
        if self.styles.iter().all(|style| style.locks()) {
            Model::StrictSerializable
        } else {
            Model::StrongSnapshotIsolation
        }
    }

    /// One to six of the workloads.
    pub fn workloads(&self, random: &dyn Random) -> Vec<Box<dyn Workload>> {
        let mut chosen: Vec<Box<dyn Workload>> = Vec::new();
        let everything = random.one_in(3);
        let mut offer = |workload: Box<dyn Workload>| {
            if everything || random.one_in(2) {
                chosen.push(workload);
            }
        };
        offer(Box::<Bank>::default());
        offer(Box::<Registers>::default());
        offer(Box::<Counters>::default());
        offer(Box::<Inserts>::default());
        offer(Box::<Skew>::default());
        if chosen.is_empty() || everything || random.one_in(2) {
            chosen.push(Box::new(ListAppend::new(self.model())));
        }
        chosen
    }
}
