//! Comparisons with agencies' systems (对账) as GraphQL shows them.

use async_graphql::{ComplexObject, Context, Enum, ID, Result, SimpleObject};
use chrono::{DateTime, Utc};
use onedoor_domain::id::{CaseId, ReconciliationId};
use onedoor_domain::page::PageArgs;
use onedoor_domain::reconciliation::{
    DifferenceEntry, DifferenceKind, Reconciliation as DomainReconciliation, RunCause, RunState,
};

use super::case::Case;
use super::case_enums::CaseStatus;
use super::upstream_status::UpstreamState;
use crate::error::Language;
use crate::graphql::paging::{Connected, connection, page_request};
use crate::graphql::reach::{cases, failed, language, request};
use crate::service::delivery_acts::may_see_cases;
use crate::service::reconciliations::{DIFFERENCES_BY_SEEN, DifferenceFilter};

/// Why a comparison was begun.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "RunCause")]
pub enum ReconciliationTrigger {
    /// By itself, once a night.
    Nightly,
    /// Somebody asked for it.
    OnDemand,
}

/// How a comparison stands.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "RunState")]
pub enum ReconciliationState {
    /// Asked for; it begins in a moment.
    Waiting,
    /// Under way. While the system does not answer it waits, and goes on where it was.
    Running,
    /// Every case was asked for.
    Done,
    /// Given up; `reason` says why. What it found until then stands.
    Failed,
    /// The system's protocol has no such question: nothing was compared.
    NotAskable,
}

/// What differs between a case here and at an agency's system.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "DifferenceKind")]
pub enum ReconciliationDifferenceKind {
    /// 对方无此件: it took the case over, and does not know it.
    AbsentThere,
    /// 编号不一致: it has the case under another number than the one it gave us.
    NumberDiffers,
    /// 对方已有进展: it is further than what was heard here.
    AheadThere,
    /// 对方落后: more was heard here than it says now.
    AheadHere,
    /// 状态不一致: both wait for different things, papers or a special procedure.
    StateDiffers,
    /// 结果不一致: granted on one side, denied on the other.
    OutcomeDiffers,
    /// 对方已停止办理: it stopped work or gave the case back, and that was not heard.
    WithdrawnThere,
    /// 本方已结、对方仍在办: the case ended here before its time, and it still works on it.
    OpenThereClosedHere,
}

/// A comparison (对账) of all open cases with what one agency's system says of them. It changes nothing.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Reconciliation {
    /// Opaque key.
    id: ID,
    /// Name of the system.
    upstream: String,
    /// Why it was begun.
    trigger: ReconciliationTrigger,
    /// How it stands.
    state: ReconciliationState,
    /// Why it failed, as a code; null when it did not.
    reason: Option<String>,
    /// When it was asked for, or due.
    requested_at: DateTime<Utc>,
    /// When it was begun.
    started_at: Option<DateTime<Utc>>,
    /// When it ended.
    ended_at: Option<DateTime<Utc>>,
    /// Cases asked for so far, of all offices.
    checked: i32,
    /// How many of these differ.
    differing: i32,
    /// How many of these had no answer that could be read; what was known of them before stands.
    unanswered: i32,
    /// How many of these had something on its way between the two sides, so that nothing was said.
    unsettled: i32,
    /// Differences found before that are gone.
    resolved: i32,
    #[graphql(skip)]
    key: ReconciliationId,
}

