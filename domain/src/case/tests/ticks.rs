//! What the clocks of a case say, and when.

use super::*;

fn clock() -> By {
    By {
        kind: ActorKind::System,
        subject: "clock".to_owned(),
        organization: None,
        on_behalf_of: None,
    }
}

#[test]
fn a_tick_before_anything_is_due_says_nothing() {
    let mut story = Story::pension().submitted();
    let before = story.case().clone();
    story.attempt(clock(), &Command::Tick).unwrap();
    assert_eq!(story.case(), &before);
}
