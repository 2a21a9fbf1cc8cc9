//! Certificates: those that a proof may need from the gateway's own site, and where alone they may come from.

use std::{collections::BTreeMap, fmt, sync::Arc};

/// An `https` address of a certificate that the kind's description allows: an exact host, a path under one folder,
/// nothing else. It is made only from a list of hosts, never from a URL alone, so whoever fetches it cannot be sent
/// elsewhere.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CertificateUrl {
    host: String,
    path: String,
}

/// Certificates at hand, as PEM, by where they came from.
#[derive(Clone, Debug, Default)]
pub struct Certificates(BTreeMap<CertificateUrl, Arc<str>>);

impl CertificateUrl {
    /// The certificate that a callback names, where the description's hosts and folder allow it. The URL may be a
    /// stranger's; hosts and folder must never be.
    ///
    /// `None` for anything but `https://HOST/PATH` with a host of the list and a plain path that begins with the
    /// folder: no port, no user, no query, no fragment, no way up.
    pub fn allowed(url: &str, hosts: &[String], folder: &str) -> Option<Self> {
        let (host, path) = url.strip_prefix("https://")?.split_once('/')?;
        let path = format!("/{path}");
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
        let fits = path.len() <= 512 && path.bytes().all(is_plain) && !path.contains("..");
        (hosts.iter().any(|known| known == host) && path.starts_with(folder) && fits)
            .then(|| Self { host: host.to_owned(), path })
    }

    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// From its first slash on.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for CertificateUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}{}", self.host, self.path)
    }
}

impl fmt::Debug for CertificateUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Certificates {
    #[must_use]
    pub fn get(&self, url: &CertificateUrl) -> Option<&Arc<str>> {
        self.0.get(url)
    }

    pub fn insert(&mut self, url: CertificateUrl, pem: Arc<str>) {
        self.0.insert(url, pem);
    }

    pub fn remove(&mut self, url: &CertificateUrl) {
        self.0.remove(url);
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_listed_hosts_and_folder_are_reached() {
        let hosts = ["api.paypal.com".to_owned()];
        let allowed = |url: &str| CertificateUrl::allowed(url, &hosts, "/v1/notifications/certs/");
        let good = "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2";
        assert_eq!(allowed(good).map(|url| url.to_string()).as_deref(), Some(good));
        for bad in [
            "http://api.paypal.com/v1/notifications/certs/CERT-1",
            "https://api.paypal.com:8443/v1/notifications/certs/CERT-1",
            "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1",
            "https://evil.example/api.paypal.com/v1/notifications/certs/CERT-1",
            "https://user@api.paypal.com/v1/notifications/certs/CERT-1",
            "https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1",
            "https://API.paypal.com/v1/notifications/certs/CERT-1",
            "https://api.paypal.com/v1/notifications/certs/../../x",
            "https://api.paypal.com/v1/notifications/certs/%2e%2e/x",
            "https://api.paypal.com/v1/notifications/certs/CERT-1?x=1",
            "https://api.paypal.com/v1/notifications/certs/CERT-1#x",
            "https://api.paypal.com/v1/notifications/certs/CERT-1\r\nHost: x",
            "https://api.paypal.com/other",
            "https://api.paypal.com",
            "",
        ] {
            assert_eq!(allowed(bad), None, "{bad}");
        }
    }
}
