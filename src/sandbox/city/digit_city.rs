//! A city on the DIGIT platform (`digit-city`): trade licences and complaints, by the contracts of eGov.
//!
//! Every request is a POST of JSON with `RequestInfo` `{apiId, ver, ts, msgId, authToken}`; every answer has `ResponseInfo`.
//! What is refused is 400 (401 without a known `authToken`) with `{Errors: [{code, message, params}]}`.
//!
//! | request | |
//! |---|---|
//! | `tl-services/v1/_create`, `_update` | `{RequestInfo, Licenses: […]}`, see [`licences`] |
//! | `tl-services/v1/_search?tenantId=&applicationNumber=` | also `fromDate`, `offset` and `limit`; newest first |
//! | `pgr-services/v2/request/_create`, `_update` | `{RequestInfo, service, workflow}`, see [`complaints`] |
//! | `pgr-services/v2/request/_search?tenantId=&serviceRequestId=` | also `serviceCode`, `fromDate`, `sortOrder`, `offset` and `limit` |
//!
//! Nothing is recognized when it comes twice, and nobody is called back. An update takes the place of the whole record and
//! must bring its identifiers.

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use chrono::DateTime;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::sandbox::city::book::{Application, Intake};
use crate::sandbox::city::desk::Desk;
use crate::sandbox::city::{Numbering, Persona};
use crate::sandbox::department::Call;
use crate::sandbox::modes::Target;
use crate::sandbox::store::Did;
use crate::sandbox::wire::EventKind;

pub mod complaints;
pub mod licences;

/// The one tenant.
pub const TENANT: &str = "ah.bengbu";
/// Records of a page when no number is named, and at most.
const PAGE: (usize, usize) = (10, 500);

/// The system's line in the table.
pub const PERSONA: Persona = Persona {
    name: "digit-city",
    number,
    course: |_| &[EventKind::Received, EventKind::Decided],
    routes,
    report: None,
};

fn number(numbering: &Numbering) -> String {
    let day = numbering.started.format("%Y-%m-%d");
    format!("BB-{}-{day}-{}", numbering.series, numbering.digits())
}

fn routes(service: &mut ServiceConfig) {
    service.configure(licences::routes).configure(complaints::routes);
}

/// Why a request is refused.
pub(super) struct Refused {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refused {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code,
            message: message.into(),
        }
    }

    fn answer(self) -> HttpResponse {
        HttpResponse::build(self.status).json(json!({
            "ResponseInfo": null,
            "Errors": [{ "code": self.code, "message": self.message, "description": null, "params": null }],
        }))
    }
}

/// A request as every service gets it.
struct Asked {
    document: Map<String, Value>,
}

impl Asked {
    /// Reads a body, whoever sends it.
    fn read(body: &[u8]) -> Self {
        Self {
            document: serde_json::from_slice(body).unwrap_or_default(),
        }
    }

    fn info(&self, member: &str) -> Option<&Value> {
        self.document.get("RequestInfo")?.get(member)
    }

    /// Whether the envelope is whole and the token known.
    fn admitted(&self, desk: &Desk) -> Result<(), Refused> {
        let is_text = |member: &str| {
            self.info(member)
                .and_then(Value::as_str)
                .is_some_and(|text| !text.is_empty())
        };
        let missing = ["apiId", "ver", "msgId"]
            .into_iter()
            .find(|member| !is_text(member));
        if let Some(member) = missing {
            let message = format!("RequestInfo.{member} must not be empty");
            return Err(Refused::new("INVALID_REQUEST_INFO", message));
        }
        let token = self.info("authToken").and_then(Value::as_str).unwrap_or_default();
        if desk.knows("TOKEN", token) {
            return Ok(());
        }
        Err(Refused {
            status: StatusCode::UNAUTHORIZED,
            ..Refused::new("InvalidAccessTokenException", "authToken is missing or not known")
        })
    }

    /// What every answer begins with.
    fn response_info(&self, desk: &Desk) -> Value {
        json!({
            "apiId": self.info("apiId"),
            "ver": self.info("ver"),
            "ts": desk.now().timestamp_millis(),
            "resMsgId": uuid::Uuid::now_v7().to_string(),
            "msgId": self.info("msgId"),
            "status": "successful",
        })
    }
}

/// The number of the sender in `additionalDetail`, which the platform keeps without looking at it; for the journal alone.
fn senders_number(holder: Option<&Value>) -> Option<String> {
    let number = holder?.get("additionalDetail")?.get("ourRef")?.as_str()?;
    Some(number.to_owned())
}

/// The code of a place as it was sent; empty without one.
fn locality(code: Option<&Value>) -> String {
    code.and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A text member that says something.
fn text<'a>(record: &'a Value, member: &str) -> Result<&'a str, Refused> {
    let found = record.get(member).and_then(Value::as_str).map(str::trim);
    found
        .filter(|text| !text.is_empty())
        .ok_or_else(|| Refused::new("INVALID_INPUT", format!("{member} must not be empty")))
}

/// The tenant must be the one that is here.
fn checked_tenant(tenant: &str) -> Result<(), Refused> {
    if tenant == TENANT {
        Ok(())
    } else {
        Err(Refused::new("INVALID_TENANT", format!("no tenant {tenant}")))
    }
}

