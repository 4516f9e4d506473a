//! A stream of requests, each answered in its turn.

use axum::extract::Request;
use futures::Stream;
use futures::stream::{BoxStream, unfold};
use rutile_kv_env::BoxFuture;
use rutile_kv_proto::Status;
use tonic::Streaming;
use tonic::body::Body;
use tonic::server::StreamingService;

use super::call::{Answer, Context, framed};
use crate::status::to_grpc;

/// Answers every message of the request by `handler`, in order. A failure is the last thing on the stream.
pub(crate) fn each<Q, A, F, H>(context: &Context, request: Request, handler: H) -> BoxFuture<'static, Answer>
where
    Q: prost::Message + Default + 'static,
    A: prost::Message + 'static,
    F: Future<Output = Result<A, Status>> + Send + 'static,
    H: Fn(Q) -> F + Clone + Send + Sync + 'static,
{
    let each = Each { context: context.clone(), handler };
    let mut framed = framed::<Q, A>(context);
    Box::pin(async move { framed.streaming(each, request.map(Body::new)).await })
}

struct Each<H> {
    context: Context,
    handler: H,
}

impl<Q, A, F, H> StreamingService<Q> for Each<H>
where
    Q: Send + 'static,
    A: Send + 'static,
    F: Future<Output = Result<A, Status>> + Send + 'static,
    H: Fn(Q) -> F + Clone + Send + Sync + 'static,
{
    type Response = A;
    type ResponseStream = BoxStream<'static, Result<A, tonic::Status>>;
    type Future = BoxFuture<'static, Result<tonic::Response<Self::ResponseStream>, tonic::Status>>;

    fn call(&mut self, request: tonic::Request<Streaming<Q>>) -> Self::Future {
        let answers = answers(self.context.clone(), request.into_inner(), self.handler.clone());
        let answers: Self::ResponseStream = Box::pin(answers);
        Box::pin(async move { Ok(tonic::Response::new(answers)) })
    }
}

fn answers<Q, A, F, H>(
    context: Context,
    messages: Streaming<Q>,
    handler: H,
) -> impl Stream<Item = Result<A, tonic::Status>> + Send
where
    Q: Send + 'static,
    A: Send + 'static,
    F: Future<Output = Result<A, Status>> + Send + 'static,
    H: Fn(Q) -> F + Send + Sync + 'static,
{
    unfold(Some((context, messages, handler)), |state| async move {
        let (context, mut messages, handler) = state?;
        let next = async {
            match messages.message().await? {
                Some(message) => handler(message).await.map(Some).map_err(to_grpc),
                None => Ok(None),
            }
        };
        let next = tokio::select! {
            biased;
            () = context.stopped() => Err(tonic::Status::unavailable("the server is stopping")),
            next = next => next,
        };
        match next {
            Ok(Some(answer)) => Some((Ok(answer), Some((context, messages, handler)))),
            Ok(None) => None,
            Err(status) => Some((Err(status), None)),
        }
    })
}
