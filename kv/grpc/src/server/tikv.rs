//! `tikvpb.Tikv`: transactions, raw keys and plans of one store.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request};
use axum::routing::post;
use rutile_kv_env::BoxFuture;
use rutile_kv_proto::{
    CoprocessorRequest, CoprocessorResponse, Payload, RawService, Status, TikvService, coprocessor, kvrpcpb,
};

use super::call::{Answer, Context, unary, unknown};
use crate::methods::{raw_methods, tikv_methods};

#[derive(Clone)]
struct Tikv {
    context: Context,
    service: Arc<dyn TikvService>,
    raw: Arc<dyn RawService>,
}

/// The RPCs of a store.
pub fn tikv_routes(context: &Context, service: Arc<dyn TikvService>, raw: Arc<dyn RawService>) -> Router {
    let tikv = Tikv { context: context.clone(), service, raw };
    let handler = move |Path(method): Path<String>, request: Request| tikv.call(&method, request);
    Router::new().route("/tikvpb.Tikv/{method}", post(handler))
}

impl Tikv {
    fn call(&self, method: &str, request: Request) -> BoxFuture<'static, Answer> {
        let Tikv { context, service, .. } = self;
        macro_rules! dispatch {
            ($($call:ident $name:literal $request:ty => $answer:ty;)+) => {
                match method {
                    $($name => {
                        let service = Arc::clone(service);
                        let call = move |message: $request| async move { service.$call(message).await };
                        unary::<$request, $answer, _, _>(context, request, call)
                    })+
                    "Coprocessor" => {
                        let service = Arc::clone(service);
                        let call = move |message| async move { coprocessor(&*service, message).await };
                        unary::<coprocessor::Request, coprocessor::Response, _, _>(context, request, call)
                    }
                    _ => self.call_raw(method, request),
                }
            };
        }
        tikv_methods!(dispatch)
    }

    fn call_raw(&self, method: &str, request: Request) -> BoxFuture<'static, Answer> {
        macro_rules! dispatch {
            ($($call:ident $name:literal $request:ty => $answer:ty;)+) => {
                match method {
                    $($name => {
                        let raw = Arc::clone(&self.raw);
                        let call = move |message: $request| async move { raw.$call(message).await };
                        unary::<$request, $answer, _, _>(&self.context, request, call)
                    })+
                    _ => unknown("tikvpb.Tikv", method),
                }
            };
        }
        raw_methods!(dispatch)
    }
}

/// A plan and its answer travel as bytes; one that only exists as an object of this process can not leave it.
async fn coprocessor(
    service: &dyn TikvService,
    request: coprocessor::Request,
) -> Result<coprocessor::Response, Status> {
    let tp = u32::try_from(request.tp).map_err(|_| Status::invalid_argument("no plan is of this kind"))?;
    let start = request.ranges.first().map(|range| range.start.clone());
    let answer = service
        .coprocessor(CoprocessorRequest {
            context: request.context,
            tp,
            start_ts: request.start_ts,
            ranges: request.ranges,
            plan: Payload::Encoded(request.data),
            paging_rows: request.paging_size,
        })
        .await?;
    let CoprocessorResponse { region_error, locked, mut other_error, data, next, .. } = answer;
    let data = match data {
        None => bytes::Bytes::new(),
        Some(payload) => payload.into_bytes().unwrap_or_else(|| {
            "the answer of this plan does not leave its process".clone_into(&mut other_error);
            bytes::Bytes::new()
        }),
    };
    let read = |next: coprocessor::KeyRange| coprocessor::KeyRange {
        start: start.unwrap_or_default(),
        end: next.start,
    };
    Ok(coprocessor::Response {
        data,
        region_error: region_error.map(Box::new),
        locked,
        other_error,
        range: next.map(read),
    })
}
