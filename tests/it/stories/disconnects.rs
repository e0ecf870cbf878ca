//! Clients that go away at any byte leave a whole act or none (P22), and loops that live say so (P24).

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::kit::{County, STATION, act, answer, codes, mutation, pension, taken};
use crate::harness::app::TestApp;
use crate::harness::gql::{Gql, http_client};
use crate::harness::people::FARMER;
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, eventually, until};

/// A whole request as it goes over the wire.
fn request(app: &TestApp, who: &Gql, input: &Value) -> Vec<u8> {
    let body = json!({ "query": mutation("submitCase"), "variables": { "input": input } }).to_string();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
        app.addr(),
        who.token(),
        body.len()
    );
    [head.into_bytes(), body.into_bytes()].concat()
}

/// Where a client goes away.
#[derive(Debug, Clone, Copy)]
enum Cut {
    /// After so many bytes of the request.
    Sending(usize),
    /// After the whole request and so many bytes of the answer.
    Reading(usize),
}

async fn leave(app: &TestApp, whole: &[u8], cut: Cut) {
    let mut stream = TcpStream::connect(app.addr()).await.unwrap();
    match cut {
        Cut::Sending(bytes) => stream.write_all(whole.get(..bytes).unwrap()).await.unwrap(),
        Cut::Reading(bytes) => {
            stream.write_all(whole).await.unwrap();
            let mut answer = vec![0; bytes];
            stream.read_exact(&mut answer).await.unwrap();
        }
    }
    if matches!(cut, Cut::Sending(bytes) if bytes % 2 == 0) {
        // half of them cut the line instead of hanging up
        socket2::SockRef::from(&stream)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
    }
}

/// Sockets and files that this process holds.
fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

story!(
    a_client_that_goes_away_at_any_byte_leaves_all_or_nothing,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let kiosk = app.kiosk(STATION);
        taken(&act(&kiosk, "submitCase", pension(&FARMER)).await);
        let before = descriptors();

        let length = request(&app, &kiosk, &pension(&FARMER)).len();
        let mut cuts: Vec<_> = (0..24).map(|part| Cut::Sending(length * part / 24)).collect();
        cuts.extend([length - 2, length - 1, length, length].map(Cut::Sending));
        cuts.extend([0, 1, 20, 200, 1_000].map(Cut::Reading));
        let mut applications = Vec::new();
        for cut in &cuts {
            let application = pension(&FARMER);
            leave(&app, &request(&app, &kiosk, &application), *cut).await;
            applications.push(application);
        }

        let mut kept = Vec::new();
        for (application, cut) in applications.iter().zip(&cuts) {
            // whoever asks again gets the one answer, or is the first
            let first = answer(&kiosk, "submitCase", application).await;
            let again = answer(&kiosk, "submitCase", application).await;
            assert!(first.status == 200 && first.bytes == again.bytes, "{cut:?}");
            kept.push(taken(first.at("/submitCase")).id);
            let mut other = application.clone();
            other["form"]["level"] = json!("900");
            assert_eq!(
                codes(&act(&kiosk, "submitCase", other).await),
                ["IDEMPOTENCY_MISMATCH"]
            );
        }
        kept.sort();
        kept.dedup();
        assert_eq!(kept.len(), cuts.len());
        let data = app
            .clerk(STATION)
            .data("{ cases(first: 100) { nodes { id } } }", json!({}))
            .await;
        assert_eq!(
            data["cases"]["nodes"].as_array().unwrap().len(),
            cuts.len() + 1,
            "no half case, no second one"
        );

        // connections of the pool may have come, those of the clients are gone
        until("the sockets are given back", PATIENCE, async || {
            descriptors() <= before + 12
        })
        .await;
        app.stop(world).await;
    }
);

/// The ticks of all loops, by name.
async fn ticks(app: &TestApp) -> Vec<(String, f64)> {
    let url = format!("http://{}/metrics", app.addr());
    let text = http_client().get(url).send().await.unwrap().text().await.unwrap();
    text.lines()
        .filter_map(|line| line.strip_prefix("onedoor_loop_last_tick_timestamp_seconds{loop=\""))
        .map(|rest| {
            let (name, value) = rest.split_once("\"} ").unwrap();
            (name.to_owned(), value.parse().unwrap())
        })
        .collect()
}

story!(every_loop_says_when_it_ticked_last, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    let names = eventually("the loops have ticked", PATIENCE, async || {
        let names: Vec<_> = ticks(&app).await.into_iter().map(|(name, _)| name).collect();
        ["inbox", "feed", "retention", "gauges"]
            .iter()
            .all(|name| names.iter().any(|one| one == name))
            .then_some(names)
    })
    .await;
    assert!(names.iter().any(|name| name.starts_with("outbox")), "{names:?}");
    county.seconds_later(3_600);
    let hour_later = onedoor::clock::Clock::now(&app.clock).timestamp() as f64;
    until("they go on ticking", Duration::from_secs(60), async || {
        let ticks = ticks(&app).await;
        ["inbox", "feed", "gauges"].iter().all(|name| {
            ticks
                .iter()
                .any(|(one, at)| one == name && *at >= hour_later - 1.0)
        })
    })
    .await;
    app.stop(world).await;
});
