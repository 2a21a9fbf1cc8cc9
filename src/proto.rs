//! The generated wire types. Nothing here is written by hand.

#![expect(clippy::all, reason = "generated code follows its generator's taste")]

tonic::include_proto!("payment_status.v1");

/// What gRPC reflection serves.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/payment_status.bin"));
