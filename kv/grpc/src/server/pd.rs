//! `pdpb.PD` and `keyspacepb.Keyspace`: the placement driver.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request};
use axum::routing::post;
use rutile_kv_env::BoxFuture;
use rutile_kv_proto::{PdService, keyspacepb, pdpb};

use super::call::{Answer, Context, unary, unknown};
use super::stream::each;
use crate::methods::pd_methods;

#[derive(Clone)]
struct Driver {
    context: Context,
    service: Arc<dyn PdService>,
}

/// The RPCs of a PD member.
pub fn pd_routes(context: &Context, service: Arc<dyn PdService>) -> Router {
    let driver = Driver { context: context.clone(), service };
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
        let Driver { context, service } = self;
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
                each(&self.context, request, answer)
            }
            "RegionHeartbeat" => {
                let answer = move |message: pdpb::RegionHeartbeatRequest| {
                    let service = Arc::clone(&service);
                    async move { service.region_heartbeat(message).await }
                };
                each(&self.context, request, answer)
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
