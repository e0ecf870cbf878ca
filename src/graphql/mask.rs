//! What a caller may read of an error: a code of the table, a text that gives nothing away, where it happened.
//!
//! Every error that leaves the gateway through GraphQL is built here, and the cause behind it is logged here, once.

use std::error::Error as _;

use async_graphql::{PathSegment, Pos, ServerError};
use serde::Serialize;

use crate::error::{AppError, ErrorClass, ErrorCode, Language};
use crate::graphql::context::CorrelationId;
use crate::telemetry::chain;

/// Most errors that one answer shows.
pub const ERRORS_MAX: usize = 10;
/// Longest text taken over from the validator, characters.
const MESSAGE_MAX: usize = 300;

/// An error as a caller reads it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PublicError {
    /// Text for people.
    pub message: String,
    /// Where in the document.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<Pos>,
    /// Where in the answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<PathSegment>,
    /// For programs.
    pub extensions: PublicExtensions,
}

/// The closed list of extensions (GRAPHQL §5).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PublicExtensions {
    /// The code of the table.
    #[serde(serialize_with = "code_text")]
    pub code: ErrorCode,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// When, milliseconds from now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// Joins the answer and the log.
    pub correlation_id: String,
    /// The upstream system concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<String>,
}

/// What masking needs to know of the request.
#[derive(Debug, Clone, Copy)]
pub struct Mask {
    /// Language of the texts.
    pub language: Language,
    /// Joins the answer and the log.
    pub correlation_id: CorrelationId,
}

/// Carries a service's error through a resolver. `?` on a `Result<_, AppError>` does the same in English; the text is
/// chosen again when the error leaves.
#[must_use]
pub fn field_error(error: AppError, language: Language) -> async_graphql::Error {
    let message = error.message(language).to_owned();
    async_graphql::Error {
        message,
        ..async_graphql::Error::new_with_source(error)
    }
}

impl Mask {
    /// A service's error as the caller reads it. Logs the cause.
    #[must_use]
    pub fn app_error(&self, error: &AppError) -> PublicError {
        self.log(error);
        self.unlogged(error)
    }

    /// The same without a line in the log: for refusals that come by the thousand and that a metric counts.
    #[must_use]
    pub fn unlogged(&self, error: &AppError) -> PublicError {
        PublicError {
            message: error.message(self.language).to_owned(),
            locations: Vec::new(),
            path: Vec::new(),
            extensions: PublicExtensions {
                code: error.code,
                retryable: error.code.retryable(),
                retry_after_ms: error.retry_after_ms,
                correlation_id: self.correlation_id.to_string(),
                upstream: error.upstream.clone(),
            },
        }
    }

    /// A code with the table's text.
    #[must_use]
    pub fn code(&self, code: ErrorCode) -> PublicError {
        self.app_error(&AppError::of(code))
    }

    /// A code with a more exact text.
    #[must_use]
    pub fn detail(&self, code: ErrorCode, zh: String, en: String) -> PublicError {
        self.app_error(&AppError::of(code).detail(zh, en))
    }

    /// A text that is not GraphQL: where it stops being so, without echoing it.
    #[must_use]
    pub fn syntax(&self, error: &async_graphql::parser::Error) -> PublicError {
        let locations: Vec<Pos> = error.positions().take(1).collect();
        let error = match locations.first() {
            Some(at) => self.detail(
                ErrorCode::ParseFailed,
                format!(
                    "查询语句在第 {} 行第 {} 列有语法错误，请修改后重发。",
                    at.line, at.column
                ),
                format!(
                    "Syntax error at line {}, column {}; correct it and send it again.",
                    at.line, at.column
                ),
            ),
            None => self.code(ErrorCode::ParseFailed),
        };
        PublicError { locations, ..error }
    }

    /// What the validator found.
    #[must_use]
    pub fn invalid(&self, errors: Vec<ServerError>) -> Vec<PublicError> {
        let mask = |error: ServerError| {
            let text = without_echo(&error.message);
            let public = self.detail(
                ErrorCode::ValidationFailed,
                format!("查询与接口定义不符：{text}"),
                text.clone(),
            );
            PublicError {
                locations: error.locations,
                ..public
            }
        };
        errors.into_iter().take(ERRORS_MAX).map(mask).collect()
    }

    /// What went wrong while executing.
    #[must_use]
    pub fn executed(&self, errors: Vec<ServerError>) -> Vec<PublicError> {
        let mask = |error: ServerError| {
            let public = match error.source::<AppError>() {
                Some(source) => self.app_error(source),
                None => self.foreign(&error),
            };
            PublicError {
                locations: error.locations,
                path: error.path,
                ..public
            }
        };
        errors.into_iter().take(ERRORS_MAX).map(mask).collect()
    }

    /// An error that no service made: a scalar that did not read its text, or a bug.
    fn foreign(&self, error: &ServerError) -> PublicError {
        if error.source.is_none()
            && let Some(expected) = unreadable_input(&error.message)
        {
            return self.detail(
                ErrorCode::BadUserInput,
                format!("参数不符合类型 {expected}，请按接口文档修改。"),
                format!("An argument is not a valid {expected}; see the schema."),
            );
        }
        self.app_error(&AppError::internal(error.message.clone()))
    }

