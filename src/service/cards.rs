//! The supervisors' list of cards: late clocks made visible, over all cases that a reader may read.

use std::collections::BTreeMap;
use std::sync::Arc;

use onedoor_domain::actor::Actor;
use onedoor_domain::card::Card;
use onedoor_domain::id::CaseId;
use onedoor_domain::page::{Page, PageRequest};
use onedoor_domain::policy::Act;

use super::cases::Cases;
use super::reading::CaseView;
use crate::error::AppError;
pub use crate::store::card_list::{CARDS_BY_RAISED, CardEntry, CardFilter};

impl Cases {
    /// A page of cards with their cases, the last raised first.
    ///
    /// # Errors
    /// FORBIDDEN or UNAUTHENTICATED by the policy, STORE_UNAVAILABLE.
    pub async fn list_cards(
        &self,
        actor: &Actor,
        filter: &CardFilter,
        page: &PageRequest,
    ) -> Result<Page<(Arc<CaseView>, Card)>, AppError> {
        let proof = self.may_read(actor, Act::ReadCards)?;
        let page = self.store.list_cards(&proof, filter, page).await?;
        let mut ids: Vec<CaseId> = page.edges.iter().map(|edge| edge.node.case).collect();
        ids.sort_unstable();
        ids.dedup();
        let loaded = self.store.load_cases(&ids).await?;
        let views = self.views(actor, Act::ReadCards, loaded).await?;
        let views: BTreeMap<CaseId, Arc<CaseView>> =
            views.into_iter().map(|(id, view)| (id, Arc::new(view))).collect();
        Ok(page.filter_map(|entry: CardEntry| {
            let view = views.get(&entry.case)?;
            let card = view.case.cards.iter().find(|card| card.id == entry.card)?;
            Some((Arc::clone(view), card.clone()))
        }))
    }

    /// How many cards the list has.
    ///
    /// # Errors
    /// As [`Cases::list_cards`].
    pub async fn count_cards(&self, actor: &Actor, filter: &CardFilter) -> Result<u64, AppError> {
        let proof = self.may_read(actor, Act::ReadCards)?;
        Ok(self.store.count_cards(&proof, filter).await?)
    }
}
