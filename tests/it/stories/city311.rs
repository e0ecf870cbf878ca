//! A city's 311 system behind the door: its number comes later, its list is of everybody, and closing is not fixing.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use chrono::{SecondsFormat, TimeDelta};
use onedoor::config::fault::Origin;
use onedoor::upstream::config::{SANDBOX_TOKEN, UpstreamConfig};
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};

use super::kit::{Case, County, HUMAN_RESOURCES, TOWNSHIP, events, offered_to_county};
use crate::harness::gql::Gql;
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, eventually};
use crate::upstreams::fixture::BEARER;

/// A GeoReport server that takes everything over under a token.
struct City {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    handle: ServerHandle,
}

#[derive(Default)]
struct Seen {
    /// What the token became.
    number: Option<String>,
    status: String,
    updates: Vec<Value>,
    requests: Vec<String>,
    forms: Vec<Vec<(String, String)>>,
    /// Whether it falls silent instead of answering a request that it took.
    swallows: bool,
}

impl City {
    async fn open() -> Self {
        let seen = Arc::<Mutex<Seen>>::default();
        let kept = Arc::clone(&seen);
        let server = HttpServer::new(move || {
            App::new()
                .app_data(web::Data::from(Arc::clone(&kept)))
                .default_service(web::to(answer))
        })
        .workers(1)
        .disable_signals()
        .bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap();
        let address = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self {
            address,
            seen,
            handle,
        }
    }

    fn upstream(&self) -> UpstreamConfig {
        let text = format!(
            r#"
            name = "city-311"
            title_zh = "城市问题上报系统"
            title_en = "City issue reports"
            protocol = "open311"
            base_url = "http://{}/v2"
            roles = ["county.human-resources"]
            operator_contact = "0552-0000000"
            idempotency = "none"
            allow_addresses = ["127.0.0.1"]
            timeout_ms = 1_500
            connect_timeout_ms = 500
            [breaker]
            failures = 100
            [live]
            ttl_ms = 100
            [auth.body]
            field = "api_key"
            secret = {{ env = "{SANDBOX_TOKEN}" }}
            [poll]
            every_s = 60
            [options]
            updates = true
            [options.services]
            "*" = "001"
            [options.statuses]
            fixed = ["GRANTED", "COMPLETED"]
            "#,
            self.address
        );
        UpstreamConfig::parse(&text, &Origin::Default).unwrap()
    }

    fn said(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen.lock().unwrap());
    }

    fn asked(&self, path: &str) -> usize {
        let seen = self.seen.lock().unwrap();
        seen.requests.iter().filter(|line| line.starts_with(path)).count()
    }

    async fn close(self) {
        self.handle.stop(false).await;
    }
}

async fn answer(seen: web::Data<Mutex<Seen>>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let line = format!("{} {}", request.method(), request.path());
    let mut seen = seen.lock().unwrap();
    seen.requests.push(line.clone());
    match line.as_str() {
        "POST /v2/requests.json" => {
            let fields = url::form_urlencoded::parse(&body).into_owned().collect();
            seen.forms.push(fields);
            if seen.swallows {
                return HttpResponse::InternalServerError().finish();
            }
            HttpResponse::Ok().json(json!([{ "token": "T-1" }]))
        }
        "GET /v2/tokens/T-1.json" => {
            HttpResponse::Ok().json(json!([{ "service_request_id": seen.number, "token": "T-1" }]))
        }
        "GET /v2/requests/SR-1.json" => HttpResponse::Ok().json(json!([{
            "service_request_id": "SR-1", "status": seen.status,
        }])),
        "GET /v2/servicerequestupdates.json" => HttpResponse::Ok().json(&seen.updates),
        other => HttpResponse::NotFound().json(json!([{ "code": 404, "description": other }])),
    }
}

fn number(case: &Value) -> &Value {
    &case["externalNumbers"][0]["number"]
}

async fn live_state(case: &Case, who: &Gql) -> Value {
    let document = "query($id: ID!) { case(by: { id: $id }) { handoffs { upstreamStatus { state } } } }";
    let seen = who.data(document, json!({ "id": case.id })).await;
    let handoffs = seen["case"]["handoffs"].as_array().unwrap().clone();
    let mut states = handoffs
        .iter()
        .map(|handoff| handoff["upstreamStatus"]["state"].clone())
        .filter(|state| !state.is_null());
    states.next().unwrap_or(Value::Null)
}

