//! Bengbu branch hall of the Anhui service portal 安徽政务服务网蚌埠分厅 (`ah-zwfw-bengbu`): ten messages as JSON, by one address.
//!
//! `POST exchange/message` takes 0 申办 (without 办理流水号 a new application, with one a known application again), 8 补交受理 and
//! 4 办结 (the sender stops it). A message is known by SBLSH, SXBM, SJBBH and XZQHDM together. Requests are signed:
//! `x-ah-signature` is the base64 of HMAC-SHA256 over application identifier, milliseconds and body, a line break between
//! each. It always answers 200 with `{CODE, MSG, DATA}`; CODE 0 is success, 100 a message that is wrong, 300 a signature.
//!
//! Back go 1 预受理, 2 受理, 3 审批, 4 办结, 5 and 6 特别程序, 7 补交告知 and 9 领取登记 to HDDZ; `x-ah-signature` is then the
//! hexadecimal HMAC-SHA256 over milliseconds and body.

use std::collections::BTreeMap;

use actix_web::web::{self, Bytes, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use aws_lc_rs::hmac::HMAC_SHA256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::city::book::{Application, Intake};
use crate::sandbox::city::course::Letter;
use crate::sandbox::city::desk::Desk;
use crate::sandbox::city::manners::{beijing, header, is_mac, is_recent, kept, mac};
use crate::sandbox::city::{Numbering, Persona};
use crate::sandbox::department::Call;
use crate::sandbox::modes::Target;
use crate::sandbox::store::Did;
use crate::sandbox::wire::{Decision, Event, EventKind};

/// The system's line in the table.
pub const PERSONA: Persona = Persona {
    name: "ah-zwfw-bengbu",
    number,
    course,
    routes,
    report: Some(report),
};

/// The sender as it is registered here.
const APPLICATION_ID: &str = "340300-onedoor";
/// How instants are written.
const TIME: &str = "%Y%m%d%H%M%S";

fn number(numbering: &Numbering) -> String {
    format!("AH3403{}", numbering.digits())
}

/// The hall itself only accepts; what it hands to a department is decided and ended there.
fn course(application: &Application) -> &'static [EventKind] {
    if application.field("office").contains("政务服务中心") {
        &[EventKind::Received, EventKind::Accepted]
    } else {
        &[EventKind::Received, EventKind::Decided, EventKind::Completed]
    }
}

fn routes(service: &mut ServiceConfig) {
    service.route("/exchange/message", web::post().to(message));
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
struct Message {
    xxlx: String,
    sblsh: String,
    bllsh: Option<String>,
    sxbm: String,
    sjbbh: String,
    xzqhdm: String,
    #[serde(default)]
    cl: Vec<Paper>,
    jsdw: Option<String>,
    jgdm: Option<String>,
    hddz: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
struct Paper {
    clbm: String,
}

impl Message {
    fn key(&self) -> String {
        [&self.sblsh, &self.sxbm, &self.sjbbh, &self.xzqhdm]
            .map(String::as_str)
            .join("/")
    }

    fn is_whole(&self) -> bool {
        let division = self.xzqhdm.len() == 12 && self.xzqhdm.bytes().all(|byte| byte.is_ascii_digit());
        division
            && ![&self.sblsh, &self.sxbm, &self.sjbbh]
                .iter()
                .any(|field| field.trim().is_empty())
    }

    fn intake(self) -> Intake {
        Intake {
            our_ref: self.sblsh,
            papers: self.cl.into_iter().map(|paper| paper.clbm).collect(),
            fields: kept([
                ("item", self.sxbm),
                ("division", self.xzqhdm),
                ("office", self.jsdw.unwrap_or_default()),
            ]),
            consulted: false,
            callback_url: self.hddz,
        }
    }
}

async fn message(desk: Data<Desk>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let read = serde_json::from_slice::<Message>(&body);
    let known = read.as_ref().ok();
    let key = known.map(Message::key);
    let call = desk.call(
        &request,
        Target::Submit,
        known.map(|message| message.sblsh.as_str()),
        key.as_deref(),
    );
    if !is_signed(&desk, &request, &body) {
        return desk.refused(&call, refusal("300", "验签失败"));
    }
    if !call.rule.mode.acts() {
        return desk.without_effect(&call).await;
    }
    let message = match read {
        Ok(message) if message.is_whole() => message,
        Ok(_) => return desk.refused(&call, refusal("100", "流水号、事项编码、数据版本号或区划不完整")),
        Err(error) => return desk.refused(&call, refusal("100", &format!("第{}行：{error}", error.line()))),
    };
    let number = message.bllsh.clone();
    let taken = match (message.xxlx.as_str(), number.as_deref()) {
        ("0", None) => Some(desk.take_in(&call, message.intake()).await),
        ("0", Some(number)) => desk.take_again(&call, number, message.intake()).await,
        ("8", Some(number)) => desk.supplement(&call, number, message.intake().papers),
        ("4", Some(number)) => desk
            .withdraw(&call, number, message.jgdm)
            .map(|application| (application, Did::Withdrew)),
        _ => return desk.refused(&call, refusal("100", "不受理该类报文")),
    };
    match taken {
        Some((application, did)) => received(&desk, &call, &application, did).await,
        None => desk.refused(&call, refusal("100", "没有此办理流水号")),
    }
}

fn is_signed(desk: &Desk, request: &HttpRequest, body: &[u8]) -> bool {
    let (id, time) = (header(request, "x-ah-appid"), header(request, "x-ah-timestamp"));
    let (Some(secret), Ok(tag)) = (
        desk.secret("HMAC_SECRET"),
        STANDARD.decode(header(request, "x-ah-signature")),
    ) else {
        return false;
    };
    let signed = [id.as_bytes(), b"\n", time.as_bytes(), b"\n", body];
    id == APPLICATION_ID && is_recent(time, desk.now()) && is_mac(secret.expose().as_bytes(), &signed, &tag)
}

async fn received(desk: &Desk, call: &Call, application: &Application, did: Did) -> HttpResponse {
    let data = json!({
        "XXLX": "1", "SBLSH": application.our_ref, "BLLSH": application.number,
        "SJBBH": application.version.to_string(),
    });
    let answer = HttpResponse::Ok().json(json!({ "CODE": "0", "MSG": "成功", "DATA": data }));
    desk.done(call, did, Some(&application.number), answer).await
}

fn refusal(code: &str, message: &str) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "CODE": code, "MSG": message }))
}

