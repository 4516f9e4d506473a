//! What other stores send: `Raft`, `BatchRaft` and `Snapshot` of `tikvpb.Tikv`.

use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::extract::Request;
use axum::routing::post;
use rutile_kv_env::BoxFuture;
use rutile_kv_proto::raft_serverpb::{Done, RaftMessage, SnapshotChunk};
use rutile_kv_proto::{BatchRaftMessage, Status};
use tonic::Streaming;
use tonic::body::Body;
use tonic::server::ClientStreamingService;

use super::call::{Answer, Context, framed};
use crate::status::to_grpc;

/// Where raft messages of other stores go.
pub trait RaftInbox: Send + Sync {
    /// Takes a message, or drops it: raft repeats what matters. An error ends the stream it came on.
    fn receive(&self, message: RaftMessage) -> Result<(), Status>;

    /// A place for one snapshot.
    fn snapshot(&self) -> Box<dyn SnapshotInbox>;
}

/// Takes the chunks of one snapshot; dropped before it is finished, it leaves nothing.
#[async_trait]
pub trait SnapshotInbox: Send {
    /// Returns when there is room for another chunk.
    async fn push(&mut self, chunk: SnapshotChunk) -> Result<(), Status>;

    fn finish(self: Box<Self>) -> Result<(), Status>;
}

/// The streams between stores; merged with the routes of the store's own service.
pub fn raft_routes(context: &Context, inbox: Arc<dyn RaftInbox>) -> Router {
    let (single, batch, snapshot) = (inbox.clone(), inbox.clone(), inbox);
    let contexts = [context.clone(), context.clone(), context.clone()];
    let [for_single, for_batch, for_snapshot] = contexts;
    let raft = move |request: Request| {
        let inbox = single.clone();
        take::<_, Done, _, _>(&for_single, request, move |messages| {
            messages_of(messages, move |m| inbox.receive(m))
        })
    };
    let batch_raft = move |request: Request| {
        let inbox = batch.clone();
        let receive =
            move |batch: BatchRaftMessage| batch.msgs.into_iter().try_for_each(|m| inbox.receive(m));
        take::<_, Done, _, _>(&for_batch, request, move |messages| messages_of(messages, receive))
    };
    let snapshot = move |request: Request| {
        let inbox = snapshot.clone();
        take::<_, Done, _, _>(&for_snapshot, request, move |chunks| snapshot_of(chunks, inbox.snapshot()))
    };
    Router::new()
        .route("/tikvpb.Tikv/Raft", post(raft))
        .route("/tikvpb.Tikv/BatchRaft", post(batch_raft))
        .route("/tikvpb.Tikv/Snapshot", post(snapshot))
}

async fn messages_of<Q>(
    mut messages: Streaming<Q>,
    receive: impl Fn(Q) -> Result<(), Status> + Send,
) -> Result<(), tonic::Status> {
    while let Some(message) = messages.message().await? {
        receive(message).map_err(to_grpc)?;
    }
    Ok(())
}

async fn snapshot_of(
    mut chunks: Streaming<SnapshotChunk>,
    mut inbox: Box<dyn SnapshotInbox>,
) -> Result<(), tonic::Status> {
    while let Some(chunk) = chunks.message().await? {
        inbox.push(chunk).await.map_err(to_grpc)?;
    }
    inbox.finish().map_err(to_grpc)
}

/// Runs a handler on the messages of a request until they end or the server stops.
pub(super) fn take<Q, A, F, H>(context: &Context, request: Request, handler: H) -> BoxFuture<'static, Answer>
where
    Q: prost::Message + Default + 'static,
    A: prost::Message + Default + 'static,
    F: Future<Output = Result<(), tonic::Status>> + Send + 'static,
    H: FnOnce(Streaming<Q>) -> F + Send + 'static,
{
    let once = Once { context: context.clone(), handler: Some(handler), done: PhantomData };
    let mut framed = framed::<Q, A>(context);
    Box::pin(async move { framed.client_streaming(once, request.map(Body::new)).await })
}

struct Once<H, A> {
    context: Context,
    handler: Option<H>,
    done: PhantomData<fn() -> A>,
}

impl<Q, A, F, H> ClientStreamingService<Q> for Once<H, A>
where
    A: prost::Message + Default + 'static,
    F: Future<Output = Result<(), tonic::Status>> + Send + 'static,
    H: FnOnce(Streaming<Q>) -> F + Send,
{
    type Response = A;
    type Future = BoxFuture<'static, Result<tonic::Response<A>, tonic::Status>>;

    fn call(&mut self, request: tonic::Request<Streaming<Q>>) -> Self::Future {
        let Some(handler) = self.handler.take() else {
            return Box::pin(async { Err(tonic::Status::internal("a call has one stream")) });
        };
        let (context, work) = (self.context.clone(), handler(request.into_inner()));
        Box::pin(async move {
            tokio::select! {
                biased;
                () = context.stopped() => Err(tonic::Status::unavailable("the server is stopping")),
                ended = work => ended.map(|()| tonic::Response::new(A::default())),
            }
        })
    }
}
