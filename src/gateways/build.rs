//! Building a gateway: its kind's description with its settings and keys put in, all of it checked.

use toml::Spanned;

use super::{
    Gateway, GatewaySettings, Mode, Secret, SettingsError,
    account::ExpectedAccount,
    amount::{Unit, UnitSource},
    auth::{
        Auth, Scheme,
        key::{Key, KeyFormat},
    },
    description::{Account, Description, Fault, settings::Settings},
    events::{Condition, Rule, Unproven},
    facts::FactRule,
    kinds,
    paths::Paths,
    place::{Place, Texts},
};

mod coverage;
mod references;

impl Gateway {
    pub(super) fn build(settings: GatewaySettings) -> Result<Self, SettingsError> {
        let id = settings.id.clone();
        build(settings).map_err(|what| SettingsError::new(&id, what))
    }
}

fn build(configured: GatewaySettings) -> Result<Gateway, String> {
    let GatewaySettings { id, kind, mode, account, unregistered, secrets, settings: given } = configured;
    let (kind, text) = kinds::text_of(&kind)?;
    let description = kinds::describe(kind, text)?;
    let settings = Settings::read(&description.settings, given)?;
    let fault = |fault: Fault| kinds::in_file(kind, &fault);
    references::check(&description, text).map_err(fault)?;

    let mut paths = with_settings(description.paths.clone(), &settings);
    if let Some(chosen) = &settings.paths {
        paths = paths.overlaid(chosen);
    }
    let auths = checked_auths(&description, &settings, text).map_err(fault)?;
    let rules = rules(&description, &settings, &paths);
    coverage::check(&description, &rules, &auths, text).map_err(fault)?;
    let proof_is_inside = auths.iter().flat_map(Auth::places).any(is_inside_the_body);
    let kept_headers = headers(auths.iter().flat_map(Auth::places));
    Ok(Gateway {
        id,
        kind: kind.to_owned(),
        unregistered,
        expects_live: match mode {
            Mode::Live => Some(true),
            Mode::Test => Some(false),
            Mode::Any => None,
        },
        account: expected_account(description.account, account, &settings)?,
        proof_is_inside,
        kept_headers,
        schemes: schemes(auths, &secrets)?,
        batch: description.batch,
        unit: unit(&description.amount.unit, &settings).map_err(fault)?,
        amounts: description.amount,
        tally: description.tally,
        paths,
        rules,
        reply: description.reply,
        samples: description.simulate,
    })
}

fn checked_auths(description: &Description, settings: &Settings, text: &str) -> Result<Vec<Auth>, Fault> {
    if description.auth.is_empty() {
        return Err(Fault::in_key("auth", "at least one way of proof is needed: there is no \"none\""));
    }
    description.auth.iter().map(|spanned| checked_auth(spanned, settings, text)).collect()
}

fn checked_auth(spanned: &Spanned<Auth>, settings: &Settings, text: &str) -> Result<Auth, Fault> {
    let mut auth = spanned.get_ref().clone();
    for condition in &mut auth.when {
        fill_condition(condition, settings);
    }
    auth.signed.template = settings.filled(auth.signed.template);
    if let Some(place) = auth.claimed_but_not_signed() {
        let what = format!("`{place}` is claimed as covered, but `signed` does not hold it");
        return Err(Fault::at(spanned, text, "auth.covers", what));
    }
    if let Some(place) = auth.unsigned_timestamp() {
        let what = format!("`{place}` must stand in `signed`: a time that is not signed proves no age");
        return Err(Fault::at(spanned, text, "auth.timestamp.at", what));
    }
    Ok(auth)
}

