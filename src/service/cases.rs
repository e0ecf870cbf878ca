//! What all use cases of a case share: its parts, how it is loaded, judged and committed.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use onedoor_domain::actor::{Actor, ActorKind};
use onedoor_domain::audit::AuditAction;
use onedoor_domain::calendar::WorkCalendar;
use onedoor_domain::case::command::{By, Context};
use onedoor_domain::case::decide::Outcome;
use onedoor_domain::case::refusal::Refusal;
use onedoor_domain::case::state::Case;
use onedoor_domain::delivery::DeliveryEntry;
use onedoor_domain::directory::Directory;
use onedoor_domain::id::CaseId;
use onedoor_domain::item::ItemVersion;
use onedoor_domain::material::MaterialEntry;
use onedoor_domain::policy::Act;
use onedoor_domain::proof::{CaseProof, Denied};
use onedoor_domain::sla::beijing_date;
use uuid::Uuid;

use super::answer::{Answer, Warning};
use super::bells::Bells;
use super::calendar::CalendarInForce;
use super::changes::Changes;
use super::form::Forms;
use super::outgoing::{self, Outgoing};
use super::receipts::{self, ReceiptFacts};
use super::rejection::Rejection;
use super::track::TrackLimits;
use super::{Services, calendar, catalogue, guard, standing};
use crate::clock::SharedClock;
use crate::error::{AppError, ErrorCode};
use crate::secret::Redacted;
use crate::secret::tracking_secret::TrackingSecrets;
use crate::store::case::{CaseStore, Loaded};
use crate::store::error::StoreError;
use crate::store::write_set::{AnswerBuilder, Commit, NewReceipt, SealedSet, WriteSet};
use crate::upstream::listeners::Listeners;

/// How often an act is decided again because the case moved on meanwhile, before the caller is asked to retry.
pub(super) const ATTEMPTS_MAX: u32 = 16;

/// What an act ends with: an answer, or an expected answer that says why it was not done.
pub type Done = Result<Answer, Vec<Rejection>>;

/// What [`Cases`] are made from, beside the services of reference data.
pub struct CaseParts {
    /// The store of cases.
    pub store: CaseStore,
    /// The feed of changes.
    pub changes: Arc<Changes>,
    /// Rung when a delivery waits.
    pub outbox: Arc<Bells>,
    /// The systems that are told what happens to cases.
    pub listeners: Listeners,
    /// Limits on wrong tracking secrets.
    pub track_limits: TrackLimits,
}

/// The use cases of a case and what they work with.
pub struct Cases {
    pub(super) store: CaseStore,
    pub(super) services: Services,
    pub(super) clock: SharedClock,
    pub(super) changes: Arc<Changes>,
    pub(super) outbox: Arc<Bells>,
    listeners: Listeners,
    pub(super) forms: Forms,
    pub(super) secrets: TrackingSecrets,
    pub(super) track_limits: TrackLimits,
    public_url: OnceLock<String>,
}

impl Cases {
    /// Joins the parts. `outbox` is rung when a delivery waits.
    #[must_use]
    pub fn new(services: Services, parts: CaseParts) -> Self {
        let clock = services.clock.clone();
        Self {
            store: parts.store,
            services,
            clock,
            changes: parts.changes,
            outbox: parts.outbox,
            listeners: parts.listeners,
            forms: Forms::new(),
            secrets: TrackingSecrets::default(),
            track_limits: parts.track_limits,
            public_url: OnceLock::new(),
        }
    }

    /// Says how residents and upstream systems reach this gateway: by its configured address, else where it listens.
    /// Only the first call counts.
    pub fn set_public_url(&self, configured: &str, listening: SocketAddr) {
        self.public_url
            .get_or_init(|| match configured.trim_end_matches('/') {
                "" => format!("http://{listening}"),
                configured => configured.to_owned(),
            });
    }

    /// Public address of the gateway, without a final slash.
    pub(super) fn public_url(&self) -> &str {
        self.public_url.get().map_or("", String::as_str)
    }

    /// Who is where, as this process knows it.
    pub(super) fn directory(&self) -> Arc<Directory> {
        self.services.directories.current()
    }

    /// The working-day calendar in force.
    pub(super) async fn calendar(&self) -> Result<Arc<CalendarInForce>, AppError> {
        calendar::current(&self.services).await
    }

