//! Every answer of every route carries the headers that keep browsers from doing what nobody asked for, errors too.

use std::collections::BTreeSet;
use std::path::Path;

use onedoor::clock::HeldClock;
use reqwest::{Method, StatusCode};

use crate::harness::app::{MONDAY_AT_TEN, TestApp};
use crate::harness::gql::http_client;
use crate::harness::story::story;

/// What is asked: route, method, path, content type, body, status.
const PROBES: &[(&str, &str, &str, &str, &str, u16)] = &[
    (
        "/graphql",
        "POST",
        "/graphql",
        "application/json",
        r#"{"query":"{ viewer { kind } }"}"#,
        200,
    ),
    (
        "/graphql",
        "POST",
        "/graphql",
        "application/json",
        r#"{"query":"{ nothing }"}"#,
        200,
    ),
    ("/graphql", "POST", "/graphql", "application/json", "no json", 400),
    ("/graphql", "POST", "/graphql", "text/plain", "{}", 400),
    ("/graphql", "PUT", "/graphql", "application/json", "{}", 405),
    (
        "/graphql",
        "GET",
        "/graphql?query=%7B+viewer+%7B+kind+%7D+%7D",
        "",
        "",
        200,
    ),
    ("/graphiql", "GET", "/graphiql", "", "", 200),
    ("/graphiql/{name}", "GET", "/graphiql/start.js", "", "", 200),
    (
        "/graphiql/{name}",
        "GET",
        "/graphiql/..%2f..%2fCargo.toml",
        "",
        "",
        404,
    ),
    ("/schema.graphql", "GET", "/schema.graphql", "", "", 200),
    ("/health/live", "GET", "/health/live", "", "", 200),
    ("/health/ready", "GET", "/health/ready", "", "", 200),
    ("/metrics", "GET", "/metrics", "", "", 200),
    (
        "/callbacks/{upstream}",
        "POST",
        "/callbacks/sandbox",
        "application/json",
        "{}",
        401,
    ),
    (
        "/callbacks/{upstream}",
        "POST",
        "/callbacks/nobody",
        "application/json",
        "{}",
        404,
    ),
    ("/attachments/{ticket}", "GET", "/attachments/none", "", "", 404),
    ("/kiosk/challenge", "POST", "/kiosk/challenge", "", "", 200),
    (
        "/kiosk/enroll",
        "POST",
        "/kiosk/enroll",
        "application/json",
        "{}",
        400,
    ),
    (
        "/kiosk/token",
        "POST",
        "/kiosk/token",
        "application/json",
        "{}",
        400,
    ),
    (
        "/kiosk/heartbeat",
        "POST",
        "/kiosk/heartbeat",
        "application/json",
        "{}",
        400,
    ),
    ("/session", "GET", "/session", "", "", 200),
    ("/session/login", "GET", "/session/login", "", "", 404),
    ("/session/logout", "POST", "/session/logout", "", "", 400),
    ("/verify/keys", "GET", "/verify/keys", "", "", 200),
    ("/verify/{receipt}", "GET", "/verify/%3Cscript%3E", "", "", 404),
    ("", "GET", "/nowhere", "", "", 404),
    ("", "DELETE", "/", "", "", 404),
];

/// On every answer.
const HEADERS: &[(&str, &str)] = &[
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("strict-transport-security", "max-age=31536000"),
];

/// In every policy.
const DIRECTIVES: &[&str] = &[
    "default-src 'none'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
];

#[test]
fn every_route_is_probed() {
    let mut routes = BTreeSet::new();
    for file in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http")).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap_or_default();
        for call in text.split(".route(").skip(1) {
            let path = call
                .trim_start()
                .strip_prefix('"')
                .and_then(|rest| rest.split_once('"'));
            routes.extend(path.map(|(path, _)| path.to_owned()));
        }
    }
    let probed: BTreeSet<String> = PROBES
        .iter()
        .map(|probe| probe.0.to_owned())
        .filter(|route| !route.is_empty())
        .collect();
    assert_eq!(routes, probed);
}

story!(no_answer_goes_without_its_headers, async |world| {
    let public = [("ONEDOOR__SERVER__PUBLIC_URL", "https://onedoor.example.cn")];
    let app = TestApp::start_with(world, HeldClock::at(MONDAY_AT_TEN.parse().unwrap()), &public).await;
    let (http, base) = (http_client(), format!("http://{}", app.addr()));
    for (_, method, path, kind, body, status) in PROBES {
        let mut request = http.request(method.parse::<Method>().unwrap(), format!("{base}{path}"));
        if !kind.is_empty() {
            request = request.header("content-type", *kind).body(*body);
        }
        let answer = request.send().await.unwrap();
        let at = format!("{method} {path}");
        assert!(
            answer.status().as_u16() == *status || *kind == "text/plain",
            "{at}: {}",
            answer.status()
        );
        assert!(answer.status() < StatusCode::INTERNAL_SERVER_ERROR, "{at}");
        let header = |name: &str| {
            answer
                .headers()
                .get(name)
                .map(|it| it.to_str().unwrap().to_owned())
        };
        for (name, value) in HEADERS {
            assert_eq!(header(name).as_deref(), Some(*value), "{at}: {name}");
        }
        let features = header("permissions-policy").unwrap();
        assert!(
            features.contains("camera=()") && features.contains("geolocation=()"),
            "{at}: {features}"
        );
        let policy = header("content-security-policy").unwrap();
        for directive in DIRECTIVES {
            assert!(policy.contains(directive), "{at}: {policy}");
        }
        // no script but our own files; a style in a page only where an editor writes its own
        let scripts = policy
            .split(';')
            .find(|part| part.trim().starts_with("script-src"));
        assert!(
            scripts.is_none_or(|scripts| scripts.trim() == "script-src 'self'"),
            "{at}: {policy}"
        );
        assert!(
            !policy.contains("'unsafe-inline'") || *path == "/graphiql",
            "{at}: {policy}"
        );
        assert!(
            !policy.contains("unsafe-eval") && !policy.contains("http"),
            "{at}: {policy}"
        );
    }
    app.stop(world).await;
});

story!(
    the_page_of_a_receipt_has_the_one_style_that_its_policy_knows,
    async |world| {
        let app = TestApp::start(world).await;
        let page = http_client()
            .get(format!("http://{}/verify/none", app.addr()))
            .send()
            .await
            .unwrap();
        let policy = page.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .to_owned();
        let text = page.text().await.unwrap();
        let style = text
            .split_once("<style>")
            .unwrap()
            .1
            .split_once("</style>")
            .unwrap()
            .0;
        let hash = onedoor_domain::digest::Digest::of(style.as_bytes());
        let hash = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, hash.as_bytes());
        assert!(policy.contains(&format!("style-src 'sha256-{hash}'")), "{policy}");
        assert_eq!(
            (text.matches("<style").count(), text.matches(" style=").count()),
            (1, 0)
        );
        assert!(!text.contains("<script"), "no scripts at all");
        app.stop(world).await;
    }
);
