//! The city's systems of public protocols as strangers meet them: spoken to by hand, by the letter of their contracts.

use std::time::Duration;

use chrono::TimeDelta;
use onedoor::clock::HeldClock;
use onedoor::secret::Redacted;
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use super::fixture::{APPLICANT_NAME, Department, now};
use crate::harness::gql::http_client;
use crate::harness::wait::{PATIENCE, until};

const TOKEN: &str = "a token of the city";
const SERVICE: &str = "r1/CN-BB/GOV/340300-YBJ/medical-aid/cases";
const CLIENT: &str = "CN-BB/GOV/340300-SJJ/onedoor";
const JURISDICTION: &str = "jurisdiction_id=bengbu.gov.example";

/// One of the systems, on a sandbox of its own; it decides when it is told.
struct System {
    department: Department,
    name: &'static str,
    clock: HeldClock,
}

impl System {
    async fn open(name: &'static str, secret: &str) -> Self {
        let clock = HeldClock::at(now());
        let shared = clock.clone();
        let variable = format!(
            "ONEDOOR_CITY_{}_{secret}",
            name.to_ascii_uppercase().replace('-', "_")
        );
        let department = Department::open_with(|settings| {
            settings.clock = std::sync::Arc::new(shared);
            settings.city = Some([(variable, Redacted::new(TOKEN.to_owned()))].into());
        })
        .await;
        let system = Self {
            department,
            name,
            clock,
        };
        let rule = json!({ "mode": "decide-when-told" }).to_string();
        let told = http_client()
            .put(system.url("control"))
            .header("content-type", "application/json");
        assert!(told.body(rule).send().await.unwrap().status().is_success());
        system
    }

    fn url(&self, path: &str) -> String {
        self.department.url(&format!("/city/{}/{path}", self.name))
    }

    fn get(&self, path: &str) -> RequestBuilder {
        http_client().get(self.url(path))
    }

    fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        let request = http_client().post(self.url(path)).body(body.to_string());
        request.header("content-type", "application/json")
    }

    fn form(&self, path: &str, fields: &str) -> RequestBuilder {
        let request = http_client().post(self.url(path)).body(fields.to_owned());
        request.header("content-type", "application/x-www-form-urlencoded")
    }

    async fn orders(&self, path: &str, order: Value) {
        let told = self
            .post(&format!("control/{path}"), &order)
            .send()
            .await
            .unwrap();
        assert!(told.status().is_success(), "{told:?}");
    }

    /// What the journal says that it did, oldest first.
    async fn did(&self) -> Vec<String> {
        let lines = self.department.requests().await;
        let below = format!("/city/{}/", self.name);
        let of_system = |line: &&Value| line["path"].as_str().unwrap().starts_with(&below);
        let did = |line: &Value| line["did"].as_str().unwrap().to_owned();
        lines.iter().filter(of_system).map(did).collect()
    }

    async fn close(self) {
        self.department.close().await;
    }
}

