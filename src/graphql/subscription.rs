//! What can be followed: changes of a case, changes on a desk. A hint wakes, the database tells.

use std::sync::Arc;

use async_graphql::{Context, ID, Result, SimpleObject, Subscription};
use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt as _, stream};
use onedoor_domain::actor::Actor;
use onedoor_domain::id::{CaseId, OrganizationId};
use onedoor_domain::policy::Act;
use tokio::sync::broadcast::error::RecvError;

use super::reach::{self, cases, failed, request};
use super::types::case::Case;
use crate::error::{AppError, ErrorCode};
use crate::service::cases::Cases;
use crate::service::changes::{CaseChanged, Following};
use crate::service::guard;

/// A case on a desk changed.
#[derive(SimpleObject)]
pub struct HandoffsChange {
    /// The case, as it is now.
    case: Case,
    /// When it changed.
    at: DateTime<Utc>,
    /// Position in the feed of changes.
    cursor: String,
}

/// What can be followed.
#[derive(Default)]
pub struct Subscriptions;

/// What can be followed. After a reconnect read the state again: a subscription tells what changes from now on.
#[Subscription]
impl Subscriptions {
    /// A case, as it is now and after each change.
    async fn case_changed(
        &self,
        ctx: &Context<'_>,
        id: ID,
    ) -> Result<impl Stream<Item = Result<Case>> + 'static> {
        let id = reach::id::<CaseId>(ctx, &id)?;
        let (cases, actor) = (Arc::clone(cases(ctx)?), Arc::clone(&request(ctx)?.actor));
        let language = reach::language(ctx);
        let following = cases.follow();
        let first = cases
            .read_case(&actor, id)
            .await
            .map_err(|error| failed(ctx, error))?;
        let first = first.ok_or_else(|| failed(ctx, AppError::of(ErrorCode::NotFound)))?;
        let later = changed(following, move |change| change.case == id)
            .then(move |_| reread(Arc::clone(&cases), Arc::clone(&actor), id))
            // what is no longer visible ends the subscription without a word, as if it were gone
            .take_while(|read| std::future::ready(!matches!(read, Ok(None))))
            .filter_map(move |read| {
                std::future::ready(match read {
                    Ok(Some(case)) => Some(Ok(case)),
                    Ok(None) => None,
                    Err(error) => Some(Err(super::mask::field_error(error, language))),
                })
            });
        Ok(stream::once(std::future::ready(Ok(Case::of(first)))).chain(later))
    }

    /// Every change of a case that concerns an organization's desk; by default the viewer's own.
    async fn handoffs_changed(
        &self,
        ctx: &Context<'_>,
        organization: Option<ID>,
    ) -> Result<impl Stream<Item = Result<HandoffsChange>> + 'static> {
        let (cases, actor) = (Arc::clone(cases(ctx)?), Arc::clone(&request(ctx)?.actor));
        guard::allow(&actor, Act::ReadHandoffs).map_err(|error| failed(ctx, error))?;
        let desk = match organization {
            Some(organization) => Some(reach::id::<OrganizationId>(ctx, &organization)?),
            None => actor.organization,
        };
        let language = reach::language(ctx);
        let concerns =
            move |change: &CaseChanged| desk.is_none_or(|desk| change.organizations.contains(&desk));
        let read = changed(cases.follow(), concerns).then(move |change| {
            let (cases, actor) = (Arc::clone(&cases), Arc::clone(&actor));
            async move { (reread(cases, actor, change.case).await, change) }
        });
        Ok(read.filter_map(move |(read, change)| {
            std::future::ready(match read {
                Ok(Some(case)) => Some(Ok(HandoffsChange {
                    case,
                    at: change.at,
                    cursor: change.id.to_string(),
                })),
                // a change the viewer may not see did not happen for the viewer
                Ok(None) => None,
                Err(error) => Some(Err(super::mask::field_error(error, language))),
            })
        }))
    }
}

async fn reread(
    cases: Arc<Cases>,
    actor: Arc<Actor>,
    id: CaseId,
) -> std::result::Result<Option<Case>, AppError> {
    Ok(cases.read_case(&actor, id).await?.map(Case::of))
}

/// Changes that fit. A follower that fell behind ends: the client reconnects and reads its state again.
fn changed(
    following: Following,
    fits: impl Fn(&CaseChanged) -> bool + Send + 'static,
) -> impl Stream<Item = Arc<CaseChanged>> {
    let received = stream::unfold(following, |mut following| async move {
        match following.recv().await {
            Ok(change) => Some((change, following)),
            Err(RecvError::Lagged(_) | RecvError::Closed) => None,
        }
    });
    received.filter(move |change| std::future::ready(fits(change)))
}