    /// Loads a case and asks the policy for an act on it.
    pub(super) async fn load_for(
        &self,
        actor: &Actor,
        act: Act,
        id: CaseId,
    ) -> Result<(Loaded, Result<CaseProof, Denied>), AppError> {
        guard::allow(actor, act)?;
        // whoever may act but reads no case by itself, such as by code and secret alone, finds none by its key
        let loaded = match self.may_read(actor, Act::ReadCase) {
            Ok(scope) => self.store.load_cases_within(&scope, &[id]).await?.pop(),
            Err(_not_theirs) => None,
        };
        let Some(loaded) = loaded else {
            self.note_denied(actor, id, "HIDDEN");
            return Err(AppError::of(ErrorCode::NotFound));
        };
        let directory = self.directory();
        let proof = prove(actor, act, &loaded.case, &directory);
        if !matches!(proof, Ok(Ok(_))) {
            let hidden = proof.is_err();
            self.note_denied(actor, id, if hidden { "HIDDEN" } else { "OTHER_OFFICE" });
        }
        Ok((loaded, proof?))
    }

    /// Notes in the audit log that a case was not for somebody who asked for it. What systems say is told in its ledger.
    pub(super) fn note_denied(&self, actor: &Actor, case: CaseId, reason: &str) {
        if !matches!(actor.kind, ActorKind::Upstream | ActorKind::System) {
            let object = Some(case.to_string());
            self.services.denied(actor, AuditAction::Access, object, reason);
        }
    }

    /// The item version a case pins.
    pub(super) async fn item_of(&self, case: &Case) -> Result<Arc<ItemVersion>, AppError> {
        catalogue::version(&self.services, case.item)
            .await?
            .ok_or_else(|| AppError::internal(StoreError::corrupt("cases", &case.id, "item_version_id")))
    }

