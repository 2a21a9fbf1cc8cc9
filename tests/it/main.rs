//! The program as its users meet it: real sockets, real databases, real processes.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test that cannot go on should say where"
)]

#[macro_use]
mod harness;

mod adapter;
mod attacks;
mod certificates;
mod cli;
mod config;
mod demo;
mod fixtures;
mod front_door;
mod fuzz_corpus;
mod grpc;
mod hints;
mod inspect;
mod keys;
mod kinds;
mod kinds_table;
mod lifecycle;
mod listen;
mod outage;
mod own_kind;
mod readme;
mod roles;
mod rotation;
mod schema;
mod store;
mod stories;
mod tampering;
mod telemetry;
mod vectors;
mod watch;
