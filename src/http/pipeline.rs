//! The way of one operation, the same for every transport: find, price, choose, read variables, pay, execute.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType,
};
use async_graphql::{Positioned, Request, Response, Value};
use futures_util::future::FutureExt as _;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use tracing::Instrument as _;

use crate::error::{AppError, ErrorCode};
use crate::graphql::coerce::{self, Fault, Misfit};
use crate::graphql::complexity::complexity;
use crate::graphql::context::RequestContext;
use crate::graphql::documents::{CheckedDocument, DocumentFault, Loaded, hash};
use crate::graphql::limits::{Excess, Limit, excess};
use crate::graphql::loaders::Loaders;
use crate::graphql::mask::{Mask, PublicError};
use crate::graphql::omitted;
use crate::graphql::precheck::OperationFacts;
use crate::graphql::trusted::parse_hash;
use crate::http::answer::Answer;
use crate::http::batches::Batches;
use crate::http::caller::Caller;
use crate::http::crowd::{Full, Place};
use crate::http::denied::Asked;
use crate::http::edge::Edge;
use crate::http::envelope::Envelope;
use crate::http::head::Head;
use crate::http::home::AtHome;
use crate::http::metrics::{Outcome, UNREGISTERED};
use crate::http::status::Phase;
use crate::telemetry::traces;

/// Which kinds of operation a transport carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carries {
    /// GET: queries.
    Queries,
    /// POST: queries and mutations.
    QueriesAndMutations,
    /// A socket, and GET for an event stream: queries and subscriptions.
    QueriesAndSubscriptions,
    /// POST for an event stream.
    Everything,
}

/// An operation that may execute.
pub struct Prepared {
    request: Request,
    kind: OperationType,
    /// The registered name of its document, or [`UNREGISTERED`].
    name: String,
    /// How the audit log would name it.
    asked: Asked,
    /// What it holds of the gateway while it executes.
    place: Place,
}

/// Takes a request through every phase before execution.
///
/// # Errors
/// The answer that says what is wrong. Refused requests spend one field of the caller's budget, unless the gateway had
/// no place for them.
pub async fn prepare(
    edge: &Edge,
    caller: &Caller,
    envelope: Envelope,
    carries: Carries,
) -> Result<Prepared, Answer> {
    let place = edge.crowd.enter().map_err(|full| shed(&caller.head, full))?;
    let refusal = match find_and_check(edge, caller, envelope, carries, place).await {
        Ok(prepared) => return Ok(prepared),
        Err(refusal) => refusal,
    };
    edge.metrics.rejected(refusal.reason);
    let limited = refusal.answer.phase == Phase::Transport(ErrorCode::RateLimited);
    if limited {
        return Err(refusal.answer);
    }
    spend(edge, caller, 1).await.map_err(|limited| limited.answer)?;
    Err(refusal.answer)
}

/// The answer to a request that has no place; nothing more than its head was looked at.
#[must_use]
pub fn shed(head: &Head, full: Full) -> Answer {
    Answer::refused(
        Phase::Transport(ErrorCode::Overloaded),
        vec![head.mask().unlogged(&full.error())],
    )
}

/// Executes a query or mutation.
pub async fn execute(edge: &Arc<Edge>, caller: &Caller, prepared: Prepared) -> Answer {
    let mask = caller.head.mask();
    let Prepared {
        request,
        kind,
        name,
        asked,
        place,
    } = prepared;
    let told = |response: Response| {
        asked.look(&response.errors);
        executed(&mask, response)
    };
    let began = Instant::now();
    let executor = Arc::clone(&edge.executor);
    let span = tracing::debug_span!(
        "graphql", otel.kind = "server", graphql.operation.kind = %kind, graphql.operation.name = name,
        correlation.id = %caller.head.correlation_id
    );
    traces::follow(&span, caller.traceparent.as_deref());
    let run = AssertUnwindSafe(async move {
        let _held = place;
        executor.execute(request).await
    })
    .catch_unwind()
    .instrument(span);
    let answer = match kind {
        OperationType::Mutation => {
            // In a task of its own: a caller who goes away does not cut it, and a graceful stop waits for it.
            match edge.mutations.spawn_on(run, &edge.runtime).await {
                Ok(Ok(response)) => told(response),
                Ok(Err(_panic)) => panicked(&mask),
                Err(cut) => failed(&mask, &AppError::internal(cut)),
            }
        }
        OperationType::Query | OperationType::Subscription => {
            let limit = Duration::from_millis(edge.settings.limits.query_timeout_ms);
            match tokio::time::timeout(limit, AtHome::new(&edge.runtime, Box::pin(run))).await {
                Ok(Ok(response)) => told(response),
                Ok(Err(_panic)) => panicked(&mask),
                Err(_elapsed) => failed(&mask, &AppError::of(ErrorCode::QueryTimeout)),
            }
        }
    };
    edge.metrics.executed(
        kind,
        &name,
        Outcome::of(answer.phase),
        began.elapsed().as_secs_f64(),
    );
    answer
}

