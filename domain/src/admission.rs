//! Admission (准入): which service items may be given to the grassroots beside the published routes.
//!
//! Grassroots is the village level. The steps of a published route are admitted by the catalogue; every other handoff
//! there (交办, 转办, a step whose organization is chosen) needs an entry of the lists that is valid on the day.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// The three lists (DOMAIN §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AdmissionList {
    /// 依法履职清单: the grassroots' own duty.
    OwnDuty,
    /// 依法协助清单: the grassroots helps, with funds.
    Assist,
    /// 负面清单: not to be given to the grassroots.
    Negative,
}

/// One entry of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admission {
    /// Number of the entry, unique over all lists, for example `XZ-2026-03`.
    pub number: String,
    /// Which list.
    pub list: AdmissionList,
    /// Code of the service item.
    pub item_code: String,
    /// Code of the division in which, and below which, it holds; `None`: everywhere.
    pub division_code: Option<String>,
    /// Who approved it.
    pub approver: String,
    /// Where the money comes from (费随事转); empty where the entry needs none.
    pub funds_note: String,
    /// First day on which it holds.
    pub valid_from: NaiveDate,
    /// Last day on which it holds; `None`: until it is replaced.
    pub valid_to: Option<NaiveDate>,
}

impl Admission {
    /// Whether it holds for an item, in a place (the codes of a division and of all above it), on a day.
    #[must_use]
    pub fn holds(&self, item_code: &str, place: &[&str], on: NaiveDate) -> bool {
        self.item_code == item_code
            && self
                .division_code
                .as_deref()
                .is_none_or(|code| place.contains(&code))
            && self.valid_from <= on
            && self.valid_to.is_none_or(|last| on <= last)
    }
}

/// What the lists say of giving an item to an organization by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    /// The organization is not of the grassroots: the lists do not apply.
    NotGrassroots,
    /// Admitted, by the entry with this number.
    Admitted {
        /// Number of the entry.
        number: String,
    },
    /// The negative list forbids it.
    Forbidden {
        /// Number of the entry.
        number: String,
        /// Who approved the entry.
        approver: String,
    },
    /// No list has a valid entry for the item there.
    Unlisted,
}

/// What the lists say of an item in a village-level place on a day. The negative list goes before the others.
#[must_use]
pub fn gate(lists: &[Admission], item_code: &str, place: &[&str], on: NaiveDate) -> Gate {
    let mut valid: Vec<&Admission> = lists
        .iter()
        .filter(|entry| entry.holds(item_code, place, on))
        .collect();
    valid.sort_by_key(|entry| entry.list != AdmissionList::Negative);
    match valid.first() {
        None => Gate::Unlisted,
        Some(entry) => match entry.list {
            AdmissionList::Negative => Gate::Forbidden {
                number: entry.number.clone(),
                approver: entry.approver.clone(),
            },
            AdmissionList::OwnDuty | AdmissionList::Assist => Gate::Admitted {
                number: entry.number.clone(),
            },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: &str, list: AdmissionList, division: Option<&str>) -> Admission {
        Admission {
            number: number.to_owned(),
            list,
            item_code: "pension-enroll".to_owned(),
            division_code: division.map(str::to_owned),
            approver: "区政府".to_owned(),
            funds_note: String::new(),
            valid_from: day("2026-01-01"),
            valid_to: Some(day("2026-12-31")),
        }
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    const PLACE: [&str; 2] = ["340302001001", "340302000000"];

    #[test]
    fn an_entry_admits_its_item_in_its_place_on_its_days_and_nothing_else() {
        let lists = [entry("A-1", AdmissionList::Assist, Some("340302000000"))];
        let asked = |item, place: &[&str], on| gate(&lists, item, place, day(on));
        let admitted = Gate::Admitted {
            number: "A-1".to_owned(),
        };
        for on in ["2026-01-01", "2026-12-31"] {
            assert_eq!(asked("pension-enroll", &PLACE, on), admitted);
        }
        assert_eq!(asked("pension-enroll", &PLACE, "2027-01-01"), Gate::Unlisted);
        assert_eq!(asked("pension-enroll", &PLACE, "2025-12-31"), Gate::Unlisted);
        assert_eq!(asked("other", &PLACE, "2026-06-01"), Gate::Unlisted);
        assert_eq!(
            asked("pension-enroll", &["340303000000"], "2026-06-01"),
            Gate::Unlisted
        );
    }

    #[test]
    fn the_negative_list_goes_before_the_others_and_is_cited() {
        let lists = [
            entry("A-1", AdmissionList::OwnDuty, None),
            entry("N-7", AdmissionList::Negative, Some("340302001001")),
        ];
        let told = gate(&lists, "pension-enroll", &PLACE, day("2026-06-01"));
        assert_eq!(
            told,
            Gate::Forbidden {
                number: "N-7".to_owned(),
                approver: "区政府".to_owned()
            }
        );
    }
}
