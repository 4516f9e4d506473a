//! Accepting clients of the status port, within limits.
//!
//! A client that is slow, or sends too much, loses its own connection; what it can hold meanwhile is one file handle and
//! a small buffer. HTTP itself is hyper's.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use rutile_kv_env::{BoxFuture, Clock};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::{debug, warn};

use crate::status::StatusSettings;

/// Pause after a failed accept: the usual cause is a lack of file handles, which only time cures.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// A listener that hands out [`Guarded`] connections.
pub(super) struct Door {
    listener: TcpListener,
    clock: Arc<dyn Clock>,
    places: Arc<Semaphore>,
    request_timeout: Duration,
    request_bytes_max: usize,
}

impl Door {
    pub(super) fn new(listener: TcpListener, clock: Arc<dyn Clock>, settings: &StatusSettings) -> Self {
        Self {
            listener,
            clock,
            places: Arc::new(Semaphore::new(settings.max_connections as usize)),
            request_timeout: settings.request_timeout,
            request_bytes_max: settings.max_request.0,
        }
    }

    fn guard(&self, stream: TcpStream, place: OwnedSemaphorePermit) -> Guarded {
        Guarded {
            stream,
            clock: self.clock.clone(),
            request_timeout: self.request_timeout,
            request_bytes_max: self.request_bytes_max,
            deadline: self.clock.sleep(self.request_timeout),
            received: 0,
            answering: false,
            _place: place,
        }
    }
}

impl Listener for Door {
    type Io = Guarded;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Guarded, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => match self.places.clone().try_acquire_owned() {
                    Ok(place) => return (self.guard(stream, place), peer),
                    // Closed at once: who asks for status can ask again.
                    Err(_) => debug!(%peer, "too many clients of the status port"),
                },
                Err(error) => {
                    warn!(%error, "accept failed on the status port");
                    self.clock.sleep(ACCEPT_RETRY).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that ends when a request takes too long or too many bytes. Time and bytes count from the start, and
/// anew from the first byte behind an answer.
pub(super) struct Guarded {
    stream: TcpStream,
    clock: Arc<dyn Clock>,
    request_timeout: Duration,
    request_bytes_max: usize,
    deadline: BoxFuture<'static, ()>,
    received: usize,
    answering: bool,
    _place: OwnedSemaphorePermit,
}

impl Guarded {
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.deadline.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::Error::new(io::ErrorKind::TimedOut, "the client is too slow")),
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        match Pin::new(&mut this.stream).poll_read(context, buffer) {
            Poll::Ready(Ok(())) => {}
            Poll::Pending => {
                return this.check(context).map_or_else(|error| Poll::Ready(Err(error)), |()| Poll::Pending);
            }
            failed => return failed,
        }
        let count = buffer.filled().len() - before;
        if this.answering && count > 0 {
            this.answering = false;
            this.received = 0;
            this.deadline = this.clock.sleep(this.request_timeout);
        }
        this.received += count;
        if this.received > this.request_bytes_max {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "the request is too large")));
        }
        Poll::Ready(this.check(context))
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.answering = true;
        if let Err(error) = this.check(context) {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut this.stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
