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
    let folder = installed().await;
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

/// The judges with their packages at the locked versions, installed once per lock file.
pub(crate) async fn installed() -> PathBuf {
    static ONCE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _alone = ONCE.lock().await;
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges/graphql-http");
    let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join("judges-graphql-http");
    std::fs::create_dir_all(&to).unwrap();
    for script in [
        "audit.mjs",
        "socket.mjs",
        "events.mjs",
        "follow.mjs",
        "package.json",
    ] {
        // Rewritten only when it changed: another test may be starting it now.
        let text = std::fs::read(from.join(script)).unwrap();
        if std::fs::read(to.join(script)).ok().as_ref() != Some(&text) {
            std::fs::write(to.join(script), text).unwrap();
        }
    }
    let lock = std::fs::read(from.join("package-lock.json")).unwrap();
    let stamp = to.join("installed.lock");
    if std::fs::read(&stamp).ok().as_ref() != Some(&lock) {
        std::fs::write(to.join("package-lock.json"), &lock).unwrap();
        let npm = [
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ];
        let output = Command::new("npm")
            .args(npm)
            .current_dir(&to)
            .output()
            .await
            .expect("npm is installed");
        assert!(
            output.status.success(),
            "npm ci: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        std::fs::write(&stamp, &lock).unwrap();
    }
    to
}
