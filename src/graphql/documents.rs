//! The bounded memory of documents that were parsed, priced and validated once.

use std::sync::Arc;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{ServerError, Variables};
use aws_lc_rs::digest;
use moka::future::Cache;

use crate::config::limits::LimitsConfig;
use crate::graphql::executor::GraphqlExecutor;
use crate::graphql::lexer;
use crate::graphql::limits::{Excess, Limit, MEASURE_FACTOR, NESTING_MAX, excess, excesses};
use crate::graphql::positions;
use crate::graphql::precheck::{self, Cost, OperationFacts, Unpriceable};

/// SHA-256 of a document's text.
pub type DocumentHash = [u8; 32];

/// A document that may be executed once its caller's own limits are checked.
#[derive(Debug)]
pub struct CheckedDocument {
    /// SHA-256 of its text.
    pub hash: DocumentHash,
    /// Its syntax.
    pub document: ExecutableDocument,
    /// Its operations with their prices.
    pub operations: Vec<OperationFacts>,
    /// The highest count of each kind found anywhere in it.
    dearest: Cost,
    weight: u32,
}

/// Why a document is not executed.
#[derive(Debug)]
pub enum DocumentFault {
    /// It passes a limit.
    Excess(Excess),
    /// It is not GraphQL.
    Syntax(async_graphql::parser::Error),
    /// An input object in it names a field twice.
    RepeatedInputField,
    /// It does not fit the schema.
    Invalid(Vec<ServerError>),
}

/// A document and the limits it passes that are only measured.
#[derive(Debug)]
pub struct Loaded {
    /// The document.
    pub document: Arc<CheckedDocument>,
    /// Limits passed but not enforced.
    pub measured: Vec<Excess>,
}

/// Documents by hash.
pub struct Documents {
    known: Cache<DocumentHash, Arc<CheckedDocument>>,
    limits: LimitsConfig,
}

impl Documents {
    /// An empty memory with the bound of the configuration.
    #[must_use]
    pub fn new(limits: &LimitsConfig) -> Self {
        let known = Cache::builder()
            .max_capacity(limits.documents_max)
            .weigher(|_, document: &Arc<CheckedDocument>| document.weight)
            .build();
        Self {
            known,
            limits: limits.clone(),
        }
    }

    /// How much is remembered, in kibibytes of text begun, once everything that was to be forgotten is.
    pub async fn remembered(&self) -> u64 {
        self.known.run_pending_tasks().await;
        self.known.weighted_size()
    }

    /// A document that was checked before, if its limits hold for this caller too.
    ///
    /// # Errors
    /// When they do not.
    pub async fn find(&self, hash: &DocumentHash, anonymous: bool) -> Result<Option<Loaded>, DocumentFault> {
        let Some(document) = self.known.get(hash).await else {
            return Ok(None);
        };
        let measured = self.weigh(&document.dearest, anonymous)?;
        Ok(Some(Loaded { document, measured }))
    }

    /// Parses, prices and validates a text, unless that was done before.
    ///
    /// # Errors
    /// The first thing that is wrong with it; every check is cheaper than the one behind it.
    pub async fn load(
        &self,
        text: &str,
        anonymous: bool,
        executor: &dyn GraphqlExecutor,
    ) -> Result<Loaded, DocumentFault> {
        let mut measured = Vec::new();
        let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
        let bytes_max = u64::try_from(self.limits.document_max_bytes).unwrap_or(u64::MAX);
        count(
            excess(&self.limits, Limit::DocumentBytes, bytes, bytes_max),
            &mut measured,
        )?;
        let hash = hash(text);
        if let Some(mut found) = self.find(&hash, anonymous).await? {
            found.measured.append(&mut measured);
            return Ok(found);
        }
        self.scan(text, &mut measured)?;
        let document = parse_query(text).map_err(DocumentFault::Syntax)?;
        let (operations, dearest) = precheck::price(&document).map_err(unpriceable)?;
        measured.append(&mut self.weigh(&dearest, anonymous)?);
        // Literals with variables inside are validated again with every request (`http::pipeline`).
        executor
            .validate(&document, Variables::default())
            .await
            .map_err(DocumentFault::Invalid)?;
        let misplaced = positions::misplaced(executor.types(), &document);
        if !misplaced.is_empty() {
            return Err(DocumentFault::Invalid(misplaced));
        }
        let weight = u32::try_from(text.len() / 1_024 + 1).unwrap_or(u32::MAX);
        let document = Arc::new(CheckedDocument {
            hash,
            document,
            operations,
            dearest,
            weight,
        });
        self.known.insert(hash, Arc::clone(&document)).await;
        Ok(Loaded { document, measured })
    }

    fn scan(&self, text: &str, measured: &mut Vec<Excess>) -> Result<(), DocumentFault> {
        let ceiling = self.limits.tokens_max.saturating_mul(MEASURE_FACTOR);
        let found = lexer::scan(text, ceiling, NESTING_MAX);
        count(
            excess(&self.limits, Limit::Tokens, found.tokens, self.limits.tokens_max),
            measured,
        )?;
        if found.nesting > NESTING_MAX {
            return Err(too_nested());
        }
        if found.repeated_input_field {
            return Err(DocumentFault::RepeatedInputField);
        }
        Ok(())
    }

    fn weigh(&self, cost: &Cost, anonymous: bool) -> Result<Vec<Excess>, DocumentFault> {
        let found = excesses(&self.limits, cost, anonymous);
        match found.first() {
            Some(first) if first.refused => Err(DocumentFault::Excess(*first)),
            Some(_) | None => Ok(found),
        }
    }
}

fn count(found: Option<Excess>, measured: &mut Vec<Excess>) -> Result<(), DocumentFault> {
    match found {
        Some(refused) if refused.refused => Err(DocumentFault::Excess(refused)),
        Some(counted) => {
            measured.push(counted);
            Ok(())
        }
        None => Ok(()),
    }
}

/// SHA-256 of a document's text.
#[must_use]
pub fn hash(text: &str) -> DocumentHash {
    let mut out = DocumentHash::default();
    for (to, from) in out
        .iter_mut()
        .zip(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
    {
        *to = *from;
    }
    out
}

fn unpriceable(reason: Unpriceable) -> DocumentFault {
    match reason {
        Unpriceable::Cycle => DocumentFault::Excess(Excess {
            limit: Limit::FragmentCycle,
            max: 0,
            refused: true,
        }),
        Unpriceable::Nesting => too_nested(),
    }
}

fn too_nested() -> DocumentFault {
    let max = u64::try_from(NESTING_MAX).unwrap_or(u64::MAX);
    DocumentFault::Excess(Excess {
        limit: Limit::Nesting,
        max,
        refused: true,
    })
}
