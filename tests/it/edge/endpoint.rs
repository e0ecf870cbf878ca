//! One request over HTTP: media types, methods, statuses, and what an error may say.

use serde_json::json;

use super::kit::{Reply, TestEdge};

#[tokio::test(flavor = "multi_thread")]
async fn a_query_answers_in_the_media_type_that_is_liked_best() {
    let edge = TestEdge::start().await;
    let reply = edge.ask("{ hello(name: \"中\") }").await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json, json!({ "data": { "hello": "hello 中" } }));
    assert_eq!(
        reply.header("content-type"),
        "application/graphql-response+json; charset=utf-8"
    );
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    assert_eq!(reply.header("cache-control"), "no-store");
    let plain = edge
        .http
        .post(&edge.url)
        .header("content-type", "application/json");
    let reply = edge.send(plain.body(r#"{"query":"{ hello }"}"#)).await;
    assert_eq!(reply.header("content-type"), "application/json; charset=utf-8");
    let html = edge
        .request(r#"{"query":"{ hello }"}"#)
        .header("accept", "text/html;level=1");
    assert_eq!(
        edge.send(html).await.status,
        200,
        "one acceptable range of two is enough"
    );
    let only_html = edge
        .http
        .post(&edge.url)
        .header("accept", "text/html")
        .header("content-type", "application/json");
    assert_eq!(edge.send(only_html.body("{}")).await.status, 406);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_request_has_its_status() {
    let edge = TestEdge::with(|config| config.server.body_max_bytes = 2_048).await;
    let text = edge
        .http
        .post(&edge.url)
        .header("content-type", "text/plain")
        .body(r#"{"query":"{ hello }"}"#);
    assert_eq!(edge.send(text).await.status, 415);
    let gbk = edge
        .http
        .post(&edge.url)
        .header("content-type", "application/json; charset=gbk")
        .body("{}");
    assert_eq!(edge.send(gbk).await.status, 415);
    for body in [
        "",
        "{",
        "[]",
        "1",
        "{}",
        r#"{"query":1}"#,
        r#"{"query":"{hello}","variables":[]}"#,
    ] {
        let reply = edge.send(edge.request(body)).await;
        assert_eq!((reply.status, reply.code()), (400, "BAD_REQUEST"), "{body}");
        assert!(reply.json.get("data").is_none());
        let legacy = edge
            .http
            .post(&edge.url)
            .header("content-type", "application/json")
            .body(body);
        assert_eq!(
            edge.send(legacy).await.status,
            400,
            "an envelope fault is 400 in both media types"
        );
    }
    let big = edge
        .send(edge.request(&json!({ "query": "{ hello }", "more": "x".repeat(3_000) }).to_string()))
        .await;
    assert_eq!((big.status, big.code()), (413, "PAYLOAD_TOO_LARGE"));
    let unknown = edge
        .send(edge.http.get(format!("http://{}/nowhere", edge.addr)))
        .await;
    assert_eq!(
        (unknown.status, unknown.json["code"].as_str()),
        (404, Some("NOT_FOUND"))
    );
    assert_eq!(
        unknown.header("content-type"),
        "application/problem+json; charset=utf-8"
    );
    assert_eq!(
        unknown.header("x-correlation-id"),
        unknown.json["correlationId"].as_str().unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_error_has_no_data_and_the_status_of_its_phase() {
    for (profile, parse, validate, partial) in [("audit", 400, 400, 200), ("draft-2026-08", 400, 422, 294)] {
        let edge = TestEdge::with(|config| {
            config.http.status_profile = serde_json::from_value(json!(profile)).unwrap();
        })
        .await;
        let check = |reply: &Reply, status: u16, code: &str| {
            assert_eq!(
                (reply.status, reply.code()),
                (status, code),
                "{profile} {}",
                reply.text
            );
            assert!(reply.json.get("data").is_none(), "execution never began");
        };
        check(&edge.ask("{ hello").await, parse, "GRAPHQL_PARSE_FAILED");
        check(&edge.ask("{ helo }").await, validate, "GRAPHQL_VALIDATION_FAILED");
        check(
            &edge.ask("query($n: String!) { hello(name: $n) }").await,
            validate,
            "BAD_USER_INPUT",
        );
        check(
            &edge.ask("query A { hello } query B { hello }").await,
            400,
            "BAD_USER_INPUT",
        );
        let reply = edge.ask("{ hello refused }").await;
        assert_eq!((reply.status, reply.code()), (partial, "UPSTREAM_TIMEOUT"));
        assert_eq!(reply.json["data"], json!({ "hello": "hello ", "refused": null }));
        let legacy = edge
            .http
            .post(&edge.url)
            .header("content-type", "application/json");
        let reply = edge.send(legacy.body(r#"{"query":"{ helo }"}"#)).await;
        assert_eq!(reply.status, if profile == "audit" { 200 } else { 422 });
        assert!(reply.json.get("data").is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_say_what_to_do_and_nothing_else() {
    let edge = TestEdge::start().await;
    let reply = edge.ask("{ a: buggy b: refused leaf { a } }").await;
    assert!(
        !reply.text.contains("hunter2") && !reply.text.contains("internal cause"),
        "{}",
        reply.text
    );
    let codes: Vec<_> = reply.json["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["extensions"]["code"])
        .collect();
    assert_eq!(codes, ["INTERNAL_SERVER_ERROR", "UPSTREAM_TIMEOUT"]);
    let first = &reply.json["errors"][0];
    assert_eq!(
        first["extensions"]["correlationId"],
        reply.header("x-correlation-id")
    );
    assert_eq!(first["path"], json!(["a"]));
    let reply = edge.ask("{ hello panics }").await;
    assert_eq!((reply.status, reply.code()), (200, "INTERNAL_SERVER_ERROR"));
    assert!(!reply.text.contains("secret"));
    let many = (0..40).map(|it| format!("f{it}: refused ")).collect::<String>();
    let reply = edge
        .post(json!({ "query": format!("{{ node {{ a }} ... on Query {{ {many} }} }}") }))
        .await;
    assert_eq!(reply.code(), "OPERATION_LIMIT");
    let ten = (0..14).map(|it| format!("f{it}: refused ")).collect::<String>();
    assert_eq!(
        edge.ask(&format!("{{ {ten} }}")).await.json["errors"]
            .as_array()
            .unwrap()
            .len(),
        10
    );
    let typo = edge.ask("{ helo }").await;
    assert!(!typo.text.contains("Did you mean"));
    let chinese = edge
        .request(r#"{"query":"{ required }"}"#)
        .header("accept-language", "zh-CN");
    // Two Accept-Language headers: the first one read is English; a fresh request without it is Chinese.
    drop(chinese);
    let plain = edge
        .http
        .post(&edge.url)
        .header("content-type", "application/json")
        .body(r#"{"query":"{ required }"}"#);
    assert_eq!(
        edge.send(plain).await.json["errors"][0]["message"],
        "未找到，请核对编号。"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn input_that_cannot_be_read_is_bad_input_and_is_not_echoed() {
    let edge = TestEdge::start().await;
    let number = "340321199001011234";
    let in_variable =
        json!({ "query": "query($d: NaiveDate) { date(day: $d) }", "variables": { "d": number } });
    let in_literal = json!({ "query": format!("{{ date(day: \"{number}\") }}") });
    let wrong_kind =
        json!({ "query": "query($n: Int) { change(input: {count: $n}) }", "variables": { "n": number } });
    for body in [in_variable, in_literal, wrong_kind] {
        let reply = edge.post(body).await;
        assert_eq!(reply.code(), "BAD_USER_INPUT", "{}", reply.text);
        assert!(!reply.text.contains(number), "{}", reply.text);
    }
    let marker = json!({ "query": "query($n: String) { hello(name: $n) }", "variables": { "n": "#__graphql_file__:0" } });
    assert_eq!(edge.post(marker).await.code(), "BAD_USER_INPUT");
    assert_eq!(
        edge.ask("{ change(input: {count: 1, count: 2}) }").await.code(),
        "GRAPHQL_VALIDATION_FAILED"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_omitted_variable_is_not_null() {
    let edge = TestEdge::start().await;
    let query = "query($n: String, $c: Int) { change(input: {note: $n, count: $c}) note(note: $n) }";
    let reply = edge
        .post(json!({ "query": query, "variables": { "c": 3 } }))
        .await;
    assert_eq!(
        reply.json["data"],
        json!({ "change": "Undefined Some(3)", "note": "Undefined" })
    );
    let reply = edge
        .post(json!({ "query": query, "variables": { "n": null } }))
        .await;
    assert_eq!(
        reply.json["data"],
        json!({ "change": "Null None", "note": "Null" })
    );
    let wrong = edge.post(json!({ "query": "query($n: String) { change(input: {note: $n, count: \"x\"}) }", "variables": { "n": "a" } })).await;
    assert_eq!(
        (wrong.status, wrong.json.get("data")),
        (400, None),
        "a literal with variables is validated too"
    );
    let skip = "query($s: Boolean = true) { hello leaf @skip(if: $s) { a } }";
    assert_eq!(
        edge.ask(skip).await.json["data"],
        json!({ "hello": "hello " }),
        "a default counts for @skip"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn get_is_for_queries_and_knows_what_the_caller_has() {
    let edge = TestEdge::start().await;
    let reply = edge
        .send(
            edge.get("query=query+A+%7B+hello+%7D+query+B+%7B+leaf+%7B+a+%7D+%7D&operationName=B&variables="),
        )
        .await;
    assert_eq!(reply.json["data"], json!({ "leaf": { "a": 1 } }));
    let tag = reply.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.len() > 30);
    let path = "query=query+A+%7B+hello+%7D+query+B+%7B+leaf+%7B+a+%7D+%7D&operationName=B";
    let known = edge
        .send(
            edge.get(path)
                .header("if-none-match", format!("\"other\", W/{tag}")),
        )
        .await;
    assert_eq!((known.status, known.text.as_str()), (304, ""));
    let other = edge
        .send(edge.get(path).header("if-none-match", "\"other\""))
        .await;
    assert_eq!(other.status, 200);
    let mutation = edge.send(edge.get("query=mutation+%7B+bump+%7D")).await;
    assert_eq!((mutation.status, mutation.header("allow")), (405, "POST"));
    let subscription = edge.send(edge.get("query=subscription+%7B+silence+%7D")).await;
    assert_eq!(subscription.status, 406);
    let put = edge.send(edge.http.put(&edge.url)).await;
    assert_eq!((put.status, put.header("allow")), (405, "GET, POST"));
    assert_eq!(edge.probe.finished.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_token_is_401_and_a_cookie_needs_a_preflight() {
    let edge = TestEdge::start().await;
    let body = r#"{"query":"{ who }"}"#;
    let bad = edge.send(edge.request(body).bearer_auth("nobody")).await;
    assert_eq!((bad.status, bad.code()), (401, "UNAUTHENTICATED"));
    assert!(bad.header("www-authenticate").starts_with("Bearer"));
    let id = "0190a5d1-1111-7222-8333-444455556666";
    let known = edge
        .send(
            edge.request(body)
                .bearer_auth("citizen")
                .header("x-correlation-id", id),
        )
        .await;
    assert_eq!(known.json["data"]["who"], format!("Citizen {id}"));
    assert_eq!(known.header("x-correlation-id"), id);
    assert!(edge.ask_anonymously("{ who }").await.text.contains("Anonymous"));
    let cookie = edge.send(edge.request(body).header("cookie", "a=b")).await;
    assert_eq!((cookie.status, cookie.code()), (400, "CSRF_PREFLIGHT_REQUIRED"));
    let safe = edge
        .request(body)
        .header("cookie", "a=b")
        .header("graphql-require-preflight", "1");
    assert_eq!(edge.send(safe).await.status, 200);
    // a query by GET needs no header with a token, and one with a cookie
    let with_token = edge
        .get("query=%7B+hello+%7D")
        .bearer_auth("clerk")
        .header("cookie", "a=b");
    assert_eq!(edge.send(with_token).await.status, 200);
    let with_cookie = edge
        .send(edge.get("query=%7B+hello+%7D").header("cookie", "a=b"))
        .await;
    assert_eq!(
        (with_cookie.status, with_cookie.code()),
        (400, "CSRF_PREFLIGHT_REQUIRED")
    );
    // multipart never passes: without the header for its sake, with it because it is not JSON
    let multipart = || {
        let request = edge.http.post(&edge.url).bearer_auth("clerk");
        request
            .header("content-type", "multipart/form-data; boundary=x")
            .body("--x--")
    };
    assert_eq!(edge.send(multipart()).await.code(), "CSRF_PREFLIGHT_REQUIRED");
    let announced = edge
        .send(multipart().header("apollo-require-preflight", "1"))
        .await;
    assert_eq!(
        (announced.status, announced.code()),
        (415, "UNSUPPORTED_MEDIA_TYPE")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_pages_are_let_in_only_by_configuration() {
    let edge =
        TestEdge::with(|config| config.server.allowed_origins = vec!["https://portal.example".to_owned()])
            .await;
    let preflight = |origin: &'static str| {
        edge.http
            .request(reqwest::Method::OPTIONS, &edge.url)
            .header("origin", origin)
            .header("access-control-request-method", "POST")
    };
    let allowed = edge.send(preflight("https://portal.example")).await;
    assert_eq!(
        (allowed.status, allowed.header("access-control-allow-origin")),
        (204, "https://portal.example")
    );
    assert_eq!(allowed.header("access-control-max-age"), "600");
    let foreign = edge.send(preflight("https://evil.example")).await;
    assert_eq!(foreign.header("access-control-allow-origin"), "");
    assert_eq!(foreign.header("access-control-allow-methods"), "");
    assert!(foreign.header("vary").contains("Origin"));
    let asked = |origin: &'static str| edge.request(r#"{"query":"{ hello }"}"#).header("origin", origin);
    let read = edge.send(asked("https://portal.example")).await;
    assert_eq!(
        read.header("access-control-allow-origin"),
        "https://portal.example"
    );
    assert!(
        read.header("access-control-expose-headers")
            .contains("retry-after")
    );
    assert!(read.header("vary").contains("Origin"));
    assert_eq!(
        read.header("access-control-allow-credentials"),
        "",
        "no cookies of ours travel"
    );
    let unread = edge.send(asked("https://evil.example")).await;
    assert_eq!(
        (unread.status, unread.header("access-control-allow-origin")),
        (200, "")
    );

    let closed = TestEdge::start().await;
    for origin in ["https://portal.example", "null", &closed.url] {
        let request = closed
            .request(r#"{"query":"{ hello }"}"#)
            .header("origin", origin);
        let read = closed.send(request).await;
        assert_eq!(
            read.header("access-control-allow-origin"),
            "",
            "by default nobody: {origin}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn introspection_is_for_those_the_configuration_names() {
    let edge = TestEdge::with(|config| config.demo = false).await;
    let query = "{ __schema { queryType { name } } }";
    let refused = edge.ask_anonymously(query).await;
    assert_eq!((refused.status, refused.code()), (403, "INTROSPECTION_DISABLED"));
    assert_eq!(
        edge.ask(query).await.json["data"]["__schema"]["queryType"]["name"],
        "Query"
    );
    assert_eq!(edge.ask_anonymously("{ __typename }").await.status, 200);
    let page = |path: &str| edge.http.get(format!("http://{}/{path}", edge.addr));
    assert_eq!(edge.send(page("graphiql")).await.status, 403);
    assert_eq!(edge.send(page("schema.graphql")).await.status, 403);
    let sdl = edge.send(page("schema.graphql").bearer_auth("clerk")).await;
    assert!(sdl.text.contains("type Query"));
    let html = edge.send(page("graphiql").bearer_auth("clerk")).await;
    assert!(
        html.text.contains("GraphiQL")
            && html
                .header("content-security-policy")
                .contains("script-src 'self'")
    );
    assert_eq!(edge.send(page("graphiql/..%2f..%2fCargo.toml")).await.status, 404);
    assert_eq!(edge.send(page("graphiql/start.js")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_sent_once_may_be_named_by_its_hash() {
    let edge = TestEdge::start().await;
    let query = "{ leaf { a } }";
    let hash = hex::encode(onedoor::graphql::documents::hash(query));
    let by_hash = json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } } });
    assert_eq!(
        edge.post(by_hash.clone()).await.code(),
        "PERSISTED_QUERY_NOT_FOUND"
    );
    let mut both = by_hash.clone();
    both["query"] = json!(query);
    assert_eq!(edge.post(both.clone()).await.json["data"]["leaf"]["a"], 1);
    assert_eq!(edge.post(by_hash).await.json["data"]["leaf"]["a"], 1);
    both["query"] = json!("{ hello }");
    assert_eq!(edge.post(both).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_trusted_documents_enforced_only_registered_ones_are_executed() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("documents.json");
    std::fs::write(
        &manifest,
        json!({ "Leaf": "query Leaf { leaf { a } }" }).to_string(),
    )
    .unwrap();
    let edge = TestEdge::with(|config| {
        config.graphql.trusted_documents_file = manifest.display().to_string();
        config.graphql.trusted_documents = serde_json::from_value(json!("enforce")).unwrap();
    })
    .await;
    assert_eq!(
        edge.post(json!({ "documentId": "Leaf" })).await.json["data"]["leaf"]["a"],
        1
    );
    assert_eq!(edge.ask("query Leaf { leaf { a } }").await.status, 200);
    assert_eq!(edge.ask("{ hello }").await.code(), "DOCUMENT_NOT_TRUSTED");
    assert_eq!(
        edge.post(json!({ "documentId": "Other" })).await.code(),
        "PERSISTED_QUERY_NOT_FOUND"
    );
    let metrics = edge.metrics.text().unwrap();
    assert!(
        metrics.contains(
            r#"onedoor_graphql_operations_total{operation="Leaf",outcome="complete",type="query"} 2"#
        )
    );
}
