//! A MySQL server that answers every query with its own text: for trying clients against the protocol layer alone.
//!
//! `cargo run -p rutile-server-wire --example echo -- 3399 secret` listens on 127.0.0.1:3399; user `root` has no
//! password, `sha` logs in by caching_sha2_password and `native` by mysql_native_password with the given one.

mod handler;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rutile_server_wire::{Authenticator, ConnectionConfig, serve_connection};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use handler::{EchoAccounts, EchoHandler};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(3399);
    let password = arguments.next().unwrap_or_else(|| "secret".to_owned());
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let accounts = Arc::new(EchoAccounts::new(password.as_bytes()).map_err(std::io::Error::other)?);
    let authenticator = Arc::new(Authenticator::default());
    let (_keep, stop) = watch::channel(None);
    let next_id = AtomicU32::new(1);
    let mut connections = JoinSet::new();
    loop {
        let (stream, peer) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let id = next_id.fetch_add(1, Ordering::Relaxed);
        let config = ConnectionConfig::new("8.0.36-echo", id, peer.ip().to_string(), stop.clone());
        let (accounts, authenticator) = (accounts.clone(), authenticator.clone());
        connections.spawn(async move {
            let mut handler = EchoHandler::default();
            let result =
                serve_connection(Box::new(stream), &mut handler, accounts.as_ref(), &authenticator, config)
                    .await;
            println!("connection {id}: {result:?}");
        });
        while connections.try_join_next().is_some() {}
    }
}
