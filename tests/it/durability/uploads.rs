//! Uploads of the real binary: its memory stays bounded, and a crash between storage and database loses nothing.

use std::fs;

use onedoor::clock::SystemClock;
use serde_json::json;

use crate::harness::actors::Actors;
use crate::harness::gql::Gql;
use crate::harness::process::Gateway;
use crate::harness::story::story;
use crate::harness::wait::PATIENCE;
use crate::harness::world::World;
use crate::stories::attachments::{PDF, given, order, pdf, put, stored, try_put};

/// A file of the largest size.
const LARGE: usize = 20_000_000;
/// Sent at once.
const AT_ONCE: usize = 6;
/// What they may take of memory together: less than the files themselves, 120 MB. Measured: 68 to 77 MB.
const MEMORY_MAX_KB: u64 = 100_000;

fn citizen(gateway: &Gateway, world: &World) -> Gql {
    let actors = Actors::of(world, SystemClock);
    Gql::anonymous(gateway.address()).bearing(&actors.citizen("li"))
}

/// The most memory a process ever held, kB.
fn peak_kb(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

story!(large_uploads_at_once_take_little_memory, async |world| {
    let mut gateway = Gateway::start(world, &[]).await;
    let li = citizen(&gateway, world);
    let bytes = pdf(LARGE);
    let mut urls = Vec::new();
    for _ in 0..AT_ONCE {
        let asked = given(&li, order(&bytes, json!({}))).await;
        urls.push(asked["url"].as_str().unwrap().to_owned());
    }
    let before = peak_kb(gateway.pid());
    let all = urls.iter().map(|url| put(&li, url, PDF, bytes.clone()));
    for (status, body) in futures_util::future::join_all(all).await {
        assert_eq!(status, 200, "{body}");
    }
    let more = peak_kb(gateway.pid()) - before;
    assert!(
        more < MEMORY_MAX_KB,
        "{AT_ONCE} uploads of {LARGE} bytes took {more} kB"
    );
    assert!(
        gateway
            .terminate(std::time::Duration::from_secs(15))
            .await
            .success()
    );
});

story!(
    /// The bytes are stored, the row does not know it yet, the process dies: the ticket is good, and one object counts.
    a_crash_before_the_row_knows_leaves_the_ticket_good,
    async |world| {
        let mut gateway = Gateway::prepare(world, &[]);
        gateway.set("ONEDOOR_CRASH_AT", "upload.stored=1");
        gateway.launch();
        gateway.wait_until_ready().await;
        let li = citizen(&gateway, world);
        let bytes = pdf(90_000);
        let asked = given(&li, order(&bytes, json!({}))).await;
        let url = asked["url"].as_str().unwrap();
        assert!(try_put(&li, url, PDF, bytes.clone()).await.is_err(), "it died");
        assert_eq!(stored(world).len(), 1, "the bytes are there");
        gateway.wait_for_exit(PATIENCE).await;
        gateway.set("ONEDOOR_CRASH_AT", "nowhere=1");
        gateway.start_again().await;
        let (status, body) = put(&li, url, PDF, bytes).await;
        assert_eq!((status, &body["document"]), (200, &asked["document"]), "{body}");
        assert!(gateway.terminate(std::time::Duration::from_secs(15)).await.success());
    }
);
