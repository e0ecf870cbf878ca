//! Who may do what (DOMAIN §7), as a table: one row per act, one column per kind of actor.

pub mod fields;

use crate::actor::ActorKind;

macro_rules! acts {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What can be asked of the gateway. Every root field of the schema is one of these.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Act { $($(#[$doc])* $name,)* }

        impl Act {
            /// All acts, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
        }
    };
}

acts! {
    /// Ask who one is and what time it is.
    ReadViewer,
    /// Read items, divisions, organizations and the calendar.
    ReadCatalogue,
    /// Read public statistics.
    ReadStatistics,
    /// Resolve an opaque id; the thing found is authorized by its own act.
    ResolveNode,
    /// Check a receipt that one holds.
    VerifyReceipt,
    /// See one case by tracking code and secret.
    TrackCase,
    /// Keep an unfinished application.
    SaveDraft,
    /// Hand in an application.
    SubmitCase,
    /// Hand in what a kiosk queued while offline.
    SyncKiosk,
    /// Ask for a one-time ticket to upload a document.
    AttachDocument,
    /// Ask for a one-time ticket to download a document of a case.
    ReadDocument,
    /// Read cases, one or as a list, and follow their changes.
    ReadCase,
    /// Read the board: handoffs of one's desk.
    ReadHandoffs,
    /// Read the list of cards of the cases one may read.
    ReadCards,
    /// Accept an application.
    AcceptCase,
    /// Decline an application: not competent, or refused.
    DeclineCase,
    /// Ask the applicant for what is missing.
    RequestSupplement,
    /// Offer a case to the next organization.
    HandOff,
    /// Sign for a case (签收).
    AcknowledgeHandoff,
    /// Send a case back before signing for it (退单).
    RefuseHandoff,
    /// Take back an offer that nobody signed for.
    RecallHandoff,
    /// End a handoff beside the owner with an opinion.
    FinishHandoff,
    /// Bring what was missing.
    SupplementCase,
    /// Take the application back.
    WithdrawCase,
    /// Grade the service (好差评).
    EvaluateCase,
    /// Answer a negative grade.
    AnswerEvaluation,
    /// Grade the other organization of a closed handoff (双向评价).
    EvaluateHandoff,
    /// Begin or end a special procedure of kind 2.
    SpecialProcedure,
    /// Extend the limits once.
    ExtendCase,
    /// Grant or deny.
    DecideCase,
    /// Hand the result to the applicant.
    DeliverResult,
    /// Remind the holder.
    RemindHolder,
    /// Order a holder to act (督办).
    IssueSupervisionOrder,
    /// Answer such an order.
    AnswerSupervisionOrder,
    /// Raise a card by hand.
    IssueCard,
    /// Object to a card.
    AppealCard,
    /// Cancel a card.
    CancelCard,
    /// Void a case.
    VoidCase,
    /// Open a completed grid case again.
    ReopenCase,
    /// Check that a grid event was resolved.
    CheckGridEvent,
    /// See personal data unmasked, for a purpose, on record.
    RevealPersonalData,
    /// Find a person's cases by the identity number, inside one's own organization, on record.
    FindByApplicant,
    /// See who looked at personal data of a case.
    ReadAccessRecords,
    /// Search who looked at personal data, over all cases one oversees.
    SearchAccessRecords,
    /// See deliveries to upstream systems.
    ReadDeliveries,
    /// Send again, or resolve an uncertain delivery.
    ResolveDelivery,
    /// See what differs between cases here and at upstream systems (对账).
    ReadReconciliations,
    /// Compare all open cases with an upstream system now.
    Reconcile,
    /// See the state of upstream systems.
    ReadUpstreams,
    /// Enrol and revoke kiosks, manage issuers.
    ManageKiosks,
    /// Give and revoke roles.
    ManageRoles,
    /// Read the audit log.
    ReadAuditLog,
}

/// On which things an act is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// On none: this is not for this kind of actor.
    Never,
    /// On all, because it is public.
    Public,
    /// On the one case whose tracking code and secret were given.
    ByCodeAndSecret,
    /// On the actor's own, by the token's subject.
    OwnSubject,
    /// For a person at the kiosk's station.
    OwnStation,
    /// On what this kiosk handed in.
    OwnDevice,
    /// As window or agent of the actor's organization.
    OwnOrganization,
    /// On cases that the organization owns, owned, or works on beside the owner.
    OwnOrganizationOrPast,
    /// On cases that the organization owns, was offered, or took in; not those it handed on.
    OwnDesk,
    /// On cases that the organization owns, or was offered.
    OwnerOrAddressee,
    /// On cases that the organization took in, or owns.
    FirstContactOrOwner,
    /// On cases that the organization took in.
    FirstContact,
    /// On cases that the organization owns; before acceptance also an addressee; for EXTERNAL and bound owners the
    /// organization that handed the case to them.
    Owner,
    /// The same, with the claim `approver`.
    OwnerWithApproval,
    /// On cases that the organization owns, or is to deliver.
    OwnerOrDeliveryAddressee,
    /// On cases whose decision the organization made.
    Decider,
    /// On grid cases whose check was offered to the organization, by another person than the resolver.
    VerifyAddressee,
    /// On deliveries that the organization caused.
    SendingOrganization,
    /// On cases of the division and all below it.
    DivisionSubtree,
    /// The same, but never on what the actor's own organization handled.
    DivisionSubtreeExceptOwn,
    /// On all.
    All,
    /// On handoffs to the organizations it acts for, by a verified notice.
    OwnHandoffs,
    /// The same, as a proposal that the rules may not follow.
    Proposal,
}

/// One cell of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Grant {
    /// On which things.
    pub scope: Scope,
    /// Whether personal data (for deliveries: the content) stays masked whatever is asked.
    pub masked: bool,
}

