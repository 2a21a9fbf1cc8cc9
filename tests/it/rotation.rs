//! Secrets come and go: several at a time, each with its hours, and public keys beside them.

use data_encoding::BASE64;
use ed25519_dalek::{Signer, SigningKey};
use payment_status::{
    clock::Clock,
    domain::Callback,
    gateways::{
        Certificates, GatewaySettings, Gateways, KindSource, Mode, Reason, Secret, Signing, Unregistered,
        simulate::Scenario,
    },
};
use time::{Duration, OffsetDateTime, macros::datetime};

use crate::{
    fixtures::{callback, gateway, secret, shop},
    harness::{
        Program,
        shop::{SECRET, Shop, deliver, get},
    },
    store::count,
};

const NOW: OffsetDateTime = datetime!(2026-01-01 10:00 UTC);
const OLD: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const NEW: &str = "whsec_IB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgE=";
const BODY: &str = r#"{"type":"payment.succeeded"}"#;

fn with(secrets: Vec<Secret>) -> Gateways {
    Gateways::build(vec![GatewaySettings {
        id: "shop".parse().expect("an id"),
        kind: KindSource::BuiltIn("standard-webhooks".to_owned()),
        mode: Mode::Live,
        account: None,
        unregistered: Unregistered::Adopt,
        secrets,
        settings: toml::Table::new(),
    }])
    .expect("sound secrets")
}

fn signed(secret: &str) -> Callback {
    let gateways = gateway("standard-webhooks", secret, "");
    shop(&gateways).sign(&Signing::new(BODY, "msg_1", NOW)).expect("can be signed")
}

fn proof(callback: &Callback) -> String {
    let value = callback.headers_named("webhook-signature").next().expect("a proof");
    String::from_utf8(value.to_vec()).expect("text")
}

/// Which secret proves a callback that carries these signatures, or why none does.
fn check(gateways: &Gateways, signatures: &[&str], expected: Result<&str, Reason>) {
    let mut callback = signed(OLD);
    callback.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("webhook-signature"));
    callback.headers.push(("Webhook-Signature".to_owned(), signatures.join(" ").into_bytes()));
    let verified = shop(gateways).verify(&callback, NOW, &Certificates::default());
    assert_eq!(
        verified.as_ref().map(|verified| verified.key_id()).map_err(|refusal| refusal.reason),
        expected
    );
}

#[test]
fn any_secret_in_force_proves_and_is_named() {
    let both = with(vec![secret("new", NEW), secret("old", OLD)]);
    let (by_old, by_new) = (proof(&signed(OLD)), proof(&signed(NEW)));
    check(&both, &[&by_old], Ok("old"));
    check(&both, &[&by_new], Ok("new"));
    check(&both, &["v1,AAAA", "v9,x", &by_old], Ok("old"));
    check(&both, &[&by_old, "v1,AAAA", &by_new], Ok("new"));
    check(&both, &["v2,AAAA"], Err(Reason::MissingSignature));
    check(&both, &["v1,AAAA"], Err(Reason::BadSignature));
    check(&with(vec![secret("new", NEW)]), &[&by_old], Err(Reason::BadSignature));
}

#[test]
fn a_secret_proves_only_in_its_hours() {
    let by_old = proof(&signed(OLD));
    let hours = |not_before: Option<Duration>, not_after: Option<Duration>| {
        let from = |shift: Duration| NOW + shift;
        let (not_before, not_after) = (not_before.map(from), not_after.map(from));
        with(vec![Secret { not_before, not_after, ..secret("old", OLD) }])
    };
    let hour = Duration::HOUR;
    let instant = Duration::ZERO;
    check(&hours(Some(-hour), Some(hour)), &[&by_old], Ok("old"));
    check(&hours(Some(instant), Some(Duration::NANOSECOND)), &[&by_old], Ok("old"));
    check(&hours(None, Some(instant)), &[&by_old], Err(Reason::KeyMismatch));
    check(&hours(None, Some(-hour)), &[&by_old], Err(Reason::KeyMismatch));
    check(&hours(Some(hour), None), &[&by_old], Err(Reason::KeyMismatch));
}

