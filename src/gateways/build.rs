//! Building a gateway: its kind's description with its settings and keys put in, all of it checked.

use toml::Spanned;

use super::{
    Gateway, GatewaySettings, Mode, SettingsError,
    account::ExpectedAccount,
    amount::{Unit, UnitSource},
    auth::{Auth, Scheme, algorithm::Algorithm},
    condition::Condition,
    description::{Account, Description, Fault, Uncovered, settings::Settings},
    events::Rule,
    kinds,
    paths::Paths,
    place::Place,
    rules::Shaped,
    text::Texts,
};

mod coverage;
mod references;
mod schemes;
mod shapes;

/// Settings that every kind knows which has something for them to say.
const TOLERANCE: &str = "tolerance_seconds";
const PRIVATE_KEY: &str = "private_key_pem";

impl Gateway {
    pub(super) fn build(settings: GatewaySettings) -> Result<Self, SettingsError> {
        let id = settings.id.clone();
        build(settings).map_err(|what| SettingsError::new(&id, what))
    }
}

fn build(configured: GatewaySettings) -> Result<Gateway, String> {
    let GatewaySettings { id, kind, mode, account, unregistered, secrets, settings: mut given } = configured;
    let (kind, text, is_built_in) = kinds::text_of(&kind)?;
    let mut description = kinds::describe(kind, text)?;
    let fault = |fault: Fault| kinds::in_file(kind, text, fault);
    references::check(&description, text, is_built_in).map_err(fault)?;
    let tolerance = taken_tolerance(&description, &mut given)?;
    let private_key = taken_private_key(&description, &mut given)?;
    let settings = Settings::read(&description.settings, given)?;

    let mut paths = with_settings(description.paths.clone(), &settings);
    if let Some(chosen) = &settings.paths {
        paths = paths.overlaid(chosen);
    }
    let inner_at = description.inner.as_ref().map(|inner| inner.at.clone()).unwrap_or_default();
    let auths = checked_auths(&description, &settings, tolerance, &inner_at, text).map_err(fault)?;
    let schemes = schemes::build(auths, &secrets, &settings, mode)?;
    let shapes = shapes::compile(&description, &settings, paths, &schemes, &inner_at);
    if description.uncovered == Uncovered::Refuse {
        coverage::check(&description, &shapes, &schemes, &inner_at, text).map_err(fault)?;
    }
    let places = || schemes.iter().flat_map(|scheme| scheme.auth.places());
    let proof_is_inside =
        places().any(|place| place.needs_the_body_read() || matches!(place, Place::Query(_)));
    let proof_is_in_inner = places().any(|place| matches!(place, Place::Inner(_)));
    if let Some(text) = description.challenge.as_mut().and_then(|challenge| challenge.before.as_mut()) {
        *text = settings.filled(text.clone());
    }
    Ok(Gateway {
        id,
        kind: kind.to_owned(),
        unregistered,
        expects_live: match mode {
            Mode::Live => Some(true),
            Mode::Test => Some(false),
            Mode::Any => None,
        },
        accounts: expected_accounts(description.account.take(), account, &settings, mode)?,
        proof_is_inside,
        proof_is_in_inner,
        kept_headers: kept_headers(&schemes, &shapes),
        batch: description.batch,
        unit: unit(&description.amount.unit, &settings).map_err(fault)?,
        amounts: description.amount,
        tally: description.tally,
        reply: description.reply.filled(|name| settings.text(name)),
        samples: description.simulate,
        bodies: description.body,
        name_case: description.form_names,
        inner: description.inner,
        challenge: description.challenge,
        otherwise: description.otherwise,
        weak_digest: description.weak_digest,
        private_key,
        secrets,
        setting_texts: settings.texts,
        inner_at,
        shapes,
        schemes,
    })
}

/// How old a proof may be is the operator's to widen or narrow, where proofs have a time.
fn taken_tolerance(description: &Description, given: &mut toml::Table) -> Result<Option<u32>, String> {
    let has_time = description.auth.iter().any(|auth| auth.get_ref().timestamp.is_some());
    match given.remove(TOLERANCE).filter(|_| has_time || !description.settings.contains_key(TOLERANCE)) {
        None => Ok(None),
        Some(_) if !has_time => Err(format!("settings.{TOLERANCE}: proofs of this kind have no time")),
        Some(value) => {
            let seconds = value.as_integer().and_then(|seconds| u32::try_from(seconds).ok());
            let seconds = seconds.filter(|seconds| (1..=7 * 24 * 3600).contains(seconds));
            seconds
                .map(Some)
                .ok_or_else(|| format!("settings.{TOLERANCE}: expected 1 to 604800 whole seconds"))
        }
    }
}

/// For `simulate` alone, where the gateway signs with a key that only it has.
fn taken_private_key(description: &Description, given: &mut toml::Table) -> Result<Option<String>, String> {
    let signs = |algorithm: &Algorithm| matches!(algorithm, Algorithm::RsaSha1 | Algorithm::RsaSha256);
    let is_asymmetric = description.auth.iter().any(|auth| auth.get_ref().algorithm.0.iter().any(signs));
    match given.remove(PRIVATE_KEY) {
        None => Ok(None),
        Some(toml::Value::String(pem)) if is_asymmetric => Ok(Some(pem)),
        Some(_) => {
            Err(format!("settings.{PRIVATE_KEY}: expected an RSA key in PEM, for a kind that signs with one"))
        }
    }
}

