//! Bad configuration: one line that names the key and where it was set, and never a secret.

use payment_status::config::{Config, Environment, Kind, Migrate, Mode};

const GATEWAY: &str = "[gateways.stripe-eu]\nkind = \"stripe\"\n";

/// Loads this text as `app.toml`; a refusal is the text after the folder's name.
fn load(text: &str, env: &[(&str, &str)]) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.toml");
    std::fs::write(&path, text).unwrap();
    let env = env_of(env);
    let loaded = Config::load(Some(&path), &env).and_then(|config| {
        let secrets = config.gateways.iter().map(|(name, gateway)| gateway.secrets(name, &env));
        secrets.collect::<Result<Vec<_>, _>>().map(|_| config)
    });
    let folder = format!("{}/", folder.path().display());
    loaded.map_err(|error| error.to_string().replace(&folder, ""))
}

fn env_of(env: &[(&str, &str)]) -> Environment {
    env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[track_caller]
fn refused(text: &str, env: &[(&str, &str)], expected: &str) {
    assert_eq!(load(text, env).map(|_| "accepted").unwrap_err(), expected);
}

#[test]
fn an_empty_file_means_the_defaults() {
    let config = load("", &[]).unwrap();
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.grpc.listen.to_string(), "127.0.0.1:50051");
    assert_eq!(config.ops.listen.to_string(), "127.0.0.1:9090");
    assert_eq!(config.database.url.as_str(), "sqlite://payment-status.db");
    assert_eq!(config.database.migrate, Migrate::Auto);
    assert!(config.grpc.reflection && config.gateways.is_empty());
}

#[test]
fn the_example_of_the_readme_loads() {
    let text = r#"
        [http]
        listen = "0.0.0.0:8080"
        [database]
        url = "postgres://pay@db/pay"
        migrate = "manual"
        [gateways.stripe-eu]
        kind = "stripe"
        mode = "test"
        secrets = [{ env = "STRIPE_EU_SECRET", not_after = "2027-01-31T00:00:00Z" }]
        [gateways.our-bank]
        kind = "file:our-bank.toml"
        secrets = [{ env = "STRIPE_EU_SECRET", not_before = 2026-01-31T00:00:00Z }]
        settings = { merchant_code = "999" }
    "#;
    let config = load(text, &[("STRIPE_EU_SECRET", "whsec_0123456789abcdef")]).unwrap();
    assert_eq!(config.gateways["stripe-eu"].mode, Mode::Test);
    let Kind::File(path) = &config.gateways["our-bank"].kind else { panic!("a file") };
    assert!(path.is_absolute() && path.ends_with("our-bank.toml"), "{path:?} is beside the configuration");
}

#[test]
fn a_wrong_key_or_value_is_named_with_its_line() {
    let cases = [
        (
            "[http]\nlisen = \"x\"",
            "app.toml:2: http.lisen: unknown key `lisen`, expected one of `listen`, `max_connections`, \
         `trusted_proxies`",
        ),
        (
            "[htp]",
            "app.toml:1: htp: unknown key `htp`, expected one of `http`, `grpc`, `ops`, `database`, `gateways`, `outbound`, `log`",
        ),
        (
            "[http]\nlisten = \"localhost:80\"",
            "app.toml:2: http.listen: `localhost:80` is not IP:PORT, such as 127.0.0.1:8080",
        ),
        (
            "[http]\nmax_connections = 0",
            "app.toml:2: http.max_connections: invalid value: integer `0`, expected a nonzero u32",
        ),
        (
            "[database]\nurl = \"mysql://root:hunter2@db\"",
            "app.toml:2: database.url: a database is sqlite://path or postgres://user@host/database",
        ),
        (
            "[database]\nurl = \"sqlite://:memory:\"",
            "app.toml:2: database.url: SQLite needs a file: sqlite://payment-status.db",
        ),
        (
            "[database]\nmigrate = \"never\"",
            "app.toml:2: database.migrate: unknown variant `never`, expected `auto` or `manual`",
        ),
        (
            "[outbound]\nno_proxy = \"x\"",
            "app.toml:2: outbound.no_proxy: unknown key `no_proxy`, expected `proxy` or `root_certificates`",
        ),
        (
            "[log]\nformat = \"xml\"",
            "app.toml:2: log.format: unknown variant `xml`, expected `human` or `json`",
        ),
        ("[gateways.x]\nmode = \"live\"", "app.toml:1: gateways.x: missing field `kind`"),
        (
            "[gateways.x]\nkind = \"stripe\"\nsecret = \"whsec_hunter2\"",
            "app.toml:3: gateways.x.secret: unknown key `secret`, expected one of `kind`, `mode`, `unregistered`, `account`, `secrets`, `settings`",
        ),
        (
            "[gateways.x]\nkind = \"stripe\"\nmode = \"sandbox\"",
            "app.toml:3: gateways.x.mode: unknown variant `sandbox`, expected `live` or `test`",
        ),
    ];
    for (text, expected) in cases {
        refused(text, &[], expected);
    }
}

