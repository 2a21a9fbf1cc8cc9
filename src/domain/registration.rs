//! What the order service expects of a payment, said before the customer pays.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::{GatewayId, Money, PaymentId, TransactionId};

/// Never changes once it is there; only an adopted one is filled in when its order service registers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    pub transaction_id: TransactionId,
    pub order_id: String,
    pub gateway: GatewayId,
    /// Known already where the payment was created at the gateway before it was registered.
    pub payment: Option<PaymentId>,
    /// `None` where nobody registered the payment and it was adopted from a callback.
    pub expected: Option<Money>,
    pub labels: BTreeMap<String, String>,
    /// Money that comes later raises a hold.
    pub expire_time: Option<OffsetDateTime>,
}
