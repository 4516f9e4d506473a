//! One port: gRPC over HTTP/2, and pages over HTTP/1 beside it.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Response, StatusCode, header};
use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use super::call::Context;
use crate::config::{CONNECTION_WINDOW_BYTES, STREAM_WINDOW_BYTES};

/// Serves `routes` on the listener until the context's stop is set; calls under way are waited for, but not for long.
pub async fn serve(listener: TcpListener, context: &Context, routes: Router) -> std::io::Result<()> {
    let limits = &context.limits;
    let routes = Routes::from(routes.fallback(nothing_here)).prepare();
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let server = Server::builder()
        .accept_http1(true)
        .max_concurrent_streams(Some(limits.streams_per_connection))
        .initial_stream_window_size(Some(STREAM_WINDOW_BYTES))
        .initial_connection_window_size(Some(CONNECTION_WINDOW_BYTES))
        .http2_keepalive_interval(Some(limits.keepalive_interval))
        .http2_keepalive_timeout(Some(limits.keepalive_time_max))
        .serve_with_incoming_shutdown(routes, incoming, context.stopped());
    let drained_too_long = async {
        context.stopped().await;
        context.env.clock.sleep(limits.drain_time_max).await;
    };
    tokio::select! {
        served = server => served.map_err(std::io::Error::other),
        () = drained_too_long => {
            tracing::warn!("calls still running are cut off");
            Ok(())
        }
    }
}

async fn nothing_here(headers: HeaderMap) -> Response<Body> {
    let kind = headers.get(header::CONTENT_TYPE).map_or(&b""[..], |kind| kind.as_bytes());
    if kind.starts_with(b"application/grpc") {
        return tonic::Status::unimplemented("this service is not here").into_http();
    }
    let mut answer = Response::new(Body::from("404 page not found\n"));
    *answer.status_mut() = StatusCode::NOT_FOUND;
    answer
}
