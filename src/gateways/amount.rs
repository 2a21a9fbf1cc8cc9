//! Amounts: from the gateway's digits to minor units of ISO 4217, never through a float.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::domain::{Currency, Money, MoneyError};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Amounts {
    pub(crate) unit: UnitSource,
    /// Decimals of currencies where the gateway departs from ISO 4217; only for minor units.
    pub(crate) exponents: BTreeMap<String, u8>,
    /// The gateway's own words for currencies: `TL = "TRY"`, `978 = "EUR"`.
    pub(crate) currencies: BTreeMap<String, String>,
}

/// The unit of the gateway's numbers, or the setting that says it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum UnitSource {
    Fixed(Unit),
    Setting(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Cents, yen, fils: the smallest unit of the currency.
    Minor,
    /// Euros, yen, dinars, with decimals.
    Major,
    /// Hundredths of a major unit, whatever decimals the currency has.
    Hundredths,
}

impl Amounts {
    pub(crate) fn read(&self, unit: Unit, digits: &str, currency: &str) -> Result<Money, MoneyError> {
        let code = self.currencies.get(currency).map_or(currency, String::as_str);
        let currency = Currency::parse(code)?;
        Money::from_decimal(digits, self.unit_exponent(unit, currency), currency)
    }

    /// The gateway's own word for a currency.
    pub(crate) fn word_for(&self, currency: Currency) -> String {
        let own = self.currencies.iter().find(|(_, code)| *code == currency.as_str());
        own.map_or_else(|| currency.to_string(), |(word, _)| word.clone())
    }

    /// The gateway's own digits for an amount; what [`Self::read`] reads back.
    pub(crate) fn write(&self, unit: Unit, money: Money) -> String {
        let iso = money.currency().exponent();
        let theirs = self.unit_exponent(unit, money.currency());
        let decimals = usize::from(iso.saturating_sub(theirs));
        let digits = format!("{:0width$}", money.minor_units(), width = decimals + 1);
        let zeros = "0".repeat(usize::from(theirs.saturating_sub(iso)));
        match digits.split_at_checked(digits.len() - decimals) {
            Some((whole, "")) => format!("{whole}{zeros}"),
            // A gateway that knows no decimals here gets none, unless the amount cannot do without.
            Some((whole, rest)) if unit != Unit::Major && rest.bytes().all(|digit| digit == b'0') => {
                whole.to_owned()
            }
            Some((whole, fraction)) => format!("{whole}.{fraction}"),
            None => digits,
        }
    }

    fn unit_exponent(&self, unit: Unit, currency: Currency) -> u8 {
        match unit {
            Unit::Major => 0,
            Unit::Hundredths => 2,
            Unit::Minor => self.exponents.get(currency.as_str()).copied().unwrap_or(currency.exponent()),
        }
    }
}

impl Default for UnitSource {
    fn default() -> Self {
        Self::Fixed(Unit::Minor)
    }
}

impl Unit {
    pub(crate) fn parse(word: &str) -> Result<Self, String> {
        match word {
            "minor" => Ok(Self::Minor),
            "major" => Ok(Self::Major),
            "hundredths" => Ok(Self::Hundredths),
            _ => Err(format!("unknown unit `{word}`, expected `minor`, `major` or `hundredths`")),
        }
    }
}

impl TryFrom<String> for UnitSource {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.strip_prefix("setting:") {
            Some(name) => Ok(Self::Setting(name.to_owned())),
            None => Unit::parse(&text).map(Self::Fixed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(unit: Unit, digits: &str, currency: &str, minor: i64) {
        let amounts = Amounts {
            unit: UnitSource::default(),
            exponents: [("ISK".to_owned(), 2), ("CVE".to_owned(), 0)].into(),
            currencies: BTreeMap::new(),
        };
        let money = amounts.read(unit, digits, currency).expect(digits);
        assert_eq!(money.minor_units(), minor, "{digits} {currency}");
        assert_eq!(amounts.write(unit, money), digits, "{digits} {currency}");
    }

    #[test]
    fn amounts_follow_the_gateways_own_decimals_both_ways() {
        check(Unit::Minor, "1099", "eur", 1099);
        check(Unit::Minor, "500", "JPY", 500);
        check(Unit::Minor, "50000", "ISK", 500);
        check(Unit::Minor, "12", "CVE", 1200);
        check(Unit::Minor, "5", "KWD", 5);
        check(Unit::Hundredths, "1000000", "VND", 10_000);
        check(Unit::Major, "10.99", "EUR", 1099);
        check(Unit::Major, "0.05", "EUR", 5);
        check(Unit::Major, "500", "JPY", 500);
    }
}
