//! Shapes, compiled: every event of every shape, with the places that it then reads and what of them is proven.

use super::{fill_condition, rules, with_settings};
use crate::gateways::{
    auth::Scheme,
    condition::Condition,
    description::{Description, settings::Settings},
    events::{Rule, Unproven},
    facts::FactRule,
    paths::Paths,
    rules::{Compiled, Shape, Shaped, inputs},
    text::Texts,
};

pub(super) fn compile(
    description: &Description,
    settings: &Settings,
    paths: Paths,
    schemes: &[Scheme],
    inner_at: &Texts,
) -> Vec<Shaped> {
    let rules = rules(description, settings);
    let filled = |shape: &Shape| {
        let mut when = shape.when.clone();
        when.iter_mut().for_each(|condition| fill_condition(condition, settings));
        (when, paths.overlaid(&with_settings(shape.paths.clone(), settings)))
    };
    let described: Vec<_> = description.shape.iter().map(filled).collect();
    let mut shapes: Vec<Shaped> = Vec::new();
    for (when, paths) in described.into_iter().chain([(Vec::new(), paths.clone())]) {
        let before: Vec<&Condition> = shapes.iter().flat_map(|shape| &shape.when).chain(&when).collect();
        let compiled =
            rules.iter().map(|rule| compiled(rule.clone(), &paths, &before, schemes, inner_at, settings));
        let rules = compiled.collect();
        shapes.push(Shaped { when, paths, rules });
    }
    shapes
}

fn compiled(
    mut rule: Rule,
    paths: &Paths,
    before: &[&Condition],
    schemes: &[Scheme],
    inner_at: &Texts,
    settings: &Settings,
) -> Compiled {
    rule.paths = paths.overlaid(&rule.paths);
    let mut facts = rule.facts.take().unwrap_or_else(|| FactRule::of(rule.status));
    for texts in facts.iter_mut().flat_map(|fact| [&mut fact.operation, &mut fact.amount]).flatten() {
        settings.put_into(texts);
    }
    if rule.unproven == Some(Unproven::ShowOnly) {
        facts.clear();
    }
    let inputs = inputs(before.iter().copied(), paths, &rule, &facts);
    let leaves_out = |scheme: &Scheme| inputs.iter().any(|place| !scheme.auth.covers(place, inner_at));
    let uncovered_by = schemes.iter().map(leaves_out).collect();
    Compiled { rule, facts, uncovered_by }
}
