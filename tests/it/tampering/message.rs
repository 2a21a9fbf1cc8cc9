//! A callback as its single values, so that each can be touched: headers, query, form fields, JSON.

use payment_status::domain::Callback;
use serde_json::Value;

pub(super) struct Message<'c> {
    callback: &'c Callback,
    json: Option<Value>,
    leaves: Vec<Leaf>,
}

/// One value.
#[derive(Clone)]
pub(super) struct Leaf {
    pub(super) name: String,
    pub(super) value: String,
    place: Place,
}

#[derive(Clone, PartialEq, Eq)]
enum Place {
    Header(usize),
    Query(String),
    Form(String),
    /// A JSON pointer.
    Json(String),
}

impl<'c> Message<'c> {
    pub(super) fn of(callback: &'c Callback) -> Self {
        let json: Option<Value> = serde_json::from_slice(&callback.body).ok();
        let mut leaves = Vec::new();
        for (index, (name, value)) in callback.headers.iter().enumerate() {
            let value = String::from_utf8_lossy(value).into_owned();
            leaves.push(Leaf { name: format!("header {name}"), value, place: Place::Header(index) });
        }
        for (name, value) in fields(&callback.query) {
            leaves.push(Leaf { name: format!("query {name}"), value, place: Place::Query(name) });
        }
        match &json {
            Some(json) => json_leaves(json, String::new(), &mut leaves),
            None => {
                for (name, value) in fields(&String::from_utf8_lossy(&callback.body)) {
                    leaves.push(Leaf { name: format!("form {name}"), value, place: Place::Form(name) });
                }
            }
        }
        Self { callback, json, leaves }
    }

    pub(super) fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// With another value, or without it.
    pub(super) fn with(&self, leaf: &Leaf, value: Option<&str>) -> Callback {
        let mut changed = self.callback.clone();
        let mut json = self.json.clone();
        set(&mut changed, json.as_mut(), leaf, value);
        self.written(changed, json, leaf)
    }

    pub(super) fn with_both(&self, one: &Leaf, value: &str, other: &Leaf, other_value: &str) -> Callback {
        let mut changed = self.callback.clone();
        let mut json = self.json.clone();
        set(&mut changed, json.as_mut(), one, Some(value));
        set(&mut changed, json.as_mut(), other, Some(other_value));
        let touches_json = [one, other].into_iter().find(|leaf| matches!(leaf.place, Place::Json(_)));
        self.written(changed, json, touches_json.unwrap_or(one))
    }

    /// The value once more, before and behind the first, with another content.
    pub(super) fn repeated(&self, leaf: &Leaf) -> Vec<Callback> {
        let mut all = Vec::new();
        let body = String::from_utf8_lossy(&self.callback.body).into_owned();
        match &leaf.place {
            Place::Header(index) => {
                let mut changed = self.callback.clone();
                let (name, _) = self.callback.headers[*index].clone();
                changed.headers.push((name, b"x".to_vec()));
                all.push(changed);
            }
            Place::Query(name) => {
                let again = format!("{}=1", encoded(name));
                for query in
                    [format!("{again}&{}", self.callback.query), format!("{}&{again}", self.callback.query)]
                {
                    all.push(Callback { query, ..self.callback.clone() });
                }
            }
            Place::Form(name) => {
                let again = format!("{}=1", encoded(name));
                for body in [format!("{again}&{body}"), format!("{body}&{again}")] {
                    all.push(Callback { body: body.into_bytes(), ..self.callback.clone() });
                }
            }
            Place::Json(pointer) => {
                let name = pointer.rsplit('/').next().unwrap_or_default();
                let key = format!("\"{name}\":");
                for written in [format!("{key}1,{key}"), format!("\"{}\":1,{key}", escaped(name))] {
                    let changed = body.replacen(&key, &written, 1);
                    if changed != body {
                        all.push(Callback { body: changed.into_bytes(), ..self.callback.clone() });
                    }
                }
            }
        }
        all
    }

    fn written(&self, mut changed: Callback, json: Option<Value>, leaf: &Leaf) -> Callback {
        if let (Some(json), Place::Json(_)) = (json, &leaf.place) {
            changed.body = json.to_string().into_bytes();
        }
        changed
    }
}

impl Leaf {
    pub(super) fn is_header(&self) -> bool {
        matches!(self.place, Place::Header(_))
    }
}

fn set(callback: &mut Callback, json: Option<&mut Value>, leaf: &Leaf, value: Option<&str>) {
    match &leaf.place {
        Place::Header(index) => match value {
            Some(value) => callback.headers[*index].1 = value.as_bytes().to_vec(),
            None => callback.headers[*index].0 = "x-removed".to_owned(),
        },
        Place::Query(name) => callback.query = replaced(&callback.query, name, value),
        Place::Form(name) => {
            callback.body = replaced(&String::from_utf8_lossy(&callback.body), name, value).into_bytes();
        }
        Place::Json(pointer) => {
            let Some(found) = json.and_then(|json| json.pointer_mut(pointer)) else { return };
            *found = match (value, &*found) {
                (None, _) => Value::Null,
                // A number stays one where the new text is one, so that its type gives nothing away.
                (Some(text), Value::Number(_)) => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
                (Some(text), _) => text.into(),
            };
        }
    }
}

fn replaced(form: &str, name: &str, value: Option<&str>) -> String {
    let pairs = form.split('&').filter_map(|pair| {
        let (raw_name, _) = pair.split_once('=').unwrap_or((pair, ""));
        match value {
            _ if decoded(raw_name) != name => Some(pair.to_owned()),
            Some(value) => Some(format!("{raw_name}={}", encoded(value))),
            None => None,
        }
    });
    pairs.collect::<Vec<_>>().join("&")
}

fn fields(form: &str) -> Vec<(String, String)> {
    let pairs = form.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(n, v)| (decoded(n), decoded(v)))
        .collect()
}

fn json_leaves(json: &Value, pointer: String, leaves: &mut Vec<Leaf>) {
    let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
    match json {
        Value::Object(members) => {
            members
                .iter()
                .for_each(|(name, value)| json_leaves(value, format!("{pointer}/{}", escaped(name)), leaves));
        }
        Value::Array(elements) => {
            let each = elements.iter().enumerate();
            each.for_each(|(index, value)| json_leaves(value, format!("{pointer}/{index}"), leaves));
        }
        Value::Null => {}
        Value::String(text) => {
            leaves.push(Leaf { name: pointer.clone(), value: text.clone(), place: Place::Json(pointer) });
        }
        other => {
            leaves.push(Leaf {
                name: pointer.clone(),
                value: other.to_string(),
                place: Place::Json(pointer),
            });
        }
    }
}

fn escaped(name: &str) -> String {
    name.chars().map(|letter| format!("\\u{:04x}", u32::from(letter))).collect()
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
