//! What a description refers to must be there: a setting that is declared, a part where a proof is at hand.

use super::{
    Account, Condition, Description, FactRule, Fault, Paths, Place, Rule, Spanned, Texts, UnitSource,
};

pub(super) fn check(description: &Description, text: &str) -> Result<(), Fault> {
    let declared = |name: &str| description.settings.contains_key(name);
    for auth in &description.auth {
        let undeclared = auth.get_ref().places().find(|place| !is_declared(place, &declared));
        refuse(undeclared, auth, text, "auth")?;
    }
    for rule in &description.event {
        let wrong = rule_places(rule.get_ref()).find(|place| !is_readable(place, &declared));
        refuse(wrong, rule, text, "event")?;
    }
    let account = description.account.iter().flat_map(|Account { is, must_be }| [is, must_be]);
    let mut places = paths(&description.paths).chain(account).flat_map(Texts::places);
    if let Some(place) = places.find(|place| !is_readable(place, &declared)) {
        return Err(Fault::in_key("paths", wrong(place)));
    }
    match &description.amount.unit {
        UnitSource::Setting(name) if !declared(name) => Err(Fault::in_key("amount.unit", undeclared(name))),
        _ => Ok(()),
    }
}

fn refuse<T>(place: Option<&Place>, at: &Spanned<T>, text: &str, key: &str) -> Result<(), Fault> {
    place.map_or(Ok(()), |place| Err(Fault::at(at, text, key, wrong(place))))
}

fn rule_places(rule: &Rule) -> impl Iterator<Item = &Place> {
    let own = rule.facts.iter().flatten();
    let own = own.flat_map(|FactRule { operation, amount, .. }| [operation, amount]).flatten();
    let conditions = rule.when.iter().flat_map(Condition::places);
    conditions.chain(paths(&rule.paths).chain(own).flat_map(Texts::places))
}

fn paths(paths: &Paths) -> impl Iterator<Item = &Texts> {
    paths.texts().into_iter().flatten()
}

fn is_declared(place: &Place, declared: &impl Fn(&str) -> bool) -> bool {
    !matches!(place, Place::Setting(name) if !declared(name))
}

/// Beside the proof there are no parts, and the raw body is no value.
fn is_readable(place: &Place, declared: &impl Fn(&str) -> bool) -> bool {
    is_declared(place, declared) && !matches!(place, Place::Part(_) | Place::Body)
}

fn wrong(place: &Place) -> String {
    match place {
        Place::Setting(name) => undeclared(name),
        place => format!("`{place}` has a meaning only in [[auth]]"),
    }
}

fn undeclared(name: &str) -> String {
    format!("`setting:{name}` is not declared: add [settings.{name}] with its `about`")
}
