//! Documents go in by a ticket and come out by a ticket: whole, to whom they belong, and to nobody else.

use std::fs;
use std::path::PathBuf;

use onedoor_domain::digest::Digest;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};
use uuid::Uuid;

use super::kit::{
    CIVIL_AFFAIRS, COUNTY, Case, County, OTHER_TOWNSHIP, STATION, TOWNSHIP, VILLAGE, act, codes, funeral,
    pension, submit, taken,
};
use crate::harness::app::TestApp;
use crate::harness::gql::{Gql, http_client};
use crate::harness::people::{self, FARMER, NEIGHBOUR};
use crate::harness::story::story;
use crate::harness::world::World;

pub(crate) const PDF: &str = "application/pdf";

/// A PDF of so many bytes with somebody's name in it.
pub(crate) fn pdf(length: usize) -> Vec<u8> {
    let text = format!("%PDF-1.7\n% {} {}\n", FARMER.name, FARMER.id_number);
    let mut bytes: Vec<u8> = text.into_bytes();
    while bytes.len() < length {
        bytes.extend(bytes.len().to_be_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// A file that a browser would run or show, had it the chance.
const STRANGE: &[&[u8]] = &[
    b"<!doctype html><script>alert(1)</script>",
    b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>",
    b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0",
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
];

/// What a request for a ticket says, unless the story says otherwise.
pub(crate) fn order(bytes: &[u8], more: Value) -> Value {
    let mut input = json!({
        "idempotencyKey": Uuid::now_v7(), "material": "id", "fileName": format!("{}身份证.pdf", FARMER.name),
        "mediaType": PDF, "sizeBytes": bytes.len(),
    });
    for (name, value) in more.as_object().unwrap() {
        input[name] = value.clone();
    }
    input
}

/// Asks for a ticket and gives the payload.
pub(crate) async fn ticket(who: &Gql, input: Value) -> Value {
    let document = "mutation($input: CreateUploadTicketInput!) { createUploadTicket(input: $input) {
        ticket { document url mediaType expiresAt } userErrors { code field message } } }";
    who.data(document, json!({ "input": input })).await["createUploadTicket"].clone()
}

/// The ticket that must be given.
pub(crate) async fn given(who: &Gql, input: Value) -> Value {
    let payload = ticket(who, input).await;
    assert_eq!(payload["userErrors"], json!([]), "createUploadTicket");
    payload["ticket"].clone()
}

/// Puts bytes at a ticket's address; status and body of the answer.
pub(crate) async fn put(who: &Gql, url: &str, media_type: &str, bytes: Vec<u8>) -> (u16, Value) {
    try_put(who, url, media_type, bytes).await.unwrap()
}

/// The same, when no answer may come.
pub(crate) async fn try_put(
    who: &Gql,
    url: &str,
    media_type: &str,
    bytes: Vec<u8>,
) -> reqwest::Result<(u16, Value)> {
    let mut request = http_client()
        .put(url)
        .header(CONTENT_TYPE, media_type)
        .body(bytes);
    if !who.token().is_empty() {
        request = request.bearer_auth(who.token());
    }
    let answer = request.send().await?;
    let status = answer.status().as_u16();
    let body = answer.bytes().await?;
    Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
}

/// Uploads a document and gives its key.
pub(crate) async fn uploaded(who: &Gql, bytes: &[u8], more: Value) -> Value {
    let ticket = given(who, order(bytes, more)).await;
    let (status, body) = put(who, ticket["url"].as_str().unwrap(), PDF, bytes.to_vec()).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["document"], ticket["document"]);
    assert_eq!(body["sha256"], Digest::of(bytes).to_string());
    ticket["document"].clone()
}

/// An application of somebody with an account, in which the material `id` has these documents.
pub(crate) fn online(documents: &[&Value]) -> Value {
    let mut paper = pension(&FARMER);
    paper["division"] = json!(VILLAGE);
    for material in paper["materials"].as_array_mut().unwrap() {
        material["trust"] = json!("D");
    }
    if !documents.is_empty() {
        paper["materials"][0]["trust"] = json!("C");
        paper["materials"][0]["documents"] = json!(documents);
    }
    paper
}