impl Grant {
    const fn plain(scope: Scope) -> Self {
        Self { scope, masked: false }
    }

    const fn masked(scope: Scope) -> Self {
        Self { scope, masked: true }
    }
}

/// The cell of an act and a kind of actor.
#[must_use]
pub const fn grant(act: Act, kind: ActorKind) -> Grant {
    let [
        anonymous,
        citizen,
        kiosk,
        clerk,
        officer,
        supervisor,
        auditor,
        system_admin,
        security_admin,
        audit_admin,
        upstream,
        system,
    ] = row(act);
    match kind {
        ActorKind::Anonymous => anonymous,
        ActorKind::Citizen => citizen,
        ActorKind::Kiosk => kiosk,
        ActorKind::Clerk => clerk,
        ActorKind::Officer => officer,
        ActorKind::Supervisor => supervisor,
        ActorKind::Auditor => auditor,
        ActorKind::SystemAdmin => system_admin,
        ActorKind::SecurityAdmin => security_admin,
        ActorKind::AuditAdmin => audit_admin,
        ActorKind::Upstream => upstream,
        ActorKind::System => system,
    }
}

const NO: Grant = Grant::plain(Scope::Never);
const PUBLIC: Grant = Grant::plain(Scope::Public);
const SECRET: Grant = Grant::plain(Scope::ByCodeAndSecret);
const OWN: Grant = Grant::plain(Scope::OwnSubject);
const STATION: Grant = Grant::plain(Scope::OwnStation);
const OFFICE: Grant = Grant::plain(Scope::OwnOrganization);
const READ: Grant = Grant::plain(Scope::OwnOrganizationOrPast);
const DESK: Grant = Grant::plain(Scope::OwnDesk);
const HOLDS: Grant = Grant::plain(Scope::OwnerOrAddressee);
const TOOK: Grant = Grant::plain(Scope::FirstContact);
const COUNTER: Grant = Grant::plain(Scope::FirstContactOrOwner);
const OWNER: Grant = Grant::plain(Scope::Owner);
const APPROVER: Grant = Grant::plain(Scope::OwnerWithApproval);
const DELIVERS: Grant = Grant::plain(Scope::OwnerOrDeliveryAddressee);
const DECIDER: Grant = Grant::plain(Scope::Decider);
const VERIFIER: Grant = Grant::plain(Scope::VerifyAddressee);
const SENDER: Grant = Grant::plain(Scope::SendingOrganization);
const SUBTREE: Grant = Grant::plain(Scope::DivisionSubtree);
const OTHERS: Grant = Grant::plain(Scope::DivisionSubtreeExceptOwn);
const ALL: Grant = Grant::plain(Scope::All);
const NOTICE: Grant = Grant::plain(Scope::OwnHandoffs);
const PROPOSE: Grant = Grant::plain(Scope::Proposal);
const M_DEVICE: Grant = Grant::masked(Scope::OwnDevice);
const M_SUBTREE: Grant = Grant::masked(Scope::DivisionSubtree);
const M_ALL: Grant = Grant::masked(Scope::All);

