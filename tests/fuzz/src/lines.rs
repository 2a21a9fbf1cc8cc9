//! Inputs, taken apart by lines.

use std::borrow::Cow;

/// The first line, and what follows it. Without a line end all of it is the first line.
pub fn first(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &[]),
    }
}

pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}
