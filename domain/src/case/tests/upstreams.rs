//! What each word of an upstream system becomes: an act in its name, or news that is kept (DOMAIN §2 and §7).

use super::acts::{long_pension, material, supplement, tick, with_papers};
use super::*;
use crate::case::command::OwedPaper;
use crate::case::event::Event;
use crate::clock::ClockKind;
use crate::policy::{self, Scope, grant};

fn text() -> String {
    "见附件".to_owned()
}

fn opinion(opinion: Opinion, words: &str) -> Said {
    Said::Opinion {
        opinion,
        text: words.to_owned(),
    }
}

fn begun(kind: Option<&str>, working_days: Option<u32>) -> Said {
    Said::SpecialBegun {
        kind: kind.map(str::to_owned),
        working_days,
        text: text(),
    }
}

fn ended() -> Said {
    Said::SpecialEnded { text: text() }
}

fn asks(materials: &[&str]) -> Said {
    Said::SupplementRequested {
        materials: materials.iter().map(|code| (*code).to_owned()).collect(),
        text: text(),
    }
}

fn decided(outcome: Outcome) -> Said {
    Said::Decided {
        outcome,
        reasons: None,
    }
}

/// Everything a system can say, with what it proposes.
fn everything() -> Vec<(Said, Option<policy::Act>)> {
    vec![
        (Said::Sent, None),
        (Said::Note { text: text() }, None),
        (Said::Received, Some(policy::Act::AcknowledgeHandoff)),
        (
            Said::Rejected { reason: text() },
            Some(policy::Act::RefuseHandoff),
        ),
        (Said::Accepted, Some(policy::Act::AcceptCase)),
        (asks(&["id"]), Some(policy::Act::RequestSupplement)),
        (begun(None, None), Some(policy::Act::SpecialProcedure)),
        (ended(), Some(policy::Act::SpecialProcedure)),
        (decided(Outcome::Granted), Some(policy::Act::DecideCase)),
        (decided(Outcome::Denied), Some(policy::Act::DecideCase)),
        (opinion(Opinion::Agree, ""), Some(policy::Act::FinishHandoff)),
        (Said::Completed, Some(policy::Act::FinishHandoff)),
        (Said::Delivered, Some(policy::Act::DeliverResult)),
    ]
}

#[test]
fn whatever_a_system_proposes_is_something_the_table_of_rights_lets_it_propose() {
    for (said, proposes) in everything() {
        assert_eq!(said.proposes(), proposes, "{said:?}");
        if let Some(act) = proposes {
            let scope = grant(act, ActorKind::Upstream).scope;
            assert!(
                matches!(scope, Scope::OwnHandoffs | Scope::Proposal),
                "{said:?}: {scope:?}"
            );
        }
    }
}

/// The last line of the ledger, when it keeps news: the word, out of order, waiting for papers.
fn kept(story: &Story) -> Option<(&str, bool, bool)> {
    let Event::NewsKept {
        said,
        out_of_order,
        waits_for_papers,
        ..
    } = &story.events.last()?.event
    else {
        return None;
    };
    Some((said, *out_of_order, *waits_for_papers))
}

fn event<'a>(story: &'a Story, name: &str) -> &'a NewEvent {
    story
        .events
        .iter()
        .rev()
        .find(|new| new.event.name() == name)
        .unwrap()
}

/// A licence or service that a bound township accepts and a bound county decides.
fn at_bound_township() -> (Story, HandoffId) {
    let mut story = with_papers(Story::pension())
        .bound_to_upstream(TOWNSHIP)
        .submitted();
    let offered = story.last_handoff();
    story.upstream(offered, Said::Received).unwrap();
    (story, offered)
}

