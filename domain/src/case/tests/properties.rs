//! What holds for every history: the owner rule, replay, clocks, and that hints agree with decisions.

use proptest::prelude::*;

use super::*;
use crate::case::command::Competent;
use crate::case::event::Ground;

fn routes() -> Vec<(Vec<Step>, Vec<u128>)> {
    let sign = Step {
        handoff: HandoffKind::Countersign,
        ..step("city.planning", "COUNTERSIGN")
    };
    let pay = Step {
        clock: StepClock::Excluded,
        limit: None,
        ..step("county.finance", "PAY")
    };
    let joint = |role: &str| Step {
        handoff: HandoffKind::JointReview,
        parallel_group: Some("joint".to_owned()),
        ..step(role, "JOINT_REVIEW")
    };
    let publicize = Step {
        clock: StepClock::Excluded,
        ..step("village.committee", "PUBLICIZE")
    };
    let deliver = Step {
        handoff: HandoffKind::Delivery,
        ..step("village.station", "DELIVER")
    };
    vec![
        (vec![intake(), accepting(), deciding()], vec![1, 2, 3]),
        (
            vec![intake(), accepting(), sign, deciding(), pay],
            vec![1, 2, 4, 3, 5],
        ),
        (
            vec![publicize.clone(), accepting(), joint("a"), joint("b"), deciding()],
            vec![1, 2, 4, 5, 3],
        ),
        (
            vec![intake(), accepting(), publicize, deciding(), deliver],
            vec![1, 2, 1, 3, 1],
        ),
    ]
}

fn commands(case: &Case) -> Vec<Command> {
    let mut all = vec![
        accept(false),
        accept(true),
        hand_off(),
        granted(),
        denied(),
        deliver(None),
        acts::refuse(),
        acts::request(&["id"]),
        acts::supplement(&["id"]),
        Command::Decline {
            ground: Ground::NotCompetent,
            competent: Some(Competent::Inside(organization(6))),
            reasons: None,
            remedy: None,
        },
        Command::BeginSpecialProcedure {
            reason: "听证".to_owned(),
            limit_working_days: Some(3),
        },
        Command::EndSpecialProcedure,
        Command::Extend {
            working_days: 5,
            reason: "情况复杂".to_owned(),
        },
    ];
    if let Command::Supplement { authorization, .. } = &mut all[8] {
        *authorization = Some(acts::on_file());
    }
    for handoff in &case.handoffs {
        all.push(Command::Acknowledge { handoff: handoff.id });
        all.push(Command::Finish {
            handoff: handoff.id,
            opinion: Some(Opinion::Object),
            text: Some("不同意".to_owned()),
        });
    }
    all
}

pub(super) fn check(case: &Case) {
    let owning_open = case
        .handoffs
        .iter()
        .filter(|handoff| handoff.owning && handoff.state.awaits_answer())
        .count();
    assert!(owning_open <= 1, "at most one owning handoff is open");
    let holding = case
        .handoffs
        .iter()
        .filter(|handoff| handoff.owning && handoff.state == HandoffState::Acknowledged)
        .count();
    assert_eq!(
        holding,
        usize::from(case.owner.is_some()),
        "exactly one owner while open, none after"
    );
    assert_eq!(case.owner.is_none(), case.is_closed());
    assert_eq!(case.holding().map(|handoff| handoff.to), case.owner);
    for (index, handoff) in case.handoffs.iter().enumerate() {
        assert_eq!(usize::try_from(handoff.seq), Ok(index + 1));
    }
    for clock in &case.clocks {
        assert_eq!(
            clock.state == ClockState::Paused,
            clock.due_at.is_none() && clock.stopped_at.is_none()
        );
        assert!(clock.due_at.is_none_or(|due| due > clock.started_at));
    }
}

proptest! {
    #[test]
    fn every_history_keeps_one_owner_and_replays(
        route in 0..4_usize,
        bound in any::<bool>(),
        acts in proptest::collection::vec((1..7_u128, any::<proptest::sample::Index>(), 0..3_i64), 0..40),
    ) {
        let (steps, organizations) = routes().swap_remove(route);
        let mut story = Story::of(steps, &organizations);
        if bound {
            story = story.bound_to_upstream(COUNTY);
        }
        story.item.materials = vec![acts::material("id", false)];
        let mut story = story.submitted();
        let clock = By { kind: ActorKind::System, subject: "clock".to_owned(), organization: None, on_behalf_of: None };
        for (who, which, days) in acts {
            story.days_later(days);
            story.attempt(clock.clone(), &Command::Tick).unwrap();
            check(story.case());
            let all = commands(story.case());
            let command = which.get(&all);
            let hinted = command.act().is_some_and(|act| possible(story.case(), &story.item, &officer(who)).contains(&act));
            let before = story.case().version;
            match story.officer(who, command) {
                Ok(()) => {
                    prop_assert!(hinted, "{command:?} was possible without a hint");
                    prop_assert!(story.case().version >= before);
                }
                Err(_) => prop_assert_eq!(story.case().version, before),
            }
            check(story.case());
        }
    }
}