/// Puts members into a record; they replace what its sender wrote there.
fn with(mut record: Value, members: Value) -> Value {
    if let (Some(record), Value::Object(members)) = (record.as_object_mut(), members) {
        record.extend(members);
    }
    record
}

fn audit(application: &Application) -> Value {
    json!({
        "createdBy": "onedoor",
        "createdTime": application.received_at.timestamp_millis(),
        "lastModifiedBy": "onedoor",
        "lastModifiedTime": application.updated_at.timestamp_millis(),
    })
}

/// What a search asks for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Search {
    tenant_id: String,
    application_number: Option<String>,
    service_request_id: Option<String>,
    service_code: Option<String>,
    from_date: Option<i64>,
    sort_order: Option<String>,
    offset: Option<usize>,
    limit: Option<usize>,
}

impl Search {
    fn read(request: &HttpRequest) -> Result<Self, Refused> {
        let search = web::Query::<Self>::from_query(request.query_string());
        let search = search.map_err(|error| Refused::new("INVALID_SEARCH", error.to_string()))?;
        checked_tenant(&search.tenant_id)?;
        Ok(search.into_inner())
    }

    /// The applications of a series that are asked for, page by page.
    fn page(&self, desk: &Desk, series: &str, number: Option<&str>) -> Vec<Application> {
        let numbers: Option<Vec<&str>> = number.map(|all| all.split(',').map(str::trim).collect());
        let from = self.from_date.and_then(DateTime::from_timestamp_millis);
        let fits = |one: &&Application| {
            one.field("series") == series
                && numbers
                    .as_ref()
                    .is_none_or(|all| all.contains(&one.number.as_str()))
                && from.is_none_or(|from| one.received_at >= from)
                && (self.service_code.as_deref()).is_none_or(|code| one.field("code") == code)
        };
        let book = desk.book();
        let mut found: Vec<Application> = book.applications().filter(fits).cloned().collect();
        if self.sort_order.as_deref() != Some("ASC") {
            found.reverse();
        }
        let (limit, limit_max) = PAGE;
        let limit = self.limit.unwrap_or(limit).min(limit_max);
        found
            .into_iter()
            .skip(self.offset.unwrap_or(0))
            .take(limit)
            .collect()
    }
}

/// One of the platform's services, as far as creating, changing and searching are alike.
struct Service {
    /// The beginning of its numbers.
    series: &'static str,
    /// The sender's number of a request.
    our_ref: fn(&Asked) -> Option<String>,
    /// The number that a search asks for.
    number: fn(&Search) -> Option<&str>,
    /// The answer with some applications.
    answer: fn(&Asked, &Desk, &[Application]) -> Value,
}

impl Service {
    /// A request that may be carried out; the answer of one that may not, or is told not to be.
    async fn opened(
        &self,
        desk: &Desk,
        request: &HttpRequest,
        on: Target,
        asked: &Asked,
    ) -> Result<Call, HttpResponse> {
        let our_ref = (self.our_ref)(asked);
        let call = desk.call(request, on, our_ref.as_deref(), None);
        if let Err(refused) = asked.admitted(desk) {
            return Err(desk.refused(&call, refused.answer()));
        }
        if call.rule.mode.acts() {
            Ok(call)
        } else {
            Err(desk.without_effect(&call).await)
        }
    }

    async fn answered(
        &self,
        desk: &Desk,
        call: &Call,
        asked: &Asked,
        (one, did): (Application, Did),
    ) -> HttpResponse {
        let number = one.number.clone();
        let answer = HttpResponse::Ok().json((self.answer)(asked, desk, &[one]));
        desk.done(call, did, Some(&number), answer).await
    }

    /// Puts the record that came in the place of the one that is held, and moves it along.
    async fn updated(
        &self,
        desk: &Desk,
        call: &Call,
        asked: &Asked,
        (record, number, action): (&Value, &str, &str),
    ) -> HttpResponse {
        let taken = match action {
            "CANCEL" => desk
                .withdraw(call, number, Some(action.to_owned()))
                .map(|one| (one, Did::Withdrew)),
            "REOPEN" => desk.take_again(call, number, Intake::default()).await,
            _ => desk.supplement(call, number, Vec::new()),
        };
        desk.book().hold(number, record.clone());
        let held = taken.and_then(|(_, did)| Some((desk.book().by_number(number)?.clone(), did)));
        match held {
            Some(held) => self.answered(desk, call, asked, held).await,
            None => desk.refused(call, Refused::new("INVALID_UPDATE", "no such record").answer()),
        }
    }

    async fn searched(&self, desk: &Desk, request: &HttpRequest, body: &[u8]) -> HttpResponse {
        let asked = Asked::read(body);
        let call = match self.opened(desk, request, Target::Query, &asked).await {
            Ok(call) => call,
            Err(answer) => return answer,
        };
        let search = match Search::read(request) {
            Ok(search) => search,
            Err(refused) => return desk.refused(&call, refused.answer()),
        };
        let number = (self.number)(&search);
        let page = search.page(desk, self.series, number);
        let answer = HttpResponse::Ok().json((self.answer)(&asked, desk, &page));
        desk.done(&call, Did::Answered, number, answer).await
    }
}
