//! Whose access was taken back, as this replica read it last; old knowledge admits nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use onedoor_domain::id::SessionId;
use onedoor_domain::revocation::{Revocation, RevokedAccess};
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use super::Authenticated;
use crate::config::auth::REVOKED_WITHIN_MS;
use crate::error::AppError;
use crate::service::Services;
use crate::store::revocation;

/// The topic of hints that something was revoked or restored.
pub const TOPIC: &str = "revocations";

/// Whether a caller may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It was not revoked.
    Admitted,
    /// It was revoked.
    Revoked,
    /// It is not known: the revocations could not be read for too long.
    Unsure,
}

/// What this replica knows.
pub struct Revoked {
    known: RwLock<Option<Arc<Known>>>,
    /// How old what is known may be.
    age_max: Duration,
}

#[derive(Debug, Default)]
struct Known {
    subjects: BTreeSet<String>,
    tokens: BTreeSet<(String, String)>,
    sessions: BTreeSet<SessionId>,
    issuers: BTreeMap<String, DateTime<Utc>>,
    read_at: Option<Instant>,
}

impl Revoked {
    /// Nothing is known yet, so nobody is admitted. What lasts is looked at at every ping, so what is known then must be as
    /// much younger than a minute.
    #[must_use]
    pub fn new(ping: Duration) -> Self {
        Self {
            known: RwLock::default(),
            age_max: Duration::from_millis(REVOKED_WITHIN_MS).saturating_sub(ping),
        }
    }

    /// Reads what stands now. Whatever was committed before this began is in it.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE: what was known before is kept, and grows old.
    pub async fn refresh(&self, cx: &Services) -> Result<(), AppError> {
        let read_at = Instant::now();
        let standing = revocation::standing(&cx.database, cx.clock.now()).await?;
        let known = Known {
            read_at: Some(read_at),
            ..Known::of(standing)
        };
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(known));
        Ok(())
    }

    /// Whether a caller may go on. Who presented nothing has nothing that could be revoked.
    #[must_use]
    pub fn standing(&self, caller: &Authenticated) -> Standing {
        self.standing_at(caller, Instant::now())
    }

    fn standing_at(&self, caller: &Authenticated, now: Instant) -> Standing {
        let Some(grounds) = &caller.grounds else {
            return Standing::Admitted;
        };
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(known) = known.filter(|known| known.is_younger_than(self.age_max, now)) else {
            return Standing::Unsure;
        };
        let by_token = grounds
            .token_id
            .as_ref()
            .is_some_and(|id| known.tokens.contains(&(grounds.issuer.clone(), id.clone())));
        let by_issuer = known
            .issuers
            .get(&grounds.issuer)
            .is_some_and(|before| grounds.issued_at < *before);
        let by_session = grounds
            .session
            .is_some_and(|session| known.sessions.contains(&session));
        if by_token || by_issuer || by_session || known.subjects.contains(&caller.actor.subject) {
            Standing::Revoked
        } else {
            Standing::Admitted
        }
    }
}

impl Known {
    fn of(standing: Vec<Revocation>) -> Self {
        let mut known = Self::default();
        for one in standing {
            match one.access {
                RevokedAccess::Subject(subject) => drop(known.subjects.insert(subject)),
                RevokedAccess::Token { issuer, token } => drop(known.tokens.insert((issuer, token))),
                RevokedAccess::Session(session) => drop(known.sessions.insert(session)),
                RevokedAccess::Issuer { issuer, before } => drop(known.issuers.insert(issuer, before)),
            }
        }
        known
    }

    fn is_younger_than(&self, age_max: Duration, now: Instant) -> bool {
        self.read_at
            .is_some_and(|read_at| now.saturating_duration_since(read_at) < age_max)
    }
}

/// Wakes the loop that reads whenever another replica hints that something changed. Runs until the bus closes.
pub async fn nudge_on_hints(cx: Services, nudge: Arc<Notify>) {
    let mut hints = cx.hints.subscribe(TOPIC);
    // who fell behind must look as well
    while !matches!(hints.recv().await, Err(RecvError::Closed)) {
        nudge.notify_one();
    }
}

