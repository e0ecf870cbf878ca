//! The reference data that ships with the binary, loaded into an empty database.

use super::{ImportError, ImportReport, Mode, calendar, catalogue, divisions, organizations};
use crate::service::{Services, reference};
use crate::store;

/// Divisions of the city (data/NOTICE).
pub const DIVISIONS: &str = include_str!("../../../data/divisions_3403.csv");
/// Rows of [`DIVISIONS`].
pub const DIVISIONS_COUNT: usize = 1_254;
/// Roles of organizations.
pub const ORGANIZATION_ROLES: &str = include_str!("../../../data/organization_roles.csv");
/// Agencies of the city plan.
pub const AGENCIES: &str = include_str!("../../../data/agencies.csv");
/// Working days 2024-2027.
pub const WORKDAYS: &str = include_str!("../../../data/workdays.csv");
/// Service items.
pub const CATALOGUE: &str = include_str!("../../../data/catalogue.yaml");
/// Certificates that a community may not be asked for.
pub const FORBIDDEN_CERTIFICATES: &str = include_str!("../../../data/forbidden_certificates.csv");

/// What was loaded.
#[derive(Debug, Clone, Copy)]
pub struct Shipped {
    /// Divisions.
    pub divisions: ImportReport,
    /// Organizations by role.
    pub organizations: ImportReport,
    /// Agencies of the city.
    pub agencies: ImportReport,
    /// Days of the calendar.
    pub calendar: ImportReport,
    /// Service items.
    pub catalogue: ImportReport,
}

/// Loads what ships, unless the last of it, the catalogue, is there. A load that was cut off is completed; two
/// replicas that load at once end with one copy.
///
/// # Errors
/// As any import; the shipped data itself has no faults.
pub async fn load_if_empty(cx: &Services) -> Result<Option<Shipped>, ImportError> {
    reference::refresh(cx).await?;
    if store::catalogue::count(&cx.database).await? > 0 {
        return Ok(None);
    }
    load(cx).await.map(Some)
}

/// Loads what ships; what is there already and equal stays.
///
/// # Errors
/// As any import.
pub async fn load(cx: &Services) -> Result<Shipped, ImportError> {
    let divisions = divisions::import(cx, DIVISIONS, Some(DIVISIONS_COUNT), Mode::Write).await?;
    // another replica may have written what this one found unchanged
    reference::refresh(cx).await?;
    let organizations = organizations::import(cx, ORGANIZATION_ROLES, Mode::Write).await?;
    let agencies = organizations::import(cx, AGENCIES, Mode::Write).await?;
    let calendar = calendar::import(cx, WORKDAYS, Mode::Write).await?;
    reference::refresh(cx).await?;
    let catalogue = catalogue::import(cx, CATALOGUE, Mode::Write).await?;
    Ok(Shipped {
        divisions,
        organizations,
        agencies,
        calendar,
        catalogue,
    })
}