#[test]
fn broken_toml_is_named_with_its_line_only() {
    let error = load("[http]\nlisten = whsec_hunter2\n", &[]).unwrap_err();
    assert!(error.starts_with("app.toml:2: "), "{error}");
    assert!(!error.contains("hunter2") && !error.contains('\n'), "{error}");
}

#[test]
fn a_secret_that_cannot_be_had_is_named_and_never_shown() {
    let cases = [
        ("secrets = [{ env = \"UNSET\" }]", "gateways.stripe-eu.secrets[0]: env UNSET is not set"),
        (
            "secrets = [{ env = \"GOOD\" }, { env = \"EMPTY\" }]",
            "gateways.stripe-eu.secrets[1]: env EMPTY is empty",
        ),
        (
            "secrets = [{ file = \"none\" }]",
            "gateways.stripe-eu.secrets[0]: file none cannot be read: No such file or directory (os error 2)",
        ),
        (
            "secrets = \"whsec_hunter2\"",
            "app.toml:3: gateways.stripe-eu.secrets: must be a list such as [{ env = \"STRIPE_EU_SECRET\" }]",
        ),
        (
            "secrets = [\"whsec_hunter2\"]",
            "app.toml:3: gateways.stripe-eu.secrets: item 0 must be { env = \"…\" } or { file = \"…\" }; a secret itself does not belong here",
        ),
        (
            "secrets = [{ value = \"whsec_hunter2\" }]",
            "app.toml:3: gateways.stripe-eu.secrets: item 0 must name one place: env = \"…\" or file = \"…\"",
        ),
        (
            "secrets = [{ env = \"GOOD\", file = \"x\" }]",
            "app.toml:3: gateways.stripe-eu.secrets: item 0 must name one place: env = \"…\" or file = \"…\"",
        ),
        (
            "secrets = [{ env = \"GOOD\", until = 1 }]",
            "app.toml:3: gateways.stripe-eu.secrets: item 0 has an unknown key; it may have env, file, key_id, not_before and not_after",
        ),
        (
            "secrets = [{ env = \"GOOD\", key_id = \" \" }]",
            "app.toml:3: gateways.stripe-eu.secrets: item 0 has a key_id that is not a text of 1 to 256 bytes",
        ),
        (
            "secrets = [{ env = \"GOOD\", key_id = 7 }]",
            "app.toml:3: gateways.stripe-eu.secrets: item 0 has a key_id that is not a text of 1 to 256 bytes",
        ),
        (
            "secrets = [{ env = \"GOOD\", not_after = \"soon\" }]",
            "app.toml:3: gateways.stripe-eu.secrets: item 0 has a not_after that is not a time like 2027-01-31T00:00:00Z (RFC 3339)",
        ),
        (
            "secrets = [{ env = \"GOOD\", not_before = \"2027-01-31T00:00:00Z\", not_after = \"2026-01-31T00:00:00Z\" }]",
            "app.toml:3: gateways.stripe-eu.secrets: item 0 never counts: not_before is not earlier than not_after",
        ),
    ];
    let env = [("GOOD", "whsec_0123456789abcdef"), ("EMPTY", " \n")];
    for (secrets, expected) in cases {
        refused(&format!("{GATEWAY}{secrets}"), &env, expected);
    }
}

