//! What a list reads of its cases beside their rows, in one batch a level of the document instead of one a case.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_graphql::dataloader::{DataLoader, Loader};
use onedoor_domain::actor::Actor;
use onedoor_domain::delivery::{AttemptEntry, DeliveryEntry};
use onedoor_domain::id::{CaseId, DeliveryId, HandoffId};
use onedoor_domain::receipt::SignedReceipt;
use onedoor_domain::timeline::StoredEvent;

use crate::error::AppError;
use crate::service::cases::Cases;
use crate::service::reading::{CaseView, MaskedApplicant, TimelineEntry, receipts_within, timeline};
use crate::worker::supervise;

/// The batches of one request; nothing is kept and nothing is shared with another request.
#[derive(Clone, Default)]
pub struct Loaders {
    made: Arc<OnceLock<DataLoader<Batches>>>,
    deliveries: Arc<OnceLock<DataLoader<DeliveryBatches>>>,
}

impl fmt::Debug for Loaders {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Loaders")
    }
}

impl Loaders {
    /// The timeline of a view.
    pub(crate) async fn timeline(
        &self,
        cases: &Arc<Cases>,
        view: &CaseView,
    ) -> Result<Vec<TimelineEntry>, AppError> {
        let ledger = self
            .of(cases)
            .load_one(LedgerOf(view.case.id))
            .await
            .map_err(alike)?;
        Ok(ledger.map(|ledger| timeline(view, &ledger)).unwrap_or_default())
    }

    /// The whole ledger of a view's case, with every text: for what decides by itself who may read which.
    pub(crate) async fn ledger(
        &self,
        cases: &Arc<Cases>,
        view: &CaseView,
    ) -> Result<Arc<Vec<StoredEvent>>, AppError> {
        let ledger = self.of(cases).load_one(LedgerOf(view.case.id)).await;
        Ok(ledger.map_err(alike)?.unwrap_or_default())
    }

    /// The receipts of a view.
    pub(crate) async fn receipts(
        &self,
        cases: &Arc<Cases>,
        view: &CaseView,
    ) -> Result<Vec<SignedReceipt>, AppError> {
        let receipts = self
            .of(cases)
            .load_one(ReceiptsOf(view.case.id))
            .await
            .map_err(alike)?;
        Ok(receipts
            .map(|receipts| receipts_within(view, &receipts))
            .unwrap_or_default())
    }

    /// The applicant of a view, masked.
    pub(crate) async fn applicant(
        &self,
        cases: &Arc<Cases>,
        view: &CaseView,
    ) -> Result<Option<MaskedApplicant>, AppError> {
        self.of(cases)
            .load_one(ApplicantOf(view.case.id))
            .await
            .map_err(alike)
    }

    /// The deliveries of a handoff, as far as the caller of this request may see them.
    pub(crate) async fn deliveries(
        &self,
        cases: &Arc<Cases>,
        actor: &Arc<Actor>,
        handoff: HandoffId,
    ) -> Result<Vec<DeliveryEntry>, AppError> {
        let found = self
            .read_by(cases, actor)
            .load_one(DeliveriesOf(handoff))
            .await
            .map_err(alike)?;
        Ok(found.unwrap_or_default())
    }

    /// The last attempts of a delivery, as far as the caller of this request may see them.
    pub(crate) async fn attempts(
        &self,
        cases: &Arc<Cases>,
        actor: &Arc<Actor>,
        delivery: DeliveryId,
    ) -> Result<Vec<AttemptEntry>, AppError> {
        let found = self
            .read_by(cases, actor)
            .load_one(AttemptsOf(delivery))
            .await
            .map_err(alike)?;
        Ok(found.unwrap_or_default())
    }

    fn read_by(&self, cases: &Arc<Cases>, actor: &Arc<Actor>) -> &DataLoader<DeliveryBatches> {
        self.deliveries.get_or_init(|| {
            let batches = DeliveryBatches {
                cases: Arc::clone(cases),
                reader: Arc::clone(actor),
            };
            DataLoader::new(batches, |batch| supervise::spawn("batch", batch)).delay(Duration::ZERO)
        })
    }

    fn of(&self, cases: &Arc<Cases>) -> &DataLoader<Batches> {
        self.made.get_or_init(|| {
            let batches = Batches(Arc::clone(cases));
            DataLoader::new(batches, |batch| supervise::spawn("batch", batch)).delay(Duration::ZERO)
        })
    }
}

