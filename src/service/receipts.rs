//! Which receipts an act brings: a consequence of its events.

use onedoor_domain::actor::ActorKind;
use onedoor_domain::case::command::{By, OnBehalfOf};
use onedoor_domain::case::event::{Event, NewEvent};
use onedoor_domain::case::state::{Case, Outcome, Owed};
use onedoor_domain::clock::{CaseClock, ClockKind, ClockState};
use onedoor_domain::id::ReceiptId;
use onedoor_domain::item::ItemVersion;
use onedoor_domain::material::MaterialEntry;
use onedoor_domain::organization::Organization;
use onedoor_domain::receipt::kind::{DueKind, ReceiptKind};
use onedoor_domain::receipt::parts::{
    Bilingual, ReceiptContact, ReceiptDue, ReceiptItem, ReceiptMaterial, ReceiptOffline, ReceiptOrganization,
    ReceiptPlace, ReceiptStatement, ReceiptTransfer,
};
use onedoor_domain::receipt::{FORMAT, ReceiptBody};
use serde_json::Value;
use uuid::Uuid;

/// What receipts say besides the events themselves.
pub struct ReceiptFacts<'a> {
    /// The case after the act.
    pub case: &'a Case,
    /// Its item.
    pub item: &'a ItemVersion,
    /// Name of the applicant, masked.
    pub applicant_masked: &'a str,
    /// Materials handed in.
    pub materials: &'a [MaterialEntry],
    /// Looks an organization up.
    pub organization: &'a dyn Fn(onedoor_domain::id::OrganizationId) -> Option<Organization>,
    /// Public address of the gateway.
    pub public_url: &'a str,
}

/// A receipt to be issued, and the position of the event it attests among the new ones.
pub struct Issue {
    /// What it says; its ledger position comes with the seal.
    pub body: ReceiptBody,
    /// Index of the attested event.
    pub attests: usize,
}

/// The receipts of an act's events, in order.
pub fn issue(events: &[NewEvent], facts: &ReceiptFacts<'_>, ids: &mut dyn FnMut() -> Uuid) -> Vec<Issue> {
    let mut issued = Vec::new();
    for (attests, new) in events.iter().enumerate() {
        let Some((kind, acting)) = kind_of(&new.event, facts.case, &new.by) else {
            continue;
        };
        let Some(organization) = acting.and_then(|id| (facts.organization)(id)) else {
            continue;
        };
        let mut body = blank(kind, new, &organization, facts, ids());
        match kind {
            ReceiptKind::Receipt => {
                let brought = brought(new);
                let entries = brought.as_deref().unwrap_or(facts.materials);
                body.materials = ReceiptMaterial::of(facts.item, entries);
                body.due = due(facts.case, &[ClockKind::Acceptance]);
                body.offline = offline(&new.event);
            }
            ReceiptKind::Acceptance => {
                body.due = due(facts.case, &[ClockKind::Promise, ClockKind::Statutory]);
                body.due.extend(owed_until(facts.case));
                body.statement = owed_statement(facts);
            }
            ReceiptKind::Decision => {
                body.statement = Some(statement(facts.case.outcome, new.private.as_ref()));
                body.due = due(facts.case, &[ClockKind::Delivery]);
            }
            ReceiptKind::TransferSlip => body.transfer = transfer(&new.event, facts),
            ReceiptKind::Supplement => {
                body.statement = Some(asked_statement(&new.event, new.private.as_ref(), facts.item));
                body.due = due(facts.case, &[ClockKind::Supplement]);
            }
            ReceiptKind::Refusal => body.statement = Some(statement(None, new.private.as_ref())),
            ReceiptKind::SpecialProcedure => {
                body.statement = Some(statement(None, new.private.as_ref()));
                body.due = due(facts.case, &[ClockKind::Special]);
            }
            ReceiptKind::Extension => {
                body.statement = Some(statement(None, new.private.as_ref()));
                body.due = due(facts.case, &[ClockKind::Promise, ClockKind::Statutory]);
            }
            ReceiptKind::Delivery => {}
        }
        issued.push(Issue { body, attests });
    }
    issued
}

type Acting = Option<onedoor_domain::id::OrganizationId>;

