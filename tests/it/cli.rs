//! The commands as typed: what they print, and how they end.

use std::{fs, process::Output};

use crate::harness::program;

const COMMANDS: &[&str] =
    &["demo", "serve", "service", "adapter", "migrate", "check-config", "simulate", "watch", "inspect"];

fn run(args: &[&str], env: &[(&str, &str)]) -> Output {
    program().args(args).envs(env.iter().copied()).output().expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn every_command_helps_with_an_example() {
    for command in COMMANDS {
        let output = run(&[command, "--help"], &[]);
        let help = text(&output.stdout);
        assert!(output.status.success(), "{command} --help");
        assert!(help.contains("Examples:") && help.contains(&format!("payment-status {command}")), "{help}");
    }
    assert!(text(&run(&["--help"], &[]).stdout).contains("payment-status demo"));
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    for args in [&["nonsense"] as &[&str], &["serve", "--no-such-flag"], &["adapter"], &[]] {
        assert_eq!(run(args, &[]).status.code(), Some(2), "{args:?}");
    }
}

#[track_caller]
fn check_config(config: &str, env: &[(&str, &str)], code: i32, expected: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.toml");
    fs::write(&path, config).unwrap();
    let output = run(&["check-config", "--config", path.to_str().unwrap()], env);
    let said = text(if code == 0 { &output.stdout } else { &output.stderr });
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(expected), "{said}");
    assert!(code == 0 || said.lines().count() == 1, "one line: {said}");
}

#[test]
fn check_config_tells_a_good_file_from_a_bad_one() {
    let stripe = "[gateways.stripe-eu]\nkind = \"stripe\"\nsecrets = [{ env = \"S\" }]";
    check_config(stripe, &[("S", "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXQ")], 0, "stripe-eu");
    check_config(stripe, &[], 1, "error: gateways.stripe-eu.secrets[0]: env S is not set");
    check_config("", &[], 1, "error: gateways: at least one is needed");
    check_config(stripe, &[("S", "whsec_changeme")], 1, "error: gateways.stripe-eu: ");
    check_config(
        &stripe.replace("\"stripe\"", "\"strype\""),
        &[("S", "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXQ")],
        1,
        "`strype`",
    );
    check_config("[htp]", &[], 1, "unknown key `htp`");
}

#[test]
fn watching_nobody_is_said_in_one_line() {
    let output = run(&["watch", "--url", "http://127.0.0.1:1"], &[]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.starts_with("error: --url: http://127.0.0.1:1: ") && said.lines().count() == 1, "{said}");
}

#[test]
fn inspect_says_what_a_captured_callback_would_do() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/adyen/adyen-1.json");
    let vector: serde_json::Value = serde_json::from_slice(&fs::read(vectors).unwrap()).unwrap();
    let secret = folder.path().join("adyen.key");
    fs::write(&secret, vector["secret"].as_str().unwrap()).unwrap();
    let with =
        ["inspect", "--kind", "adyen", "--now", "1767261600", "--secret-file", secret.to_str().unwrap()];

    let shown = run(&[&with[..], &["--json", vectors]].concat(), &[]);
    let report: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(report["valid"], true, "{report}");
    for field in ["event_id", "gateway_payment_id", "amount_minor", "currency", "status"] {
        assert_eq!(report["notifications"][0][field], vector["expect"][field], "{field}");
    }
    assert!(text(&run(&[&with[..], &[vectors]].concat(), &[]).stdout).starts_with("authentic, proven by "));

    let missing = run(&[&with[..], &["/nowhere.json"]].concat(), &[]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stderr).starts_with("error: /nowhere.json: No such file"));
}
