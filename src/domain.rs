//! The core: facts in, status out. No I/O, no clock, no async, so nothing here can fail strangely.
//!
//! [`project`] is the only place where a status comes from. It is total: every set of facts has a state.

mod callback;
mod fact;
mod hold;
mod id;
mod mark;
mod money;
mod notification;
mod registration;
mod transaction;
mod update;

pub use callback::Callback;
pub use fact::{Correlation, Details, Fact, FactKey, FactKind, Failure, Phase, Tally, union};
pub use hold::{Hold, Holds};
pub use id::{GatewayId, IdError, MAX_ID_BYTES, OperationId, PaymentId, TransactionId};
pub use mark::Mark;
pub use money::{Currency, Money, MoneyError};
pub use notification::{Confirm, Notification, Sent};
pub use registration::Registration;
pub use transaction::{Dispute, State, Status, Transaction, project};
pub use update::{CallbackId, Cause, Update};
