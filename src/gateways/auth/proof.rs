//! Where the signature stands, and what stands beside it.

use serde::Deserialize;

use super::super::{place::Place, verify::Reason};

/// More entries than this in one proof are refused: each costs a comparison.
const MAX_ENTRIES: usize = 16;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProofFormat {
    pub(crate) at: Place,
    /// What stands between entries, where there are several: `t=1,v1=ab` has `,`.
    pub(crate) entries: Option<Separator>,
    /// What stands between the name and the value of an entry: `t=1,v1=ab` has `=`.
    pub(crate) pair: Option<Separator>,
    /// Entries of this name are signatures; the others are `part:NAME`.
    pub(crate) name: Option<String>,
    pub(crate) encoding: Encoding,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Separator(pub(crate) String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Encoding {
    /// Lower case.
    Hex,
    /// The standard alphabet with padding.
    Base64,
}

/// A proof taken apart.
#[derive(Debug)]
pub(crate) struct Proof<'p> {
    /// Decoded; one that does not decode proves nothing and is left out.
    pub(crate) signatures: Vec<Vec<u8>>,
    pub(crate) parts: Vec<(&'p str, &'p str)>,
}

impl ProofFormat {
    pub(crate) fn read<'p>(&self, text: &'p str) -> Result<Proof<'p>, Reason> {
        let entries: Vec<&str> = match &self.entries {
            Some(separator) => text.split(separator.0.as_str()).take(MAX_ENTRIES + 1).collect(),
            None => vec![text],
        };
        if entries.len() > MAX_ENTRIES {
            return Err(Reason::BadSignature);
        }
        let Some(pair) = &self.pair else {
            return Ok(Proof { signatures: self.decoded(&entries), parts: Vec::new() });
        };
        let named = entries.iter().filter_map(|entry| entry.split_once(pair.0.as_str()));
        let (signatures, parts): (Vec<_>, Vec<_>) =
            named.partition(|(name, _)| Some(*name) == self.name.as_deref());
        if signatures.is_empty() {
            return Err(Reason::MissingSignature);
        }
        let signatures: Vec<&str> = signatures.into_iter().map(|(_, value)| value).collect();
        Ok(Proof { signatures: self.decoded(&signatures), parts })
    }

    /// How a sender writes this proof; the reverse of [`Self::read`].
    pub(crate) fn write(&self, parts: &[(&str, &str)], signature: &[u8]) -> String {
        let signature = self.encoding.encode(signature);
        let Some(pair) = &self.pair else { return signature };
        let name = self.name.as_deref().unwrap_or_default();
        let all = parts.iter().copied().chain([(name, signature.as_str())]);
        let entries: Vec<String> = all.map(|(name, value)| format!("{name}{}{value}", pair.0)).collect();
        entries.join(self.entries.as_ref().map_or("", |separator| &separator.0))
    }

    fn decoded(&self, signatures: &[&str]) -> Vec<Vec<u8>> {
        signatures.iter().filter_map(|text| self.encoding.decode(text)).collect()
    }
}

impl Encoding {
    fn decode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Hex => data_encoding::HEXLOWER.decode(text.as_bytes()).ok(),
            Self::Base64 => data_encoding::BASE64.decode(text.as_bytes()).ok(),
        }
    }

    fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => data_encoding::HEXLOWER.encode(bytes),
            Self::Base64 => data_encoding::BASE64.encode(bytes),
        }
    }
}

impl TryFrom<String> for Separator {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.is_empty() { Err("a separator must not be empty".to_owned()) } else { Ok(Self(text)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripe() -> ProofFormat {
        ProofFormat {
            at: Place::Header("Stripe-Signature".to_owned()),
            entries: Some(Separator(",".to_owned())),
            pair: Some(Separator("=".to_owned())),
            name: Some("v1".to_owned()),
            encoding: Encoding::Hex,
        }
    }

    #[test]
    fn signatures_and_their_neighbours_are_told_apart() {
        let proof = stripe().read("t=12,v1=ab,v1=zz,v0=cd,stray").expect("a proof");
        assert_eq!(proof.signatures, [vec![0xab]]);
        assert_eq!(proof.parts, [("t", "12"), ("v0", "cd")]);
        assert_eq!(stripe().write(&[("t", "12")], &[0xab]), "t=12,v1=ab");
    }

    #[test]
    fn a_proof_without_a_signature_of_the_right_name_is_missing() {
        assert_eq!(stripe().read("t=12,v0=ab").err(), Some(Reason::MissingSignature));
        assert_eq!(stripe().read(&"v1=ab,".repeat(17)).err(), Some(Reason::BadSignature));
    }
}
