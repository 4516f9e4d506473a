//! The carrier between real services on 127.0.0.1: timestamps shared by callers, what is refused, what a stop does, and
//! a placement driver that moves.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::http::uri::PathAndQuery;
use futures::StreamExt as _;
use futures::stream::{BoxStream, iter, pending};
use rutile_kv_env::{Env, TaskHandle};
use rutile_kv_grpc::client::PdStub;
use rutile_kv_grpc::server::{Context, PushedSteps, pd_routes, pd_routes_with_steps, serve};
use rutile_kv_grpc::{Limits, Router};
use rutile_kv_proto::{Code, PdService, metapb, pdpb};
use rutile_pd::{Member, PdConfig};
use rutile_pd_client::PdClient;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

struct Served {
    address: String,
    stop: watch::Sender<bool>,
    server: TaskHandle,
}

impl Served {
    async fn start(env: &Env, listener: TcpListener, pd: Arc<Member>) -> Served {
        let address = listener.local_addr().expect("bound").to_string();
        let (stop, stopped) = watch::channel(false);
        let context = Context::new(env.clone(), Limits::default(), stopped);
        let routes = pd_routes(&context, pd).merge(Router::new());
        let server = async move { serve(listener, &context, routes).await.expect("serves") };
        Served { address, stop, server: env.spawn.spawn("pd", Box::pin(server)) }
    }

    async fn stop(self) {
        self.stop.send_replace(true);
        self.server.join().await;
    }
}

async fn free_port() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a free port")
}

fn open(env: &Env, dir: &tempfile::TempDir) -> Arc<Member> {
    Arc::new(Member::open(env.clone(), PdConfig::new(dir.path())).expect("PD opens"))
}

