//! Holds: reasons why a transaction must not be acted upon until somebody looks.

use std::fmt;

macro_rules! holds {
    ($($(#[$doc:meta])* $hold:ident = $code:literal, $word:literal;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Hold { $($(#[$doc])* $hold),* }

        impl Hold {
            pub const ALL: &[Self] = &[$(Self::$hold),*];

            /// The number the store and the wire keep; 1 to 15. Never reused.
            #[must_use]
            pub fn code(self) -> i16 {
                match self { $(Self::$hold => $code),* }
            }

            #[must_use]
            pub fn from_code(code: i16) -> Option<Self> {
                match code { $($code => Some(Self::$hold),)* _ => None }
            }

            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$hold => $word),* }
            }
        }
    };
}

holds! {
    /// The gateway moved less money than is expected, and nobody said that more will come.
    AmountMismatch = 1, "AMOUNT_MISMATCH";
    /// Money moved in another currency than is expected; it is not counted.
    CurrencyMismatch = 2, "CURRENCY_MISMATCH";
    /// An authentic statement about another merchant account; it is not counted.
    AccountMismatch = 3, "ACCOUNT_MISMATCH";
    /// A test event at a live gateway, or the reverse; it is not counted.
    ModeMismatch = 4, "MODE_MISMATCH";
    /// More is kept than is expected.
    Overpaid = 5, "OVERPAID";
    /// The gateway said two different things of one operation; the safer one is counted.
    ConflictingFacts = 6, "CONFLICTING_FACTS";
    /// The money came after a cancel, an expiry or the expire time: the order may be gone.
    LateMoney = 7, "LATE_MONEY";
    /// Nobody registered this payment; it was adopted from the gateway's callback.
    Unregistered = 8, "UNREGISTERED";
    /// What moves the money is not proven, or without an amount: ask the gateway.
    ConfirmationRequired = 9, "CONFIRMATION_REQUIRED";
}

/// A set of holds.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Holds(i16);

impl Holds {
    pub const NONE: Self = Self(0);

    pub fn insert(&mut self, hold: Hold) {
        self.0 |= 1 << hold.code();
    }

    #[must_use]
    pub fn contains(self, hold: Hold) -> bool {
        self.0 & (1 << hold.code()) != 0
    }

    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn iter(self) -> impl Iterator<Item = Hold> {
        Hold::ALL.iter().copied().filter(move |hold| self.contains(*hold))
    }

    /// One bit per [`Hold::code`], as the store keeps it.
    #[must_use]
    pub fn bits(self) -> i16 {
        self.0
    }

    #[must_use]
    pub fn from_bits(bits: i16) -> Option<Self> {
        let known: Self = Hold::ALL.iter().copied().collect();
        (bits & !known.0 == 0).then_some(Self(bits))
    }
}

impl FromIterator<Hold> for Holds {
    fn from_iter<I: IntoIterator<Item = Hold>>(holds: I) -> Self {
        holds.into_iter().fold(Self::NONE, |mut set, hold| {
            set.insert(hold);
            set
        })
    }
}

impl fmt::Debug for Holds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Hold::word)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_reads_back_from_its_bits_and_unknown_bits_are_refused() {
        let holds: Holds = [Hold::Overpaid, Hold::LateMoney].into_iter().collect();
        assert_eq!(Holds::from_bits(holds.bits()), Some(holds));
        assert_eq!(format!("{holds:?}"), r#"{"OVERPAID", "LATE_MONEY"}"#);
        assert_eq!(Holds::from_bits(1), None);
    }
}