fn checked_auths(
    description: &Description,
    settings: &Settings,
    tolerance: Option<u32>,
    inner_at: &Texts,
    text: &str,
) -> Result<Vec<Auth>, Fault> {
    if description.auth.is_empty() {
        return Err(Fault::in_key("auth", "at least one way of proof is needed: there is no \"none\""));
    }
    let filled = |spanned: &Spanned<Auth>| filled_auth(spanned, settings, tolerance, inner_at, text);
    description.auth.iter().map(filled).collect()
}

fn filled_auth(
    spanned: &Spanned<Auth>,
    settings: &Settings,
    tolerance: Option<u32>,
    inner_at: &Texts,
    text: &str,
) -> Result<Auth, Fault> {
    let mut auth = spanned.get_ref().clone();
    if let Some(place) = auth.claimed_but_not_signed() {
        let what = format!("`{place}` is claimed as covered, but `signed` does not hold it");
        return Err(Fault::at(spanned, text, "auth.covers", what));
    }
    if let Some(place) = auth.unsigned_timestamp(inner_at) {
        let what =
            format!("`{place}` must stand in `signed` and `covers`: a time that is not signed proves no age");
        return Err(Fault::at(spanned, text, "auth.timestamp.at", what));
    }
    auth.when.iter_mut().for_each(|condition| fill_condition(condition, settings));
    for text in auth.signed.iter_mut().flat_map(|signed| signed.texts_mut()) {
        *text = settings.filled(text.clone());
    }
    settings.put_into(&mut auth.key.id_must_be);
    if let Some(networks) = &settings.networks {
        auth.networks.extend(networks.clone());
    }
    if let (Some(timestamp), Some(tolerance)) = (&mut auth.timestamp, tolerance) {
        timestamp.tolerance_seconds = tolerance;
    }
    Ok(auth)
}

fn with_settings(mut paths: Paths, settings: &Settings) -> Paths {
    paths.texts_mut().into_iter().flatten().for_each(|texts| settings.put_into(texts));
    paths
}

fn fill_condition(condition: &mut Condition, settings: &Settings) {
    condition.texts_mut().for_each(|texts| settings.put_into(texts));
}

/// The `account` of the gateway's configuration, else the setting that the kind names.
fn expected_accounts(
    described: Option<Account>,
    configured: Option<String>,
    settings: &Settings,
    mode: Mode,
) -> Result<Vec<ExpectedAccount>, String> {
    let Some(Account { is, must_be, shared_key, also }) = described else {
        return match configured {
            Some(_) => Err("account: events of this kind do not name their account".to_owned()),
            None => Ok(Vec::new()),
        };
    };
    let set = |mut must_be: Texts| {
        settings.put_into(&mut must_be);
        must_be.places().find_map(|place| match place {
            Place::Const(text) => Some(text.clone()),
            _ => None,
        })
    };
    let ours = configured.or_else(|| set(must_be));
    if ours.is_none() && shared_key && mode != Mode::Any {
        return Err("account: needed, since the gateway signs the events of all its customers with one key"
            .to_owned());
    }
    let first = ours.map(|ours| ExpectedAccount { is, ours, always_named: shared_key });
    let more = also.into_iter().filter_map(|also| {
        let ours = set(also.must_be)?;
        Some(ExpectedAccount { is: also.is, ours, always_named: false })
    });
    Ok(first.into_iter().chain(more).collect())
}

fn unit(source: &UnitSource, settings: &Settings) -> Result<Unit, Fault> {
    match source {
        UnitSource::Fixed(unit) => Ok(*unit),
        UnitSource::Setting(name) => {
            let word = settings.text(name).unwrap_or_default();
            Unit::parse(word).map_err(|what| Fault::in_key("amount.unit", what))
        }
    }
}

/// What a later look at the callback needs: the headers that proofs and meanings are read from. A proof that never
/// changes is the secret itself, so it is not kept.
fn kept_headers(schemes: &[Scheme], shapes: &[Shaped]) -> Vec<String> {
    let is_secret =
        |scheme: &Scheme, place: &Place| scheme.auth.is_constant() && scheme.auth.holds_proof(place);
    let secret: Vec<&Place> = schemes
        .iter()
        .flat_map(|scheme| scheme.auth.places().filter(|place| is_secret(scheme, place)))
        .collect();
    let proofs = schemes.iter().flat_map(|scheme| scheme.auth.places());
    let meanings = shapes.iter().flat_map(Shaped::places);
    let names =
        proofs.chain(meanings).filter(|place| !secret.contains(place)).filter_map(|place| match place {
            Place::Header(name) => Some(name.to_ascii_lowercase()),
            _ => None,
        });
    let mut names: Vec<String> = names.map(|name| name.to_ascii_lowercase()).collect();
    names.sort();
    names.dedup();
    names
}

/// The description's events with settings put in, then those of `status_map`.
fn rules(description: &Description, settings: &Settings) -> Vec<Rule> {
    let described = description.event.iter().map(|rule| rule.get_ref().clone());
    let configured = settings.status_map.iter().map(|(event_type, word)| Rule::word_for(event_type, *word));
    let filled = |mut rule: Rule| {
        rule.when.iter_mut().for_each(|condition| fill_condition(condition, settings));
        rule.paths = with_settings(rule.paths, settings);
        rule
    };
    described.chain(configured).map(filled).collect()
}
