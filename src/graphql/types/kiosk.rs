//! A kiosk (自助终端) as its administrator sees it.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, Enum, ID, Result, SimpleObject};
use chrono::{DateTime, Utc};
use onedoor_domain::id::{KioskId, OrganizationId};
use onedoor_domain::kiosk::{Kiosk as DomainKiosk, KioskState as DomainState};

use super::case::organization;
use super::organization::Organization;
use crate::service::kiosks::Kiosks;

/// How a kiosk stands.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "DomainState")]
pub enum KioskState {
    /// 待注册: its enrolment code was given out and not used yet.
    Invited,
    /// 在用: it may act.
    Active,
    /// 停用（疑似被复制）: two devices used its key; only another enrolment lifts it.
    Suspended,
    /// 已注销: it may never act again.
    Revoked,
}

/// A kiosk (自助终端), bound to one station.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Kiosk {
    /// What people call it.
    name: String,
    /// How it stands.
    state: KioskState,
    /// Not heard of for longer than `kiosk.silent_after_s`, though it is active.
    silent: bool,
    /// SHA-256 thumbprint of its public key (RFC 7638); null before it was enrolled.
    key_thumbprint: Option<String>,
    /// The highest counter accepted of it: one more with each token.
    counter: i32,
    /// Version of the program on it, as it says itself.
    app_version: Option<String>,
    /// Applications that wait on it, as it says itself.
    queue_length: Option<i32>,
    /// By how many seconds its clock is ahead; negative when it is behind.
    clock_ahead_seconds: Option<i32>,
    /// When its first code was given out.
    created_at: DateTime<Utc>,
    /// Until when its enrolment code works; null when none is open.
    code_expires_at: Option<DateTime<Utc>>,
    /// When it was last enrolled.
    enrolled_at: Option<DateTime<Utc>>,
    /// When it was last heard of.
    last_seen_at: Option<DateTime<Utc>>,
    /// Since when it is suspended or revoked.
    ended_at: Option<DateTime<Utc>>,
    #[graphql(skip)]
    key: KioskId,
    #[graphql(skip)]
    at: OrganizationId,
}

/// Its key, and where it stands.
#[ComplexObject]
impl Kiosk {
    /// Opaque key; also the subject of all that the device does.
    pub(crate) async fn id(&self) -> ID {
        ID(self.key.to_string())
    }

    /// The organization at whose station it stands.
    async fn station(&self, ctx: &Context<'_>) -> Option<Result<Organization>> {
        organization(ctx, Some(self.at)).await
    }
}

impl Kiosk {
    pub(crate) fn of(kiosk: DomainKiosk, kiosks: &Kiosks) -> Self {
        let silent = kiosks.is_silent(&kiosk);
        Self {
            key: kiosk.id,
            name: kiosk.name,
            state: kiosk.state.into(),
            silent,
            key_thumbprint: kiosk.thumbprint,
            counter: i32::try_from(kiosk.counter).unwrap_or(i32::MAX),
            app_version: kiosk.app_version,
            queue_length: kiosk
                .queue_length
                .map(|length| i32::try_from(length).unwrap_or(i32::MAX)),
            clock_ahead_seconds: kiosk
                .clock_ahead_s
                .map(|ahead| i32::try_from(ahead).unwrap_or(if ahead < 0 { i32::MIN } else { i32::MAX })),
            created_at: kiosk.created_at,
            code_expires_at: kiosk.code_expires_at,
            enrolled_at: kiosk.enrolled_at,
            last_seen_at: kiosk.last_seen_at,
            ended_at: kiosk.ended_at,
            at: kiosk.station,
        }
    }
}

/// The use cases of kiosks.
pub(crate) fn kiosks<'a>(ctx: &Context<'a>) -> Result<&'a Arc<Kiosks>> {
    ctx.data::<Arc<Kiosks>>()
}
