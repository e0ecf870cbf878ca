//! The life of a case, told act by act.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use chrono::{DateTime, Duration, TimeZone as _, Utc};
use serde_json::json;
use uuid::Uuid;

use super::apply::replay;
use super::available::{Act, possible};
use super::command::{By, Command, Context, HandOff, Said, Submit, UpstreamNews};
use super::decide::{self, decide};
use super::event::NewEvent;
use super::refusal::{Refusal, Why};
use super::state::{Case, CaseStatus, Channel, Outcome};
use crate::actor::ActorKind;
use crate::admission::Gate;
use crate::calendar::WorkCalendar;
use crate::card::Place;
use crate::clock::{ClockKind, ClockState};
use crate::directory::Rank;
use crate::division::Level;
use crate::handoff::{HandedMaterial, HandoffState, Opinion, RefusalReason};
use crate::id::{
    CalendarVersionId, CaseId, DivisionId, HandoffId, ItemVersionId, OrganizationId, ServiceItemId,
};
use crate::item::{ApplicantKind, CaseKind, ItemType, ItemVersion, ProcessingType};
use crate::limit::Limit;
use crate::route::{Assignment, HandoffKind, Step, StepClock};

mod acts;
mod agents;
mod beside;
mod by_hand;
mod deliveries;
mod evaluations;
mod grid;
mod hands;
mod order;
mod owner;
mod parts;
mod procedures;
mod properties;
mod recomputed;
mod reconciled;
mod stories;
mod succession;
mod table;
mod ticks;
mod upstreams;

const STATION: u128 = 1;
const TOWNSHIP: u128 = 2;
const COUNTY: u128 = 3;
const CITY: u128 = 9;
/// A village committee: grassroots.
const VILLAGE: u128 = 87;
/// Another one, which the lists admit.
const ADMITTED: u128 = 86;
/// Outside the network.
const OUTSIDE: u128 = 99;

/// Station 1 < township 2 < county 3 < city 9; everybody else serves the villages.
fn rank(from: OrganizationId, to: OrganizationId) -> Option<Rank> {
    let level = |of: OrganizationId| match of {
        of if of == organization(CITY) => 3,
        of if of == organization(COUNTY) => 2,
        of if of == organization(TOWNSHIP) => 1,
        _ => 0,
    };
    if to == organization(OUTSIDE) {
        return Some(Rank::Outside);
    }
    if to == organization(404) {
        return None;
    }
    Some(match level(to) - level(from) {
        1 => Rank::Above,
        up if up < 0 => Rank::Below,
        _ => Rank::Beside,
    })
}

/// What the lists say: one village is admitted, another forbidden, the rest of the tests' offices stand above.
fn gate(to: OrganizationId) -> Gate {
    match to {
        to if to == organization(VILLAGE) => Gate::Forbidden {
            number: "N-7".to_owned(),
            approver: "区政府".to_owned(),
        },
        to if to == organization(ADMITTED) => Gate::Admitted {
            number: "A-1".to_owned(),
        },
        to if to == organization(77) => Gate::Unlisted,
        _ => Gate::NotGrassroots,
    }
}

/// Monday to Friday works; built once, because a property test asks for it ten thousand times.
fn calendar() -> &'static WorkCalendar {
    static CALENDAR: OnceLock<WorkCalendar> = OnceLock::new();
    CALENDAR.get_or_init(|| {
        WorkCalendar::from_rows(CalendarVersionId::from_uuid(Uuid::from_u128(9)), &[]).unwrap()
    })
}

fn organization(number: u128) -> OrganizationId {
    OrganizationId::from_uuid(Uuid::from_u128(number))
}

fn step(role: &str, action: &str) -> Step {
    Step {
        role: role.to_owned(),
        level: Level::Village,
        action: action.to_owned(),
        unit: role.to_owned(),
        limit: Some(Limit::working_days(1)),
        at_least: None,
        clock: StepClock::Counted,
        accepts: false,
        decides: false,
        handoff: HandoffKind::Route,
        parallel_group: None,
        assignment: Assignment::ByRole,
    }
}

fn intake() -> Step {
    Step {
        clock: StepClock::PreAcceptance,
        ..step("village.station", "RECEIVE_AND_SUBMIT")
    }
}

fn accepting() -> Step {
    Step {
        accepts: true,
        ..step("township.service-center", "ACCEPT_AND_REVIEW")
    }
}

fn deciding() -> Step {
    Step {
        decides: true,
        ..step("county.human-resources", "CONFIRM")
    }
}