/// Executes anything as a stream of answers: one for a query or mutation, any number for a subscription.
pub fn execute_stream(edge: &Arc<Edge>, caller: &Caller, prepared: Prepared) -> BoxStream<'static, Answer> {
    match prepared.kind {
        OperationType::Query | OperationType::Mutation => {
            let (edge, caller) = (Arc::clone(edge), caller.clone());
            stream::once(async move { execute(&edge, &caller, prepared).await }).boxed()
        }
        OperationType::Subscription => {
            let mask = caller.head.mask();
            edge.metrics.subscribed(&prepared.name);
            // It may last for days: from here on its own limits hold it, not a place.
            drop(prepared.place);
            let asked = prepared.asked;
            let events = edge.executor.execute_stream(prepared.request);
            AssertUnwindSafe(AtHome::new(&edge.runtime, events))
                .catch_unwind()
                .map(move |event| match event {
                    Ok(response) => {
                        asked.look(&response.errors);
                        executed(&mask, response)
                    }
                    Err(_panic) => panicked(&mask),
                })
                .boxed()
        }
    }
}

/// An answer that refuses, and the word it is counted under.
struct Refusal {
    answer: Answer,
    reason: &'static str,
}

fn refuse(phase: Phase, reason: &'static str, errors: Vec<PublicError>) -> Refusal {
    Refusal {
        answer: Answer::refused(phase, errors),
        reason,
    }
}

async fn find_and_check(
    edge: &Edge,
    caller: &Caller,
    envelope: Envelope,
    carries: Carries,
    place: Place,
) -> Result<Prepared, Refusal> {
    let mask = caller.head.mask();
    let loaded = find(edge, caller, &envelope).await?;
    edge.metrics.measured(&loaded.measured);
    let checked = loaded.document;
    let name = trusted_name(edge, &mask, &checked)?;
    let (facts, operation) = choose(&checked, envelope.operation_name.as_deref()).ok_or_else(|| {
        let (zh, en) = (
            "请用 operationName 指明文档中的一个操作。",
            "Name one operation of the document in operationName.",
        );
        let error = mask.detail(ErrorCode::BadUserInput, zh.to_owned(), en.to_owned());
        refuse(Phase::Check, "operation_name", vec![error])
    })?;
    check_kind(&mask, facts.kind, carries)?;
    let asked = Asked::of(edge, caller, Arc::clone(&checked), facts);
    let batches = Batches::of(&operation.node, &checked.document, &envelope.variables);
    check_size(&mask, envelope.oversized, batches)?;
    if facts.cost.introspection_depth > 0 && !edge.may_introspect(&caller.session) {
        asked.refused(ErrorCode::IntrospectionDisabled);
        return Err(transport(
            &mask,
            ErrorCode::IntrospectionDisabled,
            "introspection",
        ));
    }
    let mut variables = envelope.variables;
    coerce::check(edge.executor.types(), &operation.node, &variables).map_err(|it| unfit(&mask, &it))?;
    if facts.mixed_literals {
        let document = &checked.document;
        let validated = edge.executor.validate(document, variables.clone()).await;
        validated.map_err(|errors| refuse(Phase::Coerce, "variables", mask.invalid(errors)))?;
    }
    check_complexity(edge, &mask, &checked, &operation.node, &variables)?;
    spend(edge, caller, batches.price(facts.cost.fields)).await?;
    let omitted = omitted::omitted(&operation.node, &variables);
    // @skip and @include of the executing crate do not know defaults, so they are filled in here.
    for definition in &operation.node.variable_definitions {
        if let Some(default) = &definition.node.default_value {
            variables
                .entry(definition.node.name.node.clone())
                .or_insert_with(|| default.node.clone());
        }
    }
    let mut operation = operation.clone();
    let mut fragments = checked.document.fragments.clone();
    omitted::remove(&mut operation.node, &mut fragments, &omitted);
    let mut request = Request::new(String::new())
        .variables(variables)
        .data(RequestContext {
            actor: Arc::clone(&caller.session.actor),
            language: caller.head.language,
            correlation_id: caller.head.correlation_id,
            document_hash: checked.hash,
            source: caller.head.source,
            anonymous: caller.anonymous(),
            loaders: Loaders::default(),
        });
    request.set_parsed_query(ExecutableDocument {
        operations: DocumentOperations::Single(operation),
        fragments,
    });
    Ok(Prepared {
        request,
        kind: facts.kind,
        name,
        asked,
        place,
    })
}

