//! The owner rule (DOMAIN §4) over random histories of every act that moves a case between hands.

use proptest::prelude::*;

use super::*;

const PEOPLE: [u128; 8] = [STATION, TOWNSHIP, COUNTY, 4, 5, ADMITTED, VILLAGE, CITY];

fn routes() -> Vec<(Vec<Step>, Vec<u128>)> {
    let sign = Step {
        handoff: HandoffKind::Countersign,
        ..step("city.planning", "COUNTERSIGN")
    };
    let joint = |role: &str| Step {
        handoff: HandoffKind::JointReview,
        parallel_group: Some("joint".to_owned()),
        ..step(role, "JOINT_REVIEW")
    };
    let pay = Step {
        clock: StepClock::Excluded,
        limit: None,
        ..step("county.finance", "PAY")
    };
    let publicize = Step {
        clock: StepClock::Excluded,
        ..step("village.committee", "PUBLICIZE")
    };
    vec![
        (vec![intake(), accepting(), deciding()], vec![1, 2, 3]),
        (vec![accepting(), sign, deciding(), pay], vec![2, 4, 3, 5]),
        (
            vec![intake(), accepting(), joint("a"), joint("b"), deciding()],
            vec![1, 2, 4, 5, 3],
        ),
        (
            vec![intake(), accepting(), publicize, deciding()],
            vec![1, 2, 1, 2],
        ),
    ]
}

fn commands(case: &Case) -> Vec<Command> {
    let mut all = vec![
        accept(true),
        accept(false),
        hand_off(),
        hand_off(),
        granted(),
        denied(),
        deliver(None),
        by_hand(HandoffKind::Return, None),
    ];
    for to in PEOPLE {
        for kind in [
            HandoffKind::Transfer,
            HandoffKind::Assign,
            HandoffKind::Return,
            HandoffKind::Escalate,
            HandoffKind::Consult,
        ] {
            all.push(by_hand(kind, Some(to)));
        }
    }
    for handoff in case.handoffs.iter().rev().take(4) {
        let handoff = handoff.id;
        for _ in 0..4 {
            all.push(Command::Acknowledge { handoff });
        }
        all.push(Command::Refuse {
            handoff,
            reason: RefusalReason::Duplicate,
            text: "重复".to_owned(),
        });
        all.push(Command::Recall { handoff });
        all.push(Command::Waive {
            handoff,
            reason: "逾期未复".to_owned(),
        });
        all.push(Command::Finish {
            handoff,
            opinion: Some(Opinion::AgreeWithConditions),
            text: Some("补充照片".to_owned()),
        });
    }
    all
}

fn one_owner(case: &Case) -> Result<(), TestCaseError> {
    let held = |state: HandoffState| {
        case.handoffs
            .iter()
            .filter(move |handoff| handoff.owning && handoff.state == state)
    };
    let holding: Vec<_> = held(HandoffState::Acknowledged)
        .map(|handoff| handoff.to)
        .collect();
    prop_assert_eq!(
        &holding,
        &case.owner.into_iter().collect::<Vec<_>>(),
        "owner = last acknowledged owning handoff"
    );
    prop_assert_eq!(
        case.owner.is_none(),
        case.is_closed(),
        "exactly one while open, none after"
    );
    let open = case
        .handoffs
        .iter()
        .filter(|handoff| handoff.owning && handoff.state.awaits_answer())
        .count();
    prop_assert!(open <= 1, "at most one owning handoff is open");
    for handoff in &case.handoffs {
        let waiting = case
            .clocks
            .iter()
            .filter(|clock| {
                clock.kind == ClockKind::HandoffAck
                    && clock.handoff == Some(handoff.id)
                    && clock.state == ClockState::Running
            })
            .count();
        prop_assert_eq!(
            waiting,
            usize::from(handoff.state.awaits_answer()),
            "HANDOFF_ACK runs while unsigned"
        );
    }
    Ok(())
}

