use std::{collections::BTreeMap, env, fmt};

/// The environment as it was handed in, so that nothing else asks the process for it.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

const PREFIX: &str = "PAYMENT_STATUS__";

impl Environment {
    /// That of this process. What is not UTF-8 counts as not set.
    #[must_use]
    pub fn of_process() -> Self {
        env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The variables that set a key, each with the key's path: `PAYMENT_STATUS__DATABASE__URL` and
    /// `["database", "url"]`.
    pub(super) fn overrides(&self) -> impl Iterator<Item = Override<'_>> {
        self.0.iter().filter_map(|(variable, value)| {
            let path = variable.strip_prefix(PREFIX)?.split("__").map(str::to_lowercase).collect();
            Some(Override { variable, path, value })
        })
    }
}

/// One key set by the environment.
pub(super) struct Override<'a> {
    pub(super) variable: &'a str,
    pub(super) path: Vec<String>,
    pub(super) value: &'a str,
}

impl Override<'_> {
    /// Whether the key, or the table it stands in, is the one that this sets.
    pub(super) fn set(&self, key: &str) -> bool {
        is_within(&plain(key), &self.path.join("."))
    }

    /// Whether the key is a table that this has put something into.
    pub(super) fn made(&self, key: &str) -> bool {
        is_within(&self.path.join("."), &plain(key))
    }
}

/// Variables have no dashes, so they count as underscores.
fn plain(key: &str) -> String {
    key.replace('-', "_")
}

fn is_within(key: &str, table: &str) -> bool {
    key.strip_prefix(table).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

/// Secrets stand in environments.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").field("variables", &self.0.len()).finish_non_exhaustive()
    }
}
