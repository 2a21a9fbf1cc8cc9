//! PayPal, with authorities of our own: the certificates on its site, and callbacks that it signed.

use payment_status::{
    domain::{Callback, Currency, Money},
    gateways::{
        GatewaySettings, Gateways, KindSource, Mode, Unregistered,
        simulate::{Payment, Scenario},
    },
    proto::{Header, ProcessCallbackRequest},
};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};

use super::outside::{Certificates, PAYPAL_HOST};
use crate::harness::service::NOW;

const NAME: &str = "messageverificationcerts.paypal.com";
const WEBHOOK_ID: &str = "6HY79521VR978045E";
/// Of every certificate here, so that a signature is always right and only the certificate can be wrong.
const PRIVATE_KEY: &str = include_str!("../stories/private_key.pem");
const CERT_URL: &str = "PAYPAL-CERT-URL";

pub struct PayPal {
    sender: Gateways,
    root_pem: String,
}

impl PayPal {
    /// With what its site has: `good`, `held` (the same, in the site's own time), and some that prove nothing.
    pub fn open() -> (Self, Certificates) {
        let (authority, other) = (Authority::new(), Authority::new());
        let until = NOW + Duration::days(30);
        let good = authority.issue(NAME, until);
        let certificates = Certificates::from([
            ("held", good.clone()),
            ("good", good),
            ("other-name", authority.issue("messageverificationcerts.paypal.example", until)),
            ("name-inside", authority.issue("messageverificationcerts.paypal.com.evil.example", until)),
            ("other-authority", other.issue(NAME, until)),
            ("expired", authority.issue(NAME, NOW - Duration::SECOND)),
        ]);
        let sender = Gateways::build(vec![settings("private_key_pem", PRIVATE_KEY)]).unwrap();
        (Self { sender, root_pem: authority.root_pem }, certificates)
    }

    /// As a shop configures it, with the authority of the tests in place of the public ones.
    pub fn gateway(&self) -> GatewaySettings {
        settings("root_pem", &self.root_pem)
    }

    /// A payment of 10.99 EUR for this transaction was captured. Which certificate proves it is not signed, so any
    /// may be named.
    pub fn paid(&self, transaction_id: &str, certificate: &str) -> Callback {
        self.paid_by(transaction_id, &format!("https://{PAYPAL_HOST}/v1/notifications/certs/{certificate}"))
    }

    pub fn paid_by(&self, transaction_id: &str, url: &str) -> Callback {
        let payment_id = format!("CAPTURE-{transaction_id}");
        let payment = Payment {
            payment_id: &payment_id,
            merchant_reference: transaction_id,
            amount: Money::new(1099, Currency::parse("EUR").unwrap()).unwrap(),
            seed: transaction_id.bytes().fold(7, |seed, byte| (seed * 31 + u64::from(byte)) % (1 << 40)),
        };
        let gateway = self.sender.get("paypal").unwrap();
        let mut told = gateway.simulate(Scenario::Success, &payment, NOW).unwrap();
        let mut callback = told.remove(0);
        assert!(told.is_empty());
        let header = callback.headers.iter_mut().find(|(name, _)| name == CERT_URL).unwrap();
        url.as_bytes().clone_into(&mut header.1);
        callback
    }
}

/// As the adapter hands it on.
pub fn handed_on(callback: Callback) -> ProcessCallbackRequest {
    ProcessCallbackRequest {
        gateway: callback.gateway.to_string(),
        method: callback.method,
        path: callback.path,
        query: callback.query,
        headers: callback.headers.into_iter().map(|(name, value)| Header { name, value }).collect(),
        body: callback.body,
        remote_address: callback.remote_address,
        ..Default::default()
    }
}

fn settings(name: &str, pem: &str) -> GatewaySettings {
    let settings = [("webhook_id", WEBHOOK_ID), (name, pem)];
    GatewaySettings {
        id: "paypal".parse().unwrap(),
        kind: KindSource::BuiltIn("paypal".to_owned()),
        mode: Mode::Live,
        account: None,
        unregistered: Unregistered::Park,
        secrets: Vec::new(),
        settings: settings.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect(),
    }
}

/// A root, and the intermediate by which it issues. All go by the same names: only their keys tell them apart.
struct Authority {
    root_pem: String,
    intermediate_pem: String,
    intermediate: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let (root_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let (root, intermediate) = (authority("Test Root"), authority("Test Intermediate"));
        let root_pem = root.self_signed(&root_key).unwrap().pem();
        let signed = intermediate.signed_by(&key, &Issuer::new(root, root_key)).unwrap();
        Self { root_pem, intermediate_pem: signed.pem(), intermediate: Issuer::new(intermediate, key) }
    }

    /// A certificate for this host name, and the intermediate one after it, as PayPal's site answers.
    fn issue(&self, name: &str, not_after: OffsetDateTime) -> String {
        let mut leaf = CertificateParams::new([name.to_owned()]).unwrap();
        (leaf.not_before, leaf.not_after) = (NOW - Duration::days(30), not_after);
        leaf.distinguished_name.push(DnType::CommonName, name);
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::from_pem(PRIVATE_KEY).unwrap();
        let leaf = leaf.signed_by(&key, &self.intermediate).unwrap().pem();
        format!("{leaf}{}", self.intermediate_pem)
    }
}

fn authority(name: &str) -> CertificateParams {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    (authority.not_before, authority.not_after) = (NOW - Duration::days(300), NOW + Duration::days(300));
    authority.distinguished_name.push(DnType::CommonName, name);
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    authority
}
