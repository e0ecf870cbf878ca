//! The policy table says for each kind of actor what it may do.

use super::*;

const KINDS: [ActorKind; 12] = [
    ActorKind::Anonymous,
    ActorKind::Citizen,
    ActorKind::Kiosk,
    ActorKind::Clerk,
    ActorKind::Officer,
    ActorKind::Supervisor,
    ActorKind::Auditor,
    ActorKind::SystemAdmin,
    ActorKind::SecurityAdmin,
    ActorKind::AuditAdmin,
    ActorKind::Upstream,
    ActorKind::System,
];

/// DOMAIN §7 read by a person, kind by kind, independently of the table in the code: who may do an act at all. An act
/// that a kind's line leaves out is refused to it.
const ALLOWED: &[(ActorKind, &str)] = &[
    (
        ActorKind::Anonymous,
        "ReadViewer ReadCatalogue ReadStatistics ResolveNode VerifyReceipt \
         TrackCase:ByCodeAndSecret AttachDocument:ByCodeAndSecret ReadDocument:ByCodeAndSecret SupplementCase:ByCodeAndSecret \
         WithdrawCase:ByCodeAndSecret EvaluateCase:ByCodeAndSecret ReadAccessRecords:ByCodeAndSecret",
    ),
    (
        ActorKind::Citizen,
        "ReadViewer ReadCatalogue ReadStatistics ResolveNode VerifyReceipt \
         TrackCase:ByCodeAndSecret SaveDraft:OwnSubject SubmitCase:OwnSubject AttachDocument:OwnSubject ReadDocument:OwnSubject \
         ReadCase:OwnSubject SupplementCase:OwnSubject WithdrawCase:OwnSubject EvaluateCase:OwnSubject \
         RevealPersonalData:OwnSubject ReadAccessRecords:OwnSubject",
    ),
    (
        ActorKind::Kiosk,
        "ReadViewer ReadCatalogue ReadStatistics ResolveNode VerifyReceipt \
         TrackCase:ByCodeAndSecret SaveDraft:OwnStation SubmitCase:OwnStation SyncKiosk:OwnStation \
         AttachDocument:OwnStation ReadCase:OwnDevice:masked SupplementCase:ByCodeAndSecret \
         WithdrawCase:ByCodeAndSecret EvaluateCase:ByCodeAndSecret",
    ),
    (
        ActorKind::Clerk,
        "ReadViewer ReadCatalogue ReadStatistics ResolveNode VerifyReceipt \
         TrackCase:ByCodeAndSecret SaveDraft:OwnOrganization SubmitCase:OwnOrganization \
         AttachDocument:OwnOrganization ReadDocument:OwnOrganizationOrPast ReadCase:OwnOrganizationOrPast ReadHandoffs:OwnOrganizationOrPast \
         ReadCards:OwnOrganizationOrPast AcceptCase:OwnerOrAddressee DeclineCase:OwnerOrAddressee RequestSupplement:OwnerOrAddressee \
         HandOff:OwnerOrAddressee AcknowledgeHandoff:OwnerOrAddressee RefuseHandoff:OwnerOrAddressee \
         RecallHandoff:OwnerOrAddressee FinishHandoff:OwnerOrAddressee SupplementCase:FirstContactOrOwner \
         WithdrawCase:FirstContactOrOwner AnswerEvaluation:Decider EvaluateHandoff:OwnOrganizationOrPast DeliverResult:OwnerOrDeliveryAddressee \
         RemindHolder:FirstContact AnswerSupervisionOrder:OwnOrganizationOrPast CheckGridEvent:VerifyAddressee \
         RevealPersonalData:Owner FindByApplicant:OwnDesk ReadDeliveries:SendingOrganization ResolveDelivery:SendingOrganization \
         ReadReconciliations:SendingOrganization",
    ),
    (
        ActorKind::Officer,
        "ReadViewer ReadCatalogue ReadStatistics ResolveNode VerifyReceipt \
         TrackCase:ByCodeAndSecret \
         AttachDocument:OwnOrganization ReadDocument:OwnOrganizationOrPast ReadCase:OwnOrganizationOrPast ReadHandoffs:OwnOrganizationOrPast \
         ReadCards:OwnOrganizationOrPast AcceptCase:OwnerOrAddressee DeclineCase:OwnerOrAddressee RequestSupplement:OwnerOrAddressee \
         HandOff:OwnerOrAddressee AcknowledgeHandoff:OwnerOrAddressee RefuseHandoff:OwnerOrAddressee \
         RecallHandoff:OwnerOrAddressee FinishHandoff:OwnerOrAddressee SupplementCase:FirstContactOrOwner \
         WithdrawCase:FirstContactOrOwner AnswerEvaluation:Decider EvaluateHandoff:OwnOrganizationOrPast SpecialProcedure:Owner \
         ExtendCase:OwnerWithApproval DecideCase:Owner DeliverResult:OwnerOrDeliveryAddressee \
         RemindHolder:FirstContact AnswerSupervisionOrder:OwnOrganizationOrPast AppealCard:OwnOrganizationOrPast \
         CheckGridEvent:VerifyAddressee RevealPersonalData:Owner FindByApplicant:OwnDesk ReadDeliveries:SendingOrganization \
         ResolveDelivery:SendingOrganization ReadReconciliations:SendingOrganization",
    ),
    (
        ActorKind::Supervisor,
        "ReadViewer ReadCatalogue ReadStatistics ResolveNode VerifyReceipt \
         TrackCase:ByCodeAndSecret ReadCase:DivisionSubtree:masked ReadHandoffs:DivisionSubtree:masked \
         ReadCards:DivisionSubtree:masked RemindHolder:DivisionSubtree IssueSupervisionOrder:DivisionSubtreeExceptOwn \
         IssueCard:DivisionSubtreeExceptOwn CancelCard:DivisionSubtreeExceptOwn VoidCase:DivisionSubtreeExceptOwn \
         ReopenCase:DivisionSubtreeExceptOwn CheckGridEvent:DivisionSubtreeExceptOwn \
         ReadAccessRecords:DivisionSubtree SearchAccessRecords:DivisionSubtree ReadDeliveries:DivisionSubtree ReadReconciliations:DivisionSubtree",
    ),
    (
        ActorKind::Auditor,
        "ReadViewer ReadCatalogue ReadStatistics ResolveNode VerifyReceipt \
         ReadCase:All:masked ReadHandoffs:All:masked ReadCards:All:masked ReadAccessRecords:All SearchAccessRecords:All ReadAuditLog:All",
    ),
    (
        ActorKind::SystemAdmin,
        "ReadViewer ReadCatalogue ReadStatistics ResolveNode VerifyReceipt \
         ReadDeliveries:All:masked ResolveDelivery:All:masked ReadReconciliations:All:masked Reconcile:All \
         ReadUpstreams:All ManageKiosks:All",
    ),
    (
        ActorKind::SecurityAdmin,
        "ReadViewer ReadCatalogue ReadStatistics ResolveNode VerifyReceipt ManageRoles:All",
    ),
    (
        ActorKind::AuditAdmin,
        "ReadViewer ReadCatalogue ReadStatistics ResolveNode VerifyReceipt ReadAuditLog:All",
    ),
    (
        ActorKind::Upstream,
        "AcceptCase:OwnHandoffs DeclineCase:OwnHandoffs RequestSupplement:OwnHandoffs HandOff:OwnHandoffs \
         AcknowledgeHandoff:OwnHandoffs RefuseHandoff:OwnHandoffs FinishHandoff:OwnHandoffs \
         SpecialProcedure:Proposal DecideCase:Proposal DeliverResult:Proposal",
    ),
    (
        ActorKind::System,
        "ReadCase:All ReadHandoffs:All AcceptCase:All HandOff:All AcknowledgeHandoff:All SpecialProcedure:All \
         ReadDeliveries:All ReadReconciliations:All",
    ),
];

