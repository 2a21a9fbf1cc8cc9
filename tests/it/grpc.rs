//! The gRPC contract: what each call answers, and every reason for which it may refuse.

use payment_status::proto::{
    BatchGetTransactionsRequest, CallbackOutcome, GatewayPayment, GetTransactionRequest, Hold,
    ListTransactionUpdatesRequest, ListTransactionsRequest, Money, ProcessCallbackRequest,
    ProcessCallbacksRequest, Transaction, TransactionFilter, TransactionStatus, callback_result, cause,
    get_transaction_request::Key,
};
use tonic::{Code, Request, Status};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};
use tonic_types::StatusExt as _;

use crate::harness::service::{Knobs, Service, paid, registration, signed};

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Code, reason and the fields named.
fn told<T: std::fmt::Debug>(result: Result<T, Status>) -> (Code, String, Vec<String>) {
    let status = result.expect_err("a refusal");
    let details = status.get_error_details();
    let info = details.error_info().expect("every error has an ErrorInfo");
    assert_eq!(info.domain, "payment-status");
    let retried = matches!(status.code(), Code::Unavailable | Code::ResourceExhausted);
    assert_eq!(details.retry_info().is_some(), retried, "{status:?}");
    let fields = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
    (status.code(), info.reason.clone(), fields.into_iter().map(|violation| violation.field).collect())
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Status>, code: Code, reason: &str) {
    assert_eq!(told(result), (code, reason.to_owned(), Vec::new()));
}

#[track_caller]
fn invalid<T: std::fmt::Debug>(result: Result<T, Status>, fields: &[&str]) {
    let fields = fields.iter().map(|&field| field.to_owned()).collect();
    assert_eq!(told(result), (Code::InvalidArgument, "FIELD_INVALID".to_owned(), fields));
}

fn by_id(id: &str) -> GetTransactionRequest {
    GetTransactionRequest { key: Some(Key::TransactionId(id.to_owned())), min_cursor: String::new() }
}

fn by_payment(gateway: &str, payment: &str) -> GetTransactionRequest {
    let (gateway, gateway_payment_id) = (gateway.to_owned(), payment.to_owned());
    let key = Key::GatewayPayment(GatewayPayment { gateway, gateway_payment_id });
    GetTransactionRequest { key: Some(key), min_cursor: String::new() }
}

fn ids(transactions: &[Transaction]) -> Vec<&str> {
    transactions.iter().map(|transaction| transaction.transaction_id.as_str()).collect()
}

