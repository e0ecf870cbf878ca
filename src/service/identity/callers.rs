//! Chooses how a caller is known by what it presents: a token, a device's token with its proof, a session, or nothing.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use onedoor_domain::actor::ActorKind;

use super::revoked::{Revoked, Standing};
use super::sessions::Sessions;
use super::verifier::TokenRefusal;
use super::{Authenticated, Authenticator, Presented, TokenAuthenticator};
use crate::error::{AppError, ErrorCode};

/// When a caller may come again while it is not known what was revoked.
const UNSURE_RETRY_MS: u64 = 5_000;

/// Everybody who calls.
pub struct Callers {
    /// People and systems by their tokens.
    pub tokens: TokenAuthenticator,
    /// Browsers by their sessions.
    pub sessions: Arc<Sessions>,
    /// Devices by a token that is bound to their key (`Authorization: DPoP`); `None`: there are none.
    pub devices: Option<Arc<dyn Authenticator>>,
    /// Whose access was taken back.
    pub revoked: Arc<Revoked>,
}

impl Callers {
    async fn known(&self, presented: &Presented) -> Result<Authenticated, AppError> {
        // A request with both is known by its token alone: a cookie is sent by browsers unasked.
        if let Some(header) = &presented.authorization {
            let header = header.expose().as_str();
            return match &self.devices {
                Some(devices) if is_proven(header) => devices.authenticate(presented).await,
                Some(_) | None => self.admit(self.tokens.caller(Some(header)).await?),
            };
        }
        match &presented.cookie {
            Some(cookie) => match self.sessions.secret_in(cookie.expose()) {
                Some(secret) => {
                    let found = self.sessions.caller(&secret).await?;
                    self.admit(found.ok_or_else(|| self.tokens.refuse(TokenRefusal::Session))?)
                }
                None => Ok(Authenticated::anonymous()),
            },
            None => Ok(Authenticated::anonymous()),
        }
    }

    fn admit(&self, caller: Authenticated) -> Result<Authenticated, AppError> {
        match self.revoked.standing(&caller) {
            Standing::Admitted => Ok(caller),
            Standing::Revoked => Err(self.tokens.refuse(TokenRefusal::Revoked)),
            // Nobody who was revoked acts a minute later, so nobody acts while that is not known.
            Standing::Unsure => {
                Err(AppError::of(ErrorCode::StoreUnavailable).retry_after_ms(UNSURE_RETRY_MS))
            }
        }
    }
}

impl Authenticator for Callers {
    fn authenticate<'a>(
        &'a self,
        presented: &'a Presented,
    ) -> BoxFuture<'a, Result<Authenticated, AppError>> {
        Box::pin(self.known(presented))
    }

    fn still_admits<'a>(&'a self, caller: &'a Authenticated) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            if let (ActorKind::Kiosk, None, Some(devices)) =
                (caller.actor.kind, &caller.grounds, &self.devices)
            {
                return devices.still_admits(caller).await;
            }
            self.revoked.standing(caller) == Standing::Admitted && self.sessions.still_holds(caller).await
        })
    }
}

/// Whether a header says `DPoP <token>` (RFC 9449).
fn is_proven(header: &str) -> bool {
    header
        .trim()
        .split_once(' ')
        .is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("dpop"))
}
