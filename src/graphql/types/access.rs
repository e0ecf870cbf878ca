//! A look at personal data (查阅记录) as GraphQL shows it.

use async_graphql::{ComplexObject, Context, Enum, ID, Result, SimpleObject};
use chrono::{DateTime, Utc};
use onedoor_domain::access::{
    AccessEntry, AccessKind as DomainKind, AccessOutcome as DomainOutcome, AccessPurpose as DomainPurpose,
    PersonalField as DomainField,
};
use onedoor_domain::id::OrganizationId;
use onedoor_domain::page::PageArgs;

use super::case::organization;
use super::case_enums::ActorKind;
use super::organization::Organization;
use crate::graphql::paging::{Connected, connection, page_request};
use crate::graphql::reach::{cases, failed, request};
use crate::service::privacy::records::{ACCESS_BY_TIME, AccessFilter, Detail};
use crate::service::reading::CaseView;

/// Why personal data is looked at (查阅目的).
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "DomainPurpose")]
pub enum AccessPurpose {
    /// 办理本件: to check what the item asks for.
    CaseHandling,
    /// 核验身份: to make sure who stands at the window.
    VerifyIdentity,
    /// 联系申请人: to reach the applicant.
    ContactApplicant,
    /// 制证送达: to write the certificate or hand over the result.
    IssueResult,
    /// 答复投诉、复议或诉讼: to answer a complaint, a review or a suit.
    AnswerComplaint,
    /// 本人查阅: applicants look at their own data; theirs alone, and their only one.
    OwnData,
    /// 其他: any other, told in words.
    Other,
}

/// What can be looked at (个人信息项).
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "DomainField")]
pub enum PersonalField {
    /// 姓名或名称: the applicant's name.
    Name,
    /// 证件号码: the applicant's identity number.
    IdNumber,
    /// 手机号码: the applicant's mobile number.
    Phone,
    /// 经办人: the person who acts for an organization.
    ContactName,
    /// 住址: addresses that the form holds.
    Address,
    /// 表单中的个人信息: all of the form that is personal.
    Form,
    /// 材料备注: remarks on the materials handed in.
    MaterialNotes,
}

/// By which act personal data was looked at.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "DomainKind")]
pub enum AccessKind {
    /// 查看: data of the case was shown, by `revealPersonalData`.
    Reveal,
    /// 检索: the case was found by the identity number, by `findCasesByApplicant`.
    LookUp,
}

/// What came of a look at personal data.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "DomainOutcome")]
pub enum AccessOutcome {
    /// 已显示: it was shown, or would have been but for a failure.
    Shown,
    /// 已拒绝: the day's budget was used up, and nothing was shown.
    Refused,
}

/// A look at personal data (查阅记录): kept before anything is shown, and never changed.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct AccessRecord {
    /// Opaque key.
    id: ID,
    /// When.
    at: DateTime<Utc>,
    /// By which act.
    kind: AccessKind,
    /// What came of it.
    outcome: AccessOutcome,
    /// Kind of actor who looked.
    actor_kind: ActorKind,
    /// A short name for the person: the same for the same person within one case, and nothing else can be told from it.
    person: String,
    /// The person's account; null for the applicant.
    subject: Option<String>,
    /// Why.
    purpose: AccessPurpose,
    /// Why, in words.
    purpose_text: Option<String>,
    /// What was asked for.
    fields: Vec<PersonalField>,
    /// The case; null for a look-up that found none.
    case_id: Option<ID>,
    /// Its number (受理编号).
    tracking_code: Option<String>,
    #[graphql(skip)]
    works_for: Option<OrganizationId>,
}

/// Who looked.
#[ComplexObject]
impl AccessRecord {
    /// The organization (单位) that the person worked for; null when it was the applicant.
    async fn organization(&self, ctx: &Context<'_>) -> Option<Result<Organization>> {
        organization(ctx, self.works_for).await
    }
}

impl AccessRecord {
    fn of(entry: AccessEntry, detail: Detail) -> Self {
        let record = entry.record;
        Self {
            id: ID(record.id.to_string()),
            at: record.at,
            kind: record.kind.into(),
            outcome: record.outcome.into(),
            actor_kind: record.actor.into(),
            person: entry.person,
            subject: match detail {
                Detail::Applicant => None,
                Detail::Oversight => Some(record.subject),
            },
            purpose: record.purpose.into(),
            purpose_text: record.purpose_text,
            fields: record.fields.into_iter().map(PersonalField::from).collect(),
            case_id: record.case.map(|case| ID(case.to_string())),
            tracking_code: entry.tracking.map(|code| code.to_string()),
            works_for: record.organization,
        }
    }
}

/// A page of the records of a case; `None`: they are not for the viewer.
pub(crate) async fn of_case(
    ctx: &Context<'_>,
    view: &CaseView,
    args: &PageArgs,
) -> Result<Option<Connected<AccessRecord>>> {
    let cases = cases(ctx)?;
    let Some(records) = cases.may_read_records(&request(ctx)?.actor, view) else {
        return Ok(None);
    };
    let page = page_request(ctx, args, ACCESS_BY_TIME, 2)?;
    let found = cases.records_of_case(&records, &page).await;
    let total = if ctx.look_ahead().field("totalCount").exists() {
        let counted = cases.count_records_of_case(&records).await;
        Some(counted.map_err(|error| failed(ctx, error))?)
    } else {
        None
    };
    let found = found.map_err(|error| failed(ctx, error))?;
    Ok(Some(connection(found, total, |entry| {
        AccessRecord::of(entry, records.detail)
    })))
}

/// A page of the records that the viewer oversees.
pub(crate) async fn search(
    ctx: &Context<'_>,
    filter: &AccessFilter,
    args: &PageArgs,
) -> Result<Connected<AccessRecord>> {
    let page = page_request(ctx, args, ACCESS_BY_TIME, 2)?;
    let (cases, actor) = (cases(ctx)?, &request(ctx)?.actor);
    let found = cases.search_records(actor, filter, &page).await;
    let found = found.map_err(|error| failed(ctx, error))?;
    let total = if ctx.look_ahead().field("totalCount").exists() {
        let counted = cases.count_records(actor, filter).await;
        Some(counted.map_err(|error| failed(ctx, error))?)
    } else {
        None
    };
    Ok(connection(found, total, |entry| {
        AccessRecord::of(entry, Detail::Oversight)
    }))
}
