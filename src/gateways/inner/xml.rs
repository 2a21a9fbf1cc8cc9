//! XML as the same tree as JSON: elements are members, text is text.

use std::collections::HashMap;

use roxmltree::{Document, Node, ParsingOptions};

use crate::gateways::json::Json;

/// Deeper nesting is refused, as in JSON: the reader recurses.
const MAX_DEPTH: usize = 64;
/// Elements and texts.
const MAX_NODES: u32 = 20_000;
/// More are refused: the parser compares each attribute of an element, and each of its namespaces, with each. A document
/// is read before it is proven, so it may have come from a stranger.
const MAX_EQUALS_SIGNS: usize = 2_000;

/// The content of the root element. Document types, and so entities, are refused.
pub(super) fn read(bytes: &[u8]) -> Result<Json<'static>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())?;
    if text.bytes().filter(|byte| *byte == b'=').count() > MAX_EQUALS_SIGNS {
        return Err("has too many attributes".to_owned());
    }
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text.trim(), options)
        .map_err(|error| format!("is not readable as XML at line {}", error.pos().row))?;
    element(document.root_element(), 0)
}

fn element(node: Node<'_, '_>, depth: usize) -> Result<Json<'static>, String> {
    if depth > MAX_DEPTH {
        return Err("is nested too deeply".to_owned());
    }
    if node.attribute("nil") == Some("true") {
        return Ok(Json::Null);
    }
    let mut members: Vec<(&str, Vec<Json<'static>>)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for child in node.children().filter(Node::is_element) {
        let name = child.tag_name().name();
        let value = element(child, depth + 1)?;
        let place = *places.entry(name).or_insert(members.len());
        match members.get_mut(place) {
            Some((_, values)) => values.push(value),
            None => members.push((name, vec![value])),
        }
    }
    if members.is_empty() {
        return Ok(Json::Text(node.text().unwrap_or_default().trim().to_owned().into()));
    }
    let members = members.into_iter().map(|(name, mut values)| {
        let only = if values.len() == 1 { values.pop() } else { None };
        (name.to_owned().into(), only.unwrap_or(Json::List(values)))
    });
    Ok(Json::Object(members.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_members_and_repeated_ones_a_list() {
        let read = read(b"\n<n>\n <a>1</a><b nil=\"true\"/><c><d> x </d><d>y</d></c><e/></n>").expect("XML");
        assert_eq!(read.to_string(), r#"{"a":"1","b":null,"c":{"d":["x","y"]},"e":""}"#);
    }

    #[test]
    fn entities_depth_and_size_are_refused() {
        for bad in [
            "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>".to_owned(),
            "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>".to_owned(),
            format!("{}{}", "<a>".repeat(100), "</a>".repeat(100)),
            format!("<a>{}</a>", "<b/>".repeat(30_000)),
            "<a>".repeat(19_000),
            format!("<a {}/>", (0..3_000).map(|n| format!("a{n}='' ")).collect::<String>()),
            "<a>".to_owned(),
            String::new(),
        ] {
            assert!(read(bad.as_bytes()).is_err());
        }
    }
}
