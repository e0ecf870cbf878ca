//! The way through the edge gives the same answers as the plain schema with every rule on.

use async_graphql::{Request, Schema, Variables};
use serde_json::{Value, json};

use super::kit::{Mutation, Query, Subscription_, TestEdge};

fn cases() -> Vec<(&'static str, Value)> {
    let none = || json!({});
    vec![
        ("{ hello }", none()),
        ("{ b: hello(name: \"b\") a: hello leaf { b a } }", none()),
        ("{ __typename leaf { __typename a } }", none()),
        (
            "{ ...F leaf { ...L } } fragment F on Query { hello leaf { a } } fragment L on Leaf { b }",
            none(),
        ),
        ("{ ... on Query { hello } ... { leaf { a } } }", none()),
        (
            "{ node { node { node { a } nodes(first: 3) { a n: node { a } } } } }",
            none(),
        ),
        (
            "query($n: Int!) { node { nodes(first: $n) { a } } }",
            json!({ "n": 2 }),
        ),
        ("query($n: Int = 2) { node { nodes(first: $n) { a } } }", none()),
        (
            "query($n: Int) { node { nodes(first: $n) { a } } }",
            json!({ "n": null }),
        ),
        (
            "query($s: Boolean!) { hello @skip(if: $s) leaf @include(if: $s) { a } }",
            json!({ "s": true }),
        ),
        (
            "query($s: Boolean!) { hello @skip(if: $s) leaf @include(if: $s) { a } }",
            json!({ "s": false }),
        ),
        ("{ hello @skip(if: true) }", none()),
        (
            "query($i: Change!) { change(input: $i) }",
            json!({ "i": { "note": "n", "count": 1 } }),
        ),
        ("query($i: Change!) { change(input: $i) }", json!({ "i": {} })),
        (
            "query($c: Int) { change(input: {note: null, count: $c}) }",
            json!({ "c": 5 }),
        ),
        (
            "{ change(input: {note: \"\"\"block \"quoted\" text\"\"\", count: -1}) }",
            none(),
        ),
        ("{ date(on: 5, day: \"2026-02-28\") }", none()),
        ("query A { hello }", none()),
        ("{ refused buggy hello }", none()),
        ("{ required }", none()),
        ("{ leaf { a a a } x: leaf { a } x: leaf { b } }", none()),
        (
            "{ __schema { queryType { name fields { name type { kind name } } } } }",
            none(),
        ),
        ("{ __type(name: \"Change\") { inputFields { name } } }", none()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_that_of_the_strict_schema() {
    let edge = TestEdge::start().await;
    let plain = Schema::new(Query, Mutation, Subscription_);
    for (query, variables) in cases() {
        // Twice, so that the remembered document answers too.
        for _ in 0..2 {
            let request = Request::new(query).variables(Variables::from_json(variables.clone()));
            let expected = plain.execute(request).await;
            let reply = edge.post(json!({ "query": query, "variables": variables })).await;
            assert_eq!(reply.status, 200, "{query}: {}", reply.text);
            let data = serde_json::to_string(&expected.data).unwrap();
            assert!(
                reply.text.starts_with(&format!("{{\"data\":{data}")),
                "{query}\n{data}\n{}",
                reply.text
            );
            let errors = reply.json["errors"].as_array().map_or(0, Vec::len);
            assert_eq!(errors, expected.errors.len(), "{query}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_strict_schema_refuses_is_not_executed() {
    let edge = TestEdge::start().await;
    let plain = Schema::new(Query, Mutation, Subscription_);
    for query in [
        "{ nothing }",
        "{ leaf }",
        "{ hello { a } }",
        "{ hello(nothing: 1) }",
        "{ hello(name: 1) }",
        "{ change(input: {count: \"x\"}) }",
        "{ change(input: {nothing: 1}) }",
        "{ change }",
        "{ ...F }",
        "{ hello } fragment F on Query { hello }",
        "{ ...F } fragment F on Leaf { a }",
        "{ ...F } fragment F on Nothing { a }",
        "query($n: Int) { hello }",
        "query($n: Nothing) { hello(name: $n) }",
        "query($n: Int) { hello(name: $n) }",
        "{ hello(name: $n) }",
        "{ hello @nothing }",
        "{ hello @skip }",
        "{ a: hello a: leaf { a } }",
        "query($n: Int, $n: Int) { node { nodes(first: $n) { a } } }",
        "mutation { hello }",
    ] {
        // Variables in wrong positions are our own rule (`graphql::positions`); the crate's sleeps.
        assert!(
            plain.execute(query).await.is_err() || query.contains("hello(name: $n)"),
            "{query}"
        );
        let reply = edge.ask(query).await;
        assert_eq!(
            (reply.status, reply.code()),
            (400, "GRAPHQL_VALIDATION_FAILED"),
            "{query}: {}",
            reply.text
        );
        assert!(reply.json.get("data").is_none(), "{query}");
    }
}
