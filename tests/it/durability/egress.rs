//! P32: the way to a system is the one that is configured, and what proves us to it stands in no log.

use std::cell::RefCell;
use std::fs;
use std::time::Duration;

use serde_json::json;

use super::county::County;
use super::desks::{Desks, Journal};
use super::evidence::assert_nothing_lost;
use crate::harness::process::Gateway;
use crate::harness::story::story;
use crate::upstreams::raw::RawServer;

/// By these programs are told to go by way of another.
const PROXIES: [&str; 6] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
];

story!(a_proxy_of_the_environment_is_never_asked, async |world| {
    let trap = RawServer::answering("200 OK", "{}").await;
    let county = County::open(world, 40).await;
    let (url, collector) = (trap.url(), county.elsewhere());
    let mut told: Vec<(&str, &str)> = PROXIES.iter().map(|name| (*name, url.as_str())).collect();
    // nothing is excepted, and traces do not go that way either
    told.extend([
        ("NO_PROXY", ""),
        ("no_proxy", ""),
        ("ONEDOOR__TRACES__ENDPOINT", &collector),
    ]);
    let mut gateway = Gateway::start(world, &county.settings_and(&told)).await;
    let journal = RefCell::new(Journal::default());
    let desks = Desks::at(gateway.address(), world);
    desks.carry_one(&journal).await;
    assert_nothing_lost(world, world.database_url(), (&desks, &county), &journal).await;
    assert!(gateway.terminate(Duration::from_secs(15)).await.success());
    assert!(trap.requests().is_empty(), "the proxy was asked");
});

story!(what_proves_us_to_a_system_is_never_logged, async |world| {
    let county = County::open(world, 40).await;
    let folder = world.folder().join("upstreams");
    let (description, secret_file) = (folder.join("county.toml"), folder.join("secret"));
    // every request is signed too, in both ways
    let key_file = folder.join("key");
    let key = hex::encode(rand::random::<[u8; 24]>());
    fs::write(&key_file, &key).unwrap();
    let more = format!(
        "[auth]\nsigning = {{ file = \"{}\" }}\nhmac = {{ secret = {{ file = \"{}\" }}, header = \"x-signature\", \
         timestamp_header = \"x-timestamp\", nonce_header = \"x-nonce\" }}",
        secret_file.display(),
        key_file.display()
    );
    let text = fs::read_to_string(&description).unwrap();
    fs::write(&description, text.replacen("[auth]", &more, 1)).unwrap();
    let loud = [("ONEDOOR__LOG__FILTER", "trace")];
    let mut gateway = Gateway::start(world, &county.settings_and(&loud)).await;
    let journal = RefCell::new(Journal::default());
    let desks = Desks::at(gateway.address(), world);
    for rule in [
        json!({ "mode": "answer", "status": 401, "times": 1 }),
        json!({ "mode": "reset", "times": 1 }),
        json!({ "mode": "garbage", "times": 1 }),
    ] {
        county.told(rule).await;
        desks.carry_one(&journal).await;
    }
    assert_nothing_lost(world, world.database_url(), (&desks, &county), &journal).await;
    assert!(gateway.terminate(Duration::from_secs(15)).await.success());
    let log = gateway.log();
    assert!(log.contains("\"TRACE\""), "the log is at trace level");
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let secret = read("secret");
    for proof in [read("token").as_str(), secret.trim_start_matches("whsec_"), &key] {
        assert!(
            proof.len() > 20 && !log.contains(proof),
            "a secret stands in the log"
        );
    }
});
