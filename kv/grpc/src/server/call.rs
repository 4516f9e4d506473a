//! One unary call: frame, size limit, deadline.

use std::sync::Arc;

use axum::extract::Request;
use rutile_kv_env::{BoxFuture, Env};
use rutile_kv_proto::Status;
use tokio::sync::watch;
use tonic::body::Body;
use tonic::server::{Grpc, UnaryService};
use tonic_prost::ProstCodec;

use crate::config::Limits;
use crate::status::to_grpc;

/// What all handlers of a server share. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    pub(crate) env: Env,
    pub(crate) limits: Arc<Limits>,
    pub(crate) stop: watch::Receiver<bool>,
}

impl Context {
    /// `stop` becomes true when the server is to end.
    pub fn new(env: Env, limits: Limits, stop: watch::Receiver<bool>) -> Context {
        Context { env, limits: Arc::new(limits), stop }
    }

    pub(crate) async fn stopped(&self) {
        let mut stop = self.stop.clone();
        // A sender that is gone is a process that ends.
        let _ = stop.wait_for(|stop| *stop).await;
    }
}

pub(crate) type Answer = axum::http::Response<Body>;

/// The codec with its limit.
pub(crate) fn framed<Q, A>(context: &Context) -> Grpc<ProstCodec<A, Q>>
where
    Q: prost::Message + Default + 'static,
    A: prost::Message + 'static,
{
    Grpc::new(ProstCodec::default())
        .max_decoding_message_size(context.limits.message_bytes_max)
        .max_encoding_message_size(usize::MAX)
}

/// An RPC that is not here.
pub(crate) fn unknown(service: &str, method: &str) -> BoxFuture<'static, Answer> {
    let answer = tonic::Status::unimplemented(format!("{service}/{method} is not supported")).into_http();
    Box::pin(std::future::ready(answer))
}

/// Runs a handler on the one message of a request.
pub(crate) fn unary<Q, A, F, H>(context: &Context, request: Request, handler: H) -> BoxFuture<'static, Answer>
where
    Q: prost::Message + Default + 'static,
    A: prost::Message + 'static,
    F: Future<Output = Result<A, Status>> + Send + 'static,
    H: FnOnce(Q) -> F + Send + 'static,
{
    let once = Once { context: context.clone(), handler: Some(handler) };
    let mut framed = framed::<Q, A>(context);
    Box::pin(async move { framed.unary(once, request.map(Body::new)).await })
}

struct Once<H> {
    context: Context,
    handler: Option<H>,
}

impl<Q, A, F, H> UnaryService<Q> for Once<H>
where
    H: FnOnce(Q) -> F + Send,
    F: Future<Output = Result<A, Status>> + Send + 'static,
    A: 'static,
{
    type Response = A;
    type Future = BoxFuture<'static, Result<tonic::Response<A>, tonic::Status>>;

    fn call(&mut self, request: tonic::Request<Q>) -> Self::Future {
        let Some(handler) = self.handler.take() else {
            return Box::pin(async { Err(tonic::Status::internal("a unary call has one message")) });
        };
        let work = handler(request.into_inner());
        let (clock, limit) = (self.context.env.clock.clone(), self.context.limits.call_time_max);
        Box::pin(async move {
            // A deadline of the caller is kept by the transport, which drops this.
            tokio::select! {
                biased;
                answer = work => answer.map(tonic::Response::new).map_err(to_grpc),
                () = clock.sleep(limit) => Err(tonic::Status::deadline_exceeded("the call took too long")),
            }
        })
    }
}
