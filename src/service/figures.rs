//! Statistics: the loops of grid events by what the reader may read, and how satisfied people were, for everybody.

use onedoor_domain::actor::Actor;
use onedoor_domain::id::DivisionId;
use onedoor_domain::policy::Act;
use onedoor_domain::statistics::{BySetting, GradeFigures, LoopFigures};

use super::cases::Cases;
use super::guard;
use crate::error::AppError;

impl Cases {
    /// Grid events of a division and all below it, of those that the actor may read.
    ///
    /// # Errors
    /// FORBIDDEN or UNAUTHENTICATED by the policy, STORE_UNAVAILABLE.
    pub async fn loop_figures(
        &self,
        actor: &Actor,
        division: DivisionId,
    ) -> Result<BySetting<LoopFigures>, AppError> {
        let proof = guard::read(actor, Act::ReadCase)?;
        Ok(self.store.loop_figures(&proof, division).await?)
    }

    /// Evaluations of a division and all below it; `None`: of all.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE.
    pub async fn satisfaction(
        &self,
        actor: &Actor,
        division: Option<DivisionId>,
    ) -> Result<BySetting<GradeFigures>, AppError> {
        let allowed = guard::allow(actor, Act::ReadStatistics)?;
        Ok(self.store.grade_figures(allowed, division).await?)
    }
}