/// The answer to a request for a ticket to download.
pub(crate) async fn download_ticket(who: &Gql, document: &Value, credential: Value) -> Value {
    let asked = "mutation($input: CreateDownloadTicketInput!) { createDownloadTicket(input: $input) {
        ticket { url expiresAt } userErrors { code message } } }";
    let input = json!({ "idempotencyKey": Uuid::now_v7(), "document": document, "credential": credential });
    who.ask(asked, json!({ "input": input })).await.body
}

/// What comes from a download's address.
pub(crate) async fn fetch(url: &str) -> (u16, HeaderMap, Vec<u8>) {
    let answer = http_client().get(url).send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    (status, headers, answer.bytes().await.unwrap().to_vec())
}

/// Downloads what must be there.
pub(crate) async fn downloaded(who: &Gql, document: &Value, credential: Value) -> Vec<u8> {
    let told = download_ticket(who, document, credential).await;
    let url = told["data"]["createDownloadTicket"]["ticket"]["url"].as_str();
    let (status, _, bytes) = fetch(url.unwrap_or_else(|| panic!("no ticket: {told}"))).await;
    assert_eq!(status, 200);
    bytes
}

/// The documents of a case as somebody sees them.
pub(crate) async fn seen(who: &Gql, case: &Case) -> Value {
    let document = "query($id: ID!) { case(by: { id: $id }) {
        documents { id material fileName mediaType sizeBytes sha256 state joinedAt } } }";
    who.data(document, json!({ "id": case.id })).await["case"]["documents"].clone()
}

/// Every file below the folder of documents.
pub(crate) fn stored(world: &World) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![world.folder().join("data/attachments")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found
}

/// Nothing in the folder of documents tells of anybody.
pub(crate) fn assert_unreadable(world: &World) {
    for file in stored(world) {
        people::assert_nobody_in(&file.display().to_string(), &fs::read(&file).unwrap());
    }
}

async fn audited(world: &World) -> Vec<(String, String)> {
    let database = world.database().await;
    let sql = "select actor, object from audit_entry where action = 'DOCUMENT_READ' order by id";
    let rows = database
        .query_all_raw(Statement::from_string(database.get_database_backend(), sql))
        .await
        .unwrap();
    let read =
        |row: &sea_orm::QueryResult| (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap());
    rows.iter().map(read).collect()
}

story!(
    a_document_reaches_the_office_and_its_hash_the_receipt,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let li = app.anybody().bearing(&app.actors.citizen("li"));
        let bytes = pdf(150_000);
        let document = uploaded(&li, &bytes, json!({})).await;
        let payload = act(&li, "submitCase", online(&[&document])).await;
        let case = taken(&payload);
        let hash = Digest::of(&bytes).to_string();
        let receipt = payload["receipt"]["canonical"].as_str().unwrap();
        assert!(receipt.contains(&hash), "the receipt names the hash");
        let handed = &payload["case"]["handoffs"][1];
        assert_eq!(handed["to"]["code"], TOWNSHIP);

        let clerk = app.clerk(TOWNSHIP);
        for who in [&li, &clerk] {
            let documents = seen(who, &case).await;
            assert_eq!(documents[0]["sha256"], hash);
            assert_eq!(documents[0]["state"], "CLEAN");
            assert_eq!(documents[0]["sizeBytes"], 150_000);
        }
        assert_eq!(downloaded(&li, &document, Value::Null).await, bytes);
        let told = download_ticket(&clerk, &document, Value::Null).await;
        let url = told["data"]["createDownloadTicket"]["ticket"]["url"]
            .as_str()
            .unwrap();
        let (status, headers, got) = fetch(url).await;
        assert_eq!((status, got.as_slice()), (200, bytes.as_slice()));
        assert_eq!(headers["content-length"], "150000");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["cache-control"], "no-store");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("sandbox"), "{policy}");
        let disposition = headers["content-disposition"].to_str().unwrap();
        assert!(
            disposition.starts_with("attachment; filename=\"") && disposition.ends_with(".pdf\""),
            "{disposition}"
        );
        assert_eq!(fetch(url).await.0, 404, "a ticket is good once");
        let kinds: Vec<_> = audited(world).await.into_iter().map(|(actor, _)| actor).collect();
        assert_eq!(kinds, ["CITIZEN", "CLERK"], "who read it stands in the audit log");
        assert_unreadable(world);
        app.stop(world).await;
    }
);