/// The table. The last column is the gateway itself: clocks that run out, completion that follows. The
/// three administrators are kinds of their own, so that no one of them can do, allow and hide (GB/T 22239 level 3).
#[rustfmt::skip]
const fn row(act: Act) -> [Grant; 12] {
    match act {
        //                             anonymous citizen kiosk   clerk     officer   supervisor auditor  sys.adm security audit.adm upstream system
        Act::ReadViewer             => [PUBLIC,  PUBLIC, PUBLIC,   PUBLIC,   PUBLIC,   PUBLIC,    PUBLIC,  PUBLIC, PUBLIC,  PUBLIC, NO,       NO],
        Act::ReadCatalogue          => [PUBLIC,  PUBLIC, PUBLIC,   PUBLIC,   PUBLIC,   PUBLIC,    PUBLIC,  PUBLIC, PUBLIC,  PUBLIC, NO,       NO],
        Act::ReadStatistics         => [PUBLIC,  PUBLIC, PUBLIC,   PUBLIC,   PUBLIC,   PUBLIC,    PUBLIC,  PUBLIC, PUBLIC,  PUBLIC, NO,       NO],
        Act::ResolveNode            => [PUBLIC,  PUBLIC, PUBLIC,   PUBLIC,   PUBLIC,   PUBLIC,    PUBLIC,  PUBLIC, PUBLIC,  PUBLIC, NO,       NO],
        Act::VerifyReceipt          => [PUBLIC,  PUBLIC, PUBLIC,   PUBLIC,   PUBLIC,   PUBLIC,    PUBLIC,  PUBLIC, PUBLIC,  PUBLIC, NO,       NO],
        Act::TrackCase              => [SECRET,  SECRET, SECRET,   SECRET,   SECRET,   SECRET,    NO,      NO,     NO,      NO,     NO,       NO],
        Act::SaveDraft              => [NO,      OWN,    STATION,  OFFICE,   NO,       NO,        NO,      NO,     NO,      NO,     NO,       NO],
        Act::SubmitCase             => [NO,      OWN,    STATION,  OFFICE,   NO,       NO,        NO,      NO,     NO,      NO,     NO,       NO],
        Act::SyncKiosk              => [NO,      NO,     STATION,  NO,       NO,       NO,        NO,      NO,     NO,      NO,     NO,       NO],
        Act::AttachDocument         => [SECRET,  OWN,    STATION,  OFFICE,   OFFICE,   NO,        NO,      NO,     NO,      NO,     NO,       NO],
        Act::ReadDocument           => [SECRET,  OWN,    NO,       READ,     READ,     NO,        NO,      NO,     NO,      NO,     NO,       NO],
        Act::ReadCase               => [NO,      OWN,    M_DEVICE, READ,     READ,     M_SUBTREE, M_ALL,   NO,     NO,      NO,     NO,       ALL],
        Act::ReadHandoffs           => [NO,      NO,     NO,       READ,     READ,     M_SUBTREE, M_ALL,   NO,     NO,      NO,     NO,       ALL],
        Act::ReadCards              => [NO,      NO,     NO,       READ,     READ,     M_SUBTREE, M_ALL,   NO,     NO,      NO,     NO,       NO],
        Act::AcceptCase             => [NO,      NO,     NO,       HOLDS,    HOLDS,    NO,        NO,      NO,     NO,      NO,     NOTICE,   ALL],
        Act::DeclineCase            => [NO,      NO,     NO,       HOLDS,    HOLDS,    NO,        NO,      NO,     NO,      NO,     NOTICE,   NO],
        Act::RequestSupplement      => [NO,      NO,     NO,       HOLDS,    HOLDS,    NO,        NO,      NO,     NO,      NO,     NOTICE,   NO],
        Act::HandOff                => [NO,      NO,     NO,       HOLDS,    HOLDS,    NO,        NO,      NO,     NO,      NO,     NOTICE,   ALL],
        Act::AcknowledgeHandoff     => [NO,      NO,     NO,       HOLDS,    HOLDS,    NO,        NO,      NO,     NO,      NO,     NOTICE,   ALL],
        Act::RefuseHandoff          => [NO,      NO,     NO,       HOLDS,    HOLDS,    NO,        NO,      NO,     NO,      NO,     NOTICE,   NO],
        Act::RecallHandoff          => [NO,      NO,     NO,       HOLDS,    HOLDS,    NO,        NO,      NO,     NO,      NO,     NO,       NO],
        Act::FinishHandoff          => [NO,      NO,     NO,       HOLDS,    HOLDS,    NO,        NO,      NO,     NO,      NO,     NOTICE,   NO],
        Act::SupplementCase         => [SECRET,  OWN,    SECRET,   COUNTER,  COUNTER,  NO,        NO,      NO,     NO,      NO,     NO,       NO],
        Act::WithdrawCase           => [SECRET,  OWN,    SECRET,   COUNTER,  COUNTER,  NO,        NO,      NO,     NO,      NO,     NO,       NO],
        Act::EvaluateCase           => [SECRET,  OWN,    SECRET,   NO,       NO,       NO,        NO,      NO,     NO,      NO,     NO,       NO],
        Act::AnswerEvaluation       => [NO,      NO,     NO,       DECIDER,  DECIDER,  NO,        NO,      NO,     NO,      NO,     NO,       NO],
        Act::EvaluateHandoff        => [NO,      NO,     NO,       READ,     READ,     NO,        NO,      NO,     NO,      NO,     NO,       NO],
        Act::SpecialProcedure       => [NO,      NO,     NO,       NO,       OWNER,    NO,        NO,      NO,     NO,      NO,     PROPOSE,  ALL],
        Act::ExtendCase             => [NO,      NO,     NO,       NO,       APPROVER, NO,        NO,      NO,     NO,      NO,     NO,       NO],
        Act::DecideCase             => [NO,      NO,     NO,       NO,       OWNER,    NO,        NO,      NO,     NO,      NO,     PROPOSE,  NO],
        Act::DeliverResult          => [NO,      NO,     NO,       DELIVERS, DELIVERS, NO,        NO,      NO,     NO,      NO,     PROPOSE,  NO],
        Act::RemindHolder           => [NO,      NO,     NO,       TOOK,     TOOK,     SUBTREE,   NO,      NO,     NO,      NO,     NO,       NO],
        Act::IssueSupervisionOrder  => [NO,      NO,     NO,       NO,       NO,       OTHERS,    NO,      NO,     NO,      NO,     NO,       NO],
        Act::AnswerSupervisionOrder => [NO,      NO,     NO,       READ,     READ,     NO,        NO,      NO,     NO,      NO,     NO,       NO],
        Act::IssueCard              => [NO,      NO,     NO,       NO,       NO,       OTHERS,    NO,      NO,     NO,      NO,     NO,       NO],
        Act::AppealCard             => [NO,      NO,     NO,       NO,       READ,     NO,        NO,      NO,     NO,      NO,     NO,       NO],
        Act::CancelCard             => [NO,      NO,     NO,       NO,       NO,       OTHERS,    NO,      NO,     NO,      NO,     NO,       NO],
        Act::VoidCase               => [NO,      NO,     NO,       NO,       NO,       OTHERS,    NO,      NO,     NO,      NO,     NO,       NO],
        Act::ReopenCase             => [NO,      NO,     NO,       NO,       NO,       OTHERS,    NO,      NO,     NO,      NO,     NO,       NO],
        Act::CheckGridEvent         => [NO,      NO,     NO,       VERIFIER, VERIFIER, OTHERS,    NO,      NO,     NO,      NO,     NO,       NO],
        Act::RevealPersonalData     => [NO,      OWN,    NO,       OWNER,    OWNER,    NO,        NO,      NO,     NO,      NO,     NO,       NO],
        Act::FindByApplicant        => [NO,      NO,     NO,       DESK,     DESK,     NO,        NO,      NO,     NO,      NO,     NO,       NO],
        Act::ReadAccessRecords      => [SECRET,  OWN,    NO,       NO,       NO,       SUBTREE,   ALL,     NO,     NO,      NO,     NO,       NO],
        Act::SearchAccessRecords    => [NO,      NO,     NO,       NO,       NO,       SUBTREE,   ALL,     NO,     NO,      NO,     NO,       NO],
        Act::ReadDeliveries         => [NO,      NO,     NO,       SENDER,   SENDER,   SUBTREE,   NO,      M_ALL,  NO,      NO,     NO,       ALL],
        Act::ResolveDelivery        => [NO,      NO,     NO,       SENDER,   SENDER,   NO,        NO,      M_ALL,  NO,      NO,     NO,       NO],
        Act::ReadReconciliations    => [NO,      NO,     NO,       SENDER,   SENDER,   SUBTREE,   NO,      M_ALL,  NO,      NO,     NO,       ALL],
        Act::Reconcile              => [NO,      NO,     NO,       NO,       NO,       NO,        NO,      ALL,    NO,      NO,     NO,       NO],
        Act::ReadUpstreams          => [NO,      NO,     NO,       NO,       NO,       NO,        NO,      ALL,    NO,      NO,     NO,       NO],
        Act::ManageKiosks           => [NO,      NO,     NO,       NO,       NO,       NO,        NO,      ALL,    NO,      NO,     NO,       NO],
        Act::ManageRoles            => [NO,      NO,     NO,       NO,       NO,       NO,        NO,      NO,     ALL,     NO,     NO,       NO],
        Act::ReadAuditLog           => [NO,      NO,     NO,       NO,       NO,       NO,        ALL,     NO,     NO,      ALL,    NO,       NO],
    }
}

