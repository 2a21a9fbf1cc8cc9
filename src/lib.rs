pub mod domain;
pub mod gateways;
pub mod proto;
pub mod store;
