//! The audit log, as use cases write and read it.

use std::io::{self, Write};

use onedoor_domain::actor::Actor;
use onedoor_domain::audit::{AuditAction, AuditEntry};
use onedoor_domain::id::AuditEntryId;
use onedoor_domain::page::{Page, PageRequest};
use onedoor_domain::policy::Act;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::{Services, guard};
use crate::error::AppError;
use crate::store::audit;
pub use crate::store::audit::{AuditFilter, ENTRIES_BY_TIME};

impl Services {
    /// An entry that tells of an act of now; the store writes it with the act, or [`Self::keep_audit`] alone.
    #[must_use]
    pub fn audit_entry(&self, actor: &Actor, action: AuditAction) -> AuditEntry {
        AuditEntry::done(
            AuditEntryId::from_uuid(Uuid::now_v7()),
            self.clock.now(),
            actor,
            action,
        )
    }

    /// Keeps an entry of something that writes nothing itself. What must not happen unseen waits for this first.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE.
    pub async fn keep_audit(&self, entry: &AuditEntry) -> Result<(), AppError> {
        Ok(audit::append(&self.database, std::slice::from_ref(entry)).await?)
    }

    /// A page of the audit log, the last entry first.
    ///
    /// # Errors
    /// FORBIDDEN or UNAUTHENTICATED by the policy, STORE_UNAVAILABLE.
    pub async fn list_audit(
        &self,
        actor: &Actor,
        filter: &AuditFilter,
        page: &PageRequest,
    ) -> Result<Page<AuditEntry>, AppError> {
        let proof = guard::read(actor, Act::ReadAuditLog)?;
        Ok(audit::list(&self.database, &proof, filter, page).await?)
    }

    /// How many entries the list has.
    ///
    /// # Errors
    /// As [`Self::list_audit`].
    pub async fn count_audit(&self, actor: &Actor, filter: &AuditFilter) -> Result<u64, AppError> {
        let proof = guard::read(actor, Act::ReadAuditLog)?;
        Ok(audit::count(&self.database, &proof, filter).await?)
    }

    /// Writes entries for an operator with the settings of the gateway, the oldest first. Gives their number. That it was
    /// done is an entry of its own, written before anything is given away.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE, or what writing fails with.
    pub async fn export_audit(
        &self,
        filter: &AuditFilter,
        format: AuditFormat,
        out: &mut impl Write,
    ) -> Result<u64, AppError> {
        let operator = Actor::system("command-line");
        let told = self.audit_entry(&operator, AuditAction::AuditLogExported);
        self.keep_audit(&told).await?;
        let mut written = 0_u64;
        if format == AuditFormat::Csv {
            writeln!(out, "{}", COLUMNS.join(",")).map_err(AppError::internal)?;
        }
        let mut last: Option<AuditEntry> = None;
        loop {
            let entries = audit::entries_behind(&self.database, filter, last.as_ref()).await?;
            for entry in &entries {
                match format {
                    AuditFormat::Jsonl => write_json(entry, out),
                    AuditFormat::Csv => write_csv(entry, out),
                }
                .map_err(AppError::internal)?;
                written += 1;
            }
            match entries.into_iter().last() {
                Some(entry) => last = Some(entry),
                None => break,
            }
        }
        out.flush().map_err(AppError::internal)?;
        Ok(written)
    }
}

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditFormat {
    /// A JSON object a line.
    Jsonl,
    /// A table whose cells no spreadsheet takes for a formula.
    Csv,
}

const COLUMNS: [&str; 11] = [
    "id",
    "at",
    "actor",
    "subject",
    "organization",
    "action",
    "object",
    "outcome",
    "reason",
    "correlation",
    "times",
];

/// An entry as it is exported; its fields are [`COLUMNS`].
#[derive(Serialize)]
#[cfg_attr(test, derive(serde::Deserialize, Debug, PartialEq))]
struct Exported {
    id: String,
    at: String,
    actor: String,
    subject: String,
    organization: Option<String>,
    action: Value,
    object: Option<String>,
    outcome: Value,
    reason: Option<String>,
    correlation: Option<String>,
    times: u32,
}

fn exported(entry: &AuditEntry) -> serde_json::Result<Exported> {
    Ok(Exported {
        id: entry.id.to_string(),
        at: entry.at.to_rfc3339(),
        actor: entry.actor.name().to_owned(),
        subject: entry.subject.clone(),
        organization: entry.organization.map(|id| id.to_string()),
        action: serde_json::to_value(entry.action)?,
        object: entry.object.clone(),
        outcome: serde_json::to_value(entry.outcome)?,
        reason: entry.reason.clone(),
        correlation: entry.correlation.clone(),
        times: entry.times,
    })
}

fn write_json(entry: &AuditEntry, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &exported(entry)?)?;
    out.write_all(b"\n")
}

fn write_csv(entry: &AuditEntry, out: &mut impl Write) -> io::Result<()> {
    let Exported {
        id,
        at,
        actor,
        subject,
        organization,
        action,
        object,
        outcome,
        reason,
        correlation,
        times,
    } = exported(entry)?;
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let cells = [
        id,
        at,
        actor,
        subject,
        organization.unwrap_or_default(),
        word(&action),
        object.unwrap_or_default(),
        word(&outcome),
        reason.unwrap_or_default(),
        correlation.unwrap_or_default(),
        times.to_string(),
    ];
    let row: Vec<String> = cells.iter().map(|text| cell(text)).collect();
    writeln!(out, "{}", row.join(","))
}

/// A cell of a table: quoted, and with an apostrophe in front of what a spreadsheet would take for a formula.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']);
    let mark = if formula { "'" } else { "" };
    format!("\"{mark}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use onedoor_domain::actor::ActorKind;

    use super::*;

    fn entry(subject: &str) -> AuditEntry {
        let actor = Actor {
            kind: ActorKind::Clerk,
            subject: subject.to_owned(),
            ..Actor::anonymous()
        };
        let id = AuditEntryId::from_uuid(Uuid::now_v7());
        AuditEntry::done(id, DateTime::UNIX_EPOCH, &actor, AuditAction::Access)
            .denied()
            .because("HIDDEN")
    }

    #[test]
    fn no_cell_of_an_export_is_a_formula_and_no_text_breaks_its_row() {
        for subject in [
            "=HYPERLINK(\"http://evil\")",
            "+1",
            "-1+1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "＝1",
            "a,b\"c\nd",
        ] {
            let mut bytes = format!("{}\n", COLUMNS.join(",")).into_bytes();
            write_csv(&entry(subject), &mut bytes).unwrap();
            let mut reader = csv::Reader::from_reader(bytes.as_slice());
            let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
            assert_eq!((rows.len(), rows[0].len()), (1, COLUMNS.len()), "{subject:?}");
            let read = &rows[0][3];
            assert!(read == subject || read == format!("'{subject}"), "{read:?}");
            assert!(
                !read.starts_with(['=', '+', '-', '@', '\t', '\r', '＝']),
                "{read:?}"
            );
        }
    }

    #[test]
    fn the_columns_of_the_table_are_the_fields_of_a_line() {
        let mut bytes = Vec::new();
        write_json(&entry("clerk-1"), &mut bytes).unwrap();
        let line: Exported = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(line.subject, "clerk-1");
        let fields: serde_json::Map<String, Value> = serde_json::from_slice(&bytes).unwrap();
        let mut columns = COLUMNS.to_vec();
        columns.sort_unstable();
        assert_eq!(fields.keys().map(String::as_str).collect::<Vec<_>>(), columns);
    }
}