/// Every root field of the vocabulary (GRAPHQL §6) and the one act it is.
pub const FIELDS: &[(&str, &str, Act)] = &[
    ("Query", "viewer", Act::ReadViewer),
    ("Query", "serviceItems", Act::ReadCatalogue),
    ("Query", "serviceItem", Act::ReadCatalogue),
    ("Query", "divisions", Act::ReadCatalogue),
    ("Query", "division", Act::ReadCatalogue),
    ("Query", "organizations", Act::ReadCatalogue),
    ("Query", "organization", Act::ReadCatalogue),
    ("Query", "calendar", Act::ReadCatalogue),
    ("Query", "coverage", Act::ReadStatistics),
    ("Query", "satisfaction", Act::ReadStatistics),
    ("Query", "node", Act::ResolveNode),
    ("Query", "nodes", Act::ResolveNode),
    ("Query", "verifyReceipt", Act::VerifyReceipt),
    ("Query", "trackCase", Act::TrackCase),
    ("Query", "case", Act::ReadCase),
    ("Query", "cases", Act::ReadCase),
    ("Query", "changesSince", Act::ReadCase),
    ("Query", "handoffs", Act::ReadHandoffs),
    ("Query", "cards", Act::ReadCards),
    ("Query", "accessRecords", Act::SearchAccessRecords),
    ("Query", "deliveries", Act::ReadDeliveries),
    ("Query", "upstreams", Act::ReadUpstreams),
    ("Query", "kiosks", Act::ManageKiosks),
    ("Query", "reconciliations", Act::ReadReconciliations),
    ("Query", "openDifferences", Act::ReadReconciliations),
    ("Query", "auditLog", Act::ReadAuditLog),
    ("Query", "revocations", Act::ManageRoles),
    ("Mutation", "saveDraft", Act::SaveDraft),
    ("Mutation", "submitCase", Act::SubmitCase),
    ("Mutation", "supplementCase", Act::SupplementCase),
    ("Mutation", "withdrawCase", Act::WithdrawCase),
    ("Mutation", "acceptCase", Act::AcceptCase),
    ("Mutation", "declineCase", Act::DeclineCase),
    ("Mutation", "requestSupplement", Act::RequestSupplement),
    ("Mutation", "beginSpecialProcedure", Act::SpecialProcedure),
    ("Mutation", "endSpecialProcedure", Act::SpecialProcedure),
    ("Mutation", "extendCase", Act::ExtendCase),
    ("Mutation", "decideCase", Act::DecideCase),
    ("Mutation", "deliverResult", Act::DeliverResult),
    ("Mutation", "handOff", Act::HandOff),
    ("Mutation", "acknowledgeHandoff", Act::AcknowledgeHandoff),
    ("Mutation", "refuseHandoff", Act::RefuseHandoff),
    ("Mutation", "recallHandoff", Act::RecallHandoff),
    ("Mutation", "finishHandoff", Act::FinishHandoff),
    ("Mutation", "remindHolder", Act::RemindHolder),
    ("Mutation", "issueSupervisionOrder", Act::IssueSupervisionOrder),
    ("Mutation", "answerSupervisionOrder", Act::AnswerSupervisionOrder),
    ("Mutation", "evaluateCase", Act::EvaluateCase),
    ("Mutation", "answerEvaluation", Act::AnswerEvaluation),
    ("Mutation", "evaluateHandoff", Act::EvaluateHandoff),
    ("Mutation", "syncKiosk", Act::SyncKiosk),
    ("Mutation", "enrollKiosk", Act::ManageKiosks),
    ("Mutation", "revokeKiosk", Act::ManageKiosks),
    ("Mutation", "voidCase", Act::VoidCase),
    ("Mutation", "reopenCase", Act::ReopenCase),
    ("Mutation", "issueCard", Act::IssueCard),
    ("Mutation", "appealCard", Act::AppealCard),
    ("Mutation", "cancelCard", Act::CancelCard),
    ("Mutation", "checkGridEvent", Act::CheckGridEvent),
    ("Mutation", "redeliver", Act::ResolveDelivery),
    ("Mutation", "resolveUncertainDelivery", Act::ResolveDelivery),
    ("Mutation", "reconcileUpstream", Act::Reconcile),
    ("Mutation", "revokeAccess", Act::ManageRoles),
    ("Mutation", "restoreAccess", Act::ManageRoles),
    ("Mutation", "revealPersonalData", Act::RevealPersonalData),
    ("Mutation", "findCasesByApplicant", Act::FindByApplicant),
    ("Mutation", "createUploadTicket", Act::AttachDocument),
    ("Mutation", "createDownloadTicket", Act::ReadDocument),
    ("Subscription", "caseChanged", Act::ReadCase),
    ("Subscription", "handoffsChanged", Act::ReadHandoffs),
];

/// The act of a root field, `root` being `Query`, `Mutation` or `Subscription`; `None` when the policy has no row
/// for it, which fails the matrix test.
#[must_use]
pub fn act_of_field(root: &str, field: &str) -> Option<Act> {
    FIELDS
        .iter()
        .find(|(its_root, its_field, _)| *its_root == root && *its_field == field)
        .map(|(_, _, act)| *act)
}

#[cfg(test)]
mod tests;
