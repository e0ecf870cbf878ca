//! Who sees which field of which type: the policy's table below the root fields.
//!
//! A type or field of the schema that no row names fails the matrix test, which asks every field as everybody and compares
//! what comes with this table. The resolvers of fields that not every reader of a case sees ask [`sees`], so that the
//! table is what happens.

use super::Act;
use crate::case::event::Event;

/// How much of a case a reader sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sight {
    /// The applicant, or whoever holds code and secret: everything said to them, personal data masked.
    Applicant,
    /// An organization that holds the case or was handed it: texts of the file, personal data masked.
    Office,
    /// An organization that handed it on: the file as it was at the end of its own part, and nothing later.
    Past,
    /// Supervision and audit: what happened, and the texts of supervision itself.
    Supervision,
    /// Kiosks: what happened, without texts.
    Masked,
}

impl Sight {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Applicant,
        Self::Office,
        Self::Past,
        Self::Supervision,
        Self::Masked,
    ];
}

/// Who sees a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Seen {
    /// Everybody: it is public, or says of the viewer what the viewer is.
    Everybody,
    /// Whoever sees the case it belongs to, as much of it as they see.
    Case,
    /// The same, but not whose part has ended: it tells of the present.
    Present,
    /// Those to whom the words of the file are told: the applicant and offices.
    Told,
    /// Offices alone.
    Offices,
    /// A text, by the event it belongs to: [`words`].
    Words,
    /// The two offices of a handoff, and supervision.
    Parties,
    /// The person whose data it is, and supervision: who looked at it.
    Watched,
    /// Kinds of actor that may do this act, of things in its scope.
    By(Act),
    /// Whoever asked: the answer to their own act.
    Asker,
}

impl Seen {
    /// Whether a reader of a case may see it; of what does not go by sight alone, whether any reader of this sight may.
    #[must_use]
    pub const fn by(self, sight: Sight) -> bool {
        match self {
            Self::Everybody | Self::Case | Self::By(_) | Self::Asker => true,
            Self::Present => !matches!(sight, Sight::Past),
            Self::Told => matches!(sight, Sight::Applicant | Sight::Office | Sight::Past),
            Self::Offices => matches!(sight, Sight::Office | Sight::Past),
            Self::Words => !matches!(sight, Sight::Masked),
            Self::Watched => matches!(sight, Sight::Applicant | Sight::Supervision),
            Self::Parties => matches!(sight, Sight::Office | Sight::Past | Sight::Supervision),
        }
    }
}

/// Which texts of an event a reader sees: an office those of the file, the applicant what was said to them, supervision its
/// own, others none.
#[must_use]
pub const fn words(sight: Sight, event: &Event) -> bool {
    match sight {
        // what two offices say of each other is told at their handoff, to them alone
        Sight::Office | Sight::Past => !matches!(event, Event::HandoffEvaluated { .. }),
        Sight::Applicant => matches!(
            event,
            Event::Decided { .. }
                | Event::HandoffRefused { .. }
                | Event::Declined { .. }
                | Event::SupplementRequested { .. }
                | Event::SpecialProcedureBegun { .. }
                | Event::Extended { .. }
                | Event::Withdrawn
                | Event::Voided
                | Event::Evaluated { .. }
        ),
        Sight::Supervision => matches!(
            event,
            Event::CardRaised { .. }
                | Event::CardAppealed { .. }
                | Event::CardCancelled { .. }
                | Event::HolderReminded { .. }
                | Event::SupervisionOrdered { .. }
                | Event::SupervisionAnswered { .. }
                | Event::Reopened
        ),
        Sight::Masked => false,
    }
}

/// Who sees a field of an object type; `None` when the table has no row for it, which fails the matrix test. Connections
/// and edges are seen as what they list, payloads and their errors by whoever acted.
#[must_use]
pub fn seen(object: &str, field: &str) -> Option<Seen> {
    if object.ends_with("Payload") || object.ends_with("UserError") {
        return Some(Seen::Asker);
    }
    let listed = object.strip_suffix("Connection").or(object.strip_suffix("Edge"));
    if let Some(listed) = listed {
        let row = TYPES.iter().find(|(name, _, _)| *name == listed);
        return row.map(|(_, seen, _)| *seen);
    }
    TYPES
        .iter()
        .find(|(name, _, fields)| *name == object && fields.split_whitespace().any(|one| one == field))
        .map(|(_, seen, _)| *seen)
}