/// One failure, told to everybody who waited for the batch; its cause is told once.
fn alike(shared: Arc<AppError>) -> AppError {
    Arc::try_unwrap(shared).unwrap_or_else(|shared| AppError {
        code: shared.code,
        detail: shared.detail.clone(),
        retry_after_ms: shared.retry_after_ms,
        upstream: shared.upstream.clone(),
        source: None,
    })
}

struct Batches(Arc<Cases>);

/// Deliveries are cut to their reader, of whom a request has one.
struct DeliveryBatches {
    cases: Arc<Cases>,
    reader: Arc<Actor>,
}

/// The deliveries of a handoff.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct DeliveriesOf(HandoffId);

impl Loader<DeliveriesOf> for DeliveryBatches {
    type Value = Vec<DeliveryEntry>;
    type Error = Arc<AppError>;

    async fn load(&self, keys: &[DeliveriesOf]) -> Result<HashMap<DeliveriesOf, Self::Value>, Self::Error> {
        let ids: Vec<HandoffId> = keys.iter().map(|key| key.0).collect();
        let found = self
            .cases
            .deliveries_of(&self.reader, &ids)
            .await
            .map_err(Arc::new)?;
        let mut by_handoff: HashMap<DeliveriesOf, Vec<DeliveryEntry>> = HashMap::new();
        for entry in found {
            by_handoff
                .entry(DeliveriesOf(entry.handoff))
                .or_default()
                .push(entry);
        }
        Ok(by_handoff)
    }
}

/// The attempts of a delivery.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct AttemptsOf(DeliveryId);

impl Loader<AttemptsOf> for DeliveryBatches {
    type Value = Vec<AttemptEntry>;
    type Error = Arc<AppError>;

    async fn load(&self, keys: &[AttemptsOf]) -> Result<HashMap<AttemptsOf, Self::Value>, Self::Error> {
        let ids: Vec<DeliveryId> = keys.iter().map(|key| key.0).collect();
        let found = self
            .cases
            .attempts_of(&self.reader, &ids)
            .await
            .map_err(Arc::new)?;
        let mut by_delivery: HashMap<AttemptsOf, Vec<AttemptEntry>> = HashMap::new();
        for entry in found {
            by_delivery
                .entry(AttemptsOf(entry.delivery))
                .or_default()
                .push(entry);
        }
        Ok(by_delivery)
    }
}

/// The ledger of a case.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct LedgerOf(CaseId);

/// The receipts of a case.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct ReceiptsOf(CaseId);

/// The applicant of a case.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct ApplicantOf(CaseId);

impl Loader<LedgerOf> for Batches {
    type Value = Arc<Vec<StoredEvent>>;
    type Error = Arc<AppError>;

    async fn load(&self, keys: &[LedgerOf]) -> Result<HashMap<LedgerOf, Self::Value>, Self::Error> {
        let ids: Vec<CaseId> = keys.iter().map(|key| key.0).collect();
        let ledgers: BTreeMap<_, _> = self.0.ledgers(&ids).await.map_err(Arc::new)?;
        Ok(ledgers
            .into_iter()
            .map(|(case, ledger)| (LedgerOf(case), Arc::new(ledger)))
            .collect())
    }
}

impl Loader<ReceiptsOf> for Batches {
    type Value = Arc<Vec<SignedReceipt>>;
    type Error = Arc<AppError>;

    async fn load(&self, keys: &[ReceiptsOf]) -> Result<HashMap<ReceiptsOf, Self::Value>, Self::Error> {
        let ids: Vec<CaseId> = keys.iter().map(|key| key.0).collect();
        let receipts = self.0.receipts_of(&ids).await.map_err(Arc::new)?;
        Ok(receipts
            .into_iter()
            .map(|(case, receipts)| (ReceiptsOf(case), Arc::new(receipts)))
            .collect())
    }
}

impl Loader<ApplicantOf> for Batches {
    type Value = MaskedApplicant;
    type Error = Arc<AppError>;

    async fn load(&self, keys: &[ApplicantOf]) -> Result<HashMap<ApplicantOf, Self::Value>, Self::Error> {
        let ids: Vec<CaseId> = keys.iter().map(|key| key.0).collect();
        let applicants = self.0.applicants(&ids).await.map_err(Arc::new)?;
        Ok(applicants
            .into_iter()
            .map(|(case, applicant)| (ApplicantOf(case), applicant))
            .collect())
    }
}
