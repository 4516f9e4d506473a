//! The byte stream under a connection.

use tokio::io::{AsyncRead, AsyncWrite};

/// Anything bytes go in and out of: a TCP socket, a Unix socket, a TLS session, an in-memory pipe.
pub trait Transport: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Transport for T {}
