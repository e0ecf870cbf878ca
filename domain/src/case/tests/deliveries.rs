//! What a person says of a delivery: who said it stands in the ledger, and the case stands as by the system's own word.

use super::*;
use crate::case::command::{DeliveryResolved, OnBehalfOf};
use crate::case::event::Event;
use crate::delivery::{DeliveryKind, DeliveryResolution};
use crate::handoff::HandoffState;
use crate::id::DeliveryId;

/// A pension case whose handoff to the county's system may have arrived.
fn in_doubt() -> (Story, HandoffId) {
    let mut story = Story::pension().bound_to_upstream(COUNTY).submitted();
    story.officer(TOWNSHIP, &accept(true)).unwrap();
    let sent = story.last_handoff();
    story.upstream_at(None, sent, Said::Sent).unwrap();
    (story, sent)
}

fn said(handoff: HandoffId, resolution: DeliveryResolution, number: Option<&str>) -> Command {
    Command::ResolveDelivery(DeliveryResolved {
        delivery: DeliveryId::from_uuid(Uuid::from_u128(77)),
        kind: DeliveryKind::Submit,
        upstream: "county".to_owned(),
        handoff,
        resolution,
        number: number.map(str::to_owned),
        note: Some("电话核实".to_owned()),
    })
}

fn state_of(story: &Story, handoff: HandoffId) -> HandoffState {
    story.case().handoff(handoff).unwrap().state
}

#[test]
fn what_the_system_has_is_signed_for_in_its_name_under_its_number() {
    let (mut story, sent) = in_doubt();
    let unnumbered = story.officer(TOWNSHIP, &said(sent, DeliveryResolution::Taken, None));
    assert_eq!(unnumbered, Err(Refusal::FieldRequired { field: "number" }));
    story
        .officer(TOWNSHIP, &said(sent, DeliveryResolution::Taken, Some("HR-7")))
        .unwrap();
    assert_eq!(story.case().owner, Some(organization(COUNTY)));
    assert_eq!(story.case().external_number("county"), Some("HR-7"));
    let signed = story
        .events
        .iter()
        .rev()
        .find(|new| matches!(new.event, Event::HandoffAcknowledged { .. }))
        .unwrap();
    assert_eq!(signed.by.organization, Some(organization(TOWNSHIP)));
    assert_eq!(
        signed.by.on_behalf_of,
        Some(OnBehalfOf::Organization(organization(COUNTY)))
    );
}

#[test]
fn what_it_has_not_is_sent_again_and_changes_nothing_but_the_ledger() {
    let (mut story, sent) = in_doubt();
    for resolution in [DeliveryResolution::NotTaken, DeliveryResolution::SentAgain] {
        let (before, lines) = (story.case().clone(), story.events.len());
        story.officer(TOWNSHIP, &said(sent, resolution, None)).unwrap();
        assert_eq!(story.case(), &before);
        assert_eq!(story.events.len(), lines + 1);
        let line = story.events.last().unwrap();
        assert!(matches!(line.event, Event::DeliveryResolved { .. }) && line.private.is_some());
    }
}

#[test]
fn what_is_given_up_is_taken_back_unless_it_was_answered_meanwhile() {
    let (mut story, sent) = in_doubt();
    story
        .officer(TOWNSHIP, &said(sent, DeliveryResolution::GivenUp, None))
        .unwrap();
    assert_eq!(state_of(&story, sent), HandoffState::Recalled);
    assert_eq!(story.case().owner, Some(organization(TOWNSHIP)));

    let (mut story, sent) = in_doubt();
    story.upstream_at(None, sent, Said::Received).unwrap();
    story
        .officer(TOWNSHIP, &said(sent, DeliveryResolution::GivenUp, None))
        .unwrap();
    assert_eq!(state_of(&story, sent), HandoffState::Acknowledged);
}

#[test]
fn what_is_said_of_news_changes_nothing_but_the_ledger() {
    let (mut story, sent) = in_doubt();
    for resolution in [
        DeliveryResolution::SentAgain,
        DeliveryResolution::Taken,
        DeliveryResolution::GivenUp,
    ] {
        let Command::ResolveDelivery(mut order) = said(sent, resolution, None) else {
            panic!("an order")
        };
        order.kind = DeliveryKind::Notify;
        let before = story.case().clone();
        story.officer(TOWNSHIP, &Command::ResolveDelivery(order)).unwrap();
        assert_eq!(story.case(), &before, "{resolution:?}");
    }
}

#[test]
fn only_news_concerns_no_handoff_and_only_two_kinds_carry_one() {
    let kinds = [
        (DeliveryKind::Submit, true, true),
        (DeliveryKind::Transition, true, true),
        (DeliveryKind::Supplement, false, true),
        (DeliveryKind::Withdraw, false, true),
        (DeliveryKind::Notify, false, false),
    ];
    for (kind, carries, concerns) in kinds {
        assert_eq!(
            (kind.is_handing_over(), kind.concerns_handoff()),
            (carries, concerns),
            "{kind:?}"
        );
    }
}
