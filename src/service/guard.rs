//! Asks the policy for a proof, and answers a denial as the public error it is.
//!
//! The proofs themselves are made by [`onedoor_domain::proof`] alone, so that the store can demand them in its calls
//! without knowing this layer. A denied object looks absent; [`Denied::OtherOffice`] is handed back to the use case,
//! which answers it as the typed error WRONG_ORGANIZATION.

use onedoor_domain::actor::Actor;
use onedoor_domain::policy::Act;
use onedoor_domain::proof::{
    self, Allowed, CaseProof, CaseStanding, Credential, Denied, ReadProof, SubmitProof,
};

use crate::error::{AppError, ErrorCode};

impl From<Denied> for AppError {
    fn from(denied: Denied) -> Self {
        let code = match denied {
            Denied::NotSignedIn => ErrorCode::Unauthenticated,
            Denied::NotForThisRole => ErrorCode::Forbidden,
            // Another office's case is seen by this actor, so an answer that says so would tell nothing new; where no
            // typed answer is given, the safe one is.
            Denied::Hidden | Denied::OtherOffice => ErrorCode::NotFound,
        };
        Self::of(code).because(denied)
    }
}

/// Whether an act is for this kind of actor at all.
///
/// # Errors
/// UNAUTHENTICATED without a token, else FORBIDDEN.
pub fn allow(actor: &Actor, act: Act) -> Result<Allowed, AppError> {
    Ok(proof::allow(actor, act)?)
}

/// Which rows an actor may read by an act.
///
/// # Errors
/// UNAUTHENTICATED or FORBIDDEN.
pub fn read(actor: &Actor, act: Act) -> Result<ReadProof, AppError> {
    Ok(proof::read(actor, act)?)
}

/// Whether, and for whom, an actor may hand in.
///
/// # Errors
/// UNAUTHENTICATED or FORBIDDEN.
pub fn submit(actor: &Actor, act: Act) -> Result<SubmitProof, AppError> {
    Ok(proof::submit(actor, act)?)
}

/// Whether an actor may do an act on a case.
///
/// # Errors
/// The denial: [`Denied::OtherOffice`] deserves a typed answer, the others become public errors by `?`.
pub fn on_case(actor: &Actor, act: Act, standing: &CaseStanding) -> Result<CaseProof, Denied> {
    proof::on_case(actor, act, standing)
}

/// Whether an actor may do an act on the case whose code and secret they hold.
///
/// # Errors
/// UNAUTHENTICATED or FORBIDDEN.
pub fn by_credential(actor: &Actor, act: Act, credential: Credential) -> Result<CaseProof, AppError> {
    Ok(proof::by_credential(actor, act, credential)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_and_forbidden_look_alike() {
        assert_eq!(AppError::from(Denied::Hidden).code, ErrorCode::NotFound);
        assert_eq!(AppError::from(Denied::OtherOffice).code, ErrorCode::NotFound);
        assert_eq!(AppError::from(Denied::NotForThisRole).code, ErrorCode::Forbidden);
        let anonymous = allow(&Actor::anonymous(), Act::SubmitCase).unwrap_err();
        assert_eq!(anonymous.code, ErrorCode::Unauthenticated);
    }
}
