//! Updates: the committed changes of transactions, as they are streamed.

use std::{fmt, str::FromStr};

use time::OffsetDateTime;

use super::{Status, Transaction};

/// One committed change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// Place in the feed: dense, rising in commit order.
    pub position: u64,
    /// The transaction as it was right after the change.
    pub transaction: Transaction,
    /// `None` at creation.
    pub previous_status: Option<Status>,
    pub cause: Cause,
    pub recorded_at: OffsetDateTime,
    /// W3C trace context of the request that caused it.
    pub traceparent: Option<String>,
}

/// What brought a change about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    Callback(CallbackId),
    Registration,
    /// The gateway was asked; holds the id of the query.
    Reconciliation(String),
    /// A person decided; holds who.
    Operator(String),
}

/// Names one stored callback: the 128 bits of a version 7 UUID (RFC 9562).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallbackId(pub u128);

impl fmt::Display for CallbackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups = [(96, 8), (80, 4), (64, 4), (48, 4), (0, 12)];
        for (index, (shift, digits)) in groups.into_iter().enumerate() {
            let dash = if index == 0 { "" } else { "-" };
            let group = (self.0 >> shift) & ((1 << (digits * 4)) - 1);
            write!(f, "{dash}{group:0digits$x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for CallbackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for CallbackId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u128::from_str_radix(&text.replace('-', ""), 16).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_id_is_written_as_a_uuid_and_reads_back() {
        let id = CallbackId(0x0190_a1b2_c3d4_7e5f_8a9b_0c1d_2e3f_4051);
        assert_eq!(id.to_string(), "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4051");
        assert_eq!(id.to_string().parse(), Ok(id));
    }
}
