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
    let nothing_to_prove_by = "[gateways.stripe-eu]\nkind = \"stripe\"";
    check_config(nothing_to_prove_by, &[], 1, "error: gateways.stripe-eu: secrets");
    let secret = [("S", "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXQ")];
    check_config(
        &format!("{stripe}\n[outbound]\nroot_certificates = \"none.pem\""),
        &secret,
        1,
        "none.pem: cannot be read: No such file",
    );
    check_config(
        &format!("{stripe}\n[outbound]\nroot_certificates = \"app.toml\""),
        &secret,
        1,
        "app.toml: there is no certificate (PEM) in it",
    );
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

#[track_caller]
fn fails_in_one_line(args: &[&str], env: &[(&str, &str)], expected: &str) {
    let output = run(args, env);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("error: ") && said.lines().count() == 1, "one line: {said}");
    assert!(said.contains(expected), "{said}");
}

#[test]
fn watching_nobody_is_said_in_one_line() {
    fails_in_one_line(&["watch", "--url", "http://127.0.0.1:1"], &[], "--url: http://127.0.0.1:1: ");
    fails_in_one_line(&["watch", "--url", "https://127.0.0.1:1"], &[], "must start with http://");
}

#[test]
fn a_database_that_cannot_be_used_is_said_in_one_line_without_its_password() {
    let migrate = |url: &str, expected: &str| {
        fails_in_one_line(&["migrate"], &[("PAYMENT_STATUS__DATABASE__URL", url)], expected);
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    fs::write(&file, "not a database, but long enough to be looked at".repeat(20)).unwrap();
    migrate(&format!("sqlite://{}", file.display()), "the file is not a database");
    migrate("sqlite:///no/such/folder/x.db", "does its folder exist");
    migrate(
        "postgres://me:pass@127.0.0.1:1/x",
        "database.url: postgres://127.0.0.1:1/x: the database is unavailable",
    );
}

#[test]
fn a_refused_simulation_fails_unless_it_is_forged() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/webhooks/stripe-eu", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        use std::io::{BufRead as _, BufReader, Write as _};
        for stream in listener.incoming().map_while(Result::ok) {
            let last = BufReader::new(&stream)
                .lines()
                .map_while(Result::ok)
                .find(|line| line.contains("payment_intent"));
            assert!(last.is_some());
            (&stream).write_all(b"HTTP/1.1 401 Unauthorized\r\n\r\n").unwrap();
        }
    });
    let simulate =
        |scenario| ["simulate", "--kind", "stripe", "--scenario", scenario, "--url", &url].map(str::to_owned);
    let secret = [("PAYMENT_STATUS_SECRET", "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXQ")];
    let [honest, forged] = [simulate("success"), simulate("forged")];
    fails_in_one_line(&honest.each_ref().map(String::as_str), &secret, "refused 1 of 1 callbacks");
    fails_in_one_line(&honest.each_ref().map(String::as_str), &[], "gateways.stripe-eu: secrets");
    let output = run(&forged.each_ref().map(String::as_str), &secret);
    assert!(output.status.success(), "{}", text(&output.stderr));
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
