//! The cast: a gateway of each kind that can sign what it sends, and how its stories end.

use payment_status::gateways::{
    GatewaySettings, Gateways, KindSource, Mode, Secret, Unregistered, simulate::Scenario,
};
use serde_json::{Map, Value};

use crate::fixtures;

const PUBLIC_KEY: &str = include_str!("public_key.pem");
const PRIVATE_KEY: &str = include_str!("private_key.pem");
/// Of the same key, signed by itself.
const CERTIFICATE: &str = include_str!("certificate.pem");

pub(crate) struct Player {
    pub(super) gateways: Gateways,
    pub(super) currency: String,
}

/// A gateway of this kind, not built yet.
pub(crate) struct Role {
    pub(crate) settings: GatewaySettings,
    pub(crate) currency: String,
}

impl Player {
    /// The one gateway `shop`.
    pub(super) fn of(kind: &'static str) -> Self {
        let Role { settings, currency } = Role::of(kind, "shop");
        let gateways = Gateways::build(vec![settings]).unwrap_or_else(|error| panic!("{kind}: {error}"));
        Self { gateways, currency }
    }
}

impl Role {
    /// With the secret and the settings of a recorded vector, but keys of our own where the gateway keeps its key.
    pub(crate) fn of(kind: &'static str, name: &str) -> Self {
        let fixture = with_secret(kind);
        let mut settings = fixture.settings();
        let mut secrets = fixture.secrets();
        if kind == "payfast" {
            // None of the recorded ones has a passphrase, without which nothing is proven.
            secrets = vec![fixtures::secret("SHOP_SECRET", "jt7NOE43FZPn-jt7NOE43FZPn")];
        }
        let mut signs_with_our_key = false;
        for (_, value) in &mut settings {
            let text = value.as_str().unwrap_or_default();
            let own = match text {
                text if text.contains("BEGIN PUBLIC KEY") => PUBLIC_KEY,
                text if text.contains("BEGIN CERTIFICATE") => CERTIFICATE,
                _ => continue,
            };
            signs_with_our_key = true;
            *value = own.into();
        }
        // With an anchor the certificate would have to be signed by it; without, it is trusted as it is.
        settings.remove("root_pem");
        settings.remove("intermediate_pem");
        for secret in &mut secrets {
            if secret.value.contains("PUBLIC KEY") || secret.value.starts_with("MII") {
                PUBLIC_KEY.trim().clone_into(&mut secret.value);
                signs_with_our_key = true;
            }
        }
        if signs_with_our_key {
            settings.insert("private_key_pem".to_owned(), PRIVATE_KEY.into());
        }
        if kind == "standard-webhooks" {
            settings = standard_settings();
        }
        let currency = fixture.vector["expect"]["currency"].as_str().unwrap_or(currency_of(kind)).to_owned();
        Self { settings: gateway(kind, name, secrets, settings), currency }
    }
}

/// A vector with a secret, where the kind has any: some kinds also take callbacks that nothing proves.
fn with_secret(kind: &str) -> fixtures::Fixture {
    let all = fixtures::valid().into_iter().filter(|fixture| fixture.kind == kind);
    let with =
        all.filter(|fixture| !fixture.secrets().is_empty()).min_by(|one, other| one.name.cmp(&other.name));
    with.unwrap_or_else(|| fixtures::first(kind))
}

fn gateway(
    kind: &str,
    name: &str,
    mut secrets: Vec<Secret>,
    mut settings: Map<String, Value>,
) -> GatewaySettings {
    if let Some(Value::Object(keys)) = settings.remove("keys") {
        let named = |(name, value): (String, Value)| Secret {
            key_id: Some(name),
            ..fixtures::secret("SHOP_SECRET", value.as_str().unwrap_or_default())
        };
        secrets = keys.into_iter().map(named).collect();
    }
    settings.remove("secrets");
    if kind == "authorizenet" {
        settings.insert("currency".to_owned(), "USD".into());
    }
    GatewaySettings {
        id: name.parse().expect("an id"),
        kind: KindSource::BuiltIn(kind.to_owned()),
        // The recorded secrets are shorter than any that should be used.
        mode: Mode::Any,
        account: None,
        unregistered: Unregistered::Park,
        secrets,
        settings: toml::Table::try_from(settings).expect("settings"),
    }
}

