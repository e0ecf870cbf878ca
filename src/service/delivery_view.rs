//! A case as an upstream system is told of it.

use chrono::NaiveDate;
use onedoor_domain::applicant::{Applicant, IdType, PartyKind};
use onedoor_domain::case::apply::replay;
use onedoor_domain::case::event::{Event, NewEvent};
use onedoor_domain::case::state::{Case, ExternalNumber};
use onedoor_domain::clock::{ClockKind, ClockState};
use onedoor_domain::division::CodeSystem;
use onedoor_domain::handoff::Handoff;
use onedoor_domain::id::{HandoffId, OrganizationId};
use onedoor_domain::item::{ApplicantKind, ItemVersion};
use onedoor_domain::material::MaterialEntry;
use onedoor_domain::notice::{self, NoticeKind};
use onedoor_domain::organization::Organization;
use onedoor_domain::route::HandoffKind;
use onedoor_domain::timeline::StoredEvent;
use serde_json::Value;

use super::cases::Cases;
use super::{divisions, papers};
use crate::error::AppError;
use crate::store::error::StoreError;
use crate::upstream::config::{DivisionCodeSystem, UpstreamConfig};
use crate::upstream::view::{
    ApplicantView, CaseView, DivisionView, DueView, HandoffView, ItemView, MaterialView, NoticeView,
    NumberView, OfficeView, SupplementView, WithdrawalKind, WithdrawalView,
};

/// Builds the view for news of the last of some lines of a ledger, which are all up to it: the case as it stood then, without
/// personal data. Every attempt says the same, whatever happened since. The handoff beside it may have been offered by the
/// same act, behind that line.
pub(super) async fn of_news(
    cases: &Cases,
    handoff: &Handoff,
    lines: &[StoredEvent],
    upstream: &UpstreamConfig,
) -> Result<Option<CaseView>, AppError> {
    let events: Vec<NewEvent> = lines.iter().map(StoredEvent::as_new).collect();
    let (Some(case), Some(line)) = (replay(&events), lines.last()) else {
        return Ok(None);
    };
    let Some(kind) = NoticeKind::of(&line.event) else {
        return Ok(None);
    };
    let item = cases.item_of(&case).await?;
    let directory = cases.directory();
    let named = |id: Option<OrganizationId>| id.and_then(|id| directory.organization(id)).map(office);
    let Some(to) = named(Some(handoff.to)) else {
        return Ok(None);
    };
    Ok(Some(CaseView {
        case_id: case.id,
        case_number: case.tracking.as_str().to_owned(),
        item: item_view(&item),
        division: division(cases, &case, upstream.division_code_system).await?,
        applicant: ApplicantView::withheld(),
        form: serde_json::Map::new(),
        materials: Vec::new(),
        supplement: None,
        withdrawal: None,
        notice: Some(NoticeView {
            kind,
            at: line.at,
            seq: line.seq,
            hash: line.hash.to_string(),
            status: case.status,
            outcome: case.outcome,
            by: named(notice::acted(&case, &line.by)),
            owner: named(case.owner),
            numbers: case.external_numbers.iter().map(number).collect(),
        }),
        from: named(handoff.from).unwrap_or_else(|| to.clone()),
        to,
        handoff: HandoffView {
            seq: u32::try_from(handoff.seq).unwrap_or_default(),
            kind: handoff.kind,
            note: None,
        },
        submitted_at: case.submitted_at,
        due: dues(&case, handoff),
        callback_url: callback_url(cases, upstream),
    }))
}

/// Builds the view for one handoff, with personal data in the clear, because sending that is the purpose.
pub(super) async fn of(
    cases: &Cases,
    case: &Case,
    handoff: HandoffId,
    tells: Option<&StoredEvent>,
    upstream: &UpstreamConfig,
) -> Result<CaseView, AppError> {
    let item = cases.item_of(case).await?;
    let directory = cases.directory();
    let missing = |column| AppError::internal(StoreError::corrupt("cases", &case.id, column));
    let private = cases
        .store
        .private(case.id)
        .await?
        .ok_or_else(|| missing("private"))?;
    let applicant: Applicant = serde_json::from_value(private.applicant).map_err(AppError::internal)?;
    let entries = cases.materials(case, private.materials).await?;
    let handoff = case.handoff(handoff).ok_or_else(|| missing("handoff"))?;
    let to = directory
        .organization(handoff.to)
        .ok_or_else(|| missing("handoff"))?;
    let from = handoff
        .from
        .and_then(|from| directory.organization(from))
        .unwrap_or(to);
    Ok(CaseView {
        case_id: case.id,
        case_number: case.tracking.as_str().to_owned(),
        item: item_view(&item),
        division: division(cases, case, upstream.division_code_system).await?,
        applicant: applicant_view(applicant),
        form: match private.form {
            Value::Object(form) => form,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                serde_json::Map::new()
            }
        },
        materials: materials(&item, entries),
        supplement: tells.and_then(|line| supplement(&item, line)),
        withdrawal: tells.and_then(withdrawal),
        notice: None,
        from: office(from),
        to: office(to),
        handoff: HandoffView {
            seq: u32::try_from(handoff.seq).unwrap_or_default(),
            kind: handoff.kind,
            note: asked(cases, case, handoff).await?,
        },
        submitted_at: case.submitted_at,
        due: dues(case, handoff),
        callback_url: callback_url(cases, upstream),
    })
}