/// What one act may change, by the rule.
fn moved_by_rule(before: &Case, after: &Case, command: &Command) -> Result<(), TestCaseError> {
    for earlier in &before.handoffs {
        let now = after.handoff(earlier.id).unwrap();
        prop_assert_eq!(
            now.version > earlier.version,
            now.state != earlier.state,
            "a handoff's version moves with its state"
        );
        prop_assert!(
            earlier.state.is_open() || now.state == earlier.state || now.state == HandoffState::Waived,
            "an end is an end"
        );
    }
    if before.owner != after.owner {
        prop_assert!(
            after.version > before.version,
            "a change of owner bumps the case's version"
        );
    }
    match command {
        Command::Acknowledge { handoff } if before.handoff(*handoff).unwrap().owning => {
            let closed = before
                .holding()
                .map(|holding| after.handoff(holding.id).unwrap().state);
            prop_assert_eq!(closed, Some(HandoffState::Done), "acknowledging k+1 closes k");
            prop_assert_eq!(after.owner, Some(before.handoff(*handoff).unwrap().to));
        }
        Command::Refuse { handoff, .. } | Command::Recall { handoff } => {
            prop_assert_eq!(
                after.owner,
                before.owner,
                "refusing or recalling k+1 changes nothing for k"
            );
            prop_assert_eq!(after.holding(), before.holding());
            prop_assert_eq!((after.status, after.step), (before.status, before.step));
            let others = |case: &Case| {
                case.handoffs
                    .iter()
                    .filter(|other| other.id != *handoff)
                    .cloned()
                    .collect::<Vec<_>>()
            };
            prop_assert_eq!(others(after), others(before));
        }
        Command::Tick => {
            prop_assert_eq!((after.owner, after.holding()), (before.owner, before.holding()));
        }
        _ => {}
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn a_case_has_one_owner_through_every_history_of_hands(
        route in 0..4_usize,
        bound in any::<bool>(),
        acts in proptest::collection::vec((any::<proptest::sample::Index>(), any::<proptest::sample::Index>(), 0..2_i64, 0..8_u8), 0..80),
    ) {
        let (steps, organizations) = routes().swap_remove(route);
        let mut story = Story::of(steps, &organizations);
        if bound {
            story = story.bound_to_upstream(COUNTY);
        }
        let mut story = story.submitted();
        for (who, which, days, kind) in acts {
            story.days_later(days);
            let before = story.case().clone();
            if kind == 0 {
                let clock = By { kind: ActorKind::System, subject: "clock".to_owned(), organization: None, on_behalf_of: None };
                story.attempt(clock, &Command::Tick).unwrap();
                moved_by_rule(&before, story.case(), &Command::Tick)?;
            } else {
                // most of the time whoever has the case in hand acts, so that histories get somewhere
                let at_hand: Vec<OrganizationId> = before.owner.into_iter().chain(before.handoffs.iter().filter(|one| one.state.is_open()).map(|one| one.to)).collect();
                let by = if kind > 2 && !at_hand.is_empty() {
                    By { organization: Some(*who.get(&at_hand)), ..officer(1) }
                } else {
                    officer(*who.get(&PEOPLE))
                };
                let all = commands(&before);
                let hinted: Vec<&Command> = all.iter().filter(|command| command.act().is_some_and(|act| possible(&before, &story.item, &by).contains(&act))).collect();
                let command = if kind > 1 && !hinted.is_empty() { (*which.get(&hinted)).clone() } else { which.get(&all).clone() };
                let could = possible(&before, &story.item, &by);
                match story.attempt(by, &command) {
                    Ok(()) => {
                        prop_assert!(command.act().is_some_and(|act| could.contains(&act)), "{:?} was possible without a hint", command);
                        moved_by_rule(&before, story.case(), &command)?;
                    }
                    Err(_) => prop_assert_eq!(story.case(), &before, "a refusal changes nothing"),
                }
                if bound && days > 0 && let Some(sent) = story.case().open_owning().filter(|open| open.upstream.is_some()).map(|open| open.id) {
                    story.upstream(sent, Said::Received).unwrap();
                }
            }
            one_owner(story.case())?;
        }
    }
}