/// Where the first vector says none.
fn currency_of(kind: &str) -> &'static str {
    match kind {
        "authorizenet" => "USD",
        "iyzico" => "TRY",
        "mercadopago" => "BRL",
        _ => "EUR",
    }
}

fn standard_settings() -> Map<String, Value> {
    let settings = serde_json::json!({
        "paths": {
            "payment_id": "$.data.id", "merchant_reference": "$.data.order_id", "amount": "$.data.amount",
            "currency": "$.data.currency", "refund_id": "$.data.refund_id", "dispute_id": "$.data.dispute_id",
        },
        "status_map": {
            "payment.pending": "requires_action", "payment.succeeded": "paid", "payment.failed": "failed",
            "payment.expired": "expired", "refund.created": "refund_relative", "dispute.opened": "disputed",
            "dispute.won": "dispute_won", "dispute.lost": "chargeback_lost",
        },
    });
    settings.as_object().cloned().unwrap_or_default()
}

/// How a story ends at this kind.
pub(crate) fn ending(kind: &str, scenario: Scenario) -> &'static str {
    let word = scenario.word();
    let own = OWN_ENDINGS.iter().find(|(own, words, _)| *own == kind && words.contains(&word));
    match own {
        Some((_, _, ending)) => ending,
        None if scenario == Scenario::Forged => "CREATED none",
        None if EVERYTHING_WAITS.contains(&kind) => "CREATED none CONFIRMATION_REQUIRED",
        None if MONEY_HAS_NO_AMOUNT.contains(&kind) && moves_money(scenario) => {
            "PENDING none CONFIRMATION_REQUIRED"
        }
        None if scenario == Scenario::WrongCurrency && HAS_ONE_CURRENCY.contains(&kind) => "PAID none",
        None => usual_ending(scenario),
    }
}

/// Their proofs leave out what decides: the amount, the status, the currency or everything.
const EVERYTHING_WAITS: &[&str] = &[
    "bitpay",
    "iyzico",
    "mercadopago",
    "midtrans",
    "opayo",
    "paytr",
    "phonepe",
    "tap",
    "tbank",
    "xendit",
    "yookassa",
];

/// Their events say that money moved, but not how much.
const MONEY_HAS_NO_AMOUNT: [&str; 3] = ["computop", "gocardless", "revolut"];

/// Their messages name no currency: it is the contract's or the setting's.
const HAS_ONE_CURRENCY: &[&str] = &["authorizenet", "doku", "momo", "payu-india", "payfast", "zalopay"];

/// Where a gateway tells a story in its own way.
const OWN_ENDINGS: &[(&str, &[&str], &str)] = &[
    ("doku", &["refund", "partial_refund", "reordered"], "PAID none CONFIRMATION_REQUIRED"),
    (
        "flutterwave",
        &["refund", "partial_refund", "dispute_won", "dispute_lost", "reordered"],
        "PAID none CONFIRMATION_REQUIRED",
    ),
    ("gocardless", &["decline"], "CREATED none CONFIRMATION_REQUIRED"),
    ("gocardless", &["dispute_won"], "PENDING won CONFIRMATION_REQUIRED"),
    ("gocardless", &["dispute_lost"], "PENDING lost CONFIRMATION_REQUIRED"),
    ("mollie", &["decline", "expiry"], "CREATED none CONFIRMATION_REQUIRED"),
    (
        "mollie",
        &["refund", "partial_refund", "refund_failure", "reordered"],
        "PAID none CONFIRMATION_REQUIRED",
    ),
    ("paytr", &["decline"], "FAILED none"),
    ("payu-eu", &["decline", "expiry"], "CANCELLED none"),
    ("payu-india", &["expiry"], "FAILED none"),
    ("payu-latam", &["expiry"], "FAILED none"),
    (
        "przelewy24",
        &[
            "success",
            "three_d_secure",
            "refund",
            "partial_refund",
            "refund_failure",
            "duplicate",
            "reordered",
        ],
        "AUTHORIZED none",
    ),
    ("przelewy24", &["wrong_amount"], "AUTHORIZED none AMOUNT_MISMATCH"),
    ("square", &["expiry"], "CANCELLED none"),
    ("vnpay", &["wrong_currency"], "PARTIALLY_CAPTURED none AMOUNT_MISMATCH"),
    ("wise", &["refund", "partial_refund", "reordered"], "PAID none CONFIRMATION_REQUIRED"),
    ("zalopay", &["decline"], "CREATED none CONFIRMATION_REQUIRED"),
];