async fn find(edge: &Edge, caller: &Caller, envelope: &Envelope) -> Result<Loaded, Refusal> {
    let mask = caller.head.mask();
    let anonymous = caller.anonymous();
    let unknown = || {
        refuse(
            Phase::Check,
            "persisted_query",
            vec![mask.code(ErrorCode::PersistedQueryNotFound)],
        )
    };
    let registered = match envelope.document_id.as_deref() {
        Some(id) => Some(edge.trusted.text(id).ok_or_else(unknown)?),
        None => None,
    };
    let found = match (
        registered.or(envelope.query.as_deref()),
        envelope.persisted_hash.as_deref(),
    ) {
        (None, None) => return Err(transport(&mask, ErrorCode::BadRequest, "envelope")),
        (None, Some(claimed)) => {
            let claimed = parse_hash(claimed).ok_or_else(unknown)?;
            edge.documents
                .find(&claimed, anonymous)
                .await
                .transpose()
                .ok_or_else(unknown)?
        }
        (Some(text), claimed) => {
            let too_long = text.len() > edge.settings.limits.document_max_bytes;
            if !too_long && claimed.is_some_and(|it| parse_hash(it) != Some(hash(text))) {
                let (zh, en) = (
                    "sha256Hash 与查询文本不符。",
                    "sha256Hash is not the hash of the query.",
                );
                let error = mask.detail(ErrorCode::BadUserInput, zh.to_owned(), en.to_owned());
                return Err(refuse(
                    Phase::Transport(ErrorCode::BadRequest),
                    "persisted_query",
                    vec![error],
                ));
            }
            if edge.trusted.enforced() && !too_long && edge.trusted.name(&hash(text)).is_none() {
                let error = mask.code(ErrorCode::DocumentNotTrusted);
                return Err(refuse(Phase::Check, "document_not_trusted", vec![error]));
            }
            edge.documents.load(text, anonymous, edge.executor.as_ref()).await
        }
    };
    found.map_err(|fault| faulty(&mask, fault))
}

fn faulty(mask: &Mask, fault: DocumentFault) -> Refusal {
    match fault {
        DocumentFault::Excess(Excess {
            limit: Limit::DocumentBytes,
            ..
        }) => transport(mask, ErrorCode::PayloadTooLarge, Limit::DocumentBytes.as_str()),
        DocumentFault::Excess(found) => over_limit(mask, found),
        DocumentFault::Syntax(error) => refuse(Phase::Parse, "syntax", vec![mask.syntax(&error)]),
        DocumentFault::RepeatedInputField => {
            let (zh, en) = ("输入对象中有重复的字段。", "An input object names a field twice.");
            let error = mask.detail(ErrorCode::ValidationFailed, zh.to_owned(), en.to_owned());
            refuse(Phase::Validate, "validation", vec![error])
        }
        DocumentFault::Invalid(errors) => refuse(Phase::Validate, "validation", mask.invalid(errors)),
    }
}

fn over_limit(mask: &Mask, found: Excess) -> Refusal {
    let name = found.limit.as_str();
    let error = if found.limit == Limit::FragmentCycle {
        mask.detail(
            ErrorCode::OperationLimit,
            "片段循环引用自身。".to_owned(),
            "A fragment spreads itself.".to_owned(),
        )
    } else {
        mask.detail(
            ErrorCode::OperationLimit,
            format!("查询超出限制 {name}（最多 {}），请拆分或缩小后重发。", found.max),
            format!(
                "The operation passes the limit {name} (at most {}); split it or ask for less.",
                found.max
            ),
        )
    };
    refuse(Phase::Check, name, vec![error])
}

fn trusted_name(edge: &Edge, mask: &Mask, checked: &CheckedDocument) -> Result<String, Refusal> {
    match edge.trusted.name(&checked.hash) {
        Some(name) => Ok(name.to_owned()),
        None if edge.trusted.enforced() => Err(refuse(
            Phase::Check,
            "document_not_trusted",
            vec![mask.code(ErrorCode::DocumentNotTrusted)],
        )),
        None => {
            if !edge.trusted.is_empty() {
                edge.metrics.would_reject("document_not_trusted");
            }
            Ok(UNREGISTERED.to_owned())
        }
    }
}

