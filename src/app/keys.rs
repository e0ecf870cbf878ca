//! The keys of a process, and what an operator does with them: see what refers to each, rotate, erase.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use onedoor_domain::actor::Actor;
use onedoor_domain::audit::AuditAction;
use onedoor_domain::id::CaseId;

use super::{AppFailure, gateway};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::secret::keyring::{KeyFiles, KeyPlaces, Keyring};
use crate::service::Services;
use crate::service::cases::Cases;
use crate::service::erasure::{EraseReason, EraseRefusal, WhichCase};
use crate::store::case::CaseStore;
use crate::store::key_status::Counts;

/// Opens the keys that the settings name, or those of a demonstration.
pub(super) fn open_keys(config: &Config) -> Result<Keyring, AppFailure> {
    let secrets = &config.secrets;
    let files = |current, retired| KeyFiles {
        current: Some(current).filter(|path| *path != Path::new("")),
        retired,
    };
    Ok(Keyring::open(KeyPlaces {
        suite: secrets.suite,
        data: files(secrets.data_key_file.as_path(), &secrets.data_key_retired_files),
        receipt: files(&secrets.receipt_key_file, &secrets.receipt_key_retired_files),
        index: files(&secrets.index_key_file, &secrets.index_key_retired_files),
        generated_in: &config.keys_dir(),
    })?)
}

/// What refers to which key, a line each.
///
/// # Errors
/// The database or the keys cannot be used.
pub async fn status(config: &Config) -> Result<String, AppFailure> {
    let services = gateway::services_alone(config, Arc::new(SystemClock)).await?;
    let keys = Arc::new(open_keys(config)?);
    let used = CaseStore::new(services.database.clone(), Arc::clone(&keys))
        .key_use()
        .await?;
    let mut text = format!("suite {}\n", keys.masters.suite());
    let current = keys.masters.key_id().to_string();
    let state = |id: &str, known: bool, current: &str| match (id == current, known) {
        (true, _) => "current",
        (false, true) => "readable",
        (false, false) => "MISSING",
    };
    let mut line = |words: String| writeln!(text, "{words}").ok();
    let masters = keys.masters.ids().map(|id| id.to_string());
    for id in names(masters, [&used.wrapped, &used.of_masters]) {
        let known = keys.masters.named(&id).is_some();
        let (wraps, seals) = (count(&used.wrapped, &id), count(&used.of_masters, &id));
        let how = state(&id, known, &current);
        line(format!(
            "master {id} {how}: wraps {wraps} data keys, seals {seals} values"
        ));
    }
    for (what, rows) in &used.data_keys {
        line(format!("data {what}: {rows}"));
    }
    let signers = keys.receipts.trusted().iter().map(|key| key.key_id());
    for id in names(signers, [&used.signed]) {
        let key = keys.receipts.trusted().named(&id);
        let how = state(&id, key.is_some(), keys.receipts.key_id());
        let public = key.map(ToString::to_string).unwrap_or_default();
        let signed = count(&used.signed, &id);
        line(format!(
            "receipt {id} {how}: signed {signed} receipts and checkpoints; {public}"
        ));
    }
    line(format!("index {} current", keys.index.key_id()));
    Ok(text)
}

fn names<'a>(
    known: impl Iterator<Item = String>,
    used: impl IntoIterator<Item = &'a Counts>,
) -> std::collections::BTreeSet<String> {
    known
        .chain(used.into_iter().flat_map(|counts| counts.keys().cloned()))
        .collect()
}

fn count(counts: &Counts, id: &str) -> u64 {
    counts.get(id).copied().unwrap_or_default()
}

/// Retires all data keys, or those of a case; a running gateway then seals anew what they sealed.
///
/// # Errors
/// The database cannot be used, or there is no such case.
pub async fn rotate(config: &Config, case: Option<&WhichCase>) -> Result<String, AppFailure> {
    let (services, cases) = parts(config).await?;
    let case = match case {
        Some(which) => Some(found(&cases, which).await?),
        None => None,
    };
    let operator = Actor::system("command-line");
    let entry = services.audit_entry(&operator, AuditAction::RotateKeys);
    let entry = match case {
        Some(case) => entry.on(case),
        None => entry,
    };
    let store = CaseStore::new(services.database.clone(), Arc::new(open_keys(config)?));
    let retired = store.retire_keys(case, services.clock.now(), entry).await?;
    Ok(format!("{retired} data keys retired 已停用"))
}

/// Erases the personal data of a closed case.
///
/// # Errors
/// The database cannot be used, or the case is not one that may be erased.
pub async fn erase(config: &Config, which: &WhichCase, reason: EraseReason) -> Result<String, AppFailure> {
    let (_services, cases) = parts(config).await?;
    let case = found(&cases, which).await?;
    let erased = cases.erase(&Actor::system("command-line"), case, reason).await?;
    let keys = erased.map_err(AppFailure::NotErased)?;
    Ok(format!("{case} erased 已删除: {keys} data keys destroyed"))
}

async fn parts(config: &Config) -> Result<(Services, Cases), AppFailure> {
    let services = gateway::services_alone(config, Arc::new(SystemClock)).await?;
    let cases = gateway::cases_alone(config, &services)?;
    Ok((services, cases))
}

async fn found(cases: &Cases, which: &WhichCase) -> Result<CaseId, AppFailure> {
    let found = cases.which(which).await?;
    found.ok_or(AppFailure::NotErased(EraseRefusal::Unknown))
}
