//! Finds sealed values by the key they are sealed with, wherever they lie, with what replaces each.

use onedoor_domain::id::{AccessRecordId, CaseId, DraftId, ReceiptId};
use onedoor_domain::idempotency::IdempotencyKey;
use onedoor_entity::{access_record, case_private, draft, idempotency, inbox, ledger_private, receipt};
use sea_orm::sea_query::{Expr, ExprTrait as _, Func, IntoColumnRef, Query, UpdateStatement};
use sea_orm::{ColumnTrait as _, Condition, EntityTrait as _, QueryFilter as _, QuerySelect as _};
use uuid::Uuid;

use crate::secret::seal::{SealPlace, SealedWith, sealed_with};
use crate::store::case::{CaseStore, private_place};
use crate::store::data_key::{Owner, Sealing};
use crate::store::error::StoreError;
use crate::store::inbox::NoticeKey;
use crate::store::{access, draft as drafts, idempotency as answers, ledger, receipt as receipts};

/// First byte of a value that is sealed with a master key.
const OF_MASTER: [u8; 1] = [1];

/// One sealed column of one row.
pub(super) struct Held {
    pub(super) place: SealPlace,
    pub(super) owner: Owner,
    pub(super) bytes: Vec<u8>,
    /// Replaces the bytes if they are still these.
    pub(super) replace: Box<dyn Fn(Vec<u8>) -> UpdateStatement + Send>,
}

/// Which values a step looks for.
#[derive(Clone, Copy)]
pub(super) enum Wanted {
    /// Those sealed with a master key.
    OfMaster,
    /// Those sealed with a data key, of a case or of none.
    OfKey(Uuid, Option<CaseId>),
}

impl Wanted {
    pub(super) fn matches(self, bytes: &[u8]) -> bool {
        match (self, sealed_with(bytes)) {
            (Self::OfMaster, Some(SealedWith::Master(_))) => true,
            (Self::OfKey(wanted, _), Some(SealedWith::Data(id, _))) => wanted == id,
            (Self::OfMaster | Self::OfKey(..), _) => false,
        }
    }

    /// Whether a column begins as such a value does.
    pub(super) fn begins(self, column: impl IntoColumnRef) -> Expr {
        let (from, bytes) = match self {
            Self::OfMaster => (1, OF_MASTER.to_vec()),
            Self::OfKey(id, _) => (3, id.as_bytes().to_vec()),
        };
        let length = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
        Func::cust("substr")
            .args([Expr::col(column), Expr::value(from), Expr::value(length)])
            .eq(bytes)
    }
}

impl CaseStore {
    /// Values that are wanted, some of each table in turn.
    pub(super) async fn find(&self, wanted: Wanted, batch: u64) -> Result<Vec<Held>, StoreError> {
        let mut found = self.of_cases(wanted, batch).await?;
        if u64::try_from(found.len()).is_ok_and(|count| count < batch) {
            found.extend(self.beside_cases(wanted, batch).await?);
        }
        found.truncate(usize::try_from(batch).unwrap_or(usize::MAX));
        Ok(found)
    }

