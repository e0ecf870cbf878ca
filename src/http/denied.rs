//! Tells the audit log which root fields were asked for by somebody they are not for.

use std::sync::Arc;

use async_graphql::parser::types::{ExecutableDocument, OperationType, Selection, SelectionSet};
use async_graphql::{Name, PathSegment, ServerError};
use onedoor_domain::actor::Actor;
use onedoor_domain::audit::{AuditAction, AuditEntry};
use onedoor_domain::id::AuditEntryId;
use uuid::Uuid;

use crate::clock::SharedClock;
use crate::error::{AppError, ErrorCode};
use crate::graphql::context::CorrelationId;
use crate::graphql::documents::CheckedDocument;
use crate::graphql::precheck::OperationFacts;
use crate::http::caller::Caller;
use crate::http::edge::Edge;
use crate::http::head::Head;
use crate::service::denials::Denials;

/// One operation, as the audit log would name it.
#[derive(Clone)]
pub struct Asked {
    denials: Denials,
    clock: SharedClock,
    actor: Arc<Actor>,
    correlation: CorrelationId,
    document: Arc<CheckedDocument>,
    operation: Option<String>,
    kind: OperationType,
}

impl Asked {
    /// An operation of a caller.
    #[must_use]
    pub fn of(edge: &Edge, caller: &Caller, document: Arc<CheckedDocument>, facts: &OperationFacts) -> Self {
        Self {
            denials: edge.denials.clone(),
            clock: Arc::clone(&edge.clock),
            actor: Arc::clone(&caller.session.actor),
            correlation: caller.head.correlation_id,
            document,
            operation: facts.name.clone(),
            kind: facts.kind,
        }
    }

    /// Notes the denials among the errors of an execution. What a person may not see of a case is noted where that is
    /// found out.
    pub fn look(&self, errors: &[ServerError]) {
        for error in errors {
            if let Some(AppError {
                code: code @ (ErrorCode::Forbidden | ErrorCode::Unauthenticated),
                ..
            }) = error.source::<AppError>()
            {
                self.note(*code, self.root_field(&error.path));
            }
        }
    }

    /// Notes that the whole operation was refused.
    pub fn refused(&self, code: ErrorCode) {
        self.note(code, None);
    }

    fn note(&self, code: ErrorCode, field: Option<String>) {
        let id = AuditEntryId::from_uuid(Uuid::now_v7());
        let entry = AuditEntry::done(id, self.clock.now(), &self.actor, AuditAction::Access)
            .denied()
            .because(code)
            .of_request(self.correlation);
        self.denials.note(AuditEntry {
            object: field,
            ..entry
        });
    }

    /// The root field behind a path, by the schema's name: an alias is a caller's text.
    fn root_field(&self, path: &[PathSegment]) -> Option<String> {
        let Some(PathSegment::Field(key)) = path.first() else {
            return None;
        };
        let document = &self.document.document;
        let named = |name: Option<&Name>| name.map(|it| it.as_str()) == self.operation.as_deref();
        let (_, operation) = document.operations.iter().find(|(name, _)| named(*name))?;
        let field = field_of(document, &operation.node.selection_set.node, key)?;
        let root = match self.kind {
            OperationType::Query => "Query",
            OperationType::Mutation => "Mutation",
            OperationType::Subscription => "Subscription",
        };
        Some(format!("{root}.{field}"))
    }
}

/// Notes that a page or file, named by us, was refused.
pub fn refused(edge: &Edge, head: &Head, actor: &Actor, what: &str, code: ErrorCode) {
    let id = AuditEntryId::from_uuid(Uuid::now_v7());
    let entry = AuditEntry::done(id, edge.clock.now(), actor, AuditAction::Access)
        .denied()
        .on(what)
        .because(code)
        .of_request(head.correlation_id);
    edge.denials.note(entry);
}

/// The field that answers under a key. Fragments do not go round: the document was checked.
fn field_of<'a>(document: &'a ExecutableDocument, set: &'a SelectionSet, key: &str) -> Option<&'a str> {
    set.items.iter().find_map(|item| match &item.node {
        Selection::Field(field) => {
            (field.node.response_key().node.as_str() == key).then(|| field.node.name.node.as_str())
        }
        Selection::InlineFragment(inline) => field_of(document, &inline.node.selection_set.node, key),
        Selection::FragmentSpread(spread) => {
            let fragment = document.fragments.get(&spread.node.fragment_name.node)?;
            field_of(document, &fragment.node.selection_set.node, key)
        }
    })
}
