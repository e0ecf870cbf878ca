//! Every limit at its edge, enforced and measured, through the endpoint.

use serde_json::json;

use super::kit::{TestEdge, shipped};

fn repeat(count: usize, text: impl Fn(usize) -> String) -> String {
    (0..count).map(text).collect::<Vec<_>>().join(" ")
}

fn deep(fields: usize) -> String {
    format!(
        "{{ {}a{} }}",
        "node { ".repeat(fields - 1),
        " }".repeat(fields - 1)
    )
}

/// 100 spreads of a fragment of 19 fields, and the rest plain.
fn fields(count: usize) -> String {
    let (spreads, rest, in_fragment) = (
        "...F ".repeat(100),
        "a ".repeat(count - 1 - 100 * 19),
        "a ".repeat(19),
    );
    format!("{{ node {{ {spreads} {rest} }} }} fragment F on Node {{ {in_fragment} }}")
}

/// The metric's name, a document at the maximum of the shipped configuration, and one beyond it.
fn table() -> Vec<(&'static str, String, String)> {
    let limits = shipped().limits;
    let padded = |bytes: usize| format!("{{ hello }}{}", " ".repeat(bytes - 9));
    let tokens = |count: usize| {
        // `{ leaf {`, one `a` each, `} }`
        format!("{{ leaf {{ {} }} }}", "a ".repeat(count - 5))
    };
    let aliases = |count: usize| format!("{{ leaf {{ {} }} }}", repeat(count, |it| format!("x{it}: a")));
    let directives = |count: usize| {
        format!(
            "{{ leaf {{ {} }} }}",
            repeat(count, |it| format!(
                "{} @skip(if: false)",
                if it % 2 == 0 { "a" } else { "b" }
            ))
        )
    };
    let roots = |count: usize| format!("{{ {} }}", "hello ".repeat(count));
    let introspection = |depth: usize| {
        format!(
            "{{ __type(name: \"Leaf\") {{ {}name{} }} }}",
            "ofType { ".repeat(depth - 2),
            " }".repeat(depth - 2)
        )
    };
    let pages =
        |rows: usize| format!("{{ node {{ nodes(first: 100) {{ nodes(first: {rows}) {{ a }} }} }} }}");
    let size = |it: u64| usize::try_from(it).unwrap();
    vec![
        (
            "document_bytes",
            padded(limits.document_max_bytes),
            padded(limits.document_max_bytes + 1),
        ),
        (
            "tokens",
            tokens(size(limits.tokens_max)),
            tokens(size(limits.tokens_max) + 1),
        ),
        (
            "depth",
            deep(size(limits.depth_max)),
            deep(size(limits.depth_max) + 1),
        ),
        (
            "introspection_depth",
            introspection(size(limits.introspection_depth_max)),
            introspection(size(limits.introspection_depth_max) + 1),
        ),
        (
            "fields",
            fields(size(limits.fields_max)),
            fields(size(limits.fields_max) + 1),
        ),
        (
            "aliases",
            aliases(size(limits.aliases_max)),
            aliases(size(limits.aliases_max) + 1),
        ),
        (
            "directives",
            directives(size(limits.directives_max)),
            directives(size(limits.directives_max) + 1),
        ),
        (
            "root_fields",
            roots(size(limits.root_fields_max)),
            roots(size(limits.root_fields_max) + 1),
        ),
        // 1 + (1 + 100 * (1 + rows)): 98 rows cost 9,902; the configured maximum is lowered to that below.
        ("complexity", pages(98), pages(99)),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_maximum_passes_and_one_more_is_refused_or_only_counted() {
    for mode in ["enforce", "measure"] {
        let edge = TestEdge::with(|config| {
            config.limits.mode = serde_json::from_value(json!(mode)).unwrap();
            config.limits.complexity_max = 9_902;
            config.limits.fields_per_minute = 1_000_000;
        })
        .await;
        for (limit, most, beyond) in table() {
            let reply = edge.ask(&most).await;
            assert_eq!(
                reply.code(),
                "no error",
                "{mode} {limit} at its maximum: {}",
                reply.text
            );
            let reply = edge.ask(&beyond).await;
            let counted = format!("onedoor_limits_measured_total{{limit=\"{limit}\"}} 1");
            let refused = format!("onedoor_rejections_total{{reason=\"{limit}\"}} 1");
            let metrics = edge.metrics.text().unwrap();
            match (mode, limit) {
                ("measure", _) => {
                    assert_eq!(reply.code(), "no error", "{mode} {limit}: {}", reply.text);
                    assert!(metrics.contains(&counted), "{limit}: {metrics}");
                }
                (_, "document_bytes") => assert_eq!((reply.status, reply.code()), (413, "PAYLOAD_TOO_LARGE")),
                _ => {
                    assert_eq!(
                        (reply.status, reply.code()),
                        (400, "OPERATION_LIMIT"),
                        "{mode} {limit}"
                    );
                    assert!(
                        reply.text.contains(limit) && metrics.contains(&refused),
                        "{limit}: {metrics}"
                    );
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_without_a_token_have_narrower_limits() {
    let edge = TestEdge::start().await;
    let aliases = |count: usize| format!("{{ leaf {{ {} }} }}", repeat(count, |it| format!("x{it}: a")));
    let roots = |count: usize| format!("{{ {} }}", "hello ".repeat(count));
    assert_eq!(edge.ask_anonymously(&aliases(15)).await.code(), "no error");
    assert_eq!(edge.ask_anonymously(&roots(5)).await.code(), "no error");
    // The same documents, checked and remembered for a clerk first, stay refused without a token.
    for document in [aliases(16), roots(6)] {
        assert_eq!(edge.ask(&document).await.code(), "no error");
        assert_eq!(edge.ask_anonymously(&document).await.code(), "OPERATION_LIMIT");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_minutes_budget_counts_fields_and_says_when_to_come_back() {
    let edge = TestEdge::with(|config| config.limits.fields_per_minute_anonymous = 10).await;
    assert_eq!(
        edge.ask_anonymously("{ leaf { a b x: a } hello }").await.status,
        200
    );
    assert_eq!(
        edge.ask_anonymously("{ leaf { a b x: a } hello }").await.status,
        200
    );
    let limited = edge.ask_anonymously("{ hello }").await;
    assert_eq!((limited.status, limited.code()), (429, "RATE_LIMITED"));
    assert!(limited.header("retry-after").parse::<u32>().unwrap() >= 1);
    assert!(
        limited.json["errors"][0]["extensions"]["retryAfterMs"]
            .as_u64()
            .unwrap()
            > 0
    );
    assert_eq!(
        edge.ask("{ hello }").await.status,
        200,
        "a principal has a budget of its own"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_documents_spend_budget_too() {
    let edge = TestEdge::with(|config| config.limits.fields_per_minute_anonymous = 3).await;
    for _ in 0..3 {
        assert_eq!(
            edge.ask_anonymously("{ nothing }").await.code(),
            "GRAPHQL_VALIDATION_FAILED"
        );
    }
    assert_eq!(edge.ask_anonymously("{ nothing }").await.status, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_takes_too_long_is_cut() {
    let edge = TestEdge::with(|config| config.limits.query_timeout_ms = 50).await;
    let reply = edge.ask("{ hello never }").await;
    assert_eq!((reply.status, reply.code()), (200, "QUERY_TIMEOUT"));
    assert_eq!(reply.json["data"], json!(null));
}
