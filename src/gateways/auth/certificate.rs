//! Certificates that prove callbacks: where the callback says it stands, and whether it may be trusted.

use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime, pem::PemObject};
use serde::Deserialize;
use time::OffsetDateTime;
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::{algorithm::Algorithm, public_key::PublicKey};
use crate::gateways::{
    certificates::{CertificateUrl, Certificates},
    message::Message,
    place::Place,
    verify::{Reason, Refusal},
};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CertificateFormat {
    /// Where the callback names the address of its certificate.
    pub(crate) url: Place,
    /// The exact hosts that it may stand at, and the folder there.
    pub(crate) hosts: Vec<String>,
    pub(crate) folder: String,
    /// What the certificate's names must end with, such as `.paypal.com`.
    pub(crate) names_end: String,
    /// The setting that holds the certificate itself, so that nothing is fetched.
    pub(crate) setting: String,
    /// The settings that hold certificates between it and the anchor, and the anchor.
    pub(crate) intermediates_setting: Option<String>,
    pub(crate) root_setting: Option<String>,
}

/// The certificates of one gateway's settings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Configured {
    /// As PEM.
    leaf: Option<String>,
    intermediates: Vec<CertificateDer<'static>>,
    root: Option<CertificateDer<'static>>,
}

impl CertificateFormat {
    /// `setting` gives a setting's text. The error names the setting.
    pub(crate) fn configured<'s>(
        &self,
        setting: impl Fn(&str) -> Option<&'s str>,
    ) -> Result<Configured, String> {
        let text = |name: &Option<String>| name.as_deref().and_then(&setting);
        let wrong = |name: &str| format!("settings.{name}: is no certificate in PEM");
        let intermediates = match (text(&self.intermediates_setting), &self.intermediates_setting) {
            (Some(pem), Some(name)) => all_of(pem).ok_or_else(|| wrong(name))?,
            _ => Vec::new(),
        };
        let root = match (text(&self.root_setting), &self.root_setting) {
            (Some(pem), Some(name)) => {
                let root = all_of(pem).and_then(|all| all.into_iter().next());
                let root = root.filter(|root| anchor_from_trusted_cert(root).is_ok());
                Some(root.ok_or_else(|| wrong(name))?)
            }
            _ => None,
        };
        let leaf = setting(&self.setting).map(str::to_owned);
        if leaf.as_deref().is_some_and(|pem| all_of(pem).is_none()) {
            return Err(wrong(&self.setting));
        }
        Ok(Configured { leaf, intermediates, root })
    }

    /// The key of the certificate that the callback names, if it may be trusted now.
    pub(crate) fn key(
        &self,
        message: &Message<'_>,
        configured: &Configured,
        certificates: &Certificates,
        algorithm: Algorithm,
        now: OffsetDateTime,
    ) -> Result<PublicKey, Refusal> {
        let url = message.read(&self.url).ok().flatten().ok_or(Reason::MissingSignature)?;
        let url = CertificateUrl::allowed(&url, &self.hosts, &self.folder)
            .ok_or(Reason::UntrustedCertificateUrl)?;
        let pem = match (&configured.leaf, certificates.get(&url)) {
            (Some(pem), _) => pem.as_str(),
            (None, Some(pem)) => pem,
            (None, None) => return Err(Refusal { reason: Reason::CertificateNeeded, needs: Some(url) }),
        };
        let all = all_of(pem).ok_or(Reason::UntrustedCertificate)?;
        let (leaf, sent_along) = all.split_first().ok_or(Reason::UntrustedCertificate)?;
        // A certificate that the operator put in by hand, without an anchor to hold it against, is trusted as it is.
        let is_pinned = configured.leaf.is_some() && configured.root.is_none();
        if !is_pinned && !self.is_trusted(leaf, sent_along, configured, now) {
            return Err(Reason::UntrustedCertificate.into());
        }
        PublicKey::of_certificate(leaf, algorithm).map_err(|_| Reason::UntrustedCertificate.into())
    }

    fn is_trusted(
        &self,
        leaf: &CertificateDer<'_>,
        sent_along: &[CertificateDer<'_>],
        configured: &Configured,
        now: OffsetDateTime,
    ) -> bool {
        let Ok(certificate) = EndEntityCert::try_from(leaf) else { return false };
        let Ok(seconds) = u64::try_from(now.unix_timestamp()) else { return false };
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        let intermediates: Vec<CertificateDer<'_>> =
            sent_along.iter().chain(&configured.intermediates).cloned().collect();
        let own: Option<TrustAnchor<'_>> =
            configured.root.as_ref().and_then(|root| anchor_from_trusted_cert(root).ok());
        let anchors = own.as_ref().map_or(webpki_roots::TLS_SERVER_ROOTS, std::slice::from_ref);
        let chained = certificate.verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            anchors,
            &intermediates,
            now,
            KeyUsage::server_auth(),
            None,
            None,
        );
        let mut names = certificate.valid_dns_names();
        chained.is_ok() && names.any(|name| name.ends_with(&self.names_end))
    }

    pub(crate) fn places(&self) -> impl Iterator<Item = &Place> {
        std::iter::once(&self.url)
    }
}

/// Every certificate of a PEM text; `None` where there is none, or one is broken.
fn all_of(pem: &str) -> Option<Vec<CertificateDer<'static>>> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    all.ok().filter(|all| !all.is_empty())
}
