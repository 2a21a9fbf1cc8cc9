//! Proof headers: a recorded callback whose headers hold other texts.
//!
//! The first line names the vector. Each line behind it stands in place of one of its headers, in their order, and
//! from the start again where there are more lines: a header that stands twice.

use payment_status::domain::Callback;

use super::{lines, promises, vectors};

/// They prove nothing, so lines are not wasted on them.
const NEVER_A_PROOF: [&str; 4] = ["content-type", "user-agent", "accept", "host"];

pub fn run(data: &[u8]) {
    let (name, mut rest) = lines::first(data);
    let vector = vectors::chosen(name);
    let mut callback = vector.callback.clone();
    let places = proof_headers(&callback);
    for count in 0.. {
        if rest.is_empty() || places.is_empty() {
            break;
        }
        let (value, after) = lines::first(rest);
        let place = places[count % places.len()];
        if count < places.len() {
            callback.headers[place].1 = value.to_vec();
        } else {
            let name = callback.headers[place].0.clone();
            callback.headers.push((name, value.to_vec()));
        }
        rest = after;
    }
    let found = promises::counted(vector.gateway(), &callback, vector.now).unwrap_or_default();
    assert!(
        found.is_empty() || found == vector.counted,
        "other headers changed what counts of {}:\n{found:?}\ninstead of\n{:?}",
        vector.name,
        vector.counted
    );
}

/// Where they stand.
pub fn proof_headers(callback: &Callback) -> Vec<usize> {
    let proves = |name: &str| !NEVER_A_PROOF.contains(&name.to_ascii_lowercase().as_str());
    (0..callback.headers.len()).filter(|place| proves(&callback.headers[*place].0)).collect()
}
