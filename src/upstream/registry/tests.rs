//! Every upstream is checked at start-up, and a binding finds one upstream alone.

use super::*;
use crate::clock::SystemClock;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn config(name: &str, more: &str) -> UpstreamConfig {
    let text = format!(
        r#"
        name = "{name}"
        title_zh = "甲"
        title_en = "A"
        operator_contact = "0552-0000000"
        {more}
        "#
    );
    UpstreamConfig::parse(&text, &Origin::Default).expect("configuration")
}

const SOUND: &str = r#"
    protocol = "county-rest"
    base_url = "https://a.example/"
    idempotency = "native"
"#;

fn build(configs: Vec<UpstreamConfig>) -> Result<Registry, Vec<Fault>> {
    let metrics = UpstreamMetrics::register(&prometheus::Registry::new()).expect("metrics");
    let clock: SharedClock = Arc::new(SystemClock);
    let secrets = |at: &SecretRef| match at {
        SecretRef::Env(name) if name == "GOOD" => Ok(Redacted::new(SECRET.to_owned())),
        SecretRef::Env(name) if name == "TOKEN" => Ok(Redacted::new("token-from-a-file\n".to_owned())),
        SecretRef::Env(name) if name == "BROKEN" => Ok(Redacted::new("two\nlines".to_owned())),
        SecretRef::Env(name) if name == "BAD" => Ok(Redacted::new("hunter2".to_owned())),
        SecretRef::Env(_) | SecretRef::File(_) => Err("is not set".to_owned()),
    };
    Registry::build(configs, &secrets, &metrics, &clock).map_err(|faults| faults.0)
}

#[test]
fn an_organization_goes_before_its_role() {
    let by_role = config(
        "by-role",
        &format!("{SOUND} roles = [\"county.human-resources\"]"),
    );
    let by_code = config("by-code", &format!("{SOUND} organizations = [\"ORG-7\"]"));
    let registry = build(vec![by_role, by_code]).expect("registry");
    let bound = |code, role| {
        registry
            .bound_to(code, role)
            .map(|one| one.config().name.to_string())
    };
    assert_eq!(
        bound("ORG-1", "county.human-resources").as_deref(),
        Some("by-role")
    );
    assert_eq!(
        bound("ORG-7", "county.human-resources").as_deref(),
        Some("by-code")
    );
    assert_eq!(bound("ORG-1", "county.civil-affairs"), None);
    assert_eq!(registry.iter().count(), 2);
}

#[test]
fn faults_of_all_upstreams_are_told_at_once_without_secrets() {
    let first = config(
        "first",
        &format!("{SOUND} roles = [\"r\"]\n[auth]\nbearer = {{ env = \"NONE\" }}"),
    );
    let second = config(
        "second",
        r#"
        protocol = "telepathy"
        base_url = "http://169.254.169.254/"
        idempotency = "native"
        roles = ["r"]
        [callback]
        secrets = [{ env = "GOOD" }, { env = "BAD" }]
        "#,
    );
    let third = config(
        "first",
        &format!("{SOUND} roles = [\"s\"]\n[options]\ncolour = 1"),
    );
    let faults = build(vec![first, second, third]).expect_err("faults");
    let paths: BTreeSet<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    let expected = BTreeSet::from([
        "upstreams.first.auth.bearer",
        "upstreams.first.name",
        "upstreams.first.options.colour",
        "upstreams.second.base_url",
        "upstreams.second.callback.secrets",
        "upstreams.second.protocol",
        "upstreams.second.roles",
    ]);
    assert!(paths.is_superset(&expected), "{faults:#?}");
    assert!(!format!("{faults:?}").contains("hunter2"));
}

#[test]
fn loopback_and_metadata_addresses_need_the_allow_list() {
    for url in [
        "http://127.0.0.1:9/",
        "http://[::ffff:127.0.0.1]/",
        "http://169.254.169.254/",
        "http://[::1]/",
    ] {
        let config = config(
            "a",
            &SOUND
                .replace("https://a.example/", url)
                .replace("idempotency", "roles = [\"r\"]\nidempotency"),
        );
        let faults = build(vec![config]).expect_err(url);
        assert_eq!(
            faults.first().map(|fault| fault.path.as_str()),
            Some("upstreams.a.base_url"),
            "{url}"
        );
    }
    let allowed = format!("{SOUND} roles = [\"r\"]\nallow_addresses = [\"127.0.0.1\"]");
    let config = config("a", &allowed.replace("https://a.example/", "http://127.0.0.1:9/"));
    assert!(build(vec![config]).is_ok());
}

