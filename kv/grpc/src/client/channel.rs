//! Channels, and one unary call over one.

use std::time::Duration;

use axum::http::uri::PathAndQuery;
use rutile_kv_env::Env;
use rutile_kv_proto::{Code, Status};
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;

use crate::config::{CONNECTION_WINDOW_BYTES, Limits, STREAM_WINDOW_BYTES};
use crate::status::from_grpc;

/// A channel to `host:port`, with or without scheme. It connects at the first call, and again after it broke.
pub(crate) fn channel(address: &str, limits: &Limits) -> Result<Channel, Status> {
    let bad = |error| Status::unavailable(format!("address {address:?}: {error}"));
    let scheme = if limits.tls.is_some() { "https" } else { "http" };
    let mut endpoint =
        Endpoint::from_shared(format!("{scheme}://{}", without_scheme(address))).map_err(bad)?;
    if let Some(tls) = &limits.tls {
        endpoint = endpoint.tls_config(tls.client()).map_err(bad)?;
    }
    Ok(endpoint
        .connect_timeout(limits.connect_time_max)
        .tcp_nodelay(true)
        .initial_stream_window_size(Some(STREAM_WINDOW_BYTES))
        .initial_connection_window_size(Some(CONNECTION_WINDOW_BYTES))
        .http2_keep_alive_interval(limits.keepalive_interval)
        .keep_alive_timeout(limits.keepalive_time_max)
        .keep_alive_while_idle(true)
        .connect_lazy())
}

pub(crate) fn without_scheme(address: &str) -> &str {
    let address = address.strip_prefix("http://").or(address.strip_prefix("https://")).unwrap_or(address);
    address.trim_end_matches('/')
}

pub(crate) type Client = tonic::client::Grpc<Channel>;

/// A caller over the channel, once it takes another call.
pub(crate) async fn ready(channel: Channel, limits: &Limits) -> Result<Client, Status> {
    let mut client = Client::new(channel)
        .max_decoding_message_size(limits.message_bytes_max)
        .max_encoding_message_size(usize::MAX);
    client.ready().await.map_err(|error| Status::unavailable(format!("connection: {error}")))?;
    Ok(client)
}

/// One call, cut off after `time_max`; the server is told the deadline as well.
pub(crate) async fn unary<Q, A>(
    env: &Env,
    limits: &Limits,
    channel: Channel,
    path: &'static str,
    message: Q,
    time_max: Duration,
) -> Result<A, Status>
where
    Q: prost::Message + 'static,
    A: prost::Message + Default + 'static,
{
    let call = async {
        let mut client = ready(channel, limits).await?;
        let mut request = tonic::Request::new(message);
        request.set_timeout(time_max);
        let path = PathAndQuery::from_static(path);
        let answer = client.unary(request, path, ProstCodec::<Q, A>::default()).await;
        answer.map(tonic::Response::into_inner).map_err(|status| from_grpc(&status))
    };
    tokio::select! {
        biased;
        answer = call => answer,
        () = env.clock.sleep(time_max) => {
            Err(Status::new(Code::DeadlineExceeded, format!("{path}: no answer within {} ms", time_max.as_millis())))
        }
    }
}
