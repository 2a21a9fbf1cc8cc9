//! The whole way, from a gateway's signed call to what the order service sees, through real processes.

use payment_status::{
    gateways::simulate::Scenario,
    proto::{
        Hold, TransactionStatus, WatchStart, WatchTransactionsRequest,
        payment_status_client::PaymentStatusClient, watch_transactions_response::Event,
    },
};
use tokio::task::JoinSet;
use tokio_stream::StreamExt as _;
use tonic::transport::Channel;

use crate::harness::{
    Program, eventually, program,
    shop::{self, SECRET, Shop, deliver, get, register, transaction},
};

const ALL: &[&str] = &["http", "grpc", "ops"];

async fn client(program: &Program) -> PaymentStatusClient<Channel> {
    PaymentStatusClient::connect(program.url("grpc")).await.unwrap()
}

/// Plays scenarios at `front` and looks at what `back` says of them.
async fn a_payment_is_confirmed_once_and_only_when_proven(front: &Program, back: &Program) {
    let (shop, mut client, front) = (Shop::open(), client(back).await, front.address("http"));
    for order in ["paid", "forged", "short", "refunded"] {
        register(&mut client, order).await;
    }

    let paid = &shop.callbacks("paid", Scenario::Duplicate);
    assert_eq!((deliver(front, &paid[0]).await, deliver(front, &paid[1]).await), (Some(200), Some(200)));
    let seen = transaction(&mut client, "paid").await;
    assert_eq!((seen.status(), seen.actionable, seen.version), (TransactionStatus::Paid, true, 2));

    assert_eq!(deliver(front, &shop.callbacks("forged", Scenario::Forged)[0]).await, Some(401));
    assert_eq!(transaction(&mut client, "forged").await.status(), TransactionStatus::Created);

    assert_eq!(deliver(front, &shop.callbacks("short", Scenario::WrongAmount)[0]).await, Some(200));
    let seen = transaction(&mut client, "short").await;
    assert_eq!((seen.actionable, seen.holds().collect::<Vec<_>>()), (false, vec![Hold::AmountMismatch]));

    for callback in shop.callbacks("refunded", Scenario::Refund) {
        assert_eq!(deliver(front, &callback).await, Some(200));
    }
    assert_eq!(transaction(&mut client, "refunded").await.status(), TransactionStatus::Refunded);

    let mut unknown = shop.callbacks("paid", Scenario::Success).remove(0);
    unknown.path = "/webhooks/nobody".to_owned();
    assert_eq!(deliver(front, &unknown).await, Some(404));
}

on_both_stores! {
    async fn one_process_serves_gateways_and_services(database: Database) {
        let program = Program::start("serve", &Shop::config(&database), &[SECRET], ALL);
        a_payment_is_confirmed_once_and_only_when_proven(&program, &program).await;
    }

    async fn an_adapter_apart_serves_gateways_without_a_secret(database: Database) {
        let service = Program::start("service", &Shop::config(&database), &[SECRET], &["grpc", "ops"]);
        let adapter = Program::adapter(&service.url("grpc"));
        a_payment_is_confirmed_once_and_only_when_proven(&adapter, &service).await;
    }

    async fn what_was_acknowledged_before_a_kill_is_there_after_it(database: Database) {
        const ORDERS: usize = 200;
        let shop = Shop::open();
        let mut program = Program::start("serve", &Shop::config(&database), &[SECRET], ALL);
        let mut before = client(&program).await;
        for order in 0..ORDERS {
            register(&mut before, &format!("order-{order}")).await;
        }
        let front = program.address("http");
        let mut deliveries = JoinSet::new();
        for order in 0..ORDERS {
            let callback = shop.callbacks(&format!("order-{order}"), Scenario::Success).remove(0);
            deliveries.spawn(async move { (order, deliver(front, &callback).await) });
        }
        let mut acknowledged = Vec::new();
        while let Some(delivered) = deliveries.join_next().await {
            let (order, answer) = delivered.unwrap();
            if answer == Some(200) {
                acknowledged.push(order);
            }
            if acknowledged.len() == 20 {
                program.kill();
            }
        }
        program.ended().unwrap();

        let program = Program::start("serve", &Shop::config(&database), &[SECRET], ALL);
        let mut after = client(&program).await;
        assert!(acknowledged.len() >= 20);
        for order in acknowledged {
            let seen = transaction(&mut after, &format!("order-{order}")).await;
            assert_eq!(seen.status(), TransactionStatus::Paid, "order-{order} was acknowledged");
        }
        // Whoever heard nothing calls again.
        for order in 0..ORDERS {
            let again = shop.callbacks(&format!("order-{order}"), Scenario::Success).remove(0);
            assert_eq!(deliver(program.address("http"), &again).await, Some(200));
        }
        let versions = versions_from_the_start(&mut after).await;
        assert_eq!(versions.len(), 2 * ORDERS, "each order was created once and paid once");
    }
}