#[test]
fn each_kind_may_do_exactly_what_its_line_says() {
    for kind in KINDS {
        let line = ALLOWED.iter().find(|(its_kind, _)| *its_kind == kind).unwrap().1;
        let granted: Vec<String> = Act::ALL
            .iter()
            .map(|act| (*act, grant(*act, kind)))
            .filter(|(_, grant)| grant.scope != Scope::Never)
            .map(|(act, grant)| match (grant.scope, grant.masked) {
                (Scope::Public, false) => format!("{act:?}"),
                (scope, false) => format!("{act:?}:{scope:?}"),
                (scope, true) => format!("{act:?}:{scope:?}:masked"),
            })
            .collect();
        assert_eq!(granted, line.split_whitespace().collect::<Vec<_>>(), "{kind:?}");
    }
}

#[test]
fn each_field_stands_once_and_has_one_act() {
    for (at, (root, field, act)) in FIELDS.iter().enumerate() {
        assert_eq!(act_of_field(root, field), Some(*act));
        let again = FIELDS
            .iter()
            .skip(at + 1)
            .any(|(r, f, _)| r == root && f == field);
        assert!(!again, "{root}.{field} stands twice");
    }
    assert_eq!(act_of_field("Query", "submitCase"), None);
    assert_eq!(act_of_field("Query", "everything"), None);
    assert_eq!(FIELDS.len(), 70);
}

#[test]
fn nobody_without_a_token_changes_anything_but_by_code_and_secret() {
    for (root, field, act) in FIELDS {
        let scope = grant(*act, ActorKind::Anonymous).scope;
        if *root != "Query" {
            assert!(
                matches!(scope, Scope::Never | Scope::ByCodeAndSecret),
                "{root}.{field}: {scope:?}"
            );
        }
    }
}

#[test]
fn auditors_and_administrators_never_act_on_cases() {
    for (root, field, act) in FIELDS {
        if *root == "Mutation" {
            assert_eq!(grant(*act, ActorKind::Auditor).scope, Scope::Never, "{field}");
        }
    }
    for act in [
        Act::ReadCase,
        Act::ReadHandoffs,
        Act::DecideCase,
        Act::RevealPersonalData,
        Act::VoidCase,
    ] {
        for kind in [
            ActorKind::SystemAdmin,
            ActorKind::SecurityAdmin,
            ActorKind::AuditAdmin,
        ] {
            assert_eq!(grant(act, kind).scope, Scope::Never, "{kind:?}: {act:?}");
        }
    }
}
