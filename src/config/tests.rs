//! The settings are read, checked and refused with all faults at once.

use super::*;
use toml::{Table, Value};

fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn demo(pairs: &[(&str, &str)]) -> Result<Config, ConfigFaults> {
    Config::load(&ConfigInputs {
        file: None,
        env: env(pairs),
        demo: true,
    })
}

fn paths(faults: &ConfigFaults) -> Vec<&str> {
    faults.0.iter().map(|fault| fault.path.as_str()).collect()
}

#[test]
fn every_default_is_a_field_and_every_field_has_a_default() {
    let defaults: Table = DEFAULT_TOML.parse().unwrap();
    assert!(
        defaults.clone().try_into::<Config>().is_ok(),
        "a default without a field is refused"
    );
    for (section, value) in &defaults {
        let keys = value
            .as_table()
            .map(|table| table.keys().cloned().collect::<Vec<_>>())
            .unwrap_or_default();
        for key in keys {
            let mut less = defaults.clone();
            less.get_mut(section)
                .and_then(Value::as_table_mut)
                .unwrap()
                .remove(&key);
            assert!(
                less.try_into::<Config>().is_err(),
                "{section}.{key} must be asked for by its struct"
            );
        }
        let mut less = defaults.clone();
        less.remove(section);
        assert!(
            less.try_into::<Config>().is_err(),
            "{section} must be asked for by the struct"
        );
    }
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_default() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("onedoor.toml");
    std::fs::write(&file, "[server]\nworkers = 3\nstop_timeout_ms = 7\n").unwrap();
    let inputs = ConfigInputs {
        file: Some(file),
        env: env(&[
            ("ONEDOOR__SERVER__STOP_TIMEOUT_MS", "9"),
            ("ONEDOOR__DATA_DIR", "/elsewhere"),
            (
                "ONEDOOR__SERVER__ALLOWED_ORIGINS",
                "https://a.example, https://b.example:8443",
            ),
            ("ONEDOOR__SERVER__TRUSTED_PROXIES", r#"["10.0.0.1"]"#),
            ("HOME", "/root"),
        ]),
        demo: true,
    };
    let config = Config::load(&inputs).unwrap();
    assert_eq!(config.server.workers, 3);
    assert_eq!(config.server.stop_timeout_ms, 9);
    assert_eq!(config.data_dir, Path::new("/elsewhere"));
    assert_eq!(
        config.server.allowed_origins,
        ["https://a.example", "https://b.example:8443"]
    );
    assert_eq!(config.server.trusted_proxies.len(), 1);
    assert_eq!(
        config.database_url().expose(),
        "sqlite:///elsewhere/onedoor.db?mode=rwc"
    );
    assert_eq!(config.server.listen.port(), 8080);
}

#[test]
fn all_faults_are_reported_at_once_with_path_origin_and_reason() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("onedoor.toml");
    std::fs::write(
        &file,
        "[server]\nlisten = 8080\nlissen = \"x\"\n[http]\nstatus_profile = \"newest\"\n",
    )
    .unwrap();
    let inputs = ConfigInputs {
        file: Some(file),
        env: env(&[
            ("ONEDOOR__OUTBOX__CLAIM_MAX", "many"),
            ("ONEDOOR__OUTBOX__ATTEMPTS_MAX", "-1"),
            ("ONEDOOR__OUTBOX__LEASE_MS", "5000"),
            ("ONEDOOR__LIMITS__MODE", "off"),
            ("ONEDOOR__LIMITS", "off"),
            ("ONEDOOR__REDIS__URL", "localhost"),
            ("ONEDOOR__NOWHERE__KEY", "1"),
        ]),
        demo: true,
    };
    let faults = Config::load(&inputs).unwrap_err();
    let mut found = paths(&faults);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "http.status_profile",
            "limits",
            "limits.mode",
            "nowhere.key",
            "outbox.attempts_max",
            "outbox.claim_max",
            "outbox.lease_ms",
            "redis.url",
            "server.lissen",
            "server.listen",
        ]
    );
    let text = faults.to_string();
    assert!(text.contains("server.lissen (file "), "{text}");
    assert!(text.contains("is `listen` meant?"), "{text}");
    assert!(
        text.contains("outbox.claim_max (environment ONEDOOR__OUTBOX__CLAIM_MAX): must be a whole number")
    );
    assert!(text.contains("expected `audit` or `draft-2026-08`"), "{text}");
    assert!(
        text.contains("outbox.lease_ms (environment ONEDOOR__OUTBOX__LEASE_MS): must be longer"),
        "{text}"
    );
}

#[test]
fn outside_demo_mode_missing_and_example_secrets_refuse_to_start() {
    let folder = tempfile::tempdir().unwrap();
    let example = folder.path().join("data.key");
    std::fs::write(&example, "00".repeat(32)).unwrap();
    let inputs = |pairs| ConfigInputs {
        file: None,
        env: env(pairs),
        demo: false,
    };
    let faults = Config::load(&inputs(&[])).unwrap_err();
    assert_eq!(
        paths(&faults),
        [
            "auth.issuer",
            "secrets.data_key_file",
            "secrets.receipt_key_file",
            "secrets.index_key_file",
            "kiosk.sealing_key_file"
        ]
    );
    let faults = Config::load(&inputs(&[
        ("ONEDOOR__AUTH__ISSUER", "https://id.example"),
        ("ONEDOOR__DATABASE__URL", "postgres://onedoor:changeme@db/onedoor"),
        ("ONEDOOR__SECRETS__DATA_KEY_FILE", example.to_str().unwrap()),
        ("ONEDOOR__SECRETS__RECEIPT_KEY_FILE", "/absent"),
    ]))
    .unwrap_err();
    assert_eq!(
        paths(&faults),
        [
            "database.url",
            "auth.public_key_file",
            "auth.key_id",
            "secrets.data_key_file",
            "secrets.receipt_key_file",
            "secrets.index_key_file",
            "kiosk.sealing_key_file"
        ]
    );
}