async fn connect(env: &Env, address: &str) -> PdClient {
    let stub = PdStub::new(env.clone(), vec![address.to_owned()], Limits::default());
    PdClient::connect(env.clone(), Arc::new(stub)).await.expect("PD answers")
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_share_messages_and_never_a_timestamp() {
    let (env, dir) = (Env::real(), tempfile::tempdir().expect("a directory"));
    let served = Served::start(&env, free_port().await, open(&env, &dir)).await;
    let client = connect(&env, &served.address).await;
    let asked = (0..2_000).map(|_| client.timestamp());
    let given = futures::future::join_all(asked).await;
    let given: BTreeSet<_> = given.into_iter().map(|ts| ts.expect("a timestamp")).collect();
    assert_eq!(given.len(), 2_000);
    let newest = *given.last().expect("some");
    assert!(client.timestamp().await.expect("a timestamp") > newest);
    drop(client);
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_placement_driver_that_comes_back_elsewhere_is_found() {
    let (env, dir) = (Env::real(), tempfile::tempdir().expect("a directory"));
    let (first, second) = (free_port().await, free_port().await);
    let later = second.local_addr().expect("bound").to_string();
    let served = Served::start(&env, first, open(&env, &dir)).await;
    let addresses = vec![served.address.clone(), format!("http://{later}")];
    let stub = Arc::new(PdStub::new(env.clone(), addresses, Limits::default()));
    let client = PdClient::connect(env.clone(), stub).await.expect("PD answers");
    let before = client.timestamp().await.expect("a timestamp");
    served.stop().await;
    let (early, served) =
        tokio::join!(client.timestamp(), async { Served::start(&env, second, open(&env, &dir)).await });
    assert!(early.expect("waits for the other address") > before);
    assert!(client.alloc_id().await.expect("an id") > 0);
    drop(client);
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_here_says_so_and_pages_share_the_port() {
    let (env, dir) = (Env::real(), tempfile::tempdir().expect("a directory"));
    let pd = open(&env, &dir);
    let served = Served::start(&env, free_port().await, pd.clone()).await;
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{}", served.address));
    let channel = channel.expect("an address").connect().await.expect("connects");
    for path in ["/pdpb.PD/SyncRegions", "/etcdserverpb.KV/Range"] {
        let mut client = tonic::client::Grpc::new(channel.clone());
        client.ready().await.expect("ready");
        let codec = tonic_prost::ProstCodec::<pdpb::GetMembersRequest, pdpb::GetMembersResponse>::default();
        let request = tonic::Request::new(pdpb::GetMembersRequest::default());
        let answer = client.unary(request, PathAndQuery::from_static(path), codec).await;
        assert_eq!(answer.expect_err("not here").code(), tonic::Code::Unimplemented, "{path}");
    }
    let stub = PdStub::new(env.clone(), vec![served.address.clone()], Limits::default());
    let header = Some(pdpb::RequestHeader { cluster_id: pd.cluster_id() + 1, sender_id: 0 });
    let refused = stub.alloc_id(pdpb::AllocIdRequest { header }).await.expect_err("another cluster");
    assert_eq!(refused.code, Code::FailedPrecondition);
    let mut page = TcpStream::connect(&served.address).await.expect("connects");
    page.write_all(b"GET /nothing HTTP/1.1\r\nHost: pd\r\nConnection: close\r\n\r\n").await.expect("sends");
    let mut text = String::new();
    page.read_to_string(&mut text).await.expect("answers");
    assert!(text.starts_with("HTTP/1.1 404"), "{text}");
    drop(stub);
    served.stop().await;
}

/// A client that waits for a timestamp has no deadline of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_streams_with_an_error() {
    let (env, dir) = (Env::real(), tempfile::tempdir().expect("a directory"));
    let pd = open(&env, &dir);
    let served = Served::start(&env, free_port().await, pd.clone()).await;
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{}", served.address));
    let mut client =
        tonic::client::Grpc::new(channel.expect("an address").connect().await.expect("connects"));
    client.ready().await.expect("ready");
    let header = Some(pdpb::RequestHeader { cluster_id: pd.cluster_id(), sender_id: 0 });
    let request = pdpb::TsoRequest { header, count: 3, dc_location: String::new() };
    let messages = iter([request]);
    let messages = futures::StreamExt::chain(messages, pending());
    let codec = tonic_prost::ProstCodec::<pdpb::TsoRequest, pdpb::TsoResponse>::default();
    let path = PathAndQuery::from_static("/pdpb.PD/Tso");
    let answers = client.streaming(tonic::Request::new(messages), path, codec).await.expect("opens");
    let mut answers = answers.into_inner();
    assert_eq!(answers.message().await.expect("answers").expect("one").count, 3);
    let ((), end) = tokio::join!(served.stop(), answers.message());
    assert_eq!(end.expect_err("no more").code(), tonic::Code::Unavailable);
}

/// Messages above the limit are refused by the carrier, and the connection lives on.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_large_is_refused() {
    let (env, dir) = (Env::real(), tempfile::tempdir().expect("a directory"));
    let listener = free_port().await;
    let address = listener.local_addr().expect("bound").to_string();
    let (stop, stopped) = watch::channel(false);
    let limits =
        Limits { message_bytes_max: 1 << 10, call_time_max: Duration::from_secs(5), ..Limits::default() };
    let context = Context::new(env.clone(), limits, stopped);
    let routes = pd_routes(&context, open(&env, &dir));
    let server = async move { serve(listener, &context, routes).await.expect("serves") };
    let server = env.spawn.spawn("pd", Box::pin(server));
    let stub = Arc::new(PdStub::new(env.clone(), vec![address], Limits::default()));
    let client = PdClient::connect(env.clone(), stub).await.expect("PD answers");
    assert!(client.load_keyspace(&"k".repeat(1 << 11)).await.is_err());
    assert_eq!(client.load_keyspace("DEFAULT").await.expect("answers").id, 0);
    drop(client);
    stop.send_replace(true);
    server.join().await;
}

/// One step for region 7, for whoever listens.
struct OneStep;

impl PushedSteps for OneStep {
    fn subscribe(&self, store_id: u64) -> BoxStream<'static, pdpb::RegionHeartbeatResponse> {
        let leader = metapb::Peer { store_id, ..metapb::Peer::default() };
        let step = pdpb::RegionHeartbeatResponse {
            region_id: 7,
            target_peer: Some(leader),
            ..pdpb::RegionHeartbeatResponse::default()
        };
        iter([step]).chain(pending()).boxed()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_comes_between_answers_and_is_not_taken_for_one() {
    let (env, dir) = (Env::real(), tempfile::tempdir().expect("a directory"));
    let listener = free_port().await;
    let address = listener.local_addr().expect("bound").to_string();
    let (stop, stopped) = watch::channel(false);
    let context = Context::new(env.clone(), Limits::default(), stopped);
    let pd = open(&env, &dir);
    let header = Some(pdpb::RequestHeader { cluster_id: pd.cluster_id(), sender_id: 0 });
    let routes = pd_routes_with_steps(&context, pd, Arc::new(OneStep));
    let server = async move { serve(listener, &context, routes).await.expect("serves") };
    let server = env.spawn.spawn("pd", Box::pin(server));

    let stub = PdStub::new(env.clone(), vec![address], Limits::default());
    let mut steps = stub.pushed_steps().expect("the first to ask");
    assert!(stub.pushed_steps().is_none(), "and nobody else");
    let beat = |region_id| pdpb::RegionHeartbeatRequest {
        header: header.clone(),
        region: Some(metapb::Region { id: region_id, ..metapb::Region::default() }),
        leader: Some(metapb::Peer { id: 1, store_id: 3, ..metapb::Peer::default() }),
        ..pdpb::RegionHeartbeatRequest::default()
    };
    for region_id in [5, 6] {
        let answer = stub.region_heartbeat(beat(region_id)).await.expect("an answer");
        assert_eq!(answer.region_id, region_id);
    }
    let step = steps.recv().await.expect("the step");
    assert_eq!((step.region_id, step.target_peer.map(|peer| peer.store_id)), (7, Some(3)));
    drop(stub);
    stop.send_replace(true);
    server.join().await;
}