fn kind_of(event: &Event, case: &Case, by: &By) -> Option<(ReceiptKind, Acting)> {
    let named = match by.on_behalf_of {
        Some(OnBehalfOf::Organization(owner)) => Some(owner),
        Some(OnBehalfOf::Applicant) | None => by.organization,
    };
    let holder = named
        .or_else(|| case.holding().map(|handoff| handoff.to))
        .or(case.owner);
    match event {
        Event::Submitted(submitted) => Some((ReceiptKind::Receipt, Some(submitted.first_contact))),
        Event::Accepted | Event::DeemedAccepted { .. } => Some((ReceiptKind::Acceptance, holder)),
        Event::MaterialsBrought { step: None, .. } => Some((ReceiptKind::Receipt, holder)),
        Event::SupplementRequested { .. } => Some((ReceiptKind::Supplement, holder)),
        Event::Declined { to: None, .. } => Some((ReceiptKind::Refusal, holder)),
        Event::SpecialProcedureBegun { .. } => Some((ReceiptKind::SpecialProcedure, holder)),
        Event::Extended { .. } => Some((ReceiptKind::Extension, holder)),
        Event::Decided { .. } => Some((ReceiptKind::Decision, holder)),
        Event::Delivered => Some((ReceiptKind::Delivery, holder)),
        Event::HandoffOffered { handoff } if handoff.originals > 0 => {
            Some((ReceiptKind::TransferSlip, handoff.from))
        }
        Event::HandoffOffered { .. }
        | Event::HandoffSent { .. }
        | Event::HandoffAcknowledged { .. }
        | Event::HandoffDone { .. }
        | Event::HandoffRefused { .. }
        | Event::HandoffRecalled { .. }
        | Event::HandoffExpired { .. }
        | Event::HandoffWaived { .. }
        | Event::ClockStarted { .. }
        | Event::ClockMoved { .. }
        | Event::ClockStopped { .. }
        | Event::ReviewBegun
        | Event::MaterialsOwed { .. }
        | Event::OwedMissed { .. }
        | Event::MaterialsBrought { step: Some(_), .. }
        | Event::Declined { to: Some(_), .. }
        | Event::Supplemented
        | Event::Lapsed
        | Event::ClockExtended { .. }
        | Event::Withdrawn
        | Event::Voided
        | Event::SpecialProcedureEnded
        | Event::Completed
        | Event::Closed
        | Event::CardRaised { .. }
        | Event::CardAppealed { .. }
        | Event::CardCancelled { .. }
        | Event::HolderReminded { .. }
        | Event::SupervisionOrdered { .. }
        | Event::SupervisionAnswered { .. }
        | Event::ClockRecomputed { .. }
        | Event::GridChecked { .. }
        | Event::Reopened
        | Event::Evaluated { .. }
        | Event::EvaluationAnswered { .. }
        | Event::HandoffEvaluated { .. }
        | Event::WorkTakenOver { .. }
        | Event::NumberGiven { .. }
        | Event::VersionHeard { .. }
        | Event::UpstreamTold { .. }
        | Event::DeliveryResolved { .. }
        | Event::NewsKept { .. } => None,
    }
}

fn blank(
    kind: ReceiptKind,
    new: &NewEvent,
    organization: &Organization,
    facts: &ReceiptFacts<'_>,
    id: Uuid,
) -> ReceiptBody {
    let id = ReceiptId::from_uuid(id);
    ReceiptBody {
        format: FORMAT,
        id,
        kind,
        corrects: None,
        case: facts.case.id,
        tracking_code: facts.case.tracking.clone(),
        item: ReceiptItem::from(facts.item),
        organization: ReceiptOrganization::from(organization),
        place: place(&new.by),
        clerk: matches!(new.by.kind, ActorKind::Clerk | ActorKind::Officer).then(|| new.by.subject.clone()),
        applicant_masked: facts.applicant_masked.to_owned(),
        materials: Vec::new(),
        event_at: new.at,
        offline: None,
        due: Vec::new(),
        statement: None,
        transfer: None,
        contact: contact(facts.public_url, id),
        ledger: None,
    }
}

fn place(by: &By) -> ReceiptPlace {
    match by.kind {
        ActorKind::Kiosk => ReceiptPlace::Device {
            id: by.subject.clone(),
        },
        ActorKind::Clerk | ActorKind::Officer | ActorKind::Supervisor => ReceiptPlace::Window { name: None },
        ActorKind::Citizen | ActorKind::Anonymous => ReceiptPlace::Online,
        ActorKind::Auditor
        | ActorKind::SystemAdmin
        | ActorKind::SecurityAdmin
        | ActorKind::AuditAdmin
        | ActorKind::Upstream
        | ActorKind::System => ReceiptPlace::System,
    }
}

fn contact(public_url: &str, id: ReceiptId) -> ReceiptContact {
    ReceiptContact {
        track: Bilingual {
            zh: format!("凭受理编号和查询码在 {public_url} 或任一窗口查询"),
            en: format!("Track with code and secret at {public_url} or at any window"),
        },
        complain: Bilingual {
            zh: "投诉请拨打 12345".to_owned(),
            en: "Complaints: call 12345".to_owned(),
        },
        verify_url: format!("{public_url}/verify/{id}"),
    }
}

/// What a kiosk told the applicant before it could reach us.
fn offline(event: &Event) -> Option<ReceiptOffline> {
    let Event::Submitted(submitted) = event else {
        return None;
    };
    submitted.offline.as_ref().map(|offline| ReceiptOffline {
        captured_at: offline.captured_at,
        provisional_number: offline.provisional_number.clone(),
    })
}

