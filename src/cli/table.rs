//! Updates as a table for people.

use std::io::{self, IsTerminal as _};

use crate::{
    domain::{Currency, Money},
    proto::{self, DisputeState, Transaction, TransactionStatus, TransactionUpdate},
};

/// Lays out updates in columns, coloured where somebody looks at them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table {
    colour: bool,
}

#[derive(Clone, Copy)]
pub(super) enum Colour {
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    Blue,
}

impl Table {
    /// Without colour where stdout is no terminal, or `NO_COLOR` is set (no-color.org).
    pub(super) fn for_stdout() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { colour: io::stdout().is_terminal() && !unwanted }
    }

    pub(super) fn header(self) -> String {
        let columns = format!("{:8}  {:16}  {:18}  {:34}  MONEY", "TIME", "TRANSACTION", "GATEWAY", "STATUS");
        self.paint(Colour::Bold, &columns)
    }

    /// When, which, where, from what to what, how much, and why not to act on it.
    pub(super) fn row(self, update: &TransactionUpdate) -> String {
        let unknown = Transaction::default();
        let transaction = update.transaction.as_ref().unwrap_or(&unknown);
        let time = self.paint(Colour::Dim, &clock(update.record_time.as_ref()));
        let (colour, change) =
            (colour_of(transaction), change(update.previous_status(), transaction.status()));
        let status = self.paint(colour, &format!("{change:34}"));
        let id = printable(&transaction.transaction_id);
        let gateway = printable(&transaction.gateway);
        let notes = self.paint(Colour::Yellow, &notes(transaction));
        let row = format!("{time}  {id:16}  {gateway:18}  {status}  {}{notes}", money(transaction));
        row.trim_end().to_owned()
    }

    pub(super) fn paint(self, colour: Colour, text: &str) -> String {
        let code = match colour {
            Colour::Bold => 1,
            Colour::Dim => 2,
            Colour::Red => 31,
            Colour::Green => 32,
            Colour::Yellow => 33,
            Colour::Blue => 34,
        };
        match self.colour && !text.is_empty() {
            true => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            false => text.to_owned(),
        }
    }
}

/// Ids come from outside: what would move the cursor of a terminal is shown as a mark.
fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

/// Time of day in UTC.
fn clock(time: Option<&prost_types::Timestamp>) -> String {
    let seconds = time.map_or(0, |time| time.seconds).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn change(previous: TransactionStatus, status: TransactionStatus) -> String {
    match previous {
        TransactionStatus::Unspecified => word(status).to_owned(),
        previous if previous == status => format!("{} (still)", word(status)),
        previous => format!("{} → {}", word(previous), word(status)),
    }
}

fn word(status: TransactionStatus) -> &'static str {
    status.as_str_name().trim_start_matches("TRANSACTION_STATUS_")
}

fn colour_of(transaction: &Transaction) -> Colour {
    use TransactionStatus::{Cancelled, Expired, Failed, Paid, PartiallyRefunded, Refunded, Reversed};
    match transaction.status() {
        _ if !transaction.actionable => Colour::Yellow,
        Paid => Colour::Green,
        Failed | Cancelled | Expired | Reversed => Colour::Red,
        PartiallyRefunded | Refunded => Colour::Blue,
        _ => Colour::Dim,
    }
}

/// What was moved, of what was expected.
fn money(transaction: &Transaction) -> String {
    let Transaction { expected, authorized, captured, refunded, lost, .. } = transaction;
    let moved = [("refunded", refunded), ("lost", lost), ("captured", captured), ("authorized", authorized)];
    let moved =
        moved.into_iter().find(|(_, money)| money.as_ref().is_some_and(|money| money.minor_units > 0));
    match (moved, expected) {
        (Some((how, Some(money))), Some(of)) => format!("{} {how} of {}", amount(money), amount(of)),
        (Some((how, Some(money))), None) => format!("{} {how}", amount(money)),
        (_, Some(of)) => format!("{} expected", amount(of)),
        _ => String::new(),
    }
}

fn amount(money: &proto::Money) -> String {
    let known =
        Currency::parse(&money.currency_code).and_then(|currency| Money::new(money.minor_units, currency));
    known.map_or_else(
        |_| format!("{} {}", money.minor_units, printable(&money.currency_code)),
        |money| money.to_string(),
    )
}

fn notes(transaction: &Transaction) -> String {
    let holds = transaction.holds().map(|hold| hold.as_str_name().trim_start_matches("HOLD_"));
    let dispute = match transaction.dispute() {
        DisputeState::Open => Some("dispute open"),
        DisputeState::Won => Some("dispute won"),
        DisputeState::Lost => Some("dispute lost"),
        DisputeState::Unspecified | DisputeState::None => None,
    };
    let all: Vec<&str> = dispute.into_iter().chain(holds).collect();
    match all.is_empty() {
        true => String::new(),
        false => format!("  ⚠ {}", all.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paid() -> TransactionUpdate {
        let money = |minor_units| Some(proto::Money { currency_code: "EUR".to_owned(), minor_units });
        let transaction = Transaction {
            transaction_id: "order-1".to_owned(),
            gateway: "stripe".to_owned(),
            status: TransactionStatus::Paid.into(),
            expected: money(1099),
            captured: money(1099),
            actionable: true,
            ..Transaction::default()
        };
        TransactionUpdate {
            transaction: Some(transaction),
            previous_status: TransactionStatus::Created.into(),
            record_time: Some(prost_types::Timestamp { seconds: 54_245, nanos: 0 }),
            ..TransactionUpdate::default()
        }
    }

    fn words(row: &str) -> Vec<&str> {
        row.split_whitespace().collect()
    }

    #[test]
    fn a_row_says_when_which_where_what_and_how_much() {
        let row = Table { colour: false }.row(&paid());
        let expected = "15:04:05 order-1 stripe CREATED → PAID 10.99 EUR captured of 10.99 EUR";
        assert_eq!(words(&row).join(" "), expected);
    }

    #[test]
    fn a_hold_is_named() {
        let mut update = paid();
        if let Some(transaction) = update.transaction.as_mut() {
            transaction.holds = vec![proto::Hold::AmountMismatch.into()];
            transaction.actionable = false;
        }
        assert!(Table { colour: false }.row(&update).ends_with("⚠ AMOUNT_MISMATCH"));
    }

    #[test]
    fn an_id_cannot_command_the_terminal() {
        let mut update = paid();
        if let Some(transaction) = update.transaction.as_mut() {
            transaction.transaction_id = "\u{1b}[2Jx\n".to_owned();
        }
        assert!(!Table { colour: false }.row(&update).chars().any(char::is_control));
    }
}
