//! The part of the program that a stranger's bytes go through, and what the fuzz targets do with them.
//!
//! The modules are compiled from their own sources, which know nothing above them, rather than taken from the program:
//! a fuzzer's build of all its libraries takes a quarter of an hour, one of these alone a minute.

#[path = "../../src"]
mod program {
    pub mod domain;
    pub mod gateways;
}

#[path = "src/targets.rs"]
pub mod targets;

pub use program::{domain, gateways};

// The targets name the program, since the tests run them against it.
extern crate self as payment_status;