/// What the sender of a handoff by hand says or asks, as it lies sealed beside the offer; along the route nothing is said.
async fn asked(cases: &Cases, case: &Case, handoff: &Handoff) -> Result<Option<String>, AppError> {
    if handoff.kind == HandoffKind::Route {
        return Ok(None);
    }
    let timeline = cases.store.timeline(case.id).await?;
    let offer = timeline.iter().rev().find(
        |line| matches!(&line.event, Event::HandoffOffered { handoff: offered } if offered.id == handoff.id),
    );
    let reason = offer.and_then(|line| line.private.as_ref()?.get("reason")?.as_str());
    Ok(reason.map(str::to_owned))
}

/// The division in the upstream's own code system: the nearest one at or above the case's that has a code there.
/// Nothing is joined on digits, because the two systems use equal digits for different places.
async fn division(cases: &Cases, case: &Case, system: DivisionCodeSystem) -> Result<DivisionView, AppError> {
    let system = match system {
        DivisionCodeSystem::Nbs => {
            return Ok(DivisionView {
                code: case.division_code.clone(),
                name: case.division_name.clone(),
            });
        }
        DivisionCodeSystem::Mca => CodeSystem::CivilAffairs,
    };
    let directory = cases.directory();
    let path = directory
        .division(case.division)
        .into_iter()
        .chain(directory.ancestors(case.division));
    for place in path {
        let codes = divisions::codes(&cases.services, place.id).await?;
        if let Some(code) = codes
            .iter()
            .find(|code| code.system == system && code.valid_to.is_none())
        {
            return Ok(DivisionView {
                code: code.code.clone(),
                name: code.name.clone(),
            });
        }
    }
    Err(AppError::internal(
        "the division of a case has no code in the upstream's code system",
    ))
}

fn item_view(item: &ItemVersion) -> ItemView {
    ItemView {
        code: item.code.clone(),
        name_zh: item.name_zh.clone(),
        name_en: item.name_en.clone(),
    }
}

fn callback_url(cases: &Cases, upstream: &UpstreamConfig) -> Option<String> {
    upstream
        .callback
        .is_some()
        .then(|| format!("{}/callbacks/{}", cases.public_url(), upstream.name))
}

fn number(external: &ExternalNumber) -> NumberView {
    NumberView {
        system: external.upstream.clone(),
        number: external.number.clone(),
    }
}

fn dues(case: &Case, handoff: &Handoff) -> DueView {
    DueView {
        step: due(case, ClockKind::Step, handoff.step),
        promised: due(case, ClockKind::Promise, None),
        statutory: due(case, ClockKind::Statutory, None),
    }
}

fn office(organization: &Organization) -> OfficeView {
    OfficeView {
        code: organization.code.clone(),
        name: organization.name_zh.clone(),
    }
}

fn applicant_view(applicant: Applicant) -> ApplicantView {
    ApplicantView {
        kind: match applicant.kind {
            PartyKind::Person => ApplicantKind::Person,
            PartyKind::Organization => ApplicantKind::Organization,
        },
        name: applicant.name,
        id_kind: word(applicant.id_type),
        id_number: applicant.id_number.unwrap_or_default(),
        phone: applicant.phone,
        address: None,
    }
}

fn word(id_type: IdType) -> String {
    match serde_json::to_value(id_type) {
        Ok(Value::String(word)) => word,
        Ok(_) | Err(_) => String::new(),
    }
}

fn materials(item: &ItemVersion, entries: Vec<MaterialEntry>) -> Vec<MaterialView> {
    let view = |entry: MaterialEntry| {
        let named = item.materials.iter().find(|material| material.code == entry.code);
        MaterialView {
            name: named.map_or_else(String::new, |material| material.name_zh.clone()),
            code: entry.code,
            trust: format!("{:?}", entry.trust),
            originals: entry.originals,
            note: entry.note,
        }
    };
    entries.into_iter().map(view).collect()
}

/// The papers that a line of the ledger brought; `None`: it is another line.
fn supplement(item: &ItemVersion, line: &StoredEvent) -> Option<SupplementView> {
    let Event::MaterialsBrought { .. } = &line.event else {
        return None;
    };
    let text = |name: &str| line.private.as_ref()?.get(name)?.as_str().map(str::to_owned);
    Some(SupplementView {
        materials: materials(item, papers::brought(line)),
        note: text("note"),
    })
}

/// Why a system is to stop, by the line of the ledger that says so; `None`: it is another line.
fn withdrawal(line: &StoredEvent) -> Option<WithdrawalView> {
    let kind = if matches!(line.event, Event::Withdrawn) {
        WithdrawalKind::Withdrawn
    } else if matches!(line.event, Event::Voided) {
        WithdrawalKind::Voided
    } else if matches!(line.event, Event::Lapsed) {
        WithdrawalKind::Lapsed
    } else if matches!(
        line.event,
        Event::HandoffRecalled { .. } | Event::HandoffWaived { .. }
    ) {
        WithdrawalKind::Recalled
    } else {
        return None;
    };
    Some(WithdrawalView { kind, at: line.at })
}

fn due(case: &Case, kind: ClockKind, step: Option<usize>) -> Option<NaiveDate> {
    case.clocks
        .iter()
        .filter(|clock| clock.kind == kind && clock.state == ClockState::Running)
        .find(|clock| step.is_none() || clock.step == step)
        .and_then(onedoor_domain::clock::CaseClock::due_date)
}
