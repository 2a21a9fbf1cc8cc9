//! `payment-status`: the one answer in a company to "what is the state of this payment?".
//!
//! Gateways call back over HTTP. The [`adapter`] hands each call, untouched, to the gRPC [`service`], which proves it
//! ([`gateways`]), keeps it and derives the state from it ([`store`], [`domain`]), and streams every change ([`feed`]).
//!
//! # The tour, in the order to read it
//!
//! | module | what it is | what it never does |
//! |---|---|---|
//! | [`domain`] | money, facts, and [`domain::project`]: facts in, status out | I/O, async, reading a clock |
//! | [`gateways`] | runs a kind's description: verify, parse, reply | I/O; it is given the time |
//! | [`certificates`] | fetches what a proof needs from the gateway's own site, and keeps it for a while | connecting to anything else |
//! | [`store`] | the one write path, group commit, reads | knowing HTTP, gRPC or a gateway |
//! | [`feed`] | cursors, followers, the doorbell | holding truth: that is the store's |
//! | [`service`] | one file per RPC; proto to domain and back | SQL |
//! | [`adapter`] | HTTP to `ProcessCallbacks`; deploys alone | knowing secrets, gateways or a database |
//! | [`listen`] | accept loops with deadlines and caps | |
//! | [`telemetry`], [`ops`] | traces, metrics, health | seeing bodies or secrets |
//! | [`config`], [`cli`], [`app`] | what the operator says, and the wiring of it all | being imported |
//!
//! `tests/tidy.rs` holds the walls between them.
//!
//! # Glossary
//!
//! | word | meaning |
//! |---|---|
//! | gateway | one configured merchant account at a payment gateway; its *kind* is `stripe`, `adyen`, … |
//! | callback | the raw HTTP request from a gateway |
//! | notification | what a callback says once verified and parsed; one callback may hold many |
//! | fact | one normalised, immutable statement: "capture X succeeded with 10.00 EUR" |
//! | transaction | the payment whose status we own |
//! | update | one committed change of a transaction, as streamed |
//! | hold | a reason why a transaction must not be acted upon until somebody looks |
//! | parked | a fact whose transaction is not registered yet |
//! | due query | what a gateway must be asked about, since a callback only hints at it |
//!
//! # Invariants
//!
//! - **I1 Durable before 2xx.** A success answer follows the commit. Our own failure is 503.
//! - **I2 Paid means paid.** Authentic, right account and mode, bound to this transaction, right currency, enough captured.
//! - **I3 Once.** A fact changes a transaction once; one gateway payment belongs to one transaction.
//! - **I4 Order-proof.** State is a pure function of the set of facts.
//! - **I5 Gap-free updates.** Every update, in commit order, versions dense, across restarts and replicas.
//! - **I6 Nobody in.** Proof before any lookup; no secret, no start; secrets and bodies never reach logs.
//! - **I7 Evidence.** What was received is kept byte for byte, card numbers masked.
//! - **I8 It heals itself.** When a fault ends, it serves again without an operator.

pub mod adapter;
pub mod app;
pub mod certificates;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod feed;
pub mod gateways;
pub mod listen;
pub mod ops;
pub mod proto;
pub mod service;
pub mod store;
pub mod telemetry;