story!(what_is_not_ones_own_to_read_looks_absent, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    let li = app.anybody().bearing(&app.actors.citizen("li"));
    let document = uploaded(&li, &pdf(2_000), json!({})).await;
    let unused = download_ticket(&li, &document, Value::Null).await;
    assert_eq!(
        unused["errors"][0]["extensions"]["code"], "NOT_FOUND",
        "it belongs to no case"
    );
    let case = taken(&act(&li, "submitCase", online(&[&document])).await);
    let nothing = json!(format!("document_{}", Uuid::now_v7().simple()));
    let strip = |mut answer: Value| {
        answer["errors"][0]["extensions"]["correlationId"].take();
        answer
    };
    for (who, may_ask) in [
        (app.anybody().bearing(&app.actors.citizen("wang")), true),
        (app.clerk(OTHER_TOWNSHIP), true),
        (app.officer(CIVIL_AFFAIRS), true),
        (app.supervisor(COUNTY), false),
        (app.kiosk(STATION), false),
        (app.anybody().bearing(&app.actors.auditor()), false),
        (app.anybody().bearing(&app.actors.admin()), false),
    ] {
        let foreign = download_ticket(&who, &document, Value::Null).await;
        let absent = download_ticket(&who, &nothing, Value::Null).await;
        let code = if may_ask { "NOT_FOUND" } else { "FORBIDDEN" };
        assert_eq!(foreign["errors"][0]["extensions"]["code"], code);
        assert_eq!(strip(foreign), strip(absent));
    }
    assert_eq!(seen(&app.supervisor(COUNTY), &case).await, Value::Null);
    assert_eq!(
        fetch(&format!("http://{}/attachments/none", app.addr())).await.0,
        404
    );
    assert_eq!(audited(world).await, []);
    app.stop(world).await;
});

story!(
    a_file_that_is_not_what_was_said_is_refused_and_leaves_nothing,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let li = app.anybody().bearing(&app.actors.citizen("li"));
        for strange in STRANGE {
            let url = given(&li, order(strange, json!({}))).await["url"].clone();
            let (status, body) = put(&li, url.as_str().unwrap(), PDF, strange.to_vec()).await;
            assert_eq!((status, &body["code"]), (415, &json!("UNSUPPORTED_MEDIA_TYPE")));
        }
        let bytes = pdf(70_000);
        let hash = Digest::of(&bytes).to_string();
        let asked = given(&li, order(&bytes, json!({ "sha256": hash }))).await;
        let url = asked["url"].as_str().unwrap();
        let mut other = bytes.clone();
        other[60_000] ^= 1;
        for (what, media_type, sent, expected) in [
            ("longer", PDF, pdf(70_001), 413),
            ("shorter", PDF, pdf(69_999), 400),
            ("altered", PDF, other.clone(), 400),
            ("as something else", "image/png", bytes.clone(), 415),
            ("as a form", "multipart/form-data; boundary=x", bytes.clone(), 415),
        ] {
            let (status, body) = put(&li, url, media_type, sent).await;
            assert_eq!(status, expected, "{what}: {body}");
        }
        let wang = app.anybody().bearing(&app.actors.citizen("wang"));
        assert_eq!(
            put(&wang, url, PDF, bytes.clone()).await.0,
            404,
            "another's ticket"
        );
        assert_eq!(
            put(&app.anybody(), url, PDF, bytes.clone()).await.0,
            404,
            "nobody's"
        );
        assert_eq!(stored(world), Vec::<PathBuf>::new(), "nothing is left of them");

        let first = put(&li, url, PDF, bytes.clone()).await;
        assert_eq!(first.0, 200, "the ticket is still good: {}", first.1);
        assert_eq!(
            put(&li, url, PDF, bytes).await,
            first,
            "the same bytes, the same answer"
        );
        assert_eq!(put(&li, url, PDF, other).await.0, 400, "other bytes");
        assert_eq!(stored(world).len(), 1);
        app.stop(world).await;
    }
);

