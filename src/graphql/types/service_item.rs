//! A service item (事项) as GraphQL shows it.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use onedoor_domain::directory::{ResolveError, StepHolder};
use onedoor_domain::id::ItemVersionId;
use onedoor_domain::item as domain;
use onedoor_domain::limit as domain_limit;
use onedoor_domain::route as domain_route;

use super::admission::Admission;
use super::case_enums::HandoffKind;
use super::division::{Direction, Level};
use super::organization::{Language, Organization, chosen, known_division};
use super::scalars::{DivisionCode, Json};
use crate::error::{AppError, ErrorCode, Language as TextLanguage};
use crate::graphql::reach::{catalogue as services, failed};
use crate::service::catalogue;

/// Type of item (事项类型, GB/T 39046 annex A).
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::ItemType")]
pub enum ItemType {
    /// 01 行政许可.
    License,
    /// 05 行政给付.
    Benefit,
    /// 07 行政确认.
    Confirmation,
    /// 08 行政奖励.
    Award,
    /// 09 行政裁决.
    Adjudication,
    /// 10 其他行政权力.
    OtherPower,
    /// 20 公共服务.
    PublicService,
}

/// How an item is processed (办件类型).
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::ProcessingType")]
pub enum ProcessingType {
    /// 即办件: accepted and decided on the spot by one organization.
    Immediate,
    /// 承诺件: decided within a promised limit.
    Commitment,
}

/// An application, or an event reported from a grid cell.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::CaseKind")]
pub enum CaseKind {
    /// 办件: an application.
    Case,
    /// 网格事件: an event reported from a grid cell.
    Grid,
}

/// Who can apply (服务对象).
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::ApplicantKind")]
pub enum ApplicantKind {
    /// 自然人.
    Person,
    /// 法人或其他组织.
    Organization,
    /// Either.
    Both,
}

/// In what form a material is asked for (材料形式).
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::MaterialForm")]
pub enum MaterialForm {
    /// 原件: the original is kept.
    Original,
    /// 原件核验: the original is shown and given back.
    OriginalCheck,
    /// 复印件: a copy.
    Copy,
    /// Made from the form; never demanded.
    Generated,
}

/// How a figure of the catalogue is known.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::Basis")]
pub enum Basis {
    /// Read in a public page.
    Sourced,
    /// The law's default for a permit without its own limit.
    LawDefault,
    /// A named rule that was not checked.
    LawUnverified,
    /// Invented for the demonstration; to be replaced from the official implementation list (实施清单).
    Placeholder,
}

/// The unit in which a limit counts.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain_limit::LimitUnit")]
pub enum LimitUnit {
    /// 工作日.
    WorkingDay,
    /// 自然日.
    CalendarDay,
    /// 月.
    Month,
    /// 小时.
    Hour,
    /// 即办: before the same day ends.
    OnTheSpot,
}

/// How a step counts towards the limits.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain_route::StepClock")]
pub enum StepClock {
    /// Counts towards promise and statutory limit.
    Counted,
    /// Before acceptance, with its own limit.
    PreAcceptance,
    /// Not counted: a special procedure (特别程序) between acceptance and decision, elsewhere a plain step.
    Excluded,
}

/// Who names the organization of a step.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain_route::Assignment")]
pub enum Assignment {
    /// The role, in the division of the case or above it.
    ByRole,
    /// The person who hands off.
    Chosen,
    /// Nobody: one fixed organization outside the city.
    External,
}

/// A limit (时限): a number and its unit.
#[derive(SimpleObject, Debug, Clone, Copy)]
pub struct Limit {
    /// How many units.
    value: i32,
    /// The unit.
    unit: LimitUnit,
}

impl From<domain_limit::Limit> for Limit {
    fn from(limit: domain_limit::Limit) -> Self {
        Self {
            value: i32::try_from(limit.value).unwrap_or(i32::MAX),
            unit: limit.unit.into(),
        }
    }
}

/// A limit (时限) to count with.
#[derive(InputObject, Debug, Clone, Copy)]
pub struct LimitInput {
    /// How many units; 0 or more.
    pub(crate) value: i32,
    /// The unit.
    pub(crate) unit: LimitUnit,
}

impl LimitInput {
    /// The limit; `None`: the number is negative.
    pub(crate) fn limit(self) -> Option<domain_limit::Limit> {
        Some(domain_limit::Limit {
            value: u32::try_from(self.value).ok()?,
            unit: self.unit.into(),
        })
    }
}

/// By what service items are ordered.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceItemOrderField {
    /// By code.
    Code,
}