fn item(route: Vec<Step>) -> ItemVersion {
    ItemVersion {
        id: ItemVersionId::from_uuid(Uuid::from_u128(70)),
        item: ServiceItemId::from_uuid(Uuid::from_u128(71)),
        code: "pension-enroll".to_owned(),
        version: 1,
        name_zh: "城乡居民基本养老保险参保登记".to_owned(),
        name_en: "Enrollment in basic pension insurance".to_owned(),
        item_type: ItemType::PublicService,
        processing: ProcessingType::Commitment,
        case_kind: CaseKind::Case,
        applicant: ApplicantKind::Person,
        statutory: Limit::working_days(5),
        promised: Limit::working_days(2),
        statutory_basis: crate::item::Basis::Placeholder,
        promised_basis: crate::item::Basis::Placeholder,
        catalog_code: None,
        line_agency: None,
        materials: Vec::new(),
        form: json!({}),
        route,
    }
}

/// One case under test: its item, its people, its bound upstreams and the time of day.
#[derive(Clone)]
struct Story {
    item: ItemVersion,
    organizations: Vec<Option<OrganizationId>>,
    bound: Vec<OrganizationId>,
    successors: BTreeMap<OrganizationId, OrganizationId>,
    now: DateTime<Utc>,
    next_id: u128,
    /// Another than the one of most stories.
    calendar: Option<WorkCalendar>,
    case: Option<Case>,
    events: Vec<NewEvent>,
}

impl Story {
    fn of(route: Vec<Step>, organizations: &[u128]) -> Self {
        Self {
            item: item(route),
            organizations: organizations
                .iter()
                .map(|number| Some(organization(*number)))
                .collect(),
            bound: Vec::new(),
            successors: BTreeMap::new(),
            now: Utc.with_ymd_and_hms(2026, 11, 23, 2, 0, 0).unwrap(),
            next_id: 1_000,
            calendar: None,
            case: None,
            events: Vec::new(),
        }
    }

    fn pension() -> Self {
        Self::of(
            vec![intake(), accepting(), deciding()],
            &[STATION, TOWNSHIP, COUNTY],
        )
    }

    fn bound_to_upstream(mut self, number: u128) -> Self {
        self.bound.push(organization(number));
        self
    }

