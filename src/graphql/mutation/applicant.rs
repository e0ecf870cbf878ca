//! Acts of the applicant, by account, or by code and secret.

use async_graphql::{Context, ID, InputObject, Result};
use onedoor_domain::actor::ActorKind;
use onedoor_domain::case::command::Command;
use onedoor_domain::id::CaseId;
use onedoor_domain::idempotency::{Fingerprint, IdempotencyKey};
use onedoor_domain::policy::Act;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::error::AppError;
use crate::graphql::reach::{self, cases, failed, request};
use crate::secret::Redacted;
use crate::service::cases::Done;
use crate::service::guard;
use crate::service::progress::{Expected, Order};
use crate::service::rejection::{Rejection, RejectionCode};

/// Tracking code and secret (受理编号和查询码): the applicant's credential for one case.
#[derive(InputObject)]
pub struct CredentialInput {
    /// 受理编号, with or without separators.
    tracking_code: String,
    /// 查询码, as the receipt shows it.
    secret: String,
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
        let (actor, source) = (&request(ctx)?.actor, request(ctx)?.source.network());
        guard::allow(actor, self.act).map_err(|error| failed(ctx, error))?;
        let by_account = matches!(
            actor.kind,
            ActorKind::Citizen | ActorKind::Clerk | ActorKind::Officer
        );
        let (case, credential) = match (case, credential) {
            (Some(case), None) if by_account => (reach::id::<CaseId>(ctx, &case)?, None),
            (None, Some(given)) => {
                let secret = Redacted::new(given.secret);
                let credential = cases(ctx)?
                    .credential(actor, source, &given.tracking_code, secret)
                    .await
                    .map_err(|error| failed(ctx, error))?;
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
        cases(ctx)?
            .act(actor, order)
            .await
            .map_err(|error| failed(ctx, error))
    }
}

fn one_way() -> Rejection {
    Rejection::of(
        RejectionCode::InvalidField,
        &["credential"],
        "请填写受理编号和查询码（credential）；用本人账号或在窗口办理时填写 case，二者择一。",
        "Give code and secret in `credential`; with an account or at a counter give `case` instead, not both.",
    )
}
