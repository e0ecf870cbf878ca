//! The bodies that `county-rest` sends, member by member as the protocol writes them.

use chrono::{DateTime, NaiveDate, Utc};
use onedoor_domain::item::ApplicantKind;
use onedoor_domain::route::HandoffKind;
use serde::Serialize;

use crate::upstream::command::DeliveryCommand;
use crate::upstream::view::{
    HandoffView, MaterialView, NoticeView, OfficeView, SupplementView, WithdrawalKind,
};

#[derive(Serialize)]
pub(super) struct Submission<'a> {
    our_ref: &'a str,
    item: Named<'a>,
    division: Named<'a>,
    applicant: Applicant<'a>,
    form: &'a serde_json::Map<String, serde_json::Value>,
    materials: Vec<Material<'a>>,
    from: Named<'a>,
    to: Named<'a>,
    handoff: Handoff<'a>,
    submitted_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_on: Option<NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_url: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct Transfer<'a> {
    our_ref: &'a str,
    from: Named<'a>,
    to: Named<'a>,
    handoff: Handoff<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_on: Option<NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_url: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct Withdrawal<'a> {
    our_ref: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<WithdrawalKind>,
}

#[derive(Serialize)]
pub(super) struct Papers<'a> {
    our_ref: &'a str,
    materials: Vec<Material<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct Told<'a> {
    our_ref: &'a str,
    kind: &'static str,
    occurred_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}

#[derive(Serialize)]
struct Named<'a> {
    code: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct Applicant<'a> {
    kind: &'static str,
    name: &'a str,
    id_kind: &'a str,
    id_number: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<&'a str>,
}

#[derive(Serialize)]
struct Material<'a> {
    code: &'a str,
    name: &'a str,
    trust: &'a str,
    originals: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

#[derive(Serialize)]
struct Handoff<'a> {
    seq: u32,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

impl<'a> Material<'a> {
    fn of(one: &'a MaterialView) -> Self {
        Self {
            code: &one.code,
            name: &one.name,
            trust: &one.trust,
            originals: one.originals,
            note: one.note.as_deref(),
        }
    }
}

impl<'a> Submission<'a> {
    pub(super) fn of(command: &'a DeliveryCommand) -> Self {
        let case = &command.case;
        let applicant = &case.applicant;
        Self {
            our_ref: &case.case_number,
            item: Named {
                code: &case.item.code,
                name: &case.item.name_zh,
            },
            division: Named {
                code: &case.division.code,
                name: &case.division.name,
            },
            applicant: Applicant {
                kind: match applicant.kind {
                    ApplicantKind::Person => "PERSON",
                    ApplicantKind::Organization | ApplicantKind::Both => "ORGANIZATION",
                },
                name: &applicant.name,
                id_kind: &applicant.id_kind,
                id_number: &applicant.id_number,
                phone: applicant.phone.as_deref(),
                address: applicant.address.as_deref(),
            },
            form: &case.form,
            materials: case.materials.iter().map(Material::of).collect(),
            from: Named::office(&case.from),
            to: Named::office(&case.to),
            handoff: Handoff::of(&case.handoff),
            submitted_at: case.submitted_at,
            due_on: case.due.step,
            callback_url: case.callback_url.as_deref(),
        }
    }
}

impl<'a> Transfer<'a> {
    pub(super) fn of(command: &'a DeliveryCommand) -> Self {
        let case = &command.case;
        Self {
            our_ref: &case.case_number,
            from: Named::office(&case.from),
            to: Named::office(&case.to),
            handoff: Handoff::of(&case.handoff),
            due_on: case.due.step,
            callback_url: case.callback_url.as_deref(),
        }
    }
}

impl<'a> Named<'a> {
    fn office(office: &'a OfficeView) -> Self {
        Self {
            code: &office.code,
            name: &office.name,
        }
    }
}

impl<'a> Handoff<'a> {
    fn of(handoff: &'a HandoffView) -> Self {
        let kind = match handoff.kind {
            HandoffKind::Route => "ROUTE",
            HandoffKind::Assign => "ASSIGN",
            HandoffKind::Transfer => "TRANSFER",
            HandoffKind::Return => "RETURN",
            HandoffKind::Escalate => "ESCALATE",
            HandoffKind::Countersign => "COUNTERSIGN",
            HandoffKind::JointReview => "JOINT_REVIEW",
            HandoffKind::Consult => "CONSULT",
            HandoffKind::Delivery => "DELIVERY",
        };
        Self {
            seq: handoff.seq,
            kind,
            note: handoff.note.as_deref(),
        }
    }
}

impl<'a> Withdrawal<'a> {
    pub(super) fn of(command: &'a DeliveryCommand) -> Self {
        Self {
            our_ref: &command.case.case_number,
            cause: command.case.withdrawal.as_ref().map(|withdrawal| withdrawal.kind),
        }
    }
}

impl<'a> Papers<'a> {
    pub(super) fn of(command: &'a DeliveryCommand, brought: &'a SupplementView) -> Self {
        Self {
            our_ref: &command.case.case_number,
            materials: brought.materials.iter().map(Material::of).collect(),
            note: brought.note.as_deref(),
        }
    }
}

impl<'a> Told<'a> {
    pub(super) fn of(command: &'a DeliveryCommand, notice: &'a NoticeView) -> Self {
        Self {
            our_ref: &command.case.case_number,
            kind: notice.kind.as_str(),
            occurred_at: notice.at,
            text: notice.by.as_ref().map(|office| office.name.as_str()),
        }
    }
}