    fn run<T>(&mut self, by: By, run: impl FnOnce(&Case, Context<'_>) -> T) -> T {
        let mut next = self.next_id;
        let mut ids = || {
            next += 1;
            Uuid::from_u128(next)
        };
        let bound = self.bound.clone();
        let upstream_of = move |to: OrganizationId| bound.contains(&to).then(|| "county-hr".to_owned());
        let calendar = self.calendar.as_ref().unwrap_or_else(|| calendar());
        let successors = self.successors.clone();
        let living = move |id| successors.get(&id).copied().unwrap_or(id);
        let empty = dummy();
        let case = self.case.as_ref().unwrap_or(&empty);
        let result = run(
            case,
            Context {
                now: self.now,
                item: &self.item,
                calendar,
                by,
                ids: &mut ids,
                upstream_of: &upstream_of,
                places: &places,
                living: &living,
                may_be_chosen: &|_, _, to| to == organization(COUNTY),
                rank: &|from, to| rank(from, to),
                admission: &|to| gate(to),
            },
        );
        self.next_id = next;
        result
    }

    fn submitted(mut self) -> Self {
        let command = Submit {
            id: CaseId::from_uuid(Uuid::from_u128(500)),
            tracking: dummy().tracking,
            division: DivisionId::from_uuid(Uuid::from_u128(60)),
            division_code: "340302001001".to_owned(),
            division_name: "东风社区居委会".to_owned(),
            route: self.organizations.clone(),
            first_contact: organization(STATION),
            channel: Channel::Kiosk,
            applicant_subject: None,
            papers: "00".repeat(32),
            authorization: None,
            materials: vec![HandedMaterial {
                material: "id-card".to_owned(),
                hash: Some("11".repeat(32)),
            }],
            offline: None,
        };
        let by = By {
            kind: ActorKind::Kiosk,
            subject: "kiosk-1".to_owned(),
            organization: Some(organization(STATION)),
            on_behalf_of: None,
        };
        let outcome = self.run(by, |_, cx| decide::submit(command, cx)).unwrap();
        self.keep(outcome);
        self
    }

    fn keep(&mut self, outcome: decide::Outcome) {
        self.events.extend(outcome.events);
        assert_eq!(
            replay(&self.events).as_ref(),
            Some(&outcome.case),
            "replay(ledger) == row"
        );
        self.case = Some(outcome.case);
    }

    fn attempt(&mut self, by: By, command: &Command) -> Result<(), Refusal> {
        let outcome = self.run(by, |case, cx| decide(case, command, cx))?;
        self.keep(outcome);
        Ok(())
    }

    fn officer(&mut self, number: u128, command: &Command) -> Result<(), Refusal> {
        self.attempt(officer(number), command)
    }

    fn upstream(&mut self, handoff: HandoffId, said: Said) -> Result<(), Refusal> {
        self.upstream_at(None, handoff, said)
    }

    /// The same under a version of the system's own.
    fn upstream_at(&mut self, version: Option<u64>, handoff: HandoffId, said: Said) -> Result<(), Refusal> {
        let by = By {
            kind: ActorKind::Upstream,
            subject: "county-hr".to_owned(),
            organization: None,
            on_behalf_of: None,
        };
        let number = Some("HR-1".to_owned());
        self.attempt(
            by,
            &Command::Upstream(UpstreamNews {
                upstream: "county-hr".to_owned(),
                handoff,
                number,
                version: version.map(Into::into),
                said,
            }),
        )
    }

    fn case(&self) -> &Case {
        self.case.as_ref().unwrap()
    }

    fn status(&self) -> CaseStatus {
        self.case().status
    }

    fn last_handoff(&self) -> HandoffId {
        self.case().handoffs.last().unwrap().id
    }

    fn running(&self, kind: ClockKind) -> bool {
        self.case()
            .clocks
            .iter()
            .any(|clock| clock.kind == kind && clock.state == ClockState::Running)
    }

    fn days_later(&mut self, days: i64) {
        self.now += Duration::days(days);
    }
}

fn officer(number: u128) -> By {
    By {
        kind: ActorKind::Officer,
        subject: format!("officer-{number}"),
        organization: Some(organization(number)),
        on_behalf_of: None,
    }
}

fn accept(advance: bool) -> Command {
    Command::Accept {
        advance,
        owed: Vec::new(),
    }
}

fn deliver(note: Option<&str>) -> Command {
    Command::Deliver {
        note: note.map(str::to_owned),
        authorization: None,
    }
}

fn hand_off() -> Command {
    Command::HandOff(HandOff::along_the_route())
}

/// A handoff by hand, with a reason.
fn by_hand(kind: HandoffKind, to: Option<u128>) -> Command {
    Command::HandOff(HandOff {
        kind,
        to: to.map(organization),
        reason: Some("请协助办理".to_owned()),
        ..HandOff::along_the_route()
    })
}

fn granted() -> Command {
    Command::Decide {
        outcome: Outcome::Granted,
        reasons: None,
        remedy: None,
        objections: None,
    }
}

fn denied() -> Command {
    Command::Decide {
        outcome: Outcome::Denied,
        reasons: Some("不符合条件".to_owned()),
        remedy: Some("可申请行政复议或提起行政诉讼".to_owned()),
        objections: None,
    }
}

fn dummy() -> Case {
    let tracking = serde_json::from_value(json!("3403022611237KQ4M2XDB")).unwrap();
    Case {
        id: CaseId::from_uuid(Uuid::nil()),
        version: 0,
        tracking,
        item: ItemVersionId::from_uuid(Uuid::nil()),
        item_code: String::new(),
        kind: CaseKind::Case,
        status: CaseStatus::Submitted,
        division: DivisionId::from_uuid(Uuid::nil()),
        division_code: String::new(),
        division_name: String::new(),
        route: Vec::new(),
        step: 0,
        first_contact: organization(0),
        submitted_by: String::new(),
        applicant_subject: None,
        channel: Channel::Window,
        owner: None,
        submitted_at: DateTime::UNIX_EPOCH,
        accepted_at: None,
        decided_at: None,
        outcome: None,
        completed_at: None,
        delivered_at: None,
        back_and_forth: 0,
        materials: Vec::new(),
        external_numbers: Vec::new(),
        supplements: Vec::new(),
        owed: Vec::new(),
        brought: Vec::new(),
        extended_by: None,
        decided_by: None,
        waiting_grant: None,
        grid: crate::case::grid::GridLoop::default(),
        evaluation: None,
        handoff_evaluations: Vec::new(),
        handoffs: Vec::new(),
        clocks: Vec::new(),
        cards: Vec::new(),
        orders: Vec::new(),
    }
}

/// The divisions above an organization: the station is in a village, the others where their names say.
fn places(of: OrganizationId) -> Vec<Place> {
    let from = [STATION, TOWNSHIP, COUNTY]
        .iter()
        .position(|number| organization(*number) == of)
        .unwrap_or(2);
    [
        (61, Level::Village),
        (62, Level::Township),
        (63, Level::County),
        (64, Level::City),
    ]
    .into_iter()
    .skip(from)
    .map(|(division, level)| Place {
        division: DivisionId::from_uuid(Uuid::from_u128(division)),
        level,
    })
    .collect()
}
