//! Code: what a few gateways do that no description can say. Built-in descriptions name it; a user's cannot.

use std::collections::BTreeMap;

pub(crate) mod computop;
pub(crate) mod redsys;
pub(crate) mod wechatpay;

/// What may decrypt a message: the secrets in force and the gateway's settings.
#[derive(Debug)]
pub(crate) struct Keys<'k> {
    pub(crate) secrets: Vec<&'k str>,
    pub(crate) settings: &'k BTreeMap<String, String>,
}