fn moves_money(scenario: Scenario) -> bool {
    !matches!(scenario, Scenario::Decline | Scenario::Expiry | Scenario::Forged)
}

fn usual_ending(scenario: Scenario) -> &'static str {
    match scenario {
        Scenario::Success | Scenario::ThreeDSecure | Scenario::Duplicate => "PAID none",
        Scenario::Decline => "FAILED none",
        Scenario::PartialCapture => "PARTIALLY_CAPTURED none",
        Scenario::Refund => "REFUNDED none",
        Scenario::PartialRefund | Scenario::Reordered => "PARTIALLY_REFUNDED none",
        Scenario::RefundFailure => "PAID none",
        Scenario::DisputeWon => "PAID won",
        Scenario::DisputeLost => "REVERSED lost",
        Scenario::Expiry => "EXPIRED none",
        Scenario::WrongAmount => "PARTIALLY_CAPTURED none AMOUNT_MISMATCH",
        Scenario::WrongCurrency => "PENDING none CURRENCY_MISMATCH",
        Scenario::Forged => "CREATED none",
    }
}

/// The stories that this kind's gateway never tells.
pub(super) fn cannot_play(kind: &str) -> &'static [&'static str] {
    CANNOT_PLAY.iter().find(|(own, _)| *own == kind).map_or(&[], |(_, words)| words)
}

