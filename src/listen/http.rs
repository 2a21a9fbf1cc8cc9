//! HTTP/1.1, as gateways and probes speak it.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use super::{
    Limits, accept, drive,
    patience::{Patience, Patient},
};

/// A head may take this many bytes, start line and headers together; more is answered 431, and so are more
/// headers than hyper's default of 100.
const MAX_HEAD_BYTES: usize = 32 * 1024;

/// Body bytes read ahead of the router at most.
const MAX_BUFFERED_BYTES: usize = 128 * 1024;

/// Serves `router` until the shutdown, and returns when the last connection has ended. Requests carry
/// [`ConnectInfo<SocketAddr>`]: the socket's peer, whatever headers claim.
pub async fn serve_http(
    listener: TcpListener,
    router: axum::Router,
    limits: Limits,
    shutdown: CancellationToken,
) {
    let router = router.with_state(());
    accept(listener, &limits, &shutdown, |stream, peer| {
        connection(stream, peer, router.clone(), limits.clone(), shutdown.child_token())
    })
    .await;
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: axum::Router,
    limits: Limits,
    shutdown: CancellationToken,
) {
    let patience = Patience { head: limits.header, stall: limits.stall };
    let (stream, turn) = Patient::by_turns(stream, patience);
    let service = service_fn(move |mut request: Request<Incoming>| {
        turn.request_began();
        request.extensions_mut().insert(ConnectInfo(peer));
        let answer = router.clone().call(request);
        let turn = turn.clone();
        async move {
            let answer = answer.await;
            turn.request_answered();
            answer
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // hyper's clock for a head runs from the answer before it, so it measures idleness; Patient's runs from
        // the first byte.
        .header_read_timeout(limits.idle)
        .max_header_size(MAX_HEAD_BYTES)
        .max_buf_size(MAX_BUFFERED_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    drive(connection, http1::Connection::graceful_shutdown, shutdown, limits.drain).await;
}
