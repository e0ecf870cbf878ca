//! Which systems are told what happens to cases, as configured: all that the use cases need to know of it.

use onedoor_domain::actor::ActorKind;
use onedoor_domain::case::command::By;
use onedoor_domain::case::event::Event;
use onedoor_domain::case::state::Case;
use onedoor_domain::directory::Directory;
use onedoor_domain::notice::{self, NoticeKind};

use super::config::UpstreamConfig;
use super::config::notify::{NotifyCases, NotifyConfig};

/// The systems that are told.
#[derive(Debug, Clone, Default)]
pub struct Listeners(Vec<Listener>);

/// One system that is told.
#[derive(Debug, Clone)]
struct Listener {
    name: String,
    config: NotifyConfig,
}

impl Listeners {
    /// Those of some systems that are told.
    pub fn of<'a>(configs: impl IntoIterator<Item = &'a UpstreamConfig>) -> Self {
        let listener = |config: &UpstreamConfig| {
            Some(Listener {
                name: config.name.to_string(),
                config: config.notify.clone()?,
            })
        };
        Self(configs.into_iter().filter_map(listener).collect())
    }

    /// Names of the systems that are told of an event of a case, which is given as the act leaves it.
    pub fn to_tell<'a>(
        &'a self,
        case: &'a Case,
        event: &'a Event,
        by: &'a By,
        directory: &'a Directory,
    ) -> impl Iterator<Item = &'a str> {
        let kind = NoticeKind::of(event);
        self.0
            .iter()
            .filter(move |listener| kind.is_some_and(|kind| listener.config.events.contains(&kind)))
            .filter(move |listener| !listener.says_itself(event, by))
            .filter(move |listener| listener.wants(case, by, directory))
            .map(|listener| listener.name.as_str())
    }
}

impl Listener {
    /// Whether the system knows it already: by its own word, or because it is being handed the case.
    fn says_itself(&self, event: &Event, by: &By) -> bool {
        let own_word = by.kind == ActorKind::Upstream && by.subject == self.name;
        let handed = matches!(event, Event::HandoffOffered { handoff } if handoff.upstream.as_ref() == Some(&self.name));
        own_word || handed
    }

    fn wants(&self, case: &Case, by: &By, directory: &Directory) -> bool {
        let config = &self.config;
        let known = match config.cases {
            NotifyCases::All => true,
            NotifyCases::Handed => case
                .handoffs
                .iter()
                .any(|handoff| handoff.upstream.as_ref() == Some(&self.name)),
        };
        let acted = || {
            notice::acted(case, by)
                .and_then(|id| directory.organization(id))
                .is_some_and(|organization| config.roles.contains(&organization.role))
        };
        let within = || {
            let above = directory.ancestors(case.division);
            let mut place = directory.division(case.division).into_iter().chain(above);
            place.any(|division| config.divisions.contains(&division.code))
        };
        known
            && (config.items.is_empty() || config.items.contains(&case.item_code))
            && (config.roles.is_empty() || acted())
            && (config.divisions.is_empty() || within())
    }
}
