//! Acts on an existing case, by whoever stands to it or holds its code and secret.

use onedoor_domain::actor::Actor;
use onedoor_domain::case::available;
use onedoor_domain::case::command::{By, Command, Competent};
use onedoor_domain::case::decide;
use onedoor_domain::case::refusal::{Refusal, Why};
use onedoor_domain::case::state::Case;
use onedoor_domain::id::{CaseId, HandoffId, OrganizationId};
use onedoor_domain::idempotency::{Fingerprint, IdempotencyKey};
use onedoor_domain::organization::OrganizationKind;
use onedoor_domain::policy::Act;
use onedoor_domain::proof::Credential;
use onedoor_domain::sla;

use super::answer::Answer;
use super::cases::{ATTEMPTS_MAX, Cases, Done, Verdict, answer, verdict};
use super::rejection::Rejection;
use super::{documents, guard, papers};
use crate::error::{AppError, ErrorCode};
use crate::store::write_set::IdempotencyClaim;

/// The version of the thing that the caller has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Of the case.
    Case(i32),
    /// Of one of its handoffs.
    Handoff(HandoffId, i32),
    /// None: the act changes nothing that another could have changed.
    Any,
}

impl Expected {
    /// The number alone.
    #[must_use]
    pub const fn version(self) -> Option<i32> {
        match self {
            Self::Case(seen) | Self::Handoff(_, seen) => Some(seen),
            Self::Any => None,
        }
    }
}

/// One act asked for.
#[derive(Debug, Clone)]
pub struct Order {
    /// On which case.
    pub case: CaseId,
    /// The version the caller has seen.
    pub expected: Expected,
    /// The caller's key: the same key and content are carried out once.
    pub key: IdempotencyKey,
    /// Hash of the canonical input.
    pub fingerprint: Fingerprint,
    /// What is to be done.
    pub command: Command,
    /// Code and secret, checked: the applicant's credential for this one case.
    pub credential: Option<Credential>,
}

impl Order {
    /// Whose the idempotency key is. Whoever bears no token acts as the holder of the case's credential.
    fn principal(&self, actor: &Actor) -> String {
        match self.credential {
            Some(credential) if actor.subject.is_empty() => credential.case().to_string(),
            Some(_) | None => actor.subject.clone(),
        }
    }
}

impl Cases {
    /// Carries an act out, once.
    ///
    /// # Errors
    /// NOT_FOUND, FORBIDDEN or UNAUTHENTICATED by the policy, STORE_UNAVAILABLE; expected answers are in [`Done`].
    pub async fn act(&self, actor: &Actor, order: Order) -> Result<Done, AppError> {
        let named = order
            .command
            .act()
            .ok_or_else(|| AppError::of(ErrorCode::Forbidden))?;
        guard::allow(actor, policy_act(named))?;
        let principal = order.principal(actor);
        if let Some(done) = self.earlier(&principal, order.key, order.fingerprint).await? {
            return Ok(done);
        }
        let done = self.decide_and_commit(actor, named, &order).await;
        if matches!(done, Ok(Ok(_))) {
            return done;
        }
        // the same act may have been committed beside this one: its answer goes before any refusal of a repetition
        match self.earlier(&principal, order.key, order.fingerprint).await? {
            Some(earlier) => Ok(earlier),
            None => done,
        }
    }

    async fn decide_and_commit(
        &self,
        actor: &Actor,
        named: available::Act,
        order: &Order,
    ) -> Result<Done, AppError> {
        for _ in 0..ATTEMPTS_MAX {
            let (loaded, proof) = match order.credential {
                None => self.load_for(actor, policy_act(named), order.case).await?,
                Some(credential) => {
                    let proof = guard::by_credential(actor, policy_act(named), credential)?;
                    let loaded = self.store.load_case(proof.case()).await?;
                    (
                        loaded.ok_or_else(|| AppError::of(ErrorCode::NotFound))?,
                        Ok(proof),
                    )
                }
            };
            if proof.is_err() {
                return Ok(Err(vec![self.other_office(actor, named, &loaded.case).await?]));
            }
            if let Err(refusal) = check_version(&loaded.case, order.expected) {
                let rejection = Rejection {
                    status: Some(loaded.case.status),
                    ..refusal.into()
                };
                return Ok(Err(vec![self.as_told_to(actor, &loaded.case, rejection).await?]));
            }
            let item = self.item_of(&loaded.case).await?;
            let (calendar, directory) = (self.calendar().await?, self.directory());
            let decided = self.decide(By::from(actor), &item, calendar.calendar(), &directory, |cx| {
                decide::decide(&loaded.case, &order.command, cx)
            });
            let outcome = match decided {
                Ok(outcome) => outcome,
                Err(refusal) => {
                    if refusal == Refusal::WrongOrganization {
                        self.note_denied(actor, loaded.case.id, "OTHER_OFFICE");
                    }
                    let told = self.as_told_to(actor, &loaded.case, refusal.into()).await?;
                    return Ok(Err(vec![told]));
                }
            };
            let today = sla::beijing_date(self.clock.now());
            let mut faults = papers::faults(&order.command, &loaded.case, &item, actor, today);
            let (brought, holder) = (papers::brought_with(&order.command), order.principal(actor));
            let case = Some(loaded.case.id);
            faults.extend(self.document_faults(brought, &holder, case).await?);
            if !faults.is_empty() {
                return Ok(Err(faults));
            }
            let mut set = self.write_set(Some(loaded), outcome, &item, None).await?;
            set.documents = documents::joins(brought, &holder);
            set.idempotency = Some(IdempotencyClaim {
                principal: holder,
                key: order.key,
                act: act_name(named),
                fingerprint: order.fingerprint,
            });
            set.answer = Some(answer(None, Vec::new()));
            let (verdict, committed) = verdict(self.store.commit(set).await?)?;
            if let Some(committed) = committed {
                self.committed(&committed);
            }
            if let Verdict::Over(done) = verdict {
                return Ok(*done);
            }
        }
        Err(AppError::of(ErrorCode::Overloaded).retry_after_ms(500))
    }

