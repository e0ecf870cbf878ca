//! Documents when things go wrong: cut uploads, races, a storage that is away, a scanner, and what nobody uses.

use std::fs;
use std::path::PathBuf;

use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::watch;
use uuid::Uuid;

use super::attachments::{
    PDF, download_ticket, downloaded, given, online, order, pdf, put, seen, stored, through, try_put,
    uploaded,
};
use super::kit::{County, TOWNSHIP, act, codes, taken};
use crate::harness::fault_proxy::{Fault, FaultProxy};
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, until};

/// The test file of the makers of scanners.
const EICAR: &str = r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*";
const RETENTION: (&str, &str) = ("ONEDOOR__WORKER__RETENTION_TICK_MS", "1000");

story!(
    /// Wherever it is cut nothing is left, and the same ticket takes the whole file afterwards.
    a_cut_upload_leaves_nothing_and_can_be_repeated,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let li = app.anybody().bearing(&app.actors.citizen("li"));
        let bytes = pdf(300_000);
        let asked = given(&li, order(&bytes, json!({}))).await;
        let url = asked["url"].as_str().unwrap();
        let proxy = FaultProxy::to(app.addr().port());
        let beside = through(&app, url, proxy.port());
        for cut in [1, 300, 700, 9_000, 66_000, 150_000, 299_000, 300_200] {
            proxy.set(Fault::CutRequestAfter(cut));
            let told = try_put(&li, &beside, PDF, bytes.clone()).await;
            assert!(told.is_err(), "cut at {cut}: {told:?}");
            proxy.heal();
            until("nothing is left", PATIENCE, async || stored(world).is_empty()).await;
        }
        proxy.set(Fault::LoseAnswers);
        let lost = tokio::time::timeout(
            std::time::Duration::from_secs(2),
            try_put(&li, &beside, PDF, bytes.clone()),
        );
        assert!(lost.await.is_err(), "the answer is lost");
        proxy.heal();
        let (status, body) = put(&li, url, PDF, bytes).await;
        assert_eq!((status, &body["document"]), (200, &asked["document"]), "it is stored once");
        assert_eq!(stored(world).len(), 1);
        app.stop(world).await;
    }
);

story!(many_uploads_of_one_ticket_are_one_document, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    let li = app.anybody().bearing(&app.actors.citizen("li"));
    let bytes = pdf(200_000);
    let url = given(&li, order(&bytes, json!({}))).await["url"]
        .as_str()
        .unwrap()
        .to_owned();
    let all = (0..8).map(|_| put(&li, &url, PDF, bytes.clone()));
    let answers = futures_util::future::join_all(all).await;
    assert!(
        answers
            .iter()
            .all(|answer| *answer == answers[0] && answer.0 == 200),
        "{answers:?}"
    );
    until("one object is left", PATIENCE, async || stored(world).len() == 1).await;

    let mut other = bytes.clone();
    other[100_000] ^= 1;
    let url = given(&li, order(&bytes, json!({}))).await["url"]
        .as_str()
        .unwrap()
        .to_owned();
    let (one, two) = tokio::join!(put(&li, &url, PDF, bytes), put(&li, &url, PDF, other));
    let mut statuses = [one.0, two.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400], "two files, one document");
    app.stop(world).await;
});

story!(
    /// A folder that is gone: told as retryable, nothing kept; when it is back the same tickets go on.
    a_storage_that_is_away_loses_nothing,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        app.expect_error("STORE_UNAVAILABLE");
        let li = app.anybody().bearing(&app.actors.citizen("li"));
        let kept = pdf(9_000);
        let document = uploaded(&li, &kept, json!({})).await;
        taken(&act(&li, "submitCase", online(&[&document])).await);
        let told = download_ticket(&li, &document, Value::Null).await;
        let read = told["data"]["createDownloadTicket"]["ticket"]["url"].as_str().unwrap().to_owned();
        let bytes = pdf(8_000);
        let asked = given(&li, order(&bytes, json!({}))).await;
        let url = asked["url"].as_str().unwrap();

        let folder = world.folder().join("data/attachments");
        let away = world.folder().join("away");
        fs::rename(&folder, &away).unwrap();
        fs::write(&folder, "not a folder").unwrap();
        let (status, body) = put(&li, url, PDF, bytes.clone()).await;
        assert_eq!((status, &body["retryable"]), (503, &json!(true)), "{body}");
        let (status, _, _) = super::attachments::fetch(&read).await;
        assert!(status >= 500, "{status}");
        fs::remove_file(&folder).unwrap();
        fs::rename(&away, &folder).unwrap();

        assert_eq!(put(&li, url, PDF, bytes).await.0, 200);
        let (status, _, got) = super::attachments::fetch(&read).await;
        assert_eq!((status, got), (200, kept), "the ticket was not used up");
        app.stop(world).await;
    }
);

