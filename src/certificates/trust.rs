//! Whose word counts that a host is the one it says it is.

use std::{fmt, sync::Arc};

use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, pem::PemObject as _},
    },
};

/// The public authorities, and those that the operator adds: companies that look into their own traffic need it.
#[derive(Clone)]
pub struct Trust(Arc<ClientConfig>);

/// Why the operator's authorities cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TrustError(String);

impl Trust {
    /// `authorities` is PEM, one certificate or more.
    pub fn new(authorities: Option<&str>) -> Result<Self, TrustError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(pem) = authorities {
            add(&mut roots, pem)?;
        }
        // The provider is named, so that another one in the tree can never be taken by accident.
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| TrustError(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(Arc::new(config)))
    }

    pub(super) fn connector(&self) -> TlsConnector {
        TlsConnector::from(Arc::clone(&self.0))
    }
}

fn add(roots: &mut RootCertStore, pem: &str) -> Result<(), TrustError> {
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        count += 1;
        let wrong = |what: &dyn fmt::Display| TrustError(format!("certificate {count} is unusable: {what}"));
        roots.add(certificate.map_err(|error| wrong(&error))?).map_err(|error| wrong(&error))?;
    }
    if count == 0 {
        return Err(TrustError("there is no certificate (PEM) in it".to_owned()));
    }
    Ok(())
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_that_are_none_are_refused() {
        let refused = |pem: &str| Trust::new(Some(pem)).unwrap_err().to_string();
        assert_eq!(refused(""), "there is no certificate (PEM) in it");
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert_eq!(refused(key), "there is no certificate (PEM) in it");
        let junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(refused(junk).starts_with("certificate 1 is unusable: "), "{}", refused(junk));
        assert!(Trust::new(None).is_ok());
    }
}
