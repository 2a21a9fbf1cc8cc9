//! Money: whole minor units of one currency. No floats, no silent wrap.

use std::fmt;

/// An ISO 4217 alphabetic code, three upper-case ASCII letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// An amount in the minor units of its currency: `1099 EUR` is 10.99 €.
///
/// An amount is never negative. What it means (captured, refunded) stands beside it, never in a sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money {
    minor_units: i64,
    currency: Currency,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("a currency is three letters (ISO 4217)")]
    Currency,
    #[error("an amount must not be negative")]
    Negative,
    #[error("the amount has more decimals than {0} has")]
    Fraction(Currency),
    #[error("an amount is plain decimal digits, without exponent or grouping")]
    Text,
    #[error("the amount does not fit 64 bits")]
    TooLarge,
}

impl Currency {
    /// ISO 4217's code for "no currency".
    pub const NONE: &'static str = "XXX";

    /// Accepts any letter case, as gateways send it; keeps upper case.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let bytes: [u8; 3] = text.as_bytes().try_into().map_err(|_| MoneyError::Currency)?;
        if !bytes.iter().all(u8::is_ascii_alphabetic) {
            return Err(MoneyError::Currency);
        }
        Ok(Self(bytes.map(|byte| byte.to_ascii_uppercase())))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        // The bytes are ASCII letters by construction, so the fallback is never taken.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Decimals of the minor unit by ISO 4217 (list of 2024): 2 for all but these.
    #[must_use]
    pub fn exponent(self) -> u8 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF"
            | b"UGX" | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        }
    }
}

impl Money {
    pub fn new(minor_units: i64, currency: Currency) -> Result<Self, MoneyError> {
        if minor_units < 0 {
            return Err(MoneyError::Negative);
        }
        Ok(Self { minor_units, currency })
    }

    #[must_use]
    pub fn zero(currency: Currency) -> Self {
        Self { minor_units: 0, currency }
    }

    #[must_use]
    pub fn minor_units(self) -> i64 {
        self.minor_units
    }

    #[must_use]
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// Reads a decimal text whose unit is `10^unit_exponent` smaller than the major unit: `"10.99"` with 0
    /// (major units), `"1099"` with 2 (hundredths).
    ///
    /// The result must be a whole number of ISO minor units, else [`MoneyError::Fraction`].
    pub fn from_decimal(text: &str, unit_exponent: u8, currency: Currency) -> Result<Self, MoneyError> {
        if text.strip_prefix('-').is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit())) {
            return Err(MoneyError::Negative);
        }
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let dangling = text.contains('.') && fraction.is_empty();
        if whole.is_empty() || dangling || !plain(whole) || !plain(fraction) {
            return Err(MoneyError::Text);
        }
        let fraction = fraction.trim_end_matches('0');
        let shift = i32::from(currency.exponent()) - i32::from(unit_exponent);
        Self::shifted(whole, fraction, shift, currency)
    }

    /// `whole.fraction × 10^shift` as an integer, digit by digit, so that nothing is ever rounded.
    fn shifted(whole: &str, fraction: &str, shift: i32, currency: Currency) -> Result<Self, MoneyError> {
        let mut minor: i64 = 0;
        let point = i64::try_from(whole.len()).map_err(|_| MoneyError::TooLarge)? + i64::from(shift);
        let digits = whole.bytes().chain(fraction.bytes());
        let mut place = 0_i64;
        for digit in digits.map(|byte| i64::from(byte - b'0')) {
            if place >= point {
                if digit != 0 {
                    return Err(MoneyError::Fraction(currency));
                }
            } else {
                minor = push_digit(minor, digit)?;
            }
            place = place.saturating_add(1);
        }
        for _ in place..point {
            minor = push_digit(minor, 0)?;
        }
        Ok(Self { minor_units: minor, currency })
    }
}

fn push_digit(minor: i64, digit: i64) -> Result<i64, MoneyError> {
    minor.checked_mul(10).and_then(|tens| tens.checked_add(digit)).ok_or(MoneyError::TooLarge)
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Major units with all decimals, as people write them: `10.99 EUR`, `500 JPY`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exponent = self.currency.exponent();
        let unit = 10_i64.pow(u32::from(exponent));
        let (major, rest) = (self.minor_units / unit, self.minor_units % unit);
        match exponent {
            0 => write!(f, "{major} {}", self.currency),
            width => write!(f, "{major}.{rest:0width$} {}", self.currency, width = usize::from(width)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, unit_exponent: u8, currency: &str, expected: Result<i64, MoneyError>) {
        let currency = Currency::parse(currency).expect("a valid code");
        let read = Money::from_decimal(text, unit_exponent, currency).map(Money::minor_units);
        assert_eq!(read, expected, "{text} at exponent {unit_exponent} in {currency}");
    }

    #[test]
    fn a_decimal_becomes_exact_minor_units_or_is_refused() {
        let eur = Currency::parse("eur").expect("a valid code");
        check("10.99", 0, "EUR", Ok(1099));
        check("1099", 2, "EUR", Ok(1099));
        check("10.5", 0, "EUR", Ok(1050));
        check("10.9900", 0, "EUR", Ok(1099));
        check("-3.00", 0, "EUR", Err(MoneyError::Negative));
        check("500", 0, "JPY", Ok(500));
        check("500.00", 0, "JPY", Ok(500));
        check("50000", 2, "ISK", Ok(500));
        check("1.234", 0, "KWD", Ok(1234));
        check("0", 0, "EUR", Ok(0));
        check("0.001", 0, "EUR", Err(MoneyError::Fraction(eur)));
        check("9223372036854775807", 2, "EUR", Ok(i64::MAX));
        check("9223372036854775808", 2, "EUR", Err(MoneyError::TooLarge));
        for text in ["", "-", ".", "1.", ".5", "1e2", "1,00", "+1", "0x1", " 1", "NaN", "--1", "1.2.3", "١"]
        {
            check(text, 0, "EUR", Err(MoneyError::Text));
        }
    }

    #[test]
    fn people_read_amounts_in_major_units() {
        let show = |minor, code: &str| {
            Money::new(minor, Currency::parse(code).expect("code")).expect("amount").to_string()
        };
        assert_eq!(show(1099, "EUR"), "10.99 EUR");
        assert_eq!(show(5, "KWD"), "0.005 KWD");
        assert_eq!(show(500, "JPY"), "500 JPY");
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(minor in 0..=i64::MAX, code in "[A-Z]{3}") {
            let money = Money::new(minor, Currency::parse(&code).expect("code")).expect("amount");
            let shown = money.to_string();
            let (number, _) = shown.split_once(' ').expect("a space before the code");
            prop_assert_eq!(Money::from_decimal(number, 0, money.currency()), Ok(money));
        }
    }
}
