//! The program as its users meet it: real sockets, real databases, real processes.

#[macro_use]
mod harness;

mod cli;
mod config;
