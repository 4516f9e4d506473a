//! Writers and readers that speak to stores directly, with one-phase commits: as little as possible above raft.
//!
//! Each writer owns a register, whose versions only grow, and leaves a mark of its own with every version. A read
//! that begins after a version was acknowledged must find it or a later one; at the end every acknowledged mark must
//! be there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use rutile_kv_client::Stores;
use rutile_kv_env::Env;
use rutile_kv_proto::{errorpb, kvrpcpb, metapb};
use rutile_kv_types::Key;
use rutile_pd_client::{PdClient, to_wire};

use crate::carrier::{Endpoint, RemoteStores};
use crate::replicas::wait_until_equal;
use crate::world::World;

/// Attempts with one timestamp before a write is left undecided.
const TRIES_MAX: usize = 20;
const PAUSE_MS: std::ops::Range<u64> = 1..60;
/// Short, so that writers are soon with a new leader, while readers are still with the old one.
const PATIENCE_MS: std::ops::Range<u64> = 20..150;

/// What is known of the writes of one writer.
#[derive(Default)]
struct Register {
    acknowledged: u64,
    marks: Vec<Bytes>,
}

/// Shared by all tasks of the workload.
pub struct RaftWorkload {
    world: World,
    env: Env,
    stores: RemoteStores,
    pd: PdClient,
    region: Mutex<metapb::Region>,
    registers: Vec<Mutex<Register>>,
    stop: AtomicBool,
    reads: Mutex<u64>,
}

/// A key of the region that holds it all, also where others are split off from it.
fn own_key() -> Vec<u8> {
    Key::from_raw(&register_key(0)).into_encoded()
}

fn register_key(writer: usize) -> Bytes {
    Bytes::from(format!("register-{writer}"))
}

impl RaftWorkload {
    /// Prepared in fair weather.
    pub async fn new(world: &World, writers: usize) -> Arc<RaftWorkload> {
        let machine = world.clients.first().expect("a machine for clients").clone();
        let env = machine.power_on();
        let service = world.pd.up().expect("PD is on").1;
        let pd = PdClient::connect(world.simulation.env(), service).await.expect("PD answers");
        let region = to_wire::region(&pd.region(&own_key()).await.expect("founded").region);
        Arc::new(RaftWorkload {
            world: world.clone(),
            stores: RemoteStores { patience_ms: PATIENCE_MS, ..world.stores_from(&machine, &env) },
            env,
            pd,
            region: Mutex::new(region),
            registers: (0..writers).map(|_| Mutex::default()).collect(),
            stop: AtomicBool::new(false),
            reads: Mutex::new(0),
        })
    }

    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    pub fn acknowledged(&self) -> u64 {
        self.registers.iter().map(|register| register.lock().marks.len() as u64).sum()
    }

    pub fn reads(&self) -> u64 {
        *self.reads.lock()
    }

    async fn pause(&self) {
        if self.env.random.one_in(4) {
            // Members come and go.
            let known = self.pd.region(&own_key()).await.expect("PD is on");
            *self.region.lock() = to_wire::region(&known.region);
        }
        self.env.clock.sleep(Duration::from_millis(self.env.random.range(PAUSE_MS))).await;
    }

    async fn timestamp(&self) -> u64 {
        self.pd.timestamp().await.expect("PD is on").into_inner()
    }

    fn context(&self, peer: metapb::Peer) -> Option<kvrpcpb::Context> {
        let region = self.region.lock();
        Some(kvrpcpb::Context {
            region_id: region.id,
            region_epoch: region.region_epoch,
            peer: Some(peer),
            ..Default::default()
        })
    }

    /// Whom to ask next: whoever is said to lead, or anybody.
    fn next_peer(&self, error: Option<&errorpb::Error>) -> metapb::Peer {
        let hint = error.and_then(|error| error.not_leader.as_ref()).and_then(|not| not.leader);
        let peers = &self.region.lock().peers;
        let any = self.env.random.range(0..peers.len() as u64) as usize;
        hint.filter(|peer| peer.id != 0).unwrap_or(peers[any])
    }

    /// Anybody but one who did not answer.
    fn other_peer(&self, silent: metapb::Peer) -> metapb::Peer {
        let region = self.region.lock();
        let others: Vec<_> = region.peers.iter().filter(|peer| peer.id != silent.id).collect();
        let any = self.env.random.range(0..others.len().max(1) as u64) as usize;
        others.get(any).map_or(silent, |peer| **peer)
    }

