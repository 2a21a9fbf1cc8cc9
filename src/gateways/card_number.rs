//! Card numbers: found by brand, length and check digit, and masked where they stand.

/// Digits that stay in sight: enough to name the issuer and to recognise the card (PCI DSS 3.4.1).
const SHOWN_FIRST: usize = 6;
const SHOWN_LAST: usize = 4;
/// Groups of digits in which people write one card number.
const MAX_GROUPS: usize = 5;
const MIN_DIGITS: usize = 13;
const MAX_DIGITS: usize = 19;

/// Overwrites the middle digits of card numbers with `*`. Nothing moves.
///
/// A number is one only if its beginning and length are a card brand's and its check digit fits, and if no other
/// letter or digit touches it: ordinary ids (Adyen's 16-digit references begin with 7, 8 or 9) stay whole.
pub(crate) fn mask(text: &mut [u8]) {
    let mut at = 0;
    while let Some(start) = text.iter().skip(at).position(u8::is_ascii_digit).map(|offset| at + offset) {
        let group_end = end_of_group(text, start);
        if !may_begin(text, start, group_end) {
            at = group_end;
            continue;
        }
        // A number may follow another one after a space, so each group of digits may begin one.
        let found = (1..=MAX_GROUPS)
            .rev()
            .map(|groups| Run::of(text, start, groups))
            .find(|run| run.stands_alone(text) && is_card_number(&run.digits));
        at = found.as_ref().map_or(group_end, |run| run.end);
        if let Some(run) = found {
            run.mask(text);
        }
    }
}

fn end_of_group(text: &[u8], start: usize) -> usize {
    let digits = text.iter().skip(start).take_while(|byte| byte.is_ascii_digit()).count();
    start + digits
}

/// A cheap look first, since most digits are no card: brands begin with 2 to 6, and a short group must go on.
fn may_begin(text: &[u8], start: usize, end: usize) -> bool {
    let goes_on = matches!(text.get(end), Some(b' ' | b'-'));
    matches!(text.get(start), Some(b'2'..=b'6')) && (goes_on || end - start >= MIN_DIGITS)
}

/// Digits in a row, also in groups with one space or dash between them.
struct Run {
    start: usize,
    end: usize,
    digits: Vec<u8>,
    places: Vec<usize>,
}

impl Run {
    /// At most so many groups of digits from here on.
    fn of(text: &[u8], start: usize, groups: usize) -> Self {
        let mut run = Self { start, end: start, digits: Vec::new(), places: Vec::new() };
        let mut gaps = 0;
        for (place, byte) in text.iter().enumerate().skip(start) {
            let after_digit = run.end == place;
            match byte {
                b'0'..=b'9' if run.digits.len() > MAX_DIGITS => break,
                b'0'..=b'9' => {
                    run.digits.push(byte - b'0');
                    run.places.push(place);
                    run.end = place + 1;
                }
                b' ' | b'-' if after_digit && gaps + 1 < groups => gaps += 1,
                _ => break,
            }
        }
        run
    }

    fn stands_alone(&self, text: &[u8]) -> bool {
        let touches = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let before = self.start.checked_sub(1);
        let escaped = self.start.checked_sub(2).and_then(|at| text.get(at)) == Some(&b'\\');
        !touches(text.get(self.end)) && (escaped || !touches(before.and_then(|at| text.get(at))))
    }

    fn mask(&self, text: &mut [u8]) {
        let hidden = self.places.len().saturating_sub(SHOWN_FIRST + SHOWN_LAST);
        for &place in self.places.iter().skip(SHOWN_FIRST).take(hidden) {
            if let Some(byte) = text.get_mut(place) {
                *byte = b'*';
            }
        }
    }
}

fn is_card_number(digits: &[u8]) -> bool {
    (MIN_DIGITS..=MAX_DIGITS).contains(&digits.len()) && has_brand(digits) && luhn(digits)
}

/// The beginnings that card brands were given (ISO/IEC 7812), with their lengths.
fn has_brand(digits: &[u8]) -> bool {
    let first =
        |count: usize| digits.iter().take(count).fold(0_u32, |number, digit| number * 10 + u32::from(*digit));
    match (first(2), first(4), digits.len()) {
        (40..=49, _, 13 | 16 | 19) => true,                             // Visa
        (51..=55, _, 16) | (_, 2221..=2720, 16) => true,                // Mastercard
        (34 | 37, _, 15) => true,                                       // American Express
        (_, 6011, 16..=19) | (64 | 65, _, 16..=19) => true,             // Discover
        (62, _, 16..=19) => true,                                       // UnionPay
        (36 | 38 | 39, _, 14..=19) | (_, 3000..=3059, 14..=19) => true, // Diners Club
        (_, 3528..=3589, 16..=19) => true,                              // JCB
        (50 | 56..=58 | 63 | 67, _, 13..=19) => true,                   // Maestro
        (_, 2200..=2204, 16..=19) => true,                              // Mir
        (60, _, 16) => true,                                            // RuPay, Elo
        _ => false,
    }
}

fn luhn(digits: &[u8]) -> bool {
    let weighted = digits.iter().rev().enumerate().map(|(place, &digit)| match (place % 2, digit * 2) {
        (0, _) => u32::from(digit),
        (_, doubled @ 0..=9) => u32::from(doubled),
        (_, doubled) => u32::from(doubled - 9),
    });
    weighted.sum::<u32>() % 10 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let mut bytes = text.as_bytes().to_vec();
        mask(&mut bytes);
        assert_eq!(String::from_utf8_lossy(&bytes), expected);
    }

    #[test]
    fn card_numbers_are_masked_and_ordinary_ids_are_not() {
        check(r#"{"pan":"4111111111111111"}"#, r#"{"pan":"411111******1111"}"#);
        check("4111 1111 1111 1111,", "4111 11** **** 1111,");
        check("card 5555-5555-5555-4444!", "card 5555-55**-****-4444!");
        check("2026 4111111111111111 12", "2026 411111******1111 12");
        check("378282246310005", "378282*****0005");
        check(r"a\n4111111111111111\n", r"a\n411111******1111\n");
        for untouched in [
            "4111111111111112",   // wrong check digit
            "id4111111111111111", // part of a longer id
            "4111111111111111a",
            "7914073381342284", // Adyen pspReference
            "9915555555555555",
            "1767261600",
            "41111111111111111111", // too long
            r#""order":"4111-22""#,
        ] {
            check(untouched, untouched);
        }
    }
}
