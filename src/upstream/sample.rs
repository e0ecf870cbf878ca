//! A made-up case: templates are tried on it when they are loaded, and a probe or recording sends it.

use chrono::DateTime;
use onedoor_domain::case::state::{CaseStatus, Outcome};
use onedoor_domain::id::{CaseId, DeliveryId};
use onedoor_domain::item::ApplicantKind;
use onedoor_domain::notice::NoticeKind;
use onedoor_domain::route::HandoffKind;
use serde_json::{Map, Value, json};

use crate::upstream::command::{DeliveryCommand, Operation};
use crate::upstream::text::ExternalId;
use crate::upstream::view::{
    ApplicantView, CaseView, DivisionView, DueView, HandoffView, ItemView, MaterialView, NoticeView,
    NumberView, OfficeView, SupplementView, WithdrawalKind, WithdrawalView,
};

/// How much a sample case says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fullness {
    /// Every field has a value.
    Full,
    /// Whatever may be missing is missing.
    Sparse,
}

/// Our number of the sample case.
pub const CASE_NUMBER: &str = "BB26112300017";
/// The number of the sample case in an upstream.
const NUMBER: &str = "HR-2026-000123";

/// The sample case with a form of one's own; nobody's data.
#[must_use]
pub fn case(fullness: Fullness, form: Map<String, Value>) -> CaseView {
    let full = fullness == Fullness::Full;
    let text = |value: &str| full.then(|| value.to_owned());
    let office = |code: &str, name: &str| OfficeView {
        code: code.to_owned(),
        name: name.to_owned(),
    };
    let day = DateTime::from_timestamp(1_796_083_200, 0).map(|instant| instant.date_naive());
    let due = DueView {
        step: day,
        promised: day,
        statutory: day,
    };
    CaseView {
        case_id: CaseId::from_uuid(uuid::Uuid::from_u128(1)),
        case_number: CASE_NUMBER.to_owned(),
        item: ItemView {
            code: "11340300003023456X4340114001000".to_owned(),
            name_zh: "灵活就业人员社会保险补贴申领".to_owned(),
            name_en: "Social insurance subsidy for flexible workers".to_owned(),
        },
        division: DivisionView {
            code: "340321103207".to_owned(),
            name: "张庄村".to_owned(),
        },
        applicant: ApplicantView {
            kind: ApplicantKind::Person,
            name: "测试甲".to_owned(),
            id_kind: "RESIDENT_ID".to_owned(),
            // a number that the standard prints as its example
            id_number: "11010519491231002X".to_owned(),
            phone: text("13800000000"),
            address: text("安徽省蚌埠市怀远县某镇张庄村1号"),
        },
        form,
        materials: materials(full),
        supplement: None,
        withdrawal: None,
        notice: None,
        from: office("340321103000:town.center", "某镇便民服务中心"),
        to: office("340321000000:county.human-resources", "某县人力资源和社会保障局"),
        handoff: HandoffView {
            seq: 2,
            kind: HandoffKind::Route,
            note: text("请按时办理"),
        },
        submitted_at: DateTime::from_timestamp(1_795_395_723, 0).unwrap_or_default(),
        due: if full { due } else { DueView::default() },
        callback_url: text("https://onedoor.example/callbacks/sample"),
    }
}

/// A form as the sample item asks for it.
#[must_use]
pub fn form() -> Map<String, Value> {
    match json!({ "employment": "灵活就业", "months": 12 }) {
        Value::Object(form) => form,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

/// A first attempt at an operation with a case; all but a submission know the upstream's number, and what comes later
/// brings what it is about.
#[must_use]
pub fn command(operation: Operation, mut case: CaseView) -> DeliveryCommand {
    match operation {
        Operation::Submit | Operation::Transition => {}
        Operation::Notify => return notified(case),
        Operation::Supplement => {
            case.supplement = Some(SupplementView {
                materials: case.materials.clone(),
                note: case.handoff.note.clone(),
            });
        }
        Operation::Withdraw => {
            case.withdrawal = Some(WithdrawalView {
                kind: WithdrawalKind::Withdrawn,
                at: case.submitted_at,
            });
        }
    }
    DeliveryCommand {
        delivery: DeliveryId::from_uuid(uuid::Uuid::from_u128(3)),
        key: "handoff_00000000000000000000000000000002".to_owned(),
        operation,
        attempt: 1,
        earlier_attempt_unknown: false,
        external_id: match operation {
            Operation::Submit | Operation::Notify => None,
            Operation::Transition | Operation::Supplement | Operation::Withdraw => ExternalId::parse(NUMBER),
        },
        case,
    }
}

/// The same with a notice: without personal data, and of a sparse case without a number.
fn notified(case: CaseView) -> DeliveryCommand {
    let full = case.callback_url.is_some();
    let notice = NoticeView {
        kind: NoticeKind::Accepted,
        at: case.submitted_at,
        seq: 9,
        hash: "0".repeat(64),
        status: CaseStatus::Accepted,
        outcome: full.then_some(Outcome::Granted),
        by: full.then(|| case.from.clone()),
        owner: full.then(|| case.from.clone()),
        numbers: full
            .then(|| NumberView {
                system: "county-hr".to_owned(),
                number: NUMBER.to_owned(),
            })
            .into_iter()
            .collect(),
    };
    let told = CaseView {
        notice: Some(notice),
        applicant: ApplicantView::withheld(),
        form: Map::new(),
        materials: Vec::new(),
        handoff: HandoffView {
            note: None,
            ..case.handoff
        },
        ..case
    };
    DeliveryCommand {
        operation: Operation::Notify,
        external_id: full.then(|| ExternalId::parse(NUMBER)).flatten(),
        ..command(Operation::Submit, told)
    }
}

fn materials(full: bool) -> Vec<MaterialView> {
    let material = |code: &str, name: &str, trust: &str, note: Option<&str>| MaterialView {
        code: code.to_owned(),
        name: name.to_owned(),
        trust: trust.to_owned(),
        originals: 1,
        note: note.map(str::to_owned),
    };
    if !full {
        return Vec::new();
    }
    vec![
        material("M01", "身份证", "B", None),
        material("M02", "申请表", "C", Some("双面")),
    ]
}
