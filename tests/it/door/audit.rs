//! The audit log: what is denied and what administrators do is found there, by those who may read it and nobody else.

use chrono::{DateTime, Duration, Utc};
use onedoor::clock::{Clock as _, HeldClock, SystemClock};
use onedoor::store::audit;
use onedoor::store::database::{Database, DatabaseSettings};
use onedoor_domain::actor::Actor;
use onedoor_domain::audit::{AuditAction, AuditEntry};
use onedoor_domain::id::AuditEntryId;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};
use uuid::Uuid;

use super::journey::{self, Hands};
use crate::harness::app::TestApp;
use crate::harness::gql::Gql;
use crate::harness::people::FARMER;
use crate::harness::process::{onedoor, onedoor_beside};
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, eventually, until};
use crate::harness::world::World;

/// A clerk of another county.
const ELSEWHERE: &str = "340302001000:township.service-center";

const LOG: &str =
    "query($filter: AuditLogFilter) { auditLog(filter: $filter, first: 100) { totalCount nodes {
    actorKind subject action object outcome reason correlationId times organization { code } } } }";

async fn read(reader: &Gql, filter: Value) -> Vec<Value> {
    let log = reader.data(LOG, json!({ "filter": filter })).await;
    log["auditLog"]["nodes"].as_array().unwrap().clone()
}

/// The entry of a denial once it is written.
async fn denial(reader: &Gql, action: &str, reason: &str) -> Value {
    eventually("the denial is in the log", PATIENCE, async || {
        let found = read(reader, json!({ "action": [action], "outcome": "DENIED" })).await;
        found.into_iter().find(|entry| entry["reason"] == reason)
    })
    .await
}

story!(every_kind_of_denied_access_is_in_the_audit_log, async |world| {
    let app = TestApp::start(world).await;
    let hands = Hands::of(&app.anybody(), &app.actors);
    let submitted = journey::submit(&hands.kiosk, journey::senior_card(FARMER)).await;
    let auditor = app.anybody().bearing(&app.actors.audit_admin());
    let stranger = app.clerk(ELSEWHERE);

    // not for this role at all; the alias is the caller's own text and stays out
    let refused = stranger.ask("{ zhangsan: upstreams { name } }", json!({})).await;
    assert_eq!(refused.codes(), ["FORBIDDEN"]);
    let entry = denial(&auditor, "ACCESS", "FORBIDDEN").await;
    assert_eq!(entry["object"], "Query.upstreams");
    assert_eq!(
        (&entry["actorKind"], &entry["organization"]["code"]),
        (&json!("CLERK"), &json!(ELSEWHERE))
    );
    assert_eq!(
        entry["correlationId"],
        refused.body["errors"][0]["extensions"]["correlationId"]
    );

    // somebody else's case looks absent, and is told here
    for way in [
        "query($id: ID!) { case(by: { id: $id }) { id } }",
        "query($id: ID!) { node(id: $id) { id } }",
    ] {
        let data = stranger.data(way, json!({ "id": submitted.id() })).await;
        assert!(data["case"].is_null() && data["node"].is_null());
    }
    let entry = denial(&auditor, "ACCESS", "HIDDEN").await;
    assert_eq!(entry["object"], submitted.id());

    // seen, but on another desk
    let offered = &submitted.case["handoffs"][1];
    let signed = journey::act(
        &hands.clerk,
        "acknowledgeHandoff",
        json!({ "case": submitted.id(), "handoff": offered["id"], "expectedVersion": offered["version"] }),
    )
    .await;
    let accept = "mutation($input: AcceptCaseInput!) { acceptCase(input: $input) { userErrors { code } } }";
    let input = json!({ "case": submitted.id(), "idempotencyKey": Uuid::now_v7(), "expectedVersion": signed["version"] });
    let other = hands.station.data(accept, json!({ "input": input })).await;
    assert_eq!(
        other["acceptCase"]["userErrors"],
        json!([{ "code": "WRONG_ORGANIZATION" }])
    );
    assert_eq!(
        denial(&auditor, "ACCESS", "OTHER_OFFICE").await["object"],
        submitted.id()
    );

    // a bad token, a wrong secret, a forged notice: nothing of what was presented is kept
    let forged = app
        .anybody()
        .bearing("eyJhbGciOiJub25lIn0.e30.")
        .ask("{ viewer { kind } }", json!({}))
        .await;
    assert_eq!(forged.status, 401);
    let entry = denial(&auditor, "AUTHENTICATION", "UNAUTHENTICATED").await;
    assert_eq!(
        (&entry["actorKind"], &entry["subject"], &entry["object"]),
        (&json!("ANONYMOUS"), &Value::Null, &Value::Null)
    );
    let track = "query($code: String!) { trackCase(trackingCode: $code, secret: \"ZZZZZZZZ\") { id } }";
    let wrong = app
        .anybody()
        .ask(track, json!({ "code": submitted.code() }))
        .await;
    assert_eq!(wrong.codes(), ["NOT_FOUND"]);
    assert_eq!(
        denial(&auditor, "TRACKING_SECRET_TRIED", "WRONG_SECRET").await["object"],
        submitted.id()
    );
    let callback = app.anybody().url().replace("/graphql", "/callbacks/sandbox");
    let notice = crate::harness::gql::http_client()
        .post(callback)
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(notice.status().as_u16(), 401);
    assert_eq!(
        denial(&auditor, "NOTICE_RECEIVED", "CALLBACK_REFUSED").await["object"],
        "sandbox"
    );
    app.stop(world).await;
});

