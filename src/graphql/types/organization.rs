//! An organization (单位) as GraphQL shows it.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use onedoor_domain::id::OrganizationId;
use onedoor_domain::organization as domain;
use onedoor_domain::page::PageArgs;

use super::division::{Direction, Division, Level};
use super::scalars::DivisionCode;
use crate::error::{AppError, ErrorCode, Language as TextLanguage};
use crate::graphql::paging::{Connected, connection};
use crate::graphql::reach::{catalogue, failed, language};
use crate::service::{divisions, organizations};

/// A language of names and texts.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "TextLanguage")]
pub enum Language {
    /// 中文.
    Zh,
    /// English.
    En,
}

/// The kind of an organization (单位类别).
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::OrganizationKind")]
pub enum OrganizationKind {
    /// 职能部门: a department of a government.
    Department,
    /// 便民服务中心, 政务服务中心: a service center.
    ServiceCenter,
    /// 为民服务全程代理工作站: a community agent station.
    Station,
    /// 村(居)民委员会: a residents' or villagers' committee.
    Committee,
    /// 网格: a grid cell.
    Grid,
    /// 乡镇人民政府, 街道办事处.
    Government,
    /// 事业单位: a public institution.
    Institution,
    /// 社会组织: a social organization.
    SocialOrganization,
    /// 党群机关: a party organ or people's organization.
    Party,
    /// 物业企业: a property company.
    PropertyCompany,
    /// An organization outside the city.
    External,
}

/// By what organizations are ordered.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrganizationOrderField {
    /// By code.
    Code,
}

/// The order of a list of organizations.
#[derive(InputObject, Debug, Clone, Copy)]
pub struct OrganizationOrder {
    /// By what.
    #[graphql(name = "field")]
    pub(crate) _field: OrganizationOrderField,
    /// In which direction.
    pub(crate) direction: Direction,
}

/// Which organizations a list has; what is left out does not restrict.
#[derive(InputObject, Debug, Clone, Default)]
pub struct OrganizationFilter {
    /// Only of this kind (类别).
    pub(crate) kind: Option<OrganizationKind>,
    /// Only of this level (层级).
    pub(crate) level: Option<Level>,
    /// Only with this role, for example township.service-center.
    pub(crate) role: Option<String>,
    /// Only those that serve exactly this division (区划).
    pub(crate) division: Option<DivisionCode>,
    /// Only those whose Chinese name contains this text, 1 to 60 characters.
    pub(crate) name_contains: Option<String>,
}

impl OrganizationFilter {
    /// The filter as the use case takes it; an unknown division is the caller's fault.
    pub(crate) fn parse(self, ctx: &Context<'_>) -> Result<organizations::OrganizationFilter> {
        let search = self
            .name_contains
            .as_deref()
            .map(divisions::search_text)
            .transpose();
        Ok(organizations::OrganizationFilter {
            kind: self.kind.map(Into::into),
            level: self.level.map(Into::into),
            role: self.role,
            division: match self.division {
                Some(code) => Some(known_division(ctx, &code)?.id),
                None => None,
            },
            name_contains: search.map_err(|error| failed(ctx, error))?,
            ..organizations::OrganizationFilter::default()
        })
    }
}

/// The division of a code that a caller gave.
pub(crate) fn known_division(
    ctx: &Context<'_>,
    code: &DivisionCode,
) -> Result<onedoor_domain::division::Division> {
    let directory = catalogue(ctx)?.directories.current();
    directory.division_by_code(&code.0).cloned().ok_or_else(|| {
        let unknown = AppError::of(ErrorCode::BadUserInput).detail(
            "没有此区划代码, 请核对统计用区划代码。",
            "There is no division with this code; use the statistical code.",
        );
        failed(ctx, unknown)
    })
}

/// An organization (单位): one of the hands that a case passes through.
pub struct Organization(domain::Organization);

impl From<domain::Organization> for Organization {
    fn from(organization: domain::Organization) -> Self {
        Self(organization)
    }
}

impl Organization {
    /// An organization by key; `None`: there is none.
    #[expect(clippy::unused_async, reason = "callers compose it with look-ups that wait")]
    pub(crate) async fn find(ctx: &Context<'_>, id: OrganizationId) -> Result<Option<Self>> {
        Ok(catalogue(ctx)?
            .directories
            .current()
            .organization(id)
            .cloned()
            .map(Self))
    }
}

/// An organization (单位): one of the hands that a case passes through.
#[Object]
impl Organization {
    /// Opaque id.
    pub async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// Code: the division's code and the role, or the agency's own code such as BB-MCA.
    async fn code(&self) -> &str {
        &self.0.code
    }

    /// Name (名称), in the language asked for, else in that of the request.
    async fn name(&self, ctx: &Context<'_>, language: Option<Language>) -> &str {
        match chosen(ctx, language) {
            TextLanguage::Zh => &self.0.name_zh,
            TextLanguage::En => &self.0.name_en,
        }
    }

    /// Role (角色), for example township.service-center; routes name roles.
    async fn role(&self) -> &str {
        &self.0.role
    }

    /// Kind (类别).
    async fn kind(&self) -> OrganizationKind {
        self.0.kind.into()
    }

    /// Level (层级).
    async fn level(&self) -> Level {
        self.0.level.into()
    }

    /// The division (区划) it serves.
    async fn division(&self, ctx: &Context<'_>) -> Option<Result<Division>> {
        Division::find(ctx, self.0.division).await.transpose()
    }

    /// The organization that does its work now (承接单位); null while it does that itself.
    async fn successor(&self, ctx: &Context<'_>) -> Option<Result<Organization>> {
        let directory = catalogue(ctx).ok()?.directories.current();
        let living = directory.living(self.0.id);
        if living == self.0.id {
            return None;
        }
        Self::find(ctx, living).await.transpose()
    }

    /// Whether a system of its own acts for it, so that its acknowledgement is the 签收.
    async fn has_system(&self, ctx: &Context<'_>) -> Result<bool> {
        let bindings = catalogue(ctx)?.directories.bindings();
        Ok(bindings.of(&self.0).is_some())
    }
}

/// The language asked for, else that of the request.
pub(crate) fn chosen(ctx: &Context<'_>, asked: Option<Language>) -> TextLanguage {
    asked.map_or_else(|| language(ctx), Into::into)
}

/// One page of organizations.
pub(crate) async fn page(
    ctx: &Context<'_>,
    filter: organizations::OrganizationFilter,
    args: &PageArgs,
) -> Result<Connected<Organization>> {
    let found = organizations::page(catalogue(ctx)?, filter, args).await;
    let page = Arc::unwrap_or_clone(found.map_err(|error| failed(ctx, error))?);
    let total = page.total;
    Ok(connection(page, total, Organization))
}
