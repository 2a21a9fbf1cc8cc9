//! Where the signature stands, and what stands beside it.

use std::borrow::Cow;

use serde::Deserialize;

use super::super::{
    inner::lenient_base64,
    message::{Message, NotText},
    place::Place,
    text::OneOrMany,
    verify::Reason,
};

/// More entries than this in one proof are refused: each costs a comparison.
const MAX_ENTRIES: usize = 16;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProofFormat {
    /// The first of these places that has a value holds the proof.
    pub(crate) at: Places,
    /// The header may stand several times, with a signature in each.
    #[serde(default)]
    pub(crate) repeated: bool,
    /// What stands before the signature, such as `sha512=`; without regard to case, and it may be missing only if
    /// `prefix_optional`.
    pub(crate) prefix: Option<String>,
    #[serde(default)]
    pub(crate) prefix_optional: bool,
    /// What stands between entries, where there are several: `t=1,v1=ab` has `,`.
    pub(crate) entries: Option<Separator>,
    /// What stands between the name and the value of an entry: `t=1,v1=ab` has `=`.
    pub(crate) pair: Option<Separator>,
    /// Entries of this name are signatures; the others are `part:NAME`.
    pub(crate) name: Option<String>,
    /// The values of one entry, where they have no names: `17/SHA256/ab` is `key`, `algorithm`, `signature` by `/`.
    pub(crate) fields: Option<EntryFields>,
    pub(crate) encoding: Encoding,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(from = "OneOrMany<Place>")]