story!(
    the_audit_log_is_for_auditors_and_the_audit_administrator_alone,
    async |world| {
        let app = TestApp::start(world).await;
        let (auditor, keeper) = (
            app.anybody().bearing(&app.actors.auditor()),
            app.anybody().bearing(&app.actors.audit_admin()),
        );
        let admin = app.anybody().bearing(&app.actors.admin());
        let asked = "mutation($input: ReconcileUpstreamInput!) { reconcileUpstream(input: $input) { userErrors { code } } }";
        let input = json!({ "input": { "upstream": "sandbox", "idempotencyKey": Uuid::now_v7() } });
        for _ in 0..2 {
            admin.data(asked, input.clone()).await;
        }
        for reader in [&auditor, &keeper] {
            let told = read(reader, json!({ "action": ["RECONCILIATION_REQUESTED"] })).await;
            assert_eq!(told.len(), 1, "once for a repeated request: {told:?}");
            assert_eq!(
                (&told[0]["actorKind"], &told[0]["object"], &told[0]["outcome"]),
                (&json!("SYSTEM_ADMIN"), &json!("sandbox"), &json!("DONE"))
            );
        }
        for token in [
            app.actors.admin(),
            app.actors.security_admin(),
            app.actors.supervisor("340321000000"),
            app.actors.citizen("citizen-1"),
        ] {
            let refused = app.anybody().bearing(&token).ask(LOG, json!({})).await;
            assert_eq!(refused.codes(), ["FORBIDDEN"]);
        }
        // by time and by subject, page by page
        let later = read(&auditor, json!({ "from": "2027-01-01T00:00:00Z" })).await;
        assert_eq!(later, Vec::<Value>::new());
        let nobody = read(&auditor, json!({ "subject": "nobody" })).await;
        assert_eq!(nobody, Vec::<Value>::new());
        until("four denials are written", PATIENCE, async || {
            read(&auditor, json!({ "outcome": "DENIED" })).await.len() == 4
        })
        .await;
        let page = "query($after: String) { auditLog(first: 2, after: $after) { totalCount nodes { id at }
        pageInfo { endCursor hasNextPage } } }";
        let (mut seen, mut after) = (Vec::new(), Value::Null);
        loop {
            let log = auditor.data(page, json!({ "after": after })).await["auditLog"].clone();
            assert_eq!(log["totalCount"], 5);
            seen.extend(
                log["nodes"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|node| node["id"].to_string()),
            );
            after = log["pageInfo"]["endCursor"].clone();
            if log["pageInfo"]["hasNextPage"] == false {
                break;
            }
        }
        let all: std::collections::BTreeSet<_> = seen.iter().collect();
        assert_eq!((seen.len(), all.len()), (5, 5));
        app.stop(world).await;
    }
);

story!(
    a_flood_of_denials_fills_no_disk_and_is_not_lost_by_a_stop,
    async |world| {
        let app = TestApp::start(world).await;
        let clerk = app.clerk(ELSEWHERE);
        let many = (0..15)
            .map(|number| format!(" a{number}: upstreams {{ name }}"))
            .collect::<String>();
        for _ in 0..20 {
            let refused = clerk.ask(&format!("{{ {many} }}"), json!({})).await;
            assert!(refused.codes().iter().all(|code| *code == "FORBIDDEN"));
        }
        app.stop(world).await;
        let app = TestApp::start(world).await;
        let auditor = app.anybody().bearing(&app.actors.auditor());
        let told = read(&auditor, json!({ "outcome": "DENIED" })).await;
        let times: i64 = told.iter().map(|entry| entry["times"].as_i64().unwrap()).sum();
        assert_eq!(
            (told.len(), times),
            (21, 300),
            "field executions, counted together after the first twenty"
        );
        app.stop(world).await;
    }
);

fn entry_at(at: DateTime<Utc>) -> AuditEntry {
    let id = AuditEntryId::from_uuid(Uuid::now_v7());
    AuditEntry::done(id, at, &Actor::system("story"), AuditAction::Access)
}

