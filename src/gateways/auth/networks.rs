//! Networks: the addresses from which a gateway calls, where they are all that it offers.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub(crate) struct Networks(Vec<IpNet>);

impl Networks {
    pub(crate) fn hold(&self, address: &str) -> bool {
        let Ok(address) = address.parse::<IpAddr>() else { return false };
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    /// One of them, for whoever plays the gateway.
    pub(crate) fn first_address(&self) -> Option<IpAddr> {
        self.0.first().map(IpNet::addr)
    }
}

impl TryFrom<Vec<String>> for Networks {
    type Error = String;

    fn try_from(texts: Vec<String>) -> Result<Self, String> {
        let network = |text: &String| {
            let network = text.parse::<IpNet>().ok();
            let single = || text.parse::<IpAddr>().ok().map(IpNet::from);
            network
                .or_else(single)
                .ok_or_else(|| format!("`{text}` is no network such as `192.0.2.0/24` or `2001:db8::/32`"))
        };
        texts.iter().map(network).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_either_family_are_found_in_their_networks() {
        let texts = ["185.71.76.0/27", "77.75.156.11", "2a02:5180:0:1509::/64"].map(str::to_owned);
        let networks = Networks::try_from(texts.to_vec()).expect("networks");
        for inside in ["185.71.76.1", "77.75.156.11", "::ffff:77.75.156.11", "2a02:5180:0:1509::7"] {
            assert!(networks.hold(inside), "{inside}");
        }
        for outside in
            ["185.71.76.32", "77.75.156.12", "2a02:5180:0:150a::7", "", "localhost", "185.71.76.1:80"]
        {
            assert!(!networks.hold(outside), "{outside}");
        }
        assert!(Networks::try_from(vec!["185.71.76.0/33".to_owned()]).is_err());
    }
}
