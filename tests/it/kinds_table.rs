//! What the documents say of the built-in kinds is made from the kinds themselves.
//!
//! ```console
//! UPDATE_DOCS=1 cargo test --test it kinds_table      # writes the documents anew
//! ```

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use payment_status::{
    config::{Config, Environment},
    gateways::{About, HttpReply, Setting, Waits, about, built_in},
};

const START: &str =
    "<!-- The kinds that are built in. Written by tests/it/kinds_table.rs: do not edit. -->\n";
const END: &str = "<!-- The end of the kinds. -->\n";
const NONE: &str = "—";

const COLUMNS: [&str; 12] = [
    "kind",
    "gateway",
    "proof",
    "covers",
    "at most",
    "batches",
    "answers",
    "poll",
    "vectors",
    "compared with",
    "confirmed",
    "waits",
];

const CHAPTER: &str = "# The kinds that are built in

Written by `tests/it/kinds_table.rs` from the descriptions in this folder: do not edit. What may stand in a description is
[the format's own chapter](../README.md). Every gateway is served at `/webhooks/NAME`, where `NAME` is what follows
`gateways.` in your configuration; an ellipsis in an example is yours to fill in.
";

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn kinds() -> impl Iterator<Item = (&'static str, About)> {
    built_in().map(|kind| (kind, about(kind).unwrap_or_else(|| panic!("{kind} says nothing of itself"))))
}

#[test]
fn the_readme_lists_every_kind_as_it_is() {
    let readme = fs::read_to_string(at("README.md")).expect("a README");
    let (before, rest) = readme.split_once(START).expect("the start of the kinds is marked");
    let (_, after) = rest.split_once(END).expect("the end of the kinds is marked");
    let rows: String = kinds().map(|(kind, about)| row(&cells(kind, &about))).collect();
    let head = format!("{}|{}\n", row(&COLUMNS.map(str::to_owned)), "---|".repeat(COLUMNS.len()));
    keep("README.md", &format!("{before}{START}\n{head}{rows}\n{END}{after}"));
}

#[test]
fn the_chapter_of_kinds_says_how_each_is_set_up() {
    let sections: String = kinds().map(|(kind, about)| section(kind, &about)).collect();
    keep("src/gateways/kinds/README.md", &format!("{CHAPTER}{sections}"));
}

#[test]
fn every_example_of_the_chapter_is_a_configuration() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("payment-status.toml");
    for (kind, about) in kinds() {
        fs::write(&path, example(kind, &about)).expect("can be written");
        let config = Config::load(Some(&path), &Environment::default());
        assert!(config.is_ok_and(|config| config.gateways.contains_key(kind)), "{}", example(kind, &about));
    }
}

/// The document must read so; asked by `UPDATE_DOCS`, it is written so.
#[track_caller]
fn keep(document: &str, expected: &str) {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        return fs::write(at(document), expected).expect("can be written");
    }
    let found = fs::read_to_string(at(document)).unwrap_or_default();
    let mut pairs = found.lines().map(Some).chain([None]).zip(expected.lines().map(Some).chain([None]));
    let different = pairs.by_ref().enumerate().find(|(_, (found, expected))| found != expected);
    let Some((line, (found, expected))) = different else { return };
    panic!(
        "{document} is not what the kinds say; UPDATE_DOCS=1 cargo test --test it kinds_table writes it anew.\n\
         line {}:\n- {}\n+ {}",
        line + 1,
        found.unwrap_or_default(),
        expected.unwrap_or_default()
    );
}

fn row(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

fn cells(kind: &str, about: &About) -> [String; COLUMNS.len()] {
    let or_none = |text: &str| if text.is_empty() { NONE.to_owned() } else { in_cell(text) };
    let yes = |is: bool| if is { "yes" } else { NONE }.to_owned();
    [
        format!("[`{kind}`](src/gateways/kinds/README.md#{kind})"),
        in_cell(&about.title),
        in_cell(&about.scheme),
        in_cell(&about.signed),
        about.tolerance_seconds.map_or(NONE.to_owned(), |seconds| format!("{seconds} s")),
        yes(about.is_batch),
        format!("{}; {}", answer(&about.success), answer(&about.refusal)),
        yes(!about.poll.is_empty()),
        vectors(kind).to_string(),
        or_none(&about.oracle),
        confirmed(&about.unconfirmed),
        match about.waits {
            Waits::None => NONE.to_owned(),
            Waits::Some => "some".to_owned(),
            Waits::All => "all".to_owned(),
        },
    ]
}

fn confirmed(unconfirmed: &[String]) -> String {
    match unconfirmed.len() {
        0 => "yes".to_owned(),
        1 => "1 fact not".to_owned(),
        facts => format!("{facts} facts not"),
    }
}

fn answer(reply: &HttpReply) -> String {
    const LONGEST: usize = 24;
    let body = String::from_utf8_lossy(&reply.body).replace(['\r', '\n'], " ");
    let shown: String = body.chars().take(LONGEST).collect();
    let more = if shown.len() < body.len() { "…" } else { "" };
    match shown.as_str() {
        "" => reply.status.to_string(),
        shown => format!("{} `{}{more}`", reply.status, shown.replace('|', "\\|").trim()),
    }
}

fn vectors(kind: &str) -> usize {
    fs::read_dir(at("tests/fixtures").join(kind)).map(Iterator::count).unwrap_or_default()
}

fn in_cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "\\<")
}

