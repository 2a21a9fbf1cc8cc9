pub mod adapter;
pub mod clock;
pub mod domain;
pub mod listen;
pub mod ops;
pub mod proto;
pub mod store;
pub mod telemetry;