#[test]
fn a_public_key_proves_only_its_own_version() {
    let private = SigningKey::from_bytes(&[7; 32]);
    let public = format!("whpk_{}", BASE64.encode(private.verifying_key().as_bytes()));
    let signed_text = format!("msg_1.{}.{BODY}", NOW.unix_timestamp());
    let signature = BASE64.encode(&private.sign(signed_text.as_bytes()).to_bytes());
    let asymmetric = with(vec![secret("public", &public)]);
    check(&asymmetric, &[&format!("v1a,{signature}")], Ok("public"));
    check(&asymmetric, &["v1a,AAAA", &format!("v1a,{signature}")], Ok("public"));
    check(&asymmetric, &[&format!("v1,{signature}")], Err(Reason::MissingSignature));
    check(&asymmetric, &[&proof(&signed(OLD))], Err(Reason::MissingSignature));
    let both = with(vec![secret("public", &public), secret("old", OLD)]);
    check(&both, &[&proof(&signed(OLD)), &format!("v1a,{signature}")], Ok("old"));
    check(&both, &[&format!("v1a,{signature}")], Ok("public"));
    assert!(shop(&asymmetric).sign(&Signing::new(BODY, "m", NOW)).is_err());
}

#[test]
fn the_two_families_of_headers_are_never_mixed() {
    let gateways = with(vec![secret("old", OLD)]);
    let honest = signed(OLD);
    let renamed = |change: fn(&str) -> String| {
        let mut callback = callback(Vec::new(), BODY);
        callback.headers = honest.headers.iter().map(|(name, value)| (change(name), value.clone())).collect();
        shop(&gateways)
            .verify(&callback, NOW, &Certificates::default())
            .map(|_| ())
            .map_err(|refusal| refusal.reason)
    };
    assert_eq!(renamed(str::to_owned), Ok(()));
    assert_eq!(renamed(|name| name.replace("webhook-", "svix-")), Ok(()));
    assert_eq!(renamed(|name| name.replace("webhook-id", "svix-id")), Err(Reason::MissingSignature));
    assert_eq!(
        renamed(|name| name.replace("webhook-timestamp", "svix-timestamp")),
        Err(Reason::MissingSignature)
    );
}

#[test]
fn an_id_that_could_be_read_in_two_ways_is_refused() {
    let gateways = with(vec![secret("old", OLD)]);
    let dotted = Signing::new(BODY, "msg.1", NOW);
    assert!(shop(&gateways).sign(&dotted).is_err());
}

/// What `/metrics` says of this secret: how often it proved a callback, and when last.
async fn use_of(program: &Program, key: &str) -> (Option<u64>, Option<i64>) {
    let (_, metrics) = get(program.address("ops"), "/metrics").await.expect("an answer");
    let value = |name: &str| {
        let series = format!("{name}{{gateway=\"stripe-eu\",key=\"{key}\"}} ");
        metrics.lines().find_map(|line| line.strip_prefix(&series)).map(str::to_owned)
    };
    let used = value("payment_status_callback_key_used_total");
    let last = value("payment_status_callback_key_last_used_timestamp_seconds");
    (used.map(|used| used.parse().expect("a count")), last.map(|last| last.parse().expect("a time")))
}

on_both_stores! {
    async fn an_operator_sees_which_secrets_are_still_in_use(database: Database) {
        let both = "secrets = [{ env = \"NEW_SECRET\" }, { env = \"STRIPE_SECRET\" }]";
        let config = Shop::config(&database).replace("secrets = [{ env = \"STRIPE_SECRET\" }]", both);
        let program = Program::start("serve", &config, &[SECRET, ("NEW_SECRET", NEW)], &["http", "ops"]);
        for key in ["env NEW_SECRET", "env STRIPE_SECRET"] {
            assert_eq!(use_of(&program, key).await, (Some(0), None), "{key} is not used yet");
        }

        let before = Clock::system().now().unix_timestamp();
        for callback in Shop::open().callbacks("order-1", Scenario::Duplicate) {
            assert_eq!(deliver(program.address("http"), &callback).await, Some(200));
        }
        let (used, last) = use_of(&program, "env STRIPE_SECRET").await;
        assert_eq!(used, Some(2));
        assert!(last.is_some_and(|last| (before..before + 600).contains(&last)), "{last:?} is not {before}");
        assert_eq!(use_of(&program, "env NEW_SECRET").await, (Some(0), None));
        assert_eq!(count(&database, "callbacks WHERE key_id = 'env STRIPE_SECRET'").await, 1);
    }
}
