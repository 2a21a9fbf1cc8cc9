pub mod app;
pub mod cli;
pub mod config;
pub mod domain;
pub mod feed;
pub mod proto;
pub mod service;
pub mod store;
