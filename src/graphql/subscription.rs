//! What can be followed: changes of a case, changes on a desk. A hint wakes, the database tells.

use std::sync::Arc;

use async_graphql::{Context, ID, Result, SimpleObject, Subscription};
use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt as _, stream};
use onedoor_domain::actor::{Actor, ActorKind};
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
        #[graphql(desc = "Opaque key of the case.")] id: ID,
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
        // a gap may have held a change of this case: it is read again
        let later = heard(following, move |change| change.case == id)
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
        #[graphql(desc = "Opaque key of the organization; left out: the viewer's own, for supervision all.")]
        organization: Option<ID>,
    ) -> Result<impl Stream<Item = Result<HandoffsChange>> + 'static> {
        let (cases, actor) = (Arc::clone(cases(ctx)?), Arc::clone(&request(ctx)?.actor));
        guard::allow(&actor, Act::ReadHandoffs).map_err(|error| failed(ctx, error))?;
        let desk = match organization {
            Some(organization) => Some(reach::id::<OrganizationId>(ctx, &organization)?),
            None => actor.organization,
        };
        let language = reach::language(ctx);
        let directory = reach::services(ctx)?.directories.current();
        let subtree = actor.division.filter(|_| actor.kind == ActorKind::Supervisor);
        let concerns = move |change: &CaseChanged| {
            desk.is_none_or(|desk| change.organizations.contains(&desk))
                && subtree.is_none_or(|subtree| directory.is_within(change.division, subtree))
        };
        let read = heard(cases.follow(), concerns).then(move |heard| {
            let (cases, actor) = (Arc::clone(&cases), Arc::clone(&actor));
            async move {
                match heard {
                    Heard::Change(change) => {
                        let case = reread(cases, actor, change.case).await?;
                        // a change the viewer may not see did not happen for the viewer
                        Ok(case.map(|case| HandoffsChange { case, at: change.at }))
                    }
                    Heard::Missed => Err(missed()),
                }
            }
        });
        Ok(read.filter_map(move |read| {
            std::future::ready(match read {
                Ok(Some(change)) => Some(Ok(change)),
                Ok(None) => None,
                Err(error) => Some(Err(super::mask::field_error(error, language))),
            })
        }))
    }
}

/// What a desk hears after it fell behind: its list is to be read again, the subscription goes on.
fn missed() -> AppError {
    AppError::of(ErrorCode::Overloaded).detail(
        "变更过多，部分通知未能送达，请重新查询列表。",
        "Changes came too fast and some were missed; read the list again.",
    )
}

async fn reread(
    cases: Arc<Cases>,
    actor: Arc<Actor>,
    id: CaseId,
) -> std::result::Result<Option<Case>, AppError> {
    Ok(cases.read_case(&actor, id).await?.map(Case::of))
}

/// What a follower hears.
enum Heard {
    /// This changed.
    Change(Arc<CaseChanged>),
    /// Changes were missed, because the follower fell behind.
    Missed,
}

/// Changes that fit, and gaps.
fn heard(
    following: Following,
    fits: impl Fn(&CaseChanged) -> bool + Send + 'static,
) -> impl Stream<Item = Heard> {
    let received = stream::unfold(following, |mut following| async move {
        match following.recv().await {
            Ok(change) => Some((Heard::Change(change), following)),
            Err(RecvError::Lagged(_)) => Some((Heard::Missed, following)),
            Err(RecvError::Closed) => None,
        }
    });
    received.filter(move |heard| {
        std::future::ready(match heard {
            Heard::Change(change) => fits(change),
            Heard::Missed => true,
        })
    })
}
