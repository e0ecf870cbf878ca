//! What the clocks of a case say, and when: cards, their holders and levels, and what supervision does with them.

use super::*;
use crate::card::{Card, CardCause, CardDesk, CardState, Rung};
use crate::case::event::Event;
use crate::id::CardId;

fn clock() -> By {
    By {
        kind: ActorKind::System,
        subject: "clock".to_owned(),
        organization: None,
        ..officer(STATION)
    }
}

fn supervisor() -> By {
    By {
        kind: ActorKind::Supervisor,
        subject: "supervisor".to_owned(),
        organization: None,
        ..officer(STATION)
    }
}

fn division(number: u128) -> DivisionId {
    DivisionId::from_uuid(Uuid::from_u128(number))
}

const VILLAGE_DIVISION: u128 = 61;
const TOWNSHIP_DIVISION: u128 = 62;
const COUNTY_DIVISION: u128 = 63;
const CITY_DIVISION: u128 = 64;

impl Story {
    /// Lets the clocks speak; gives the cards they raised.
    fn tick(&mut self) -> Vec<Card> {
        let before = self.case().cards.len();
        self.attempt(clock(), &Command::Tick).unwrap();
        self.case().cards[before..].to_vec()
    }

    fn cards_of(&self, kind: ClockKind) -> Vec<(Rung, CardDesk)> {
        let of = |card: &&Card| matches!(card.cause, CardCause::Clock { kind: its, .. } if its == kind);
        self.case()
            .cards
            .iter()
            .filter(of)
            .map(|card| (card.rung, card.desk))
            .collect()
    }

    fn last_card(&self, kind: ClockKind) -> Card {
        let of = |card: &&Card| matches!(card.cause, CardCause::Clock { kind: its, .. } if its == kind);
        self.case().cards.iter().rev().find(of).unwrap().clone()
    }

    fn accepted(mut self) -> Self {
        self.officer(
            TOWNSHIP,
            &Command::Accept {
                advance: false,
                owed: Vec::new(),
            },
        )
        .unwrap();
        self
    }

    fn cancel(&mut self, card: CardId, by: u128) -> Result<(), Refusal> {
        self.attempt(
            supervisor(),
            &Command::CancelCard {
                card,
                by: division(by),
                reason: "系统故障所致".to_owned(),
            },
        )
    }
}

#[test]
fn a_tick_before_anything_is_due_says_nothing() {
    let mut story = Story::pension().submitted();
    let before = story.case().clone();
    story.attempt(clock(), &Command::Tick).unwrap();
    assert_eq!(story.case(), &before);
}

#[test]
fn after_downtime_everything_is_told_once_in_the_order_in_which_it_fell_due() {
    let mut story = Story::pension().submitted().accepted();
    story.days_later(40);
    let cards = story.tick();
    assert!(cards.len() >= 6, "{cards:?}");
    assert!(
        cards.windows(2).all(|pair| pair[0].due_at <= pair[1].due_at),
        "{cards:?}"
    );
    assert!(
        cards
            .iter()
            .all(|card| card.raised_at == story.now && card.due_at <= story.now)
    );
    assert!(
        story.tick().is_empty(),
        "a second tick at the same instant says nothing"
    );
    let mut keys: Vec<String> = cards
        .iter()
        .map(|card| format!("{:?} {:?}", card.cause, card.rung))
        .collect();
    let all = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), all, "unique by clock, rung and epoch");
}

#[test]
fn the_next_tick_is_known_ahead_and_a_tick_at_that_instant_speaks() {
    let mut story = Story::pension().submitted().accepted();
    for _ in 0..6 {
        let (case, events) = (story.case().clone(), story.events.len());
        let next = story
            .run(clock(), |case, cx| decide(case, &Command::Tick, cx))
            .unwrap()
            .next_tick_at
            .unwrap();
        story.now = next - Duration::microseconds(1);
        assert!(story.tick().is_empty());
        assert_eq!(
            (story.case(), story.events.len()),
            (&case, events),
            "no events, no write"
        );
        story.now = next;
        assert!(!story.tick().is_empty(), "{next}");
    }
}