#[test]
fn a_bound_office_accepts_by_its_own_word_and_the_event_names_system_and_office() {
    let (mut story, offered) = at_bound_township();
    story.upstream(offered, Said::Accepted).unwrap();
    assert_eq!(story.status(), CaseStatus::Accepted);
    assert!(story.running(ClockKind::Promise) && !story.running(ClockKind::Acceptance));
    let by = &event(&story, "ACCEPTED").by;
    assert_eq!((by.kind, by.subject.as_str()), (ActorKind::Upstream, "county-hr"));
    assert_eq!(by.organization, Some(organization(TOWNSHIP)));
    story.upstream(offered, Said::Accepted).unwrap();
    assert_eq!(kept(&story), Some(("ACCEPTED", false, false)), "nothing new");
    // it cannot hand off: the officer of the office that handed the case to it does, and both are named
    story.officer(STATION, &hand_off()).unwrap();
    assert_eq!(story.case().handoffs.last().unwrap().to, organization(COUNTY));
}

#[test]
fn an_acceptance_that_overtakes_the_answer_to_our_sending_signs_for_the_case() {
    let mut story = Story::pension().bound_to_upstream(TOWNSHIP).submitted();
    let offered = story.last_handoff();
    story.upstream(offered, Said::Accepted).unwrap();
    assert_eq!(story.status(), CaseStatus::Accepted);
    assert_eq!(story.case().owner, Some(organization(TOWNSHIP)));
}

#[test]
fn a_bound_office_asks_for_papers_before_acceptance_and_gets_them() {
    let (mut story, offered) = at_bound_township();
    story.upstream(offered, asks(&["id"])).unwrap();
    assert_eq!(story.status(), CaseStatus::AwaitingSupplement);
    assert_eq!(story.case().supplements[0].materials, ["id"]);
    story.attempt(acts::resident(), &supplement(&["id"])).unwrap();
    assert_eq!(story.status(), CaseStatus::Submitted);
    story.upstream(offered, asks(&["id"])).unwrap();
    assert_eq!(
        kept(&story),
        Some(("SUPPLEMENT_REQUESTED", true, false)),
        "once per phase"
    );
    story.upstream(offered, Said::Accepted).unwrap();
    assert_eq!(story.status(), CaseStatus::Accepted);
}

#[test]
fn papers_the_item_has_no_code_for_are_asked_for_in_words() {
    let (mut story, offered) = at_bound_township();
    story.upstream(offered, asks(&["id", "X-17"])).unwrap();
    assert_eq!(story.case().supplements[0].materials, ["id"]);
    let told = event(&story, "SUPPLEMENT_REQUESTED").private.as_ref().unwrap();
    assert_eq!(told["text"], "见附件（X-17）");
}

/// The county's system holds the case.
fn at_bound_county() -> (Story, HandoffId) {
    let mut story = long_pension().bound_to_upstream(COUNTY).submitted();
    story.officer(TOWNSHIP, &accept(true)).unwrap();
    let sent = story.last_handoff();
    story.upstream(sent, Said::Received).unwrap();
    (story, sent)
}

#[test]
fn a_supplement_asked_for_in_review_stops_the_clocks_until_it_comes() {
    let (mut story, sent) = at_bound_county();
    story.upstream(sent, asks(&["id"])).unwrap();
    assert_eq!(story.status(), CaseStatus::AwaitingSupplement);
    assert!(!story.running(ClockKind::Promise));
    story.upstream(sent, decided(Outcome::Granted)).unwrap();
    assert_eq!(
        kept(&story),
        Some(("DECIDED", true, false)),
        "it asked and was not answered"
    );
    story.attempt(acts::resident(), &supplement(&["id"])).unwrap();
    assert_eq!(story.status(), CaseStatus::InReview);
    story.upstream(sent, decided(Outcome::Granted)).unwrap();
    assert_eq!(story.case().outcome, Some(Outcome::Granted));
}