story!(
    a_token_becomes_a_number_and_the_news_of_strangers_is_never_kept,
    async |world| {
        let (county, city) = (County::open().await, City::open().await);
        city.said(|seen| seen.status = "open".to_owned());
        let app = county.gateway_with(world, &[], vec![city.upstream()]).await;
        let clerk = app.clerk(TOWNSHIP);
        let case = offered_to_county(&app).await;
        let taken = case
            .comes_to(&clerk, "the city took it over", |case| {
                case["owner"]["code"] == HUMAN_RESOURCES
            })
            .await;
        assert_eq!(number(&taken), "token:T-1");
        let form = city.seen.lock().unwrap().forms[0].clone();
        let sent = |name: &str| {
            form.iter()
                .find(|(found, _)| found == name)
                .map(|(_, value)| value.as_str())
        };
        assert_eq!(sent("api_key"), Some(BEARER));
        assert!(
            sent("description")
                .unwrap()
                .ends_with(&format!("[{}]", case.reference()))
        );
        assert_eq!((sent("last_name"), sent("phone")), (None, None));

        // as long as there is no number the case keeps its token, and can be asked for by it
        county.seconds_later(601);
        eventually("a question for the token", PATIENCE, async || {
            (city.asked("GET /v2/tokens/") > 0).then_some(())
        })
        .await;
        assert_eq!(live_state(&case, &clerk).await, "RECEIVED");
        assert_eq!(number(&case.seen_by(&clerk).await), "token:T-1");
        city.said(|seen| seen.number = Some("SR-1".to_owned()));
        county.seconds_later(601);
        case.comes_to(&clerk, "the number", |case| number(case) == "SR-1")
            .await;

        // a system that is asked by numbers alone serves live reads too
        county.seconds_later(601);
        assert_eq!(live_state(&case, &clerk).await, "RECEIVED");
        assert!(city.asked("GET /v2/requests/SR-1.json") > 0);

        // its list is of all requests of the city, and closing is not fixing
        let at = county.clock_now();
        let update = |request: &str, id: &str, status: &str| {
            json!({ "service_request_id": request, "update_id": id, "status": status,
                    "updated_datetime": at, "description": "Filled." })
        };
        city.said(|seen| {
            seen.updates = vec![update("SR-1", "1", "closed"), update("SR-999", "2", "fixed")];
        });
        county.seconds_later(200);
        let told = case
            .comes_to(&clerk, "the closing", |case| {
                events(case).iter().any(|event| event == "NEWS_KEPT")
            })
            .await;
        assert_eq!(told["decision"], Value::Null);
        city.said(|seen| seen.updates.push(update("SR-1", "3", "fixed")));
        county.seconds_later(200);
        let done = case.becomes("COMPLETED", &clerk).await;
        assert_eq!(done["decision"], "GRANTED");
        case.comes_to(&clerk, "everything it said", |case| {
            events(case).iter().filter(|event| *event == "NEWS_KEPT").count() == 2
        })
        .await;
        let polls = city.asked("GET /v2/servicerequestupdates.json");
        county.seconds_later(200);
        eventually("another poll", PATIENCE, async || {
            (city.asked("GET /v2/servicerequestupdates.json") > polls).then_some(())
        })
        .await;
        let sql = "select event_id from inbox where event_id like 'SR-%' order by event_id";
        let database = world.database().await;
        let statement = Statement::from_string(database.get_database_backend(), sql);
        let stored: Vec<String> = database
            .query_all_raw(statement)
            .await
            .unwrap()
            .into_iter()
            .map(|row| row.try_get("", "event_id").unwrap())
            .collect();
        database.close().await.unwrap();
        assert_eq!(stored, ["SR-1/1", "SR-1/3", "SR-1/3/2"]);
        app.stop(world).await;
        city.close().await;
    }
);

story!(
    a_lost_answer_of_a_system_without_our_number_waits_for_a_clerk_and_is_not_repeated,
    async |world| {
        let (county, city) = (County::open().await, City::open().await);
        city.said(|seen| seen.swallows = true);
        let app = county.gateway_with(world, &[], vec![city.upstream()]).await;
        let case = offered_to_county(&app).await;
        case.delivery_becomes(&app, "UNCERTAIN", 1).await;
        county.seconds_later(1_300);
        let polls = city.asked("GET /v2/servicerequestupdates.json");
        eventually("another poll", PATIENCE, async || {
            (city.asked("GET /v2/servicerequestupdates.json") > polls).then_some(())
        })
        .await;
        assert_eq!(case.deliveries(&app).await[0]["state"], "UNCERTAIN");
        assert_eq!(city.asked("POST /v2/requests.json"), 1);
        assert_eq!(city.asked("GET /v2/requests"), 0, "there is nothing to ask by");
        app.stop(world).await;
        city.close().await;
    }
);

impl County {
    /// Now, as the protocol writes it.
    fn clock_now(&self) -> String {
        use onedoor::clock::Clock as _;
        let now = self.clock.now() - TimeDelta::seconds(1);
        now.to_rfc3339_opts(SecondsFormat::Secs, true)
    }
}
