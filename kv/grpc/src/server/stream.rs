//! A stream of requests, each answered in its turn, and messages of the server's own between the answers.

use axum::extract::Request;
use futures::stream::{BoxStream, unfold};
use futures::{Stream, StreamExt as _};
use rutile_kv_env::BoxFuture;
use rutile_kv_proto::Status;
use tonic::Streaming;
use tonic::body::Body;
use tonic::server::StreamingService;

use super::call::{Answer, Context, framed};
use crate::status::to_grpc;

/// Answers every message of the request by `handler`, in order. A failure is the last thing on the stream. What `pushed`
/// makes of the first message is sent unasked.
pub(crate) fn each<Q, A, F, H, P>(
    context: &Context,
    request: Request,
    handler: H,
    pushed: P,
) -> BoxFuture<'static, Answer>
where
    Q: prost::Message + Default + 'static,
    A: prost::Message + 'static,
    F: Future<Output = Result<A, Status>> + Send + 'static,
    H: Fn(Q) -> F + Clone + Send + Sync + 'static,
    P: Fn(&Q) -> BoxStream<'static, A> + Clone + Send + Sync + 'static,
{
    let each = Each { context: context.clone(), handler, pushed };
    let mut framed = framed::<Q, A>(context);
    Box::pin(async move { framed.streaming(each, request.map(Body::new)).await })
}

struct Each<H, P> {
    context: Context,
    handler: H,
    pushed: P,
}

impl<Q, A, F, H, P> StreamingService<Q> for Each<H, P>
where
    Q: Send + 'static,
    A: Send + 'static,
    F: Future<Output = Result<A, Status>> + Send + 'static,
    H: Fn(Q) -> F + Clone + Send + Sync + 'static,
    P: Fn(&Q) -> BoxStream<'static, A> + Clone + Send + Sync + 'static,
{
    type Response = A;
    type ResponseStream = BoxStream<'static, Result<A, tonic::Status>>;
    type Future = BoxFuture<'static, Result<tonic::Response<Self::ResponseStream>, tonic::Status>>;

    fn call(&mut self, request: tonic::Request<Streaming<Q>>) -> Self::Future {
        let conversation = Conversation {
            context: self.context.clone(),
            messages: request.into_inner(),
            handler: self.handler.clone(),
            pushed: self.pushed.clone(),
            unasked: None,
        };
        let answers: Self::ResponseStream = Box::pin(conversation.answers());
        Box::pin(async move { Ok(tonic::Response::new(answers)) })
    }
}

/// One stream.
struct Conversation<Q, A, H, P> {
    context: Context,
    messages: Streaming<Q>,
    handler: H,
    pushed: P,
    /// Known from the first message on.
    unasked: Option<BoxStream<'static, A>>,
}

impl<Q, A, F, H, P> Conversation<Q, A, H, P>
where
    Q: Send + 'static,
    A: Send + 'static,
    F: Future<Output = Result<A, Status>> + Send + 'static,
    H: Fn(Q) -> F + Send + Sync + 'static,
    P: Fn(&Q) -> BoxStream<'static, A> + Send + Sync + 'static,
{
    fn answers(self) -> impl Stream<Item = Result<A, tonic::Status>> + Send {
        unfold(Some(self), |conversation| async move {
            let mut conversation = conversation?;
            let context = conversation.context.clone();
            let next = tokio::select! {
                biased;
                () = context.stopped() => Err(tonic::Status::unavailable("the server is stopping")),
                next = conversation.next() => next,
            };
            match next {
                Ok(Some(answer)) => Some((Ok(answer), Some(conversation))),
                Ok(None) => None,
                Err(status) => Some((Err(status), None)),
            }
        })
    }

    async fn next(&mut self) -> Result<Option<A>, tonic::Status> {
        let unasked = async {
            match &mut self.unasked {
                Some(unasked) => unasked.next().await,
                None => None,
            }
        };
        tokio::select! {
            biased;
            message = self.messages.message() => {
                let Some(message) = message? else {
                    return Ok(None);
                };
                if self.unasked.is_none() {
                    self.unasked = Some((self.pushed)(&message));
                }
                (self.handler)(message).await.map(Some).map_err(to_grpc)
            }
            Some(unasked) = unasked => Ok(Some(unasked)),
        }
    }
}
