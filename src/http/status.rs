//! The HTTP status of a GraphQL answer, by the phase in which it came about.

use crate::config::http::StatusProfile;
use crate::error::ErrorCode;
use crate::http::negotiate::Media;

/// Where a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Before GraphQL was reached, or for a reason that is not GraphQL's: the code's own status, whatever the profile.
    Transport(ErrorCode),
    /// While parsing the document.
    Parse,
    /// While pricing it or choosing the operation.
    Check,
    /// While validating it against the schema.
    Validate,
    /// While reading the variables.
    Coerce,
    /// Execution began, and nothing failed.
    Complete,
    /// Execution began, and something failed.
    Partial,
    /// Execution began, and no data came of it.
    NoData,
}

/// The status of an answer.
#[must_use]
pub const fn status(profile: StatusProfile, media: Media, phase: Phase) -> u16 {
    match (phase, profile, media) {
        (Phase::Transport(code), _, _) => code.http_status(),
        (
            Phase::Parse | Phase::Check | Phase::Validate | Phase::Coerce,
            StatusProfile::Audit,
            Media::Json,
        )
        | (Phase::Complete | Phase::NoData, _, _)
        | (Phase::Partial, StatusProfile::Audit, _) => 200,
        (Phase::Parse | Phase::Check, _, _) | (Phase::Validate | Phase::Coerce, StatusProfile::Audit, _) => {
            400
        }
        (Phase::Validate | Phase::Coerce, StatusProfile::Draft202608, _) => 422,
        (Phase::Partial, StatusProfile::Draft202608, _) => 294,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_profiles_answer_as_their_rules_say() {
        use StatusProfile::{Audit, Draft202608};
        for (phase, json, graphql, draft) in [
            (Phase::Transport(ErrorCode::BadRequest), 400, 400, 400),
            (Phase::Transport(ErrorCode::PayloadTooLarge), 413, 413, 413),
            (Phase::Parse, 200, 400, 400),
            (Phase::Check, 200, 400, 400),
            (Phase::Validate, 200, 400, 422),
            (Phase::Coerce, 200, 400, 422),
            (Phase::Complete, 200, 200, 200),
            (Phase::Partial, 200, 200, 294),
            (Phase::NoData, 200, 200, 200),
        ] {
            assert_eq!(status(Audit, Media::Json, phase), json, "{phase:?}");
            assert_eq!(status(Audit, Media::GraphqlResponse, phase), graphql, "{phase:?}");
            assert_eq!(status(Draft202608, Media::Json, phase), draft, "{phase:?}");
            assert_eq!(
                status(Draft202608, Media::GraphqlResponse, phase),
                draft,
                "{phase:?}"
            );
        }
    }
}