/// The message of an event, with its 结果代码; `None`: the exchange has none for it.
fn message_of(application: &Application, event: &Event) -> Option<(&'static str, Option<&'static str>)> {
    let result = |result: Option<Decision>| match result {
        Some(Decision::Approved) => "0",
        Some(Decision::Denied) => "1",
        None => "6",
    };
    match event.kind {
        EventKind::Received => Some(("1", None)),
        EventKind::Accepted => Some(("2", None)),
        EventKind::Decided => Some(("3", Some(result(event.result)))),
        EventKind::Completed => Some(("4", Some(result(application.result)))),
        EventKind::Rejected => Some(("4", Some("2"))),
        EventKind::SpecialBegun => Some(("5", None)),
        EventKind::SpecialEnded => Some(("6", None)),
        EventKind::SupplementRequested => Some(("7", None)),
        EventKind::Delivered => Some(("9", None)),
        EventKind::Note => Some(("3", Some("4"))),
        EventKind::Opinion => None,
    }
}

fn report(desk: &Desk, application: &Application, event: &Event) -> Option<Letter> {
    let url = application.callback_url.clone()?;
    let (kind, result) = message_of(application, event)?;
    let papers: Vec<Value> = event
        .details
        .materials
        .iter()
        .map(|code| json!({ "CLBM": code }))
        .collect();
    let members = [
        ("XXLX", json!(kind)),
        ("JGDM", json!(result)),
        ("SBLSH", json!(application.our_ref)),
        ("BLLSH", json!(application.number)),
        ("SXBM", json!(application.field("item"))),
        ("SJBBH", json!(event.seq)),
        ("XZQHDM", json!(application.field("division"))),
        ("FSSJ", json!(beijing(event.occurred_at, TIME))),
        ("YJ", json!(event.opinion)),
        ("CL", json!(papers)),
        ("TBCXZL", json!(event.details.special_kind)),
        ("TBCXGZR", json!(event.details.working_days)),
    ];
    let members: BTreeMap<&str, Value> = members
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .collect();
    let body = serde_json::to_vec(&members).ok()?;
    let time = desk.now().timestamp_millis().to_string();
    let secret = desk.secret("CALLBACK_SECRET")?.expose().as_bytes();
    let tag = mac(HMAC_SHA256, secret, &[time.as_bytes(), b"\n", &body]);
    Some(Letter {
        url,
        headers: vec![
            ("content-type", "application/json; charset=utf-8".to_owned()),
            ("x-ah-timestamp", time),
            ("x-ah-signature", hex::encode(tag)),
        ],
        body,
    })
}
