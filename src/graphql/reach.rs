//! What resolvers reach for: the request, the use cases, and the public form of an error.

use std::str::FromStr;
use std::sync::Arc;

use async_graphql::{Context, Error, ID};
use onedoor_domain::actor::Actor;
use onedoor_domain::policy::Act;

use crate::error::{AppError, ErrorCode, Language};
use crate::graphql::context::RequestContext;
use crate::graphql::mask::field_error;
use crate::service::cases::Cases;
use crate::service::live::LiveReads;
use crate::service::{Services, guard};

/// The request.
pub(crate) fn request<'a>(ctx: &Context<'a>) -> Result<&'a RequestContext, Error> {
    ctx.data::<RequestContext>()
}

/// The use cases and what they work with.
pub(crate) fn services<'a>(ctx: &Context<'a>) -> Result<&'a Services, Error> {
    ctx.data::<Services>()
}

/// The use cases of a case.
pub(crate) fn cases<'a>(ctx: &Context<'a>) -> Result<&'a Arc<Cases>, Error> {
    ctx.data::<Arc<Cases>>()
}

/// What upstream systems say now.
pub(crate) fn live<'a>(ctx: &Context<'a>) -> Result<&'a Arc<LiveReads>, Error> {
    ctx.data::<Arc<LiveReads>>()
}

/// The use cases, for a field that shows public reference data.
pub(crate) fn catalogue<'a>(ctx: &Context<'a>) -> Result<&'a Services, Error> {
    let allowed = match ctx.data_opt::<RequestContext>() {
        Some(request) => guard::allow(&request.actor, Act::ReadCatalogue),
        None => guard::allow(&Actor::anonymous(), Act::ReadCatalogue),
    };
    match allowed {
        Ok(_proof) => services(ctx),
        Err(denied) => Err(failed(ctx, denied)),
    }
}

/// The language of the request.
pub(crate) fn language(ctx: &Context<'_>) -> Language {
    ctx.data_opt::<RequestContext>()
        .map_or_else(Language::default, |request| request.language)
}

/// An error as this field shows it.
pub(crate) fn failed(ctx: &Context<'_>, error: AppError) -> Error {
    field_error(error, language(ctx))
}

/// Reads an opaque id of one kind; what is no such id is simply not found.
pub(crate) fn id<T: FromStr>(ctx: &Context<'_>, id: &ID) -> Result<T, Error> {
    id.parse()
        .ok()
        .ok_or_else(|| failed(ctx, AppError::of(ErrorCode::NotFound)))
}
