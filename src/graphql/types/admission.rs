//! An entry of the admission lists (准入清单) as GraphQL shows it.

use async_graphql::{Enum, SimpleObject};
use onedoor_domain::admission as domain;

use super::scalars::Date;

/// The list on which an entry stands.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::AdmissionList")]
pub enum AdmissionList {
    /// 依法履职清单: the village level's own duty.
    OwnDuty,
    /// 依法协助清单: the village level helps, with funds.
    Assist,
    /// 负面清单: not to be given to the village level.
    Negative,
}

/// An entry of the admission lists (准入清单): whether an item may be given to the village level beside its route.
#[derive(SimpleObject)]
pub struct Admission {
    /// Number of the entry; refusals cite it.
    number: String,
    /// On which list it stands.
    list: AdmissionList,
    /// Code of the division in which, and below which, it holds; null: everywhere.
    division_code: Option<String>,
    /// Who approved it.
    approver: String,
    /// Where the money comes from (费随事转); empty where the entry needs none.
    funds_note: String,
    /// First day on which it holds.
    valid_from: Date,
    /// Last day on which it holds; null: until it is replaced.
    valid_to: Option<Date>,
}

impl From<&domain::Admission> for Admission {
    fn from(entry: &domain::Admission) -> Self {
        Self {
            number: entry.number.clone(),
            list: entry.list.into(),
            division_code: entry.division_code.clone(),
            approver: entry.approver.clone(),
            funds_note: entry.funds_note.clone(),
            valid_from: Date(entry.valid_from),
            valid_to: entry.valid_to.map(Date),
        }
    }
}