#[test]
fn a_special_procedure_of_a_system_stops_the_clocks_and_ends_by_its_word() {
    let (mut story, sent) = at_bound_county();
    story.upstream(sent, ended()).unwrap();
    assert_eq!(kept(&story), Some(("SPECIAL_ENDED", true, false)), "none runs");
    story.upstream(sent, begun(Some("2"), Some(5))).unwrap();
    assert_eq!(story.status(), CaseStatus::SpecialProcedure);
    assert!(story.running(ClockKind::Special) && !story.running(ClockKind::Statutory));
    story.upstream(sent, begun(Some("2"), Some(5))).unwrap();
    assert_eq!(kept(&story), Some(("SPECIAL_BEGUN", false, false)));
    story.upstream(sent, ended()).unwrap();
    assert_eq!(story.status(), CaseStatus::InReview);
    assert!(story.running(ClockKind::Statutory));
}

#[test]
fn more_time_is_not_a_systems_to_take_and_an_absurd_limit_is_kept() {
    let (mut story, sent) = at_bound_county();
    let before = story.case().clone();
    story.upstream(sent, begun(Some("1"), Some(5))).unwrap();
    assert_eq!(kept(&story), Some(("SPECIAL_BEGUN", true, false)));
    story.upstream(sent, begun(None, Some(9_999))).unwrap();
    assert_eq!(kept(&story), Some(("SPECIAL_BEGUN", true, false)));
    assert_eq!(story.case(), &before);
}

#[test]
fn a_decision_says_that_the_special_procedure_before_it_is_over() {
    let (mut story, sent) = at_bound_county();
    story.upstream_at(Some(3), sent, begun(None, None)).unwrap();
    story
        .upstream_at(Some(5), sent, decided(Outcome::Granted))
        .unwrap();
    assert_eq!(story.status(), CaseStatus::Completed);
    story.upstream_at(Some(4), sent, ended()).unwrap();
    assert_eq!(kept(&story), Some(("SPECIAL_ENDED", true, false)));
}

#[test]
fn a_decision_of_an_office_that_accepts_and_decides_says_that_it_accepted() {
    let both = Step {
        decides: true,
        ..accepting()
    };
    let mut story = Story::of(vec![intake(), both], &[STATION, TOWNSHIP])
        .bound_to_upstream(TOWNSHIP)
        .submitted();
    let offered = story.last_handoff();
    story.upstream(offered, decided(Outcome::Granted)).unwrap();
    assert_eq!(story.status(), CaseStatus::Completed);
    assert!(story.case().accepted_at.is_some());
}

#[test]
fn a_bound_office_answers_what_it_is_asked_beside_the_owner() {
    for kind in [
        HandoffKind::Consult,
        HandoffKind::Escalate,
        HandoffKind::Countersign,
        HandoffKind::JointReview,
    ] {
        let mut story = Story::pension().bound_to_upstream(CITY).submitted();
        story.officer(TOWNSHIP, &accept(true)).unwrap();
        let offered = story.last_handoff();
        story
            .officer(COUNTY, &Command::Acknowledge { handoff: offered })
            .unwrap();
        story.officer(COUNTY, &by_hand(kind, Some(CITY))).unwrap();
        let asked = story.last_handoff();
        story.upstream(asked, Said::Received).unwrap();
        story.upstream(asked, opinion(Opinion::Object, "")).unwrap();
        let answered = story.case().handoff(asked).unwrap();
        assert_eq!(
            (answered.state, answered.opinion),
            (HandoffState::Done, Some(Opinion::Object)),
            "{kind:?}"
        );
        let done = event(&story, "HANDOFF_DONE");
        assert_eq!(done.by.organization, Some(organization(CITY)), "{kind:?}");
        let said = done.private.as_ref().unwrap()["text"].as_str().unwrap();
        assert!(said.contains("未在系统中附文字说明"), "{kind:?}: {said}");
        assert_eq!(story.case().owner, Some(organization(COUNTY)), "{kind:?}");
        story.upstream(asked, opinion(Opinion::Agree, "再议")).unwrap();
        assert_eq!(kept(&story), Some(("OPINION", true, false)), "{kind:?}: once");
        assert_eq!(
            story.officer(COUNTY, &granted()),
            Err(Refusal::ObjectionUnanswered),
            "{kind:?}"
        );
    }
}

