//! Kiosks joined: their keys, their loop, and who knows a caller by which scheme.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use onedoor_domain::actor::ActorKind;

use super::AppFailure;
use crate::config::Config;
use crate::error::{AppError, ErrorCode};
use crate::secret::key_file::{self, Key};
use crate::secret::keyring::KeyringError;
use crate::secret::kiosk_nonce::Nonces;
use crate::secret::sealed_input::SealingKeys;
use crate::service::cases::Cases;
use crate::service::identity::{Authenticated, Authenticator, Presented};
use crate::service::kiosks::proof::bound_token;
use crate::service::kiosks::{KioskParts, Kiosks};
use crate::telemetry::metrics::Metrics;
use crate::worker::supervise::{LoopSpec, Supervisor};

/// How often kiosks are counted and their used proofs forgotten.
const LOOK_ROUND_TICK: Duration = Duration::from_secs(30);

/// The use cases of kiosks, with their loop started.
///
/// # Errors
/// The sealing key cannot be used, or a metric's name is taken.
pub(super) fn build(
    config: &Config,
    cases: &Arc<Cases>,
    metrics: &Metrics,
    supervisor: &Supervisor,
) -> Result<Arc<Kiosks>, AppFailure> {
    let generated = config.keys_dir().join("kiosk-sealing.key");
    let current = if config.kiosk.sealing_key_file == Path::new("") {
        key_file::read_or_create(&generated).map_err(|error| KeyringError::File(generated, error))?
    } else {
        read(&config.kiosk.sealing_key_file)?
    };
    let retired = config.kiosk.retired_sealing_key_files.iter();
    let retired: Vec<Key> = retired.map(|file| read(file)).collect::<Result<_, _>>()?;
    let life = TimeDelta::seconds(i64::from(config.kiosk.nonce_lifetime_s));
    let parts = KioskParts {
        nonces: Nonces::new(&current, &retired, life),
        sealing: SealingKeys::new(&current, &retired)?,
        settings: config.kiosk.clone(),
        public_url: config.server.public_url.clone(),
    };
    let kiosks = Arc::new(Kiosks::new(Arc::clone(cases), parts, metrics)?);
    let spec = LoopSpec {
        name: "kiosks".into(),
        tick: LOOK_ROUND_TICK,
        nudge: Arc::default(),
    };
    let looking = Arc::clone(&kiosks);
    supervisor.spawn_loop(spec, move || {
        let kiosks = Arc::clone(&looking);
        async move { Ok(kiosks.look_round().await?) }
    });
    Ok(kiosks)
}

fn read(file: &Path) -> Result<Key, KeyringError> {
    key_file::read(file).map_err(|error| KeyringError::File(file.to_owned(), error))
}

/// Devices by the scheme `DPoP`, everybody else by whatever knows people.
pub(super) struct ByScheme {
    /// Knows devices.
    pub(super) devices: Arc<dyn Authenticator>,
    /// Knows people.
    pub(super) people: Arc<dyn Authenticator>,
    /// Whether a kiosk may come without its key.
    pub(super) bearer_kiosks: bool,
}

impl ByScheme {
    fn is_device(presented: &Presented) -> bool {
        let header = presented.authorization.as_ref();
        header.is_some_and(|header| bound_token(header.expose()).is_some())
    }
}

impl Authenticator for ByScheme {
    fn authenticate<'a>(
        &'a self,
        presented: &'a Presented,
    ) -> BoxFuture<'a, Result<Authenticated, AppError>> {
        if Self::is_device(presented) {
            return self.devices.authenticate(presented);
        }
        Box::pin(async move {
            let caller = self.people.authenticate(presented).await?;
            if caller.actor.kind == ActorKind::Kiosk && !self.bearer_kiosks {
                return Err(AppError::of(ErrorCode::Unauthenticated).detail(
                    "终端须凭注册密钥登录，不接受普通令牌。",
                    "A kiosk signs in with its own key; a bearer token is not accepted.",
                ));
            }
            Ok(caller)
        })
    }

    fn still_admits<'a>(&'a self, caller: &'a Authenticated) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            match caller.actor.kind {
                ActorKind::Kiosk => self.devices.still_admits(caller).await,
                ActorKind::Anonymous
                | ActorKind::Citizen
                | ActorKind::Clerk
                | ActorKind::Officer
                | ActorKind::Supervisor
                | ActorKind::Auditor
                | ActorKind::SystemAdmin
                | ActorKind::SecurityAdmin
                | ActorKind::AuditAdmin
                | ActorKind::Upstream
                | ActorKind::System => self.people.still_admits(caller).await,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use onedoor_domain::actor::Actor;

    use super::*;

    /// Lets everybody in as one kind.
    struct Everybody(ActorKind);

    impl Authenticator for Everybody {
        fn authenticate<'a>(
            &'a self,
            _presented: &'a Presented,
        ) -> BoxFuture<'a, Result<Authenticated, AppError>> {
            let actor = Actor {
                kind: self.0,
                ..Actor::anonymous()
            };
            let caller = Authenticated {
                actor: Arc::new(actor),
                expires_at: None,
            };
            Box::pin(std::future::ready(Ok(caller)))
        }

        fn still_admits<'a>(&'a self, _caller: &'a Authenticated) -> BoxFuture<'a, bool> {
            Box::pin(std::future::ready(true))
        }
    }

    async fn asked(header: &str, people: ActorKind, bearer_kiosks: bool) -> Option<ActorKind> {
        let both = ByScheme {
            devices: Arc::new(Everybody(ActorKind::Kiosk)),
            people: Arc::new(Everybody(people)),
            bearer_kiosks,
        };
        let caller = both.authenticate(&Presented::bearing(Some(header))).await.ok();
        caller.map(|caller| caller.actor.kind)
    }

    #[tokio::test]
    async fn a_bearer_token_makes_no_kiosk_where_keys_are_asked_for() {
        assert_eq!(asked("Bearer x", ActorKind::Kiosk, false).await, None);
        assert_eq!(
            asked("Bearer x", ActorKind::Kiosk, true).await,
            Some(ActorKind::Kiosk)
        );
        assert_eq!(
            asked("Bearer x", ActorKind::Clerk, false).await,
            Some(ActorKind::Clerk)
        );
        assert_eq!(
            asked("dpop x", ActorKind::Clerk, false).await,
            Some(ActorKind::Kiosk)
        );
    }
}
