//! A cluster of machines: one with PD, several with a store, some with clients.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rutile_kv::{Config, NewStore, Store};
use rutile_kv_client::{Client, ClientConfig};
use rutile_kv_engine::{MemoryEngine, MemoryRaftLog};
use rutile_kv_env::{Env, Machine, Random, Simulation};
use rutile_kv_proto::{PdService, TikvService};
use rutile_pd::{Member, PdConfig};
use rutile_pd_client::PdClient;

use crate::carrier::{Endpoint, PATIENCE_MS, Remote, RemoteStores, Script};
use crate::detector::{Sessions, ToDetector};
use crate::membership::{SteeredPd, Steering};
use crate::powered::{PoweredEngine, PoweredRaftLog};
use crate::shape::Shape;
use crate::streams::Connections;

const PD_MACHINE: u64 = 100;
const CLIENT_MACHINES: u64 = 200;
/// Pause before a store that could not start tries again.
const START_AGAIN: Duration = Duration::from_millis(200);

/// The machine of PD.
pub struct PdNode {
    pub machine: Machine,
    /// What the nemesis wants of regions.
    pub steering: Arc<Steering>,
    life: Mutex<Option<(Env, Arc<Member>)>>,
}

impl PdNode {
    fn new(simulation: &Simulation) -> Arc<PdNode> {
        let machine = simulation.machine(PD_MACHINE);
        let node = Arc::new(PdNode { machine, steering: Arc::default(), life: Mutex::new(None) });
        let (weak, disk, random) =
            (Arc::downgrade(&node), node.machine.disk().clone(), simulation.env().random);
        node.machine.at_power_off(move || {
            let life = weak.upgrade().and_then(|node| node.life.lock().take());
            disk.crash(random.range(0..64) as usize);
            drop(life);
        });
        node
    }

    pub fn start(&self) {
        let env = self.machine.power_on();
        let pd = Member::open(env.clone(), PdConfig::new("/pd")).expect("PD opens what a crash left");
        *self.life.lock() = Some((env, Arc::new(pd)));
    }
}

impl Endpoint<dyn PdService> for PdNode {
    fn machine(&self) -> &Machine {
        &self.machine
    }

    fn up(&self) -> Option<(Env, Arc<dyn PdService>)> {
        let steered = |pd: &Arc<Member>| SteeredPd { inner: pd.clone(), steering: self.steering.clone() };
        self.life.lock().as_ref().map(|(env, pd)| (env.clone(), Arc::new(steered(pd)) as Arc<dyn PdService>))
    }
}

/// The machine of a store.
pub struct StoreNode {
    pub machine: Machine,
    pub store_id: u64,
    /// Snapshots that come in.
    pub connections: Connections,
    /// Streams of waits that come in.
    pub sessions: Sessions,
    state: Mutex<StoreState>,
}

struct StoreState {
    engine: MemoryEngine,
    raft_log: MemoryRaftLog,
    life: Option<(Env, Arc<Store>)>,
}

impl StoreNode {
    fn new(machine: Machine, store_id: u64, engine: MemoryEngine, random: Arc<dyn Random>) -> Arc<StoreNode> {
        let state = StoreState { engine, raft_log: MemoryRaftLog::new(), life: None };
        let node = Arc::new(StoreNode {
            machine,
            store_id,
            connections: Connections::default(),
            sessions: Sessions::default(),
            state: Mutex::new(state),
        });
        let weak = Arc::downgrade(&node);
        node.machine.at_power_off(move || {
            let Some(node) = weak.upgrade() else { return };
            // Some of what was not synced may have got to the disk by itself.
            let kept = || if random.one_in(2) { 0 } else { random.range(0..60) as usize };
            let mut state = node.state.lock();
            state.engine = state.engine.survivor(kept());
            state.raft_log = state.raft_log.survivor(kept());
            let life = state.life.take();
            drop(state);
            node.connections.clear();
            node.sessions.clear();
            drop(life);
        });
        node
    }

    pub fn store(&self) -> Option<Arc<Store>> {
        self.state.lock().life.as_ref().map(|(_, store)| store.clone())
    }

    /// What the state engine holds now.
    pub fn engine(&self) -> MemoryEngine {
        self.state.lock().engine.clone()
    }
}

impl Endpoint<dyn TikvService> for StoreNode {
    fn machine(&self) -> &Machine {
        &self.machine
    }

    fn up(&self) -> Option<(Env, Arc<dyn TikvService>)> {
        self.state.lock().life.as_ref().map(|(env, store)| (env.clone(), store.service()))
    }
}

/// The stores, as machines find one another.
#[derive(Default)]
pub struct Nodes {
    stores: Mutex<Vec<Arc<StoreNode>>>,
}

impl Nodes {
    pub fn by_store_id(&self, store_id: u64) -> Option<Arc<StoreNode>> {
        self.stores.lock().iter().find(|node| node.store_id == store_id).cloned()
    }

    pub fn all(&self) -> Vec<Arc<StoreNode>> {
        self.stores.lock().clone()
    }
}

/// The whole cluster. Clones are the same one.
#[derive(Clone)]
pub struct World {
    pub simulation: Simulation,
    pub shape: Arc<Shape>,
    pub pd: Arc<PdNode>,
    pub nodes: Arc<Nodes>,
    pub clients: Vec<Machine>,
}