#[test]
fn an_opinion_of_a_system_that_holds_the_case_belongs_to_what_it_was_asked_beside() {
    let (mut story, held) = at_bound_county();
    story.officer(STATION, &hand_off()).unwrap_err();
    let opinion = opinion(Opinion::Agree, "同意");
    story.upstream(held, opinion.clone()).unwrap();
    assert_eq!(kept(&story), Some(("OPINION", true, false)), "nobody asked");
    // the same system is asked beside a case of the township's, and the decision is about the case
    let mut story = long_pension().bound_to_upstream(COUNTY).submitted();
    story.officer(TOWNSHIP, &accept(false)).unwrap();
    story
        .officer(TOWNSHIP, &by_hand(HandoffKind::Consult, Some(COUNTY)))
        .unwrap();
    let asked = story.last_handoff();
    story.upstream(asked, Said::Received).unwrap();
    story.officer(TOWNSHIP, &hand_off()).unwrap();
    let held = story.last_handoff();
    story.upstream(held, Said::Received).unwrap();
    story.upstream(held, opinion).unwrap();
    assert_eq!(story.case().handoff(asked).unwrap().state, HandoffState::Done);
    story.upstream(asked, decided(Outcome::Granted)).unwrap();
    assert_eq!(story.case().outcome, Some(Outcome::Granted));
}

#[test]
fn a_step_behind_the_decision_ends_when_its_system_says_that_its_part_is_done() {
    let pay = Step {
        clock: StepClock::Excluded,
        limit: None,
        ..step("county.finance", "PAY")
    };
    let route = vec![intake(), accepting(), deciding(), pay];
    let mut story = Story::of(route, &[STATION, TOWNSHIP, COUNTY, 8])
        .bound_to_upstream(8)
        .submitted();
    story.officer(TOWNSHIP, &accept(true)).unwrap();
    let offered = story.last_handoff();
    story
        .officer(COUNTY, &Command::Acknowledge { handoff: offered })
        .unwrap();
    story.officer(COUNTY, &granted()).unwrap();
    assert_eq!(story.status(), CaseStatus::Decided);
    let paying = story.last_handoff();
    story.upstream(paying, Said::Received).unwrap();
    story.upstream(paying, Said::Completed).unwrap();
    assert_eq!(story.status(), CaseStatus::Completed);
}

#[test]
fn a_result_collected_at_the_system_is_delivered_and_never_buries_its_decision() {
    let (mut story, sent) = at_bound_county();
    story.upstream_at(Some(9), sent, Said::Delivered).unwrap();
    assert_eq!(kept(&story), Some(("DELIVERED", true, false)), "not decided yet");
    story
        .upstream_at(Some(8), sent, decided(Outcome::Granted))
        .unwrap();
    assert_eq!(
        story.status(),
        CaseStatus::Completed,
        "the later word did not overtake it"
    );
    story.upstream_at(Some(9), sent, Said::Delivered).unwrap();
    assert_eq!(story.status(), CaseStatus::Delivered);
    assert_eq!(
        event(&story, "DELIVERED").by.organization,
        Some(organization(COUNTY))
    );
    let end = story.case().clone();
    for (said, _) in everything() {
        story.upstream(sent, said).unwrap();
        assert_eq!(story.case(), &end, "nothing moves a closed case");
    }
}

/// A case of the county's system with a photo that is owed for two days.
fn owing() -> (Story, HandoffId) {
    let mut story = long_pension().bound_to_upstream(COUNTY).submitted();
    let owed = vec![OwedPaper {
        material: "photo".to_owned(),
        due: "2026-11-25".parse().unwrap(),
    }];
    story
        .officer(TOWNSHIP, &Command::Accept { advance: true, owed })
        .unwrap();
    let sent = story.last_handoff();
    story.upstream(sent, Said::Received).unwrap();
    (story, sent)
}