on_both_stores! {
    async fn a_signed_callback_makes_a_registered_payment_paid(database: Database) {
        let service = Service::start(&database.url).await;
        let mut client = service.client.clone();
        let created = client.register_transaction(registration("order-1")).await.unwrap().into_inner();
        let created_now = created.transaction.unwrap();
        assert_eq!((created_now.status(), created_now.version), (TransactionStatus::Created, 1));

        let mut callback = signed("shop", &paid("order-1", 1099));
        callback.traceparent = TRACEPARENT.to_owned();
        let answer = client.process_callback(callback.clone()).await.unwrap().into_inner();
        assert_eq!(answer.outcome(), CallbackOutcome::Applied);
        assert_eq!(answer.transaction_ids, ["order-1"]);
        assert_eq!(answer.reply.unwrap().status, 200);
        let again = client.process_callback(callback).await.unwrap().into_inner();
        assert_eq!(again.outcome(), CallbackOutcome::Duplicate);

        let read = GetTransactionRequest { min_cursor: answer.cursor, ..by_payment("shop", "pi_order-1") };
        let now = client.get_transaction(read).await.unwrap().into_inner().transaction.unwrap();
        assert_eq!((now.status(), now.version, now.actionable), (TransactionStatus::Paid, 2, true));
        assert_eq!(now.captured, Some(Money { currency_code: "EUR".into(), minor_units: 1099 }));

        let of_it = ListTransactionUpdatesRequest { transaction_id: "order-1".into(), ..Default::default() };
        let history = client.list_transaction_updates(of_it).await.unwrap().into_inner().updates;
        assert_eq!(history.len(), 2);
        assert_eq!((history[1].update_id.as_str(), history[1].traceparent.as_str()), ("order-1/2", TRACEPARENT));
        assert_eq!(history[1].transaction.as_ref(), Some(&now));
        assert_eq!(history[1].previous_status(), TransactionStatus::Created);
        let cause = history[1].cause.clone().unwrap().cause;
        assert_eq!(cause, Some(cause::Cause::CallbackId(answer.callback_id)));
    }

    async fn money_that_does_not_fit_is_held_and_still_acknowledged(database: Database) {
        let service = Service::start(&database.url).await;
        let mut client = service.client.clone();
        service.register("order-1").await;
        let answer = client.process_callback(signed("shop", &paid("order-1", 1))).await.unwrap().into_inner();
        assert_eq!((answer.outcome(), answer.reply.unwrap().status), (CallbackOutcome::Held, 200));
        let now = client.get_transaction(by_id("order-1")).await.unwrap().into_inner().transaction.unwrap();
        assert!(!now.actionable);
        assert_eq!(now.holds().collect::<Vec<_>>(), [Hold::AmountMismatch]);
    }

    async fn a_payment_that_nobody_registered_waits_or_is_adopted(database: Database) {
        let service = Service::start(&database.url).await;
        let mut client = service.client.clone();
        let parked = client.process_callback(signed("shop", &paid("early", 1099))).await.unwrap().into_inner();
        assert_eq!((parked.outcome(), parked.transaction_ids.len()), (CallbackOutcome::Parked, 0));
        let registered = client.register_transaction(registration("early")).await.unwrap().into_inner();
        assert_eq!(registered.transaction.unwrap().status(), TransactionStatus::Paid);

        let adopted = client.process_callback(signed("adopting", &paid("stray", 1099))).await.unwrap().into_inner();
        assert_eq!(adopted.outcome(), CallbackOutcome::Held);
        let stray = client.get_transaction(by_payment("adopting", "pi_stray")).await.unwrap().into_inner();
        let stray = stray.transaction.unwrap();
        assert_eq!((stray.holds().collect::<Vec<_>>(), stray.expected), (vec![Hold::Unregistered], None));
    }

    async fn a_batch_answers_each_callback_in_order(database: Database) {
        let service = Service::start(&database.url).await;
        service.register("order-1").await;
        let good = signed("shop", &paid("order-1", 1099));
        let mut forged = good.clone();
        forged.body[0] = b' ';
        let callbacks = vec![
            forged,
            signed("nobody", "{}"),
            good.clone(),
            ProcessCallbackRequest { method: "post".into(), ..good.clone() },
            signed("shop", "{\"id\":"),
            good,
        ];
        let request = ProcessCallbacksRequest { callbacks };
        let results = service.client.clone().process_callbacks(request).await.unwrap().into_inner().results;
        let told = results.into_iter().map(|result| match result.result.unwrap() {
            callback_result::Result::Response(response) => response.outcome().as_str_name().to_owned(),
            callback_result::Result::Error(error) => {
                let status = error.reply.map(|reply| reply.status.to_string()).unwrap_or_default();
                format!("{} {} {status}", error.code, error.reason)
            }
        });
        let expected = [
            "16 SIGNATURE_INVALID 401",
            "5 GATEWAY_UNKNOWN ",
            "CALLBACK_OUTCOME_APPLIED",
            "3 FIELD_INVALID ",
            "CALLBACK_OUTCOME_UNREADABLE",
            "CALLBACK_OUTCOME_DUPLICATE",
        ];
        assert_eq!(told.collect::<Vec<_>>(), expected);
    }

    async fn the_same_registration_again_is_no_conflict_and_another_is(database: Database) {
        let service = Service::start(&database.url).await;
        let mut client = service.client.clone();
        let mut asked = registration("order-1");
        asked.labels = [("shop".to_owned(), "berlin".to_owned())].into();
        asked.expire_time = Some(prost_types::Timestamp { seconds: 2_000_000_000, nanos: 123_456_789 });
        asked.gateway_payment_id = "pi_1".to_owned();
        let first = client.register_transaction(asked.clone()).await.unwrap().into_inner().transaction;
        let again = client.register_transaction(asked.clone()).await.unwrap().into_inner().transaction;
        assert_eq!(first, again);
        asked.order_id = "another".to_owned();
        let conflict = (Code::AlreadyExists, "TRANSACTION_CONFLICT");
        refused(client.register_transaction(asked.clone()).await, conflict.0, conflict.1);
        asked.transaction_id = "order-2".to_owned();
        refused(client.register_transaction(asked).await, conflict.0, conflict.1);
    }

    async fn lists_go_on_page_by_page(database: Database) {
        let service = Service::start(&database.url).await;
        let mut client = service.client.clone();
        for id in ["e", "B", "d", "a", "c"] {
            service.register(id).await;
        }
        service.pay("d").await;
        let mut request = ListTransactionsRequest { page_size: 2, ..Default::default() };
        let mut pages = Vec::new();
        loop {
            let page = client.list_transactions(request.clone()).await.unwrap().into_inner();
            pages.push(ids(&page.transactions).join(" "));
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
        assert_eq!(pages, ["B a", "c d", "e"], "by bytes");

        let paid = TransactionFilter { statuses: vec![TransactionStatus::Paid.into()], ..Default::default() };
        let request = ListTransactionsRequest { filter: Some(paid), ..Default::default() };
        let page = client.list_transactions(request.clone()).await.unwrap().into_inner();
        assert_eq!((ids(&page.transactions), page.next_page_token), (vec!["d"], String::new()));

        let first = ListTransactionsRequest { page_size: 1, ..Default::default() };
        let page_token = client.list_transactions(first).await.unwrap().into_inner().next_page_token;
        let mixed = ListTransactionsRequest { page_token, ..request };
        invalid(client.list_transactions(mixed).await, &["page_token"]);
        let negative = ListTransactionsRequest { page_size: -1, ..Default::default() };
        invalid(client.list_transactions(negative).await, &["page_size"]);

        let mut of_it =
            ListTransactionUpdatesRequest { transaction_id: "d".into(), page_size: 1, ..Default::default() };
        let first = client.list_transaction_updates(of_it.clone()).await.unwrap().into_inner();
        assert_eq!((first.updates[0].update_id.as_str(), first.updates.len()), ("d/1", 1));
        of_it.page_token = first.next_page_token;
        let second = client.list_transaction_updates(of_it.clone()).await.unwrap().into_inner();
        assert_eq!((second.updates[0].update_id.as_str(), second.next_page_token.as_str()), ("d/2", ""));
        of_it.transaction_id = "e".to_owned();
        invalid(client.list_transaction_updates(of_it).await, &["page_token"]);
    }

    async fn many_are_read_in_the_order_asked_and_unknown_ones_named(database: Database) {
        let service = Service::start(&database.url).await;
        let mut client = service.client.clone();
        for id in ["a", "b", "c"] {
            service.register(id).await;
        }
        let ask = |ids: &[&str]| BatchGetTransactionsRequest {
            transaction_ids: ids.iter().map(|&id| id.to_owned()).collect(),
        };
        let read = client.batch_get_transactions(ask(&["c", "x", "a"])).await.unwrap().into_inner();
        assert_eq!((ids(&read.transactions), read.unknown_transaction_ids), (vec!["c", "a"], vec!["x".to_owned()]));
        invalid(client.batch_get_transactions(ask(&[])).await, &["transaction_ids"]);
        invalid(client.batch_get_transactions(ask(&["a", ""])).await, &["transaction_ids[1]"]);
        invalid(client.batch_get_transactions(ask(&["a"; 1001])).await, &["transaction_ids"]);
        let (code, _, fields) = told(client.batch_get_transactions(ask(&[""; 1000])).await);
        assert_eq!((code, fields.len()), (Code::InvalidArgument, 16), "what a header can hold");
    }

    async fn what_is_not_there_is_named(database: Database) {
        let service = Service::start(&database.url).await;
        let mut client = service.client.clone();
        let unknown = (Code::NotFound, "TRANSACTION_UNKNOWN");
        refused(client.get_transaction(by_id("x")).await, unknown.0, unknown.1);
        refused(client.get_transaction(by_payment("shop", "x")).await, unknown.0, unknown.1);
        let of_it = ListTransactionUpdatesRequest { transaction_id: "x".into(), ..Default::default() };
        refused(client.list_transaction_updates(of_it).await, unknown.0, unknown.1);
        let mut elsewhere = registration("x");
        elsewhere.gateway = "nobody".to_owned();
        refused(client.register_transaction(elsewhere).await, Code::NotFound, "GATEWAY_UNKNOWN");
        refused(client.process_callback(signed("nobody", "{}")).await, Code::NotFound, "GATEWAY_UNKNOWN");
        refused(client.process_callback(signed("No/body", "{}")).await, Code::NotFound, "GATEWAY_UNKNOWN");
        let endless = ProcessCallbackRequest { gateway: "x".repeat(100_000), ..signed("shop", "{}") };
        refused(client.process_callback(endless).await, Code::NotFound, "GATEWAY_UNKNOWN");
    }

    async fn a_cursor_of_another_database_is_not_waited_for(database: Database) {
        let service = Service::start(&database.url).await;
        let mut client = service.client.clone();
        let elsewhere = crate::harness::sqlite();
        let foreign = Service::start(&elsewhere.url).await.register("x").await;
        service.register("x").await;
        let read = |min_cursor: &str| GetTransactionRequest { min_cursor: min_cursor.to_owned(), ..by_id("x") };
        refused(client.get_transaction(read(&foreign)).await, Code::FailedPrecondition, "CURSOR_DIVERGED");
        invalid(client.get_transaction(read("nonsense")).await, &["min_cursor"]);
    }

    async fn a_database_that_is_away_is_said_and_retried(database: Database) {
        let service = Service::start(&database.url).await;
        let mut client = service.client.clone();
        service.store.close().await;
        let away = (Code::Unavailable, "STORE_UNAVAILABLE");
        refused(client.get_transaction(by_id("x")).await, away.0, away.1);
        refused(client.register_transaction(registration("x")).await, away.0, away.1);
        refused(client.process_callback(signed("shop", &paid("x", 1))).await, away.0, away.1);
    }
}

#[tokio::test]
async fn a_forged_callback_changes_nothing_and_says_what_to_answer() {
    let database = crate::harness::sqlite();
    let service = Service::start(&database.url).await;
    service.register("order-1").await;
    let mut client = service.client.clone();
    let mut forged = signed("shop", &paid("order-1", 1099));
    forged.headers[0].value.reverse();
    let status = client.process_callback(forged).await.expect_err("a refusal");
    let info = status.get_error_details().error_info().expect("info").clone();
    assert_eq!((status.code(), info.reason.as_str()), (Code::Unauthenticated, "SIGNATURE_INVALID"));
    assert_eq!(info.metadata["http_status"], "401");
    let now = client.get_transaction(by_id("order-1")).await.unwrap().into_inner().transaction.unwrap();
    assert_eq!((now.status(), now.version), (TransactionStatus::Created, 1));
}

#[tokio::test]
async fn every_field_that_is_wrong_is_named() {
    let database = crate::harness::sqlite();
    let service = Service::start(&database.url).await;
    let mut client = service.client.clone();
    let good = signed("shop", "{}");
    let cases: [(ProcessCallbackRequest, &[&str]); 7] = [
        (ProcessCallbackRequest::default(), &["gateway", "method"]),
        (ProcessCallbackRequest { method: "po st".into(), ..good.clone() }, &["method"]),
        (ProcessCallbackRequest { path: "/\n".into(), ..good.clone() }, &["path"]),
        (ProcessCallbackRequest { query: "q".repeat(20_000), ..good.clone() }, &["query"]),
        (
            ProcessCallbackRequest { headers: vec![good.headers[0].clone(); 201], ..good.clone() },
            &["headers"],
        ),
        (ProcessCallbackRequest { body: vec![b' '; (1 << 20) + 1], ..good.clone() }, &["body"]),
        (ProcessCallbackRequest { remote_address: "1".repeat(65), ..good.clone() }, &["remote_address"]),
    ];
    for (request, fields) in cases {
        invalid(client.process_callback(request).await, fields);
    }
    let many = |count| ProcessCallbacksRequest { callbacks: vec![good.clone(); count] };
    invalid(client.process_callbacks(many(0)).await, &["callbacks"]);
    invalid(client.process_callbacks(many(513)).await, &["callbacks"]);
    invalid(client.get_transaction(GetTransactionRequest::default()).await, &["key"]);
}

#[tokio::test]
async fn a_full_queue_refuses_and_loses_nothing() {
    let database = crate::harness::sqlite();
    let service = Service::start_with(&database.url, Knobs { max_queue: 0, ..Knobs::default() }).await;
    let mut client = service.client.clone();
    let full = (Code::ResourceExhausted, "OVERLOADED");
    refused(client.process_callback(signed("shop", &paid("x", 1))).await, full.0, full.1);
    refused(client.register_transaction(registration("x")).await, full.0, full.1);
}

#[tokio::test]
async fn a_call_that_brings_a_trace_hands_it_to_its_update() {
    let database = crate::harness::sqlite();
    let service = Service::start(&database.url).await;
    let mut client = service.client.clone();
    let mut request = Request::new(registration("order-1"));
    request.metadata_mut().insert("traceparent", TRACEPARENT.parse().unwrap());
    client.register_transaction(request).await.unwrap();
    let of_it = ListTransactionUpdatesRequest { transaction_id: "order-1".into(), ..Default::default() };
    let history = client.list_transaction_updates(of_it).await.unwrap().into_inner().updates;
    assert_eq!(history[0].traceparent, TRACEPARENT);
    assert_eq!(history[0].cause.clone().unwrap().cause, Some(cause::Cause::Registration(true)));
}

#[tokio::test]
async fn health_says_whether_calls_are_welcome() {
    let database = crate::harness::sqlite();
    let service = Service::start(&database.url).await;
    let mut client = HealthClient::new(service.channel.clone());
    for (serving, status) in [(true, 1), (false, 2)] {
        service.health.set_serving(serving).await;
        for name in ["", "payment_status.v1.PaymentStatus"] {
            let check = HealthCheckRequest { service: name.to_owned() };
            assert_eq!(client.check(check).await.unwrap().into_inner().status, status, "{name}");
        }
    }
}

#[tokio::test]
async fn reflection_describes_the_service_to_tools() {
    let database = crate::harness::sqlite();
    let service = Service::start(&database.url).await;
    let mut client = ServerReflectionClient::new(service.channel.clone());
    let ask = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers = client.server_reflection_info(tokio_stream::once(ask)).await.unwrap().into_inner();
    let Some(MessageResponse::ListServicesResponse(list)) =
        answers.message().await.unwrap().unwrap().message_response
    else {
        panic!("a list of services")
    };
    let names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    assert!(names.iter().any(|name| name == "payment_status.v1.PaymentStatus"), "{names:?}");
}
