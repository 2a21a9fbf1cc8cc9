//! W3C trace context, between headers, spans and the plain `traceparent` text that travels as data.
//!
//! Without a collector there are no spans to continue, and a caller's `traceparent` still reaches the updates
//! it caused, unchanged.

use axum::http::{HeaderMap, HeaderValue};
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState},
};
use tonic::metadata::MetadataMap;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

const TRACEPARENT: &str = "traceparent";

/// The caller's trace context, if it sent exactly one and it is well-formed. gRPC metadata are headers too.
#[must_use]
pub fn traceparent(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(TRACEPARENT).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    value.to_str().ok().filter(|text| is_valid(text))
}

/// Whether the text is a `traceparent` (W3C Trace Context §3.2) that names a trace and a span.
#[must_use]
pub fn is_valid(text: &str) -> bool {
    parse(text).is_some()
}

/// Makes the span continue the caller's trace. Does nothing while traces are off or the text is malformed.
pub fn set_parent(span: &Span, traceparent: &str) {
    if span.is_disabled() {
        return;
    }
    if let Some(caller) = parse(traceparent) {
        // It fails where no trace layer is installed, and then there is nothing to continue.
        let _ = span.set_parent(Context::new().with_remote_span_context(caller));
    }
}

/// The `traceparent` that makes others continue this span; none while traces are off.
#[must_use]
pub fn of(span: &Span) -> Option<String> {
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    let span = context.span();
    let this = span.span_context();
    this.is_valid().then(|| {
        let flags = this.trace_flags() & TraceFlags::SAMPLED;
        format!("00-{}-{}-{flags:02x}", this.trace_id(), this.span_id())
    })
}

/// Hands the span on to the called service, while traces are on.
pub fn inject(span: &Span, metadata: &mut MetadataMap) {
    let value = of(span).and_then(|text| HeaderValue::try_from(text).ok());
    if let Some(value) = value.and_then(|value| value.to_str().ok()?.parse().ok()) {
        metadata.insert(TRACEPARENT, value);
    }
}

fn parse(text: &str) -> Option<SpanContext> {
    let mut parts = text.split('-');
    let version = hex(parts.next()?, 2)?;
    let trace_id = TraceId::from_hex(hex(parts.next()?, 32)?).ok()?;
    let span_id = SpanId::from_hex(hex(parts.next()?, 16)?).ok()?;
    let flags = u8::from_str_radix(hex(parts.next()?, 2)?, 16).ok()?;
    if version == "ff" || parts.next().is_some() {
        return None;
    }
    let sampled = TraceFlags::new(flags) & TraceFlags::SAMPLED;
    let context = SpanContext::new(trace_id, span_id, sampled, true, TraceState::default());
    context.is_valid().then_some(context)
}

/// Exactly so many lower-case hexadecimal digits.
fn hex(text: &str, digits: usize) -> Option<&str> {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (text.len() == digits && text.bytes().all(is_hex)).then_some(text)
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn only_well_formed_contexts_travel() {
        assert!(is_valid(PARENT));
        assert!(is_valid("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"), "later versions");
        for bad in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473ä-00f067aa0ba902b7-01",
        ] {
            assert!(!is_valid(bad), "{bad}");
        }
    }

    #[test]
    fn a_doubled_header_is_no_context() {
        let mut headers = HeaderMap::new();
        headers.append(TRACEPARENT, HeaderValue::from_static(PARENT));
        assert_eq!(traceparent(&headers), Some(PARENT));
        headers.append(TRACEPARENT, HeaderValue::from_static(PARENT));
        assert_eq!(traceparent(&headers), None);
    }

    #[test]
    fn a_span_continues_the_callers_trace_and_hands_it_on() {
        let provider = SdkTracerProvider::builder().build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let span = tracing::debug_span!("work");
            set_parent(&span, PARENT);
            let handed_on = of(&span).unwrap();
            assert!(handed_on.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"), "{handed_on}");
            assert_ne!(handed_on, PARENT);
            assert!(is_valid(&handed_on));

            let mut metadata = MetadataMap::new();
            inject(&span, &mut metadata);
            assert_eq!(metadata.get(TRACEPARENT).unwrap().to_str().unwrap(), handed_on);
        });
    }

    #[test]
    fn without_traces_there_is_nothing_to_hand_on() {
        assert_eq!(of(&Span::none()), None);
    }
}