async fn text(answer: Response) -> (u16, String) {
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn read(request: RequestBuilder) -> (u16, Value) {
    let (status, text) = text(request.send().await.unwrap()).await;
    (
        status,
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")),
    )
}

fn application() -> Value {
    json!({
        "our_ref": "BB1", "item": { "code": "medical-aid", "name": "医疗救助" },
        "division": { "code": "340302001001", "name": "某社区" },
        "applicant": { "kind": "PERSON", "name": APPLICANT_NAME, "id_kind": "RESIDENT_ID", "id_number": "1" },
        "form": {}, "materials": [], "from": { "code": "a", "name": "a" }, "to": { "code": "b", "name": "b" },
        "handoff": { "seq": 1, "kind": "ROUTE" }, "submitted_at": "2026-11-23T01:02:03Z",
    })
}

#[actix_web::test]
async fn a_security_server_answers_for_itself_what_never_reached_the_provider() {
    let exchange = System::open("xroad-exchange", "TOKEN").await;
    let faults = [
        (SERVICE, None, 400, "Client.BadRequest"),
        (SERVICE, Some("CN-BB"), 400, "Client.BadRequest"),
        ("r1/CN-BB/GOV", Some(CLIENT), 400, "Client.BadRequest"),
        (
            SERVICE,
            Some("CN-BB/GOV/340300-SJJ/somebody"),
            500,
            "Server.ClientProxy.UnknownMember",
        ),
        (
            "r1/CN-BB/GOV/340300-YBJ/medical-aid/other",
            Some(CLIENT),
            500,
            "Server.ServerProxy.UnknownService",
        ),
    ];
    for (path, client, status, kind) in faults {
        let mut request = exchange
            .post(&format!("{path}/api/applications"), &application())
            .bearer_auth(TOKEN);
        if path == "r1/CN-BB/GOV" {
            request = exchange.get(path);
        }
        if let Some(client) = client {
            request = request.header("x-road-client", client);
        }
        let answer = request.send().await.unwrap();
        let header = answer
            .headers()
            .get("x-road-error")
            .map(|value| value.to_str().unwrap().to_owned());
        let (found, body) = text(answer).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(
            (found, header.as_deref(), &body["type"]),
            (status, Some(kind), &json!(kind))
        );
        assert!(
            body["message"].is_string() && body["detail"].is_string(),
            "{body}"
        );
    }
    assert_eq!(exchange.did().await, ["refused"; 5]);
    exchange.close().await;
}

#[actix_web::test]
async fn what_the_provider_says_passes_and_is_bound_to_its_request() {
    let exchange = System::open("xroad-exchange", "TOKEN").await;
    let path = format!("{SERVICE}/api/applications");
    let asked = |token: &str| {
        let request = exchange
            .post(&path, &application())
            .header("x-road-client", CLIENT);
        request
            .header("x-road-id", "0193-1")
            .header("x-road-issue", "BB1")
            .header("idempotency-key", "key-1")
            .bearer_auth(token)
    };
    let refused = asked("wrong").send().await.unwrap();
    assert_eq!(refused.status().as_u16(), 401);
    assert!(
        refused.headers().get("x-road-error").is_none(),
        "the provider's own no"
    );
    let taken = asked(TOKEN).send().await.unwrap();
    assert_eq!(taken.status().as_u16(), 202);
    let header = |name: &str| taken.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(
        (
            header("x-road-client"),
            header("x-road-service"),
            header("x-road-id")
        ),
        (
            CLIENT.to_owned(),
            SERVICE.trim_start_matches("r1/").to_owned(),
            "0193-1".to_owned()
        )
    );
    assert_eq!(header("x-road-request-hash").len(), 88, "SHA-512 in base64");
    assert_ne!(header("x-road-request-id"), header("x-road-id"));
    let (_, again) = read(asked(TOKEN)).await;
    let known = format!("{path}?our_ref=BB1");
    let (_, found) = read(
        exchange
            .get(&known)
            .header("x-road-client", CLIENT)
            .bearer_auth(TOKEN),
    )
    .await;
    assert_eq!(found["applications"][0]["serial_no"], again["serial_no"]);
    assert_eq!(
        exchange.did().await,
        ["refused", "accepted", "repeated", "answered"]
    );
    exchange.close().await;
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "json! literals read best when handed over"
)]
fn envelope(token: &str, more: Value) -> Value {
    let mut body = json!({ "RequestInfo": {
        "apiId": "stranger", "ver": "1.0", "ts": 1, "action": "_create", "msgId": "m-1", "authToken": token,
    } });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn complaint(code: &str) -> Value {
    json!({
        "service": {
            "tenantId": "ah.bengbu", "serviceCode": code, "source": "web", "description": "积水",
            "citizen": { "name": APPLICANT_NAME }, "address": { "locality": { "code": "340302001001" } },
            "additionalDetail": { "ourRef": "BB1" },
        },
        "workflow": { "action": "APPLY" },
    })
}

#[actix_web::test]
async fn a_complaint_is_made_searched_resolved_and_refused_by_the_letter_of_digit() {
    let city = System::open("digit-city", "TOKEN").await;
    let create = "pgr-services/v2/request/_create";
    let (status, refused) = read(city.post(create, &envelope("wrong", complaint("WaterLogging")))).await;
    assert_eq!(
        (status, &refused["Errors"][0]["code"]),
        (401, &json!("InvalidAccessTokenException"))
    );
    let (status, refused) = read(city.post(create, &envelope(TOKEN, complaint("Flood")))).await;
    assert_eq!(
        (status, &refused["Errors"][0]["code"]),
        (400, &json!("INVALID_SERVICECODE"))
    );
    let (status, refused) = read(city.post(create, &complaint("WaterLogging"))).await;
    assert_eq!(
        (status, &refused["Errors"][0]["code"]),
        (400, &json!("INVALID_REQUEST_INFO"))
    );

    let (status, made) = read(city.post(create, &envelope(TOKEN, complaint("WaterLogging")))).await;
    let service = &made["ServiceWrappers"][0]["service"];
    assert_eq!(
        (status, &service["applicationStatus"]),
        (200, &json!("PENDINGFORASSIGNMENT"))
    );
    let number = service["serviceRequestId"].as_str().unwrap();
    assert!(number.starts_with("BB-PGR-2026-11-23-"), "{number}");
    city.orders("decide", json!({ "serial_no": number, "opinion": "已抽排" }))
        .await;
    let search = format!("pgr-services/v2/request/_search?tenantId=ah.bengbu&serviceRequestId={number}");
    let (_, found) = read(city.post(&search, &envelope(TOKEN, json!({})))).await;
    let wrapper = &found["ServiceWrappers"][0];
    assert_eq!(
        (
            &wrapper["service"]["applicationStatus"],
            &wrapper["workflow"]["comments"]
        ),
        (&json!("RESOLVED"), &json!("已抽排"))
    );
    assert_eq!(
        wrapper["service"]["additionalDetail"]["ourRef"], "BB1",
        "kept as it came"
    );

    let mut record = wrapper["service"].clone();
    record["description"] = json!("改过");
    let again = json!({ "service": record, "workflow": { "action": "CANCEL" } });
    let (status, changed) =
        read(city.post("pgr-services/v2/request/_update", &envelope(TOKEN, again.clone()))).await;
    let service = &changed["ServiceWrappers"][0]["service"];
    assert_eq!(
        (status, &service["applicationStatus"], &service["description"]),
        (200, &json!("CANCELLED"), &json!("改过"))
    );
    let mut foreign = again;
    foreign["service"]["id"] = json!("another");
    let (status, refused) =
        read(city.post("pgr-services/v2/request/_update", &envelope(TOKEN, foreign))).await;
    assert_eq!(
        (status, &refused["Errors"][0]["code"]),
        (400, &json!("INVALID_UPDATE"))
    );
    let expected = [
        "refused", "refused", "refused", "accepted", "answered", "withdrew", "refused",
    ];
    assert_eq!(city.did().await, expected);
    city.close().await;
}

#[actix_web::test]
async fn a_search_of_licences_gives_page_by_page_what_is_new_first() {
    let city = System::open("digit-city", "TOKEN").await;
    for name in ["甲", "乙", "丙"] {
        let licence = json!({ "Licenses": [{
            "tenantId": "ah.bengbu", "licenseType": "PERMANENT", "applicationType": "NEW", "tradeName": name,
            "action": "APPLY", "tradeLicenseDetail": {
                "owners": [{ "name": APPLICANT_NAME }], "tradeUnits": [{ "tradeType": "GOODS.RETAIL.TST-1" }],
            },
        }] });
        let (status, made) = read(city.post("tl-services/v1/_create", &envelope(TOKEN, licence))).await;
        assert_eq!(
            (status, &made["Licenses"][0]["status"]),
            (200, &json!("APPLIED")),
            "{made}"
        );
    }
    let mut names = Vec::new();
    for offset in [0, 2] {
        let search = format!("tl-services/v1/_search?tenantId=ah.bengbu&limit=2&offset={offset}");
        let (_, found) = read(city.post(&search, &envelope(TOKEN, json!({})))).await;
        let licences = found["Licenses"].as_array().unwrap();
        names.extend(
            licences
                .iter()
                .map(|one| one["tradeName"].as_str().unwrap().to_owned()),
        );
    }
    assert_eq!(names, ["丙", "乙", "甲"]);
    let (status, refused) = read(city.post(
        "tl-services/v1/_search?tenantId=other",
        &envelope(TOKEN, json!({})),
    ))
    .await;
    assert_eq!(
        (status, &refused["Errors"][0]["code"]),
        (400, &json!("INVALID_TENANT"))
    );
    city.close().await;
}

#[actix_web::test]
async fn a_service_request_is_made_by_a_form_with_the_key_and_read_in_json_and_xml() {
    let city = System::open("open311-city", "API_KEY").await;
    let key = format!("api_key={}", TOKEN.replace(' ', "+"));
    let request = format!(
        "{key}&{JURISDICTION}&service_code=grid-event&address_string=%E4%B8%9C%E9%97%A8%E6%A1%A5&attribute%5Bcase_number%5D=BB1"
    );
    let (status, refused) = read(city.form("requests.json", &request.replace(&key, "api_key=other"))).await;
    assert_eq!((status, &refused[0]["code"]), (403, &json!(403)));
    let (status, refused) = read(city.form("requests.json", &request.replace("grid-event", "flood"))).await;
    assert_eq!((status, &refused[0]["code"]), (404, &json!(404)));
    let placeless = request.replace("address_string", "somewhere");
    assert_eq!(read(city.form("requests.json", &placeless)).await.0, 400);
    let (status, made) = read(city.form("requests.json", &request)).await;
    let number = made[0]["service_request_id"].as_str().unwrap().to_owned();
    assert_eq!((status, made[0].get("token")), (200, None));

    let updates = format!("servicerequestupdates.json?{JURISDICTION}");
    until("it is received", PATIENCE, async || {
        read(city.get(&updates)).await.1[0]["status"] == "open"
    })
    .await;
    city.clock.advance(TimeDelta::seconds(60));
    city.orders(
        "say",
        json!({ "our_ref": "BB1", "kind": "NOTE", "fields": { "status": "investigating" } }),
    )
    .await;
    city.clock.advance(TimeDelta::seconds(60));
    city.orders("decide", json!({ "our_ref": "BB1", "opinion": "已<清淤>&排水" }))
        .await;
    let one = format!("requests/{number}.xml?{JURISDICTION}");
    let (status, xml) = text(city.get(&one).send().await.unwrap()).await;
    assert_eq!(status, 200);
    assert!(
        xml.contains("<status_notes>已&lt;清淤&gt;&amp;排水</status_notes>"),
        "{xml}"
    );
    let (_, updates) = read(city.get(&updates)).await;
    let said: Vec<&Value> = updates
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["status"])
        .collect();
    assert_eq!(said, ["open", "investigating", "fixed"], "{updates}");
    let (_, none) = read(city.get(&format!("requests.json?{JURISDICTION}&status=open"))).await;
    assert_eq!(none, json!([]));
    let (_, closed) = read(city.get(&format!("requests.json?{JURISDICTION}&status=closed"))).await;
    assert_eq!(closed[0]["service_request_id"], number.as_str());
    let (status, _) = read(city.get("requests.json?jurisdiction_id=elsewhere")).await;
    assert_eq!(status, 404);
    city.close().await;
}

