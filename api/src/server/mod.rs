//! Accepts connections and serves HTTP/1.1 on them.
//!
//! A loop of our own, because the limits are the point of it: so many connections and no more, a header that has to be
//! there in time, a bounded buffer, clients that take their answers, and an end in which every request that has begun is
//! answered.

mod patience;

use crate::door::{ANSWER_WITHIN, Door};
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use patience::Patience;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The whole head of a request, and the wait for the next one on the same connection.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
/// Largest head of a request.
const HEADERS_MAX: usize = 16 * 1024;
/// A client that takes nothing of its answer for so long will not take the rest.
const TAKEN_WITHIN: Duration = Duration::from_secs(10);
/// After being asked to stop: longer than any answer takes.
pub const DRAIN_WITHIN: Duration = ANSWER_WITHIN.saturating_add(Duration::from_secs(3));
/// When accepting fails, it is for want of file descriptors: a moment later somebody may have closed one.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(crate) struct Server {
    listener: TcpListener,
    door: Door,
    connections: Arc<Semaphore>,
}

impl Server {
    pub(crate) fn new(listener: TcpListener, door: Door, connections_max: usize) -> Self {
        Self { listener, door, connections: Arc::new(Semaphore::new(connections_max)) }
    }

    /// Until asked to stop; then nothing new is accepted, and what has begun is answered.
    pub(crate) async fn run(self, cancel: CancellationToken) {
        let graceful = GracefulShutdown::new();
        let mut open = JoinSet::new();
        while let Some((stream, peer, permit)) = self.accept(&cancel).await {
            let connection = connect(stream, peer, self.door.clone());
            let connection = graceful.watch(connection);
            open.spawn(async move {
                // A connection that breaks is the client's affair.
                let _ = connection.await;
                drop(permit);
            });
            while open.try_join_next().is_some() {}
        }
        drop(self.listener);
        if tokio::time::timeout(DRAIN_WITHIN, graceful.shutdown()).await.is_err() {
            tracing::warn!(event = "connections_cut", open = open.len());
        }
        open.shutdown().await;
    }

    /// The next connection, with its place; none when asked to stop.
    async fn accept(
        &self,
        cancel: &CancellationToken,
    ) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        // The place first: a connection that is accepted is served.
        let place = self.connections.clone().acquire_owned();
        let permit = cancel.run_until_cancelled(place).await?.ok()?;
        let mut is_failing = false;
        loop {
            match cancel.run_until_cancelled(self.listener.accept()).await? {
                Ok((stream, peer)) => {
                    // Answers are small and complete: waiting to fill a packet only delays them.
                    let _ = stream.set_nodelay(true);
                    return Some((stream, peer, permit));
                }
                Err(error) => {
                    // Once, however long it lasts: a log of nothing else helps nobody.
                    if !std::mem::replace(&mut is_failing, true) {
                        tracing::warn!(event = "accept_failed", error_message = %error);
                    }
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

type Served<S> = http1::Connection<TokioIo<Patience<TcpStream>>, S>;

fn connect(
    stream: TcpStream,
    peer: SocketAddr,
    door: Door,
) -> Served<
    impl hyper::service::Service<
        hyper::Request<Incoming>,
        Response = axum::response::Response,
        Error = Infallible,
        Future: Send,
    >,
> {
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let door = door.clone();
        async move { Ok(door.handle(request.map(Body::new) as Request, peer.ip()).await) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_buf_size(HEADERS_MAX)
        // Whoever hangs up is noticed when answered: a command that was asked for is done anyway, and to look for it
        // meanwhile would cost every request another read, into another buffer.
        .half_close(true)
        .serve_connection(TokioIo::new(Patience::new(stream, TAKEN_WITHIN)), service)
}

#[cfg(test)]
mod tests;
