//! What changed since somebody last looked, as far as they may see it.

use onedoor_domain::actor::Actor;
use onedoor_domain::feed::FeedCursor;
use onedoor_domain::id::CaseId;
use onedoor_domain::policy::Act;

use chrono::{DateTime, Utc};

use super::More;
use super::cases::Cases;
use super::changes::Following;
use super::reading::CaseView;
use crate::error::{AppError, ErrorCode};

/// A case that changed, as it is now.
pub struct CaseNews {
    /// The case.
    pub view: CaseView,
    /// When it changed last, among what was read.
    pub at: DateTime<Utc>,
}

/// What changed, and where to go on.
pub struct News {
    /// The cases, in the order of their last changes.
    pub cases: Vec<CaseNews>,
    /// Where to go on.
    pub cursor: FeedCursor,
    /// Whether there is more already.
    pub more: bool,
}

/// Reads a cursor that a caller was given.
///
/// # Errors
/// `BAD_USER_INPUT` for any other text.
pub fn feed_cursor(text: &str) -> Result<FeedCursor, AppError> {
    FeedCursor::decode(text).map_err(|error| {
        AppError::of(ErrorCode::BadUserInput)
            .detail(
                "游标无效，请使用 changesSince 或订阅返回的游标。",
                "The cursor is not valid; use one that changesSince or a subscription returned.",
            )
            .because(error)
    })
}

impl Cases {
    /// Follows every change behind a cursor; without one, from now on. Filter them, and read the state by the policy.
    ///
    /// # Errors
    /// `CURSOR_TOO_OLD`, `STORE_UNAVAILABLE`.
    pub async fn follow(&self, after: Option<FeedCursor>) -> Result<Following, AppError> {
        self.changes.follow(after).await
    }

    /// The cases that an actor may read and that changed behind a cursor, each once, as it is now. Without a cursor
    /// nothing but where the feed ends: read the state after that, and go on from there.
    ///
    /// # Errors
    /// `CURSOR_TOO_OLD`, FORBIDDEN or UNAUTHENTICATED by the policy, `STORE_UNAVAILABLE`.
    pub async fn changes_since(&self, actor: &Actor, after: Option<FeedCursor>) -> Result<News, AppError> {
        let proof = self.may_read(actor, Act::ReadCase)?;
        let Some(after) = after else {
            return Ok(News {
                cases: Vec::new(),
                cursor: self.changes.now().await?,
                more: false,
            });
        };
        let changed = self.changes.since(after).await?;
        let ids: Vec<CaseId> = changed.changes.iter().map(|change| change.case).collect();
        let visible = match ids.as_slice() {
            [] => Vec::new(),
            ids => self.store.among(&proof, ids).await?,
        };
        let changes = changed
            .changes
            .into_iter()
            .filter(|change| visible.contains(&change.case));
        let times: Vec<(CaseId, DateTime<Utc>)> = changes.map(|change| (change.case, change.at)).collect();
        let ids: Vec<CaseId> = times.iter().map(|(case, _)| *case).collect();
        let loaded = self.store.load_cases(&ids).await?;
        let mut views = self.views(actor, Act::ReadCase, loaded).await?;
        // a change behind the end of its own part did not happen for a past handler
        let news = times.into_iter().filter_map(|(case, at)| {
            let view = views.remove(&case).filter(|view| view.tells(at))?;
            Some(CaseNews { view, at })
        });
        Ok(News {
            cases: news.collect(),
            cursor: changed.cursor,
            more: changed.more == More::Perhaps,
        })
    }

    /// Several cases by key, each where the actor may read it; `None` elsewhere, in the order of the keys.
    ///
    /// # Errors
    /// As [`Cases::read_case`].
    pub async fn read_cases(&self, actor: &Actor, ids: &[CaseId]) -> Result<Vec<Option<CaseView>>, AppError> {
        let scope = self.may_read(actor, Act::ReadCase)?;
        let loaded = self.store.load_cases_within(&scope, ids).await?;
        let views = self.views(actor, Act::ReadCase, loaded).await?;
        let view = |id: &CaseId| {
            let view = views.get(id).cloned();
            if view.is_none() {
                self.note_denied(actor, *id, "HIDDEN");
            }
            view
        };
        Ok(ids.iter().map(view).collect())
    }
}
