//! The edge's question to the identity of a caller: whose token is this, and until when.

use crate::error::AppError;
use crate::service::identity::{Authenticated, TokenAuthenticator};

/// Knows callers by the value of their `Authorization` header. A trait, so that stories of the edge need no keys.
pub trait Authenticator: Send + Sync + 'static {
    /// The caller of a header; anonymous without one.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` when a token was sent and is not good.
    fn caller(&self, authorization: Option<&str>) -> Result<Authenticated, AppError>;
}

impl Authenticator for TokenAuthenticator {
    fn caller(&self, authorization: Option<&str>) -> Result<Authenticated, AppError> {
        Self::caller(self, authorization)
    }
}
