//! Community public service platform 社区公共服务综合信息平台 (`community-platform`): HTML forms both ways, civil affairs codes.
//!
//! All by POST with a bearer token: `sq/sbsl.do` takes a matter over (`lsbh` is what a repetition is known by), `sq/zjsl.do`
//! again, `sq/bzcl.do` papers, `sq/cxsq.do` stops it, `sq/ztcx.do` asks by the sender's number. Answers are forms as well:
//! `jg=0&slh=…&zt=…`; `jg` 11 is a field that is wrong, 12 the token, 13 nothing found. Only the list of changes,
//! `sq/bdlb.do`, is JSON. It calls nobody.

use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use crate::sandbox::city::book::{Application, Intake};
use crate::sandbox::city::desk::Desk;
use crate::sandbox::city::manners::{Fields, beijing, credentials, kept, listed};
use crate::sandbox::city::{Numbering, Persona};
use crate::sandbox::department::Call;
use crate::sandbox::modes::Target;
use crate::sandbox::store::Did;
use crate::sandbox::wire::{Answer, Decision, Event, EventKind};

/// The system's line in the table.
pub const PERSONA: Persona = Persona {
    name: "community-platform",
    number,
    // it verifies and publicizes; the decision is another's
    course: |_| &[EventKind::Received, EventKind::SpecialBegun],
    routes,
    report: None,
};

/// The most changes of one page.
const PAGE_MAX: usize = 500;

fn number(numbering: &Numbering) -> String {
    format!("SQ{}", numbering.digits())
}

fn routes(service: &mut ServiceConfig) {
    service
        .route("/sq/sbsl.do", web::post().to(submit))
        .route("/sq/zjsl.do", web::post().to(again))
        .route("/sq/bzcl.do", web::post().to(papers))
        .route("/sq/cxsq.do", web::post().to(stop))
        .route("/sq/ztcx.do", web::post().to(find))
        .route("/sq/bdlb.do", web::post().to(changes));
}

async fn submit(
    desk: Data<Desk>,
    request: HttpRequest,
    form: web::Form<Vec<(String, String)>>,
) -> HttpResponse {
    let fields = Fields(&form);
    let call = match opened(&desk, &request, Target::Submit, &fields).await {
        Ok(call) => call,
        Err(answer) => return answer,
    };
    let missing = ["lsbh", "wbbh", "sxbm", "xm", "sfzh"]
        .into_iter()
        .find(|name| fields.get(name).is_empty());
    if let Some(name) = missing {
        return refused(&desk, &call, "11", &format!("缺少 {name}"));
    }
    if fields.get("qhdm").len() != 12 {
        return refused(&desk, &call, "11", "区划代码须为12位");
    }
    let intake = Intake {
        our_ref: fields.get("wbbh").to_owned(),
        papers: listed(fields.get("clbm")),
        fields: kept([
            ("item", fields.get("sxbm").to_owned()),
            ("division", fields.get("qhdm").to_owned()),
        ]),
        consulted: fields.get("yj") == "1",
        callback_url: None,
    };
    let (application, did) = desk.take_in(&call, intake).await;
    told(&desk, &call, &application, did).await
}

async fn again(
    desk: Data<Desk>,
    request: HttpRequest,
    form: web::Form<Vec<(String, String)>>,
) -> HttpResponse {
    let fields = Fields(&form);
    let call = match opened(&desk, &request, Target::Submit, &fields).await {
        Ok(call) => call,
        Err(answer) => return answer,
    };
    let intake = Intake {
        our_ref: fields.get("wbbh").to_owned(),
        consulted: fields.get("yj") == "1",
        ..Intake::default()
    };
    match desk.take_again(&call, fields.get("slh"), intake).await {
        Some((application, did)) => told(&desk, &call, &application, did).await,
        None => refused(&desk, &call, "11", "没有此受理号"),
    }
}

async fn papers(
    desk: Data<Desk>,
    request: HttpRequest,
    form: web::Form<Vec<(String, String)>>,
) -> HttpResponse {
    let fields = Fields(&form);
    let call = match opened(&desk, &request, Target::Submit, &fields).await {
        Ok(call) => call,
        Err(answer) => return answer,
    };
    match desk.supplement(&call, fields.get("slh"), listed(fields.get("clbm"))) {
        Some((application, did)) => told(&desk, &call, &application, did).await,
        None => refused(&desk, &call, "11", "没有此受理号"),
    }
}

async fn stop(
    desk: Data<Desk>,
    request: HttpRequest,
    form: web::Form<Vec<(String, String)>>,
) -> HttpResponse {
    let fields = Fields(&form);
    let call = match opened(&desk, &request, Target::Submit, &fields).await {
        Ok(call) => call,
        Err(answer) => return answer,
    };
    let cause = Some(fields.get("yy").to_owned());
    match desk.withdraw(&call, fields.get("slh"), cause) {
        Some(application) => told(&desk, &call, &application, Did::Withdrew).await,
        None => refused(&desk, &call, "11", "没有此受理号"),
    }
}