/// The order of a list of service items.
#[derive(InputObject, Debug, Clone, Copy)]
pub struct ServiceItemOrder {
    /// By what.
    #[graphql(name = "field")]
    pub(crate) _field: ServiceItemOrderField,
    /// In which direction.
    pub(crate) direction: Direction,
}

/// Which service items a list has; what is left out does not restrict.
#[derive(InputObject, Debug, Clone, Default)]
pub struct ServiceItemFilter {
    /// Only of this type (事项类型).
    pub(crate) item_type: Option<ItemType>,
    /// Only processed so (办件类型).
    pub(crate) processing_type: Option<ProcessingType>,
    /// Only those that this kind of applicant can apply for (服务对象).
    pub(crate) applicant: Option<ApplicantKind>,
    /// Only those whose route has a step of this role.
    pub(crate) role: Option<String>,
    /// Only those whose Chinese or English name contains this text, 1 to 60 characters.
    pub(crate) name_contains: Option<String>,
}

/// A service item (事项) in one published version.
pub struct ServiceItem(Arc<domain::ItemVersion>);

impl From<Arc<domain::ItemVersion>> for ServiceItem {
    fn from(item: Arc<domain::ItemVersion>) -> Self {
        Self(item)
    }
}

impl ServiceItem {
    /// A version by key, published now or before; `None`: there is none.
    pub(crate) async fn find(ctx: &Context<'_>, id: ItemVersionId) -> Result<Option<Self>> {
        let found = catalogue::version(services(ctx)?, id).await;
        Ok(found.map_err(|error| failed(ctx, error))?.map(Self))
    }
}

/// A service item (事项) in one published version. A case pins its version; versions never change.
#[Object]
impl ServiceItem {
    /// Opaque id of this version.
    pub async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// Code of the item, the same for all its versions, for example pension-enroll.
    async fn code(&self) -> &str {
        &self.0.code
    }

    /// Number of the version, from 1.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Name (名称), in the language asked for, else in that of the request.
    async fn name(&self, ctx: &Context<'_>, language: Option<Language>) -> &str {
        match chosen(ctx, language) {
            TextLanguage::Zh => &self.0.name_zh,
            TextLanguage::En => &self.0.name_en,
        }
    }

    /// Type (事项类型).
    async fn item_type(&self) -> ItemType {
        self.0.item_type.into()
    }

    /// How it is processed (办件类型).
    async fn processing_type(&self) -> ProcessingType {
        self.0.processing.into()
    }

    /// Application or grid event.
    async fn case_kind(&self) -> CaseKind {
        self.0.case_kind.into()
    }

    /// Who can apply (服务对象).
    async fn applicant(&self) -> ApplicantKind {
        self.0.applicant.into()
    }

    /// Basic code (基本编码), 12 characters, where the catalogue has one.
    async fn catalog_code(&self) -> Option<&str> {
        self.0.catalog_code.as_deref()
    }

    /// The city's agency in this line of work (业务主管部门); null where none is named.
    async fn line_agency(&self, ctx: &Context<'_>) -> Option<Result<Organization>> {
        let code = self.0.line_agency.as_deref()?;
        match services(ctx) {
            Ok(services) => services
                .directories
                .current()
                .organization_by_code(code)
                .cloned()
                .map(|found| Ok(found.into())),
            Err(error) => Some(Err(error)),
        }
    }

    /// Statutory limit (法定时限).
    async fn statutory_limit(&self) -> Limit {
        self.0.statutory.into()
    }

    /// How the statutory limit is known.
    async fn statutory_basis(&self) -> Basis {
        self.0.statutory_basis.into()
    }

    /// Promised limit (承诺时限).
    async fn promised_limit(&self) -> Limit {
        self.0.promised.into()
    }

    /// How the promised limit is known.
    async fn promised_basis(&self) -> Basis {
        self.0.promised_basis.into()
    }

    /// Materials (材料) that an application needs.
    async fn materials(&self) -> Vec<Material> {
        self.0.materials.iter().cloned().map(Material).collect()
    }

    /// The form (表单), JSON Schema 2020-12 with title, x-title-en, x-pii, x-check, x-ref.
    async fn form(&self) -> Json {
        Json(self.0.form.clone())
    }

    /// Entries of the admission lists (准入清单) for this item: whether it may be given to the village level beside its
    /// route.
    async fn admissions(&self, ctx: &Context<'_>) -> Option<Result<Vec<Admission>>> {
        let listed = |entry: &&onedoor_domain::admission::Admission| entry.item_code == self.0.code;
        let found = services(ctx).map(|services| {
            let directory = services.directories.current();
            directory
                .admissions()
                .iter()
                .filter(listed)
                .map(Admission::from)
                .collect()
        });
        Some(found)
    }

