//! `[notify]`: what a system is told of cases, and of which.

use std::collections::BTreeSet;

use onedoor_domain::notice::NoticeKind;
use serde::{Deserialize, Serialize};

use super::section::Section;

/// What a system is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotifyConfig {
    /// What is told.
    pub events: BTreeSet<NoticeKind>,
    /// Of which cases.
    pub cases: NotifyCases,
    /// Only of cases of these divisions and what lies below them; empty: of all.
    pub divisions: Vec<String>,
    /// Only of cases of these items; empty: of all.
    pub items: Vec<String>,
    /// Only what organizations of these roles did; empty: what anybody did.
    pub roles: Vec<String>,
}

/// Of which cases a system is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NotifyCases {
    /// Those that were ever handed to it.
    Handed,
    /// All.
    All,
}

impl NotifyConfig {
    pub(super) fn read(section: &mut Section) -> Option<Self> {
        let names = section.texts("events");
        if names.is_empty() {
            section.fault("events", "name at least one thing to tell 须至少列出一项通知内容");
        }
        let events = names
            .iter()
            .filter_map(|name| section.choice("events", name))
            .collect();
        let cases = section.optional("cases").unwrap_or_else(|| "handed".to_owned());
        let cases = section.choice("cases", &cases);
        Some(Self {
            events,
            divisions: section.texts("divisions"),
            items: section.texts("items"),
            roles: section.texts("roles"),
            cases: cases?,
        })
    }
}
