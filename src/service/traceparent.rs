//! W3C trace context: what came in is kept with the update, so that a trace goes on where the update is read.

use tonic::metadata::MetadataMap;

/// Of the call itself, for what brings none of its own.
pub(super) fn of_call(metadata: &MetadataMap) -> Option<&str> {
    metadata.get("traceparent")?.to_str().ok().filter(|text| is_valid(text))
}

/// An invalid one counts as none, as the standard demands.
pub(super) fn is_valid(text: &str) -> bool {
    let mut parts = text.split('-');
    let mut hex = |digits: usize| {
        let lower_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        parts.next().filter(|part| part.len() == digits && part.bytes().all(lower_hex))
    };
    let named = |id: &str| id.bytes().any(|byte| byte != b'0');
    let (version, trace, span, flags) = (hex(2), hex(32), hex(16), hex(2));
    let complete =
        version.is_some_and(|version| version != "ff") && flags.is_some() && parts.next().is_none();
    complete && trace.is_some_and(named) && span.is_some_and(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_well_formed_trace_context_counts() {
        assert!(is_valid("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
        for bad in [
            "",
            "00",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        ] {
            assert!(!is_valid(bad), "{bad}");
        }
    }
}
