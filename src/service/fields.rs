//! Reading requests: wire values into domain values, with everything that is wrong told at once.

use std::{fmt::Display, str::FromStr};

use time::OffsetDateTime;
use tonic_types::FieldViolation;

use super::error::Failure;
use crate::{
    domain::{Currency, GatewayId, Hold, MAX_ID_BYTES, Money, MoneyError, Status},
    proto,
    store::Filter,
};

/// Violations told at most: they travel in a header, which clients bound.
const MAX_VIOLATIONS: usize = 16;
/// Values in one condition of a filter at most.
const MAX_CONDITION_VALUES: usize = 100;

/// The violations found so far. A value that could not be read is `None`, and [`Fields::finish`] then fails.
#[derive(Debug, Default)]
pub(super) struct Fields {
    violations: Vec<FieldViolation>,
}

impl Fields {
    pub(super) fn refuse(&mut self, field: impl Into<String>, why: impl Display) {
        if self.violations.len() < MAX_VIOLATIONS {
            self.violations.push(FieldViolation::new(field, why.to_string()));
        }
    }

    pub(super) fn require(&mut self, holds: bool, field: &str, why: impl Display) {
        if !holds {
            self.refuse(field, why);
        }
    }

    /// Ends the reading: all of it, or every violation. What `value` lacks was refused before.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, Failure> {
        match value {
            Some(value) if self.violations.is_empty() => Ok(value),
            _ => Err(self.into()),
        }
    }

    pub(super) fn parse<T: FromStr<Err: Display>>(&mut self, field: &str, text: &str) -> Option<T> {
        text.parse().map_err(|why| self.refuse(field, why)).ok()
    }

    /// Empty text is an absent value.
    pub(super) fn parse_optional<T: FromStr<Err: Display>>(&mut self, field: &str, text: &str) -> Option<T> {
        if text.is_empty() { None } else { self.parse(field, text) }
    }

    pub(super) fn short_text(&mut self, field: &str, text: &str, max_bytes: usize) {
        self.require(text.len() <= max_bytes, field, format_args!("must be at most {max_bytes} bytes"));
        self.require(!text.chars().any(char::is_control), field, "must not hold control characters");
    }

    pub(super) fn expected(&mut self, money: Option<proto::Money>) -> Option<Money> {
        let Some(proto::Money { currency_code, minor_units }) = money else {
            self.refuse("expected", "is required");
            return None;
        };
        let currency = Currency::parse(&currency_code)
            .map_err(|why: MoneyError| self.refuse("expected.currency_code", why))
            .ok();
        self.require(minor_units > 0, "expected.minor_units", "must be more than 0");
        Money::new(minor_units, currency?).ok()
    }

    pub(super) fn instant(
        &mut self,
        field: &str,
        timestamp: Option<prost_types::Timestamp>,
    ) -> Option<OffsetDateTime> {
        let instant = instant(timestamp?);
        self.require(instant.is_some(), field, "must be a time between the years 1 and 9999");
        instant
    }

    pub(super) fn filter(&mut self, filter: Option<proto::TransactionFilter>) -> Filter {
        let Some(filter) = filter else { return Filter::default() };
        let proto::TransactionFilter {
            statuses,
            gateways,
            order_ids,
            holds,
            update_time_from,
            update_time_before,
        } = filter;
        for (index, id) in order_ids.iter().enumerate() {
            self.short_text(&format!("filter.order_ids[{index}]"), id, MAX_ID_BYTES);
        }
        self.bounded("filter.order_ids", order_ids.len());
        Filter {
            statuses: self.codes("filter.statuses", &statuses, Status::from_code),
            gateways: self.gateways(&gateways),
            order_ids,
            holds: self.codes("filter.holds", &holds, Hold::from_code),
            updated_from: self.instant("filter.update_time_from", update_time_from),
            updated_before: self.instant("filter.update_time_before", update_time_before),
        }
    }

    fn gateways(&mut self, names: &[String]) -> Vec<GatewayId> {
        self.bounded("filter.gateways", names.len());
        let named = names.iter().enumerate();
        named.filter_map(|(index, name)| self.parse(&format!("filter.gateways[{index}]"), name)).collect()
    }

    /// Enums by number: the domain and the wire share them.
    fn codes<T>(&mut self, field: &str, numbers: &[i32], from_code: fn(i16) -> Option<T>) -> Vec<T> {
        self.bounded(field, numbers.len());
        let mut known = Vec::new();
        for (index, number) in numbers.iter().enumerate() {
            match i16::try_from(*number).ok().and_then(from_code) {
                Some(value) => known.push(value),
                None => self.refuse(format!("{field}[{index}]"), "is not a known value"),
            }
        }
        known
    }

    fn bounded(&mut self, field: &str, len: usize) {
        let why = format_args!("must hold at most {MAX_CONDITION_VALUES} values");
        self.require(len <= MAX_CONDITION_VALUES, field, why);
    }
}