#[test]
fn a_secret_file_loses_its_one_line_end_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.toml");
    std::fs::write(&path, format!("{GATEWAY}secrets = [{{ file = \"secret\" }}]")).unwrap();
    for (content, expected) in
        [("  key \n", "  key "), ("key\r\n", "key"), ("key\n\n", "key\n"), ("key", "key")]
    {
        std::fs::write(folder.path().join("secret"), content).unwrap();
        let config = Config::load(Some(&path), &Environment::default()).unwrap();
        let secrets = config.gateways["stripe-eu"].secrets("stripe-eu", &Environment::default()).unwrap();
        assert_eq!(secrets[0].value, expected);
        assert!(!format!("{secrets:?}").contains("key"), "{secrets:?}");
    }
}

#[test]
fn a_secret_may_carry_the_gateways_name_for_it() {
    let env = [("S", "0123456789abcdef")];
    let check = |secrets: &str, expected: &[Option<&str>]| {
        let config = load(&format!("{GATEWAY}{secrets}"), &env).unwrap();
        let read = config.gateways["stripe-eu"].secrets("stripe-eu", &env_of(&env)).unwrap();
        assert_eq!(read.iter().map(|secret| secret.key_id.as_deref()).collect::<Vec<_>>(), expected);
    };
    check("secrets = [{ env = \"S\" }]", &[None]);
    check("secrets = [{ env = \"S\", key_id = \"2026-A\" }, { env = \"S\" }]", &[Some("2026-A"), None]);
    check("secrets = []", &[]);
    check("", &[]);
}

#[test]
fn the_environment_overrides_every_key() {
    let env = [
        ("PAYMENT_STATUS__DATABASE__URL", "postgres://pay@db/pay"),
        ("PAYMENT_STATUS__HTTP__MAX_CONNECTIONS", "7"),
        ("PAYMENT_STATUS__GRPC__REFLECTION", "false"),
        ("PAYMENT_STATUS__GATEWAYS__STRIPE_EU__MODE", "test"),
        ("PAYMENT_STATUS__GATEWAYS__STRIPE_EU__ACCOUNT", "1234"),
        ("PAYMENT_STATUS__GATEWAYS__STRIPE_EU__SECRETS", "[{ env = \"S\" }]"),
        ("PAYMENT_STATUS__GATEWAYS__NEW_ONE__KIND", "adyen"),
        ("PAYMENT_STATUS__GATEWAYS__NEW_ONE__SECRETS", "[{ env = \"S\" }]"),
        ("PAYMENT_STATUS__GATEWAYS__NEW_ONE__SETTINGS__MERCHANT_CODE", "999"),
        ("S", "0123456789abcdef"),
    ];
    let config = load(GATEWAY, &env).unwrap();
    assert_eq!(config.database.url.as_str(), "postgres://pay@db/pay");
    assert_eq!(config.http.max_connections.get(), 7);
    assert!(!config.grpc.reflection);
    let gateway = &config.gateways["stripe-eu"];
    assert_eq!((gateway.mode, gateway.account.as_deref()), (Mode::Test, Some("1234")));
    assert_eq!(config.gateways["new-one"].settings["merchant_code"].as_str(), Some("999"));
}