#[test]
fn a_promise_is_yellow_for_its_holder_and_red_level_by_level() {
    // Monday; promised 2 working days: late from Thursday on
    let mut story = Story::pension().submitted().accepted();
    story.days_later(3);
    story.tick();
    let yellow = story.last_card(ClockKind::Promise);
    assert_eq!(
        (yellow.rung, yellow.holder, yellow.division, yellow.level),
        (
            Rung::Yellow,
            Some(organization(TOWNSHIP)),
            Some(division(TOWNSHIP_DIVISION)),
            Some(Level::Township)
        )
    );
    // three working days later: Thursday, Friday, Monday
    story.days_later(5);
    story.tick();
    let red = story.last_card(ClockKind::Promise);
    assert_eq!(
        (red.rung, red.division),
        (Rung::Red1, Some(division(COUNTY_DIVISION)))
    );
    story.days_later(3);
    story.tick();
    let red = story.last_card(ClockKind::Promise);
    assert_eq!(
        (red.rung, red.division),
        (Rung::Red2, Some(division(CITY_DIVISION)))
    );
    story.days_later(60);
    story.tick();
    assert_eq!(
        story.last_card(ClockKind::Promise).rung,
        Rung::Red2,
        "none above the city"
    );
    // STATUTORY: 5 working days, red at once
    assert_eq!(
        story.cards_of(ClockKind::Statutory).first().map(|card| card.0),
        Some(Rung::Warning)
    );
    assert_eq!(
        story.cards_of(ClockKind::Statutory).get(1).map(|card| card.0),
        Some(Rung::Red1)
    );
}

#[test]
fn an_unsigned_handoff_is_on_the_supervisors_list_and_an_undelivered_one_on_the_operators() {
    let mut by_hand = Story::pension().submitted();
    by_hand.days_later(2);
    by_hand.tick();
    assert_eq!(
        by_hand.cards_of(ClockKind::HandoffAck),
        [(Rung::Yellow, CardDesk::Supervisor)]
    );
    by_hand.days_later(7);
    by_hand.tick();
    assert_eq!(
        by_hand.cards_of(ClockKind::Acceptance).last(),
        Some(&(Rung::Yellow, CardDesk::Supervisor))
    );

    let mut bound = Story::pension().bound_to_upstream(TOWNSHIP).submitted();
    bound.days_later(2);
    bound.tick();
    assert_eq!(
        bound.cards_of(ClockKind::HandoffAck),
        [(Rung::Yellow, CardDesk::UpstreamOperator)]
    );

    let mut signed = Story::pension().submitted();
    let open = signed.last_handoff();
    signed
        .officer(TOWNSHIP, &Command::Acknowledge { handoff: open })
        .unwrap();
    signed.days_later(9);
    signed.tick();
    assert_eq!(signed.cards_of(ClockKind::HandoffAck), []);
    assert_eq!(
        signed.cards_of(ClockKind::Acceptance).last(),
        Some(&(Rung::Yellow, CardDesk::Holder))
    );
}

#[test]
fn no_card_is_raised_while_the_clock_stands_still() {
    let mut story = Story::pension().submitted().accepted();
    story
        .officer(
            TOWNSHIP,
            &Command::BeginSpecialProcedure {
                reason: "检验".to_owned(),
                limit_working_days: None,
            },
        )
        .unwrap();
    assert_eq!(story.status(), CaseStatus::SpecialProcedure);
    story.days_later(8);
    story.tick();
    assert_eq!(story.cards_of(ClockKind::Promise), []);
    assert_eq!(story.cards_of(ClockKind::Statutory), []);
}

#[test]
fn a_later_due_date_begins_the_ladder_anew() {
    let mut story = Story::pension().submitted().accepted();
    story.days_later(3);
    story.tick();
    assert_eq!(story.last_card(ClockKind::Promise).rung, Rung::Yellow);
    assert_eq!(story.case().highest_card(), Some(Rung::Yellow));
    let id = story
        .case()
        .clocks
        .iter()
        .find(|clock| clock.kind == ClockKind::Promise)
        .unwrap()
        .id;
    let mut case = story.case().clone();
    let later = case.clock(id).unwrap().due_at.unwrap() + Duration::days(7);
    let moved = NewEvent {
        event: Event::ClockRecomputed {
            clock: id,
            due_at: later,
            provisional: false,
            calendar: case.clock(id).unwrap().calendar,
        },
        at: story.now,
        by: clock(),
        private: None,
    };
    crate::case::apply::apply(&mut case, &moved);
    story.events.push(moved);
    story.case = Some(case);
    assert_eq!(story.case().clock(id).unwrap().epoch, 1);
    story.now = later;
    story.tick();
    let again = story.last_card(ClockKind::Promise);
    assert!(again.is_of(id, Rung::Yellow, 1), "{again:?}");
}

