//! The payments that callbacks are about: their names, and the life that each of them leads.

/// So many payments are registered, and callback `number` is about payment `number % COUNT`.
pub(crate) const COUNT: u64 = 20_000;

/// Large enough that no payment is ever refunded in full by [`REFUND`]s.
pub(crate) const AMOUNT: u64 = 1_299_900;

const REFUND: u64 = 100;

/// So many payments, the first ones, are looked at afterwards: one call's worth.
pub(crate) const LOOKED_AT: u64 = 1000;

/// What a callback reports of its payment. Each says something new: every callback is a fact and an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Processing,
    RequiresAction,
    Authorized,
    Paid,
    /// The total so far, in minor units.
    Refunded(u64),
}

pub(crate) fn transaction_id(payment: u64) -> String {
    format!("ORD-2026-{payment:06}")
}

/// The inverse of [`transaction_id`].
pub(crate) fn payment_of(transaction_id: &str) -> Option<u64> {
    transaction_id.strip_prefix("ORD-2026-")?.parse().ok()
}

/// Sixteen characters that look as random as a gateway's ids do: neighbours land far apart in an index.
pub(crate) fn scramble(number: u64) -> String {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    format!("{:016x}", mixed ^ (mixed >> 31))
}

/// How many callbacks each of the [`LOOKED_AT`] first payments had, when `next` comes next.
pub(crate) fn callbacks_of_the_first(next: u64) -> u64 {
    next / COUNT + u64::from(next % COUNT >= LOOKED_AT)
}

// === impl Step ===

impl Step {
    /// What callback `number` says of its payment.
    pub(crate) fn of(number: u64) -> Self {
        match number / COUNT {
            0 => Self::Processing,
            1 => Self::RequiresAction,
            2 => Self::Authorized,
            3 => Self::Paid,
            later => Self::Refunded((later - 3) * REFUND),
        }
    }
}
