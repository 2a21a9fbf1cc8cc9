//! Listeners and the peers they meet: silent, slow, too many, and there at the shutdown.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, extract::ConnectInfo, routing::get};
use payment_status::listen::{Limits, in_memory, serve_grpc, serve_http};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinHandle,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

const SHORT: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(10);

struct Server {
    address: SocketAddr,
    shutdown: CancellationToken,
    running: JoinHandle<()>,
    /// Each `/held` request is answered when it gets a permit.
    gate: Arc<Semaphore>,
}

async fn http(limits: Limits) -> Server {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let router = Router::new()
        .route("/", get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.to_string()))
        .route("/held", get(async move || held.acquire().await.map(|_| "late").unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, shutdown) = (listener.local_addr().unwrap(), CancellationToken::new());
    let running = tokio::spawn(serve_http(listener, router, limits, shutdown.clone()));
    Server { address, shutdown, running, gate }
}

async fn grpc(limits: Limits) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, shutdown) = (listener.local_addr().unwrap(), CancellationToken::new());
    let running = tokio::spawn(serve_grpc(listener, health(), limits, shutdown.clone()));
    Server { address, shutdown, running, gate: Arc::new(Semaphore::new(0)) }
}

fn health() -> Router {
    let (_, service) = tonic_health::server::health_reporter();
    tonic::service::Routes::new(service).into_axum_router()
}

impl Server {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn stopped(self) {
        timeout(PATIENCE, self.running).await.expect("the listener stops in time").unwrap();
    }
}

async fn send(peer: &mut TcpStream, text: &str) {
    peer.write_all(text.as_bytes()).await.unwrap();
}

async fn until_closed(peer: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is a close as well.
    let _ = timeout(PATIENCE, peer.read_to_end(&mut bytes)).await.expect("the server closes in time");
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn until(peer: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(end) {
        let byte = timeout(PATIENCE, peer.read_u8()).await.expect("an answer in time").unwrap();
        text.push(char::from(byte));
    }
    text
}

/// Reads the answer of `/`, which is the peer's own address.
async fn served(peer: &mut TcpStream) {
    let own = peer.local_addr().unwrap().to_string();
    assert!(until(peer, &own).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_silent_peer_is_closed() {
    let server = http(Limits { header: SHORT, ..Limits::default() }).await;
    assert_eq!(until_closed(&mut server.connect().await).await, "");
}

#[tokio::test]
async fn a_head_that_drips_is_closed_however_often_a_byte_comes() {
    let server = http(Limits { header: SHORT, ..Limits::default() }).await;
    let mut peer = server.connect().await;
    send(&mut peer, "GET / HTTP/1.1\r\n").await;
    let (mut read, mut write) = peer.split();
    let drip = async {
        let mut every = tokio::time::interval(SHORT / 10);
        while write.write_all(b"x").await.is_ok() {
            every.tick().await;
        }
    };
    let closed = async { while read.read_u8().await.is_ok() {} };
    timeout(PATIENCE, async {
        tokio::select! { () = drip => {}, () = closed => {} }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn an_idle_connection_serves_again_and_is_closed_later() {
    let server = http(Limits { idle: SHORT, ..Limits::default() }).await;
    let mut peer = server.connect().await;
    for _ in 0..2 {
        send(&mut peer, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
        served(&mut peer).await;
    }
    assert_eq!(until_closed(&mut peer).await, "");
}

#[tokio::test]
async fn a_request_may_take_longer_than_its_head() {
    let server = http(Limits { header: SHORT, idle: SHORT, ..Limits::default() }).await;
    let mut peer = server.connect().await;
    send(&mut peer, "GET /held HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(timeout(SHORT * 3, peer.read_u8()).await.is_err(), "it is still held");
    server.gate.add_permits(1);
    assert!(until(&mut peer, "late").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_huge_head_is_refused() {
    let server = http(Limits::default()).await;
    let mut peer = server.connect().await;
    send(&mut peer, &format!("GET / HTTP/1.1\r\nhost: x\r\ny: {}\r\n\r\n", "y".repeat(40_000))).await;
    assert!(until_closed(&mut peer).await.starts_with("HTTP/1.1 431"));
}

#[tokio::test]
async fn at_the_cap_a_connection_waits_until_another_ends() {
    let server = http(Limits { max_connections: 1, ..Limits::default() }).await;
    let mut first = server.connect().await;
    send(&mut first, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    served(&mut first).await;

    let mut second = server.connect().await;
    send(&mut second, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(timeout(SHORT, second.read_u8()).await.is_err(), "nobody serves it yet");
    drop(first);
    served(&mut second).await;
}

#[tokio::test]
async fn at_the_shutdown_a_request_under_way_is_answered() {
    let server = http(Limits::default()).await;
    let (mut idle, mut busy) = (server.connect().await, server.connect().await);
    send(&mut idle, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    served(&mut idle).await;
    send(&mut busy, "GET /held HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(timeout(SHORT, busy.read_u8()).await.is_err(), "it is under way");

    server.shutdown.cancel();
    assert_eq!(until_closed(&mut idle).await, "");
    server.gate.add_permits(1);
    assert!(until_closed(&mut busy).await.ends_with("late"));
    let address = server.address;
    server.stopped().await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn what_does_not_finish_after_the_shutdown_is_cut() {
    let server = http(Limits { drain: SHORT, ..Limits::default() }).await;
    let mut peer = server.connect().await;
    send(&mut peer, "GET /held HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(timeout(SHORT, peer.read_u8()).await.is_err(), "it is under way");
    server.shutdown.cancel();
    server.stopped().await;
    assert_eq!(until_closed(&mut peer).await, "");
}

#[tokio::test]
async fn a_peer_without_an_http2_preface_is_closed() {
    let server = grpc(Limits { first_bytes: SHORT, ..Limits::default() }).await;
    let (mut silent, mut half) = (server.connect().await, server.connect().await);
    send(&mut half, "PRI * HTTP/2.0\r\n").await;
    until_closed(&mut silent).await;
    until_closed(&mut half).await;
}

#[tokio::test]
async fn silent_grpc_peers_do_not_hold_the_shutdown() {
    let server = grpc(Limits { drain: SHORT, first_bytes: PATIENCE * 10, ..Limits::default() }).await;
    let mut silent = server.connect().await;
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{}", server.address)).unwrap();
    let mut client = HealthClient::new(channel.connect().await.unwrap());
    client.check(HealthCheckRequest::default()).await.unwrap();
    let mut endless = client.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    endless.message().await.unwrap();

    server.shutdown.cancel();
    server.stopped().await;
    until_closed(&mut silent).await;
    assert!(!matches!(endless.message().await, Ok(Some(_))));
}

#[tokio::test]
async fn grpc_runs_in_memory_and_ends_with_its_shutdown() {
    let (shutdown, tasks) = (CancellationToken::new(), TaskTracker::new());
    let channel = in_memory(health(), SHORT, shutdown.clone(), tasks.clone());
    let mut client = HealthClient::new(channel);
    for _ in 0..3 {
        client.check(HealthCheckRequest::default()).await.unwrap();
    }
    assert_eq!(tasks.len(), 1, "calls share one connection");
    shutdown.cancel();
    tasks.close();
    timeout(PATIENCE, tasks.wait()).await.unwrap();
}
