//! A division (区划) as GraphQL shows it.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use onedoor_domain::division as domain;
use onedoor_domain::id::DivisionId;
use onedoor_domain::page::{Direction as DomainDirection, PageArgs};

use super::figures::{self, LoopClosure};
use super::organization::{Organization, OrganizationFilter};
use super::scalars::{Date, DivisionCode};
use crate::graphql::paging::{Connected, connection};
use crate::graphql::reach::{catalogue, failed};
use crate::service::{divisions, organizations};

/// The level of a division or of an organization (层级).
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::Level")]
pub enum Level {
    /// 村(社区).
    Village,
    /// 乡镇(街道).
    Township,
    /// 县(区).
    County,
    /// 市.
    City,
    /// 省.
    Province,
}

/// Whether a community counts as urban or rural (城乡属性), by the configured rule.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::Setting")]
pub enum Setting {
    /// 城市社区.
    Urban,
    /// 农村社区.
    Rural,
}

/// A table of codes (代码体系); equal digits mean different places in different tables.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::CodeSystem")]
pub enum CodeSystem {
    /// 统计用区划代码, National Bureau of Statistics; the gateway's own codes.
    Statistics,
    /// 民政行政区划代码, Ministry of Civil Affairs.
    CivilAffairs,
}

/// In which direction a list runs.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "DomainDirection")]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// By what divisions are ordered.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum DivisionOrderField {
    /// By code (区划代码).
    Code,
}

/// The order of a list of divisions.
#[derive(InputObject, Debug, Clone, Copy)]
pub struct DivisionOrder {
    /// By what.
    #[graphql(name = "field")]
    pub(crate) _field: DivisionOrderField,
    /// In which direction.
    pub(crate) direction: Direction,
}

/// Which divisions a list has; what is left out does not restrict.
#[derive(InputObject, Debug, Clone, Default)]
pub struct DivisionFilter {
    /// Only of this level (层级).
    pub(crate) level: Option<Level>,
    /// Only directly below this one (上级区划).
    pub(crate) parent: Option<DivisionCode>,
    /// Only urban or only rural (城乡属性).
    pub(crate) setting: Option<Setting>,
    /// Only those that statistics count, or only the others.
    pub(crate) counted: Option<bool>,
    /// Only those whose name contains this text, 1 to 60 characters.
    pub(crate) name_contains: Option<String>,
}

/// A code that names or named a division.
#[derive(SimpleObject)]
pub struct DivisionCodeEntry {
    /// The table it stands in.
    system: CodeSystem,
    /// The digits.
    code: String,
    /// The division's name under this code.
    name: String,
    /// First day on which it was valid.
    valid_from: Date,
    /// Last day; null: still valid.
    valid_to: Option<Date>,
}

/// A division (区划): city, county, township, village or community.
pub struct Division(domain::Division);

impl From<domain::Division> for Division {
    fn from(division: domain::Division) -> Self {
        Self(division)
    }
}

impl Division {
    /// A division by key; `None`: there is none.
    #[expect(clippy::unused_async, reason = "callers compose it with look-ups that wait")]
    pub(crate) async fn find(ctx: &Context<'_>, id: DivisionId) -> Result<Option<Self>> {
        Ok(catalogue(ctx)?
            .directories
            .current()
            .division(id)
            .cloned()
            .map(Self))
    }
}

/// A division (区划): city, county, township, village or community.
#[Object]
impl Division {
    /// Opaque id.
    pub async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// Statistical code (统计用区划代码), 12 digits.
    async fn code(&self) -> DivisionCode {
        DivisionCode(self.0.code.clone())
    }

    /// Name (名称), in Chinese as the law has it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Level (层级).
    async fn level(&self) -> Level {
        self.0.level.into()
    }

    /// Kind as in the statistics: prefecture_city, district, street, town, residents_committee …
    async fn kind(&self) -> &str {
        &self.0.kind
    }

    /// Urban or rural (城乡属性); null above village level and for units without a committee.
    async fn setting(&self) -> Option<Setting> {
        self.0.setting.map(Into::into)
    }

