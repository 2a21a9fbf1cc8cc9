//! Whereabouts: from the name of a key to the place in the text where it stands.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::fault::line_of;

type Value<'t> = Spanned<DeValue<'t>>;

/// The full name of a key and where its value begins. Of `event` or `auth` without an index, the one on `line` is meant.
/// Where the text `culprit` stands somewhere below, that is it.
pub(super) fn find(
    text: &str,
    key: &str,
    culprit: Option<&str>,
    line: Option<usize>,
) -> Option<(String, usize)> {
    let table = DeTable::parse(text).ok()?;
    let mut steps = key.split('.');
    let (first, index) = indexed(steps.next()?);
    let mut found = Found { key: first.to_owned(), value: table.get_ref().get(first)? };
    let index = index.or_else(|| found.element_on(line?, text));
    found = found.element(index);
    for step in steps {
        let (name, index) = indexed(step);
        found = match found.member(name) {
            Some(member) => member.element(index),
            None => break,
        };
    }
    let found = match culprit.and_then(|culprit| found.holding(culprit)) {
        Some(holder) => holder,
        None => found,
    };
    Some((found.key, found.value.span().start))
}

struct Found<'t> {
    key: String,
    value: &'t Value<'t>,
}

impl<'t> Found<'t> {
    fn member(&self, name: &str) -> Option<Self> {
        let value = self.value.get_ref().as_table()?.get(name)?;
        Some(Self { key: format!("{}.{name}", self.key), value })
    }

    fn element_on(&self, line: usize, text: &str) -> Option<usize> {
        let list = self.value.get_ref().as_array()?;
        list.iter().position(|value| line_of(text, value.span().start) == line)
    }

    fn element(self, index: Option<usize>) -> Self {
        let element = index.and_then(|index| Some((index, self.value.get_ref().as_array()?.get(index)?)));
        match element {
            Some((index, value)) => Self { key: format!("{}[{index}]", self.key), value },
            None => self,
        }
    }

    /// The first text at or below here that names the place.
    fn holding(&self, place: &str) -> Option<Self> {
        match self.value.get_ref() {
            DeValue::String(text) => {
                names(text, place).then(|| Self { key: self.key.clone(), value: self.value })
            }
            DeValue::Array(list) => list.iter().enumerate().find_map(|(index, value)| {
                Found { key: format!("{}[{index}]", self.key), value }.holding(place)
            }),
            DeValue::Table(table) => table.iter().find_map(|(name, value)| {
                Found { key: format!("{}.{}", self.key, name.get_ref()), value }.holding(place)
            }),
            _ => None,
        }
    }
}

/// `event[3]` is the fourth of the list `event`.
fn indexed(step: &str) -> (&str, Option<usize>) {
    let indexed = step.strip_suffix(']').and_then(|step| step.rsplit_once('['));
    match indexed.and_then(|(name, index)| Some((name, index.parse().ok()?))) {
        Some((name, index)) => (name, Some(index)),
        None => (step, None),
    }
}

/// Whether a text names a place, and not one that only begins like it.
fn names(text: &str, place: &str) -> bool {
    text.match_indices(place).any(|(at, _)| {
        let after = text.get(at + place.len()..).and_then(|rest| rest.chars().next());
        !after.is_some_and(|next| next.is_alphanumeric() || "._-[".contains(next))
    })
}
