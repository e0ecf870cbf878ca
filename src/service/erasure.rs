//! Erases the personal data of closed cases: when its time is over, when the person asks for it, or by order.

use std::str::FromStr;

use onedoor_domain::actor::Actor;
use onedoor_domain::audit::AuditAction;
use onedoor_domain::id::CaseId;
use onedoor_domain::tracking::TrackingCode;

use super::cases::Cases;
use crate::error::AppError;
use crate::store::erasure::Erased;

/// How often a case that moves meanwhile is looked at again.
const ATTEMPTS_MAX: u32 = 5;

/// Why; stands in the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EraseReason {
    /// The time it is to be kept is over (个人信息保护法 article 47, 1 and 2).
    RetentionOver,
    /// The person asks for it or withdraws consent (article 47, 3).
    Request,
    /// A court or authority orders it (article 47, 4 and 5).
    Order,
}

impl EraseReason {
    /// Its code in the audit log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RetentionOver => "RETENTION_OVER",
            Self::Request => "REQUEST",
            Self::Order => "ORDER",
        }
    }
}

/// Which case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhichCase {
    /// By its key.
    Id(CaseId),
    /// By the number that people use.
    Code(TrackingCode),
}

/// Neither the key of a case nor a tracking code.
#[derive(Debug, thiserror::Error)]
#[error("neither the id of a case nor a tracking code 既不是办件标识，也不是办件编号")]
pub struct NoCase;

impl FromStr for WhichCase {
    type Err = NoCase;

    fn from_str(text: &str) -> Result<Self, NoCase> {
        let id = text.parse().map(Self::Id).ok();
        id.or_else(|| text.parse().map(Self::Code).ok()).ok_or(NoCase)
    }
}

/// Why nothing was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EraseRefusal {
    /// There is no such case.
    #[error("there is no such case 未找到该办件")]
    Unknown,
    /// It is still open.
    #[error("the case is not closed 办件尚未办结")]
    Open,
    /// Another system has not heard yet what it must be told of it.
    #[error("deliveries of the case are not finished 尚有未完成的对外推送")]
    DeliveriesOpen,
}

impl Cases {
    /// The case of a key or a tracking code; `None`: there is none.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE.
    pub async fn which(&self, which: &WhichCase) -> Result<Option<CaseId>, AppError> {
        Ok(match which {
            WhichCase::Id(id) => self.store.load_case(*id).await?.map(|loaded| loaded.case.id),
            WhichCase::Code(code) => self.store.find_by_tracking(code).await?.map(|(id, _)| id),
        })
    }

    /// Destroys the data keys of a closed case and what they sealed, with an entry of the audit log. Gives how many keys.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE.
    pub async fn erase(
        &self,
        actor: &Actor,
        case: CaseId,
        reason: EraseReason,
    ) -> Result<Result<u64, EraseRefusal>, AppError> {
        for _ in 0..ATTEMPTS_MAX {
            let Some(loaded) = self.store.load_case(case).await? else {
                return Ok(Err(EraseRefusal::Unknown));
            };
            if !loaded.case.is_closed() {
                return Ok(Err(EraseRefusal::Open));
            }
            let entry = self
                .services
                .audit_entry(actor, AuditAction::EraseCase)
                .on(case)
                .because(reason.as_str());
            match self.store.erase_case(&loaded, self.clock.now(), entry).await? {
                Erased::Done { keys } => {
                    tracing::info!(case.id = %case, "the personal data of a case was erased");
                    return Ok(Ok(keys));
                }
                Erased::DeliveriesOpen => return Ok(Err(EraseRefusal::DeliveriesOpen)),
                Erased::Stale => {}
            }
        }
        Err(AppError::internal("a closed case goes on moving"))
    }
}