    /// Asks the domain, with everything it needs to know.
    pub(super) fn decide(
        &self,
        by: By,
        item: &ItemVersion,
        calendar: &WorkCalendar,
        directory: &Directory,
        ask: impl FnOnce(Context<'_>) -> Result<Outcome, Refusal>,
    ) -> Result<Outcome, Refusal> {
        let upstream_of = |id| {
            directory
                .organization(id)
                .and_then(|organization| organization.upstream.clone())
        };
        ask(Context {
            now: self.clock.now(),
            item,
            calendar,
            by,
            ids: &mut Uuid::now_v7,
            upstream_of: &upstream_of,
            places: &|id| directory.places(id),
            living: &|id| directory.living(id),
            rank: &|from, to| directory.rank(from, to),
            admission: &|to| directory.gate(to, &item.code, beijing_date(self.clock.now())),
            may_be_chosen: &|step, division, to| directory.candidates(step.level, division).contains(&to),
        })
    }

    /// Turns an outcome into a write set: receipts, deliveries and the answer follow from its events.
    pub(super) async fn write_set(
        &self,
        before: Option<Loaded>,
        outcome: Outcome,
        item: &ItemVersion,
        papers: Option<&Papers>,
    ) -> Result<WriteSet, AppError> {
        let directory = self.directory();
        let stored;
        let papers = match papers {
            Some(papers) => papers,
            None if receipts::needs_papers(&outcome.events, &outcome.case) => {
                stored = self.papers_of(&outcome.case).await?;
                &stored
            }
            None => &Papers::default(),
        };
        let facts = ReceiptFacts {
            case: &outcome.case,
            item,
            applicant_masked: &papers.applicant_masked,
            materials: &papers.materials,
            organization: &|id| directory.organization(id).cloned(),
            public_url: self.public_url(),
        };
        let issued = receipts::issue(&outcome.events, &facts, &mut Uuid::now_v7);
        let earlier = before.as_ref().map(|loaded| &loaded.case);
        let outgoing = Outgoing::of(earlier, &outcome, &self.listeners, &directory);
        let next_tick_at = outcome.next_tick_at;
        let change = crate::store::write_set::CaseChange {
            before,
            after: outcome.case,
            events: outcome.events,
        };
        let mut set = WriteSet::of(self.clock.now(), change);
        set.next_tick_at = next_tick_at;
        set.receipts = issued
            .into_iter()
            .map(|issue| NewReceipt {
                body: issue.body,
                attests: issue.attests,
            })
            .collect();
        set.deliveries = outgoing.deliveries;
        set.unwanted = outgoing.unwanted;
        set.answered = outgoing.answered;
        Ok(set)
    }

    async fn papers_of(&self, case: &Case) -> Result<Papers, AppError> {
        match self.store.private(case.id).await? {
            Some(private) => Papers::read(&private.applicant, &private.materials),
            // erased: a receipt of a later act names nobody
            None => Ok(Papers::default()),
        }
    }

    /// After a commit: tell whoever waits, here and on other replicas. Losing this costs time only.
    pub(super) fn committed(&self, set: &SealedSet) {
        self.changes.announce(set.case.id);
        let directory = self.directory();
        for upstream in outgoing::concerned(&set.case, &set.events, &self.listeners, &directory) {
            self.outbox.ring(upstream);
        }
    }
}

/// What receipts need of the papers handed in.
#[derive(Default)]
pub(super) struct Papers {
    pub(super) applicant_masked: String,
    pub(super) materials: Vec<MaterialEntry>,
}

impl Papers {
    fn read(applicant: &serde_json::Value, materials: &serde_json::Value) -> Result<Self, AppError> {
        let name = applicant
            .get("name")
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default();
        Ok(Self {
            applicant_masked: onedoor_domain::mask::name(name),
            materials: serde_json::from_value(materials.clone()).map_err(AppError::internal)?,
        })
    }
}

/// Asks the policy. The outer error is for the edge; the inner denial may deserve a typed answer.
pub(super) fn prove(
    actor: &Actor,
    act: Act,
    case: &Case,
    directory: &Directory,
) -> Result<Result<CaseProof, Denied>, AppError> {
    let standing = standing::of(case, directory);
    match guard::on_case(actor, act, &standing) {
        Ok(proof) => Ok(Ok(proof)),
        Err(Denied::OtherOffice) => Ok(Err(Denied::OtherOffice)),
        Err(denied) => Err(denied.into()),
    }
}

/// Builds the answer from what was sealed.
pub(super) fn answer(secret: Option<Redacted<String>>, warnings: Vec<Warning>) -> AnswerBuilder {
    build_answer(secret, warnings, None)
}

/// The same for an act on a delivery, with the delivery as the act leaves it.
pub(super) fn answer_about(delivery: DeliveryEntry) -> AnswerBuilder {
    build_answer(None, Vec::new(), Some(delivery))
}

fn build_answer(
    secret: Option<Redacted<String>>,
    warnings: Vec<Warning>,
    delivery: Option<DeliveryEntry>,
) -> AnswerBuilder {
    Box::new(move |set: &SealedSet| {
        let answer = Answer {
            case: set.case.clone(),
            head: set.events.last().map_or(0, |event| event.seq),
            first: set.events.first().map_or(0, |event| event.seq),
            at: set.events.last().map_or(set.case.submitted_at, |event| event.at),
            secret: secret.map(Redacted::into_exposed),
            warnings,
            delivery,
        };
        answer.to_bytes().map_err(StoreError::other)
    })
}

/// What a commit means for the caller: an answer, a refusal, or that the act must be decided again.
pub(super) enum Verdict {
    /// Over.
    Over(Box<Done>),
    /// The case moved on: load and decide again.
    Again,
}

/// Reads a commit.
pub(super) fn verdict(commit: Commit) -> Result<(Verdict, Option<Box<SealedSet>>), AppError> {
    Ok(match commit {
        Commit::Committed(set) => {
            let bytes = set
                .answer
                .as_deref()
                .ok_or_else(|| AppError::internal("a committed act has no answer"))?;
            (Verdict::Over(Box::new(Ok(Answer::from_bytes(bytes)?))), Some(set))
        }
        Commit::Replayed { answer } => (Verdict::Over(Box::new(Ok(Answer::from_bytes(&answer)?))), None),
        Commit::Mismatch => (
            Verdict::Over(Box::new(Err(vec![Rejection::idempotency_mismatch()]))),
            None,
        ),
        Commit::Stale => (Verdict::Again, None),
        Commit::DocumentTaken => (
            Verdict::Over(Box::new(Err(vec![super::documents::taken()]))),
            None,
        ),
        Commit::Overtaken | Commit::NumberTaken => {
            return Err(AppError::internal(
                "a person's act settles no delivery and gives no number",
            ));
        }
    })
}
