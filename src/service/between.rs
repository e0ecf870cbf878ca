//! What organizations said of each other's part in a handoff (双向评价), for those who may read it.

use onedoor_domain::actor::{Actor, ActorKind};
use onedoor_domain::case::event::Event;
use onedoor_domain::evaluation::HandoffEvaluation;
use onedoor_domain::id::HandoffId;
use onedoor_domain::timeline::StoredEvent;

use super::cases::Cases;
use super::reading::{CaseView, Sight};

/// One evaluation with its comment.
#[derive(Debug, Clone)]
pub struct SeenEvaluation {
    /// The evaluation.
    pub evaluation: HandoffEvaluation,
    /// What was said to it; `None`: nothing, or it was erased.
    pub comment: Option<String>,
}

impl Cases {
    /// The evaluations of a handoff, for its two organizations and for supervision; nobody else sees any.
    #[must_use]
    pub fn evaluations_between(
        &self,
        actor: &Actor,
        view: &CaseView,
        handoff: HandoffId,
        ledger: &[StoredEvent],
    ) -> Vec<SeenEvaluation> {
        let directory = self.directory();
        let own = actor
            .organization
            .filter(|_| matches!(actor.kind, ActorKind::Clerk | ActorKind::Officer))
            .map(|own| directory.living(own));
        let party = |evaluation: &HandoffEvaluation| {
            let parties = [evaluation.by, evaluation.of].map(|party| directory.living(party));
            own.is_some_and(|own| parties.contains(&own))
        };
        let seen = |evaluation: &&HandoffEvaluation| {
            evaluation.handoff == handoff && (view.sight == Sight::Supervision || party(evaluation))
        };
        let with_comment = |evaluation: &HandoffEvaluation| SeenEvaluation {
            evaluation: evaluation.clone(),
            comment: comment(evaluation, ledger),
        };
        view.case
            .handoff_evaluations
            .iter()
            .filter(seen)
            .map(with_comment)
            .collect()
    }
}

fn comment(of: &HandoffEvaluation, ledger: &[StoredEvent]) -> Option<String> {
    let line = ledger.iter().find(|line| {
        matches!(&line.event, Event::HandoffEvaluated { handoff, by, .. } if *handoff == of.handoff && *by == of.by)
    })?;
    let text = line.private.as_ref()?.get("text")?.as_str()?;
    Some(text.to_owned())
}