/// The operation of that name, or the only one.
fn choose<'a>(
    checked: &'a CheckedDocument,
    name: Option<&str>,
) -> Option<(&'a OperationFacts, &'a Positioned<OperationDefinition>)> {
    let facts = match name {
        Some(_) => checked.operations.iter().find(|it| it.name.as_deref() == name)?,
        None => match checked.operations.as_slice() {
            [only] => only,
            _ => return None,
        },
    };
    let mut operations = checked.document.operations.iter();
    let operation = operations.find(|(found, _)| found.map(|it| it.as_str()) == facts.name.as_deref())?;
    Some((facts, operation.1))
}

fn check_kind(mask: &Mask, kind: OperationType, carries: Carries) -> Result<(), Refusal> {
    match (kind, carries) {
        (OperationType::Query, _)
        | (OperationType::Mutation, Carries::QueriesAndMutations | Carries::Everything)
        | (OperationType::Subscription, Carries::QueriesAndSubscriptions | Carries::Everything) => Ok(()),
        (OperationType::Mutation, Carries::Queries | Carries::QueriesAndSubscriptions) => {
            Err(transport(mask, ErrorCode::MethodNotAllowed, "method"))
        }
        (OperationType::Subscription, Carries::Queries | Carries::QueriesAndMutations) => {
            let error = mask.detail(
                ErrorCode::NotAcceptable,
                "订阅请用 WebSocket 或 Accept: text/event-stream。".to_owned(),
                "Subscribe over WebSocket or with Accept: text/event-stream.".to_owned(),
            );
            Err(refuse(
                Phase::Transport(ErrorCode::NotAcceptable),
                "method",
                vec![error],
            ))
        }
    }
}

/// Only a batch of a kiosk, and nothing beside it, may be larger than `server.body_max_bytes`.
fn check_size(mask: &Mask, oversized: bool, batches: Batches) -> Result<(), Refusal> {
    if oversized && !batches.alone {
        return Err(transport(mask, ErrorCode::PayloadTooLarge, "body"));
    }
    Ok(())
}

fn check_complexity(
    edge: &Edge,
    mask: &Mask,
    checked: &CheckedDocument,
    operation: &OperationDefinition,
    variables: &async_graphql::Variables,
) -> Result<(), Refusal> {
    let config = &edge.settings.limits;
    let found = complexity(edge.executor.types(), &checked.document, operation, variables);
    match excess(config, Limit::Complexity, found, config.complexity_max) {
        Some(over) if over.refused => Err(over_limit(mask, over)),
        Some(over) => {
            edge.metrics.measured(&[over]);
            Ok(())
        }
        None => Ok(()),
    }
}

fn unfit(mask: &Mask, misfit: &Misfit) -> Refusal {
    let place = &misfit.place;
    let (zh, en) = match &misfit.fault {
        Fault::Missing => (format!("缺少必填参数 {place}。"), format!("{place} is required.")),
        Fault::NotA(name) => (
            format!("参数 {place} 不是有效的 {name}。"),
            format!("{place} is not a valid {name}."),
        ),
        Fault::UnknownField => (
            format!("参数 {place} 含有未定义的字段。"),
            format!("{place} has a field that its type does not know."),
        ),
        Fault::NotOneOf => (
            format!("参数 {place} 须恰好给出一个字段。"),
            format!("{place} must have exactly one field."),
        ),
        Fault::ReservedText => (
            "参数含有保留文本。".to_owned(),
            "The variables contain a reserved text.".to_owned(),
        ),
    };
    refuse(
        Phase::Coerce,
        "variables",
        vec![mask.detail(ErrorCode::BadUserInput, zh, en)],
    )
}

async fn spend(edge: &Edge, caller: &Caller, fields: u64) -> Result<(), Refusal> {
    edge.budget.spend(&caller.payer(), fields).await.map_err(|spent| {
        let mut error = AppError::of(ErrorCode::RateLimited);
        error.retry_after_ms = spent.retry_after_ms;
        let public = caller.head.mask().app_error(&error);
        refuse(Phase::Transport(ErrorCode::RateLimited), "rate", vec![public])
    })
}

fn transport(mask: &Mask, code: ErrorCode, reason: &'static str) -> Refusal {
    refuse(Phase::Transport(code), reason, vec![mask.code(code)])
}

fn executed(mask: &Mask, response: Response) -> Answer {
    Answer::executed(response.data, mask.executed(response.errors))
}

fn panicked(mask: &Mask) -> Answer {
    // What a panic carries may quote personal data; the hook of `telemetry` has logged the place.
    failed(mask, &AppError::internal("a resolver panicked"))
}

fn failed(mask: &Mask, error: &AppError) -> Answer {
    Answer::executed(Value::Null, vec![mask.app_error(error)])
}