#[test]
fn the_holder_appeals_and_only_a_level_above_cancels() {
    let mut story = Story::pension().submitted().accepted();
    story.days_later(3);
    story.tick();
    let card = story.last_card(ClockKind::Promise).id;
    let appeal = Command::AppealCard {
        card,
        reason: "材料在途".to_owned(),
    };
    assert_eq!(story.officer(STATION, &appeal), Err(Refusal::WrongOrganization));
    story.officer(TOWNSHIP, &appeal).unwrap();
    assert_eq!(story.last_card(ClockKind::Promise).state, CardState::Appealed);
    assert!(matches!(
        story.officer(TOWNSHIP, &appeal),
        Err(Refusal::IllegalAct { .. })
    ));

    for too_low in [VILLAGE_DIVISION, TOWNSHIP_DIVISION, 99] {
        assert_eq!(
            story.cancel(card, too_low),
            Err(Refusal::LevelTooLow),
            "{too_low}"
        );
    }
    story.cancel(card, COUNTY_DIVISION).unwrap();
    assert!(matches!(
        story.cancel(card, CITY_DIVISION),
        Err(Refusal::IllegalAct { .. })
    ));
    assert!(!story.case().is_current(&story.last_card(ClockKind::Promise)));
    assert!(
        story.tick().is_empty(),
        "a cancelled card is not raised again at once"
    );
    let unknown = CardId::from_uuid(Uuid::nil());
    assert_eq!(story.cancel(unknown, CITY_DIVISION), Err(Refusal::UnknownCard));

    story.days_later(6);
    story.tick();
    let again = story.last_card(ClockKind::Promise);
    assert!(
        matches!(again.cause, CardCause::Clock { epoch: 1, .. }) && again.rung == Rung::Yellow,
        "{again:?}"
    );
}

#[test]
fn the_city_judges_its_own_cards() {
    let mut story = Story::pension().submitted().accepted();
    story.days_later(30);
    story.tick();
    let red = story.last_card(ClockKind::Promise);
    assert_eq!(red.division, Some(division(CITY_DIVISION)));
    assert_eq!(story.cancel(red.id, COUNTY_DIVISION), Err(Refusal::LevelTooLow));
    story.cancel(red.id, CITY_DIVISION).unwrap();
}

#[test]
fn an_order_has_its_own_clock_and_its_answer_stops_it() {
    let mut story = Story::pension().submitted().accepted();
    let order = Command::OrderSupervision {
        to: None,
        limit: Limit::working_days(3),
        by: Some(division(COUNTY_DIVISION)),
        text: "请于三日内办结".to_owned(),
    };
    story.attempt(supervisor(), &order).unwrap();
    assert!(story.running(ClockKind::Supervision));
    let issued = story.case().orders[0].clone();
    assert_eq!(issued.to, organization(TOWNSHIP));
    story.days_later(4);
    story.tick();
    assert_eq!(
        story.cards_of(ClockKind::Supervision),
        [
            (Rung::Warning, CardDesk::Holder),
            (Rung::Yellow, CardDesk::Holder)
        ]
    );
    let answer = Command::AnswerSupervision {
        order: issued.id,
        text: "已办理".to_owned(),
    };
    assert_eq!(story.officer(STATION, &answer), Err(Refusal::WrongOrganization));
    story.officer(TOWNSHIP, &answer).unwrap();
    assert!(!story.running(ClockKind::Supervision));
    assert!(matches!(
        story.officer(TOWNSHIP, &answer),
        Err(Refusal::IllegalAct { .. })
    ));
    let stranger = Command::OrderSupervision {
        to: Some(organization(77)),
        limit: Limit::working_days(3),
        by: None,
        text: "x".to_owned(),
    };
    assert_eq!(story.attempt(supervisor(), &stranger), Err(Refusal::NotAHolder));
}

#[test]
fn a_card_by_hand_needs_a_part_in_the_case_and_a_level_above() {
    let mut story = Story::pension().submitted().accepted();
    let card = |to, by| Command::IssueCard {
        cause: CardCause::NoReason,
        to: organization(to),
        by: division(by),
        text: "未说明理由".to_owned(),
    };
    assert_eq!(
        story.attempt(supervisor(), &card(77, COUNTY_DIVISION)),
        Err(Refusal::NotAHolder)
    );
    assert_eq!(
        story.attempt(supervisor(), &card(TOWNSHIP, TOWNSHIP_DIVISION)),
        Err(Refusal::LevelTooLow)
    );
    story
        .attempt(supervisor(), &card(TOWNSHIP, COUNTY_DIVISION))
        .unwrap();
    let raised = story.case().cards[0].clone();
    assert_eq!((raised.rung, raised.cause), (Rung::Yellow, CardCause::NoReason));
    assert_eq!(story.case().highest_card(), Some(Rung::Yellow));
}

#[test]
fn a_reminder_is_an_event_and_nothing_else() {
    let mut story = Story::pension().submitted();
    let before = story.case().clone();
    let remind = Command::RemindHolder { text: None };
    story.officer(STATION, &remind).unwrap();
    assert_eq!(story.case(), &before);
    assert!(matches!(
        story.events.last().map(|new| &new.event),
        Some(Event::HolderReminded { to }) if *to == organization(TOWNSHIP)
    ));
}