    fn log(&self, error: &AppError) {
        let causes = error
            .source()
            .map(|cause| chain(cause).to_string())
            .unwrap_or_default();
        let (code, id) = (error.code.as_str(), self.correlation_id);
        match error.code.class() {
            ErrorClass::System => {
                tracing::error!(error.code = code, correlation.id = %id, error.cause = causes, "a request failed in the gateway");
            }
            ErrorClass::Upstream => {
                tracing::warn!(error.code = code, correlation.id = %id, error.cause = causes, "a request failed behind the gateway");
            }
            ErrorClass::Caller | ErrorClass::Auth | ErrorClass::Conflict => {
                tracing::debug!(error.code = code, correlation.id = %id, error.cause = causes, "a request was refused");
            }
        }
    }
}

fn code_text<S: serde::Serializer>(code: &ErrorCode, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(code.as_str())
}

/// The validator's text without suggestions and without the caller's values.
fn without_echo(message: &str) -> String {
    let cut = [" Did you mean", " does not contain the value", ", found "]
        .into_iter()
        .filter_map(|mark| message.find(mark))
        .min()
        .unwrap_or(message.len());
    let kept = message.split_at_checked(cut).map_or(message, |(kept, _)| kept);
    kept.chars().take(MESSAGE_MAX).collect()
}

/// The type that the executing crate could not read a value as, if that is what its message says. The texts are those
/// of the pinned version (`InputValueError`); they carry the value, so nothing but the type's name is taken over.
fn unreadable_input(message: &str) -> Option<&str> {
    const PREFIXES: [&str; 2] = ["Failed to parse \"", "Expected input type \""];
    let rest = PREFIXES
        .into_iter()
        .find_map(|prefix| message.strip_prefix(prefix))?;
    let (name, _) = rest.split_once('"')?;
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '[' | ']' | '!');
    name.chars().all(known).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn mask(language: Language) -> Mask {
        Mask {
            language,
            correlation_id: CorrelationId::from_uuid(Uuid::from_u128(7)),
        }
    }

    #[test]
    fn a_services_error_keeps_its_code_and_speaks_the_callers_language() {
        let error = AppError::of(ErrorCode::UpstreamTimeout)
            .retry_after_ms(250)
            .because("secret cause");
        let field = field_error(error, Language::Zh).into_server_error(Pos { line: 1, column: 3 });
        let public = mask(Language::En).executed(vec![field]).remove(0);
        assert_eq!(public.message, ErrorCode::UpstreamTimeout.en());
        let json = serde_json::to_value(&public).unwrap();
        assert_eq!(json["extensions"]["code"], "UPSTREAM_TIMEOUT");
        assert_eq!(json["extensions"]["retryable"], true);
        assert_eq!(json["extensions"]["retryAfterMs"], 250);
        assert_eq!(
            json["extensions"]["correlationId"],
            "00000000-0000-0000-0000-000000000007"
        );
        assert!(!json.to_string().contains("secret"));
    }

    #[test]
    fn any_other_error_is_masked() {
        let bug = ServerError::new("password=hunter2", None);
        let public = mask(Language::En).executed(vec![bug]).remove(0);
        assert_eq!(public.extensions.code, ErrorCode::Internal);
        assert!(!public.message.contains("hunter2"));
    }

    #[test]
    fn an_unreadable_scalar_is_bad_input_and_its_value_is_not_echoed() {
        for text in [
            "Failed to parse \"Date\": 340321199001011234 is no date (occurred while parsing \"Input\")",
            "Expected input type \"Date\", found \"340321199001011234\".",
        ] {
            let public = mask(Language::En)
                .executed(vec![ServerError::new(text, None)])
                .remove(0);
            assert_eq!(public.extensions.code, ErrorCode::BadUserInput);
            assert_eq!(public.message, "An argument is not a valid Date; see the schema.");
        }
    }

    #[test]
    fn ten_errors_at_most_without_suggestions_or_values() {
        let text = "Unknown field \"a\" on type \"Q\". Did you mean \"b\"?";
        let errors = vec![ServerError::new(text, None); 30];
        let public = mask(Language::En).invalid(errors);
        assert_eq!(public.len(), ERRORS_MAX);
        assert_eq!(public[0].message, "Unknown field \"a\" on type \"Q\".");
        assert_eq!(
            without_echo(
                "Invalid value for argument \"c\", enumeration type \"C\" does not contain the value \"张三\""
            ),
            "Invalid value for argument \"c\", enumeration type \"C\""
        );
    }

    #[test]
    fn a_syntax_error_tells_the_place_and_nothing_of_the_text() {
        let error = async_graphql::parser::parse_query("{ a(name: \"张三\" }").unwrap_err();
        let public = mask(Language::Zh).syntax(&error);
        assert_eq!(public.extensions.code, ErrorCode::ParseFailed);
        assert!(!public.message.contains("张三"));
        assert_eq!(public.locations.len(), 1);
    }
}
