//! Acts of the applicant, by account, by code and secret, or through an agent with an authorization on file.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use onedoor_domain::actor::ActorKind;
use onedoor_domain::case::agent::{Authorization, AuthorizationKind as DomainKind};
use onedoor_domain::case::command::Command;
use onedoor_domain::id::CaseId;
use onedoor_domain::idempotency::{Fingerprint, IdempotencyKey};
use onedoor_domain::policy::Act;
use onedoor_domain::proof::Credential;
use serde_json::{Value, json};
use uuid::Uuid;

use super::act::{check_texts, payloads};
use super::intake::{MaterialEntryInput, materials};
use crate::error::AppError;
use crate::graphql::reach::{self, cases, failed, request};
use crate::graphql::types::scalars::Date;
use crate::graphql::user_error::{SupplementCaseUserError, WithdrawCaseUserError};
use crate::secret::Redacted;
use crate::service::cases::Done;
use crate::service::guard;
use crate::service::progress::{Expected, Order};
use crate::service::rejection::{Rejection, RejectionCode};

/// By what kind of paper an agent acts.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "DomainKind")]
pub enum AuthorizationKind {
    /// 授权委托书: a written mandate.
    Mandate,
    /// 监护: the agent is the legal guardian, or acts for one.
    Guardianship,
    /// 单位介绍信: an organization sends its employee.
    OrganizationLetter,
    /// Any other, named by its reference.
    Other,
}

/// The authorization on file, by which a clerk acts for an applicant (全程代办).
#[derive(InputObject)]
pub struct AuthorizationInput {
    /// Kind of paper.
    kind: AuthorizationKind,
    /// Number or place of the file, up to 100 characters; kept sealed.
    reference: String,
    /// Its date, not after today.
    date: Date,
}

impl From<AuthorizationInput> for Authorization {
    fn from(input: AuthorizationInput) -> Self {
        Self {
            kind: input.kind.into(),
            reference: input.reference,
            date: input.date.0,
        }
    }
}

/// Tracking code and secret (受理编号和查询码): the applicant's credential for one case.
#[derive(InputObject)]
pub struct CredentialInput {
    /// 受理编号, with or without separators.
    tracking_code: String,
    /// 查询码, as the receipt shows it.
    secret: String,
}

/// Checks code and secret.
pub(super) async fn checked(ctx: &Context<'_>, given: CredentialInput) -> Result<Credential> {
    let (actor, source) = (&request(ctx)?.actor, request(ctx)?.source.network());
    cases(ctx)?
        .credential(actor, source, &given.tracking_code, Redacted::new(given.secret))
        .await
        .map_err(|error| failed(ctx, error))
}

/// What brings what was asked for or is owed (补正).
#[derive(InputObject)]
pub struct SupplementCaseInput {
    /// The case; by account, or at a counter.
    case: Option<ID>,
    /// Instead: code and secret of the case.
    credential: Option<CredentialInput>,
    /// Version of the case you have seen.
    expected_version: i32,
    /// A fresh UUID for this act; repeat it only to repeat the same act.
    idempotency_key: Uuid,
    /// The materials: everything that was asked for at once; of what is owed, any part.
    #[graphql(default)]
    materials: Vec<MaterialEntryInput>,
    /// Remark, up to 2,000 characters.
    note: Option<String>,
    /// By what a clerk acts for the applicant; required at a counter.
    authorization: Option<AuthorizationInput>,
}

/// What takes an application back (撤回).
#[derive(InputObject)]
pub struct WithdrawCaseInput {
    /// The case; by account, or at a counter.
    case: Option<ID>,
    /// Instead: code and secret of the case.
    credential: Option<CredentialInput>,
    /// Version of the case you have seen.
    expected_version: i32,
    /// A fresh UUID for this act; repeat it only to repeat the same act.
    idempotency_key: Uuid,
    /// Why, up to 2,000 characters.
    reason: Option<String>,
    /// By what a clerk acts for the applicant; required at a counter.
    authorization: Option<AuthorizationInput>,
}

payloads! {
    /// What came of `supplementCase`.
    SupplementCasePayload { SupplementCaseUserError }
    /// What came of `withdrawCase`.
    WithdrawCasePayload { WithdrawCaseUserError }
}

