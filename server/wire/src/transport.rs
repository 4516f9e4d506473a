//! The byte stream under a connection, and the seam where TLS takes it over.

use std::io;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};

/// Anything bytes go in and out of: a TCP socket, a Unix socket, a TLS session, an in-memory pipe.
pub trait Transport: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Transport for T {}

/// Turns a plain stream into an encrypted one after the client's SSLRequest.
#[async_trait]
pub trait TlsUpgrade: Send + Sync {
    async fn accept(&self, plain: Box<dyn Transport>) -> io::Result<Box<dyn Transport>>;
}
