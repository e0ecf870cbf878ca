//! Expected answers as schema types: the interface `UserError`, and one concrete type with its own codes a mutation.

use async_graphql::{Enum, Interface, SimpleObject};

use crate::error::{AppError, Language};
use crate::graphql::types::case_enums::{CaseAction, CaseStatus};
use crate::service::rejection::{Rejection, RejectionCode, rejection_description};

macro_rules! user_errors {
    ($($(#[$doc:meta])* $name:ident, $code:ident { $($variant:ident),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
            pub enum $code {
                $(
                    #[doc = rejection_description!($variant)]
                    $variant,
                )*
            }

            $(#[$doc])*
            #[derive(SimpleObject, Debug, Clone)]
            pub struct $name {
                /// What is wrong and what to do, in the language of the request.
                pub message: String,
                /// Path of the input field; null when it is about the whole input.
                pub field: Option<Vec<String>>,
                /// The case of the error, for programs.
                pub code: $code,
                /// With STALE_VERSION: the version the thing has now.
                pub current_version: Option<i32>,
                /// With ILLEGAL_ACT: the state of the case now.
                pub status: Option<CaseStatus>,
                /// With ILLEGAL_ACT: what the same person can do now.
                pub possible_actions: Option<Vec<CaseAction>>,
            }

            impl $name {
                /// Translates an expected answer; one that this mutation does not declare is a bug.
                pub(crate) fn of(rejection: &Rejection, language: Language) -> Result<Self, AppError> {
                    let declared = [$((RejectionCode::$variant, $code::$variant),)*];
                    let (_, code) = declared
                        .into_iter()
                        .find(|(declared, _)| *declared == rejection.code)
                        .ok_or_else(|| AppError::internal(format!("{:?} is not an answer of this mutation", rejection.code)))?;
                    Ok(Self {
                        message: rejection.message(language).to_owned(),
                        field: (!rejection.field.is_empty()).then(|| rejection.field.clone()),
                        code,
                        current_version: rejection.current_version,
                        status: rejection.status.map(CaseStatus::from),
                        possible_actions: rejection
                            .possible
                            .as_ref()
                            .map(|acts| acts.iter().copied().map(CaseAction::from).collect()),
                    })
                }
            }
        )*

        /// An expected answer to a mutation that was not carried out. Nothing has changed, and the idempotency key
        /// is still free.
        #[derive(Interface)]
        #[expect(clippy::enum_variant_names, reason = "each variant is named as its type in the schema")]
        #[graphql(
            field(name = "message", ty = "&String", desc = "What is wrong and what to do."),
            field(name = "field", ty = "&Option<Vec<String>>", desc = "Path of the input field.")
        )]
        pub(crate) enum UserError {
            $($name($name),)*
        }
    };
}