#[test]
fn secrets_never_show_in_faults_or_in_the_printed_configuration() {
    let canary = "canary-7KQ4M2XD";
    let url = format!("postgres://onedoor:{canary}@db/onedoor");
    let config = demo(&[("ONEDOOR__DATABASE__URL", &url)]).unwrap();
    assert_eq!(config.database_url().expose(), &url);
    assert!(!toml::to_string(&config).unwrap().contains(canary));
    assert!(!format!("{config:?}").contains(canary));

    let faults = demo(&[("ONEDOOR__DATABASE__URL", &format!("mysql://onedoor:{canary}@db"))]).unwrap_err();
    assert!(!faults.to_string().contains(canary));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broken.toml");
    std::fs::write(&file, format!("[database]\nurl = \"{canary}")).unwrap();
    let faults = Config::load(&ConfigInputs {
        file: Some(file),
        env: Vec::new(),
        demo: true,
    })
    .unwrap_err();
    assert!(faults.to_string().contains("not TOML at line 2"), "{faults}");
    assert!(!faults.to_string().contains(canary));
}

#[test]
fn an_absent_file_is_a_fault() {
    let inputs = ConfigInputs {
        file: Some("/absent.toml".into()),
        env: Vec::new(),
        demo: true,
    };
    assert_eq!(paths(&Config::load(&inputs).unwrap_err()), ["(file)"]);
}

#[test]
fn a_lease_must_outlast_an_attempt() {
    let outbox = demo(&[]).unwrap().outbox;
    assert!(outbox.lease_covers("county", 49_999).is_ok());
    assert!(outbox.lease_covers("county", 50_000).is_err());
    assert!(outbox.lease_covers("county", u64::MAX).is_err());
}

/// Two issuers as a file has them.
const GOOD_ISSUERS: &str = r#"
        [[auth.issuers]]
        name = "staff"
        issuer = "https://id.example.cn/staff"
        roles = ["clerk"]
        role_values = { window = "clerk" }
        client_id = "pages"
        [[auth.issuers]]
        name = "residents"
        issuer = "https://id.example.cn/residents"
        jwks_url = "https://id.example.cn/keys"
        algorithm = "RS256"
        roles = ["citizen"]
    "#;

/// Two issuers with whatever can be wrong in them.
const BAD_ISSUERS: &str = r#"
        [auth]
        revocation_poll_ms = 10_000
        [websocket]
        ping_interval_ms = 40_000
        [[auth.issuers]]
        name = "default"
        issuer = "http://id.example.cn"
        leeway_s = "long"
        colour = "red"
        algorithm = "HS256"
        roles = ["clerk", "king"]
        claims = { role = "a..b" }
        role_values = { window = "kings" }
        allow_addresses = ["10.0.0.0/4"]
        [[auth.issuers]]
        name = "two"
        issuer = "http://id.example.cn"
        client_secret_file = "/nowhere"
        roles = []
    "#;

#[test]
fn faults_of_all_issuers_are_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("onedoor.toml");
    let load = |text: &str, demo: bool| {
        std::fs::write(&file, text).unwrap();
        Config::load(&ConfigInputs {
            file: Some(file.clone()),
            env: Vec::new(),
            demo,
        })
    };
    let config = load(GOOD_ISSUERS, true).unwrap();
    assert_eq!(config.auth.issuers.len(), 2);
    assert_eq!(config.auth.issuers[0].claims.role, "role");
    let faults = load(BAD_ISSUERS, false).unwrap_err();
    let mut found = paths(&faults);
    found.sort_unstable();
    found.dedup();
    let found: Vec<_> = found
        .into_iter()
        .filter(|path| path.starts_with("auth."))
        .collect();
    assert_eq!(
        found,
        [
            "auth.issuers[0].algorithm",
            "auth.issuers[0].allow_addresses",
            "auth.issuers[0].claims.role",
            "auth.issuers[0].colour",
            "auth.issuers[0].issuer",
            "auth.issuers[0].leeway_s",
            "auth.issuers[0].name",
            "auth.issuers[0].role_values",
            "auth.issuers[0].roles",
            "auth.issuers[1].client_secret_file",
            "auth.issuers[1].issuer",
            "auth.issuers[1].roles",
            "auth.revocation_poll_ms",
        ],
        "{faults}"
    );
    let unsafe_address = "[server]\npublic_url = \"http://door.example\"\n";
    let faults = load(&format!("{unsafe_address}{GOOD_ISSUERS}"), false).unwrap_err();
    assert!(
        paths(&faults).contains(&"server.public_url"),
        "cookies would go in the clear"
    );
}