const CANNOT_PLAY: &[(&str, &[&str])] = &[
    ("alipay", &["decline", "partial_capture", "refund_failure", "dispute_won", "dispute_lost"]),
    ("authorizenet", &["refund_failure", "dispute_won", "dispute_lost", "expiry"]),
    ("bitpay", &["partial_capture", "refund_failure", "dispute_won", "dispute_lost"]),
    (
        "bkash",
        &[
            "decline",
            "partial_capture",
            "refund",
            "partial_refund",
            "refund_failure",
            "dispute_won",
            "dispute_lost",
            "expiry",
            "reordered",
        ],
    ),
    ("cashfree", &["partial_capture", "expiry"]),
    (
        "coinbase-commerce",
        &[
            "partial_capture",
            "refund",
            "partial_refund",
            "refund_failure",
            "dispute_won",
            "dispute_lost",
            "reordered",
        ],
    ),
    (
        "computop",
        &[
            "partial_capture",
            "refund",
            "partial_refund",
            "refund_failure",
            "dispute_won",
            "dispute_lost",
            "expiry",
            "reordered",
        ],
    ),
    ("conekta", &["refund_failure"]),
    ("dlocal", &["dispute_won", "dispute_lost"]),
    ("doku", &["refund_failure", "dispute_won", "dispute_lost"]),
    ("flutterwave", &["partial_capture", "refund_failure", "expiry"]),
    ("gocardless", &["partial_capture", "expiry"]),
    ("iyzico", &["partial_capture", "refund_failure", "dispute_won", "dispute_lost", "expiry"]),
    ("klarna", &["refund", "partial_refund", "refund_failure", "dispute_won", "dispute_lost", "reordered"]),
    ("lemonsqueezy", &["partial_capture", "refund_failure", "dispute_won", "dispute_lost", "expiry"]),
    ("mercadopago", &["partial_capture", "refund_failure"]),
    ("midtrans", &["refund_failure", "dispute_won", "dispute_lost"]),
    ("mollie", &["partial_capture", "dispute_won", "dispute_lost"]),
    (
        "momo",
        &[
            "partial_capture",
            "refund",
            "partial_refund",
            "refund_failure",
            "dispute_won",
            "dispute_lost",
            "reordered",
        ],
    ),
    (
        "opayo",
        &[
            "partial_capture",
            "refund",
            "partial_refund",
            "refund_failure",
            "dispute_won",
            "dispute_lost",
            "expiry",
            "reordered",
        ],
    ),
    ("paddle", &["partial_capture", "dispute_lost", "expiry"]),
    (
        "payfast",
        &[
            "partial_capture",
            "refund",
            "partial_refund",
            "refund_failure",
            "dispute_won",
            "dispute_lost",
            "expiry",
            "reordered",
        ],
    ),
    ("paystack", &["decline", "partial_capture", "expiry"]),
    (
        "paytr",
        &[
            "partial_capture",
            "refund",
            "partial_refund",
            "refund_failure",
            "dispute_won",
            "dispute_lost",
            "expiry",
            "reordered",
        ],
    ),
    ("payu-eu", &["dispute_won", "dispute_lost"]),
    (
        "payu-india",
        &[
            "partial_capture",
            "refund",
            "partial_refund",
            "refund_failure",
            "dispute_won",
            "dispute_lost",
            "reordered",
        ],
    ),
    (
        "payu-latam",
        &[
            "partial_capture",
            "refund",
            "partial_refund",
            "refund_failure",
            "dispute_won",
            "dispute_lost",
            "reordered",
        ],
    ),
    ("phonepe", &["partial_capture", "dispute_won", "dispute_lost"]),
    ("polar", &["partial_capture", "dispute_won", "dispute_lost"]),
    ("przelewy24", &["decline", "partial_capture", "dispute_won", "dispute_lost", "expiry"]),
    ("razorpay", &["partial_capture"]),
    ("redsys", &["refund_failure", "dispute_won", "dispute_lost", "expiry"]),
    ("revolut", &["refund", "partial_refund", "refund_failure", "expiry", "reordered"]),
    (
        "sslcommerz",
        &[
            "partial_capture",
            "refund",
            "partial_refund",
            "refund_failure",
            "dispute_won",
            "dispute_lost",
            "reordered",
        ],
    ),
    ("standard-webhooks", &["partial_capture", "refund_failure"]),
    ("tap", &["dispute_won", "dispute_lost"]),
    ("tbank", &["refund_failure", "dispute_won", "dispute_lost"]),
    (
        "vnpay",
        &[
            "partial_capture",
            "refund",
            "partial_refund",
            "refund_failure",
            "dispute_won",
            "dispute_lost",
            "reordered",
        ],
    ),
    ("wechatpay", &["partial_capture", "dispute_won", "dispute_lost", "expiry"]),
    ("wise", &["decline", "partial_capture", "refund_failure", "dispute_won", "dispute_lost", "expiry"]),
    ("worldpay", &["dispute_won", "dispute_lost"]),
    ("xendit", &["dispute_won", "dispute_lost"]),
    ("yoco", &["partial_capture", "dispute_won", "dispute_lost", "expiry"]),
    ("yookassa", &["refund_failure", "dispute_won", "dispute_lost"]),
    (
        "zalopay",
        &[
            "partial_capture",
            "refund",
            "partial_refund",
            "refund_failure",
            "dispute_won",
            "dispute_lost",
            "expiry",
            "reordered",
        ],
    ),
];
