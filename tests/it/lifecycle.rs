//! Start and stop of the real process: what an operator and a container runtime see.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
};

use payment_status::proto::{
    WatchStart, WatchTransactionsRequest, payment_status_client::PaymentStatusClient,
    watch_transactions_response::Event,
};
use tokio_stream::StreamExt as _;
use tonic::Code;

use crate::harness::{
    Program, program,
    shop::{SECRET, Shop},
};

const ALL: &[&str] = &["http", "grpc", "ops"];

fn watch_from_now() -> WatchTransactionsRequest {
    WatchTransactionsRequest { start: WatchStart::Now.into(), ..WatchTransactionsRequest::default() }
}

on_both_stores! {
    async fn sigterm_ends_streams_with_unavailable_and_the_process_with_success(database: Database) {
        let mut program = Program::start("serve", &Shop::config(&database), &[SECRET], ALL);
        let mut client = PaymentStatusClient::connect(program.url("grpc")).await.unwrap();
        let mut stream = client.watch_transactions(watch_from_now()).await.unwrap().into_inner();
        let first = stream.next().await.unwrap().unwrap();
        assert!(matches!(first.event, Some(Event::CaughtUp(_))), "{first:?}");

        program.terminate();

        let ended = loop {
            match stream.next().await {
                Some(Ok(_)) => {}
                Some(Err(status)) => break status,
                None => panic!("the stream ended as if all was said"),
            }
        };
        assert_eq!(ended.code(), Code::Unavailable, "{ended:?}");
        assert!(program.ended().unwrap().success());
    }
}

on_both_stores! {
    async fn a_schema_that_an_operator_keeps_is_only_migrated_on_demand(database: Database) {
        let by_hand = |args: &[&str]| {
            let mut command = program();
            command.args(args).env("PAYMENT_STATUS__DATABASE__URL", &database.url);
            command.env("PAYMENT_STATUS__DATABASE__MIGRATE", "manual");
            command.env("PAYMENT_STATUS__GATEWAYS__STRIPE_EU__KIND", "stripe");
            command.env("PAYMENT_STATUS__GATEWAYS__STRIPE_EU__SECRETS", "[{ env = \"STRIPE_SECRET\" }]");
            for listener in ["HTTP", "GRPC", "OPS"] {
                command.env(format!("PAYMENT_STATUS__{listener}__LISTEN"), "127.0.0.1:0");
            }
            command.env(SECRET.0, SECRET.1).output().unwrap()
        };
        let refused = by_hand(&["serve"]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.starts_with("error: database.url: ") && said.lines().count() == 1, "{said}");
        assert!(said.contains("payment-status migrate"), "it says what to do: {said}");

        let migrated = by_hand(&["migrate"]);
        assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
        let manual = format!("{}\n", Shop::config(&database)).replace("[gateways", "migrate = \"manual\"\n[gateways");
        Program::start("serve", &manual, &[SECRET], ALL);
    }
}

#[test]
fn sigint_stops_the_adapter_alone() {
    let mut program = Program::adapter("http://127.0.0.1:1");
    program.interrupt();
    assert!(program.ended().unwrap().success());
}

#[test]
fn a_second_signal_does_not_wait_for_a_call_under_way() {
    let mut program = Program::adapter("http://127.0.0.1:1");
    let mut slow = TcpStream::connect(program.address("http")).unwrap();
    // The answer to its first line shows that the request is under way; its body never comes.
    slow.write_all(
        b"POST /webhooks/x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n",
    )
    .unwrap();
    slow.read_exact(&mut [0; 12]).unwrap();
    program.terminate();
    program.said("shutting down");
    program.terminate();
    assert_eq!(program.ended().unwrap().code(), Some(1));
}

#[test]
fn a_port_in_use_is_named_with_its_key() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let output = program()
        .args(["adapter", "--service-url", "http://127.0.0.1:1", "--listen", &address.to_string()])
        .env("PAYMENT_STATUS__OPS__LISTEN", "127.0.0.1:0")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(said, format!("error: http.listen: {address} is in use by another program\n"));
}

#[test]
fn a_database_that_is_away_is_named_without_its_password() {
    let output = program()
        .arg("serve")
        .env("PAYMENT_STATUS__DATABASE__URL", "postgres://pay:hunter2@127.0.0.1:1/pay")
        .env("PAYMENT_STATUS__HTTP__LISTEN", "127.0.0.1:0")
        .env("PAYMENT_STATUS__GRPC__LISTEN", "127.0.0.1:0")
        .env("PAYMENT_STATUS__OPS__LISTEN", "127.0.0.1:0")
        .env("PAYMENT_STATUS__GATEWAYS__STRIPE_EU__KIND", "stripe")
        .env("PAYMENT_STATUS__GATEWAYS__STRIPE_EU__SECRETS", "[{ env = \"STRIPE_SECRET\" }]")
        .env(SECRET.0, SECRET.1)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.starts_with("error: database.url: postgres://127.0.0.1:1/pay: "), "{said}");
    assert!(said.lines().count() == 1 && !said.contains("hunter2"), "{said}");
}
