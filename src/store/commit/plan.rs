//! All rows of a write set, made before its transaction begins.

use std::collections::BTreeSet;

use onedoor_domain::audit::AuditEntry;
use onedoor_domain::case::state::Case;
use onedoor_domain::id::{CaseId, DraftId, HandoffId, OrganizationId};
use onedoor_domain::ledger::Head;
use onedoor_domain::sla::beijing_date;
use onedoor_entity::{
    applicant_index, case_card, case_clock, case_party, case_private, cases, change, data_key, delivery,
    external_number, handoff, idempotency, ledger_event, ledger_head, ledger_private, provisional_number,
    receipt,
};
use sea_orm::ActiveValue::{NotSet, Set};

use crate::secret::data_key::DataKey;
use crate::secret::keyring::Keyring;
use crate::store::case::{Loaded, private_place, rows};
use crate::store::document::JoinedDocument;
use crate::store::error::StoreError;
use crate::store::outbox::{self, DeliveryResult};
use crate::store::parse::{json, micros};
use crate::store::write_set::{IdempotencyClaim, InboxMark, NewPrivate, NewProvisional, SealedSet, WriteSet};
use crate::store::{applicant_index as index, idempotency as keys_of_callers, ledger, receipt as receipts};

/// The rows of a set.
pub(super) struct Plan {
    pub(super) now: i64,
    pub(super) claim: Option<(IdempotencyClaim, idempotency::Model)>,
    pub(super) case: cases::Model,
    /// Revision and head the case must still be at; `None`: a new case.
    pub(super) expected: Option<(i64, Head)>,
    pub(super) private: Option<case_private::Model>,
    /// The key of a new case.
    pub(super) data_key: Option<data_key::Model>,
    pub(super) applicant: Option<applicant_index::Model>,
    pub(super) parties: Vec<case_party::Model>,
    pub(super) handoffs: Vec<handoff::Model>,
    pub(super) clocks: Vec<case_clock::Model>,
    pub(super) cards: Vec<case_card::Model>,
    pub(super) numbers: Vec<external_number::Model>,
    pub(super) head: ledger_head::Model,
    pub(super) lines: Vec<ledger_event::Model>,
    pub(super) texts: Vec<ledger_private::Model>,
    pub(super) receipts: Vec<receipt::Model>,
    pub(super) deliveries: Vec<delivery::Model>,
    pub(super) unwanted: Vec<HandoffId>,
    pub(super) answered: Vec<HandoffId>,
    pub(super) withdrawn: Vec<DeliveryResult>,
    pub(super) delivery_result: Option<DeliveryResult>,
    pub(super) inbox: Option<InboxMark>,
    pub(super) change: change::ActiveModel,
    pub(super) documents: Vec<JoinedDocument>,
    pub(super) finished_draft: Option<DraftId>,
    pub(super) audit: Option<AuditEntry>,
    pub(super) provisional: Vec<provisional_number::Model>,
    pub(super) sealed: SealedSet,
}

impl Plan {
    pub(super) fn of(
        set: WriteSet,
        keys: &Keyring,
        key: &DataKey,
        data_key: Option<data_key::Model>,
    ) -> Result<Self, StoreError> {
        let (before, case) = (set.case.before, set.case.after);
        let head = before
            .as_ref()
            .map_or_else(|| Head::empty(case.id.uuid()), |loaded| loaded.head);
        let revision = before.as_ref().map_or(0, |loaded| loaded.revision) + 1;
        let now = set.now.timestamp_micros();
        let lines = ledger::seal(head, set.case.events, key)?;
        let (receipts, signed) =
            receipts::sign_all(set.receipts, &lines.events, set.now, (&keys.receipts, key))?;
        let mut sealed = SealedSet {
            case,
            revision,
            events: lines.events,
            receipts: signed,
            answer: None,
        };
        sealed.answer = set.answer.map(|build| build(&sealed)).transpose()?;
        let case = &sealed.case;
        let claim = set
            .idempotency
            .map(|claim| {
                let row = keys_of_callers::row(&claim, Some(case.id), sealed.answer.as_deref(), now, key)?;
                Ok::<_, StoreError>((claim, row))
            })
            .transpose()?;
        let earlier = before.as_ref().map(|loaded| &loaded.case);
        let applicant = set.private.as_ref().map(|private| &private.applicant);
        let applicant =
            applicant.map(|applicant| index::row(case.id, Some(applicant), beijing_date(set.now), keys));
        Ok(Self {
            applicant,
            now,
            claim,
            case: rows::case_row(case, revision, micros(set.next_tick_at))?,
            expected: before.as_ref().map(|loaded| (loaded.revision, head)),
            private: set
                .private
                .map(|private| seal_private(case.id, private, key))
                .transpose()?,
            data_key,
            parties: new_parties(earlier, case),
            handoffs: changed_handoffs(earlier, case, revision)?,
            clocks: changed_clocks(earlier, case, revision)?,
            cards: changed_cards(earlier, case, revision)?,
            numbers: new_numbers(earlier, case),
            head: lines.head,
            lines: lines.rows,
            texts: lines.texts,
            receipts,
            deliveries: outbox::rows(set.deliveries, (case.id, revision), &sealed.events, now)?,
            unwanted: set.unwanted,
            answered: set.answered,
            withdrawn: set.withdrawn,
            delivery_result: set.delivery_result,
            inbox: set.inbox,
            change: change_row(before.as_ref(), case, revision, now)?,
            documents: set.documents,
            finished_draft: set.finished_draft,
            audit: set.audit,
            provisional: provisional_numbers(set.provisional, case.id),
            sealed,
        })
    }
}