story!(a_ticket_is_told_what_is_wrong_and_is_limited, async |world| {
    let county = County::open().await;
    let limits = [
        ("ONEDOOR__ATTACHMENTS__FILES_PER_DAY_MAX", "3"),
        ("ONEDOOR__ATTACHMENTS__FILES_PER_CASE_MAX", "2"),
    ];
    let app = county.gateway_with(world, &limits, vec![county.upstream()]).await;
    let li = app.anybody().bearing(&app.actors.citizen("li"));
    let wrong = json!({
        "idempotencyKey": Uuid::now_v7(), "material": "", "fileName": "../id.pdf", "mediaType": "text/html",
        "sizeBytes": 20_000_001, "sha256": "none",
    });
    let told = ticket(&li, wrong).await;
    let fields: Vec<_> = told["userErrors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["field"][0])
        .collect();
    assert_eq!(
        fields,
        ["material", "fileName", "mediaType", "sizeBytes", "sha256"]
    );

    let input = order(&pdf(10), json!({}));
    let first = given(&li, input.clone()).await;
    assert_eq!(
        given(&li, input.clone()).await,
        first,
        "the same key, the same ticket"
    );
    let mut other = input;
    other["sizeBytes"] = json!(11);
    assert_eq!(codes(&ticket(&li, other).await), ["IDEMPOTENCY_MISMATCH"]);
    let next = |material: &str| order(&pdf(10), json!({ "material": material }));
    given(&li, next("hk")).await;
    assert_eq!(
        codes(&ticket(&li, next("bankc")).await),
        ["TOO_MANY_DOCUMENTS"],
        "for one application"
    );
    let case = taken(&act(&li, "submitCase", online(&[])).await);
    let for_case = || order(&pdf(10), json!({ "case": case.id }));
    given(&li, for_case()).await;
    assert_eq!(
        codes(&ticket(&li, for_case()).await),
        ["TOO_MANY_DOCUMENTS"],
        "within a day"
    );

    county.clock.advance(chrono::TimeDelta::minutes(16));
    let url = first["url"].as_str().unwrap();
    assert_eq!(put(&li, url, PDF, pdf(10)).await.0, 404, "its time is over");
    app.stop(world).await;
});

story!(a_document_is_handed_in_once_by_who_uploaded_it, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    let citizen = |subject: &str| app.anybody().bearing(&app.actors.citizen(subject));
    let (li, wang) = (citizen("li"), citizen("wang"));
    let document = uploaded(&li, &pdf(3_000), json!({})).await;
    let waiting = given(&li, order(&pdf(10), json!({}))).await["document"].clone();
    let misplaced = uploaded(&li, &pdf(4_000), json!({ "material": "hk" })).await;
    let nothing = json!(format!("document_{}", Uuid::now_v7().simple()));
    for (who, documents, code) in [
        (&wang, vec![&document], "UNKNOWN_DOCUMENT"),
        (&li, vec![&nothing], "UNKNOWN_DOCUMENT"),
        (&li, vec![&misplaced], "UNKNOWN_DOCUMENT"),
        (&li, vec![&document, &document], "UNKNOWN_DOCUMENT"),
        (&li, vec![&waiting], "DOCUMENT_NOT_READY"),
    ] {
        let payload = act(who, "submitCase", online(&documents)).await;
        assert_eq!(codes(&payload), [code], "{documents:?}");
    }
    let both =
        futures_util::future::join_all((0..2).map(|_| act(&li, "submitCase", online(&[&document])))).await;
    let lost: Vec<_> = both.iter().flat_map(codes).collect();
    assert_eq!(lost, ["UNKNOWN_DOCUMENT"], "one of two at once has it");
    let paper = online(&[&misplaced]);
    assert_eq!(codes(&act(&li, "submitCase", paper).await), ["UNKNOWN_DOCUMENT"]);
    app.stop(world).await;
});

