//! Walls between modules, and a few habits that keep files readable.

#![expect(clippy::expect_used, reason = "a test that cannot go on should say where")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A module and what it may use of this crate. What stands here is the architecture: a new wall is a new line.
const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("clock", &[]),
    ("config", &[]),
    ("proto", &[]),
    ("telemetry", &[]),
    ("listen", &[]),
    ("ops", &["telemetry"]),
    ("gateways", &["domain"]),
    ("store", &["domain"]),
    ("feed", &["domain", "store"]),
    ("certificates", &["gateways", "telemetry"]),
    ("service", &["domain", "gateways", "certificates", "store", "feed", "clock", "proto", "telemetry"]),
    ("adapter", &["proto", "telemetry", "clock"]),
];

/// What puts the others together; nobody may use them.
const TOP: &[&str] = &["main", "lib", "cli", "app"];

/// Crates that a module must not know, whatever is in `Cargo.toml`.
const NEVER: &[(&str, &[&str])] = &[
    ("domain", &["serde", "tokio", "sea_orm", "tonic", "prost", "tracing", "axum"]),
    ("config", &["tokio", "sea_orm", "tonic", "axum"]),
    ("gateways", &["tokio", "sea_orm", "tonic", "prost", "axum"]),
    ("store", &["tonic", "prost", "axum"]),
    ("feed", &["tonic", "prost", "axum", "sea_orm"]),
    ("certificates", &["sea_orm", "tonic", "prost", "axum"]),
    ("service", &["axum", "sea_orm"]),
    ("adapter", &["sea_orm"]),
];

/// Above this, a file holds two nouns.
const MAX_LINES: usize = 400;

/// Longer ones, each with its reason.
const LONGER: &[&str] = &[];

const BANNED_NAMES: &[&str] = &["util", "utils", "common", "helper", "helpers", "misc", "types", "mod"];

#[test]
fn modules_use_only_what_stands_below_them() {
    let offences = sources().into_iter().flat_map(|source| {
        let module = source.module();
        let allowed = MAY_USE.iter().find(|(name, _)| *name == module).map(|(_, allowed)| *allowed);
        let used = allowed.map(|_| source.uses()).unwrap_or_default();
        let foreign = used
            .into_iter()
            .filter(move |used| *used != module && !allowed.unwrap_or(&[]).contains(&used.as_str()));
        foreign.map(move |used| format!("{} uses crate::{used}", source.path.display())).collect::<Vec<_>>()
    });
    complain(offences, "see MAY_USE in tests/tidy.rs");
}

#[test]
fn every_module_has_its_place() {
    let placed = |module: &str| TOP.contains(&module) || MAY_USE.iter().any(|(name, _)| *name == module);
    let strangers = sources().into_iter().map(|source| source.module()).filter(|module| !placed(module));
    complain(strangers, "say in MAY_USE in tests/tidy.rs what it may use");
}

#[test]
fn modules_know_only_their_own_libraries() {
    let offences = sources().into_iter().flat_map(|source| {
        let never = NEVER
            .iter()
            .find(|(name, _)| *name == source.module())
            .map_or(&[] as &[&str], |(_, never)| *never);
        let code = source.code();
        let known = never.iter().filter(|library| mentions(&code, library));
        known.map(|library| format!("{} uses {library}", source.path.display())).collect::<Vec<_>>()
    });
    complain(offences, "see NEVER in tests/tidy.rs");
}

#[test]
fn files_stay_short() {
    let offences = sources().into_iter().filter_map(|source| {
        let lines = source.code().lines().count();
        let excused = LONGER.iter().any(|longer| source.path.ends_with(longer));
        (lines > MAX_LINES && !excused).then(|| format!("{}: {lines} lines", source.path.display()))
    });
    complain(offences, "split it by noun");
}

#[test]
fn files_are_named_after_what_they_hold() {
    let offences = sources().into_iter().filter_map(|source| {
        let name = source.path.file_stem()?.to_str()?.to_owned();
        BANNED_NAMES.contains(&name.as_str()).then(|| source.path.display().to_string())
    });
    complain(offences, "name the noun");
}

#[test]
fn the_readme_leaves_nothing_to_be_filled_in() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).expect("the README is UTF-8");
    let unfinished = |line: &&str| ["@@", "TODO"].iter().any(|mark| line.contains(mark));
    complain(readme.lines().filter(unfinished).map(str::to_owned), "write what belongs there");
}

#[test]
fn lints_are_expected_with_a_reason_or_obeyed() {
    let offences = sources().into_iter().filter_map(|source| {
        let allows = source.text.contains("#[allow(") || source.text.contains("#![allow(");
        allows.then(|| source.path.display().to_string())
    });
    complain(offences, "use #[expect(lint, reason = \"…\")]");
}

/// One file under `src`.
struct Source {
    /// Relative to `src`.
    path: PathBuf,
    text: String,
}

impl Source {
    /// The top-level module: `store` for both `store.rs` and `store/batcher.rs`.
    fn module(&self) -> String {
        let first = self.path.iter().next().and_then(|part| part.to_str()).unwrap_or_default();
        first.trim_end_matches(".rs").to_owned()
    }

    /// Without comments and without the unit tests at its end.
    fn code(&self) -> String {
        let code = self.text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
        code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
    }

    /// The modules named by `crate::…`, in braces too.
    fn uses(&self) -> Vec<String> {
        self.code().split("crate::").skip(1).flat_map(first_names).collect()
    }
}

/// `store::Store` names `store`; `{domain::{Fact, Hold}, store}` names `domain` and `store`.
fn first_names(path: &str) -> Vec<String> {
    let name =
        |text: &str| text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = path.strip_prefix('{') else { return vec![name(path)] };
    let mut depth = 0_usize;
    let mut names = vec![name(group)];
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(name(&group[at + 1..])),
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn mentions(code: &str, library: &str) -> bool {
    let path = format!("{library}::");
    code.match_indices(&path)
        .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'))
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("src can be listed") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source is UTF-8");
                found.push(Source { path: path.strip_prefix(&root).expect("under src").to_owned(), text });
            }
        }
    }
    assert!(found.len() > 20, "src was not found");
    found
}

#[track_caller]
fn complain(offences: impl Iterator<Item = String>, advice: &str) {
    let offences: Vec<String> = offences.collect();
    assert!(offences.is_empty(), "{advice}:\n  {}", offences.join("\n  "));
}

#[test]
fn grouped_imports_are_understood() {
    assert_eq!(first_names("{\n    domain::{Fact, Hold},\n    store,\n};"), ["domain", "store"]);
    assert_eq!(first_names("store::Store;"), ["store"]);
}
