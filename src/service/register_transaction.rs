//! `RegisterTransaction`: what to expect of a payment, said before the customer pays.

use std::collections::HashMap;

use tonic::Request;
use tracing::Span;

use super::{PaymentStatusService, convert, error::Failure, fields::Fields};
use crate::{
    domain::{MAX_ID_BYTES, Registration},
    proto::{RegisterTransactionRequest, RegisterTransactionResponse},
    telemetry::trace,
};

const MAX_LABELS: usize = 32;
const MAX_LABEL_KEY_BYTES: usize = 63;
const MAX_LABEL_VALUE_BYTES: usize = 255;

pub(super) async fn handle(
    service: &PaymentStatusService,
    request: Request<RegisterTransactionRequest>,
) -> Result<RegisterTransactionResponse, Failure> {
    let (metadata, _, request) = request.into_parts();
    let registration = read(request)?;
    let gateway = registration.gateway.as_str();
    if service.gateways.get(gateway).is_none() {
        return Err(Failure::gateway_unknown(gateway));
    }
    let caller = trace::traceparent(metadata.as_ref()).map(str::to_owned);
    let traceparent = trace::of(&Span::current()).or(caller);
    let (transaction, mark) = service.writer.register(registration, traceparent).await?;
    Ok(RegisterTransactionResponse {
        transaction: Some(convert::transaction(&transaction)),
        cursor: service.feed.cursor_at(mark).to_string(),
    })
}

fn read(request: RegisterTransactionRequest) -> Result<Registration, Failure> {
    let RegisterTransactionRequest {
        transaction_id,
        order_id,
        gateway,
        gateway_payment_id,
        expected,
        labels,
        expire_time,
    } = request;
    let mut fields = Fields::default();
    let transaction_id = fields.parse("transaction_id", &transaction_id);
    let gateway = fields.parse("gateway", &gateway);
    let payment = fields.parse_optional("gateway_payment_id", &gateway_payment_id);
    let expected = fields.expected(expected);
    let expire_time = fields.instant("expire_time", expire_time);
    fields.short_text("order_id", &order_id, MAX_ID_BYTES);
    check_labels(&mut fields, &labels);
    let registration = transaction_id.zip(gateway).map(|(transaction_id, gateway)| Registration {
        transaction_id,
        order_id,
        gateway,
        payment,
        expected,
        labels: labels.into_iter().collect(),
        expire_time,
    });
    fields.finish(registration)
}

fn check_labels(fields: &mut Fields, labels: &HashMap<String, String>) {
    fields.require(labels.len() <= MAX_LABELS, "labels", "must be at most 32");
    for (key, value) in labels {
        fields.require(!key.is_empty(), "labels", "must not have an empty key");
        fields.short_text("labels", key, MAX_LABEL_KEY_BYTES);
        fields.short_text("labels", value, MAX_LABEL_VALUE_BYTES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Money;
    use tonic::Status;
    use tonic_types::StatusExt as _;

    fn good() -> RegisterTransactionRequest {
        RegisterTransactionRequest {
            transaction_id: "order-1".into(),
            order_id: "1".into(),
            gateway: "stripe-eu".into(),
            expected: Some(Money { currency_code: "EUR".into(), minor_units: 1099 }),
            ..Default::default()
        }
    }

    fn check(change: impl FnOnce(&mut RegisterTransactionRequest), expected: &[&str]) {
        let mut request = good();
        change(&mut request);
        let refused = match read(request) {
            Ok(_) => Vec::new(),
            Err(failure) => {
                let details = Status::from(failure).get_error_details();
                let violations = details.bad_request().expect("fields").field_violations.clone();
                violations.into_iter().map(|violation| violation.field).collect()
            }
        };
        assert_eq!(refused, expected);
    }

    #[test]
    fn a_registration_tells_every_field_that_is_wrong() {
        check(|_| {}, &[]);
        check(|r| r.transaction_id.clear(), &["transaction_id"]);
        check(|r| r.gateway = "Stripe".into(), &["gateway"]);
        check(|r| r.gateway_payment_id = "\t".into(), &["gateway_payment_id"]);
        check(|r| r.expected = None, &["expected"]);
        check(|r| r.order_id = "x".repeat(256), &["order_id"]);
        check(|r| r.labels = [(String::new(), String::new())].into(), &["labels"]);
        check(|r| r.labels = (0..33).map(|n| (n.to_string(), String::new())).collect(), &["labels"]);
        check(|r| r.labels = [("k".repeat(64), "v".repeat(256))].into(), &["labels", "labels"]);
        check(|r| *r = RegisterTransactionRequest::default(), &["transaction_id", "gateway", "expected"]);
    }
}