/// The description's rules with settings and default paths and facts put in, then those of `status_map`.
fn rules(description: &Description, settings: &Settings, paths: &Paths) -> Vec<Rule> {
    let described = description.event.iter().map(|rule| rule.get_ref().clone());
    let configured = settings.status_map.iter().map(|(event_type, word)| Rule::word_for(event_type, *word));
    let filled = |mut rule: Rule| {
        rule.when.iter_mut().for_each(|condition| fill_condition(condition, settings));
        rule.paths = paths.overlaid(&with_settings(rule.paths, settings));
        let mut facts = rule.facts.take().unwrap_or_else(|| FactRule::of(rule.status));
        for texts in facts.iter_mut().flat_map(|fact| [&mut fact.operation, &mut fact.amount]).flatten() {
            settings.put_into(texts);
        }
        if rule.unproven == Some(Unproven::ShowOnly) {
            facts.clear();
        }
        rule.facts = Some(facts);
        rule
    };
    described.chain(configured).map(filled).collect()
}

fn with_settings(mut paths: Paths, settings: &Settings) -> Paths {
    paths.texts_mut().into_iter().flatten().for_each(|texts| settings.put_into(texts));
    paths
}

fn fill_condition(condition: &mut Condition, settings: &Settings) {
    condition.texts_mut().for_each(|texts| settings.put_into(texts));
}

/// The `account` of the gateway's configuration, else the setting that the kind names.
fn expected_account(
    described: Option<Account>,
    configured: Option<String>,
    settings: &Settings,
) -> Result<Option<ExpectedAccount>, String> {
    let Some(mut described) = described else {
        return match configured {
            Some(_) => Err("account: events of this kind do not name their account".to_owned()),
            None => Ok(None),
        };
    };
    settings.put_into(&mut described.must_be);
    let constant = described.must_be.places().find_map(|place| match place {
        Place::Const(text) => Some(text.clone()),
        _ => None,
    });
    Ok(configured.or(constant).map(|ours| ExpectedAccount { is: described.is, ours }))
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

fn schemes(auths: Vec<Auth>, secrets: &[Secret]) -> Result<Vec<Scheme>, String> {
    if secrets.is_empty() {
        return Err("secrets: at least one is needed, or nothing can be proven".to_owned());
    }
    let prefixes: Vec<String> = auths.iter().filter_map(|auth| auth.key.prefix.clone()).collect();
    let mut schemes = Vec::new();
    for auth in auths {
        let meant = secrets.iter().filter(|secret| is_meant(&auth.key, &prefixes, &secret.value));
        let keys = meant.map(|secret| key(secret, &auth)).collect::<Result<Vec<Key>, String>>()?;
        if !keys.is_empty() {
            schemes.push(Scheme { auth, keys });
        }
    }
    match schemes.is_empty() {
        true => Err(format!("secrets: none begins with {}", prefixes.join(" or "))),
        false => Ok(schemes),
    }
}

fn key(secret: &Secret, auth: &Auth) -> Result<Key, String> {
    let named = |what: String| format!("secret `{}` {what}", secret.id);
    if let Some(what) = secret.weakness() {
        return Err(named(what.to_owned()));
    }
    Key::new(secret, &auth.key, auth.algorithm).map_err(named)
}

/// A secret with a prefix that one way of proof asks for is meant for that way alone.
fn is_meant(format: &KeyFormat, prefixes: &[String], secret: &str) -> bool {
    match &format.prefix {
        Some(prefix) => secret.starts_with(prefix.as_str()),
        None => !prefixes.iter().any(|prefix| secret.starts_with(prefix.as_str())),
    }
}

fn is_inside_the_body(place: &Place) -> bool {
    matches!(place, Place::Event(_) | Place::Root(_))
}

fn headers<'p>(places: impl Iterator<Item = &'p Place>) -> Vec<String> {
    let names = places.filter_map(|place| match place {
        Place::Header(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    });
    let mut names: Vec<String> = names.collect();
    names.sort();
    names.dedup();
    names
}

/// Every place that a rule's facts are made from.
fn fact_inputs(rule: &Rule) -> impl Iterator<Item = &Texts> {
    let Paths {
        payment_id,
        merchant_reference,
        amount,
        authorized_amount,
        currency,
        refund_id,
        dispute_id,
        ..
    } = &rule.paths;
    let shared = [payment_id, merchant_reference, amount, authorized_amount, currency, refund_id, dispute_id];
    let own = rule.facts.iter().flatten().flat_map(|fact| [&fact.operation, &fact.amount]);
    shared.into_iter().chain(own).flatten()
}
