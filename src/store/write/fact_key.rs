//! The 16 bytes under which a fact is unique.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::domain::{FactKey, GatewayId, Hold, Tally};

/// Digest of (gateway, kind, operation, phase, round, amount, currency) and of what else keeps two statements
/// apart. Half the width of the key as text, so the index that guards it is half as deep.
pub(super) fn fact_key(gateway: &GatewayId, key: &FactKey) -> Uuid {
    let FactKey { phase, operation, round, amount, tally, held } = key;
    let mut digest = Sha256::new();
    for text in [gateway.as_str(), operation.as_str()] {
        // Ids hold no control characters, so this separator cannot be moved.
        digest.update(text.as_bytes());
        digest.update([0]);
    }
    digest.update(phase.code().to_be_bytes());
    digest.update(round.to_be_bytes());
    digest.update([u8::from(*tally == Tally::Cumulative)]);
    digest.update(held.map_or(0, Hold::code).to_be_bytes());
    if let Some(money) = amount {
        digest.update(money.currency().as_str().as_bytes());
        digest.update(money.minor_units().to_be_bytes());
    }
    let bytes: [u8; 32] = digest.finalize().into();
    let (half, _) = bytes.split_at(16);
    Uuid::from_slice(half).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::domain::{Currency, Money, Phase};

    #[test]
    fn every_part_of_a_fact_key_counts() {
        let gateway: GatewayId = "shop".parse().unwrap();
        let eur = Currency::parse("EUR").unwrap();
        let key = FactKey {
            phase: Phase::Captured,
            operation: "op".parse().unwrap(),
            round: 1,
            amount: Money::new(10, eur).ok(),
            tally: Tally::Single,
            held: None,
        };
        let others = [
            FactKey { phase: Phase::Refunded, ..key.clone() },
            FactKey { operation: "op2".parse().unwrap(), ..key.clone() },
            FactKey { round: 2, ..key.clone() },
            FactKey { amount: None, ..key.clone() },
            FactKey { amount: Money::new(11, eur).ok(), ..key.clone() },
            FactKey { amount: Money::new(10, Currency::parse("USD").unwrap()).ok(), ..key.clone() },
            FactKey { tally: Tally::Cumulative, ..key.clone() },
            FactKey { held: Some(Hold::ModeMismatch), ..key.clone() },
        ];
        let all: HashSet<Uuid> = others.iter().chain([&key]).map(|key| fact_key(&gateway, key)).collect();
        assert_eq!(all.len(), 9);
        assert_ne!(fact_key(&gateway, &key), fact_key(&"shop2".parse().unwrap(), &key));
    }
}