    /// The route (流程): steps in order.
    async fn route(&self) -> Vec<RouteStep> {
        steps(&self.0.route)
    }

    /// The route with the organizations it means for a division (区划).
    async fn route_for(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The division (区划) of the case.")] division: DivisionCode,
    ) -> Option<Result<Vec<ResolvedStep>>> {
        Some(resolve(ctx, &self.0.route, &division))
    }
}

/// A material (材料) of a service item.
pub struct Material(domain::Material);

/// A material (材料) of a service item.
#[Object]
impl Material {
    /// Code, unique within the item.
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

    /// In what form it is asked for.
    async fn form(&self) -> MaterialForm {
        self.0.form.into()
    }

    /// Whether the application is incomplete without it.
    async fn required(&self) -> bool {
        self.0.required
    }

    /// Whether it may be owed (容缺受理).
    async fn defer_allowed(&self) -> bool {
        self.0.defer_allowed
    }

    /// Whether it can be had from shared data (数据共享).
    async fn from_shared_data(&self) -> bool {
        self.0.from_shared_data
    }

    /// Action of the route step that brings it; null: the applicant brings it.
    async fn produced_by(&self) -> Option<&str> {
        self.0.produced_by.as_deref()
    }
}

/// A step of a route (流程环节).
#[derive(SimpleObject)]
pub struct RouteStep {
    /// Its place in the route, from 0.
    index: i32,
    /// Role that acts, for example township.service-center.
    role: String,
    /// Level of the role (层级).
    level: Level,
    /// What is done, for example ACCEPT_AND_REVIEW.
    action: String,
    /// The unit in the words of the guide (办理单位).
    unit: String,
    /// The step's own limit; null: none is given.
    limit: Option<Limit>,
    /// Shortest time it may take, for example of a publicity (公示).
    at_least: Option<Limit>,
    /// How it counts towards the limits.
    clock: StepClock,
    /// Whether its organization accepts (受理).
    accepts: bool,
    /// Whether its organization decides (决定).
    decides: bool,
    /// Kind of handoff (移交) that carries the case into it.
    handoff: HandoffKind,
    /// Steps of one group run in parallel (联审).
    parallel_group: Option<String>,
    /// Who names its organization.
    assignment: Assignment,
}

fn steps(route: &[domain_route::Step]) -> Vec<RouteStep> {
    route
        .iter()
        .enumerate()
        .map(|(index, step)| route_step(index, step))
        .collect()
}

fn route_step(index: usize, step: &domain_route::Step) -> RouteStep {
    RouteStep {
        index: i32::try_from(index).unwrap_or(i32::MAX),
        role: step.role.clone(),
        level: step.level.into(),
        action: step.action.clone(),
        unit: step.unit.clone(),
        limit: step.limit.map(Into::into),
        at_least: step.at_least.map(Into::into),
        clock: step.clock.into(),
        accepts: step.accepts,
        decides: step.decides,
        handoff: step.handoff.into(),
        parallel_group: step.parallel_group.clone(),
        assignment: step.assignment.into(),
    }
}

/// A step of a route and who acts in it for one division.
#[derive(SimpleObject)]
pub struct ResolvedStep {
    /// The step.
    step: RouteStep,
    /// Who acts; null while it is to be chosen, and for an intake that the division has nobody for.
    organization: Option<Organization>,
    /// Of whom one is to be chosen; empty unless the step is CHOSEN.
    candidates: Vec<Organization>,
}

fn resolve(
    ctx: &Context<'_>,
    route: &[domain_route::Step],
    division: &DivisionCode,
) -> Result<Vec<ResolvedStep>> {
    let place = known_division(ctx, division)?;
    let directory = services(ctx)?.directories.current();
    let named = |id| directory.organization(id).cloned().map(Organization::from);
    let resolved = directory
        .resolve(route, place.id)
        .map_err(|error| failed(ctx, unresolved(error)))?;
    let step = |resolved: &onedoor_domain::directory::ResolvedStep<'_>| ResolvedStep {
        step: route_step(resolved.index, resolved.step),
        organization: resolved.organization().and_then(named),
        candidates: match &resolved.who {
            StepHolder::Chosen(candidates) => candidates.iter().copied().filter_map(named).collect(),
            StepHolder::Organization(_) | StepHolder::Intake => Vec::new(),
        },
    };
    Ok(resolved.iter().map(step).collect())
}

fn unresolved(error: ResolveError) -> AppError {
    AppError::of(ErrorCode::BadUserInput)
        .detail(
            "此事项在该区划没有办理单位, 请选择有工作站的村(社区)。",
            "Nobody handles this item for that division; choose a village or community with a station.",
        )
        .because(error)
}
