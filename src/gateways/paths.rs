//! Paths: where in a message each normalised value stands.

use serde::Deserialize;

use super::{pattern::Pattern, text::Texts, time_format::TimeFormat};

/// Every entry may be left out. In an event, an empty list takes a value away.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Paths {
    pub(crate) event_id: Option<Texts>,
    pub(crate) event_type: Option<Texts>,
    pub(crate) event_time: Option<Texts>,
    pub(crate) event_time_format: Option<TimeFormat>,
    #[serde(alias = "gateway_payment_id")]
    pub(crate) payment_id: Option<Texts>,
    pub(crate) merchant_reference: Option<Texts>,
    /// What the event is about: the refund of a refund event, the disputed sum of a dispute.
    pub(crate) amount: Option<Texts>,
    /// What was authorized, where that is not `amount`.
    pub(crate) authorized_amount: Option<Texts>,
    pub(crate) currency: Option<Texts>,
    pub(crate) failure_code: Option<Texts>,
    pub(crate) failure_message: Option<Texts>,
    pub(crate) refund_id: Option<Texts>,
    pub(crate) dispute_id: Option<Texts>,
    pub(crate) livemode: Option<Texts>,
    /// The values of `livemode` that mean live; `true` if not said.
    pub(crate) live_values: Option<Vec<Pattern>>,
    /// The values that mean test, where everything else is live.
    pub(crate) test_values: Option<Vec<Pattern>>,
}

impl Paths {
    /// These paths, with what `other` says put over them.
    pub(crate) fn overlaid(&self, other: &Self) -> Self {
        let mut merged = self.clone();
        for (mine, theirs) in merged.texts_mut().into_iter().zip(other.texts()) {
            if theirs.is_some() {
                mine.clone_from(theirs);
            }
        }
        merged.event_time_format = other.event_time_format.clone().or(merged.event_time_format);
        merged.live_values = other.live_values.clone().or(merged.live_values);
        merged.test_values = other.test_values.clone().or(merged.test_values);
        merged
    }

    pub(crate) fn is_live(&self, value: &str) -> bool {
        let is_one_of = |values: &Vec<Pattern>| values.iter().any(|known| known.fits(value));
        match (&self.live_values, &self.test_values) {
            (Some(values), _) => is_one_of(values),
            (None, Some(values)) => !is_one_of(values),
            (None, None) => value == "true",
        }
    }
}

/// Every entry that says where something stands, borrowed or mutably, always in the same order.
macro_rules! all_texts {
    ($($field:ident)*) => {
        impl Paths {
            pub(crate) fn texts(&self) -> [&Option<Texts>; 13] {
                let Self { event_time_format: _, live_values: _, test_values: _, $($field),* } = self;
                [$($field),*]
            }

            pub(crate) fn texts_mut(&mut self) -> [&mut Option<Texts>; 13] {
                let Self { event_time_format: _, live_values: _, test_values: _, $($field),* } = self;
                [$($field),*]
            }
        }
    };
}

all_texts! {
    event_id event_type event_time payment_id merchant_reference amount authorized_amount
    currency failure_code failure_message refund_id dispute_id livemode
}