    /// Whether statistics count it.
    async fn counted(&self) -> bool {
        self.0.counted
    }

    /// The division above (上级区划); null for the city.
    async fn parent(&self, ctx: &Context<'_>) -> Option<Result<Division>> {
        Self::find(ctx, self.0.parent?).await.transpose()
    }

    /// Last day (撤销日期), for a division that is no more; null: it lives.
    async fn valid_to(&self, ctx: &Context<'_>) -> Result<Option<Date>> {
        let end = catalogue(ctx)?.directories.current().end_of(self.0.id);
        Ok(end.map(|end| Date(end.last_day)))
    }

    /// The division that took over from one that is no more (承接区划); null while it lives, and when nobody did.
    async fn successor(&self, ctx: &Context<'_>) -> Option<Result<Division>> {
        let directory = catalogue(ctx).ok()?.directories.current();
        let successor = directory.end_of(self.0.id)?.successor?;
        Self::find(ctx, successor).await.transpose()
    }

    /// The divisions above, nearest first; of one that was succeeded, its successor and what stands above that.
    async fn ancestors(&self, ctx: &Context<'_>) -> Result<Vec<Division>> {
        let directory = catalogue(ctx)?.directories.current();
        Ok(directory
            .ancestors(self.0.id)
            .into_iter()
            .cloned()
            .map(Self)
            .collect())
    }

    /// The divisions directly below (下级区划), by code.
    async fn children(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<Result<Connected<Division>>> {
        let filter = divisions::DivisionFilter {
            parent: Some(self.0.id),
            ..divisions::DivisionFilter::default()
        };
        Some(
            page(
                ctx,
                filter,
                &PageArgs {
                    first,
                    last,
                    after,
                    before,
                },
            )
            .await,
        )
    }

    /// The organizations (单位) that serve exactly this division, by code.
    #[expect(
        clippy::too_many_arguments,
        reason = "Relay's four page arguments and the filter"
    )]
    async fn organizations(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        filter: Option<OrganizationFilter>,
    ) -> Option<Result<Connected<Organization>>> {
        let args = PageArgs {
            first,
            last,
            after,
            before,
        };
        Some(self.served_by(ctx, filter.unwrap_or_default(), &args).await)
    }

    /// The closed loops of grid events (网格事件闭环) here and below, of those that the viewer may read. Only with a token.
    async fn loop_closure(&self, ctx: &Context<'_>) -> Option<Result<LoopClosure>> {
        Some(figures::loop_closure(ctx, self.0.id).await)
    }

    /// Its codes in all tables (代码对照), the newest first.
    async fn codes(&self, ctx: &Context<'_>) -> Option<Result<Vec<DivisionCodeEntry>>> {
        Some(codes(ctx, self.0.id).await)
    }
}

impl Division {
    async fn served_by(
        &self,
        ctx: &Context<'_>,
        filter: OrganizationFilter,
        args: &PageArgs,
    ) -> Result<Connected<Organization>> {
        let filter = filter.parse(ctx)?;
        let here = organizations::OrganizationFilter {
            division: Some(self.0.id),
            ..filter
        };
        super::organization::page(ctx, here, args).await
    }
}

/// One page of divisions.
pub(crate) async fn page(
    ctx: &Context<'_>,
    filter: divisions::DivisionFilter,
    args: &PageArgs,
) -> Result<Connected<Division>> {
    let found = divisions::page(catalogue(ctx)?, filter, args).await;
    let page = Arc::unwrap_or_clone(found.map_err(|error| failed(ctx, error))?);
    let total = page.total;
    Ok(connection(page, total, Division))
}

async fn codes(ctx: &Context<'_>, id: DivisionId) -> Result<Vec<DivisionCodeEntry>> {
    let found = divisions::codes(catalogue(ctx)?, id)
        .await
        .map_err(|error| failed(ctx, error))?;
    let entry = |code: &domain::DivisionCode| DivisionCodeEntry {
        system: code.system.into(),
        code: code.code.clone(),
        name: code.name.clone(),
        valid_from: Date(code.valid_from),
        valid_to: code.valid_to.map(Date),
    };
    Ok(found.iter().map(entry).collect())
}
