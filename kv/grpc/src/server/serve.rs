//! One port: gRPC over HTTP/2, and pages over HTTP/1 beside it.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Response, StatusCode, header};
use axum::middleware::{Next, from_fn};
use futures::{Stream, StreamExt as _};
use rutile_kv_env::{BoxFuture, Env};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::server::TlsStream;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::{TcpConnectInfo, TcpIncoming, TlsConnectInfo};

use super::call::Context;
use crate::config::{CONNECTION_WINDOW_BYTES, STREAM_WINDOW_BYTES};
use crate::tls::PeerTls;

/// A handshake that is not over by then is given up.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(5);
/// Handshakes under way; further connections wait.
const HANDSHAKES_MAX: usize = 256;

/// Serves `routes` on the listener until the context's stop is set; calls under way are waited for, but not for long.
pub async fn serve(listener: TcpListener, context: &Context, routes: Router) -> std::io::Result<()> {
    let limits = &context.limits;
    let mut routes = routes.fallback(nothing_here);
    if let Some(tls) = limits.tls.clone() {
        routes = routes.layer(from_fn(move |request, next| admit(tls.clone(), request, next)));
    }
    let routes = Routes::from(routes).prepare();
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let server = Server::builder()
        .accept_http1(true)
        .max_concurrent_streams(Some(limits.streams_per_connection))
        .initial_stream_window_size(Some(STREAM_WINDOW_BYTES))
        .initial_connection_window_size(Some(CONNECTION_WINDOW_BYTES))
        .http2_keepalive_interval(Some(limits.keepalive_interval))
        .http2_keepalive_timeout(Some(limits.keepalive_time_max));
    let stopped = context.stopped();
    let serving: BoxFuture<'_, _> = match limits.tls.clone() {
        Some(tls) => {
            let encrypted = encrypted(incoming, tls, context.env.clone());
            Box::pin(server.serve_with_incoming_shutdown(routes, encrypted, stopped))
        }
        None => Box::pin(server.serve_with_incoming_shutdown(routes, incoming, stopped)),
    };
    let drained_too_long = async {
        context.stopped().await;
        context.env.clock.sleep(limits.drain_time_max).await;
    };
    tokio::select! {
        served = serving => served.map_err(std::io::Error::other),
        () = drained_too_long => {
            tracing::warn!("calls still running are cut off");
            Ok(())
        }
    }
}

/// Connections whose handshake succeeded, as they become ready. Each uses the certificates of its own moment.
fn encrypted(
    incoming: TcpIncoming,
    tls: PeerTls,
    env: Env,
) -> impl Stream<Item = std::io::Result<TlsStream<TcpStream>>> {
    let handshake = move |accepted: std::io::Result<TcpStream>| {
        let (acceptor, clock) = (tls.acceptor(), env.clock.clone());
        async move {
            let shaken = tokio::select! {
                biased;
                shaken = async { acceptor.accept(accepted?).await } => shaken,
                () = clock.sleep(HANDSHAKE_TIME_MAX) => Err(std::io::ErrorKind::TimedOut.into()),
            };
            shaken.inspect_err(|error| tracing::debug!(%error, "a handshake failed")).ok()
        }
    };
    incoming.map(handshake).buffer_unordered(HANDSHAKES_MAX).filter_map(std::future::ready).map(Ok)
}

/// Whether the request is for a service and not for a page.
fn is_call(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map_or(&b""[..], |kind| kind.as_bytes());
    kind.starts_with(b"application/grpc")
}

/// Lets callers through whose certificate has an allowed name.
async fn admit(tls: PeerTls, request: Request, next: Next) -> Response<Body> {
    if tls.admits(request.extensions().get::<TlsConnectInfo<TcpConnectInfo>>()) {
        return next.run(request).await;
    }
    let reason = "the certificate has none of the allowed names";
    tracing::warn!(path = request.uri().path(), reason, "a call is refused");
    if is_call(request.headers()) {
        return tonic::Status::permission_denied(reason).into_http();
    }
    let mut answer = Response::new(Body::from(format!("403 {reason}\n")));
    *answer.status_mut() = StatusCode::FORBIDDEN;
    answer
}

async fn nothing_here(headers: HeaderMap) -> Response<Body> {
    if is_call(&headers) {
        return tonic::Status::unimplemented("this service is not here").into_http();
    }
    let mut answer = Response::new(Body::from("404 page not found\n"));
    *answer.status_mut() = StatusCode::NOT_FOUND;
    answer
}