async fn entries(world: &World) -> i64 {
    let database = world.database().await;
    let count = Statement::from_string(
        database.get_database_backend(),
        "SELECT COUNT(*) FROM audit_entry",
    );
    let row = database.query_one_raw(count).await.unwrap().unwrap();
    let count = row.try_get_by_index(0).unwrap();
    database.close().await.unwrap();
    count
}

story!(
    an_entry_is_kept_for_180_days_whatever_is_tried_and_then_goes,
    async |world| {
        let now = SystemClock.now();
        let database = Database::connect(&DatabaseSettings::of(&world.config(&[])), None)
            .await
            .unwrap();
        let young = (0..3).map(|days| entry_at(now - Duration::days(179 - days)));
        let old = (0..1_100).map(|days| entry_at(now - Duration::days(181 + days)));
        let all: Vec<AuditEntry> = young.chain(old).collect();
        audit::append(&database, &all).await.unwrap();
        audit::append(&database, &all).await.unwrap();
        assert_eq!(entries(world).await, 1_103, "written twice is there once");

        // nobody who has the database can shorten it by a statement
        let direct = world.database().await;
        for sql in [
            "UPDATE audit_entry SET subject = 'nobody'",
            "DELETE FROM audit_entry",
        ] {
            let refused = direct.execute_unprepared(sql).await.unwrap_err();
            assert!(refused.to_string().contains("append-only"), "{refused}");
        }
        direct.close().await.unwrap();

        // less than 180 days cannot be asked for
        let removed = audit::remove_older(&database, now, Duration::days(1))
            .await
            .unwrap();
        assert_eq!((removed, entries(world).await), (1_100, 3));
        database.close().await.unwrap();
        let (status, _, told) = onedoor(
            &["config", "check", "--demo"],
            &[("ONEDOOR__AUDIT__DAYS".to_owned(), "179".to_owned())],
        );
        assert_eq!(
            (status.code(), told.contains("audit.days")),
            (Some(78), true),
            "{told}"
        );
    }
);

story!(old_entries_go_by_themselves, async |world| {
    let now = SystemClock.now();
    let database = Database::connect(&DatabaseSettings::of(&world.config(&[])), None)
        .await
        .unwrap();
    audit::append(&database, &[entry_at(now - Duration::days(200)), entry_at(now)])
        .await
        .unwrap();
    database.close().await.unwrap();
    let often = [("ONEDOOR__WORKER__RETENTION_TICK_MS", "1000")];
    let app = TestApp::start_with(world, HeldClock::at(now), &often).await;
    until("the old one is gone", PATIENCE, async || {
        entries(world).await == 1
    })
    .await;
    app.stop(world).await;
});

story!(
    the_export_holds_every_entry_and_says_that_it_was_made,
    async |world| {
        let app = TestApp::start(world).await;
        let clerk = app.clerk(ELSEWHERE);
        clerk.ask("{ upstreams { name } }", json!({})).await;
        app.stop(world).await;
        let mut settings = world.settings();
        settings.push(("ONEDOOR__LOG__FILTER".to_owned(), "error".to_owned()));
        // what an operator does at the command line is told as well, a rehearsal is not
        let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/data/admissions.csv");
        for import in [
            ["import", "admissions", sample, "--demo", "--dry-run"].as_slice(),
            &["import", "admissions", sample, "--demo"],
        ] {
            let (status, _, told) = onedoor_beside(import, &settings).await;
            assert!(status.success(), "{told}");
        }
        let (status, lines, told) = onedoor_beside(&["audit", "export", "--demo"], &settings).await;
        assert!(status.success(), "{told}");
        let lines: Vec<Value> = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let actions: Vec<&str> = lines.iter().filter_map(|line| line["action"].as_str()).collect();
        assert_eq!(
            actions,
            ["ACCESS", "REFERENCE_DATA_IMPORTED", "AUDIT_LOG_EXPORTED"],
            "{lines:?}"
        );
        assert_eq!(lines[0]["object"], "Query.upstreams");
        assert_eq!(
            (&lines[1]["subject"], &lines[1]["object"]),
            (&json!("command-line"), &json!("admissions"))
        );
        let window = [
            "audit",
            "export",
            "--demo",
            "--format",
            "csv",
            "--from",
            "2026-03-01T00:00:00+08:00",
            "--to",
            "2026-03-03T00:00:00+08:00",
        ];
        let (status, table, told) = onedoor_beside(&window, &settings).await;
        assert!(status.success(), "{told}");
        let mut table = csv::Reader::from_reader(table.as_bytes());
        let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 1, "of that Monday alone");
        assert_eq!(&rows[0][5], "ACCESS");
    }
);
