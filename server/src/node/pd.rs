//! The role of a placement driver: gRPC, HTTP pages and the messages of its group on one port.

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::{BoxStream, unfold};
use rutile_kv_env::{Env, TaskHandle};
use rutile_kv_grpc::client::{MemberSender, PdStub};
use rutile_kv_grpc::server::{PushedSteps, member_routes, pd_routes_with_steps};
use rutile_kv_grpc::{Limits, Router};
use rutile_kv_proto::memberpb::{JoinRequest, JoinResponse, MemberMessage};
use rutile_kv_proto::pdpb::{GetMembersRequest, RegionHeartbeatResponse};
use rutile_kv_proto::{PdService as _, Status};
use rutile_pd::{Carrier, Founding, Member, PdConfig, pages};
use serde_json::json;

use crate::error::{Error, Result};
use crate::metrics::Reading;
use crate::node::role::{PdOptions, Port, Role};
use crate::node::storage::blocking;
use crate::status::part;

pub(crate) struct Running {
    port: Port,
    member: Arc<Member>,
    patrol: TaskHandle,
}

impl Running {
    pub(crate) fn member(&self) -> Arc<Member> {
        self.member.clone()
    }

    /// What others dial.
    pub(crate) fn address(&self) -> &str {
        self.port.advertised()
    }
}

impl Role for PdOptions {
    type Running = Running;

    async fn start(self, env: Env) -> Result<Running> {
        let port = Port::bind(&env, &self.role, self.port).await?;
        start_on(self, env, port).await
    }

    /// What PD promised is durable already; another member gets the lead, if there is one.
    async fn stop(running: Running) -> Result<()> {
        running.patrol.abort();
        running.member.stop().await;
        running.port.stop().await;
        Ok(())
    }

    fn limits(running: &Running) -> Vec<Limits> {
        vec![running.port.limits()]
    }
}

/// Starts a member on a port that is bound already.
pub(crate) async fn start_on(options: PdOptions, env: Env, mut port: Port) -> Result<Running> {
    let founding = match (&options.initial_cluster, options.join.is_empty()) {
        (Some(_), false) => {
            let reason = "a member founds a group or joins one: say --initial-cluster or --join".to_owned();
            return Err(Error::Setting { name: "--join".to_owned(), reason });
        }
        (Some(members), true) => Founding::parse(members)?,
        (None, true) => Founding::Alone,
        (None, false) => Founding::Joining,
    };
    let config = PdConfig {
        name: options.name,
        client_urls: vec![port.url()],
        founding,
        ..PdConfig::new(options.data_dir)
    };
    let pd_env = env.clone();
    let member = blocking(&env, "pd-open", move || Ok(Member::open(pd_env, config)?)).await?;
    let member = Arc::new(member);
    if member.is_joining() && options.join.is_empty() {
        let reason = "this data is of a member that no group has taken in yet: name one".to_owned();
        return Err(Error::Setting { name: "--join".to_owned(), reason });
    }
    let carrier = Arc::new(Way(MemberSender::new(env.clone(), port.limits())));
    member.start(carrier.clone())?;
    let steps = Arc::new(Steps(member.clone()));
    let routes = pd_routes_with_steps(port.context(), member.clone(), steps);
    let routes = routes.merge(member_routes(port.context(), member.clone())).merge(pages(member.clone()));
    port.serve(&env, routes.merge(own_pages(&env, member.clone())));
    let patrol = env.spawn.spawn("pd-patrol", Box::pin(member.clone().run_patrol()));
    let running = Running { port, member, patrol };
    if running.member.is_joining()
        && let Err(error) = join(&env, &running, options.join, &carrier).await
    {
        drop(PdOptions::stop(running).await);
        return Err(error);
    }
    running.port.announce("pd");
    Ok(running)
}

/// What the member tells of itself over HTTP, beside PD's pages about the cluster.
fn own_pages(env: &Env, member: Arc<Member>) -> Router {
    let names = [("role".to_owned(), json!("pd")), ("member_id".to_owned(), json!(member.member_id()))];
    part::routes(env, names.into_iter().collect(), move |reading| read(&member, reading))
}

/// The gauges of a member; those of the cluster are there while it leads.
pub(crate) fn read(member: &Member, reading: &mut Reading) {
    for gauge in member.gauges() {
        reading.gauge(format!("pd_{}", gauge.name), gauge.help, gauge.value);
    }
}

/// Has the group take the member in, and tells it where the others are.
async fn join(env: &Env, running: &Running, addresses: Vec<String>, carrier: &Way) -> Result<()> {
    let member = &running.member;
    member.join(&addresses, carrier).await?;
    let stub = PdStub::new(env.clone(), addresses, running.port.limits());
    let answer = stub.get_members(GetMembersRequest { header: None }).await;
    let answer = answer.map_err(|status| rutile_pd::Error::Refused(format!("PD group: {status}")))?;
    member.learn(&answer.members);
    Ok(())
}

/// The network between members.
struct Way(MemberSender);

#[async_trait]
impl Carrier for Way {
    fn send(&self, address: &str, message: MemberMessage) {
        self.0.send(address, message);
    }

    async fn join(&self, address: &str, request: JoinRequest) -> std::result::Result<JoinResponse, Status> {
        self.0.join(address, request).await
    }
}

/// Steps for regions on their way to the stream of a store.
struct Steps(Arc<Member>);

impl PushedSteps for Steps {
    fn subscribe(&self, store_id: u64) -> BoxStream<'static, RegionHeartbeatResponse> {
        let steps = self.0.subscribe(store_id);
        unfold(steps, |mut steps| async move { Some((steps.recv().await?, steps)) }).boxed()
    }
}
