//! Rules, compiled: for each shape of message and each event, where its values stand and what of it is proven.

use super::{
    Gateway,
    condition::Condition,
    events::{Rule, Unproven, Word},
    facts::{FactRule, moves_money},
    message::Message,
    parse::shown,
    paths::Paths,
    place::Place,
    text::Texts,
};
use crate::domain::{FactKind, Phase};

/// One shape of message: what else it may look like than `[paths]` says.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shape {
    /// The first shape of which all of these hold is the message's.
    pub(crate) when: Vec<Condition>,
    /// Put over the description's paths.
    pub(crate) paths: Paths,
}

/// A shape with the description's paths under its own, and every rule on top.
#[derive(Debug)]
pub(crate) struct Shaped {
    /// Empty for the one that takes what no other shape takes.
    pub(crate) when: Vec<Condition>,
    pub(crate) paths: Paths,
    pub(crate) rules: Vec<Compiled>,
}

/// One rule for one shape.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) rule: Rule,
    pub(crate) facts: Vec<FactRule>,
    /// Of each scheme, in order, whether its proof leaves out something that this rule looks at.
    pub(crate) uncovered_by: Vec<bool>,
}

/// What one event means.
pub(crate) struct Meaning<'g> {
    pub(crate) event_type: Option<String>,
    pub(crate) status: Word,
    /// Where its values stand, for people.
    pub(crate) paths: &'g Paths,
    /// The rule that says which facts it states.
    pub(crate) stated_by: Option<&'g Compiled>,
}

impl Gateway {
    pub(crate) fn meaning(&self, message: &Message<'_>) -> Option<Meaning<'_>> {
        let holds = |condition: &Condition| condition.holds(message);
        let shape = self.shapes.iter().find(|shape| shape.when.iter().all(holds))?;
        let event_type = shown(message, &shape.paths.event_type);
        let matching = |compiled: &&Compiled| compiled.rule.matches(event_type.as_deref(), message);
        let shown_by = shape.rules.iter().find(matching);
        let only_shown = |compiled: &Compiled| compiled.rule.unproven == Some(Unproven::ShowOnly);
        let stated_by = match shown_by {
            Some(rule) if only_shown(rule) => {
                shape.rules.iter().filter(|rule| !only_shown(rule)).find(matching)
            }
            rule => rule,
        };
        let (paths, status) = shown_by
            .map_or((&shape.paths, self.otherwise), |compiled| (&compiled.rule.paths, compiled.rule.status));
        let event_type = shown(message, &paths.event_type).or(event_type);
        Some(Meaning { event_type, status, paths, stated_by })
    }
}

impl Shaped {
    /// Everything that is looked at to say what a message means.
    pub(crate) fn places(&self) -> impl Iterator<Item = &Place> {
        let own = self.when.iter().flat_map(Condition::places).chain(places_of(&self.paths));
        let rules = self.rules.iter().flat_map(|compiled| {
            let conditions = compiled.rule.when.iter().flat_map(Condition::places);
            conditions.chain(places_of(&compiled.rule.paths))
        });
        own.chain(rules)
    }
}

fn places_of(paths: &Paths) -> impl Iterator<Item = &Place> {
    paths.texts().into_iter().flatten().flat_map(Texts::places)
}

impl Compiled {
    /// Whether its facts count only once the gateway confirms them, where this scheme proved the callback.
    pub(crate) fn needs_confirmation(&self, scheme: usize) -> bool {
        let uncovered = self.uncovered_by.get(scheme).copied().unwrap_or(true);
        uncovered || self.rule.unproven.is_some() || self.rule.status == Word::Fetch
    }
}

/// Every place that decides whether and what a rule states.
pub(crate) fn inputs<'r>(
    shapes_before: impl Iterator<Item = &'r Condition>,
    paths: &'r Paths,
    rule: &'r Rule,
    facts: &'r [FactRule],
) -> Vec<&'r Place> {
    // Also a rule without facts keeps the ones behind it from matching.
    let conditions = shapes_before.chain(&rule.when).flat_map(Condition::places);
    let chosen_by = paths.event_type.iter().flat_map(Texts::places).filter(|_| !rule.takes_any_type());
    let values =
        facts.iter().flat_map(|fact| fact_inputs(fact, &rule.paths)).flatten().flat_map(Texts::places);
    conditions.chain(chosen_by).chain(values).collect()
}

/// What a fact is made of: whose it is, the operation's name, and the money, where it moves any.
fn fact_inputs<'r>(fact: &'r FactRule, paths: &'r Paths) -> [Option<&'r Texts>; 8] {
    let Paths {
        payment_id,
        merchant_reference,
        amount,
        authorized_amount,
        currency,
        refund_id,
        dispute_id,
        ..
    } = paths;
    let moves = moves_money(fact.phase);
    let own = match fact.phase.kind() {
        FactKind::Refund => refund_id,
        FactKind::Dispute => dispute_id,
        _ => &None,
    };
    let authorized = (fact.phase == Phase::Authorized).then_some(authorized_amount.as_ref()).flatten();
    [
        payment_id.as_ref(),
        merchant_reference.as_ref(),
        own.as_ref(),
        fact.operation.as_ref(),
        fact.amount.as_ref().filter(|_| moves),
        amount.as_ref().filter(|_| moves),
        authorized,
        currency.as_ref().filter(|_| moves),
    ]
}
