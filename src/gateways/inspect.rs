//! Inspection: what would this captured callback do? The same code as in production, offline.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use self::capture::{Captured, Known};
use super::{
    Answer, Certificates, Gateway, GatewaySettings, Gateways, HttpReply, KindSource, Mode, Secret,
    SettingsError, Unregistered, Verified,
};
use crate::domain::{Callback, GatewayId, Notification};

mod capture;
mod report;

/// The name of the gateway that a capture is run through.
pub const NAME: &str = "inspect";

/// What a callback would do.
#[derive(Debug)]
pub struct Report {
    pub valid: bool,
    /// Why it is not valid; or why it alone decides nothing.
    pub reason: Option<&'static str>,
    /// The safe name of the secret that proved it.
    pub key: Option<String>,
    /// Why an authentic callback cannot be read.
    pub unreadable: Option<String>,
    pub notifications: Vec<Notification>,
    pub reply: HttpReply,
}

#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    #[error("the captured callback cannot be read: {0}")]
    Capture(String),
    #[error("settings: {0}")]
    Settings(String),
    #[error(transparent)]
    Gateway(#[from] SettingsError),
}

/// Runs one captured callback through a gateway of this kind.
///
/// `captured` is `{method, path, query?, headers, body, body_encoding}` as JSON (other members are passed over),
/// or a raw HTTP request. A member `context` with `captured_amount_minor` and `refunded_before_minor` lets a refund
/// be called `refunded` or `partially_refunded`. `settings` are those of `[gateways.X.settings]`; a list `secrets` among them adds to
/// the secrets.
pub fn inspect(
    kind: KindSource,
    secrets: Vec<Secret>,
    settings: &serde_json::Map<String, serde_json::Value>,
    now: OffsetDateTime,
    captured: &[u8],
) -> Result<Report, InspectError> {
    let id: GatewayId = NAME.parse().map_err(|_| InspectError::Settings("no name".to_owned()))?;
    let Captured { callback, known } = capture::read(captured, &id, now).map_err(InspectError::Capture)?;
    let gateways = gateways(kind, secrets, settings)?;
    let reports = gateways.iter().map(|gateway| report(gateway, &callback, now));
    let mut report = reports.last().ok_or_else(|| InspectError::Settings("no gateway".to_owned()))?;
    if let Some(known) = known {
        settle_refunds(&mut report.notifications, known);
    }
    Ok(report)
}

/// The one gateway, named [`NAME`], that [`inspect`] runs a callback through: whatever its mode, with keys of any
/// length.
pub fn gateways(
    kind: KindSource,
    secrets: Vec<Secret>,
    settings: &serde_json::Map<String, serde_json::Value>,
) -> Result<Gateways, InspectError> {
    let id: GatewayId = NAME.parse().map_err(|_| InspectError::Settings("no name".to_owned()))?;
    Ok(Gateways::build(vec![configured(id, kind, secrets, settings)?])?)
}

/// Says whether a refund was the last part, where the capture tells what was captured. The refunds of a batch add
/// up, in their order.
fn settle_refunds(notifications: &mut [Notification], mut known: Known) {
    for notification in notifications {
        if let (Some(amount), "refund_relative") = (notification.amount, notification.status.as_str()) {
            notification.status = known.refund(amount.minor_units()).to_owned();
        }
    }
}

fn configured(
    id: GatewayId,
    kind: KindSource,
    mut secrets: Vec<Secret>,
    settings: &serde_json::Map<String, serde_json::Value>,
) -> Result<GatewaySettings, InspectError> {
    let mut settings: BTreeMap<&String, &serde_json::Value> = settings.iter().collect();
    if let Some(more) = settings.remove(&"secrets".to_owned()) {
        secrets.extend(listed_secrets(more)?);
    }
    if let Some(keys) = settings.remove(&"keys".to_owned()) {
        secrets = named_keys(keys, secrets)?;
    }
    // Through text, so that `null` is refused by name and not by a panic.
    let settings =
        toml::Table::try_from(settings).map_err(|error| InspectError::Settings(error.to_string()))?;
    let (mode, unregistered) = (Mode::Any, Unregistered::Park);
    Ok(GatewaySettings { id, kind, mode, account: None, unregistered, secrets, settings })
}

fn listed_secrets(listed: &serde_json::Value) -> Result<Vec<Secret>, InspectError> {
    let values = listed.as_array().into_iter().flatten().map(serde_json::Value::as_str);
    let values: Option<Vec<&str>> = values.collect();
    let values =
        values.ok_or_else(|| InspectError::Settings("`secrets` must be a list of texts".to_owned()))?;
    let secret = |(index, value): (usize, &str)| Secret {
        id: format!("settings.secrets[{index}]"),
        value: value.to_owned(),
        key_id: None,
        not_before: None,
        not_after: None,
    };
    Ok(values.into_iter().enumerate().map(secret).collect())
}

/// Secrets by the gateway's own names for them. Where there are such, one without a name is one of them.
fn named_keys(keys: &serde_json::Value, secrets: Vec<Secret>) -> Result<Vec<Secret>, InspectError> {
    let keys =
        keys.as_object().ok_or_else(|| InspectError::Settings("`keys` must name secrets".to_owned()))?;
    let key = |(name, value): (&String, &serde_json::Value)| {
        let value =
            value.as_str().ok_or_else(|| InspectError::Settings(format!("`keys.{name}` must be a text")))?;
        let id = secrets.iter().find(|secret| secret.value == value);
        let id = id.map_or_else(|| format!("settings.keys.{name}"), |secret| secret.id.clone());
        Ok(Secret {
            id,
            value: value.to_owned(),
            not_before: None,
            not_after: None,
            key_id: Some(name.clone()),
        })
    };
    keys.iter().map(key).collect()
}

fn report(gateway: &Gateway, callback: &Callback, now: OffsetDateTime) -> Report {
    let verified = match gateway.verify(callback, now, &Certificates::default()) {
        Ok(verified) => verified,
        Err(refusal) => {
            return Report {
                valid: false,
                reason: Some(refusal.reason.word()),
                key: None,
                unreadable: None,
                notifications: Vec::new(),
                reply: gateway.reply(Answer::Refused(refusal.reason)),
            };
        }
    };
    let (notifications, unreadable) = match gateway.read(&verified) {
        Ok(notifications) => {
            let unreadable = notifications.iter().find_map(|event| event.unreadable.clone());
            (notifications, unreadable)
        }
        Err(error) => (vec![gateway.says_nothing()], Some(error.to_string())),
    };
    Report {
        valid: true,
        reason: remark(&verified, &notifications),
        key: Some(verified.key_id().to_owned()),
        unreadable,
        reply: verified.challenge_reply().unwrap_or_else(|| gateway.reply(Answer::Success)),
        notifications,
    }
}

/// What is to be said of a callback that was let in, although it proves nothing of what it says.
fn remark(verified: &Verified<'_>, notifications: &[Notification]) -> Option<&'static str> {
    let asks = notifications.iter().any(|notification| notification.status == "fetch");
    match (verified.is_hint(), verified.proves_its_content()) {
        (true, _) => Some("unsigned_fetch_required"),
        (false, false) if asks => Some("optional_hmac_ok_fetch_still_required"),
        _ => None,
    }
}
