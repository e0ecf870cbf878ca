//! Papers that come after the submission: checked before they are kept, and joined with those handed in.

use chrono::NaiveDate;
use onedoor_domain::actor::{Actor, ActorKind};
use onedoor_domain::case::agent::{Authorization, REFERENCE_CHARS_MAX};
use onedoor_domain::case::command::Command;
use onedoor_domain::case::event::Event;
use onedoor_domain::case::state::{Case, CaseStatus, Channel};
use onedoor_domain::item::ItemVersion;
use onedoor_domain::material::{MaterialEntry, check_brought};
use onedoor_domain::timeline::StoredEvent;
use serde_json::Value;

use super::cases::Cases;
use super::rejection::{Rejection, RejectionCode};
use crate::error::AppError;

/// Everything that is wrong with the papers of an act that the rules would let pass.
pub(super) fn faults(
    command: &Command,
    case: &Case,
    item: &ItemVersion,
    actor: &Actor,
    today: NaiveDate,
) -> Vec<Rejection> {
    let mut faults = Vec::new();
    if let Some((brought, channel)) = brought_by(command, actor) {
        let must: Vec<&str> = case
            .supplements
            .last()
            .filter(|_| case.status == CaseStatus::AwaitingSupplement)
            .map(|asked| asked.materials.iter().map(String::as_str).collect())
            .unwrap_or_default();
        let found = check_brought(&item.materials, &must, brought, channel);
        faults.extend(found.iter().map(|fault| Rejection {
            field: fault.path(),
            ..Rejection::of(
                RejectionCode::MaterialMissing,
                &[],
                fault.message_zh.as_str(),
                fault.message_en.as_str(),
            )
        }));
    }
    faults.extend(authorization_of(command).and_then(|on_file| authorization_fault(on_file, today)));
    faults
}

fn brought_by<'a>(command: &'a Command, actor: &Actor) -> Option<(&'a [MaterialEntry], Channel)> {
    let channel = match actor.kind {
        ActorKind::Clerk | ActorKind::Officer => Channel::Window,
        ActorKind::Kiosk => Channel::Kiosk,
        ActorKind::Anonymous
        | ActorKind::Citizen
        | ActorKind::Supervisor
        | ActorKind::Auditor
        | ActorKind::SystemAdmin
        | ActorKind::SecurityAdmin
        | ActorKind::AuditAdmin
        | ActorKind::Upstream
        | ActorKind::System => Channel::Online,
    };
    if let Command::Supplement { materials, .. } = command {
        Some((materials, channel))
    } else if let Command::HandOff(asked) = command {
        (!asked.materials.is_empty()).then_some((&asked.materials, channel))
    } else {
        None
    }
}

/// The materials that a command brings.
pub(super) fn brought_with(command: &Command) -> &[MaterialEntry] {
    if let Command::Supplement { materials, .. } = command {
        materials
    } else if let Command::HandOff(asked) = command {
        &asked.materials
    } else {
        &[]
    }
}

fn authorization_of(command: &Command) -> Option<&Authorization> {
    if let Command::Supplement { authorization, .. }
    | Command::Withdraw { authorization, .. }
    | Command::Deliver { authorization, .. } = command
    {
        authorization.as_ref()
    } else {
        None
    }
}

/// What is wrong with an authorization as it is said to be on file.
pub(super) fn authorization_fault(on_file: &Authorization, today: NaiveDate) -> Option<Rejection> {
    (!on_file.is_plausible(today)).then(|| {
        Rejection::of(
            RejectionCode::InvalidField,
            &["authorization"],
            format!("授权须写明档案编号（不超过 {REFERENCE_CHARS_MAX} 字），日期不晚于今日。"),
            format!(
                "An authorization names its file (at most {REFERENCE_CHARS_MAX} characters) and a date not after today."
            ),
        )
    })
}

impl Cases {
    /// The materials of a case as they are now: those handed in, each replaced by what came later under its code.
    pub(super) async fn materials(
        &self,
        case: &Case,
        handed_in: Value,
    ) -> Result<Vec<MaterialEntry>, AppError> {
        let mut materials: Vec<MaterialEntry> =
            serde_json::from_value(handed_in).map_err(AppError::internal)?;
        if case.brought.is_empty() {
            return Ok(materials);
        }
        for entry in self.store.timeline(case.id).await?.iter().flat_map(brought) {
            match materials.iter_mut().find(|earlier| earlier.code == entry.code) {
                Some(earlier) => *earlier = entry,
                None => materials.push(entry),
            }
        }
        Ok(materials)
    }
}

/// What an event brought; nothing when it is another, or its texts were erased.
pub(super) fn brought(stored: &StoredEvent) -> Vec<MaterialEntry> {
    let Event::MaterialsBrought { .. } = stored.event else {
        return Vec::new();
    };
    stored
        .private
        .as_ref()
        .and_then(|private| private.get("materials"))
        .and_then(|entries| serde_json::from_value(entries.clone()).ok())
        .unwrap_or_default()
}
