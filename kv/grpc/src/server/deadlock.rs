//! Who waits for whom, from other stores: `Detect` and `GetWaitForEntries` of `deadlock.Deadlock`.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::routing::post;
use futures::Stream;
use futures::stream::{BoxStream, unfold};
use rutile_kv_env::BoxFuture;
use rutile_kv_proto::deadlock::{DeadlockRequest, DeadlockResponse, WaitForEntriesRequest};
use rutile_kv_proto::{DeadlockService, DeadlockSession};
use tonic::Streaming;
use tonic::body::Body;
use tonic::server::StreamingService;

use super::call::{Context, framed, unary};
use crate::status::to_grpc;

/// The detector's routes; merged with those of the store's own service.
pub fn deadlock_routes(context: &Context, service: Arc<dyn DeadlockService>) -> Router {
    let (for_entries, entries) = (context.clone(), service.clone());
    let get_entries = move |request: Request| {
        let service = entries.clone();
        unary(
            &for_entries,
            request,
            move |_: WaitForEntriesRequest| async move { service.wait_for_entries() },
        )
    };
    let for_detect = context.clone();
    let detect = move |request: Request| {
        let detect = Detect { context: for_detect.clone(), service: service.clone() };
        let mut framed = framed::<DeadlockRequest, DeadlockResponse>(&for_detect);
        async move { framed.streaming(detect, request.map(Body::new)).await }
    };
    Router::new()
        .route("/deadlock.Deadlock/Detect", post(detect))
        .route("/deadlock.Deadlock/GetWaitForEntries", post(get_entries))
}

struct Detect {
    context: Context,
    service: Arc<dyn DeadlockService>,
}

impl StreamingService<DeadlockRequest> for Detect {
    type Response = DeadlockResponse;
    type ResponseStream = BoxStream<'static, Result<DeadlockResponse, tonic::Status>>;
    type Future = BoxFuture<'static, Result<tonic::Response<Self::ResponseStream>, tonic::Status>>;

    fn call(&mut self, request: tonic::Request<Streaming<DeadlockRequest>>) -> Self::Future {
        let opened = self.service.open().map_err(to_grpc);
        let context = self.context.clone();
        Box::pin(async move {
            let conversation = Conversation { context, messages: request.into_inner(), session: opened? };
            Ok(tonic::Response::new(Box::pin(conversation.answers()) as Self::ResponseStream))
        })
    }
}

/// One stream.
struct Conversation {
    context: Context,
    messages: Streaming<DeadlockRequest>,
    session: Box<dyn DeadlockSession>,
}

impl Conversation {
    fn answers(self) -> impl Stream<Item = Result<DeadlockResponse, tonic::Status>> + Send {
        unfold(Some(self), |conversation| async move {
            let mut conversation = conversation?;
            match conversation.next().await {
                Ok(Some(answer)) => Some((Ok(answer), Some(conversation))),
                Ok(None) => None,
                Err(status) => Some((Err(status), None)),
            }
        })
    }

    /// The next answer; most messages have none.
    async fn next(&mut self) -> Result<Option<DeadlockResponse>, tonic::Status> {
        loop {
            let message = tokio::select! {
                biased;
                () = self.context.stopped() => {
                    return Err(tonic::Status::unavailable("the server is stopping"));
                }
                message = self.messages.message() => message?,
            };
            let Some(message) = message else {
                return Ok(None);
            };
            if let Some(answer) = self.session.take(&message).map_err(to_grpc)? {
                return Ok(Some(answer));
            }
        }
    }
}
