//! Outside judges: npm graphql-http's audits, and the npm graphql-ws and graphql-sse clients.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::kit::TestEdge;

#[tokio::test(flavor = "multi_thread")]
async fn all_audits_of_graphql_http_are_ok() {
    let edge = TestEdge::start().await;
    audit(&edge.url, "clerk").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_graphql_ws_client_subscribes() {
    let edge = TestEdge::start().await;
    judge(
        "socket.mjs",
        &[
            &edge.url,
            "subscription { countdown(from: 3) }",
            "{ hello }",
            "clerk",
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_graphql_sse_client_subscribes() {
    let edge = TestEdge::start().await;
    judge(
        "events.mjs",
        &[
            &edge.url,
            "subscription { countdown(from: 3) }",
            "{ hello }",
            "clerk",
        ],
    )
    .await;
}

/// Runs every audit against any GraphQL endpoint, with a bearer token or an empty text for none.
pub(crate) async fn audit(url: &str, token: &str) {
    let report = judge("audit.mjs", &[url, token]).await;
    assert!(report.contains("61 of 61 audits ok"), "{report}");
}

/// Runs one of the scripts of tests/judges; panics with what it said when it is not content.
pub(crate) async fn judge(script: &str, arguments: &[&str]) -> String {
    let folder = installed();
    let output = Command::new("node")
        .arg(folder.join(script))
        .args(arguments)
        .output()
        .await
        .expect("node is installed");
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{script}: {said}");
    said
}

/// The judges with their packages at the locked versions, which the test script installs before any test starts:
/// tests are processes of their own, and two of them must not install at once.
pub(crate) fn installed() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges/graphql-http");
    assert!(
        folder.join("node_modules").is_dir(),
        "the judges are not installed: start the tests with scripts/test.sh"
    );
    folder
}