#[test]
fn a_wrong_variable_is_named() {
    let cases = [
        (
            "PAYMENT_STATUS__DATABSE__URL",
            "x",
            "PAYMENT_STATUS__DATABSE__URL: databse: unknown key `databse`, expected one of `http`, `grpc`, `ops`, `database`, `gateways`, `outbound`, `log`",
        ),
        (
            "PAYMENT_STATUS__HTTP__LISTEN",
            "80",
            "PAYMENT_STATUS__HTTP__LISTEN: http.listen: `80` is not IP:PORT, such as 127.0.0.1:8080",
        ),
        (
            "PAYMENT_STATUS__HTTP__LISTEN__PORT",
            "80",
            "PAYMENT_STATUS__HTTP__LISTEN__PORT: does not name a key, such as PAYMENT_STATUS__DATABASE__URL",
        ),
        (
            "PAYMENT_STATUS__HTTP",
            "whsec_hunter2",
            "PAYMENT_STATUS__HTTP: http: text does not belong here, expected struct Http",
        ),
    ];
    for (variable, value, expected) in cases {
        refused("[http]\nlisten = \"127.0.0.1:80\"", &[(variable, value)], expected);
    }
    let error =
        load(GATEWAY, &[("PAYMENT_STATUS__GATEWAYS__STRIPE_EU__SECRETS", "whsec_hunter2")]).unwrap_err();
    assert!(
        error.starts_with("PAYMENT_STATUS__GATEWAYS__STRIPE_EU__SECRETS: ") && !error.contains("hunter2"),
        "{error}"
    );
}

#[test]
fn an_override_does_not_hide_the_line_of_a_mistake_in_the_file() {
    let env = [("PAYMENT_STATUS__HTTP__MAX_CONNECTIONS", "7")];
    refused("[ops]\nport = 1", &env, "app.toml:2: ops.port: unknown key `port`, expected `listen`");
}

#[test]
fn a_proxy_is_a_host_and_a_port_and_its_password_is_not_shown() {
    for good in ["http://127.0.0.1:3128", "http://proxy.internal:8080/", "http://[::1]:3128"] {
        let config = load(&format!("[outbound]\nproxy = \"{good}\""), &[]).unwrap();
        let expected = good.trim_start_matches("http://").trim_end_matches('/');
        assert_eq!(config.outbound.proxy.unwrap().authority(), expected);
    }
    for bad in [
        "",
        "proxy.internal",
        "proxy.internal:3128",
        "http://proxy.internal",
        "http://proxy.internal:0",
        "http://:3128",
        "http://user:hunter2@proxy.internal:3128",
        "http://proxy.internal:3128/path",
        "http://proxy.internal:3128?x=1",
        "https://proxy.internal:3128",
        "socks5://proxy.internal:1080",
    ] {
        let expected =
            "app.toml:2: outbound.proxy: a proxy is http://HOST:PORT, without user, password and path";
        refused(&format!("[outbound]\nproxy = \"{bad}\""), &[], expected);
    }
}

#[test]
fn the_way_out_can_come_from_the_environment() {
    let env = [
        ("PAYMENT_STATUS__OUTBOUND__PROXY", "http://proxy.internal:3128"),
        ("PAYMENT_STATUS__OUTBOUND__ROOT_CERTIFICATES", "company.pem"),
    ];
    let outbound = load("", &env).unwrap().outbound;
    assert_eq!(outbound.proxy.unwrap().authority(), "proxy.internal:3128");
    let roots = outbound.root_certificates.unwrap();
    assert!(roots.is_absolute() && roots.ends_with("company.pem"), "{roots:?} is beside the configuration");
    assert!(load("", &[]).unwrap().outbound.proxy.is_none());
}

#[test]
fn an_open_grpc_listener_is_refused() {
    let error = load("[grpc]\nlisten = \"0.0.0.0:50051\"", &[]).unwrap_err();
    assert!(error.starts_with("grpc.listen: 0.0.0.0:50051 is not a loopback address"), "{error}");
    assert!(load("[grpc]\nlisten = \"[::1]:50051\"", &[]).is_ok());
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Config::load(Some("/nowhere/app.toml".as_ref()), &Environment::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "/nowhere/app.toml: cannot be read: No such file or directory (os error 2)"
    );
}
