//! Machines with a member each, the network between them, and calls over it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use rutile_kv_env::{BoxFuture, Clock as _, Env, Machine, Simulation};
use rutile_kv_proto::memberpb::{JoinRequest, JoinResponse, MemberMessage};
use rutile_kv_proto::{Code, Status};
use rutile_pd::{Carrier, Founding, Member, PdConfig};
use tokio::sync::oneshot;

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(2);

pub struct Node {
    pub machine: Machine,
    pub name: String,
    config: PdConfig,
    nodes: OnceLock<Vec<Arc<Node>>>,
    life: Mutex<Option<(Env, Arc<Member>)>>,
}

impl Node {
    fn new(simulation: &Simulation, number: usize, founding: &Founding) -> Arc<Node> {
        let machine = simulation.machine(number as u64);
        let name = format!("pd{number}");
        let config = PdConfig {
            name: name.clone(),
            client_urls: vec![format!("http://{name}:{number}")],
            founding: founding.clone(),
            ..PdConfig::new("/pd")
        };
        let node = Arc::new(Node { machine, name, config, nodes: OnceLock::new(), life: Mutex::new(None) });
        let (weak, disk) = (Arc::downgrade(&node), node.machine.disk().clone());
        let random = simulation.env().random;
        node.machine.at_power_off(move || {
            let life = weak.upgrade().and_then(|node| node.life.lock().take());
            disk.crash(if random.one_in(2) { 0 } else { random.range(0..64) as usize });
            drop(life);
        });
        node
    }

    pub fn start(self: &Arc<Node>) {
        let env = self.machine.power_on();
        let member = Member::open(env.clone(), self.config.clone()).expect("opens what a crash left");
        let member = Arc::new(member);
        member.start(Arc::new(Way(Arc::clone(self)))).expect("starts");
        *self.life.lock() = Some((env, member));
    }

    pub fn member(&self) -> Option<(Env, Arc<Member>)> {
        self.life.lock().clone()
    }
}

/// From a member to the others.
struct Way(Arc<Node>);

#[async_trait]
impl Carrier for Way {
    fn send(&self, address: &str, message: MemberMessage) {
        let nodes = self.0.nodes.get().map_or(&[][..], Vec::as_slice);
        let Some(to) = nodes.iter().find(|node| address.starts_with(&format!("{}:", node.name))) else {
            return;
        };
        let (node, id) = (Arc::clone(to), to.machine.id());
        self.0.machine.send(id, move || {
            if let Some((_, member)) = node.member() {
                // Strangers are refused, and there are none.
                drop(member.receive(&message));
            }
        });
    }

    async fn join(&self, _: &str, _: JoinRequest) -> Result<JoinResponse, Status> {
        Err(Status::new(Code::Unimplemented, "nobody joins here"))
    }
}

#[derive(Clone)]
pub struct World {
    pub simulation: Simulation,
    pub nodes: Vec<Arc<Node>>,
}

impl World {
    pub fn new(simulation: &Simulation, members: usize) -> World {
        let list: Vec<String> = (1..=members).map(|n| format!("pd{n}=pd{n}:{n}")).collect();
        let founding = Founding::parse(&list.join(",")).expect("sensible");
        let nodes: Vec<Arc<Node>> =
            (1..=members).map(|number| Node::new(simulation, number, &founding)).collect();
        nodes.iter().for_each(|node| drop(node.nodes.set(nodes.clone())));
        World { simulation: simulation.clone(), nodes }
    }

    pub fn start_all(&self) {
        self.nodes.iter().for_each(Node::start);
    }

    /// Nothing runs any more.
    pub fn end(&self) {
        self.nodes.iter().for_each(|node| node.machine.power_off());
    }
}

/// What is asked of a member.
pub type Ask<T> = Arc<dyn Fn(Arc<Member>) -> BoxFuture<'static, Result<T, Status>> + Send + Sync>;

/// One call from a client's machine to a member's.
pub async fn call<T: Send + 'static>(
    world: &World,
    client: &Machine,
    to: &Arc<Node>,
    ask: Ask<T>,
) -> Result<T, Status> {
    let (sender, receiver) = oneshot::channel();
    let sender = Arc::new(Mutex::new(Some(sender)));
    let (node, from) = (Arc::clone(to), client.id());
    let taken = AtomicBool::new(false);
    client.send(to.machine.id(), move || {
        let Some((env, member)) = node.member() else {
            return;
        };
        // A connection carries a call once.
        if taken.swap(true, Ordering::SeqCst) {
            return;
        }
        let (ask, sender, machine) = (Arc::clone(&ask), Arc::clone(&sender), node.machine.clone());
        let answer = async move {
            let answer = Mutex::new(Some(ask(member).await));
            machine.send(from, move || {
                // The first answer that arrives is taken.
                if let (Some(sender), Some(answer)) = (sender.lock().take(), answer.lock().take()) {
                    drop(sender.send(answer));
                }
            });
        };
        env.spawn.spawn("call", Box::pin(answer));
    });
    tokio::select! {
        biased;
        answer = receiver => answer.unwrap_or_else(|_| Err(Status::unavailable("the call was lost"))),
        () = world.simulation.clock().sleep(PATIENCE) => Err(Status::unavailable("no answer in time")),
    }
}
