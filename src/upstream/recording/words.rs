//! What came of an exchange or a notice in one line, as scripts write it and replays tell it.

use std::collections::BTreeSet;

use crate::upstream::adapter::{NoticeError, PollPage};
use crate::upstream::fact::{FactKind, UpstreamFact, Verdict};
use crate::upstream::outcome::{Acceptance, Finding, OutcomeClass, UpstreamOutcome};

/// What came of an attempt: its class, and what more is known.
#[must_use]
pub fn outcome(outcome: &UpstreamOutcome) -> String {
    let words = match outcome {
        UpstreamOutcome::Accepted(acceptance) => accepted(acceptance),
        UpstreamOutcome::Rejected { code, reason } => {
            format!("{} {}", code.as_deref().unwrap_or_default(), reason.as_str())
        }
        UpstreamOutcome::Retryable { retry_after } => retry_after
            .map(|delay| format!("{}s", delay.as_secs()))
            .unwrap_or_default(),
        UpstreamOutcome::NotSent { .. }
        | UpstreamOutcome::Ambiguous { .. }
        | UpstreamOutcome::Held { .. } => outcome.reason().to_owned(),
    };
    joined(outcome.class().as_str(), &words)
}

/// What a question found out.
#[must_use]
pub fn finding(finding: &Finding) -> String {
    let words = match finding {
        Finding::Found(acceptance) => accepted(acceptance),
        Finding::Absent | Finding::Unsupported => String::new(),
        Finding::Unanswered { class, .. } => class.as_str().to_owned(),
        Finding::Held { reason } => reason.as_str().to_owned(),
    };
    joined(finding.as_str(), &words)
}

/// What a poll brought.
#[must_use]
pub fn page(page: Result<&PollPage, OutcomeClass>) -> String {
    match page {
        Ok(page) => {
            let next = page.next.as_deref().unwrap_or("-");
            let more = if page.more { " more" } else { "" };
            let numbers: BTreeSet<&str> = page.facts.iter().map(|fact| fact.external_id.as_str()).collect();
            let numbers: Vec<&str> = numbers.into_iter().collect();
            let said = format!("{} [{}]", numbers.join(","), facts(&page.facts));
            format!("PAGE {} unreadable, next {next}{more}, {said}", page.unreadable)
        }
        Err(class) => format!("NONE {}", class.as_str()),
    }
}

/// What a notice says.
#[must_use]
pub fn notice(read: Result<&[UpstreamFact], &NoticeError>) -> String {
    match read {
        Ok(said) => {
            let Some(fact) = said.first() else {
                return "NOTHING".to_owned();
            };
            let event = fact.event_id.as_deref().unwrap_or("-");
            let ours = fact.our_reference.as_deref().unwrap_or("-");
            format!("{event} {} {ours} [{}]", fact.external_id, facts(said))
        }
        Err(NoticeError::Malformed { .. }) => "MALFORMED".to_owned(),
        Err(NoticeError::UnknownKind) => "UNKNOWN_KIND".to_owned(),
    }
}

fn joined(class: &str, words: &str) -> String {
    format!("{class} {words}").trim().to_owned()
}

fn accepted(acceptance: &Acceptance) -> String {
    let mut words = vec![acceptance.external_id.to_string()];
    if acceptance.awaits_callback {
        words.push("awaits".to_owned());
    }
    words.extend(acceptance.version.map(|version| format!("v{version}")));
    if !acceptance.facts.is_empty() {
        words.push(format!("[{}]", facts(&acceptance.facts)));
    }
    words.join(" ")
}

fn facts(facts: &[UpstreamFact]) -> String {
    facts.iter().map(word).collect::<Vec<_>>().join(", ")
}

fn word(fact: &UpstreamFact) -> String {
    let version = fact
        .version
        .map_or_else(|| "v-".to_owned(), |version| format!("v{version}"));
    let kind = match &fact.kind {
        FactKind::Received => "RECEIVED".to_owned(),
        FactKind::Decided { verdict, opinion } => {
            let verdict = match verdict {
                Verdict::Granted => "GRANTED",
                Verdict::Denied => "DENIED",
            };
            format!("DECIDED {verdict} {}", opinion.as_str())
        }
        FactKind::Completed => "COMPLETED".to_owned(),
        FactKind::Rejected { reason } => format!("REJECTED {}", reason.as_str()),
        FactKind::Note { text } => format!("NOTE {}", text.as_str()),
        FactKind::Accepted => "ACCEPTED".to_owned(),
        FactKind::SupplementRequested { materials, text } => {
            format!("SUPPLEMENT_REQUESTED {} {}", materials.join(","), text.as_str())
        }
        FactKind::SpecialBegun { text, .. } => format!("SPECIAL_BEGUN {}", text.as_str()),
        FactKind::SpecialEnded { text } => format!("SPECIAL_ENDED {}", text.as_str()),
        FactKind::Opinion { opinion, text } => format!("OPINION {opinion:?} {}", text.as_str()),
        FactKind::Delivered => "DELIVERED".to_owned(),
        FactKind::Withdrawn => "WITHDRAWN".to_owned(),
    };
    format!("{kind} {version}")
}
