//! Clients that go on whatever happens, each with one call at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rutile_kv_env::{Clock as _, Env, Machine, Random, TaskHandle};
use rutile_kv_proto::{PdService as _, Status, metapb, pdpb};
use rutile_pd::Member;

use crate::checker::{History, Span};
use crate::world::{Ask, World, call};

const CLIENTS: u64 = 4;
const FIRST_MACHINE: u64 = 100;
/// How often somebody asks any member instead of the one that answered last.
const STRAY_ONE_IN: u64 = 8;
const PAUSE_MS: std::ops::Range<u64> = 0..60;

pub struct Clients {
    stop: Arc<AtomicBool>,
    tasks: Vec<TaskHandle>,
}

impl Clients {
    pub async fn finish(self) {
        self.stop.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.join().await;
        }
    }
}

pub fn start(world: &World, history: &History) -> Clients {
    let stop = Arc::new(AtomicBool::new(false));
    let tasks = (0..CLIENTS).map(|number| {
        let machine = world.simulation.machine(FIRST_MACHINE + number);
        let env = machine.power_on();
        let client = Client::new(world, machine, env.random.clone(), history);
        let stop = Arc::clone(&stop);
        env.spawn.spawn("client", Box::pin(client.run(number, stop, env.clone())))
    });
    Clients { stop: Arc::clone(&stop), tasks: tasks.collect() }
}

/// Whether anybody gets a timestamp in time.
pub async fn first_timestamp(world: &World, within: Duration) -> bool {
    let machine = world.simulation.machine(FIRST_MACHINE + CLIENTS);
    let env = machine.power_on();
    let mut client = Client::new(world, machine, env.random.clone(), &History::default());
    let clock = world.simulation.clock().clone();
    let end = clock.now() + within;
    while clock.now() < end {
        if client.timestamps(1).await.is_ok() {
            return true;
        }
        clock.sleep(Duration::from_millis(20)).await;
    }
    false
}

struct Client {
    world: World,
    machine: Machine,
    random: Arc<dyn Random>,
    history: History,
    /// The member that answered last, or is asked next.
    leader: usize,
    /// Version of its own store that PD was told and said yes to.
    told: u64,
    /// Versions that may come to be at any time, because nobody answered.
    open: Vec<u64>,
}

impl Client {
    fn new(world: &World, machine: Machine, random: Arc<dyn Random>, history: &History) -> Client {
        let (world, history) = (world.clone(), history.clone());
        Client { world, machine, random, history, leader: 0, told: 0, open: Vec::new() }
    }

    async fn run(mut self, number: u64, stop: Arc<AtomicBool>, env: Env) {
        let store_id = 10_000 + number;
        while !stop.load(Ordering::SeqCst) {
            let outcome = match self.random.range(0..8) {
                0..4 => {
                    let count = self.random.range(1..50) as u32;
                    self.timestamps(count).await
                }
                4 | 5 => self.id().await,
                6 => self.store(store_id).await,
                _ => self.safe_point().await,
            };
            // Refused or unknown: another member may lead.
            drop(outcome);
            env.clock.sleep(Duration::from_millis(self.random.range(PAUSE_MS))).await;
        }
    }

