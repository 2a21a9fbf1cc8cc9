//! Spots: every place in a description at which the schema says something.

use std::{collections::BTreeSet, fmt};

use serde_json::{Map, Value};

/// One spot, with the forms that a value may take there.
#[derive(Clone)]
pub(super) struct Spot<'s> {
    steps: Vec<Step>,
    forms: Vec<&'s Map<String, Value>>,
}

#[derive(Clone)]
enum Step {
    Key(String),
    FirstElement,
}

impl<'s> Spot<'s> {
    /// Every spot that the schema reaches; where a table may have any key, it has one named `x`.
    pub(super) fn all(schema: &'s Value) -> Vec<Self> {
        let mut found = Vec::new();
        visit(schema, schema, Vec::new(), &mut found);
        found
    }

    pub(super) fn is_whole(&self) -> bool {
        self.steps.is_empty()
    }

    /// A description with nothing but this value at this spot.
    pub(super) fn description(&self, value: toml::Value) -> String {
        let whole = self.steps.iter().rev().fold(value, |value, step| match step {
            Step::Key(key) => toml::Value::Table([(key.clone(), value)].into_iter().collect()),
            Step::FirstElement => toml::Value::Array(vec![value]),
        });
        // The top of a file is a table; what else the schema is asked about at the top has no spot of its own.
        match whole {
            toml::Value::Table(table) => table.to_string(),
            other => format!("title = {other}"),
        }
    }

    /// The properties of the tables that may stand here.
    pub(super) fn tables(&self) -> impl Iterator<Item = &'s Map<String, Value>> {
        self.forms.iter().filter_map(|form| form.get("properties")?.as_object())
    }

    /// The words of which one must stand here; none where other texts may stand here too.
    pub(super) fn words(&self) -> BTreeSet<&'s str> {
        let words = self.forms.iter().filter_map(|form| form.get("enum")?.as_array()).flatten();
        words.filter_map(Value::as_str).collect()
    }

    /// Of each table that may stand here, the keys that it must have, with what the schema says of each.
    pub(super) fn required(&self) -> Vec<Vec<(&'s str, &'s Value)>> {
        let required = self.forms.iter().filter_map(|form| {
            let properties = form.get("properties")?;
            let keys = form.get("required")?.as_array()?.iter().filter_map(Value::as_str);
            Some(keys.map(|key| (key, &properties[key])).collect())
        });
        required.collect()
    }

    pub(super) fn examples(&self) -> impl Iterator<Item = &'s Value> {
        self.forms.iter().filter_map(|form| form.get("examples")?.as_array()).flatten()
    }
}

/// As the loader names the key.
impl fmt::Display for Spot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.steps.iter().enumerate() {
            match step {
                Step::Key(key) if index == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::FirstElement => f.write_str("[0]")?,
            }
        }
        Ok(())
    }
}

fn visit<'s>(root: &'s Value, schema: &'s Value, steps: Vec<Step>, found: &mut Vec<Spot<'s>>) {
    let forms = forms(root, schema);
    let below = |step: Step| steps.iter().cloned().chain([step]).collect::<Vec<_>>();
    for form in &forms {
        for (key, property) in form.get("properties").and_then(Value::as_object).into_iter().flatten() {
            visit(root, property, below(Step::Key(key.clone())), found);
        }
        if let Some(any) = form.get("additionalProperties").filter(|any| any.is_object()) {
            visit(root, any, below(Step::Key("x".to_owned())), found);
        }
        if let Some(items) = form.get("items") {
            visit(root, items, below(Step::FirstElement), found);
        }
    }
    found.push(Spot { steps, forms });
}

/// What a schema comes to: itself, what it refers to, and each of what it leaves a choice of.
fn forms<'s>(root: &'s Value, schema: &'s Value) -> Vec<&'s Map<String, Value>> {
    let own = schema.as_object().expect("a schema is an object");
    let referred = own
        .get("$ref")
        .and_then(Value::as_str)
        .map(|to| root.pointer(to.trim_start_matches('#')).unwrap_or_else(|| panic!("{to} is not there")));
    let choices = own.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    let others = referred.into_iter().chain(choices).flat_map(|other| forms(root, other));
    std::iter::once(own).chain(others).collect()
}

/// A value for each of these keys that its schema allows.
pub(super) fn samples<'k>(root: &Value, keys: &[(&'k str, &Value)]) -> Vec<(&'k str, toml::Value)> {
    keys.iter().map(|(key, schema)| (*key, sample(root, schema))).collect()
}

fn sample(root: &Value, schema: &Value) -> toml::Value {
    let forms = forms(root, schema);
    let first = |key: &str| forms.iter().find_map(|form| form.get(key)?.as_array()?.first().cloned());
    if let Some(said) = first("examples").or_else(|| first("enum")) {
        return toml::Value::try_from(said).expect("a sample is TOML too");
    }
    let is = |kind: &str| forms.iter().any(|form| form.get("type").is_some_and(|of| of == kind));
    let items = || forms.iter().find_map(|form| form.get("items"));
    match items() {
        Some(items) if is("array") => toml::Value::Array(vec![sample(root, items)]),
        _ => table_sample(root, &forms),
    }
}

fn table_sample(root: &Value, forms: &[&Map<String, Value>]) -> toml::Value {
    let spot = Spot { steps: Vec::new(), forms: forms.to_vec() };
    let keys = spot.required().into_iter().flatten().collect::<Vec<_>>();
    let filled = samples(root, &keys).into_iter().map(|(key, value)| (key.to_owned(), value));
    toml::Value::Table(filled.collect())
}