impl World {
    /// Founds the cluster in fair weather and starts everything.
    pub fn start(simulation: Simulation, shape: Shape) -> World {
        let pd = PdNode::new(&simulation);
        pd.start();
        let clients = (0..shape.clients).map(|n| simulation.machine(CLIENT_MACHINES + n)).collect();
        let world = World {
            shape: Arc::new(shape),
            pd,
            nodes: Arc::default(),
            clients,
            simulation: simulation.clone(),
        };
        simulation.block_on(world.found());
        world.nodes.all().iter().for_each(|node| world.start_store(node));
        world
    }

    async fn found(&self) {
        let env = self.simulation.env();
        let service = self.pd.up().expect("it was just started").1;
        let pd = PdClient::connect(env.clone(), service).await.expect("PD answers");
        let machines: Vec<Machine> = (1..=self.shape.stores).map(|id| self.simulation.machine(id)).collect();
        let engines: Vec<MemoryEngine> = (0..self.shape.stores).map(|_| MemoryEngine::new()).collect();
        let new = engines
            .iter()
            .enumerate()
            .map(|(n, engine)| NewStore { address: format!("store-{n}"), engine: Arc::new(engine.clone()) });
        let ids = Store::found_cluster(&pd, &new.collect::<Vec<_>>()).await.expect("an empty cluster");
        for (n, ((store_id, engine), machine)) in ids.into_iter().zip(engines).zip(machines).enumerate() {
            machine.set_pace(self.shape.paces_ppm.get(n).copied().unwrap_or(1_000_000));
            let node = StoreNode::new(machine, store_id, engine, env.random.clone());
            self.nodes.stores.lock().push(node);
        }
    }

    /// Turns the power of a store on; it opens when PD answers.
    pub fn start_store(&self, node: &Arc<StoreNode>) {
        let env = node.machine.power_on();
        let stores = Arc::new(self.stores_from(&node.machine, &env));
        let pd = remote_pd(&node.machine, &env, &self.simulation.env(), &self.pd);
        let boot = boot(env.clone(), Arc::new(pd), stores, self.shape.clone(), node.clone());
        env.spawn.spawn("boot", Box::pin(boot));
    }

    /// A client on a machine whose power was just turned on.
    pub async fn client(&self, machine: &Machine, env: &Env) -> rutile_pd_client::Result<Client> {
        self.client_with(machine, env, self.shape.client_config.clone(), None).await
    }

    /// A client of its own configuration, to whose requests to stores a mishap happens.
    pub async fn client_with(
        &self,
        machine: &Machine,
        env: &Env,
        config: ClientConfig,
        script: Option<Arc<Script>>,
    ) -> rutile_pd_client::Result<Client> {
        let stores = RemoteStores { script, limits_commit_ts: true, ..self.stores_from(machine, env) };
        let pd = remote_pd(machine, env, &self.simulation.env(), &self.pd);
        let pd = PdClient::connect(env.clone(), Arc::new(pd)).await?;
        Ok(Client::with_config(env.clone(), pd, Arc::new(stores), config))
    }

    /// The stores as a machine reaches them.
    pub fn stores_from(&self, machine: &Machine, env: &Env) -> RemoteStores {
        let (from, env, world) = (machine.clone(), env.clone(), self.simulation.env());
        let nodes = Arc::downgrade(&self.nodes);
        RemoteStores {
            from,
            env,
            world,
            nodes,
            script: None,
            limits_commit_ts: false,
            patience_ms: PATIENCE_MS,
        }
    }

    /// Turns everything off, so that nothing is left of the run.
    pub fn end(&self) {
        self.clients.iter().for_each(Machine::power_off);
        self.nodes.all().iter().for_each(|node| node.machine.power_off());
        self.pd.machine.power_off();
        self.simulation.end();
    }
}

fn address_of(machine: &Machine) -> String {
    format!("store-{}", machine.id())
}

fn remote_pd(machine: &Machine, env: &Env, world: &Env, pd: &Arc<PdNode>) -> Remote<dyn PdService> {
    let (from, env, world) = (machine.clone(), env.clone(), world.clone());
    Remote {
        from,
        env,
        to: pd.clone(),
        world,
        script: None,
        limits_commit_ts: false,
        patience_ms: PATIENCE_MS,
    }
}

async fn boot(
    env: Env,
    pd: Arc<Remote<dyn PdService>>,
    carrier: Arc<RemoteStores>,
    shape: Arc<Shape>,
    node: Arc<StoreNode>,
) {
    let machine = node.machine.clone();
    loop {
        let (engine, raft_log) = {
            let state = node.state.lock();
            (state.engine.clone(), state.raft_log.clone())
        };
        let engine = Arc::new(PoweredEngine { inner: engine, machine: machine.clone() });
        let raft_log = Arc::new(PoweredRaftLog { inner: raft_log, machine: machine.clone() });
        let opened = async {
            let pd = PdClient::connect(env.clone(), pd.clone()).await;
            let pd = pd.map_err(|error| rutile_kv::Error::Pd(error.to_string()))?;
            let config = Config { address: address_of(&machine), ..shape.config.clone() };
            Store::open_in_cluster(env.clone(), config, engine, raft_log, pd, carrier.clone()).await
        };
        match opened.await {
            Ok(store) if machine.is_on() => {
                env.hooks.record("world::open", || [node.store_id]);
                let (from, nodes) = (machine.clone(), carrier.nodes.clone());
                store.report_waits(Arc::new(ToDetector { from, env: env.clone(), nodes }));
                node.state.lock().life = Some((env.clone(), Arc::new(store)));
                return;
            }
            Ok(_) => return,
            // PD may be away; anything else is damage.
            Err(rutile_kv::Error::Pd(_)) => env.clock.sleep(START_AGAIN).await,
            Err(error) => panic!("store {} does not open what a crash left: {error}", node.store_id),
        }
    }
}
