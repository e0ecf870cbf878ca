//! Who is where, as this process knows it: one picture for all requests, replaced whole when the data moves.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use onedoor_domain::directory::Directory;
use onedoor_domain::organization::Organization;
use tokio::sync::Mutex;

use super::Services;
use crate::cache::epochs::{Epoch, Stamp};
use crate::error::AppError;
use crate::store::{admission, division, organization};

/// Which upstream system acts for whom, by configuration. A binding by code beats one by role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpstreamBindings {
    /// From a role to the name of an upstream system.
    pub by_role: BTreeMap<String, String>,
    /// From an organization's code to the name of an upstream system.
    pub by_code: BTreeMap<String, String>,
}

impl UpstreamBindings {
    /// The upstream system that acts for an organization.
    #[must_use]
    pub fn of(&self, organization: &Organization) -> Option<&str> {
        self.by_code
            .get(&organization.code)
            .or_else(|| self.by_role.get(&organization.role))
            .map(String::as_str)
    }
}

/// Holds the picture in force.
pub struct Directories {
    bindings: UpstreamBindings,
    picture: RwLock<Arc<Directory>>,
    /// The epochs known before the picture was read; held while a new one is read, so that the newest wins.
    taken_at: Mutex<Option<Stamp>>,
}

/// What a picture is made from.
const EPOCHS: &[Epoch] = &[Epoch::Divisions, Epoch::Organizations, Epoch::Admissions];

impl Directories {
    pub(super) fn new(bindings: UpstreamBindings) -> Self {
        Self {
            bindings,
            picture: RwLock::default(),
            taken_at: Mutex::new(None),
        }
    }

    /// The picture in force. Keep it for one request, so that the request sees one state.
    #[must_use]
    pub fn current(&self) -> Arc<Directory> {
        self.picture
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Which upstream system acts for whom.
    #[must_use]
    pub const fn bindings(&self) -> &UpstreamBindings {
        &self.bindings
    }
}

/// Takes a new picture if there is one and it has become old.
///
/// # Errors
/// As any query.
pub(super) async fn renew(cx: &Services) -> Result<(), AppError> {
    if cx.directories.taken_at.lock().await.is_some() {
        refresh(cx).await
    } else {
        Ok(())
    }
}

/// Takes a new picture if divisions, organizations or admission lists moved since the last one.
///
/// # Errors
/// As any query.
pub async fn refresh(cx: &Services) -> Result<(), AppError> {
    let mut taken_at = cx.directories.taken_at.lock().await;
    let known = cx.cache.epochs().stamp(EPOCHS);
    if taken_at.is_some_and(|stamp| stamp.covers(known)) {
        return Ok(());
    }
    let divisions = division::all(&cx.database).await?;
    let past = division::past(&cx.database).await?;
    let mut everybody = organization::everybody(&cx.database).await?;
    for organization in &mut everybody.organizations {
        organization.upstream = cx.directories.bindings.of(organization).map(str::to_owned);
    }
    let admissions = admission::all(&cx.database).await?;
    let directory = Directory::new(divisions, everybody.organizations, everybody.successors);
    let directory = directory.with_history(past.ended, past.codes);
    let picture = Arc::new(directory.with_admissions(admissions));
    *cx.directories
        .picture
        .write()
        .unwrap_or_else(PoisonError::into_inner) = picture;
    *taken_at = Some(known);
    Ok(())
}
