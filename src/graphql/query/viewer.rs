//! Who asks, what time it is, and the things behind opaque ids.

use async_graphql::{Context, ID, Interface, Object, Result};
use chrono::{DateTime, Utc};
use onedoor_domain::id::{CaseId, DivisionId, ItemVersionId, KioskId, OrganizationId};
use onedoor_domain::page::PageArgs;

use crate::error::{AppError, ErrorCode};
use crate::graphql::paging::{Connected, connection, page_request};
use crate::graphql::reach::{cases, failed, request, services};
use crate::graphql::types::case::Case;
use crate::graphql::types::case_enums::ActorKind;
use crate::graphql::types::division::Division;
use crate::graphql::types::draft::Draft;
use crate::graphql::types::kiosk::{Kiosk, kiosks};
use crate::graphql::types::organization::Organization;
use crate::graphql::types::service_item::ServiceItem;
use crate::service::reading::DRAFTS_BY_SAVED;

/// Most ids of one `nodes`.
const NODES_MAX: usize = 100;

/// Who asks.
pub struct Viewer;

/// Who asks.
#[Object]
impl Viewer {
    /// Kind of actor, by the token.
    async fn kind(&self, ctx: &Context<'_>) -> Result<ActorKind> {
        Ok(request(ctx)?.actor.kind.into())
    }

    /// Subject of the token; null without one.
    async fn subject(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        let actor = &request(ctx)?.actor;
        Ok((!actor.subject.is_empty()).then(|| actor.subject.clone()))
    }

    /// The organization the viewer works for; a kiosk: its station.
    async fn organization(&self, ctx: &Context<'_>) -> Option<Result<Organization>> {
        crate::graphql::types::case::organization(ctx, request(ctx).ok()?.actor.organization).await
    }

    /// The division the viewer oversees or stands in.
    async fn division(&self, ctx: &Context<'_>) -> Option<Result<Division>> {
        Division::find(ctx, request(ctx).ok()?.actor.division?)
            .await
            .transpose()
    }

    /// The clock of the gateway; compare it with your own before you print a time.
    async fn server_time(&self, ctx: &Context<'_>) -> Result<DateTime<Utc>> {
        Ok(services(ctx)?.clock.now())
    }

    /// The viewer's unfinished applications, the last saved first.
    async fn drafts(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<Result<Connected<Draft>>> {
        let args = PageArgs {
            first,
            last,
            after,
            before,
        };
        Some(drafts(ctx, &args).await)
    }
}

async fn drafts(ctx: &Context<'_>, args: &PageArgs) -> Result<Connected<Draft>> {
    let page = page_request(ctx, args, DRAFTS_BY_SAVED, 2)?;
    let found = cases(ctx)?.list_drafts(&request(ctx)?.actor, &page).await;
    Ok(connection(
        found.map_err(|error| failed(ctx, error))?,
        None,
        Draft::of,
    ))
}

/// A thing behind an opaque id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Opaque key."))]
pub(crate) enum Node {
    /// A case the viewer may read.
    Case(Case),
    /// A division.
    Division(Division),
    /// An organization.
    Organization(Organization),
    /// A version of a service item.
    ServiceItem(ServiceItem),
    /// A kiosk, for its administrator.
    Kiosk(Kiosk),
}

/// Who asks, and things by opaque id.
#[derive(Default)]
pub struct ViewerQueries;

/// Who asks, and things by opaque id.
#[Object]
impl ViewerQueries {
    /// Who asks, and what time it is here.
    async fn viewer(&self) -> Viewer {
        Viewer
    }

    /// The thing behind an opaque id; null when there is none, or it is not for the viewer to see.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its opaque id.")] id: ID,
    ) -> Option<Result<Node>> {
        find(ctx, &id).await.transpose()
    }

    /// The things behind up to 100 opaque ids, in their order; null where there is none, or it is not for the viewer
    /// to see.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Their opaque ids, at most 100.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        if ids.len() > NODES_MAX {
            let error = AppError::of(ErrorCode::BadUserInput)
                .detail("一次最多查询 100 个编号。", "Ask for at most 100 ids at once.");
            return Err(failed(ctx, error));
        }
        // cases are read together; everything else is known without asking the database
        let wanted: Vec<CaseId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
        let mut views = read_cases(ctx, &wanted).await?.into_iter();
        let mut found = Vec::with_capacity(ids.len());
        for id in &ids {
            found.push(match id.parse::<CaseId>() {
                Ok(_) => views.next().flatten(),
                Err(_) => find(ctx, id).await?,
            });
        }
        Ok(found)
    }
}

/// The cases of some ids, in their order.
async fn read_cases(ctx: &Context<'_>, ids: &[CaseId]) -> Result<Vec<Option<Node>>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    // who may read no case at all sees none here: an id tells nothing
    match cases(ctx)?.read_cases(&request(ctx)?.actor, ids).await {
        Ok(views) => Ok(views
            .into_iter()
            .map(|view| Some(Node::Case(Case::of(view?))))
            .collect()),
        Err(error) if matches!(error.code, ErrorCode::Forbidden | ErrorCode::Unauthenticated) => {
            Ok(ids.iter().map(|_| None).collect())
        }
        Err(error) => Err(failed(ctx, error)),
    }
}

/// Each kind of thing is found, and authorized, by its own way.
async fn find(ctx: &Context<'_>, id: &ID) -> Result<Option<Node>> {
    if let Ok(case) = id.parse::<CaseId>() {
        return Ok(read_cases(ctx, &[case]).await?.pop().flatten());
    }
    if let Ok(division) = id.parse::<DivisionId>() {
        return Ok(Division::find(ctx, division).await?.map(Node::Division));
    }
    if let Ok(organization) = id.parse::<OrganizationId>() {
        return Ok(Organization::find(ctx, organization)
            .await?
            .map(Node::Organization));
    }
    if let Ok(version) = id.parse::<ItemVersionId>() {
        return Ok(ServiceItem::find(ctx, version).await?.map(Node::ServiceItem));
    }
    if let Ok(kiosk) = id.parse::<KioskId>() {
        let kiosks = kiosks(ctx)?;
        let found = kiosks.find(&request(ctx)?.actor, kiosk).await;
        let found = found.map_err(|error| failed(ctx, error))?;
        return Ok(found.map(|kiosk| Node::Kiosk(Kiosk::of(kiosk, kiosks))));
    }
    Ok(None)
}