#[test]
fn a_grant_while_papers_are_owed_waits_and_is_repeated_when_they_come() {
    let (mut story, sent) = owing();
    story
        .upstream_at(Some(3), sent, decided(Outcome::Granted))
        .unwrap();
    assert_eq!(kept(&story), Some(("DECIDED", false, true)));
    assert_eq!(story.status(), CaseStatus::InReview);
    story.attempt(acts::resident(), &supplement(&["photo"])).unwrap();
    assert_eq!(story.status(), CaseStatus::Completed);
    assert_eq!(story.case().outcome, Some(Outcome::Granted));
    assert_eq!(story.case().decided_by.as_deref(), Some("county-hr"));
    assert_eq!(story.case().waiting_grant, None);
    let names: Vec<_> = story.events.iter().map(|new| new.event.name()).collect();
    let at = |name| names.iter().position(|one| *one == name).unwrap();
    assert!(at("MATERIALS_BROUGHT") < at("DECIDED"));
}

#[test]
fn a_waiting_grant_also_outlives_the_missed_day_and_a_special_procedure() {
    let (mut story, sent) = owing();
    story.upstream(sent, decided(Outcome::Granted)).unwrap();
    story.upstream(sent, begun(None, Some(5))).unwrap();
    assert_eq!(story.status(), CaseStatus::SpecialProcedure);
    story.days_later(4);
    tick(&mut story);
    assert!(story.case().owed[0].missed);
    story.attempt(acts::resident(), &supplement(&["photo"])).unwrap();
    assert_eq!(story.status(), CaseStatus::SpecialProcedure, "not yet");
    story.upstream(sent, ended()).unwrap();
    assert_eq!(
        story.case().outcome,
        Some(Outcome::Granted),
        "whatever act frees the way"
    );
}

#[test]
fn a_later_denial_takes_a_waiting_grant_back() {
    let (mut story, sent) = owing();
    story
        .upstream_at(Some(3), sent, decided(Outcome::Granted))
        .unwrap();
    story
        .upstream_at(Some(4), sent, decided(Outcome::Denied))
        .unwrap();
    assert_eq!(story.case().outcome, Some(Outcome::Denied));
    assert_eq!(story.case().waiting_grant, None);
}

#[test]
fn the_news_of_a_ledger_written_before_reads_as_before() {
    let handoff = HandoffId::from_uuid(Uuid::from_u128(1));
    let written = json!({ "type": "NEWS_KEPT", "upstream": "county-hr", "handoff": handoff, "said": "NOTE",
        "out_of_order": false });
    let read: Event = serde_json::from_value(written.clone()).unwrap();
    assert_eq!(
        serde_json::to_value(read).unwrap(),
        written,
        "and is written as it was"
    );
}

#[test]
fn each_thing_said_at_each_time_is_an_act_or_news_and_nothing_ever_goes_back() {
    let rank = |case: &Case| {
        u32::from(case.accepted_at.is_some())
            + u32::from(case.decided_at.is_some())
            + u32::from(case.completed_at.is_some())
            + u32::from(case.delivered_at.is_some())
    };
    let all = everything();
    for (first, _) in &all {
        for (second, _) in &all {
            for (third, _) in &all {
                let mut story = long_pension().bound_to_upstream(TOWNSHIP).submitted();
                story.item.materials.push(material("extra", false));
                let offered = story.last_handoff();
                for said in [first, second, third] {
                    let (before, lines) = (rank(story.case()), story.events.len());
                    let open = story.case().handoff(offered).unwrap().state;
                    story.upstream(offered, said.clone()).unwrap();
                    assert!(rank(story.case()) >= before, "{first:?} {second:?} {third:?}");
                    let repeats =
                        matches!(said, Said::Sent | Said::Received) && open != HandoffState::Offered;
                    assert!(
                        story.events.len() > lines || repeats,
                        "{said:?} left no trace after {first:?} {second:?}"
                    );
                }
            }
        }
    }
}