    async fn ask<T: Send + 'static>(
        &mut self,
        ask: impl Fn(Arc<Member>) -> rutile_kv_env::BoxFuture<'static, Result<T, Status>> + Send + Sync + 'static,
    ) -> Result<(Span, T), Status> {
        let ask: Ask<T> = Arc::new(ask);
        let clock = self.world.simulation.clock().clone();
        let began = clock.now();
        if self.random.one_in(STRAY_ONE_IN) {
            self.leader = self.random.range(0..self.world.nodes.len() as u64) as usize;
        }
        let node = Arc::clone(&self.world.nodes[self.leader]);
        match call(&self.world, &self.machine, &node, ask).await {
            Ok(answer) => Ok((Span { began, ended: clock.now() }, answer)),
            Err(status) => {
                self.leader = (self.leader + 1) % self.world.nodes.len();
                Err(status)
            }
        }
    }

    pub async fn timestamps(&mut self, count: u32) -> Result<(), Status> {
        let (span, answer) = self
            .ask(move |member| {
                Box::pin(async move {
                    let header = header(&member);
                    member.tso(pdpb::TsoRequest { header, count, dc_location: String::new() }).await
                })
            })
            .await?;
        let last = answer.timestamp.map(|ts| ((ts.physical as u64) << 18) + ts.logical as u64);
        match last {
            Some(last) if answer.count == count => {
                self.history.block(span, last - u64::from(count) + 1, last);
            }
            _ => self.history.problem(format!("asked for {count} timestamps: {answer:?}")),
        }
        Ok(())
    }

    async fn id(&mut self) -> Result<(), Status> {
        let (_, answer) = self
            .ask(|member| {
                Box::pin(
                    async move { member.alloc_id(pdpb::AllocIdRequest { header: header(&member) }).await },
                )
            })
            .await?;
        self.history.id(answer.id);
        Ok(())
    }

    /// Tells PD a newer version of its store, and asks for it.
    async fn store(&mut self, store_id: u64) -> Result<(), Status> {
        let next = self.told + 1;
        let store = metapb::Store {
            id: store_id,
            address: format!("store-{store_id}"),
            version: next.to_string(),
            ..metapb::Store::default()
        };
        let (found, put) = (store.clone(), store);
        let bootstrap = self.ask(move |member| found_cluster(member, found.clone())).await;
        bootstrap?;
        let put = self
            .ask(move |member| {
                let store = put.clone();
                Box::pin(async move {
                    let header = header(&member);
                    member.put_store(pdpb::PutStoreRequest { header, store: Some(store) }).await
                })
            })
            .await;
        match put {
            Ok((_, answer)) if answer.header.as_ref().is_some_and(|header| header.error.is_none()) => {
                self.told = next;
            }
            _ => self.open.push(next),
        }
        let told = self.told;
        let (_, answer) = self
            .ask(move |member| {
                Box::pin(async move {
                    let header = header(&member);
                    member.get_store(pdpb::GetStoreRequest { header, store_id }).await
                })
            })
            .await?;
        let seen = answer.store.and_then(|store| store.version.parse::<u64>().ok()).unwrap_or(0);
        if seen < told && !self.open.contains(&seen) {
            self.history.problem(format!("store {store_id} has version {seen}, {told} was acknowledged"));
        }
        // One that was told and not acknowledged may have come to be.
        self.told = self.told.max(seen);
        Ok(())
    }

    async fn safe_point(&mut self) -> Result<(), Status> {
        let wanted = (self.world.simulation.clock().now().since_origin().as_millis() as u64) << 18;
        let (span, answer) = self
            .ask(move |member| {
                Box::pin(async move {
                    let request =
                        pdpb::UpdateGcSafePointRequest { header: header(&member), safe_point: wanted };
                    member.update_gc_safe_point(request).await
                })
            })
            .await?;
        if answer.new_safe_point < wanted {
            self.history.problem(format!("the safe point {} is behind {wanted}", answer.new_safe_point));
        }
        self.history.grown(span, "safe point", answer.new_safe_point);
        Ok(())
    }
}

fn header(member: &Member) -> Option<pdpb::RequestHeader> {
    Some(pdpb::RequestHeader { cluster_id: member.cluster_id(), sender_id: 0 })
}

/// Founds the cluster, or finds that somebody did.
fn found_cluster(
    member: Arc<Member>,
    store: metapb::Store,
) -> rutile_kv_env::BoxFuture<'static, Result<(), Status>> {
    Box::pin(async move {
        let peer = metapb::Peer { id: 3, store_id: store.id, ..metapb::Peer::default() };
        let epoch = metapb::RegionEpoch { conf_ver: 1, version: 1 };
        let region = metapb::Region {
            id: 2,
            region_epoch: Some(epoch),
            peers: vec![peer],
            ..metapb::Region::default()
        };
        let request =
            pdpb::BootstrapRequest { header: header(&member), store: Some(store), region: Some(region) };
        member.bootstrap(request).await.map(drop)
    })
}