    /// Writes versions until told to stop; the last one must be acknowledged.
    pub async fn write(self: Arc<Self>, writer: usize) {
        let mut peer = self.next_peer(None);
        for version in 1.. {
            let last = self.stop.load(Ordering::SeqCst);
            let mark = Bytes::from(format!("mark-{writer}-{version}"));
            let acknowledged = loop {
                let acknowledged = self.put(writer, version, &mark, &mut peer).await;
                if acknowledged || !last {
                    break acknowledged;
                }
            };
            if acknowledged {
                let mut register = self.registers[writer].lock();
                register.acknowledged = version;
                register.marks.push(mark);
            }
            if last {
                return;
            }
            self.pause().await;
        }
    }

    async fn put(&self, writer: usize, version: u64, mark: &Bytes, peer: &mut metapb::Peer) -> bool {
        let start_version = self.timestamp().await;
        let mutation = |key: &Bytes, value: String| kvrpcpb::Mutation {
            op: kvrpcpb::Op::Put as i32,
            key: key.clone(),
            value: Bytes::from(value),
            assertion: 0,
        };
        for _ in 0..TRIES_MAX {
            let request = kvrpcpb::PrewriteRequest {
                context: self.context(*peer),
                mutations: vec![
                    mutation(&register_key(writer), version.to_string()),
                    mutation(mark, String::new()),
                ],
                primary_lock: register_key(writer),
                start_version,
                lock_ttl: 3000,
                try_one_pc: true,
                ..Default::default()
            };
            let store = self.stores.store(peer.store_id).expect("all stores are known");
            match store.kv_prewrite(request).await {
                Ok(answer) if answer.region_error.is_some() => {
                    *peer = self.next_peer(answer.region_error.as_deref());
                }
                // A conflict with a version that nobody was told of.
                Ok(answer) if !answer.errors.is_empty() => return false,
                Ok(answer) => {
                    assert_ne!(answer.one_pc_commit_ts, 0, "one region holds it all");
                    return true;
                }
                Err(_) => *peer = self.other_peer(*peer),
            }
            self.pause().await;
        }
        false
    }

    /// Reads registers until told to stop.
    pub async fn read(self: Arc<Self>) {
        let mut peer = self.next_peer(None);
        while !self.stop.load(Ordering::SeqCst) {
            let writer = self.env.random.range(0..self.registers.len() as u64) as usize;
            let expected = self.registers[writer].lock().acknowledged;
            let version = self.timestamp().await;
            if let Some(found) = self.get(&register_key(writer), version, &mut peer).await {
                let found =
                    found.map_or(0, |value| String::from_utf8_lossy(&value).parse().expect("a version"));
                assert!(
                    found >= expected,
                    "stale read of register {writer}: {found} after {expected} was acknowledged"
                );
                *self.reads.lock() += 1;
            }
            self.pause().await;
        }
    }

    /// One attempt; `None` when it was not answered.
    async fn get(&self, key: &Bytes, version: u64, peer: &mut metapb::Peer) -> Option<Option<Bytes>> {
        let request = kvrpcpb::GetRequest { context: self.context(*peer), key: key.clone(), version };
        let store = self.stores.store(peer.store_id).expect("all stores are known");
        match store.kv_get(request).await {
            Ok(answer) if answer.region_error.is_some() => {
                *peer = self.next_peer(answer.region_error.as_deref());
                None
            }
            Ok(answer) if answer.error.is_some() => None,
            Ok(answer) => Some((!answer.not_found).then_some(answer.value)),
            Err(_) => {
                *peer = self.other_peer(*peer);
                None
            }
        }
    }

    /// Everything acknowledged is there.
    pub async fn check(&self) {
        let version = self.timestamp().await;
        let marks: Vec<Bytes> =
            self.registers.iter().flat_map(|register| register.lock().marks.clone()).collect();
        let mut peer = self.next_peer(None);
        for mark in marks {
            let found = loop {
                if let Some(found) = self.get(&mark, version, &mut peer).await {
                    break found;
                }
                self.pause().await;
            };
            assert!(found.is_some(), "{mark:?} was acknowledged and is lost");
        }
        wait_until_equal(&self.world, &self.env, &self.pd).await;
    }
}
