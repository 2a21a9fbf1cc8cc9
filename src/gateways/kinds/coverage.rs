//! Coverage, in words: what a proof protects, for a reader who wants to know how much that is.

use crate::gateways::place::Place;

/// `body, 2 headers`.
pub(super) fn in_words(covers: &[Place]) -> String {
    let mut counts: Vec<(&str, &str, usize)> = Vec::new();
    for (one, many) in covers.iter().map(word) {
        match counts.iter_mut().find(|(known, ..)| *known == one) {
            Some((_, _, count)) => *count += 1,
            None => counts.push((one, many, 1)),
        }
    }
    let words = counts.into_iter().map(|(one, many, count)| match (many, count) {
        ("", _) => one.to_owned(),
        (_, 1) => format!("1 {one}"),
        (many, count) => format!("{count} {many}"),
    });
    let words: Vec<String> = words.collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}

/// In the singular and the plural; what cannot be counted has no plural.
fn word(place: &Place) -> (&'static str, &'static str) {
    match place {
        Place::Event(path) if path.0.is_empty() => ("event", ""),
        Place::Root(path) if path.0.is_empty() => ("body", ""),
        Place::Event(_) | Place::Root(_) | Place::Inner(_) => ("value", "values"),
        Place::Header(_) => ("header", "headers"),
        Place::Form(Some(_)) => ("field", "fields"),
        Place::Form(None) => ("form", ""),
        Place::Query(Some(_)) => ("parameter", "parameters"),
        Place::Query(None) => ("query", ""),
        Place::Part(_) => ("part of the proof", "parts of the proof"),
        Place::Body => ("body", ""),
        Place::RequestPath => ("path", ""),
        Place::Method => ("method", ""),
        Place::Sum(_) => ("sum", "sums"),
        Place::Setting(_) | Place::Const(_) | Place::Secret => ("setting", "settings"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_covered_is_counted_by_kind() {
        let words = |places: &[&str]| {
            let places = places.iter().map(|place| Place::try_from((*place).to_owned()).expect("a place"));
            in_words(&places.collect::<Vec<_>>())
        };
        assert_eq!(words(&[]), "nothing");
        assert_eq!(
            words(&["body", "header:A", "part:t", "header:B"]),
            "body, 2 headers, 1 part of the proof"
        );
        assert_eq!(words(&["$.a", "$.b", "query"]), "2 values, query");
    }
}
