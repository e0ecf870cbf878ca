//! The schema: its three roots joined, and its text.

use async_graphql::{MergedObject, MergedSubscription, SDLExportOptions, Schema, SchemaBuilder};

use super::descriptions::Descriptions;
use super::mutation::acceptance::AcceptanceMutations;
use super::mutation::access::AccessMutations;
use super::mutation::applicant::ApplicantMutations;
use super::mutation::attachments::AttachmentMutations;
use super::mutation::cases::CaseMutations;
use super::mutation::deliveries::DeliveryMutations;
use super::mutation::evaluation::EvaluationMutations;
use super::mutation::grid::GridMutations;
use super::mutation::hands::HandMutations;
use super::mutation::intake::IntakeMutations;
use super::mutation::kiosks::KioskMutations;
use super::mutation::privacy::PrivacyMutations;
use super::mutation::reconciliations::ReconciliationMutations;
use super::mutation::special::SpecialMutations;
use super::mutation::supervision::SupervisionMutations;
use super::mutation::sync::SyncMutations;
use super::query::access::AccessQueries;
use super::query::audit::AuditQueries;
use super::query::board::BoardQueries;
use super::query::calendar::CalendarQuery;
use super::query::cards::CardQueries;
use super::query::cases::CaseQueries;
use super::query::catalogue::CatalogueQuery;
use super::query::changes::ChangeQueries;
use super::query::divisions::DivisionQuery;
use super::query::kiosks::KioskQueries;
use super::query::organizations::OrganizationQuery;
use super::query::receipts::ReceiptQueries;
use super::query::reconciliations::ReconciliationQueries;
use super::query::revocations::RevocationQueries;
use super::query::statistics::StatisticsQuery;
use super::query::upstreams::UpstreamQueries;
use super::query::viewer::ViewerQueries;
use super::subscription::Subscriptions;
use super::user_error::UserError;

/// What can be read.
#[derive(MergedObject, Default)]
pub struct Query(
    ViewerQueries,
    CatalogueQuery,
    DivisionQuery,
    OrganizationQuery,
    CalendarQuery,
    CaseQueries,
    StatisticsQuery,
    BoardQueries,
    ChangeQueries,
    CardQueries,
    UpstreamQueries,
    ReceiptQueries,
    ReconciliationQueries,
    AuditQueries,
    RevocationQueries,
    KioskQueries,
    AccessQueries,
);

/// What can be done.
#[derive(MergedObject, Default)]
pub struct Mutation(
    IntakeMutations,
    CaseMutations,
    HandMutations,
    AcceptanceMutations,
    ApplicantMutations,
    SpecialMutations,
    SupervisionMutations,
    GridMutations,
    EvaluationMutations,
    DeliveryMutations,
    ReconciliationMutations,
    AccessMutations,
    KioskMutations,
    SyncMutations,
    PrivacyMutations,
    AttachmentMutations,
);

/// What can be followed.
#[derive(MergedSubscription, Default)]
pub struct Subscription(Subscriptions);

/// A builder of the schema, without its data.
#[must_use]
pub fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query::default(), Mutation::default(), Subscription::default())
        .register_output_type::<UserError>()
        .register_output_type::<Descriptions>()
}

/// The schema as text, sorted: `schema.graphql`, the public contract.
#[must_use]
pub fn sdl() -> String {
    let options = SDLExportOptions::new()
        .sorted_arguments()
        .sorted_enum_items()
        .sorted_fields()
        .include_specified_by();
    builder().finish().sdl_with_options(options)
}
