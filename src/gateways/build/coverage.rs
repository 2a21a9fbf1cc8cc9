//! Only covered values may drive state: a fact is made from nothing that its proof does not protect.

use super::{Description, Fault};
use crate::gateways::{
    auth::Scheme,
    condition::Condition,
    events::Word,
    place::Place,
    rules::{Compiled, Shaped, inputs},
    text::Texts,
};

/// Refuses a description with a rule whose facts anybody on the way could have changed.
pub(super) fn check(
    description: &Description,
    shapes: &[Shaped],
    schemes: &[Scheme],
    inner_at: &Texts,
    text: &str,
) -> Result<(), Fault> {
    let mut before: Vec<&Condition> = Vec::new();
    for shape in shapes {
        before.extend(&shape.when);
        for (index, compiled) in shape.rules.iter().enumerate() {
            let Some(place) = unproven_input(compiled, shape, &before, schemes, inner_at) else { continue };
            let key = format!("event[{index}]");
            let what = format!(
                "`{place}` is not covered by the proof: mark the event `unproven = \"show_only\"` (its word is for people, \
                 the facts come from the next proven event) or `unproven = \"confirm\"` (its facts wait for the gateway's \
                 confirmation), or say `uncovered = \"confirm\"` for all events"
            );
            return Err(match description.event.get(index) {
                Some(spanned) => Fault::at(spanned, text, key, what),
                None => Fault::in_key("settings", what),
            });
        }
    }
    Ok(())
}

fn unproven_input<'r>(
    compiled: &'r Compiled,
    shape: &'r Shaped,
    before: &[&'r Condition],
    schemes: &[Scheme],
    inner_at: &Texts,
) -> Option<&'r Place> {
    if compiled.rule.unproven.is_some() || compiled.rule.status == Word::Fetch {
        return None;
    }
    let inputs = inputs(before.iter().copied(), &shape.paths, &compiled.rule, &compiled.facts);
    inputs.into_iter().find(|place| !schemes.iter().all(|scheme| scheme.auth.covers(place, inner_at)))
}