fn provisional_numbers(printed: Option<Box<NewProvisional>>, case: CaseId) -> Vec<provisional_number::Model> {
    let row = |printed: Box<NewProvisional>| provisional_number::Model {
        device: printed.device,
        number: printed.number,
        case_id: case.uuid(),
        captured_at: printed.captured_at.timestamp_micros(),
    };
    printed.map(row).into_iter().collect()
}

fn seal_private(case: CaseId, private: NewPrivate, key: &DataKey) -> Result<case_private::Model, StoreError> {
    let seal = |column, value| {
        let sealed = key
            .seal_json(&private_place(case, column), value)
            .map_err(StoreError::other)?;
        Ok::<_, StoreError>(sealed.into_bytes())
    };
    Ok(case_private::Model {
        case_id: case.uuid(),
        applicant: seal("applicant", &private.applicant)?,
        form: seal("form", &private.form)?,
        materials: seal("materials", &private.materials)?,
        salt: key
            .seal(&private_place(case, "salt"), &private.salt)
            .map_err(StoreError::other)?
            .into_bytes(),
        secret_hash: private.secret_hash,
    })
}

/// Every organization the case is or was in the hands of, or was offered to.
fn parties(case: &Case) -> BTreeSet<OrganizationId> {
    let handed = case
        .handoffs
        .iter()
        .flat_map(|handoff| [Some(handoff.to), handoff.from])
        .flatten();
    [case.first_contact]
        .into_iter()
        .chain(case.owner)
        .chain(handed)
        .collect()
}

fn new_parties(before: Option<&Case>, case: &Case) -> Vec<case_party::Model> {
    let known = before.map(parties).unwrap_or_default();
    parties(case)
        .difference(&known)
        .map(|organization| case_party::Model {
            organization_id: organization.uuid(),
            submitted_at: case.submitted_at.timestamp_micros(),
            case_id: case.id.uuid(),
        })
        .collect()
}

/// Rows of the handoffs that are new or read differently, their due dates included.
fn changed_handoffs(
    before: Option<&Case>,
    case: &Case,
    revision: i64,
) -> Result<Vec<handoff::Model>, StoreError> {
    let mut changed = Vec::new();
    for handoff in &case.handoffs {
        let row = rows::handoff_row(case, handoff, revision)?;
        let earlier = before.and_then(|before| Some((before, before.handoff(handoff.id)?)));
        let same = match earlier {
            Some((before, earlier)) => rows::handoff_row(before, earlier, revision)? == row,
            None => false,
        };
        if !same {
            changed.push(row);
        }
    }
    Ok(changed)
}

fn changed_clocks(
    before: Option<&Case>,
    case: &Case,
    revision: i64,
) -> Result<Vec<case_clock::Model>, StoreError> {
    let earlier = before.map(|before| before.clocks.as_slice()).unwrap_or_default();
    let changed = case
        .clocks
        .iter()
        .enumerate()
        .filter(|(_, clock)| !earlier.contains(clock));
    changed
        .map(|(position, clock)| rows::clock_row(case, position, clock, revision))
        .collect()
}

fn changed_cards(
    before: Option<&Case>,
    case: &Case,
    revision: i64,
) -> Result<Vec<case_card::Model>, StoreError> {
    let earlier = before.map(|before| before.cards.as_slice()).unwrap_or_default();
    let changed = case
        .cards
        .iter()
        .enumerate()
        .filter(|(_, card)| !earlier.contains(card));
    changed
        .map(|(position, card)| rows::card_row(case, position, card, revision))
        .collect()
}

fn new_numbers(before: Option<&Case>, case: &Case) -> Vec<external_number::Model> {
    let known = before
        .map(|before| before.external_numbers.as_slice())
        .unwrap_or_default();
    let new = case
        .external_numbers
        .iter()
        .filter(|number| !known.contains(number));
    new.map(|external| external_number::Model {
        upstream: external.upstream.clone(),
        number: external.number.clone(),
        case_id: case.id.uuid(),
    })
    .collect()
}

fn change_row(
    before: Option<&Loaded>,
    case: &Case,
    revision: i64,
    now: i64,
) -> Result<change::ActiveModel, StoreError> {
    let mut concerned = parties(case);
    concerned.extend(before.and_then(|loaded| loaded.case.owner));
    Ok(change::ActiveModel {
        id: NotSet,
        case_id: Set(case.id.uuid()),
        revision: Set(revision),
        organizations: Set(json(&concerned)?),
        division_id: Set(case.division.uuid()),
        at: Set(now),
    })
}
