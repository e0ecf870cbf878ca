//! Comprehensive governance 综治“9+X”信息系统 (`grid-9x`): XML in GBK, by bearer token.
//!
//! `POST zz/sjjs` takes a matter over (`XXID` is what a repetition is known by), `zz/sjzb` again, `zz/sjbc` papers,
//! `zz/sjcx` stops it. Answers are `<FH><DM>…</DM>…</FH>`: 0000 is success, 1001 a field, 1002 the token. Reports are
//! `<ZZTZ>` to HDDZ with `x-zz-id`, `x-zz-time` and, in `x-zz-sign`, `sha512=` and the base64 of HMAC-SHA512 over
//! identifier, time and body with dots between.

use actix_web::web::{self, Bytes, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use aws_lc_rs::hmac::HMAC_SHA512;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use encoding_rs::GBK;

use crate::sandbox::city::book::{Application, Intake};
use crate::sandbox::city::course::Letter;
use crate::sandbox::city::desk::Desk;
use crate::sandbox::city::grid_9x::xml::{Document, element};
use crate::sandbox::city::manners::{beijing, credentials, kept, mac};
use crate::sandbox::city::{Numbering, Persona};
use crate::sandbox::department::Call;
use crate::sandbox::modes::Target;
use crate::sandbox::store::Did;
use crate::sandbox::wire::{Answer, Decision, Event, EventKind};

mod xml;

/// The system's line in the table.
pub const PERSONA: Persona = Persona {
    name: "grid-9x",
    number,
    course: |_| &[EventKind::Received, EventKind::Decided],
    routes,
    report: Some(report),
};

const CONTENT_TYPE: &str = "application/xml; charset=GBK";
/// How instants are written.
const TIME: &str = "%Y年%m月%d日 %H时%M分%S秒";

fn number(numbering: &Numbering) -> String {
    format!("ZZ{}", numbering.digits())
}

fn routes(service: &mut ServiceConfig) {
    service
        .route("/zz/sjjs", web::post().to(submit))
        .route("/zz/sjzb", web::post().to(again))
        .route("/zz/sjbc", web::post().to(papers))
        .route("/zz/sjcx", web::post().to(stop));
}

async fn submit(desk: Data<Desk>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let (call, document) = match opened(&desk, &request, &body).await {
        Ok(opened) => opened,
        Err(answer) => return answer,
    };
    let missing = ["BH", "SXBM", "BT", "XM"]
        .into_iter()
        .find(|name| document.text(name).is_empty());
    if let Some(name) = missing {
        return refused(&desk, &call, "1001", &format!("缺少 {name}"));
    }
    if document.text("QHDM").len() != 12 {
        return refused(&desk, &call, "1001", "区划代码不是12位");
    }
    let intake = Intake {
        our_ref: document.text("BH").to_owned(),
        papers: document.attributes("CL", "BM"),
        fields: kept([
            ("item", document.text("SXBM").to_owned()),
            ("title", document.text("BT").to_owned()),
            ("division", document.text("QHDM").to_owned()),
        ]),
        consulted: document.text("ZQYJ") == "1",
        callback_url: url_of(&document),
    };
    let (application, did) = desk.take_in(&call, intake).await;
    told(&desk, &call, &application, did).await
}

async fn again(desk: Data<Desk>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let (call, document) = match opened(&desk, &request, &body).await {
        Ok(opened) => opened,
        Err(answer) => return answer,
    };
    let intake = Intake {
        our_ref: document.text("BH").to_owned(),
        consulted: document.text("ZQYJ") == "1",
        callback_url: url_of(&document),
        ..Intake::default()
    };
    match desk.take_again(&call, document.text("SJH"), intake).await {
        Some((application, did)) => told(&desk, &call, &application, did).await,
        None => refused(&desk, &call, "1001", "没有此事件号"),
    }
}

async fn papers(desk: Data<Desk>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let (call, document) = match opened(&desk, &request, &body).await {
        Ok(opened) => opened,
        Err(answer) => return answer,
    };
    match desk.supplement(&call, document.text("SJH"), document.attributes("CL", "BM")) {
        Some((application, did)) => told(&desk, &call, &application, did).await,
        None => refused(&desk, &call, "1001", "没有此事件号"),
    }
}

async fn stop(desk: Data<Desk>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let (call, document) = match opened(&desk, &request, &body).await {
        Ok(opened) => opened,
        Err(answer) => return answer,
    };
    match desk.withdraw(&call, document.text("SJH"), Some(document.text("YY").to_owned())) {
        Some(application) => told(&desk, &call, &application, Did::Withdrew).await,
        None => refused(&desk, &call, "1001", "没有此事件号"),
    }
}

/// Lets a request in and reads it, or ends it.
async fn opened(desk: &Desk, request: &HttpRequest, body: &[u8]) -> Result<(Call, Document), HttpResponse> {
    let text = GBK.decode_without_bom_handling_and_without_replacement(body);
    let document = text.and_then(|text| Document::read(&text));
    let known = document.as_ref();
    let our_ref = match known.map(|one| one.text("BH")) {
        Some("") | None => {
            let number = known.map_or("", |one| one.text("SJH"));
            desk.book().by_number(number).map(|one| one.our_ref.clone())
        }
        Some(our_ref) => Some(our_ref.to_owned()),
    };
    let key = known.and_then(|one| one.attributes_of_root("XXID"));
    let call = desk.call(request, Target::Submit, our_ref.as_deref(), key.as_deref());
    if !desk.knows("TOKEN", credentials(request, "Bearer")) {
        return Err(refused(desk, &call, "1002", "令牌无效"));
    }
    if !call.rule.mode.acts() {
        return Err(desk.without_effect(&call).await);
    }
    match document {
        Some(document) => Ok((call, document)),
        None => Err(refused(desk, &call, "1001", "报文不是 GBK 编码的 XML")),
    }
}

fn url_of(document: &Document) -> Option<String> {
    Some(document.text("HDDZ").to_owned()).filter(|url| !url.is_empty())
}

async fn told(desk: &Desk, call: &Call, application: &Application, did: Did) -> HttpResponse {
    let members = [
        element("DM", "0000"),
        element("SM", "成功"),
        element("SJH", &application.number),
        element("BH", &application.our_ref),
        element("ZT", "登记"),
    ];
    desk.done(call, did, Some(&application.number), answer(&members.concat()))
        .await
}

fn refused(desk: &Desk, call: &Call, code: &str, text: &str) -> HttpResponse {
    desk.refused(call, answer(&[element("DM", code), element("SM", text)].concat()))
}

fn answer(members: &str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(CONTENT_TYPE)
        .body(written("FH", members))
}

/// A whole document in GBK; what that lacks becomes a character reference.
fn written(root: &str, members: &str) -> Vec<u8> {
    let text = format!("<?xml version=\"1.0\" encoding=\"GBK\"?><{root}>{members}</{root}>");
    let (bytes, _, _) = GBK.encode(&text);
    bytes.into_owned()
}

fn state(event: &Event) -> (&'static str, Option<&'static str>) {
    let decided = event.result.map(|result| match result {
        Decision::Approved => "成功",
        Decision::Denied => "不成",
    });
    let opinion = event.details.answer.map(|answer| match answer {
        Answer::Agree => "同意",
        Answer::AgreeWithConditions => "附条件同意",
        Answer::Object => "不同意",
    });
    match event.kind {
        EventKind::Received => ("登记", None),
        EventKind::Accepted => ("受理", None),
        EventKind::SupplementRequested => ("待补", None),
        EventKind::SpecialBegun => ("专项", None),
        EventKind::SpecialEnded => ("专项结束", None),
        EventKind::Opinion => ("意见", opinion),
        EventKind::Decided => ("办理结果", decided),
        EventKind::Completed => ("办结", None),
        EventKind::Delivered => ("送达", None),
        EventKind::Rejected => ("退回", None),
        EventKind::Note => ("动态", None),
    }
}

fn report(desk: &Desk, application: &Application, event: &Event) -> Option<Letter> {
    let url = application.callback_url.clone()?;
    let (state, result) = state(event);
    let wanted = event
        .details
        .materials
        .iter()
        .map(|code| format!("<CL BM=\"{}\"/>", xml::escaped(code)));
    let days = event.details.working_days.map(|days| days.to_string());
    let members = [
        element("SJH", &event.serial_no),
        element("BH", &event.our_ref),
        element("ZT", state),
        element("JG", result.unwrap_or_default()),
        element("XH", &event.seq.to_string()),
        element("YJ", event.opinion.as_deref().unwrap_or_default()),
        format!("<CLS>{}</CLS>", wanted.collect::<String>()),
        element("ZXZL", event.details.special_kind.as_deref().unwrap_or_default()),
        element("ZXGZR", days.as_deref().unwrap_or_default()),
        element("SJ", &beijing(event.occurred_at, TIME)),
    ];
    let body = written("ZZTZ", &members.concat());
    let time = desk.now().timestamp().to_string();
    let secret = desk.secret("CALLBACK_SECRET")?.expose().as_bytes();
    let signed = [event.event_id.as_bytes(), b".", time.as_bytes(), b".", &body];
    let tag = STANDARD.encode(mac(HMAC_SHA512, secret, &signed));
    Some(Letter {
        url,
        headers: vec![
            ("content-type", CONTENT_TYPE.to_owned()),
            ("x-zz-id", event.event_id.clone()),
            ("x-zz-time", time),
            ("x-zz-sign", format!("sha512={tag}")),
        ],
        body,
    })
}
