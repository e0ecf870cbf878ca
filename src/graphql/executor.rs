//! The one door between the edge and the schema: validate a document, execute a document.
//!
//! Two schema objects come from one builder. The *strict* one never executes: an extension stops it as soon as its
//! validation rules have spoken. The *fast* one executes documents that passed the strict one, and has no extension
//! at all, because a single one sends every field through a slow path. So the edge knows from its own phases
//! (parse, check, validate, coerce, execute) whether execution began: whatever the fast schema answers did execute.

use std::sync::Arc;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextValidation};
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{
    ObjectType, Request, Response, Schema, SchemaBuilder, ServerError, SubscriptionType, ValidationMode,
    ValidationResult, Variables,
};
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

use crate::graphql::limits::NESTING_MAX;
use crate::graphql::typemap::{TypeMap, TypeMapError};

/// A schema as the edge sees it, free of its root types.
pub trait GraphqlExecutor: Send + Sync + 'static {
    /// Applies every validation rule to a document. `variables` complete the literals that contain variables;
    /// without them such literals pass unchecked. Never executes anything.
    fn validate<'a>(
        &'a self,
        document: &'a ExecutableDocument,
        variables: Variables,
    ) -> BoxFuture<'a, Result<(), Vec<ServerError>>>;

    /// Executes a query or mutation whose parsed document was validated before.
    fn execute(&self, request: Request) -> BoxFuture<'_, Response>;

    /// Executes a subscription (or query) whose parsed document was validated before.
    fn execute_stream(&self, request: Request) -> BoxStream<'static, Response>;

    /// The schema as text.
    fn sdl(&self) -> &str;

    /// The types of the schema.
    fn types(&self) -> &TypeMap;
}

/// [`GraphqlExecutor`] over the schema of this package's crate.
pub struct SchemaExecutor<Q, M, S> {
    strict: Schema<Q, M, S>,
    fast: Schema<Q, M, S>,
    sdl: String,
    types: TypeMap,
}

impl<Q, M, S> SchemaExecutor<Q, M, S>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    /// Builds both schema objects. `builder` is called twice and must give the same schema each time.
    ///
    /// # Errors
    /// When the schema's own text cannot be read back, which is a bug of the schema.
    pub fn new(builder: impl Fn() -> SchemaBuilder<Q, M, S>) -> Result<Arc<Self>, TypeMapError> {
        // The depth that counts is checked before; this is the crate's second line and must not speak first.
        let bounded = || {
            builder()
                .disable_suggestions()
                .limit_recursive_depth(NESTING_MAX * 3)
        };
        let strict = bounded()
            .validation_mode(ValidationMode::Strict)
            .extension(StopAfterValidation)
            .finish();
        let fast = bounded().validation_mode(ValidationMode::Fast).finish();
        let sdl = fast.sdl();
        let types = TypeMap::from_sdl(&sdl)?;
        Ok(Arc::new(Self {
            strict,
            fast,
            sdl,
            types,
        }))
    }
}

impl<Q, M, S> GraphqlExecutor for SchemaExecutor<Q, M, S>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    fn validate<'a>(
        &'a self,
        document: &'a ExecutableDocument,
        variables: Variables,
    ) -> BoxFuture<'a, Result<(), Vec<ServerError>>> {
        Box::pin(async move {
            let mut request = Request::new(String::new()).variables(variables);
            request.set_parsed_query(document.clone());
            let response = self.strict.execute(request).await;
            if response.errors.is_empty() {
                Ok(())
            } else {
                Err(response.errors)
            }
        })
    }

    fn execute(&self, request: Request) -> BoxFuture<'_, Response> {
        Box::pin(self.fast.execute(request))
    }

    fn execute_stream(&self, request: Request) -> BoxStream<'static, Response> {
        self.fast.execute_stream(request)
    }

    fn sdl(&self) -> &str {
        &self.sdl
    }

    fn types(&self) -> &TypeMap {
        &self.types
    }
}

/// Lets validation run and then fails with no error at all, so that nothing behind it is reached.
struct StopAfterValidation;

impl ExtensionFactory for StopAfterValidation {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for StopAfterValidation {
    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        next.run(ctx).await?;
        Err(Vec::new())
    }
}
