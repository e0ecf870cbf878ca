//! The binary as people call it: answers on stdout, faults on stderr, exit codes as the help tells.

use onedoor::app::upstreams::Upstreams;
use onedoor::config::{Config, ConfigInputs};

use super::harness::process::onedoor;

fn settings(folder: &tempfile::TempDir) -> Vec<(String, String)> {
    vec![(
        "ONEDOOR__DATA_DIR".to_owned(),
        folder.path().join("data").display().to_string(),
    )]
}

#[test]
fn a_token_is_printed_and_nothing_else_and_its_key_is_its_owners() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "token",
        "--role",
        "clerk",
        "--organization",
        "340302001001:village.station",
    ];
    let (status, stdout, stderr) = onedoor(&arguments, &settings(&folder));
    assert!(status.success(), "{stderr}");
    assert_eq!(stderr, "");
    assert_eq!(stdout.trim_end().split('.').count(), 3);
    assert_eq!(stdout.lines().count(), 1);
    let key = std::fs::metadata(folder.path().join("data/keys/demo-issuer.key")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_role_without_its_organization_or_division_gets_no_token() {
    let folder = tempfile::tempdir().unwrap();
    for (role, wanted) in [("officer", "--organization"), ("supervisor", "--division")] {
        let (status, stdout, stderr) = onedoor(&["token", "--role", role], &settings(&folder));
        assert_eq!((status.code(), stdout.as_str()), (Some(1), ""));
        assert!(stderr.contains(wanted), "{stderr}");
    }
}

#[test]
fn the_default_settings_are_good_settings_and_what_is_in_force_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let (status, default, _) = onedoor(&["config", "default"], &[]);
    assert!(status.success());
    let file = folder.path().join("onedoor.toml");
    std::fs::write(&file, &default).unwrap();
    let mut settings = settings(&folder);
    settings.push((
        "ONEDOOR__REDIS__URL".to_owned(),
        "redis://:canary-word@127.0.0.1:6379/0".to_owned(),
    ));
    let arguments = ["config", "check", "--demo", "--config", file.to_str().unwrap()];
    let (status, in_force, stderr) = onedoor(&arguments, &settings);
    assert!(status.success(), "{stderr}");
    assert!(
        in_force.contains("[outbox]") && in_force.contains("url = \"***\""),
        "{in_force}"
    );
    assert!(!in_force.contains("canary-word"));
}

#[test]
fn faults_are_listed_all_at_once_and_end_with_their_exit_code() {
    let faulty = [
        ("ONEDOOR__SERVER__LISTEN".to_owned(), "everywhere".to_owned()),
        ("ONEDOOR__OUTBOX__CLAIM_MAX".to_owned(), "0".to_owned()),
        ("ONEDOOR__SERVER__LISSEN".to_owned(), "x".to_owned()),
    ];
    let (status, stdout, stderr) = onedoor(&["config", "check"], &faulty);
    assert_eq!((status.code(), stdout.as_str()), (Some(78), ""));
    for path in [
        "server.listen",
        "server.lissen",
        "outbox.claim_max",
        "auth.issuer",
        "secrets.data_key_file",
    ] {
        assert!(stderr.contains(path), "{path} in {stderr}");
    }
}

#[test]
fn wrong_usage_is_told_on_stderr() {
    let (status, stdout, stderr) = onedoor(&["tokens"], &[]);
    assert_eq!((status.code(), stdout.as_str()), (Some(2), ""));
    assert!(stderr.contains("Usage"), "{stderr}");
}

#[test]
fn a_reader_that_has_enough_is_no_failure() {
    let mut printing = std::process::Command::new(env!("CARGO_BIN_EXE_onedoor"))
        .args(["schema", "print"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // the schema is longer than what a pipe holds
    drop(printing.stdout.take());
    let output = printing.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert!(output.status.success(), "{}", output.status);
}

#[test]
fn a_demonstration_is_bound_to_the_city_and_what_is_configured_goes_before() {
    let folder = tempfile::tempdir().unwrap();
    let bound = |settings: &[(&str, &str)]| {
        let env = settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let inputs = ConfigInputs {
            file: None,
            env,
            demo: true,
        };
        let config = Config::load(&inputs).unwrap_or_else(|faults| panic!("{faults}"));
        Upstreams::bindings(&config).unwrap().by_role
    };
    let by_role = bound(&[]);
    assert_eq!(by_role["county.market"], "digit-city");
    assert_eq!(by_role["county.human-resources"], "sandbox");
    let alone = bound(&[("ONEDOOR__SANDBOX__CITY", "false")]);
    assert_eq!(alone.len(), 1, "{alone:?}");

    // one of two roles is taken, and the only role of another
    let own = r#"
        name = "our-own"
        title_zh = "自有系统"
        title_en = "Our own"
        protocol = "county-rest"
        base_url = "https://own.example/"
        roles = ["county.health", "county.market"]
        operator_contact = "0552-0000000"
        idempotency = "native"
    "#;
    std::fs::write(folder.path().join("own.toml"), own).unwrap();
    let by_role = bound(&[("ONEDOOR__UPSTREAMS__DIR", folder.path().to_str().unwrap())]);
    assert_eq!(
        ["county.health", "county.service-center", "county.market"].map(|role| by_role[role].as_str()),
        ["our-own", "ah-zwfw-bengbu", "our-own"]
    );
}