impl From<Fields> for Failure {
    fn from(fields: Fields) -> Self {
        Self::fields_invalid(fields.violations)
    }
}

/// In whole microseconds, as both databases keep them, so that what is registered compares equal later.
pub(super) fn instant(timestamp: prost_types::Timestamp) -> Option<OffsetDateTime> {
    let prost_types::Timestamp { seconds, nanos } = timestamp;
    let nanos = u32::try_from(nanos).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    let whole = OffsetDateTime::from_unix_timestamp(seconds).ok().filter(|time| time.year() >= 1)?;
    whole.replace_microsecond(nanos / 1000).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violations(read: impl FnOnce(&mut Fields)) -> Vec<String> {
        let mut fields = Fields::default();
        read(&mut fields);
        fields.violations.into_iter().map(|violation| violation.field).collect()
    }

    fn at(seconds: i64, nanos: i32) -> prost_types::Timestamp {
        prost_types::Timestamp { seconds, nanos }
    }

    fn eur(minor_units: i64) -> proto::Money {
        proto::Money { currency_code: "EUR".into(), minor_units }
    }

    #[test]
    fn a_filter_names_every_value_that_is_wrong() {
        let filter = proto::TransactionFilter {
            statuses: vec![5, 0, 12],
            gateways: vec!["stripe-eu".into(), "No Such".into()],
            order_ids: vec!["\n".into()],
            holds: vec![99_999],
            update_time_from: Some(at(0, -1)),
            update_time_before: Some(at(i64::MAX, 0)),
        };
        let found = violations(|fields| {
            fields.filter(Some(filter));
        });
        let expected = [
            "filter.order_ids[0]",
            "filter.statuses[1]",
            "filter.statuses[2]",
            "filter.gateways[1]",
            "filter.holds[0]",
            "filter.update_time_from",
            "filter.update_time_before",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_expected_is_a_positive_amount_in_a_currency() {
        let check = |money: Option<proto::Money>, expected: &[&str]| {
            let found = violations(|fields| {
                fields.expected(money.clone());
            });
            assert_eq!(found, expected, "{money:?}");
        };
        check(Some(eur(1)), &[]);
        check(None, &["expected"]);
        check(Some(eur(0)), &["expected.minor_units"]);
        check(Some(eur(-1)), &["expected.minor_units"]);
        let nothing = proto::Money { currency_code: "€".repeat(2), minor_units: i64::MIN };
        check(Some(nothing), &["expected.currency_code", "expected.minor_units"]);
    }

    #[test]
    fn times_are_whole_microseconds_within_the_calendar() {
        let time = instant(at(1_700_000_000, 123_456_789)).expect("a time");
        assert_eq!(time.unix_timestamp_nanos(), 1_700_000_000_123_456_000);
        for bad in [at(0, -1), at(0, 1_000_000_000), at(253_402_300_800, 0), at(-62_135_596_801, 0)] {
            assert_eq!(instant(bad), None, "{bad:?}");
        }
    }
}