#[actix_web::test]
async fn a_token_becomes_a_number_when_the_request_has_been_looked_at() {
    let city = System::open("open311-city", "API_KEY").await;
    let key = format!("api_key={}", TOKEN.replace(' ', "+"));
    // nothing is said by itself
    let request = format!(
        "{key}&{JURISDICTION}&service_code=public-rental-housing&address_string=x&attribute%5Bcase_number%5D=BB1"
    );
    let (_, made) = read(city.form("requests.json", &request)).await;
    let token = made[0]["token"].as_str().unwrap().to_owned();
    assert_eq!(made[0].get("service_request_id"), None);
    let becomes = format!("tokens/{token}.json?{JURISDICTION}");
    until("the token has a number", PATIENCE, async || {
        let (_, found) = read(city.get(&becomes)).await;
        assert_eq!(found[0]["token"], token.as_str());
        found[0]["service_request_id"].is_string()
    })
    .await;
    let (_, found) = read(city.get(&becomes)).await;
    let number = found[0]["service_request_id"].as_str().unwrap();
    let cancel = format!(
        "{key}&{JURISDICTION}&service_request_id={number}&update_id=u1&updated_datetime=2026-11-23T01:00:00Z&status=cancelled"
    );
    let (status, told) = read(city.form("servicerequestupdates.json", &cancel)).await;
    assert_eq!((status, &told[0]["update_id"]), (200, &json!("u1")));
    let (_, found) = read(city.get(&format!("requests/{number}.json?{JURISDICTION}"))).await;
    assert_eq!(found[0]["status"], "cancelled");
    let (status, _) = read(city.form("servicerequestupdates.json", &cancel.replace(number, "none"))).await;
    assert_eq!(status, 404);
    city.close().await;
}

#[actix_web::test]
async fn each_system_is_told_to_misbehave_by_itself() {
    let city = System::open("open311-city", "API_KEY").await;
    let rule = json!({ "mode": "hang", "on": "query" }).to_string();
    let told = http_client()
        .put(city.url("control"))
        .header("content-type", "application/json");
    assert!(told.body(rule).send().await.unwrap().status().is_success());
    let hanging = city
        .get(&format!("requests.json?{JURISDICTION}"))
        .timeout(Duration::from_millis(300))
        .send()
        .await;
    assert!(hanging.is_err_and(|error| error.is_timeout()));
    let other = city
        .department
        .url("/city/digit-city/tl-services/v1/_search?tenantId=ah.bengbu");
    let answer = http_client().post(other).body("{}").send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 400, "the neighbour answers");
    city.close().await;
}
