//! Paths into JSON.

use std::fmt;

use serde::Deserialize;

/// `$`, then `.member`, `['member.with.dots']`, `[0]`, `[last]`, `[key=value]` and, at the end, `[count]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Path(pub(crate) Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Member(String),
    Element(usize),
    /// The last element of a list.
    Last,
    /// The first element of a list whose member has this value.
    Where {
        member: String,
        value: String,
    },
    /// How many elements a list has; no value where it has none.
    Count,
}

impl TryFrom<String> for Path {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl Path {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let malformed = || {
            format!(
                "`{text}` is not a path: expected `$`, then `.member`, `['member']`, `[0]`, `[last]`, \
                 `[key=value]` or, at the end, `[count]`"
            )
        };
        let mut rest = text.strip_prefix('$').ok_or_else(malformed)?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, after) = next_step(rest).ok_or_else(malformed)?;
            if step == Step::Count && !after.is_empty() {
                return Err(malformed());
            }
            steps.push(step);
            rest = after;
        }
        Ok(Self(steps))
    }

    /// Whether what stands at `other` is inside what stands here.
    pub(crate) fn holds(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }
}

fn next_step(rest: &str) -> Option<(Step, &str)> {
    if let Some(quoted) = rest.strip_prefix("['") {
        let (name, after) = quoted.split_once("']")?;
        return Some((Step::Member(name.to_owned()), after));
    }
    if let Some(bracket) = rest.strip_prefix('[') {
        let (inside, after) = bracket.split_once(']')?;
        return Some((chosen(inside)?, after));
    }
    let member = rest.strip_prefix('.')?;
    let end = member.find(['.', '[']).unwrap_or(member.len());
    let (name, after) = member.split_at_checked(end)?;
    (!name.is_empty()).then(|| (Step::Member(name.to_owned()), after))
}

fn chosen(inside: &str) -> Option<Step> {
    match inside.split_once('=') {
        Some((member, value)) => {
            let named = !member.is_empty() && !value.is_empty();
            named.then(|| Step::Where { member: member.to_owned(), value: value.to_owned() })
        }
        None if inside == "last" => Some(Step::Last),
        None if inside == "count" => Some(Step::Count),
        None => inside.parse().ok().map(Step::Element),
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        self.0.iter().try_for_each(|step| match step {
            Step::Member(name) if name.contains(['.', '[']) => write!(f, "['{name}']"),
            Step::Member(name) => write!(f, ".{name}"),
            Step::Element(index) => write!(f, "[{index}]"),
            Step::Last => f.write_str("[last]"),
            Step::Where { member, value } => write!(f, "[{member}={value}]"),
            Step::Count => f.write_str("[count]"),
        })
    }
}
