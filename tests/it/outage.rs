//! The database goes away and comes back: nobody is told a lie meanwhile, and nobody has to help afterwards.

use std::net::SocketAddr;

use payment_status::{
    gateways::simulate::Scenario,
    proto::{TransactionStatus, payment_status_client::PaymentStatusClient},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::harness::{
    Program, eventually, postgres,
    shop::{SECRET, Shop, deliver, get, register, transaction},
};

/// The network between the program and its database, which can be cut.
struct Wire {
    address: SocketAddr,
    whole: watch::Sender<bool>,
}

impl Wire {
    async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (whole, state) = watch::channel(true);
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, server.clone(), state.clone()));
            }
        });
        Self { address, whole }
    }
}

/// Carries bytes until either end or the wire is gone; a cut wire takes no new connection.
async fn carry(mut near: TcpStream, server: String, mut whole: watch::Receiver<bool>) {
    if !*whole.borrow() {
        return;
    }
    let Ok(mut far) = TcpStream::connect(server).await else { return };
    tokio::select! {
        _ = copy_bidirectional(&mut near, &mut far) => {}
        _ = whole.wait_for(|whole| !whole) => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_comes_back_is_used_again_without_an_operator() {
    let Some(mut database) = postgres() else { return };
    let (user, place) = database.url.split_once('@').expect("a user");
    let (server, name) = place.split_once('/').expect("a database");
    let wire = Wire::to(server.to_owned()).await;
    database.url = format!("{user}@{}/{name}", wire.address);

    let shop = Shop::open();
    let program = Program::start("serve", &Shop::config(&database), &[SECRET], &["http", "grpc", "ops"]);
    let (http, ops) = (program.address("http"), program.address("ops"));
    let mut client = PaymentStatusClient::connect(program.url("grpc")).await.unwrap();
    register(&mut client, "order").await;
    let ready = async || get(ops, "/readyz").await.map(|(status, _)| status);
    eventually("it is ready", async || ready().await == Some(200)).await;
    let paid = shop.callbacks("order", Scenario::Success).remove(0);

    wire.whole.send_replace(false);
    assert_eq!(deliver(http, &paid).await, Some(503));
    eventually("it is not ready any more", async || ready().await == Some(503)).await;
    assert_eq!(get(ops, "/healthz").await.map(|(status, _)| status), Some(200));

    wire.whole.send_replace(true);
    eventually("the gateway's retry counts", async || deliver(http, &paid).await == Some(200)).await;
    eventually("it is ready again", async || ready().await == Some(200)).await;
    assert_eq!(transaction(&mut client, "order").await.status(), TransactionStatus::Paid);
}
