//! Who sent a request: the socket's peer, or what proxies that we trust say of it.

use std::net::{IpAddr, SocketAddr};

use axum::{extract::ConnectInfo, http::request::Parts};
use ipnet::IpNet;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The nearest address that is none of our own proxies'. Each proxy adds its peer at the end of the header, so what
/// stands before the first stranger is only what that stranger claims.
pub(super) fn of(head: &Parts, trusted: &[IpNet]) -> String {
    let Some(ConnectInfo(peer)) = head.extensions.get::<ConnectInfo<SocketAddr>>() else {
        return String::new();
    };
    let is_ours = |address: IpAddr| trusted.iter().any(|network| network.contains(&address.to_canonical()));
    let mut nearest = peer.ip();
    let claims = head.headers.get_all(FORWARDED_FOR).iter().rev();
    for claim in claims.flat_map(|value| value.to_str().unwrap_or_default().rsplit(',')) {
        if !is_ours(nearest) {
            break;
        }
        // What is no address ends the chain: whoever stands behind it is not known.
        let Ok(address) = claim.trim().parse() else { break };
        nearest = address;
    }
    nearest.to_string()
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn check(peer: &str, forwarded: &[&str], expected: &str) {
        let mut request = Request::builder();
        for value in forwarded {
            request = request.header("X-Forwarded-For", *value);
        }
        let (mut head, ()) = request.body(()).expect("a request").into_parts();
        let peer: SocketAddr = peer.parse().expect("an address");
        head.extensions.insert(ConnectInfo(peer));
        let trusted = ["10.0.0.0/8".parse().expect("a network"), "127.0.0.1/32".parse().expect("a network")];
        assert_eq!(of(&head, &trusted), expected, "{peer} with {forwarded:?}");
    }

    #[test]
    fn only_proxies_that_are_trusted_may_say_who_calls() {
        check("192.0.2.7:5000", &[], "192.0.2.7");
        check("192.0.2.7:5000", &["185.71.76.1"], "192.0.2.7");
        check("10.0.0.1:5000", &["185.71.76.1"], "185.71.76.1");
        check("10.0.0.1:5000", &["185.71.76.1, 192.0.2.9"], "192.0.2.9");
        check("10.0.0.1:5000", &["185.71.76.1", "10.0.0.2"], "185.71.76.1");
        check("10.0.0.1:5000", &["185.71.76.1, 192.0.2.9, 10.0.0.2"], "192.0.2.9");
        check("10.0.0.1:5000", &["nonsense"], "10.0.0.1");
        check("10.0.0.1:5000", &["10.0.0.3, 10.0.0.2"], "10.0.0.3");
        check("[::ffff:10.0.0.1]:5000", &["2a02:5180:0:1509::7"], "2a02:5180:0:1509::7");
    }
}