fn section(kind: &str, about: &About) -> String {
    let mut text = format!("\n## {kind}\n\n**{}**: {}, over {}.\n", about.title, about.scheme, about.signed);
    if !about.setup.is_empty() {
        write!(text, "\n{}\n", about.setup.trim()).expect("text");
    }
    write!(text, "\n```toml\n{}```\n", example(kind, about)).expect("text");
    if !about.settings.is_empty() {
        text.push_str("\n| setting | says | |\n|---|---|---|\n");
        text.extend(about.settings.iter().map(setting));
    }
    text.push('\n');
    text.push_str(&list("Documentation", &about.docs));
    text.push_str(&list("Asked by", std::slice::from_ref(&about.poll)));
    text.push_str(&list("Compared with", std::slice::from_ref(&about.oracle)));
    text.push_str(&list("Not confirmed", &about.unconfirmed));
    match about.waits {
        Waits::None => {}
        Waits::Some => text.push_str(
            "- Some callbacks wait for a confirmation: what they say and the proof leaves out does not count until you asked \
             the gateway.\n",
        ),
        Waits::All => text.push_str(
            "- Every callback waits for a confirmation: it proves nothing of what it says, so nothing counts until you asked \
             the gateway.\n",
        ),
    }
    text
}

/// One thing stands in its line, several below it.
fn list(head: &str, things: &[String]) -> String {
    let things: Vec<&str> =
        things.iter().map(|thing| thing.trim()).filter(|thing| !thing.is_empty()).collect();
    match things.as_slice() {
        [] => String::new(),
        [one] => format!("- {head}: {}\n", linked(one)),
        several => {
            let lines: String = several.iter().map(|thing| format!("  - {}\n", linked(thing))).collect();
            format!("- {head}:\n{lines}")
        }
    }
}

fn linked(text: &str) -> String {
    match text.starts_with("https://") && !text.contains(' ') {
        true => format!("<{text}>"),
        false => text.replace('<', "\\<"),
    }
}

fn setting(setting: &Setting) -> String {
    let Setting { name, about, takes, one_of, default, is_required } = setting;
    let mut notes: Vec<String> = Vec::new();
    notes.extend(is_required.then(|| "needed".to_owned()));
    notes.extend(default.as_ref().map(|default| format!("default `{}`", in_cell(default))));
    notes.extend((!one_of.is_empty()).then(|| {
        let words: Vec<String> = one_of.iter().map(|word| format!("`{}`", in_cell(word))).collect();
        words.join(" or ")
    }));
    notes.extend(match *takes {
        "text" => None,
        "path" => Some("a place, or a list of them".to_owned()),
        "paths" => Some("a table of places".to_owned()),
        "status_map" => Some("a table from event type to status word".to_owned()),
        "networks" => Some("a list of networks".to_owned()),
        _ => Some("a remark".to_owned()),
    });
    row(&[format!("`{name}`"), in_cell(about), notes.join("; ")])
}

/// With what a gateway of this kind cannot do without.
fn example(kind: &str, about: &About) -> String {
    let mut text = format!("[gateways.{kind}]\nkind = \"{kind}\"\n");
    if about.takes_secrets {
        let variable = kind.to_uppercase().replace('-', "_");
        writeln!(text, "secrets = [{{ env = \"{variable}_SECRET\" }}]").expect("text");
    }
    let needed: Vec<&Setting> = about.settings.iter().filter(|setting| setting.is_required).collect();
    if !needed.is_empty() {
        write!(text, "\n[gateways.{kind}.settings]\n").expect("text");
    }
    for setting in needed {
        let value = setting.default.as_ref().or_else(|| setting.one_of.first()).map_or("…", String::as_str);
        let line = format!("{} = \"{value}\"", setting.name);
        text.push_str(&match setting.takes {
            "paths" | "status_map" => format!("{} = {{}}\n", setting.name),
            "networks" => format!("{} = []\n", setting.name),
            _ => format!("{line}\n"),
        });
    }
    text
}
