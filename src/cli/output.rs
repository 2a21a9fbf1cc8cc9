use std::{
    fmt::Display,
    io::{self, Write as _},
};

use super::Failure;

/// Prints a line. Fails where nobody reads any more, as in `watch | head`: then the command has done its work.
pub(super) fn line(text: impl Display) -> Result<(), Failure> {
    writeln!(io::stdout().lock(), "{text}").map_err(|error| Failure::because("standard output", &error))
}