    /// What an actor is told whose work on this case lies on another desk. One that has a part in it still, and asks for
    /// what the state has no place for, learns the state; whoever resolved a grid event learns that its check is another person's.
    async fn other_office(
        &self,
        actor: &Actor,
        named: available::Act,
        case: &Case,
    ) -> Result<Rejection, AppError> {
        let held =
            actor.organization.is_some_and(|own| case.ever_at(own)) && !self.is_past(actor, case).await?;
        let own_work =
            named == available::Act::CheckGridEvent && case.decided_by.as_ref() == Some(&actor.subject);
        if !own_work && (!held || available::admits(named, case)) {
            return Ok(Refusal::WrongOrganization.into());
        }
        let item = self.item_of(case).await?;
        let refusal = Refusal::IllegalAct {
            status: case.status,
            possible: available::possible(case, &item, &By::from(actor)),
            why: if own_work { Why::OwnWork } else { Why::Status },
        };
        Ok(refusal.into())
    }

    /// The office that an applicant is sent to: one of the network, or one outside by its name. `None`: unknown.
    #[must_use]
    pub fn competent(&self, id: OrganizationId) -> Option<Competent> {
        let directory = self.directory();
        let office = directory.organization(directory.living(id))?;
        Some(if office.kind == OrganizationKind::External {
            Competent::Outside(office.name_zh.clone())
        } else {
            Competent::Inside(office.id)
        })
    }

    /// The answer of an earlier act under the same key; looked up before anything is validated.
    pub(super) async fn earlier(
        &self,
        principal: &str,
        key: IdempotencyKey,
        fingerprint: Fingerprint,
    ) -> Result<Option<Done>, AppError> {
        let Some(record) = self.store.look_up(principal, key).await? else {
            return Ok(None);
        };
        if record.fingerprint != fingerprint {
            return Ok(Some(Err(vec![Rejection::idempotency_mismatch()])));
        }
        let answer = record
            .answer
            .ok_or_else(|| AppError::of(ErrorCode::NotFound).because("the answer of the act was erased"))?;
        Ok(Some(Ok(Answer::from_bytes(&answer)?)))
    }
}

fn check_version(case: &Case, expected: Expected) -> Result<(), Refusal> {
    let (seen, current) = match expected {
        Expected::Any => return Ok(()),
        Expected::Case(seen) => (seen, case.version),
        Expected::Handoff(id, seen) => (seen, case.handoff(id).ok_or(Refusal::UnknownHandoff)?.version),
    };
    if seen == current {
        Ok(())
    } else {
        Err(Refusal::StaleVersion { current })
    }
}

const fn policy_act(act: available::Act) -> Act {
    match act {
        available::Act::AcceptCase => Act::AcceptCase,
        available::Act::HandOff => Act::HandOff,
        available::Act::AcknowledgeHandoff => Act::AcknowledgeHandoff,
        available::Act::RefuseHandoff => Act::RefuseHandoff,
        available::Act::RecallHandoff => Act::RecallHandoff,
        available::Act::FinishHandoff => Act::FinishHandoff,
        available::Act::DecideCase => Act::DecideCase,
        available::Act::DeclineCase => Act::DeclineCase,
        available::Act::RequestSupplement => Act::RequestSupplement,
        available::Act::SupplementCase => Act::SupplementCase,
        available::Act::BeginSpecialProcedure | available::Act::EndSpecialProcedure => Act::SpecialProcedure,
        available::Act::ExtendCase => Act::ExtendCase,
        available::Act::WithdrawCase => Act::WithdrawCase,
        available::Act::VoidCase => Act::VoidCase,
        available::Act::DeliverResult => Act::DeliverResult,
        available::Act::AppealCard => Act::AppealCard,
        available::Act::CancelCard => Act::CancelCard,
        available::Act::IssueCard => Act::IssueCard,
        available::Act::RemindHolder => Act::RemindHolder,
        available::Act::IssueSupervisionOrder => Act::IssueSupervisionOrder,
        available::Act::AnswerSupervisionOrder => Act::AnswerSupervisionOrder,
        available::Act::CheckGridEvent => Act::CheckGridEvent,
        available::Act::ReopenCase => Act::ReopenCase,
        available::Act::EvaluateCase => Act::EvaluateCase,
        available::Act::AnswerEvaluation => Act::AnswerEvaluation,
        available::Act::EvaluateHandoff => Act::EvaluateHandoff,
    }
}

const fn act_name(act: available::Act) -> &'static str {
    super::case_texts::act_words(act).1
}