/// What a supplement brought; `None`: the event is another.
fn brought(new: &NewEvent) -> Option<Vec<MaterialEntry>> {
    let Event::MaterialsBrought { .. } = new.event else {
        return None;
    };
    let entries = new.private.as_ref()?.get("materials")?;
    serde_json::from_value(entries.clone()).ok()
}

/// The names of materials, in both languages.
fn names<'a>(item: &ItemVersion, codes: impl Iterator<Item = &'a str>) -> Vec<Bilingual> {
    let named = |code: &str| {
        let material = item.materials.iter().find(|material| material.code == code)?;
        Some(Bilingual {
            zh: material.name_zh.clone(),
            en: material.name_en.clone(),
        })
    };
    codes.filter_map(named).collect()
}

/// 补正告知: everything that is missing, by name, and what else is wrong.
fn asked_statement(event: &Event, private: Option<&Value>, item: &ItemVersion) -> ReceiptStatement {
    let Event::SupplementRequested { materials, .. } = event else {
        return ReceiptStatement::default();
    };
    let list: Vec<String> = names(item, materials.iter().map(String::as_str))
        .into_iter()
        .map(|name| name.zh)
        .collect();
    let words = private
        .and_then(|private| private.get("text"))
        .and_then(Value::as_str);
    let parts = [
        (!list.is_empty()).then(|| list.join("、")),
        words.map(str::to_owned),
    ];
    ReceiptStatement {
        outcome: None,
        text: Some(parts.into_iter().flatten().collect::<Vec<_>>().join("；")),
        remedy: None,
    }
}

/// 容缺: what is owed, and until when.
fn owed_statement(facts: &ReceiptFacts<'_>) -> Option<ReceiptStatement> {
    let line = |owed: &Owed| {
        let name = names(facts.item, std::iter::once(owed.material.as_str()));
        let name = name
            .into_iter()
            .next()
            .map_or_else(|| owed.material.clone(), |name| name.zh);
        format!("“{name}”于 {} 前补交", owed.due)
    };
    let lines: Vec<String> = facts.case.outstanding().map(line).collect();
    (!lines.is_empty()).then(|| ReceiptStatement {
        outcome: None,
        text: Some(format!("容缺受理：{}", lines.join("；"))),
        remedy: None,
    })
}

fn owed_until(case: &Case) -> Vec<ReceiptDue> {
    case.clocks
        .iter()
        .filter(|clock| clock.kind == ClockKind::Owed && clock.state == ClockState::Running)
        .filter_map(dated)
        .collect()
}

fn dated(clock: &CaseClock) -> Option<ReceiptDue> {
    let kind = match clock.kind {
        ClockKind::Acceptance => DueKind::Acceptance,
        ClockKind::Promise => DueKind::Promise,
        ClockKind::Statutory => DueKind::Statutory,
        ClockKind::Delivery => DueKind::Delivery,
        ClockKind::Special => DueKind::Special,
        ClockKind::Supplement => DueKind::Supplement,
        ClockKind::Owed => DueKind::Owed,
        ClockKind::Step
        | ClockKind::HandoffAck
        | ClockKind::Supervision
        | ClockKind::Contact
        | ClockKind::Rectify => return None,
    };
    Some(ReceiptDue {
        kind,
        date: clock.due_date()?,
        calendar: clock.calendar,
        provisional: clock.provisional,
    })
}

fn due(case: &Case, kinds: &[ClockKind]) -> Vec<ReceiptDue> {
    kinds
        .iter()
        .filter_map(|kind| {
            case.clocks
                .iter()
                .rev()
                .find(|clock| clock.kind == *kind)
                .and_then(dated)
        })
        .collect()
}

fn statement(outcome: Option<Outcome>, private: Option<&Value>) -> ReceiptStatement {
    let text = |name: &str| {
        private
            .and_then(|private| private.get(name))
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    ReceiptStatement {
        outcome,
        text: text("reasons").or_else(|| text("reason")),
        remedy: text("remedy").map(|remedy| Bilingual {
            zh: remedy.clone(),
            en: remedy,
        }),
    }
}

fn transfer(event: &Event, facts: &ReceiptFacts<'_>) -> Option<ReceiptTransfer> {
    let Event::HandoffOffered { handoff } = event else {
        return None;
    };
    let to = (facts.organization)(handoff.to)?;
    Some(ReceiptTransfer {
        to: ReceiptOrganization::from(&to),
        slip_number: handoff.slip.clone(),
        originals: handoff.originals,
    })
}

/// Whether an act of these events needs the applicant's name and papers to write its receipts.
#[must_use]
pub fn needs_papers(events: &[NewEvent], case: &Case) -> bool {
    events
        .iter()
        .any(|new| kind_of(&new.event, case, &new.by).is_some())
}