user_errors! {
    /// Why `saveDraft` was not carried out.
    SaveDraftUserError, SaveDraftErrorCode { UnknownItem, UnknownDraft, InvalidField, IdempotencyMismatch }
    /// Why `submitCase` was not carried out.
    SubmitCaseUserError, SubmitCaseErrorCode {
        InvalidField, MaterialMissing, UnknownItem, ItemVersionSuperseded, UnknownDivision, DivisionNotServed,
        RouteUnresolved, ApplicantNotEligible, UnknownDraft, UnknownDocument, DocumentNotReady, DocumentQuarantined,
        IdempotencyMismatch, OutsideCalendar,
    }
    /// Why `acceptCase` was not carried out.
    AcceptCaseUserError, AcceptCaseErrorCode {
        StaleVersion, IdempotencyMismatch, WrongOrganization, IllegalAct, ChooseOrganization, OutsideCalendar,
        InvalidField, MaterialMissing,
    }
    /// Why `handOff` was not carried out.
    HandOffUserError, HandOffErrorCode {
        StaleVersion, IdempotencyMismatch, WrongOrganization, IllegalAct, ChooseOrganization, OrganizationIsFixed,
        ReceiverUnfit, NotAdmitted, MaterialMissing, UnknownDocument, DocumentNotReady, DocumentQuarantined,
        InvalidField, OutsideCalendar,
    }
    /// Why `refuseHandoff` was not carried out.
    RefuseHandoffUserError, RefuseHandoffErrorCode {
        StaleVersion, IdempotencyMismatch, WrongOrganization, IllegalAct, UnknownHandoff, InvalidField, OutsideCalendar,
    }
    /// Why `recallHandoff` was not carried out.
    RecallHandoffUserError, RecallHandoffErrorCode {
        StaleVersion, IdempotencyMismatch, WrongOrganization, IllegalAct, UnknownHandoff, OutsideCalendar,
    }
    /// Why `acknowledgeHandoff` was not carried out.
    AcknowledgeHandoffUserError, AcknowledgeHandoffErrorCode {
        StaleVersion, IdempotencyMismatch, WrongOrganization, IllegalAct, UnknownHandoff, OutsideCalendar,
    }
    /// Why `finishHandoff` was not carried out.
    FinishHandoffUserError, FinishHandoffErrorCode {
        StaleVersion, IdempotencyMismatch, WrongOrganization, IllegalAct, UnknownHandoff, InvalidField,
        ChooseOrganization, OutsideCalendar,
    }
    /// Why `decideCase` was not carried out.
    DecideCaseUserError, DecideCaseErrorCode {
        StaleVersion, IdempotencyMismatch, WrongOrganization, IllegalAct, ReasonsRequired, OutcomeDoesNotFit,
        InvalidField, ChooseOrganization, OutsideCalendar,
    }
    /// Why `declineCase` was not carried out.
    DeclineCaseUserError, DeclineCaseErrorCode {
        StaleVersion, IdempotencyMismatch, WrongOrganization, IllegalAct, ReasonsRequired, InvalidField,
        OutsideCalendar,
    }
    /// Why `requestSupplement` was not carried out.
    RequestSupplementUserError, RequestSupplementErrorCode {
        StaleVersion, IdempotencyMismatch, WrongOrganization, IllegalAct, InvalidField, OutsideCalendar,
    }
    /// Why `supplementCase` was not carried out.
    SupplementCaseUserError, SupplementCaseErrorCode {
        StaleVersion, IdempotencyMismatch, WrongOrganization, IllegalAct, InvalidField, MaterialMissing,
        UnknownDocument, DocumentNotReady, DocumentQuarantined, OutsideCalendar,
    }
    /// Why `withdrawCase` was not carried out.
    WithdrawCaseUserError, WithdrawCaseErrorCode {
        StaleVersion, IdempotencyMismatch, WrongOrganization, IllegalAct, InvalidField,
    }
    /// Why `beginSpecialProcedure` was not carried out.
    BeginSpecialProcedureUserError, BeginSpecialProcedureErrorCode {
        StaleVersion, IdempotencyMismatch, WrongOrganization, IllegalAct, InvalidField, OutsideCalendar,
    }
    /// Why `endSpecialProcedure` was not carried out.
    EndSpecialProcedureUserError, EndSpecialProcedureErrorCode {
        StaleVersion, IdempotencyMismatch, WrongOrganization, IllegalAct, OutsideCalendar,
    }
    /// Why `extendCase` was not carried out.
    ExtendCaseUserError, ExtendCaseErrorCode {
        StaleVersion, IdempotencyMismatch, WrongOrganization, IllegalAct, InvalidField, OutsideCalendar,
    }
    /// Why `voidCase` was not carried out.
    VoidCaseUserError, VoidCaseErrorCode {
        StaleVersion, IdempotencyMismatch, WrongOrganization, IllegalAct, InvalidField,
    }
    /// Why `deliverResult` was not carried out.
    DeliverResultUserError, DeliverResultErrorCode {
        StaleVersion, IdempotencyMismatch, WrongOrganization, IllegalAct, InvalidField,
    }
    /// Why `remindHolder` was not carried out.
    RemindHolderUserError, RemindHolderErrorCode {
        IdempotencyMismatch, WrongOrganization, IllegalAct, InvalidField,
    }
    /// Why `issueSupervisionOrder` was not carried out.
    IssueSupervisionOrderUserError, IssueSupervisionOrderErrorCode {
        StaleVersion, IdempotencyMismatch, WrongOrganization, IllegalAct, InvalidField, NotAHolder, OutsideCalendar,
    }
    /// Why `answerSupervisionOrder` was not carried out.
    AnswerSupervisionOrderUserError, AnswerSupervisionOrderErrorCode {
        StaleVersion, IdempotencyMismatch, WrongOrganization, IllegalAct, InvalidField, UnknownOrder,
    }
    /// Why `issueCard` was not carried out.
    IssueCardUserError, IssueCardErrorCode {
        StaleVersion, IdempotencyMismatch, WrongOrganization, IllegalAct, InvalidField, NotAHolder, LevelTooLow,
    }
    /// Why `appealCard` was not carried out.
    AppealCardUserError, AppealCardErrorCode {
        StaleVersion, IdempotencyMismatch, WrongOrganization, IllegalAct, InvalidField, UnknownCard,
    }
    /// Why `cancelCard` was not carried out.
    CancelCardUserError, CancelCardErrorCode {
        StaleVersion, IdempotencyMismatch, WrongOrganization, IllegalAct, InvalidField, UnknownCard, LevelTooLow,
    }
    /// Why `checkGridEvent` was not carried out.
    CheckGridEventUserError, CheckGridEventErrorCode {
        StaleVersion, IdempotencyMismatch, WrongOrganization, IllegalAct, InvalidField, OutsideCalendar,
    }
    /// Why `reopenCase` was not carried out.
    ReopenCaseUserError, ReopenCaseErrorCode {
        StaleVersion, IdempotencyMismatch, WrongOrganization, IllegalAct, InvalidField, OutsideCalendar,
    }
    /// Why `evaluateCase` was not carried out.
    EvaluateCaseUserError, EvaluateCaseErrorCode {
        IdempotencyMismatch, WrongOrganization, IllegalAct, InvalidField, OutsideCalendar,
    }
    /// Why `redeliver` was not carried out.
    RedeliverUserError, RedeliverErrorCode { StaleVersion, IdempotencyMismatch, IllegalAct, InvalidField, OutsideCalendar }
    /// Why `resolveUncertainDelivery` was not carried out.
    ResolveUncertainDeliveryUserError, ResolveUncertainDeliveryErrorCode {
        StaleVersion, IdempotencyMismatch, IllegalAct, InvalidField, OutsideCalendar,
    }
    /// Why `reconcileUpstream` was not carried out.
    ReconcileUpstreamUserError, ReconcileUpstreamErrorCode { IdempotencyMismatch, InvalidField }
    /// Why `revokeAccess` was not carried out.
    RevokeAccessUserError, RevokeAccessErrorCode { IdempotencyMismatch, InvalidField, UnknownRevocation }
    /// Why `restoreAccess` was not carried out.
    RestoreAccessUserError, RestoreAccessErrorCode { IdempotencyMismatch, UnknownRevocation }
    /// Why `enrollKiosk` was not carried out.
    EnrollKioskUserError, EnrollKioskErrorCode { IdempotencyMismatch, InvalidField, UnknownKiosk }
    /// Why `revokeKiosk` was not carried out.
    RevokeKioskUserError, RevokeKioskErrorCode { IdempotencyMismatch, UnknownKiosk }
    /// Why an item of `syncKiosk`, or the whole of it, was not carried out.
    SyncKioskUserError, SyncKioskErrorCode {
        InvalidField, MaterialMissing, UnknownItem, ItemVersionSuperseded, UnknownDivision, DivisionNotServed,
        RouteUnresolved, ApplicantNotEligible, UnknownDraft, IdempotencyMismatch, OutsideCalendar,
        CapturedTooLongAgo, CapturedInFuture, SealedUnreadable, ProvisionalNumberTaken,
    }
    /// Why `revealPersonalData` showed nothing.
    RevealPersonalDataUserError, RevealPersonalDataErrorCode {
        IdempotencyMismatch, WrongOrganization, InvalidField, PurposeTextRequired, BudgetExhausted,
    }
    /// Why `findCasesByApplicant` looked for nothing.
    FindCasesByApplicantUserError, FindCasesByApplicantErrorCode {
        IdempotencyMismatch, InvalidField, PurposeTextRequired, BudgetExhausted,
    }
    /// Why `createUploadTicket` was not carried out.
    CreateUploadTicketUserError, CreateUploadTicketErrorCode {
        IdempotencyMismatch, WrongOrganization, IllegalAct, InvalidField, TooManyDocuments,
    }
    /// Why `createDownloadTicket` was not carried out.
    CreateDownloadTicketUserError, CreateDownloadTicketErrorCode {
        IdempotencyMismatch, DocumentNotReady, DocumentQuarantined,
    }
    /// Why `evaluateHandoff` was not carried out.
    EvaluateHandoffUserError, EvaluateHandoffErrorCode {
        IdempotencyMismatch, WrongOrganization, IllegalAct, UnknownHandoff, InvalidField,
    }
    /// Why `answerEvaluation` was not carried out.
    AnswerEvaluationUserError, AnswerEvaluationErrorCode {
        IdempotencyMismatch, WrongOrganization, IllegalAct, InvalidField,
    }
}