pub(crate) struct Places(pub(crate) Vec<Place>);

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntryFields {
    pub(crate) by: Separator,
    pub(crate) names: Vec<EntryField>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EntryField {
    /// Which key it was made with.
    Key,
    /// The gateway's word for the algorithm.
    Algorithm,
    Signature,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Separator(pub(crate) String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Encoding {
    /// Lower case.
    Hex,
    HexAnyCase,
    /// Written in upper case, read in any.
    HexUpper,
    /// The standard alphabet with padding.
    Base64,
    /// Either alphabet, padding or not; written in the standard one.
    Base64Lenient,
    /// The same; written in the URL-safe alphabet.
    Base64Url,
    /// The bytes of the text.
    Text,
}

/// A proof taken apart.
#[derive(Debug)]
pub(crate) struct Proof<'p> {
    pub(crate) candidates: Vec<Candidate<'p>>,
    pub(crate) parts: Vec<(&'p str, &'p str)>,
}

/// One signature of a proof.
#[derive(Debug)]
pub(crate) struct Candidate<'p> {
    /// Decoded; one that does not decode is left out.
    pub(crate) signature: Vec<u8>,
    pub(crate) key_id: Option<&'p str>,
    pub(crate) algorithm: Option<&'p str>,
}

impl ProofFormat {
    /// The texts that hold the proof: one, or every value of a repeated header.
    pub(crate) fn find<'v>(&'v self, message: &Message<'v>) -> Result<Vec<Cow<'v, str>>, NotText> {
        for place in &self.at.0 {
            let found = match place {
                Place::Header(name) if self.repeated => {
                    let values = message.callback.headers_named(name).take(MAX_ENTRIES + 1);
                    let texts = values.map(|value| std::str::from_utf8(value).map(Cow::Borrowed));
                    let texts: Result<Vec<_>, _> = texts.collect();
                    texts.map_err(|_| NotText)?.into_iter().filter(|text| !text.is_empty()).collect()
                }
                place => Vec::from_iter(message.read(place)?),
            };
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    pub(crate) fn read<'p>(&self, texts: &'p [Cow<'_, str>]) -> Result<Proof<'p>, Reason> {
        let mut entries = Vec::new();
        for text in texts {
            let text = self.without_prefix(text).ok_or(Reason::BadSignature)?;
            match &self.entries {
                Some(separator) => entries.extend(text.split(separator.0.as_str()).take(MAX_ENTRIES + 1)),
                None => entries.push(text),
            }
        }
        if entries.is_empty() {
            return Err(Reason::MissingSignature);
        }
        if entries.len() > MAX_ENTRIES {
            return Err(Reason::BadSignature);
        }
        match (&self.pair, &self.fields) {
            (Some(pair), _) => self.named(&entries, &pair.0),
            (None, Some(fields)) => {
                let candidates = entries.iter().filter_map(|entry| self.fielded(entry, fields));
                Ok(Proof { candidates: candidates.collect(), parts: Vec::new() })
            }
            (None, None) => {
                let candidates = entries.iter().filter_map(|entry| self.candidate(entry, None, None));
                Ok(Proof { candidates: candidates.collect(), parts: Vec::new() })
            }
        }
    }

    /// Entries with names: those of the right one are signatures, all others values beside them.
    fn named<'p>(&self, entries: &[&'p str], pair: &str) -> Result<Proof<'p>, Reason> {
        let named = entries.iter().filter_map(|entry| entry.split_once(pair));
        let named = named.map(|(name, value)| (name.trim(), value.trim()));
        let (signatures, parts): (Vec<_>, Vec<_>) =
            named.partition(|(name, _)| Some(*name) == self.name.as_deref());
        if signatures.is_empty() {
            return Err(Reason::MissingSignature);
        }
        let candidates = signatures.iter().filter_map(|(_, value)| self.candidate(value, None, None));
        Ok(Proof { candidates: candidates.collect(), parts })
    }

    fn fielded<'p>(&self, entry: &'p str, fields: &EntryFields) -> Option<Candidate<'p>> {
        // A base64 signature may hold the separator, so the last field takes the rest.
        let values = entry.trim().splitn(fields.names.len(), fields.by.0.as_str());
        let values: Vec<(EntryField, &str)> = fields.names.iter().copied().zip(values).collect();
        let value = |wanted| values.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
        self.candidate(value(EntryField::Signature)?, value(EntryField::Key), value(EntryField::Algorithm))
    }

    fn candidate<'p>(
        &self,
        signature: &str,
        key_id: Option<&'p str>,
        algorithm: Option<&'p str>,
    ) -> Option<Candidate<'p>> {
        Some(Candidate { signature: self.encoding.decode(signature)?, key_id, algorithm })
    }

    fn without_prefix<'p>(&self, text: &'p str) -> Option<&'p str> {
        let Some(prefix) = &self.prefix else { return Some(text) };
        let (start, rest) = text.split_at_checked(prefix.len()).unwrap_or(("", text));
        match start.eq_ignore_ascii_case(prefix) {
            true => Some(rest),
            false => self.prefix_optional.then_some(text),
        }
    }

    /// How a sender writes this proof; the reverse of [`Self::read`].
    pub(crate) fn write(
        &self,
        parts: &[(&str, &str)],
        signature: &[u8],
        key_id: &str,
        algorithm: &str,
    ) -> String {
        let signature = self.encoding.encode(signature);
        let prefix = self.prefix.as_deref().filter(|_| !self.prefix_optional).unwrap_or_default();
        if let Some(fields) = &self.fields {
            let value = |field: &EntryField| match field {
                EntryField::Key => key_id,
                EntryField::Algorithm => algorithm,
                EntryField::Signature => signature.as_str(),
            };
            let values: Vec<&str> = fields.names.iter().map(value).collect();
            return format!("{prefix}{}", values.join(&fields.by.0));
        }
        let Some(pair) = &self.pair else { return format!("{prefix}{signature}") };
        let name = self.name.as_deref().unwrap_or_default();
        let all = parts.iter().copied().chain([(name, signature.as_str())]);
        let entries: Vec<String> = all.map(|(name, value)| format!("{name}{}{value}", pair.0)).collect();
        prefix.to_owned() + &entries.join(self.entries.as_ref().map_or("", |separator| &separator.0))
    }
}

