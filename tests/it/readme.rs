//! The worked example of the README runs as it is written: its files are the examples, its commands print what it says.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use payment_status::gateways::about;

const README: &str = include_str!("../../README.md");

/// From the heading to the next of its rank or above.
fn section(heading: &str) -> &'static str {
    let (_, rest) = README.split_once(&format!("\n### {heading}\n")).expect(heading);
    let end = ["\n## ", "\n### "].iter().filter_map(|next| rest.find(next)).min();
    &rest[..end.unwrap_or(rest.len())]
}

fn blocks(section: &'static str, language: &str) -> Vec<&'static str> {
    let start = format!("\n```{language}\n");
    let blocks = section.split(start.as_str()).skip(1);
    blocks.map(|block| block.split("```").next().expect("a block ends")).collect()
}

fn example(name: &str) -> String {
    fs::read_to_string(root().join("examples").join(name)).expect("an example")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// In a shell, where the examples are and the program is on the path.
fn shell(folder: &Path, script: &str) -> Output {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_payment-status"));
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", program.parent().expect("a folder").display());
    Command::new("sh").args(["-c", script]).current_dir(folder).env("PATH", path).output().expect("a shell")
}

#[test]
fn adding_a_gateway_runs_as_it_is_written() {
    let section = section("Adding a gateway");
    assert_eq!(blocks(section, "toml"), [example("our-bank.toml")]);
    assert_eq!(blocks(section, "http"), [format!("{}\n", example("our-bank.http").trim_end())]);

    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("examples")).expect("a folder");
    for name in ["our-bank.toml", "our-bank.http"] {
        fs::write(folder.path().join("examples").join(name), example(name)).expect("can be written");
    }
    let consoles = blocks(section, "console");
    assert_eq!(consoles.len(), 3);
    let lines: Vec<&str> = consoles.iter().flat_map(|console| console.lines()).collect();
    let mut before = String::new();
    for (index, command) in
        lines.iter().enumerate().filter_map(|(index, line)| Some((index, line.strip_prefix("$ ")?)))
    {
        let expected: Vec<&str> =
            lines[index + 1..].iter().copied().take_while(|line| !line.starts_with("$ ")).collect();
        let output = shell(folder.path(), &format!("{before}{command}"));
        let said = String::from_utf8([output.stdout, output.stderr].concat()).expect("text");
        let said: Vec<&str> = said.lines().map(str::trim_end).collect();
        assert_eq!(said, expected, "{command}");
        if command.starts_with("export ") {
            before = format!("{command}\n");
        }
    }
}

#[test]
fn the_chapters_that_the_readme_names_are_there() {
    let targets = README.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    for target in targets.filter(|target| !target.starts_with("http") && !target.starts_with('#')) {
        let (path, kind) = target.split_once('#').unwrap_or((target, ""));
        assert!(root().join(path).exists(), "{target} is not there");
        assert!(kind.is_empty() || about(kind).is_some(), "{target} names no kind");
    }
}