story!(
    /// The applicant at home: no account, code and secret alone.
    who_holds_code_and_secret_uploads_and_downloads,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let case = submit(&app.kiosk(STATION), pension(&FARMER)).await;
        let asked = json!({ "text": "请补交身份证", "materials": ["id"] });
        case.done(&app.clerk(TOWNSHIP), "requestSupplement", asked).await;
        let anybody = app.anybody();
        let credential = json!({ "trackingCode": case.tracking_code, "secret": case.secret });
        let refused = anybody
            .ask(
                "mutation($input: CreateUploadTicketInput!) { createUploadTicket(input: $input) { userErrors { code } } }",
                json!({ "input": order(&pdf(10), json!({})) }),
            )
            .await;
        assert_eq!(refused.codes(), ["UNAUTHENTICATED"], "an application needs an account");
        let bytes = pdf(5_000);
        let document = uploaded(&anybody, &bytes, json!({ "credential": credential })).await;
        let other = submit(&app.kiosk(STATION), pension(&NEIGHBOUR)).await;
        let brought = json!([{ "code": "id", "trust": "C", "documents": [document] }]);
        let mut input = json!({
            "credential": credential, "expectedVersion": case.tracked(&anybody).await["version"],
            "idempotencyKey": Uuid::now_v7(), "materials": brought,
        });
        let payload = act(&anybody, "supplementCase", input.clone()).await;
        assert_eq!(payload["userErrors"], json!([]));
        input["idempotencyKey"] = json!(Uuid::now_v7());
        assert_eq!(downloaded(&anybody, &document, credential).await, bytes);
        let foreign = json!({ "trackingCode": other.tracking_code, "secret": other.secret });
        let denied = download_ticket(&anybody, &document, foreign).await;
        assert_eq!(denied["errors"][0]["extensions"]["code"], "NOT_FOUND");
        assert_eq!(seen(&app.clerk(TOWNSHIP), &case).await[0]["id"], document);
        app.stop(world).await;
    }
);

story!(
    /// A township that handed a case on keeps the documents that it had, and hears of no later ones.
    an_office_keeps_the_documents_of_its_own_part,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let li = app.anybody().bearing(&app.actors.citizen("li"));
        let early = pdf(1_000);
        let first = uploaded(&li, &early, json!({})).await;
        let mut paper = funeral(&FARMER);
        paper["division"] = json!(VILLAGE);
        for material in paper["materials"].as_array_mut().unwrap() {
            material["trust"] = json!("D");
        }
        paper["materials"][0] = json!({ "code": "id", "trust": "C", "documents": [first] });
        let case = taken(&act(&li, "submitCase", paper).await);
        let township = app.clerk(TOWNSHIP);
        case.done(&township, "acceptCase", json!({ "advance": true })).await;
        app.clock.advance(chrono::TimeDelta::minutes(5));
        case.signed_for(&app.clerk(CIVIL_AFFAIRS)).await;
        app.clock.advance(chrono::TimeDelta::minutes(5));
        let asked = json!({ "text": "请补交死亡证明", "materials": ["death"] });
        case.done(&app.clerk(CIVIL_AFFAIRS), "requestSupplement", asked).await;
        let late = uploaded(&li, &pdf(2_000), json!({ "case": case.id, "material": "death" })).await;
        let version = case.seen_by(&li).await["version"].clone();
        let brought = json!({ "materials": [{ "code": "death", "trust": "C", "documents": [late] }] });
        let payload = act(&li, "supplementCase", case.input(&version, brought)).await;
        assert_eq!(payload["userErrors"], json!([]));

        let ids = |documents: &Value| -> Vec<Value> {
            documents.as_array().unwrap().iter().map(|one| one["id"].clone()).collect()
        };
        let owner = app.clerk(CIVIL_AFFAIRS);
        assert_eq!(ids(&seen(&owner, &case).await), [first.clone(), late.clone()]);
        assert_eq!(ids(&seen(&township, &case).await), std::slice::from_ref(&first), "what it had");
        assert_eq!(downloaded(&township, &first, Value::Null).await, early);
        let denied = download_ticket(&township, &late, Value::Null).await;
        assert_eq!(denied["errors"][0]["extensions"]["code"], "NOT_FOUND");
        app.stop(world).await;
    }
);

/// Uploads by a gateway at another address of this process, through a proxy.
pub(crate) fn through(app: &TestApp, url: &str, port: u16) -> String {
    url.replace(&format!(":{}/", app.addr().port()), &format!(":{port}/"))
}