/// Removes revocations that have nothing left to refuse.
///
/// # Errors
/// STORE_UNAVAILABLE.
pub async fn remove_ended(cx: &Services) -> Result<(), AppError> {
    revocation::remove_ended(&cx.database, cx.clock.now()).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use onedoor_domain::actor::{Actor, ActorKind};
    use onedoor_domain::id::RevocationId;
    use onedoor_domain::revocation::RevocationReason;
    use uuid::Uuid;

    use crate::service::identity::Grounds;

    fn caller(grounds: Option<Grounds>) -> Authenticated {
        Authenticated {
            actor: Arc::new(Actor {
                kind: ActorKind::Clerk,
                subject: "staff/u-1".to_owned(),
                ..Actor::anonymous()
            }),
            expires_at: None,
            grounds: grounds.map(Arc::new),
        }
    }

    fn grounds() -> Grounds {
        Grounds {
            issuer: "staff".to_owned(),
            issued_at: DateTime::UNIX_EPOCH,
            token_id: Some("t-1".to_owned()),
            session: Some(SessionId::from_uuid(Uuid::from_u128(1))),
        }
    }

    fn knowing(access: Vec<RevokedAccess>) -> Revoked {
        let standing = access.into_iter().map(|access| Revocation {
            id: RevocationId::from_uuid(Uuid::nil()),
            access,
            reason: RevocationReason::Other,
            revoked_at: DateTime::UNIX_EPOCH,
            revoked_by: String::new(),
            ends_at: None,
        });
        let known = Known {
            read_at: Some(Instant::now()),
            ..Known::of(standing.collect())
        };
        Revoked {
            known: RwLock::new(Some(Arc::new(known))),
            ..Revoked::new(Duration::from_secs(20))
        }
    }

    #[test]
    fn each_kind_of_revocation_refuses_what_it_names_and_nothing_else() {
        let text = |text: &str| text.to_owned();
        let after = |seconds| DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
        let token = |issuer: &str, token: &str| RevokedAccess::Token {
            issuer: text(issuer),
            token: text(token),
        };
        let issuer = |issuer: &str, before| RevokedAccess::Issuer {
            issuer: text(issuer),
            before,
        };
        let session = |number| RevokedAccess::Session(SessionId::from_uuid(Uuid::from_u128(number)));
        for (access, expected) in [
            (RevokedAccess::Subject(text("staff/u-1")), Standing::Revoked),
            (RevokedAccess::Subject(text("u-1")), Standing::Admitted),
            (token("staff", "t-1"), Standing::Revoked),
            (token("other", "t-1"), Standing::Admitted),
            (token("staff", "t-2"), Standing::Admitted),
            (session(1), Standing::Revoked),
            (session(2), Standing::Admitted),
            (issuer("staff", after(1)), Standing::Revoked),
            (issuer("staff", after(0)), Standing::Admitted),
            (issuer("other", after(1)), Standing::Admitted),
        ] {
            let told = format!("{access:?}");
            assert_eq!(
                knowing(vec![access]).standing(&caller(Some(grounds()))),
                expected,
                "{told}"
            );
        }
    }

    #[test]
    fn old_knowledge_admits_nobody_who_presents_something() {
        let revoked = Revoked::new(Duration::from_secs(20));
        assert_eq!(revoked.standing(&caller(Some(grounds()))), Standing::Unsure);
        let revoked = knowing(Vec::new());
        let (signed_in, now) = (caller(Some(grounds())), Instant::now());
        let after = |seconds| revoked.standing_at(&signed_in, now + Duration::from_secs(seconds));
        assert_eq!((after(39), after(41)), (Standing::Admitted, Standing::Unsure));
        assert_eq!(revoked.standing(&caller(None)), Standing::Admitted);
    }
}