async fn find(
    desk: Data<Desk>,
    request: HttpRequest,
    form: web::Form<Vec<(String, String)>>,
) -> HttpResponse {
    let fields = Fields(&form);
    let call = match opened(&desk, &request, Target::Query, &fields).await {
        Ok(call) => call,
        Err(answer) => return answer,
    };
    let found = desk.book().by_ref(fields.get("wbbh")).cloned();
    match found {
        Some(application) => told(&desk, &call, &application, Did::Answered).await,
        None => {
            let answer = written(&[("jg", "13".to_owned()), ("sm", "没有此编号".to_owned())]);
            desk.done(&call, Did::Answered, None, answer).await
        }
    }
}

async fn changes(
    desk: Data<Desk>,
    request: HttpRequest,
    form: web::Form<Vec<(String, String)>>,
) -> HttpResponse {
    let fields = Fields(&form);
    let call = match opened(&desk, &request, Target::Query, &fields).await {
        Ok(call) => call,
        Err(answer) => return answer,
    };
    let after: usize = fields.get("yb").parse().unwrap_or_default();
    let limit = fields.get("ts").parse().unwrap_or(PAGE_MAX).min(PAGE_MAX);
    let (events, more) = desk.book().events(after, limit);
    let list: Vec<Value> = events
        .iter()
        .map(|event| {
            let members = change(event).into_iter();
            Value::Object(
                members
                    .map(|(name, value)| (name.to_owned(), json!(value)))
                    .collect(),
            )
        })
        .collect();
    let next = after.saturating_add(events.len()).to_string();
    let answer = HttpResponse::Ok().json(json!({ "jg": "0", "lb": list, "yb": next, "hy": more }));
    desk.done(&call, Did::Answered, None, answer).await
}

/// Lets a request in, or ends it.
async fn opened(
    desk: &Desk,
    request: &HttpRequest,
    on: Target,
    fields: &Fields<'_>,
) -> Result<Call, HttpResponse> {
    let our_ref = match fields.get("wbbh") {
        "" => desk
            .book()
            .by_number(fields.get("slh"))
            .map(|one| one.our_ref.clone()),
        our_ref => Some(our_ref.to_owned()),
    };
    let key = Some(fields.get("lsbh")).filter(|key| !key.is_empty());
    let call = desk.call(request, on, our_ref.as_deref(), key);
    if !desk.knows("TOKEN", credentials(request, "Bearer")) {
        return Err(refused(desk, &call, "12", "令牌无效"));
    }
    if !call.rule.mode.acts() {
        return Err(desk.without_effect(&call).await);
    }
    Ok(call)
}

async fn told(desk: &Desk, call: &Call, application: &Application, did: Did) -> HttpResponse {
    let mut answer = vec![("jg", "0".to_owned())];
    match application.last_word() {
        Some(event) => answer.extend(change(event)),
        None => answer.extend([
            ("slh", application.number.clone()),
            ("wbbh", application.our_ref.clone()),
            ("zt", "01".to_owned()),
            ("xh", "0".to_owned()),
        ]),
    }
    desk.done(call, did, Some(&application.number), written(&answer))
        .await
}

fn refused(desk: &Desk, call: &Call, code: &str, text: &str) -> HttpResponse {
    desk.refused(call, written(&[("jg", code.to_owned()), ("sm", text.to_owned())]))
}

fn written(fields: &[(&str, String)]) -> HttpResponse {
    let body = Serializer::new(String::new()).extend_pairs(fields).finish();
    HttpResponse::Ok()
        .content_type("application/x-www-form-urlencoded; charset=utf-8")
        .body(body)
}

fn change(event: &Event) -> Vec<(&'static str, String)> {
    let decided = event.result.map(|result| match result {
        Decision::Approved => "1",
        Decision::Denied => "2",
    });
    let opinion = event.details.answer.map(|answer| match answer {
        Answer::Agree => "1",
        Answer::Object => "2",
        Answer::AgreeWithConditions => "3",
    });
    let (state, result, words) = match event.kind {
        EventKind::Received => ("01", None, "已登记"),
        EventKind::Accepted => ("02", None, "已受理"),
        EventKind::SupplementRequested => ("03", None, "待补正"),
        EventKind::SpecialBegun => ("04", None, "核实公示中"),
        EventKind::SpecialEnded => ("05", None, "公示期满无异议"),
        EventKind::Decided => ("06", decided, "已作出结论"),
        EventKind::Completed => ("07", None, "已办结"),
        EventKind::Delivered => ("08", None, "已送达"),
        EventKind::Rejected => ("09", None, "已退回"),
        EventKind::Note => ("10", None, "办理动态"),
        EventKind::Opinion => ("11", opinion, "已答复"),
    };
    let mut fields = vec![
        ("slh", event.serial_no.clone()),
        ("wbbh", event.our_ref.clone()),
        ("zt", state.to_owned()),
        ("xh", event.seq.to_string()),
        ("sm", event.opinion.clone().unwrap_or_else(|| words.to_owned())),
        ("sj", beijing(event.occurred_at, "%Y%m%d%H%M%S")),
    ];
    fields.extend(result.map(|result| ("jl", result.to_owned())));
    fields.extend(event.details.materials.iter().map(|code| ("bz", code.clone())));
    fields
}