/// Every update there is, as `(transaction, version)`.
async fn versions_from_the_start(client: &mut PaymentStatusClient<Channel>) -> Vec<(String, u64)> {
    let request = WatchTransactionsRequest { start: WatchStart::Earliest.into(), ..Default::default() };
    let mut stream = client.watch_transactions(request).await.unwrap().into_inner();
    let mut seen = Vec::new();
    while let Some(response) = stream.next().await {
        match response.unwrap().event {
            Some(Event::Updates(batch)) => {
                let transactions = batch.updates.into_iter().filter_map(|update| update.transaction);
                seen.extend(
                    transactions.map(|transaction| (transaction.transaction_id, transaction.version)),
                );
            }
            Some(Event::CaughtUp(_)) => break,
            _ => {}
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_plays_a_gateway() {
    let database = crate::harness::sqlite();
    let serving = Program::start("serve", &Shop::config(&database), &[SECRET], ALL);
    let mut client = client(&serving).await;
    register(&mut client, "order-1").await;
    let url = format!("{}/webhooks/stripe-eu", serving.url("http"));
    let args =
        ["simulate", "--kind", "stripe", "--scenario", "success", "--live", "--transaction-id", "order-1"];
    let output =
        program().args(args).args(["--url", &url]).env("PAYMENT_STATUS_SECRET", SECRET.1).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("→ 200"));
    let seen = transaction(&mut client, "order-1").await;
    assert_eq!((seen.status(), seen.captured.unwrap().minor_units), (TransactionStatus::Paid, shop::PRICE));
}

on_both_stores! {
    async fn logs_hold_no_secret_no_signature_and_no_body_at_any_level(database: Database) {
        let config = format!("{}\n[log]\nfilter = \"trace\"", Shop::config(&database));
        let program = Program::start("serve", &config, &[SECRET], ALL);
        let (shop, mut client) = (Shop::open(), client(&program).await);
        register(&mut client, "order-1").await;
        let scenarios = [Scenario::Success, Scenario::Forged, Scenario::WrongAmount];
        let callbacks: Vec<_> = scenarios.iter().flat_map(|scenario| shop.callbacks("order-1", *scenario)).collect();
        for callback in &callbacks {
            deliver(program.address("http"), callback).await.unwrap();
        }

        let log = program.log_to_the_end();
        assert!(log.lines().count() > 100, "everything is logged:\n{log}");
        assert!(!log.contains(&SECRET.1[6..]), "the secret is logged");
        for callback in &callbacks {
            let signature = callback.headers_named("stripe-signature").next().unwrap();
            let signature = String::from_utf8_lossy(signature);
            let (_, proof) = signature.rsplit_once('=').unwrap();
            assert!(!log.contains(proof), "a signature is logged");
        }
        assert!(!log.contains("payment_intent.succeeded"), "a body is logged");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_see_health_and_metrics_on_a_listener_of_their_own() {
    let database = crate::harness::sqlite();
    let serving = Program::start("serve", &Shop::config(&database), &[SECRET], ALL);
    let (ops, http) = (serving.address("ops"), serving.address("http"));
    eventually("it is ready", async || get(ops, "/readyz").await == Some((200, "ready\n".to_owned()))).await;
    assert_eq!(get(ops, "/healthz").await, Some((200, "ok\n".to_owned())));

    deliver(http, &Shop::open().callbacks("order-1", Scenario::Success)[0]).await;
    let (_, metrics) = get(ops, "/metrics").await.unwrap();
    for name in [
        "http_server_request_duration_seconds_count",
        "rpc_server_call_duration_seconds_count",
        "payment_status_write_batch_size_count",
        "payment_status_write_commit_duration_seconds_count",
        "payment_status_hop_batch_size_count",
    ] {
        assert!(metrics.contains(name), "{name}\n{metrics}");
    }
    for path in ["/healthz", "/readyz", "/metrics", "/"] {
        assert_eq!(get(http, path).await.map(|(status, _)| status), Some(404), "{path} is not public");
    }
}

/// The lines of `watch --json --once`.
fn watch(serving: &Program, args: &[&str]) -> Vec<serde_json::Value> {
    let output = program()
        .args(["watch", "--json", "--once", "--url", &serving.url("grpc")])
        .args(args)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_follows_updates_and_goes_on_where_it_left_off() {
    let database = crate::harness::sqlite();
    let serving = Program::start("serve", &Shop::config(&database), &[SECRET], ALL);
    let (shop, mut client) = (Shop::open(), client(&serving).await);
    register(&mut client, "order-1").await;

    let seen = watch(&serving, &["--from", "earliest"]);
    assert_eq!(seen.iter().map(|line| &line["update_id"]).collect::<Vec<_>>(), ["order-1/1"]);
    let cursor = seen[0]["cursor"].as_str().unwrap();

    deliver(serving.address("http"), &shop.callbacks("order-1", Scenario::Success)[0]).await;
    let seen = watch(&serving, &["--cursor", cursor]);
    assert_eq!(seen.iter().map(|line| &line["update_id"]).collect::<Vec<_>>(), ["order-1/2"]);
    assert_eq!(seen[0]["status"], "TRANSACTION_STATUS_PAID");
    assert_eq!(seen[0]["captured"]["minor_units"], shop::PRICE);

    let seen = watch(&serving, &["--from", "snapshot"]);
    assert_eq!(seen.iter().map(|line| &line["version"]).collect::<Vec<_>>(), [2]);
    assert!(watch(&serving, &[]).is_empty(), "nothing is new from now on");
}
