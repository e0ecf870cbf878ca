//! The shipped example is valid, and a bad file tells all its faults.

use super::*;

const EXAMPLE: &str = include_str!("../../../config/upstreams/example.toml");

/// Every option of an upstream, by its name.
const OPTIONS: &[&str] = &[
    "name",
    "title_zh",
    "title_en",
    "protocol",
    "base_url",
    "roles",
    "organizations",
    "carries_items",
    "operator_contact",
    "idempotency",
    "division_code_system",
    "timeout_ms",
    "connect_timeout_ms",
    "concurrency_max",
    "response_max_bytes",
    "allow_addresses",
    "failures",
    "rest_ms",
    "bearer",
    "basic",
    "token_url",
    "client_id",
    "client_secret",
    "scope",
    "audience",
    "credentials_in",
    "signing",
    "secret",
    "header",
    "key_id",
    "key_id_header",
    "nonce_header",
    "canonical",
    "field",
    "certificate",
    "key",
    "authority",
    "rate_per_second",
    "budget_percent",
    "per_minute_min",
    "after_max_s",
    "secrets",
    "tolerance_s",
    "style",
    "addresses",
    "signature_header",
    "algorithm",
    "encoding",
    "prefix",
    "timestamp_header",
    "timestamp_unit",
    "id_header",
    "signed",
    "events",
    "cases",
    "divisions",
    "items",
    "ttl_ms",
    "every_s",
    "pages_max",
    "ask_overdue_every_s",
    "stale_if_error_s",
    "wait_ms",
];

#[test]
fn the_shipped_example_is_valid_and_shows_every_option() {
    let config = UpstreamConfig::parse(EXAMPLE, &Origin::Default).expect("the example");
    assert_eq!(config.name.as_str(), "county-hr");
    assert_eq!(config.roles, ["county.human-resources"]);
    assert_eq!(config.idempotency, Idempotency::Native);
    assert_eq!(config.timeout, Duration::from_secs(10));
    assert_eq!(config.allow_addresses.len(), 1);
    assert_eq!(
        config.callback.as_ref().map(|callback| callback.secrets.len()),
        Some(2)
    );
    for option in OPTIONS {
        let shown = EXAMPLE
            .lines()
            .any(|line| line.trim_start_matches("# ").starts_with(&format!("{option} =")));
        assert!(shown, "{option} is not in the example");
    }
}