/// Acts of the applicant.
#[derive(Default)]
pub struct ApplicantMutations;

/// Acts of the applicant.
#[Object]
impl ApplicantMutations {
    /// Bring what was asked for (补正), or a material that is owed (容缺).
    async fn supplement_case(
        &self,
        ctx: &Context<'_>,
        input: SupplementCaseInput,
    ) -> Result<SupplementCasePayload> {
        if let Err(fault) = check_texts(&[("note", input.note.as_deref())]) {
            return SupplementCasePayload::of(ctx, Err(vec![fault])).await;
        }
        let materials = match materials(ctx, input.materials).await? {
            Ok(materials) => materials,
            Err(rejection) => return SupplementCasePayload::of(ctx, Err(vec![rejection])).await,
        };
        let authorization = input.authorization.map(Authorization::from);
        let reached = Reached {
            act: Act::SupplementCase,
            name: "supplementCase",
            key: input.idempotency_key,
            expected: Expected::Case(input.expected_version),
            input: json!({ "materials": materials, "note": input.note, "authorization": authorization }),
        };
        let command = Command::Supplement {
            materials,
            note: input.note,
            authorization,
        };
        let done = reached
            .carry_out(ctx, input.case, input.credential, command)
            .await?;
        SupplementCasePayload::of(ctx, done).await
    }

    /// Take the application back (撤回), before it is decided.
    async fn withdraw_case(
        &self,
        ctx: &Context<'_>,
        input: WithdrawCaseInput,
    ) -> Result<WithdrawCasePayload> {
        if let Err(fault) = check_texts(&[("reason", input.reason.as_deref())]) {
            return WithdrawCasePayload::of(ctx, Err(vec![fault])).await;
        }
        let authorization = input.authorization.map(Authorization::from);
        let reached = Reached {
            act: Act::WithdrawCase,
            name: "withdrawCase",
            key: input.idempotency_key,
            expected: Expected::Case(input.expected_version),
            input: json!({ "reason": input.reason, "authorization": authorization }),
        };
        let command = Command::Withdraw {
            reason: input.reason,
            authorization,
        };
        let done = reached
            .carry_out(ctx, input.case, input.credential, command)
            .await?;
        WithdrawCasePayload::of(ctx, done).await
    }
}

/// An act of the applicant, before it is known by which way the case is reached.
pub(super) struct Reached {
    pub(super) act: Act,
    pub(super) name: &'static str,
    pub(super) key: Uuid,
    pub(super) expected: Expected,
    pub(super) input: Value,
}

impl Reached {
    pub(super) async fn carry_out(
        self,
        ctx: &Context<'_>,
        case: Option<ID>,
        credential: Option<CredentialInput>,
        command: Command,
    ) -> Result<Done> {
        let actor = &request(ctx)?.actor;
        guard::allow(actor, self.act).map_err(|error| failed(ctx, error))?;
        let by_account = matches!(
            actor.kind,
            ActorKind::Citizen | ActorKind::Clerk | ActorKind::Officer
        );
        let (case, credential) = match (case, credential) {
            (Some(case), None) if by_account => (reach::id::<CaseId>(ctx, &case)?, None),
            (None, Some(given)) => {
                let credential = checked(ctx, given).await?;
                (credential.case(), Some(credential))
            }
            (Some(_), _) | (None, None) => return Ok(Err(vec![one_way()])),
        };
        let asked = json!({ "case": case, "expectedVersion": self.expected.version(), "input": self.input });
        let fingerprint = Fingerprint::of(self.name, &asked)
            .map_err(AppError::internal)
            .map_err(|error| failed(ctx, error))?;
        let order = Order {
            case,
            expected: self.expected,
            key: IdempotencyKey::from_uuid(self.key),
            fingerprint,
            command,
            credential,
        };
        Box::pin(cases(ctx)?.act(actor, order))
            .await
            .map_err(|error| failed(ctx, error))
    }
}

pub(super) fn one_way() -> Rejection {
    Rejection::of(
        RejectionCode::InvalidField,
        &["credential"],
        "请填写受理编号和查询码（credential）；用本人账号或在窗口办理时填写 case，二者择一。",
        "Give code and secret in `credential`; with an account or at a counter give `case` instead, not both.",
    )
}