    /// What lies in the tables of cases; none for a key of what has no case.
    async fn of_cases(&self, wanted: Wanted, batch: u64) -> Result<Vec<Held>, StoreError> {
        let case = match wanted {
            Wanted::OfMaster => None,
            Wanted::OfKey(_, None) => return Ok(Vec::new()),
            Wanted::OfKey(_, Some(case)) => Some(case.uuid()),
        };
        let read = self.database().read();
        let mut found = Vec::new();
        let columns = [
            case_private::Column::Applicant,
            case_private::Column::Form,
            case_private::Column::Materials,
            case_private::Column::Salt,
        ];
        let any = columns.into_iter().fold(Condition::any(), |any, column| {
            any.add(wanted.begins((case_private::Entity, column)))
        });
        let of = case.map(|case| case_private::Column::CaseId.eq(case));
        for row in case_private::Entity::find()
            .filter(Condition::all().add_option(of).add(any))
            .limit(batch)
            .all(read)
            .await?
        {
            found.extend(private_columns(&row, wanted));
        }
        let of = case.map(|case| ledger_private::Column::Chain.eq(case));
        for row in ledger_private::Entity::find()
            .filter(Condition::all().add_option(of))
            .filter(wanted.begins((ledger_private::Entity, ledger_private::Column::Sealed)))
            .limit(batch)
            .all(read)
            .await?
        {
            found.push(line_text(row));
        }
        let of = case.map(|case| receipt::Column::CaseId.eq(case));
        for row in receipt::Entity::find()
            .filter(Condition::all().add_option(of))
            .filter(wanted.begins((receipt::Entity, receipt::Column::Body)))
            .limit(batch)
            .all(read)
            .await?
        {
            found.push(receipt_body(row));
        }
        if case.is_some() {
            found.extend(self.of_looks(wanted, case, batch).await?);
        }
        Ok(found)
    }

    /// Words of looks at personal data, at one case's or at any.
    async fn of_looks(
        &self,
        wanted: Wanted,
        case: Option<Uuid>,
        batch: u64,
    ) -> Result<Vec<Held>, StoreError> {
        let of = case.map(|case| access_record::Column::CaseId.eq(case));
        let rows = access_record::Entity::find()
            .filter(Condition::all().add_option(of))
            .filter(wanted.begins((access_record::Entity, access_record::Column::PurposeText)))
            .limit(batch)
            .all(self.database().read())
            .await?;
        Ok(rows.into_iter().filter_map(look_words).collect())
    }

    /// What has no case, and answers under callers' keys. Those of a case's data key run out by themselves.
    async fn beside_cases(&self, wanted: Wanted, batch: u64) -> Result<Vec<Held>, StoreError> {
        if matches!(wanted, Wanted::OfKey(_, Some(_))) {
            return Ok(Vec::new());
        }
        let read = self.database().read();
        let mut found = self.of_looks(wanted, None, batch).await?;
        found.extend(self.of_documents(wanted, batch).await?);
        for row in draft::Entity::find()
            .filter(wanted.begins((draft::Entity, draft::Column::Content)))
            .limit(batch)
            .all(read)
            .await?
        {
            found.push(draft_content(row));
        }
        for row in inbox::Entity::find()
            .filter(wanted.begins((inbox::Entity, inbox::Column::Facts)))
            .limit(batch)
            .all(read)
            .await?
        {
            found.push(notice_facts(row));
        }
        for row in idempotency::Entity::find()
            .filter(wanted.begins((idempotency::Entity, idempotency::Column::Answer)))
            .limit(batch)
            .all(read)
            .await?
        {
            found.extend(kept_answer(row));
        }
        Ok(found)
    }
}

fn private_columns(row: &case_private::Model, wanted: Wanted) -> Vec<Held> {
    use case_private::Column;
    let (id, case) = (row.case_id, CaseId::from_uuid(row.case_id));
    let columns = [
        ("applicant", Column::Applicant, &row.applicant),
        ("form", Column::Form, &row.form),
        ("materials", Column::Materials, &row.materials),
        ("salt", Column::Salt, &row.salt),
    ];
    let wanted = columns.into_iter().filter(|(_, _, bytes)| wanted.matches(bytes));
    wanted
        .map(|(name, column, bytes)| {
            let old = bytes.clone();
            Held {
                place: private_place(case, name),
                owner: Owner::Case(case),
                bytes: bytes.clone(),
                replace: Box::new(move |new| {
                    Query::update()
                        .table(case_private::Entity)
                        .value(column, new)
                        .and_where(Column::CaseId.eq(id))
                        .and_where(column.eq(old.clone()))
                        .to_owned()
                }),
            }
        })
        .collect()
}

