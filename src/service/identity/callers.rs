//! Chooses how a caller is known by what it presents: a token, a device's token with its proof, a session, or nothing.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use onedoor_domain::actor::ActorKind;

use super::revoked::{Revoked, Standing};
use super::sessions::Sessions;
use super::verifier::TokenRefusal;
use super::{Authenticated, Authenticator, Presented, TokenAuthenticator};
use crate::error::{AppError, ErrorCode};
use crate::service::kiosks::proof::bound_token;

/// When a caller may come again while it is not known what was revoked.
const UNSURE_RETRY_MS: u64 = 5_000;

/// Everybody who calls.
pub struct Callers {
    /// People and systems by their tokens.
    pub tokens: TokenAuthenticator,
    /// Browsers by their sessions.
    pub sessions: Arc<Sessions>,
    /// Devices by a token that is bound to their key (`Authorization: DPoP`).
    pub devices: Arc<dyn Authenticator>,
    /// Whether a kiosk may come with a plain bearer token, without its key.
    pub bearer_kiosks: bool,
    /// Whose access was taken back.
    pub revoked: Arc<Revoked>,
}

impl Callers {
    async fn known(&self, presented: &Presented) -> Result<Authenticated, AppError> {
        // A request with both is known by its token alone: a cookie is sent by browsers unasked.
        if let Some(header) = &presented.authorization {
            let header = header.expose().as_str();
            if bound_token(header).is_some() {
                return self.devices.authenticate(presented).await;
            }
            let caller = self.tokens.caller(Some(header)).await?;
            if caller.actor.kind == ActorKind::Kiosk && !self.bearer_kiosks {
                return Err(self.tokens.refuse(TokenRefusal::WithoutKey).detail(
                    "终端须凭注册密钥登录，不接受普通令牌。",
                    "A kiosk signs in with its own key; a bearer token is not accepted.",
                ));
            }
            return self.admit(caller);
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
            if let (ActorKind::Kiosk, None) = (caller.actor.kind, &caller.grounds) {
                return self.devices.still_admits(caller).await;
            }
            self.revoked.standing(caller) == Standing::Admitted && self.sessions.still_holds(caller).await
        })
    }
}