#[test]
fn a_secret_in_the_body_has_a_place_and_fits_every_charset() {
    let with = |field: &str, name: &str| {
        let auth = format!("[auth.body]\nfield = \"{field}\"\nsecret = {{ env = \"{name}\" }}");
        format!(
            "name = \"a\"\ntitle_zh = \"甲\"\ntitle_en = \"A\"\noperator_contact = \"1\"\n\
             {SOUND} roles = [\"r\"]\n{auth}"
        )
    };
    let parsed = |field: &str, name: &str| UpstreamConfig::parse(&with(field, name), &Origin::Default);
    for field in ["api_key", "RequestInfo.authToken"] {
        let config = parsed(field, "TOKEN").expect("configuration");
        assert_eq!(config.secret_refs().len(), 1, "{field}");
        assert!(build(vec![config]).is_ok(), "{field}");
    }
    for field in ["", ".a", "a..b", "a b", "密钥", "a&b"] {
        let faults = parsed(field, "TOKEN").expect_err(field);
        let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(paths, ["auth.body.field"], "{field}");
    }
    let broken = parsed("api_key", "BROKEN").expect("configuration");
    let faults = build(vec![broken]).expect_err("two lines");
    assert_eq!(
        faults.first().map(|fault| fault.path.as_str()),
        Some("upstreams.a.auth.body.secret")
    );
}

#[test]
fn a_token_must_fit_a_header() {
    let with = |name: &str| {
        config(
            "a",
            &format!("{SOUND} roles = [\"r\"]\n[auth]\nbearer = {{ env = \"{name}\" }}"),
        )
    };
    assert!(
        build(vec![with("TOKEN")]).is_ok(),
        "a line break at the end is no part of it"
    );
    let faults = build(vec![with("BROKEN")]).expect_err("two lines");
    assert_eq!(
        faults.first().map(|fault| fault.path.as_str()),
        Some("upstreams.a.auth.bearer")
    );
}

#[test]
fn what_cannot_be_told_or_proved_is_refused_and_a_subscriber_stands_for_nobody() {
    let subscriber =
        "protocol = \"standard-webhooks\"\nbase_url = \"https://a.example/\"\nidempotency = \"native\"";
    let signed = "[auth]\nsigning = { env = \"GOOD\" }";
    let notify = "[notify]\nevents = [\"ACCEPTED\"]\ncases = \"all\"";
    let sound = config("sound", &format!("{subscriber}\n{signed}\n{notify}"));
    assert!(build(vec![sound]).is_ok());
    let paths = |more: &str| {
        let faults = build(vec![config("a", more)]).expect_err(more);
        faults.into_iter().map(|fault| fault.path).collect::<Vec<_>>()
    };
    assert_eq!(
        paths(&format!("{subscriber}\n{notify}")),
        ["upstreams.a.auth.signing"],
        "nobody knows who sends"
    );
    assert_eq!(
        paths(&format!("roles = [\"r\"]\n{subscriber}\n{signed}\n{notify}")),
        ["upstreams.a.protocol"],
        "it takes no case over"
    );
    assert_eq!(
        paths(&format!("{SOUND} roles = [\"r\"]\n{notify}")),
        ["upstreams.a.notify.cases"],
        "county-rest tells by its own number"
    );
    assert_eq!(
        paths(&format!(
            "{subscriber}\n[auth]\nsigning = [{{ env = \"GOOD\" }}, {{ env = \"BAD\" }}]\n{notify}"
        )),
        ["upstreams.a.auth.signing"]
    );
}

#[test]
fn a_system_that_knows_cases_by_its_own_numbers_alone_is_asked_by_them_alone() {
    let with = |idempotency: &str| {
        let more = format!(
            "protocol = \"open311\"\nbase_url = \"https://a.example/\"\nidempotency = \"{idempotency}\"\n\
             roles = [\"r\"]\n[options.services]\n\"*\" = \"1\""
        );
        build(vec![config("a", &more)])
    };
    let faults = with("query-before-retry").expect_err("cannot be asked for what was lost");
    let [fault] = faults.as_slice() else {
        panic!("{faults:#?}")
    };
    assert_eq!(fault.path, "upstreams.a.idempotency");
    assert!(fault.reason.contains("open311 cannot"), "{}", fault.reason);

    let registry = with("none").expect("registry");
    let by_numbers = registry.iter().next().expect("one");
    let number = ExternalId::parse("7");
    assert!(by_numbers.can_ask() && by_numbers.can_ask_for(number.as_ref()));
    assert!(!by_numbers.can_ask_for(None));
    let county = config("b", &format!("{SOUND} roles = [\"r\"]"));
    let registry = build(vec![county]).expect("registry");
    assert!(registry.iter().all(|county| county.can_ask_for(None)));
}
