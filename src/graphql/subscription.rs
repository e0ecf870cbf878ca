//! What can be followed: changes of a case, changes on a desk. A hint wakes, the database tells.

use std::sync::Arc;

use async_graphql::{Context, ID, Result, SimpleObject, Subscription};
use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt as _, stream};
use onedoor_domain::actor::ActorKind;
use onedoor_domain::id::{CaseId, OrganizationId};
use onedoor_domain::policy::Act;

use super::reach::{self, cases, failed, request};
use super::types::case::Case;
use crate::error::{AppError, ErrorCode, Language};
use crate::service::changes::{CaseChanged, Following};
use crate::service::guard;
use crate::service::news::feed_cursor;

/// A case that is followed, at first or after a change.
#[derive(SimpleObject)]
pub struct FollowedCase {
    /// The case, as it is now.
    case: Case,
    /// When it changed; of a first answer without a change, when it was read.
    at: DateTime<Utc>,
    /// Where to go on after a reconnect: the next `after`, also of `changesSince`.
    cursor: String,
}

/// A case on a desk changed.
#[derive(SimpleObject)]
pub struct HandoffsChange {
    /// The case, as it is now.
    case: Case,
    /// When it changed.
    at: DateTime<Utc>,
    /// Where to go on after a reconnect: the next `after`, also of `changesSince`.
    cursor: String,
}

/// What can be followed.
#[derive(Default)]
pub struct Subscriptions;

/// What can be followed. Nothing is lost: a follower that falls behind reads on from the database, and one that was cut
/// off goes on behind its last cursor, on any replica.
#[Subscription]
impl Subscriptions {
    /// A case, as it is now and after each change. With a cursor nothing is told until something changes behind it, and
    /// what was missed is told first.
    async fn case_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Opaque key of the case.")] id: ID,
        #[graphql(
            desc = "Go on behind this cursor; left out: the case as it is now, then each change. CURSOR_TOO_OLD: leave it out."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<FollowedCase>> + 'static> {
        let id = reach::id::<CaseId>(ctx, &id)?;
        let (cases, actor) = (Arc::clone(cases(ctx)?), Arc::clone(&request(ctx)?.actor));
        guard::allow(&actor, Act::ReadCase).map_err(|error| failed(ctx, error))?;
        let after = after.map(|text| feed_cursor(&text)).transpose();
        let after = after.map_err(|error| failed(ctx, error))?;
        let goes_on = after.is_some();
        // followed first, read next: what changes in between is told
        let following = cases.follow(after).await.map_err(|error| failed(ctx, error))?;
        let begin = following.cursor().encode();
        let first = cases
            .read_case(&actor, id)
            .await
            .map_err(|error| failed(ctx, error))?;
        let first = first.ok_or_else(|| failed(ctx, AppError::of(ErrorCode::NotFound)))?;
        let later = heard(following, move |change| change.case == id)
            .then(move |heard| {
                let (cases, actor) = (Arc::clone(&cases), Arc::clone(&actor));
                async move {
                    let Heard { change, cursor } = heard?;
                    let seen = cases.read_case(&actor, id).await?;
                    Ok(seen.map(|view| {
                        view.tells(change.at).then(|| FollowedCase {
                            case: Case::of(view),
                            at: change.at,
                            cursor,
                        })
                    }))
                }
            })
            // what is no longer visible ends the subscription without a word, as if it were gone
            .take_while(|read| std::future::ready(!matches!(read, Ok(None))))
            // a past handler hears of its own part; should the case come back, it hears on
            .map(|read| read.map(Option::flatten));
        let later = until_failure(later, reach::language(ctx));
        let first = FollowedCase {
            at: first.at,
            case: Case::of(first),
            cursor: begin,
        };
        let first = (!goes_on).then_some(Ok(first));
        Ok(stream::iter(first).chain(later))
    }

    /// Every change of a case that concerns an organization's desk; by default the viewer's own.
    async fn handoffs_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Opaque key of the organization; left out: the viewer's own, for supervision all.")]
        organization: Option<ID>,
        #[graphql(
            desc = "Go on behind this cursor; left out: from now on. CURSOR_TOO_OLD: load the lists again."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<HandoffsChange>> + 'static> {
        let (cases, actor) = (Arc::clone(cases(ctx)?), Arc::clone(&request(ctx)?.actor));
        guard::allow(&actor, Act::ReadHandoffs).map_err(|error| failed(ctx, error))?;
        let desk = match organization {
            Some(organization) => Some(reach::id::<OrganizationId>(ctx, &organization)?),
            None => actor.organization,
        };
        let directory = reach::services(ctx)?.directories.current();
        let subtree = actor.division.filter(|_| actor.kind == ActorKind::Supervisor);
        let concerns = move |change: &CaseChanged| {
            desk.is_none_or(|desk| change.organizations.contains(&desk))
                && subtree.is_none_or(|subtree| directory.is_within(change.division, subtree))
        };
        let after = after.map(|text| feed_cursor(&text)).transpose();
        let after = after.map_err(|error| failed(ctx, error))?;
        let following = cases.follow(after).await.map_err(|error| failed(ctx, error))?;
        let read = heard(following, concerns).then(move |heard| {
            let (cases, actor) = (Arc::clone(&cases), Arc::clone(&actor));
            async move {
                let Heard { change, cursor } = heard?;
                let seen = cases.read_case(&actor, change.case).await?;
                // a change the viewer may not see did not happen for the viewer
                Ok(seen
                    .filter(|view| view.tells(change.at))
                    .map(|view| HandoffsChange {
                        case: Case::of(view),
                        at: change.at,
                        cursor,
                    }))
            }
        });
        Ok(until_failure(read, reach::language(ctx)))
    }
}

/// What a follower hears: a change, and the cursor behind it.
struct Heard {
    change: CaseChanged,
    cursor: String,
}

/// Changes that fit, in order; one that falls behind reads on from the database.
fn heard(
    following: Following,
    fits: impl Fn(&CaseChanged) -> bool + Send + 'static,
) -> impl Stream<Item = std::result::Result<Heard, AppError>> {
    stream::unfold((following, fits), |(mut following, fits)| async move {
        loop {
            let heard = match following.next().await? {
                Ok(change) if !fits(&change) => continue,
                Ok(change) => Ok(Heard {
                    change,
                    cursor: following.cursor().encode(),
                }),
                Err(error) => Err(error),
            };
            return Some((heard, (following, fits)));
        }
    })
}

/// What there is to tell. A failure is told and ends the stream: whoever goes on behind the last cursor loses nothing,
/// whoever would go on here would.
fn until_failure<T>(
    read: impl Stream<Item = std::result::Result<Option<T>, AppError>>,
    language: Language,
) -> impl Stream<Item = Result<T>> {
    let told = read.flat_map(move |read| {
        stream::iter(match read {
            Ok(Some(told)) => vec![Some(Ok(told))],
            Ok(None) => Vec::new(),
            Err(error) => vec![Some(Err(super::mask::field_error(error, language))), None],
        })
    });
    told.take_while(|told| std::future::ready(told.is_some()))
        .filter_map(std::future::ready)
}