impl Encoding {
    fn decode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Hex => data_encoding::HEXLOWER.decode(text.as_bytes()).ok(),
            Self::HexAnyCase | Self::HexUpper => {
                data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()
            }
            Self::Base64 => data_encoding::BASE64.decode(text.as_bytes()).ok(),
            Self::Base64Lenient | Self::Base64Url => lenient_base64(text.as_bytes()),
            Self::Text => Some(text.as_bytes().to_vec()),
        }
    }

    pub(crate) fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex | Self::HexAnyCase => data_encoding::HEXLOWER.encode(bytes),
            Self::HexUpper => data_encoding::HEXUPPER.encode(bytes),
            Self::Base64 | Self::Base64Lenient => data_encoding::BASE64.encode(bytes),
            Self::Base64Url => data_encoding::BASE64URL.encode(bytes),
            Self::Text => String::from_utf8_lossy(bytes).into_owned(),
        }
    }
}

impl From<OneOrMany<Place>> for Places {
    fn from(places: OneOrMany<Place>) -> Self {
        Self(places.into_vec())
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

    fn proof(toml: &str) -> ProofFormat {
        toml::from_str(toml).expect(toml)
    }

    fn stripe() -> ProofFormat {
        proof("at = 'header:Stripe-Signature'\nentries = ','\npair = '='\nname = 'v1'\nencoding = 'hex'")
    }

    fn signatures<'p>(proof: &'p Proof<'_>) -> Vec<&'p [u8]> {
        proof.candidates.iter().map(|candidate| candidate.signature.as_slice()).collect()
    }

    #[test]
    fn signatures_and_their_neighbours_are_told_apart() {
        let texts = ["t=12,v1=ab,v1=zz,v0=cd,stray".into()];
        let read = stripe().read(&texts).expect("a proof");
        assert_eq!(signatures(&read), [[0xab]]);
        assert_eq!(read.parts, [("t", "12"), ("v0", "cd")]);
        assert_eq!(stripe().write(&[("t", "12")], &[0xab], "", ""), "t=12,v1=ab");
    }

    #[test]
    fn a_proof_without_a_signature_of_the_right_name_is_missing() {
        let refused = |text: &str| stripe().read(&[text.into()]).err();
        assert_eq!(refused("t=12,v0=ab"), Some(Reason::MissingSignature));
        assert_eq!(refused(&"v1=ab,".repeat(17)), Some(Reason::BadSignature));
    }

    #[test]
    fn an_entry_may_name_its_key_and_its_algorithm() {
        let worldpay = proof(
            "at = 'header:S'\nentries = ','\nencoding = 'hex-any-case'\nfields = { by = '/', names = ['key', 'algorithm', 'signature'] }",
        );
        let texts = ["2/SHA256/AB,broken,1/MD5/cd".into()];
        let read = worldpay.read(&texts).expect("a proof");
        let found: Vec<_> =
            read.candidates.iter().map(|one| (one.key_id, one.algorithm, &*one.signature)).collect();
        assert_eq!(
            found,
            [(Some("2"), Some("SHA256"), &[0xab_u8][..]), (Some("1"), Some("MD5"), &[0xcd][..])]
        );
        assert_eq!(worldpay.write(&[], &[0xab], "2", "SHA256"), "2/SHA256/ab");
    }

    #[test]
    fn a_prefix_is_taken_away_in_any_case() {
        let format = proof("at = 'header:S'\nprefix = 'sha512='\nencoding = 'hex-any-case'");
        assert_eq!(signatures(&format.read(&["SHA512=AB".into()]).expect("a proof")), [[0xab]]);
        assert_eq!(format.read(&["ab".into()]).err(), Some(Reason::BadSignature));
        assert_eq!(format.write(&[], &[0xab], "", ""), "sha512=ab");
    }
}
