//! Yardstick: what one bare unary gRPC call costs, with the message that carries a callback.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use http::uri::PathAndQuery;
use payment_status::proto::ProcessCallbackRequest;
use serde::{Deserialize, Serialize};
use tokio::{
    net::TcpListener,
    task::JoinSet,
    time::{Instant, sleep},
};
use tonic::{
    Request, Response, Status,
    body::Body,
    client,
    server::{self, NamedService},
    transport::{Channel, Endpoint, Server, server::TcpIncoming},
};
use tonic_prost::ProstCodec;
use tower::{Service, service_fn};

use crate::{
    Result,
    latency::Percentiles,
    role::{self, Role},
};

/// Calls in flight, as many as pgbench has clients.
const CALLS: usize = 64;
const BODY: usize = 1024;

type Codec = ProstCodec<ProcessCallbackRequest, ProcessCallbackRequest>;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) calls_per_second: f64,
    pub(crate) latency: Percentiles,
}

/// Client and server, each a process with one thread.
pub(crate) fn measure(window: Duration) -> Result<Measured> {
    let mut server = Role::Echo.start()?;
    let address = server.hear()?;
    Role::AskEcho { address, window }.start()?.hear()
}

pub(crate) async fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    role::say(&listener.local_addr()?)?;
    // Without it small answers wait for the other side's delayed acknowledgement, 40 ms each.
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    Ok(Server::builder().add_service(Echo).serve_with_incoming(incoming).await?)
}

pub(crate) async fn ask(address: SocketAddr, window: Duration) -> Result<()> {
    let channel = Endpoint::from_shared(format!("http://{address}"))?.connect().await?;
    let over = Arc::new(AtomicBool::new(false));
    let mut tasks = JoinSet::new();
    let start = Instant::now();
    for _ in 0..CALLS {
        tasks.spawn(keep_calling(channel.clone(), Arc::clone(&over)));
    }
    sleep(window).await;
    over.store(true, Ordering::Relaxed);
    let mut latencies = Vec::new();
    while let Some(task) = tasks.join_next().await {
        latencies.extend(task??);
    }
    let calls = u32::try_from(latencies.len())?;
    role::say(&Measured {
        calls_per_second: f64::from(calls) / start.elapsed().as_secs_f64(),
        latency: Percentiles::of(latencies),
    })
}

async fn keep_calling(channel: Channel, over: Arc<AtomicBool>) -> Result<Vec<Duration>> {
    let mut client = client::Grpc::new(channel);
    let message = ProcessCallbackRequest { body: vec![b'x'; BODY], ..Default::default() };
    let mut latencies = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let start = Instant::now();
        client.ready().await?;
        let path = PathAndQuery::from_static("/bench.Echo/Echo");
        let _: Response<ProcessCallbackRequest> =
            client.unary(Request::new(message.clone()), path, Codec::default()).await?;
        latencies.push(start.elapsed());
    }
    Ok(latencies)
}

#[derive(Clone)]
struct Echo;

// === impl Echo ===

impl NamedService for Echo {
    const NAME: &'static str = "bench.Echo";
}

impl Service<http::Request<Body>> for Echo {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::result::Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let reflect = service_fn(async |request: Request<ProcessCallbackRequest>| {
            Ok::<_, Status>(Response::new(request.into_inner()))
        });
        Box::pin(async move { Ok(server::Grpc::new(Codec::default()).unary(reflect, request).await) })
    }
}
