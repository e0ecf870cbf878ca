//! Every shipped item runs from its submission to its end by the rules alone, in every way that ends it.

use chrono::{DateTime, Duration, TimeZone as _, Utc};
use onedoor_domain::case::available::{NextStep, next_step, stand_in_for};
use onedoor_domain::case::command::{
    By, Command, Competent, Context, HandOff, OnBehalfOf, Said, Submit, UpstreamNews,
};
use onedoor_domain::case::decide::{self, decide};
use onedoor_domain::case::event::{Ground, NewEvent};
use onedoor_domain::case::grid::CheckResult;
use onedoor_domain::case::refusal::{Refusal, Why};
use onedoor_domain::case::state::{Case, CaseStatus, Channel, Outcome};
use onedoor_domain::handoff::{Handoff, HandoffState, Opinion};
use onedoor_domain::id::{CalendarVersionId, CaseId, DivisionId, OrganizationId};
use onedoor_domain::item::{CaseKind, ItemType, ItemVersion, ProcessingType};
use onedoor_domain::material::{MaterialEntry, Trust, demanded};
use onedoor_domain::route::{Assignment, HandoffKind};
use onedoor_domain::{actor::ActorKind, admission::Gate, calendar::WorkCalendar, tracking::TrackingCode};
use onedoor_domain::{case::apply::replay, identifier::division_code::DivisionCode};
use uuid::Uuid;

mod every_way;

/// Acts and days that the longest way takes.
const TURNS_MAX: usize = 200;

/// A way through an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Granted,
    Denied,
    Refused,
    Elsewhere,
    Deemed,
    SupplementedBefore,
    SupplementedAfter,
    OfferedAgain,
    CheckFailed,
}

struct Walk<'a> {
    item: &'a ItemVersion,
    way: Way,
    calendar: WorkCalendar,
    now: DateTime<Utc>,
    case: Option<Case>,
    events: Vec<NewEvent>,
    turned: bool,
}

fn office(name: &str) -> OrganizationId {
    OrganizationId::named(name)
}

fn by(kind: ActorKind, organization: Option<OrganizationId>) -> By {
    By {
        kind,
        subject: format!("{kind:?}"),
        organization,
        on_behalf_of: None,
    }
}

fn entry(code: &str) -> MaterialEntry {
    MaterialEntry {
        code: code.to_owned(),
        trust: Trust::B,
        originals: 1,
        note: None,
        documents: Vec::new(),
    }
}

impl<'a> Walk<'a> {
    fn of(item: &'a ItemVersion, way: Way) -> Self {
        Self {
            item,
            way,
            calendar: WorkCalendar::from_rows(CalendarVersionId::named("plain"), &[]).unwrap(),
            now: Utc.with_ymd_and_hms(2026, 3, 2, 2, 0, 0).unwrap(),
            case: None,
            events: Vec::new(),
            turned: false,
        }
    }

    fn case(&self) -> &Case {
        self.case.as_ref().unwrap()
    }

