//! What the fuzz targets do with their bytes. The tests feed the kept corpus to the same functions, so `cargo test`
//! replays it without libFuzzer.
//!
//! Inputs are text that people can read and write: a corpus file looks like what it stands for.

pub mod descriptions;
pub mod forms;
pub mod proof_headers;
pub mod verify_and_parse;

mod lines;
mod promises;
mod vectors;

/// What a target does with one input.
pub type Run = fn(&[u8]);

/// Every target by the name of its corpus.
pub const TARGETS: [(&str, Run); 4] = [
    ("proof_headers", proof_headers::run),
    ("forms", forms::run),
    ("descriptions", descriptions::run),
    ("verify_and_parse", verify_and_parse::run),
];
