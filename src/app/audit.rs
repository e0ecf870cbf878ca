//! The audit log from the command line: exported, and told what an operator did.

use std::fs::OpenOptions;
use std::io::{self, BufWriter};
use std::path::Path;
use std::sync::Arc;

use onedoor_domain::actor::Actor;
use onedoor_domain::audit::AuditAction;

use super::{AppFailure, gateway};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::service::Services;
use crate::service::audit::{AuditFilter, AuditFormat};

/// Writes entries to a file that does not exist yet, or to stdout. Gives their number.
///
/// # Errors
/// The audit log cannot be read, or the export not written.
pub async fn export(
    config: &Config,
    filter: &AuditFilter,
    format: AuditFormat,
    out: Option<&Path>,
) -> Result<u64, AppFailure> {
    let services = gateway::services_alone(config, Arc::new(SystemClock)).await?;
    let written = match out {
        Some(path) => {
            let file = OpenOptions::new().write(true).create_new(true).open(path);
            let file = file.map_err(|source| AppFailure::File {
                path: path.to_owned(),
                source,
            })?;
            services
                .export_audit(filter, format, &mut BufWriter::new(file))
                .await
        }
        None => {
            services
                .export_audit(filter, format, &mut BufWriter::new(io::stdout()))
                .await
        }
    };
    Ok(written?)
}

/// Tells the audit log what an operator did at the command line, and on what.
///
/// # Errors
/// The database cannot be used; the act was done.
pub(super) async fn tell(services: &Services, action: AuditAction, object: &str) -> Result<(), AppFailure> {
    let operator = Actor::system("command-line");
    let entry = services.audit_entry(&operator, action).on(object);
    Ok(services.keep_audit(&entry).await?)
}
