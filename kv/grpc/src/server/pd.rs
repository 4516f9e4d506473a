//! `pdpb.PD` and `keyspacepb.Keyspace`: the placement driver.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request};
use axum::routing::post;
use futures::StreamExt as _;
use futures::stream::{BoxStream, pending};
use rutile_kv_env::BoxFuture;
use rutile_kv_proto::{PdService, keyspacepb, pdpb};

use super::call::{Answer, Context, unary, unknown};
use super::stream::each;
use crate::methods::pd_methods;

/// Steps that PD wants done before the next heartbeats of their regions.
pub trait PushedSteps: Send + Sync {
    /// Steps for the leaders on a store from now on, until the store subscribes again.
    fn subscribe(&self, store_id: u64) -> BoxStream<'static, pdpb::RegionHeartbeatResponse>;
}

#[derive(Clone)]
struct Driver {
    context: Context,
    service: Arc<dyn PdService>,
    steps: Arc<dyn PushedSteps>,
}

/// The RPCs of a PD member whose steps all come with the answers to heartbeats.
pub fn pd_routes(context: &Context, service: Arc<dyn PdService>) -> Router {
    struct None;
    impl PushedSteps for None {
        fn subscribe(&self, _: u64) -> BoxStream<'static, pdpb::RegionHeartbeatResponse> {
            pending().boxed()
        }
    }
    pd_routes_with_steps(context, service, Arc::new(None))
}

/// The RPCs of a PD member, with steps that it sends on its own.
pub fn pd_routes_with_steps(
    context: &Context,
    service: Arc<dyn PdService>,
    steps: Arc<dyn PushedSteps>,
) -> Router {
    let driver = Driver { context: context.clone(), service, steps };
    let keyspaces = driver.clone();
    let handler = move |Path(method): Path<String>, request: Request| driver.call(&method, request);
    let keyspace =
        move |Path(method): Path<String>, request: Request| keyspaces.call_keyspace(&method, request);
    Router::new()
        .route("/pdpb.PD/{method}", post(handler))
        .route("/keyspacepb.Keyspace/{method}", post(keyspace))
}

impl Driver {
    fn call(&self, method: &str, request: Request) -> BoxFuture<'static, Answer> {
        let Driver { context, service, .. } = self;
        macro_rules! dispatch {
            ($($call:ident $name:literal $request:ty => $answer:ty;)+) => {
                match method {
                    $($name => {
                        let service = Arc::clone(service);
                        let call = move |message: $request| async move { service.$call(message).await };
                        unary::<$request, $answer, _, _>(context, request, call)
                    })+
                    _ => self.call_stream(method, request),
                }
            };
        }
        pd_methods!(dispatch)
    }

    fn call_stream(&self, method: &str, request: Request) -> BoxFuture<'static, Answer> {
        let service = Arc::clone(&self.service);
        match method {
            "Tso" => {
                let answer = move |message: pdpb::TsoRequest| {
                    let service = Arc::clone(&service);
                    async move { service.tso(message).await }
                };
                each(&self.context, request, answer, |_| pending().boxed())
            }
            "RegionHeartbeat" => {
                let answer = move |message: pdpb::RegionHeartbeatRequest| {
                    let service = Arc::clone(&service);
                    async move { service.region_heartbeat(message).await }
                };
                let steps = Arc::clone(&self.steps);
                let pushed = move |first: &pdpb::RegionHeartbeatRequest| {
                    steps.subscribe(first.leader.as_ref().map_or(0, |leader| leader.store_id))
                };
                each(&self.context, request, answer, pushed)
            }
            _ => unknown("pdpb.PD", method),
        }
    }

    fn call_keyspace(&self, method: &str, request: Request) -> BoxFuture<'static, Answer> {
        if method != "LoadKeyspace" {
            return unknown("keyspacepb.Keyspace", method);
        }
        let service = Arc::clone(&self.service);
        let call = move |message: keyspacepb::LoadKeyspaceRequest| async move {
            service.load_keyspace(message).await
        };
        unary::<_, keyspacepb::LoadKeyspaceResponse, _, _>(&self.context, request, call)
    }
}