#[test]
fn every_way_to_prove_is_read_as_the_example_shows_it() {
    let is_option = |line: &str| {
        let name = line.split(" = ").next().unwrap_or_default();
        line.starts_with('[')
            || (name != line && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
    };
    let (before, rest) = EXAMPLE.split_once("[auth]").expect("[auth]");
    let (ways, after) = rest.split_once("[callback]").expect("[callback]");
    let shown: Vec<&str> = ways
        .lines()
        .map(|line| {
            line.strip_prefix("# ")
                .filter(|option| is_option(option))
                .unwrap_or(line)
        })
        .collect();
    let with = |skipped: &[&str]| {
        let lines = shown
            .iter()
            .filter(|line| !skipped.iter().any(|name| line.starts_with(name)));
        let ways: Vec<&str> = lines.copied().collect();
        let text = format!("{before}[auth]{}\n[callback]{after}", ways.join("\n"));
        UpstreamConfig::parse(&text, &Origin::Default)
    };
    let config = with(&["bearer = ", "basic = "]).expect("one authorization");
    assert!(config.auth.oauth2.is_some() && config.auth.basic.is_none());
    let tls = &config.auth.tls;
    assert!(config.auth.hmac.is_some() && config.auth.body.is_some());
    assert!(tls.certificate.is_some() && tls.authority.is_some());
    let both = with(&["bearer = "]).expect_err("two authorizations");
    assert_eq!(both.len(), 1, "{both:?}");
}

#[test]
fn a_system_that_carries_no_items_cannot_be_bound() {
    let registered = |more: &str| {
        let text = format!(
            r#"
            name = "party"
            title_zh = "甲"
            title_en = "A"
            protocol = "template"
            base_url = "https://a.example/"
            operator_contact = "0552-0000000"
            idempotency = "none"
            carries_items = false
            {more}
            "#
        );
        UpstreamConfig::parse(&text, &Origin::Default)
    };
    let config = registered("").expect("it stands for nobody");
    assert!(!config.carries_items && config.roles.is_empty());
    let bound = r#"
        roles = ["county.civil-affairs"]
        organizations = ["ORG-7"]
        [callback]
        secrets = [{ env = "A" }]
        [poll]
        every_s = 60
    "#;
    let faults = registered(bound).expect_err("bound all the same");
    let paths: BTreeSet<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(
        paths,
        BTreeSet::from(["callback", "organizations", "poll", "roles"]),
        "{faults:#?}"
    );
}

#[test]
fn defaults_are_enough_for_a_short_file() {
    let short = r#"
        name = "a"
        title_zh = "甲"
        title_en = "A"
        protocol = "county-rest"
        base_url = "https://a.example/api"
        organizations = ["3403-01"]
        operator_contact = "0552-0000000"
        idempotency = "none"
    "#;
    let config = UpstreamConfig::parse(short, &Origin::Default).expect("short file");
    assert_eq!(config.response_max_bytes, 1_000_000);
    assert_eq!(config.division_code_system, DivisionCodeSystem::Nbs);
    assert_eq!(
        config.breaker,
        BreakerConfig {
            failures: 5,
            rest: Duration::from_secs(15)
        }
    );
    assert_eq!(config.callback, None);
}

#[test]
fn all_faults_are_told_at_once_and_never_a_secret() {
    let bad = r#"
        name = "County HR"
        title_zh = 7
        title_en = ""
        base_url = "ftp://x"
        idempotency = "sometimes"
        timeout_ms = 5000
        connect_timeout_ms = 4000
        concurrency_max = 0
        allow_addresses = ["10.0.0.0/33", "0.0.0.0/0"]
        surprise = true
        [breaker]
        failures = "many"
        colour = "red"
        [auth]
        bearer = "hunter2-hunter2"
        [callback]
        secrets = []
    "#;
    let faults = UpstreamConfig::parse(bad, &Origin::Default).expect_err("bad file");
    let paths: BTreeSet<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    let expected = [
        "allow_addresses",
        "auth.bearer",
        "base_url",
        "breaker.colour",
        "breaker.failures",
        "callback.secrets",
        "concurrency_max",
        "idempotency",
        "name",
        "operator_contact",
        "protocol",
        "roles",
        "surprise",
        "timeout_ms",
        "title_en",
        "title_zh",
    ];
    assert_eq!(paths, BTreeSet::from(expected), "{faults:#?}");
    assert_eq!(
        faults
            .iter()
            .filter(|fault| fault.path == "allow_addresses")
            .count(),
        2
    );
    assert!(!format!("{faults:?}").contains("hunter2"));
}

#[test]
fn a_base_address_with_credentials_or_query_is_refused() {
    for url in [
        "https://user:pw@a.example/",
        "https://a.example/?key=1",
        "https://a.example/#x",
        "/relative",
    ] {
        let faults =
            UpstreamConfig::parse(&format!("base_url = {url:?}"), &Origin::Default).expect_err("incomplete");
        assert!(
            faults.iter().any(|fault| fault.path == "base_url"),
            "{url}: {faults:?}"
        );
    }
}

#[test]
fn the_sandbox_is_an_upstream_like_any_other() {
    let config = UpstreamConfig::sandbox("http://127.0.0.1:4711").expect("sandbox");
    assert_eq!(config.base_url.as_str(), "http://127.0.0.1:4711/");
    let secrets = [SANDBOX_TOKEN, SANDBOX_CALLBACK_SECRET].map(|name| SecretRef::Env(name.to_owned()));
    assert_eq!(config.auth.bearer.as_ref(), secrets.first());
    assert_eq!(
        config.callback.map(|callback| callback.secrets),
        Some(secrets[1..].to_vec())
    );
}

#[test]
fn what_is_told_is_read_and_checked() {
    let read = |roles: &str, notify: &str| {
        let text = format!(
            "name = \"a\"\ntitle_zh = \"甲\"\ntitle_en = \"A\"\nprotocol = \"standard-webhooks\"\n\
             base_url = \"https://a.example/\"\n{roles}\noperator_contact = \"0\"\nidempotency = \"native\"\n{notify}"
        );
        UpstreamConfig::parse(&text, &Origin::Default)
    };
    let told = |roles, notify| {
        let faults = read(roles, notify).expect_err(notify);
        faults.into_iter().map(|fault| fault.path).collect::<Vec<_>>()
    };
    let bound = read(
        "roles = [\"r\"]",
        "[notify]\nevents = [\"ACCEPTED\", \"DECIDED\"]",
    )
    .expect("bound");
    let notify = bound.notify.expect("[notify]");
    assert_eq!((notify.events.len(), notify.cases), (2, NotifyCases::Handed));
    assert_eq!(told("", ""), ["roles"], "it would have no purpose");
    assert_eq!(told("", "[notify]\nevents = [\"ACCEPTED\"]"), ["notify.cases"]);
    assert_eq!(told("", "[notify]\ncases = \"all\""), ["notify.events"]);
    assert_eq!(
        told(
            "",
            "[notify]\ncases = \"some\"\nevents = [\"CLOCK_STARTED\"]\nevent = 1"
        ),
        ["notify.events", "notify.cases", "notify.event"],
        "the list is closed"
    );
}