/// Whether a reader of a case sees a field of it; a field without a row is seen by nobody.
#[must_use]
pub fn sees(object: &str, field: &str, sight: Sight) -> bool {
    seen(object, field).is_some_and(|seen| seen.by(sight))
}

/// The table: type, who sees, which of its fields. The first row of a type is its rule, later ones are its exceptions.
pub const TYPES: &[(&str, Seen, &str)] = &[
    (
        "AccessRecord",
        Seen::Watched,
        "actorKind at caseId fields id kind organization outcome person purpose purposeText trackingCode",
    ),
    ("AccessRecord", Seen::By(Act::SearchAccessRecords), "subject"),
    (
        "Admission",
        Seen::Everybody,
        "approver divisionCode fundsNote list number validFrom validTo",
    ),
    ("Applicant", Seen::Case, "idNumber kind name phone"),
    (
        "AuditLogEntry",
        Seen::By(Act::ReadAuditLog),
        "action actorKind at correlationId id object organization outcome reason subject times",
    ),
    (
        "Board",
        Seen::By(Act::ReadHandoffs),
        "byDay counts page silent undelivered",
    ),
    ("BoardCount", Seen::By(Act::ReadHandoffs), "count late state"),
    (
        "BoardDay",
        Seen::By(Act::ReadHandoffs),
        "count daysLeft dueDate late",
    ),
    (
        "Calendar",
        Seen::Everybody,
        "addWorkingDays dueDate isWorkingDay number version",
    ),
    (
        "Card",
        Seen::Case,
        "appealedAt cancelledAt case cause clock desk division dueAt epoch holder id isCurrent level raisedAt \
         rung state undelivered",
    ),
    (
        "Case",
        Seen::Case,
        "acceptedAt applicant availableActions availableHandoffKinds backAndForth card cards channel clocks \
         completedAt decidedAt decision deliveredAt division divisionCode divisionName dueAt evaluation \
         extendedByWorkingDays externalNumbers firstContact grid handoffTimeline handoffs id isOverdue kind \
         nextStep owedMaterials owner receipts serviceItem status statusText submittedAt supervisionOrders \
         supplements timeline trackingCode version",
    ),
    ("Case", Seen::Watched, "accessRecords"),
    ("Case", Seen::Told, "documents"),
    ("CaseChange", Seen::Case, "at case"),
    ("Changes", Seen::Case, "changes cursor hasMore"),
    (
        "Clock",
        Seen::Case,
        "dueAt dueDate isOverdue kind limit provisional remaining startedAt state step stoppedAt",
    ),
    (
        "Delivery",
        Seen::By(Act::ReadDeliveries),
        "attempts availableActions caseId changedAt createdAt handoffId id lastAttempts nextAttemptAt \
         operation operatorContact reason reportDueAt state stateText trackingCode upstream upstreamTitle \
         version",
    ),
    (
        "DeliveryAttempt",
        Seen::By(Act::ReadDeliveries),
        "evidence finishedAt number outcome startedAt",
    ),
    (
        "Division",
        Seen::Everybody,
        "ancestors children code codes counted id kind level name organizations parent setting \
         successor validTo",
    ),
    ("Division", Seen::By(Act::ReadCase), "loopClosure"),
    (
        "DivisionCodeEntry",
        Seen::Everybody,
        "code name system validFrom validTo",
    ),
    (
        "Document",
        Seen::Told,
        "fileName id joinedAt material mediaType sha256 sizeBytes state uploadedAt",
    ),
    ("DownloadTicket", Seen::Asker, "expiresAt url"),
    (
        "Draft",
        Seen::By(Act::SaveDraft),
        "content createdAt id savedAt serviceItem",
    ),
    (
        "DueDate",
        Seen::Everybody,
        "calendarVersion date lateAt provisional",
    ),
    (
        "Evaluation",
        Seen::Case,
        "at code contactedAt followedUpAt grade negative rectifiedAt stars",
    ),
    ("ExternalNumber", Seen::Case, "number upstream"),
    ("FollowedCase", Seen::Case, "at case cursor"),
    ("GradeCount", Seen::Everybody, "code count grade stars"),
    ("GridLoop", Seen::Case, "checkedAt failedChecks reopenings status"),
    ("HandedMaterial", Seen::Case, "hash material"),
    (
        "Handoff",
        Seen::Case,
        "acknowledgedAt admission case closedAt dueAt from id isOverdue kind materials offeredAt opinion \
         originals owning refusalReason required sentAt seq slip state step to upstream version",
    ),
    ("Handoff", Seen::Offices, "acknowledgedBy offeredBy"),
    ("Handoff", Seen::By(Act::ReadDeliveries), "deliveries"),
    ("Handoff", Seen::Parties, "evaluations"),
    ("Handoff", Seen::Present, "upstreamStatus"),
    (
        "HandoffAcknowledged",
        Seen::Case,
        "actorKind at cardId cardRung event forApplicant handoff handoffId hash materials onBehalfOf \
         organization ownerChanged refusalReason seq supervisionOrderId upstream",
    ),
    ("HandoffAcknowledged", Seen::Words, "remedy text"),
    (
        "HandoffChanged",
        Seen::Case,
        "actorKind at cardId cardRung event forApplicant handoff handoffId hash materials onBehalfOf \
         organization refusalReason seq supervisionOrderId upstream",
    ),
    ("HandoffChanged", Seen::Words, "remedy text"),
    (
        "HandoffDone",
        Seen::Case,
        "actorKind at cardId cardRung event forApplicant handoff handoffId hash materials onBehalfOf opinion \
         organization refusalReason seq supervisionOrderId upstream",
    ),
    ("HandoffDone", Seen::Words, "remedy text"),
    (
        "HandoffEvaluation",
        Seen::Parties,
        "at by code comment grade negative of stars",
    ),
    (
        "HandoffExpired",
        Seen::Case,
        "actorKind at cardId cardRung event forApplicant handoff handoffId hash materials onBehalfOf \
         organization refusalReason seq supervisionOrderId upstream",
    ),
    ("HandoffExpired", Seen::Words, "remedy text"),
    (
        "HandoffNews",
        Seen::Case,
        "actorKind at cardId cardRung event forApplicant handoff handoffId hash materials onBehalfOf \
         organization outOfOrder refusalReason said seq supervisionOrderId upstream waitsForPapers",
    ),
    ("HandoffNews", Seen::Words, "remedy text"),
    (
        "HandoffOffered",
        Seen::Case,
        "actorKind at cardId cardRung event forApplicant handoff handoffId hash materials onBehalfOf \
         organization originals refusalReason seq slip supervisionOrderId upstream",
    ),
    ("HandoffOffered", Seen::Words, "remedy text"),
    (
        "HandoffRecalled",
        Seen::Case,
        "actorKind at cardId cardRung event forApplicant handoff handoffId hash materials onBehalfOf \
         organization refusalReason seq supervisionOrderId upstream",
    ),
    ("HandoffRecalled", Seen::Words, "remedy text"),
    (
        "HandoffRefused",
        Seen::Case,
        "actorKind at cardId cardRung event forApplicant handoff handoffId hash materials onBehalfOf \
         organization refusalReason seq supervisionOrderId upstream",
    ),
    ("HandoffRefused", Seen::Words, "remedy text"),
    (
        "HandoffSent",
        Seen::Case,
        "actorKind at cardId cardRung event forApplicant handoff handoffId hash materials onBehalfOf \
         organization refusalReason seq supervisionOrderId upstream",
    ),
    ("HandoffSent", Seen::Words, "remedy text"),
    (
        "HandoffWaived",
        Seen::Case,
        "actorKind at cardId cardRung event forApplicant handoff handoffId hash materials onBehalfOf \
         organization refusalReason seq supervisionOrderId upstream",
    ),
    ("HandoffWaived", Seen::Words, "remedy text"),
    ("HandoffsChange", Seen::By(Act::ReadHandoffs), "at case cursor"),
    (
        "Kiosk",
        Seen::By(Act::ManageKiosks),
        "appVersion clockAheadSeconds codeExpiresAt counter createdAt endedAt enrolledAt id keyThumbprint \
         lastSeenAt name queueLength silent state station",
    ),
    (
        "KioskItemResult",
        Seen::Asker,
        "case idempotencyKey outcome provisionalNumber receipt retryAfterMs trackingSecret userErrors warnings",
    ),
    ("Limit", Seen::Everybody, "unit value"),
    ("LoopClosure", Seen::By(Act::ReadCase), "bySetting total"),
    (
        "LoopFigures",
        Seen::By(Act::ReadCase),
        "checked closureRate failedChecks fedBack reopenings reported setting",
    ),
    (
        "Material",
        Seen::Everybody,
        "code deferAllowed form fromSharedData name producedBy required",
    ),
    ("MaterialNote", Seen::Asker, "material note"),
    ("NextStep", Seen::Case, "dueAt kind organization text"),
    (
        "Organization",
        Seen::Everybody,
        "code division hasSystem id kind level name role successor",
    ),
    ("OwedMaterial", Seen::Case, "broughtAt due material missed"),
    (
        "PageInfo",
        Seen::Everybody,
        "endCursor hasNextPage hasPreviousPage startCursor",
    ),
    (
        "PersonalData",
        Seen::Asker,
        "addresses contactName erased form idNumber materialNotes name phone",
    ),
    (
        "Receipt",
        Seen::Case,
        "applicantMasked capturedAt eventAt id keyId kind ledgerHash ledgerSeq promisedDate provisionalNumber qrPayload signature text trackingCode \
         verifyUrl",
    ),
    ("Receipt", Seen::Told, "canonical"),
    (
        "ReceiptVerification",
        Seen::Everybody,
        "eventAt kind ledgerSeq message organization promisedDate serviceItem trackingCode verdict",
    ),
    (
        "Reconciliation",
        Seen::By(Act::ReadReconciliations),
        "checked differences differing endedAt id reason requestedAt resolved startedAt state trigger \
         unanswered unsettled upstream",
    ),
    (
        "ReconciliationDifference",
        Seen::By(Act::ReadReconciliations),
        "asOf case firstSeenAt id kind lastSeenAt number ours resolvedAt text theirs upstream",
    ),
    ("ResolvedStep", Seen::Everybody, "candidates organization step"),
    (
        "Revocation",
        Seen::By(Act::ManageRoles),
        "endsAt id issuedBefore issuer kind reason revokedAt revokedBy value",
    ),
    (
        "RouteStep",
        Seen::Everybody,
        "accepts action assignment atLeast clock decides handoff index level limit parallelGroup role unit",
    ),
    ("Satisfaction", Seen::Everybody, "bySetting total"),
    (
        "SatisfactionFigures",
        Seen::Everybody,
        "evaluated grades positiveRate setting",
    ),
    (
        "ServiceItem",
        Seen::Everybody,
        "admissions applicant caseKind catalogCode code form id itemType lineAgency materials name \
         processingType promisedBasis promisedLimit route routeFor statutoryBasis statutoryLimit version",
    ),
    ("SubmitWarning", Seen::Everybody, "field message"),
    (
        "SupervisionOrder",
        Seen::Case,
        "answeredAt division dueAt id issuedAt to",
    ),
    ("Supplement", Seen::Case, "beforeAcceptance broughtAt materials"),
    (
        "TimelineEvent",
        Seen::Case,
        "actorKind at cardId cardRung event forApplicant handoffId hash materials onBehalfOf organization \
         refusalReason seq supervisionOrderId upstream",
    ),
    ("TimelineEvent", Seen::Words, "remedy text"),
    (
        "UndeliveredCount",
        Seen::By(Act::ReadDeliveries),
        "count oldestAt state",
    ),
    ("UploadTicket", Seen::Asker, "document expiresAt mediaType url"),
    (
        "UpstreamStatus",
        Seen::Present,
        "asOf changedAt source stale state upstream version",
    ),
    (
        "UpstreamSystem",
        Seen::By(Act::ReadUpstreams),
        "backlog breaker capabilities carriesItems goneAt idempotency lastFailure lastFailureAt lastSuccessAt \
         name oldestAt operatorContact protocol retriesAvailable silent title",
    ),
    (
        "Viewer",
        Seen::Everybody,
        "division drafts kind organization serverTime subject",
    ),
];

#[cfg(test)]
mod tests;
