use std::path::{Path, PathBuf};

use http::Uri;
use serde::Deserialize;

/// `[outbound]`: the way to the gateways' own sites, for the kinds whose proofs need a certificate from there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Outbound {
    /// Without one, the sites are connected to directly; variables such as `HTTPS_PROXY` do not count.
    pub proxy: Option<ProxyUrl>,
    /// PEM of authorities trusted beside the public ones, relative to the file that says so.
    pub root_certificates: Option<PathBuf>,
}

impl Outbound {
    pub(super) fn resolve_paths(&mut self, folder: &Path) {
        if let Some(path) = &mut self.root_certificates {
            *path = folder.join(&*path);
        }
    }
}

/// `http://HOST:PORT` of a proxy that tunnels by HTTP CONNECT.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ProxyUrl(String);

impl ProxyUrl {
    /// `HOST:PORT`
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ProxyUrl {
    type Error = &'static str;

    /// What is refused is not repeated: a password may stand in it.
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let proxy = text.parse::<Uri>().ok().filter(|uri| {
            uri.scheme_str() == Some("http") && uri.path_and_query().is_none_or(|rest| rest.as_str() == "/")
        });
        let authority = proxy.as_ref().and_then(Uri::authority);
        let authority = authority.filter(|authority| {
            authority.port_u16().is_some_and(|port| port > 0)
                && !authority.host().is_empty()
                && !authority.as_str().contains('@')
        });
        let authority = authority.ok_or("a proxy is http://HOST:PORT, without user, password and path")?;
        Ok(Self(authority.as_str().to_owned()))
    }
}