    fn context<T>(&self, by: By, run: impl FnOnce(Context<'_>) -> T) -> T {
        let decider = self
            .item
            .deciding_step()
            .filter(|_| self.way == Way::OfferedAgain)
            .and_then(|step| self.item.route.get(step))
            .map(|step| office(&step.role));
        run(Context {
            now: self.now,
            item: self.item,
            calendar: &self.calendar,
            by,
            ids: &mut Uuid::now_v7,
            upstream_of: &|to| (Some(to) == decider).then(|| "county".to_owned()),
            places: &|_| Vec::new(),
            living: &|id| id,
            may_be_chosen: &|_, _, _| true,
            rank: &|_, _| Some(onedoor_domain::directory::Rank::Beside),
            admission: &|_| Gate::NotGrassroots,
        })
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

    fn submit(&mut self) {
        let route = self.item.route.iter().map(|step| match step.assignment {
            Assignment::Chosen => None,
            Assignment::ByRole | Assignment::External => Some(office(&step.role)),
        });
        let division: DivisionCode = "340302001001".parse().unwrap();
        let tracking = (0..64_u8)
            .find_map(|turn| TrackingCode::draw(&division, self.now.date_naive(), [turn; 8]))
            .unwrap();
        let command = Submit {
            id: CaseId::from_uuid(Uuid::now_v7()),
            tracking,
            division: DivisionId::named("340302001001"),
            division_code: "340302001001".to_owned(),
            division_name: "东风社区".to_owned(),
            route: route.collect(),
            first_contact: office("village.station"),
            channel: Channel::Kiosk,
            applicant_subject: None,
            papers: "00".repeat(32),
            authorization: None,
            materials: Vec::new(),
            offline: None,
        };
        let by = by(ActorKind::Kiosk, Some(office("village.station")));
        let outcome = self.context(by, |cx| decide::submit(command, cx)).unwrap();
        self.keep(outcome);
    }

    fn attempt(&mut self, by: By, command: &Command) -> Result<(), Refusal> {
        let outcome = self.context(by, |cx| decide(self.case(), command, cx))?;
        self.keep(outcome);
        Ok(())
    }

    fn act(&mut self, by: By, command: &Command) {
        if let Err(refused) = self.attempt(by, command) {
            panic!(
                "{} {:?}: {command:?}: {refused:?} at {:?}",
                self.item.code,
                self.way,
                self.case().status
            );
        }
    }

    fn upstream(&mut self, handoff: &Handoff, said: Said) {
        let news = UpstreamNews {
            upstream: "county".to_owned(),
            handoff: handoff.id,
            number: Some("C-1".to_owned()),
            version: None,
            said,
        };
        self.act(by(ActorKind::Upstream, None), &Command::Upstream(news));
    }

    fn owner(&self) -> By {
        by(ActorKind::Officer, self.case().owner)
    }

    /// The first turn of a way that has one; later the straight way is gone.
    fn first(&mut self, way: Way) -> bool {
        let first = self.way == way && !self.turned;
        self.turned |= first;
        first
    }

    fn turn(&mut self) {
        match next_step(self.case(), self.item) {
            NextStep::Acknowledge => self.answer_offer(),
            NextStep::Accept => self.accept(),
            NextStep::HandOff | NextStep::SpecialProcedure => self.hand_off(),
            NextStep::Decide => self.decide(),
            NextStep::Supplement => self.supplement(),
            NextStep::Finish => self.finish(),
            NextStep::Deliver => self.deliver(),
            NextStep::Check => self.check(),
            NextStep::Nothing => {}
        }
    }

    fn answer_offer(&mut self) {
        let open = self.case().open_owning().cloned().unwrap();
        let to = by(ActorKind::Officer, Some(open.to));
        if open.upstream.is_some() {
            if self.first(Way::OfferedAgain) {
                let reason = "材料不清".to_owned();
                self.upstream(&open, Said::Rejected { reason });
            } else {
                self.upstream(&open, Said::Received);
                let outcome = Outcome::Granted;
                self.upstream(
                    &open,
                    Said::Decided {
                        outcome,
                        reasons: None,
                    },
                );
            }
        } else if self.case().status == CaseStatus::Submitted && open.step == self.item.accepting_step() {
            self.accept_by(to);
        } else {
            self.act(to, &Command::Acknowledge { handoff: open.id });
        }
    }

    fn accept(&mut self) {
        let owner = self.owner();
        self.accept_by(owner);
    }

    fn accept_by(&mut self, who: By) {
        let decline = |ground, competent| Command::Decline {
            ground,
            competent,
            reasons: Some("不属于受理范围".to_owned()),
            remedy: Some("可申请行政复议".to_owned()),
        };
        if self.first(Way::Refused) {
            self.act(who, &decline(Ground::Refused, None));
        } else if self.first(Way::Elsewhere) {
            let competent = Some(Competent::Inside(office("elsewhere")));
            self.act(who, &decline(Ground::NotCompetent, competent));
        } else if self.first(Way::SupplementedBefore) {
            self.act(who, &self.request());
        } else if self.first(Way::Deemed) {
            self.now += Duration::days(30);
            self.act(by(ActorKind::System, None), &Command::Tick);
            let deemed = self.case().accepted_at.is_some();
            assert_eq!(
                deemed,
                self.item.item_type == ItemType::License,
                "{}",
                self.item.code
            );
        } else if self.item.processing == ProcessingType::Immediate {
            self.act(who, &self.decision());
        } else {
            self.act(
                who,
                &Command::Accept {
                    advance: false,
                    owed: Vec::new(),
                },
            );
        }
    }

    fn request(&self) -> Command {
        let askable = self.item.materials.iter().filter(|material| demanded(material));
        Command::RequestSupplement {
            materials: askable.take(1).map(|material| material.code.clone()).collect(),
            text: Some("请补正".to_owned()),
        }
    }

    fn supplement(&mut self) {
        let asked = self.case().supplements.last().unwrap().materials.clone();
        let bring = Command::Supplement {
            materials: asked.iter().map(|code| entry(code)).collect(),
            note: Some("已补正".to_owned()),
            authorization: None,
        };
        self.now += Duration::days(3);
        self.act(by(ActorKind::Citizen, None), &bring);
    }

    fn hand_off(&mut self) {
        let step = self.item.route.get(self.case().step);
        let produced = self.item.materials.iter().filter(|material| {
            let brings = |producer: &String| step.is_some_and(|step| step.action == *producer);
            material.produced_by.as_ref().is_some_and(brings)
        });
        let materials: Vec<MaterialEntry> = produced.map(|material| entry(&material.code)).collect();
        let next = self.item.route.get(self.case().step + 1);
        let chosen = next.is_some_and(|step| step.assignment == Assignment::Chosen);
        let command = Command::HandOff(HandOff {
            to: chosen.then(|| office("chosen")),
            slip: Some("皖〔2026〕7号".to_owned()),
            materials,
            ..HandOff::along_the_route()
        });
        match self.attempt(self.owner(), &command) {
            Ok(()) => {}
            // a publicity may not be cut short
            Err(Refusal::IllegalAct {
                why: Why::TooEarly { .. },
                ..
            }) => self.now += Duration::days(1),
            Err(refused) => panic!("{}: {refused:?}", self.item.code),
        }
    }

    fn decision(&self) -> Command {
        let grid = self.item.case_kind == CaseKind::Grid;
        let denied = self.way == Way::Denied;
        Command::Decide {
            outcome: match (grid, denied) {
                (false, false) => Outcome::Granted,
                (false, true) => Outcome::Denied,
                (true, false) => Outcome::Resolved,
                (true, true) => Outcome::Unfounded,
            },
            reasons: Some("经审查".to_owned()),
            remedy: Some("可申请行政复议".to_owned()),
            objections: None,
        }
    }

    fn decide(&mut self) {
        let holding = self.case().holding().cloned().unwrap();
        let sender = by(ActorKind::Officer, holding.from);
        let outside = stand_in_for(self.case(), self.item, &sender);
        let who = if outside.is_some() { sender } else { self.owner() };
        if self.first(Way::SupplementedAfter) {
            let asked = self.attempt(who, &self.request());
            let license = self.item.item_type == ItemType::License;
            assert_eq!(asked.is_err(), license, "{}: {asked:?}", self.item.code);
            return;
        }
        self.act(who, &self.decision());
        let decided = self
            .events
            .iter()
            .find(|new| new.event.name() == "DECIDED")
            .unwrap();
        assert_eq!(
            decided.by.on_behalf_of,
            outside.map(OnBehalfOf::Organization),
            "{}",
            self.item.code
        );
    }

    fn finish(&mut self) {
        let open = |one: &&Handoff| !one.owning && one.state.is_open() && one.kind != HandoffKind::Delivery;
        let beside = self.case().handoffs.iter().find(open).cloned().unwrap();
        let finish = Command::Finish {
            handoff: beside.id,
            opinion: Some(Opinion::Agree),
            text: None,
        };
        self.act(by(ActorKind::Officer, Some(beside.to)), &finish);
    }

    fn deliver(&mut self) {
        let addressed = |one: &&Handoff| one.kind == HandoffKind::Delivery && one.state.is_open();
        let addressee = self.case().handoffs.iter().find(addressed).map(|one| one.to);
        let deliver = Command::Deliver {
            note: None,
            authorization: None,
        };
        let who = by(ActorKind::Clerk, addressee.or(self.case().owner));
        self.act(who, &deliver);
    }

    /// 核查 by the reporting grid, by another person than the resolver.
    fn check(&mut self) {
        let open = |one: &&Handoff| one.state.is_open() && !one.owning;
        let verify = self.case().handoffs.iter().find(open).map(|one| one.to);
        let result = if self.first(Way::CheckFailed) {
            CheckResult::Fail
        } else {
            CheckResult::Pass
        };
        let text = Some("现场已看".to_owned());
        self.act(
            by(ActorKind::Clerk, verify),
            &Command::CheckGridEvent { result, text },
        );
    }

    /// Walks to the end.
    fn walked(mut self) -> Self {
        self.submit();
        for _ in 0..TURNS_MAX {
            if self.case().is_closed() {
                return self;
            }
            self.turn();
        }
        panic!(
            "{} {:?} comes to no end: {:?}",
            self.item.code,
            self.way,
            self.case().status
        );
    }
}
