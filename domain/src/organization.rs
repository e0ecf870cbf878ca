//! Organizations: departments, service centers, stations, committees; the hands a case passes through.

use serde::{Deserialize, Serialize};

use crate::division::Level;
use crate::id::{DivisionId, OrganizationId};

/// The kind of an organization (DOMAIN §1, `data/organization_roles.csv`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OrganizationKind {
    /// A department of a government.
    Department,
    /// A service center (便民服务中心, 政务服务中心).
    ServiceCenter,
    /// A community agent station (为民服务全程代理工作站).
    Station,
    /// A residents or villagers committee.
    Committee,
    /// A grid cell (网格).
    Grid,
    /// A township government or subdistrict office.
    Government,
    /// A public institution.
    Institution,
    /// A social organization.
    SocialOrganization,
    /// A party organ or people's organization of the city plan.
    Party,
    /// A property company.
    PropertyCompany,
    /// An organization outside the city.
    External,
}

/// An organization. Work lies on its desk: any clerk or officer of it can act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// Our own key.
    pub id: OrganizationId,
    /// Code, unique: `<division code>:<role>`, or the agency's code such as `BB-MCA`.
    pub code: String,
    /// Role, for example `township.service-center` (`data/organization_roles.csv`).
    pub role: String,
    /// Kind.
    pub kind: OrganizationKind,
    /// The division it serves.
    pub division: DivisionId,
    /// Its level.
    pub level: Level,
    /// Name in Chinese.
    pub name_zh: String,
    /// Name in English, generic.
    pub name_en: String,
    /// The upstream system that acts for it, by configuration; `None`: people act at its desk.
    pub upstream: Option<String>,
}