/// What it found.
#[ComplexObject]
impl Reconciliation {
    /// The differences that stood at that time on cases which the viewer's office handed over, or of its divisions; the
    /// first found last first.
    async fn differences(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<Result<Connected<ReconciliationDifference>>> {
        let args = PageArgs {
            first,
            last,
            after,
            before,
        };
        let filter = DifferenceFilter {
            run: Some(self.key),
            ..DifferenceFilter::default()
        };
        Some(differences(ctx, &filter, &args).await)
    }
}

impl Reconciliation {
    pub(crate) fn of(run: DomainReconciliation) -> Self {
        let small = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
        Self {
            id: ID(run.id.to_string()),
            key: run.id,
            upstream: run.upstream,
            trigger: run.cause.into(),
            state: run.state.into(),
            reason: run.reason,
            requested_at: run.requested_at,
            started_at: run.started_at,
            ended_at: run.ended_at,
            checked: small(run.checked),
            differing: small(run.differing),
            unanswered: small(run.unanswered),
            unsettled: small(run.unsettled),
            resolved: small(run.resolved),
        }
    }
}

/// A difference between a case here and at an agency's system. It stays one for as long as each comparison finds it again,
/// and is repaired by people: nothing is overwritten.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct ReconciliationDifference {
    /// Opaque key.
    id: ID,
    /// Name of the system.
    upstream: String,
    /// What differs.
    kind: ReconciliationDifferenceKind,
    /// What differs and what to do about it, in a sentence.
    text: String,
    /// How the case stood here when it was last compared.
    ours: CaseStatus,
    /// How it stood there.
    theirs: UpstreamState,
    /// The number by which the system knew it then; null when it did not, and for administrators.
    number: Option<String>,
    /// When the system said so last.
    as_of: DateTime<Utc>,
    /// When a comparison first found it.
    first_seen_at: DateTime<Utc>,
    /// When one last found it.
    last_seen_at: DateTime<Utc>,
    /// When one found it gone; null: it stands.
    resolved_at: Option<DateTime<Utc>>,
    #[graphql(skip)]
    of_case: CaseId,
}

/// What it is about.
#[ComplexObject]
impl ReconciliationDifference {
    /// The case; null when the viewer may not see it.
    async fn case(&self, ctx: &Context<'_>) -> Option<Result<Case>> {
        case(ctx, self.of_case).await.transpose()
    }
}

async fn case(ctx: &Context<'_>, id: CaseId) -> Result<Option<Case>> {
    let actor = &request(ctx)?.actor;
    if !may_see_cases(actor) {
        return Ok(None);
    }
    let found = cases(ctx)?.read_case(actor, id).await;
    Ok(found.map_err(|error| failed(ctx, error))?.map(Case::of))
}

impl ReconciliationDifference {
    fn of(entry: DifferenceEntry, language: Language) -> Self {
        let (zh, en) = entry.difference.kind.words();
        let text = match language {
            Language::Zh => zh,
            Language::En => en,
        };
        Self {
            id: ID(entry.id.to_string()),
            upstream: entry.upstream,
            kind: entry.difference.kind.into(),
            text: text.to_owned(),
            ours: entry.difference.ours.into(),
            theirs: entry.difference.theirs.into(),
            number: entry.difference.number,
            as_of: entry.as_of,
            first_seen_at: entry.first_seen_at,
            last_seen_at: entry.last_seen_at,
            resolved_at: entry.resolved_at,
            of_case: entry.case,
        }
    }
}

/// A page of differences that the viewer may see.
pub(crate) async fn differences(
    ctx: &Context<'_>,
    filter: &DifferenceFilter,
    args: &PageArgs,
) -> Result<Connected<ReconciliationDifference>> {
    let page = page_request(ctx, args, DIFFERENCES_BY_SEEN, 2)?;
    let (cases, actor) = (cases(ctx)?, &request(ctx)?.actor);
    let found = cases.list_differences(actor, filter, &page).await;
    let found = found.map_err(|error| failed(ctx, error))?;
    let total = if ctx.look_ahead().field("totalCount").exists() {
        let counted = cases.count_differences(actor, filter).await;
        Some(counted.map_err(|error| failed(ctx, error))?)
    } else {
        None
    };
    let language = language(ctx);
    Ok(connection(found, total, |entry| {
        ReconciliationDifference::of(entry, language)
    }))
}