story!(
    /// A day after it was asked for, what belongs to no case goes; what belongs to one stays.
    what_nobody_uses_is_removed,
    async |world| {
        let county = County::open().await;
        let app = county.gateway_with(world, &[RETENTION], vec![county.upstream()]).await;
        let li = app.anybody().bearing(&app.actors.citizen("li"));
        let used = uploaded(&li, &pdf(7_000), json!({})).await;
        let unused = uploaded(&li, &pdf(6_000), json!({})).await;
        taken(&act(&li, "submitCase", online(&[&used])).await);
        // what a crash left of an earlier upload
        let left = world.folder().join("data/attachments").join(used.as_str().unwrap()).join("9#1");
        fs::write(&left, "half").unwrap();
        let database = world.database().await;
        let more = format!("update document set attempts = 2 where state = '{}'", "CLEAN");
        sea_orm::ConnectionTrait::execute_unprepared(&database, &more).await.unwrap();
        assert_eq!(stored(world).len(), 3);
        county.clock.advance(TimeDelta::hours(25));
        until("one file is left", PATIENCE, async || stored(world).len() == 1).await;
        let named = |file: &PathBuf| file.display().to_string();
        assert!(named(&stored(world)[0]).contains(used.as_str().unwrap()));
        let li = app.anybody().bearing(&app.actors.citizen("li"));
        assert_eq!(downloaded(&li, &used, Value::Null).await, pdf(7_000));
        let payload = act(&li, "submitCase", online(&[&unused])).await;
        assert_eq!(codes(&payload), ["UNKNOWN_DOCUMENT"]);
        app.stop(world).await;
    }
);

/// A clamd of the story's own: it finds [`EICAR`] and nothing else, when it is there.
async fn clamd() -> (u16, watch::Sender<bool>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (there, is_there) = watch::channel(true);
    actix_web::rt::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            if !*is_there.borrow() {
                continue;
            }
            let mut command = [0; 10];
            connection.read_exact(&mut command).await.unwrap();
            assert_eq!(&command, b"zINSTREAM\0");
            let mut file = Vec::new();
            loop {
                let length = connection.read_u32().await.unwrap();
                if length == 0 {
                    break;
                }
                let mut piece = vec![0; usize::try_from(length).unwrap()];
                connection.read_exact(&mut piece).await.unwrap();
                file.extend(piece);
            }
            let found = file.windows(EICAR.len()).any(|window| window == EICAR.as_bytes());
            let verdict: &[u8] = if found {
                b"stream: Eicar-Test-Signature FOUND\0"
            } else {
                b"stream: OK\0"
            };
            connection.write_all(verdict).await.unwrap();
        }
    });
    (port, there)
}

story!(
    /// Nothing is downloaded before the scanner has looked; what it finds is quarantined, also in a case.
    a_scanner_looks_before_anybody_does,
    async |world| {
        let county = County::open().await;
        let (port, there) = clamd().await;
        let address = format!("127.0.0.1:{port}");
        let settings = [("ONEDOOR__ATTACHMENTS__SCANNER__CLAMD", address.as_str())];
        let app = county.gateway_with(world, &settings, vec![county.upstream()]).await;
        app.expect_error("scan");
        let li = app.anybody().bearing(&app.actors.citizen("li"));
        let infected = |length: usize| {
            let mut bytes = pdf(length);
            bytes.extend(EICAR.as_bytes());
            bytes
        };
        // found before it is handed in
        let bad = uploaded(&li, &infected(100_000), json!({})).await;
        until("the scanner spoke", PATIENCE, async || state_of(world, &bad).await == "QUARANTINED").await;
        let payload = act(&li, "submitCase", online(&[&bad])).await;
        assert_eq!(codes(&payload), ["DOCUMENT_QUARANTINED"]);

        // handed in while the scanner is away
        there.send_replace(false);
        let clean = uploaded(&li, &pdf(50_000), json!({})).await;
        let late = uploaded(&li, &infected(10), json!({})).await;
        let case = taken(&act(&li, "submitCase", online(&[&clean, &late])).await);
        let clerk = app.clerk(TOWNSHIP);
        assert_eq!(seen(&clerk, &case).await[0]["state"], "PENDING_SCAN");
        let told = download_ticket(&clerk, &clean, Value::Null).await;
        assert_eq!(codes(&told["data"]["createDownloadTicket"]), ["DOCUMENT_NOT_READY"]);
        there.send_replace(true);
        // a scan that failed is begun again when its time is over
        county.clock.advance(TimeDelta::minutes(3));
        until("both were looked at", PATIENCE, async || {
            state_of(world, &clean).await == "CLEAN" && state_of(world, &late).await == "QUARANTINED"
        })
        .await;
        let documents = seen(&clerk, &case).await;
        let states: Vec<_> = documents.as_array().unwrap().iter().map(|one| &one["state"]).collect();
        assert_eq!(states, ["CLEAN", "QUARANTINED"]);
        assert_eq!(downloaded(&clerk, &clean, Value::Null).await, pdf(50_000));
        let told = download_ticket(&clerk, &late, Value::Null).await;
        assert_eq!(codes(&told["data"]["createDownloadTicket"]), ["DOCUMENT_QUARANTINED"]);
        app.stop(world).await;
    }
);

async fn state_of(world: &crate::harness::world::World, document: &Value) -> String {
    let id = Uuid::try_parse(document.as_str().unwrap().strip_prefix("document_").unwrap()).unwrap();
    let database = world.database().await;
    let statement = sea_orm::Statement::from_sql_and_values(
        sea_orm::ConnectionTrait::get_database_backend(&database),
        "select state from document where id = $1",
        [id.into()],
    );
    let row = sea_orm::ConnectionTrait::query_one_raw(&database, statement)
        .await
        .unwrap();
    row.unwrap().try_get_by_index(0).unwrap()
}
