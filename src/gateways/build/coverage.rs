//! Only covered values may drive state: a fact is made from nothing that its proof does not protect.

use super::{Auth, Condition, Description, Fault, Rule, fact_inputs};
use crate::gateways::place::{Place, Texts};

/// Refuses a description with a rule whose facts anybody on the way could have changed.
pub(super) fn check(
    description: &Description,
    rules: &[Rule],
    auths: &[Auth],
    text: &str,
) -> Result<(), Fault> {
    for (index, rule) in rules.iter().enumerate() {
        let Some(place) = unproven_input(rule, auths) else { continue };
        let key = format!("event[{index}]");
        let what = format!(
            "`{place}` is not covered by the proof: mark the event `unproven = \"show_only\"` (its word is for people, \
             the facts come from the next proven event) or `unproven = \"confirm\"` (its facts wait for the gateway's \
             confirmation)"
        );
        return Err(match description.event.get(index) {
            Some(spanned) => Fault::at(spanned, text, key, what),
            None => Fault::in_key("settings", what),
        });
    }
    Ok(())
}

fn unproven_input<'r>(rule: &'r Rule, auths: &[Auth]) -> Option<&'r Place> {
    let states_facts = rule.facts.as_ref().is_some_and(|facts| !facts.is_empty());
    if rule.unproven.is_some() {
        return None;
    }
    // Also a rule without facts keeps the ones behind it from matching.
    let chosen_by = rule.paths.event_type.iter().flat_map(Texts::places);
    let mut places = chosen_by
        .chain(rule.when.iter().flat_map(Condition::places))
        .chain(fact_inputs(rule).filter(|_| states_facts).flat_map(Texts::places));
    places.find(|place| !auths.iter().all(|auth| auth.covers(place)))
}
