//! Identifiers. One parser each; compared as exact bytes, so look-alike letters stay different.

use std::{fmt, str::FromStr};

/// The longest identifier taken from anybody, in bytes.
pub const MAX_ID_BYTES: usize = 255;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("must not be empty")]
    Empty,
    #[error("must be at most {MAX_ID_BYTES} bytes")]
    TooLong,
    #[error("must not hold control characters")]
    Control,
    #[error("must be lower-case letters, digits, '-' and '_'")]
    GatewayName,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                bounded(text)?;
                let check: fn(&str) -> Result<(), IdError> = $check;
                check(text)?;
                Ok(Self(text.into()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

id!(
    /// The merchant's own name for a payment; gateways carry it as their merchant reference.
    TransactionId,
    |_| Ok(())
);
id!(
    /// The gateway's name for a payment (`pi_…` at Stripe, `pspReference` at Adyen).
    PaymentId,
    |_| Ok(())
);
id!(
    /// The gateway's name for one operation on a payment: an attempt, a capture, a refund, a dispute.
    OperationId,
    |_| Ok(())
);
id!(
    /// The configured name of one merchant account at a payment gateway; part of its URL.
    GatewayId,
    |text| match text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_') {
        true => Ok(()),
        false => Err(IdError::GatewayName),
    }
);

fn bounded(text: &str) -> Result<(), IdError> {
    match text {
        "" => Err(IdError::Empty),
        _ if text.len() > MAX_ID_BYTES => Err(IdError::TooLong),
        _ if text.chars().any(char::is_control) => Err(IdError::Control),
        _ => Ok(()),
    }
}

impl From<PaymentId> for OperationId {
    /// Without an operation id of its own, an operation is named by its payment.
    fn from(payment: PaymentId) -> Self {
        Self(payment.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_short_printable_text() {
        assert_eq!("".parse::<TransactionId>(), Err(IdError::Empty));
        assert_eq!("a\0b".parse::<TransactionId>(), Err(IdError::Control));
        assert_eq!("x".repeat(256).parse::<PaymentId>(), Err(IdError::TooLong));
        assert!("Bestellung 42/ä".parse::<TransactionId>().is_ok());
    }

    #[test]
    fn a_gateway_name_fits_a_path() {
        assert!("stripe-eu".parse::<GatewayId>().is_ok());
        for bad in ["Stripe", "a/b", "a b", "é"] {
            assert_eq!(bad.parse::<GatewayId>(), Err(IdError::GatewayName), "{bad}");
        }
    }
}
