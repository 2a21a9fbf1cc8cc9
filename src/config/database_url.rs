use std::fmt;

use serde::Deserialize;

/// Where the database is: `sqlite://path` or `postgres://user@host/db`. It may hold a password, so it is not shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Host and database, or the file: what may stand in logs and errors.
    #[must_use]
    pub fn without_credentials(&self) -> String {
        let (scheme, rest) = self.0.split_once("://").unwrap_or_default();
        let rest = rest.split('?').next().unwrap_or_default();
        let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
        format!("{scheme}://{place}")
    }
}

impl TryFrom<String> for DatabaseUrl {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.split_once("://") {
            Some(("sqlite", ":memory:" | "")) => Err("SQLite needs a file: sqlite://payment-status.db"),
            Some(("sqlite" | "postgres" | "postgresql", _)) => Ok(Self(text)),
            _ => Err("a database is sqlite://path or postgres://user@host/database"),
        }
    }
}

impl Default for DatabaseUrl {
    fn default() -> Self {
        Self("sqlite://payment-status.db".to_owned())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.without_credentials())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_never_shown() {
        let url =
            DatabaseUrl::try_from("postgres://user:p@ss@db.internal/pay?password=x".to_owned()).unwrap();
        assert_eq!(format!("{url:?}"), "postgres://db.internal/pay");
    }
}