fn line_text(row: ledger_private::Model) -> Held {
    use ledger_private::Column;
    let case = CaseId::from_uuid(row.chain);
    let (chain, seq, old) = (row.chain, row.seq, row.sealed.clone());
    Held {
        place: ledger::text_place(case, seq),
        owner: Owner::Case(case),
        bytes: row.sealed,
        replace: Box::new(move |new| {
            Query::update()
                .table(ledger_private::Entity)
                .value(Column::Sealed, new)
                .and_where(Column::Chain.eq(chain))
                .and_where(Column::Seq.eq(seq))
                .and_where(Column::Sealed.eq(old.clone()))
                .to_owned()
        }),
    }
}

fn receipt_body(row: receipt::Model) -> Held {
    use receipt::Column;
    let (id, old) = (row.id, row.body.clone());
    Held {
        place: receipts::body_place(ReceiptId::from_uuid(id)),
        owner: Owner::Case(CaseId::from_uuid(row.case_id)),
        bytes: row.body,
        replace: Box::new(move |new| {
            Query::update()
                .table(receipt::Entity)
                .value(Column::Body, new)
                .and_where(Column::Id.eq(id))
                .and_where(Column::Body.eq(old.clone()))
                .to_owned()
        }),
    }
}

fn look_words(row: access_record::Model) -> Option<Held> {
    use access_record::Column;
    let bytes = row.purpose_text?;
    let (id, old) = (row.id, bytes.clone());
    Some(Held {
        place: access::text_place(AccessRecordId::from_uuid(id)),
        owner: row.case_id.map_or(Owner::Kind(Sealing::Access), |case| {
            Owner::Case(CaseId::from_uuid(case))
        }),
        bytes,
        replace: Box::new(move |new| {
            Query::update()
                .table(access_record::Entity)
                .value(Column::PurposeText, new)
                .and_where(Column::Id.eq(id))
                .and_where(Column::PurposeText.eq(old.clone()))
                .to_owned()
        }),
    })
}

fn draft_content(row: draft::Model) -> Held {
    use draft::Column;
    let (id, old) = (row.id, row.content.clone());
    Held {
        place: drafts::place(DraftId::from_uuid(id)),
        owner: Owner::Kind(Sealing::Draft),
        bytes: row.content,
        replace: Box::new(move |new| {
            Query::update()
                .table(draft::Entity)
                .value(Column::Content, new)
                .and_where(Column::Id.eq(id))
                .and_where(Column::Content.eq(old.clone()))
                .to_owned()
        }),
    }
}

fn notice_facts(row: inbox::Model) -> Held {
    use inbox::Column;
    let key = NoticeKey {
        upstream: row.upstream,
        event_id: row.event_id,
    };
    let old = row.facts.clone();
    Held {
        place: key.place(),
        owner: Owner::Kind(Sealing::Notice),
        bytes: row.facts,
        replace: Box::new(move |new| {
            Query::update()
                .table(inbox::Entity)
                .value(Column::Facts, new)
                .and_where(Column::Upstream.eq(key.upstream.as_str()))
                .and_where(Column::EventId.eq(key.event_id.as_str()))
                .and_where(Column::Facts.eq(old.clone()))
                .to_owned()
        }),
    }
}

fn kept_answer(row: idempotency::Model) -> Option<Held> {
    use idempotency::Column;
    let bytes = row.answer?;
    let (principal, key, old) = (row.principal, row.key, bytes.clone());
    Some(Held {
        place: answers::answer_place(&principal, IdempotencyKey::from_uuid(key)),
        owner: row.case_id.map_or(Owner::Kind(Sealing::Answer), |case| {
            Owner::Case(CaseId::from_uuid(case))
        }),
        bytes,
        replace: Box::new(move |new| {
            Query::update()
                .table(idempotency::Entity)
                .value(Column::Answer, new)
                .and_where(Column::Principal.eq(principal.as_str()))
                .and_where(Column::Key.eq(key))
                .and_where(Column::Answer.eq(old.clone()))
                .to_owned()
        }),
    })
}
