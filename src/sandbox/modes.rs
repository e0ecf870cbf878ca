//! How the sandbox can be told to misbehave: rules for single references or all, for a number of times or for good.

use serde::{Deserialize, Serialize};

/// One way to behave. Each belongs to one aspect; rules of different aspects hold side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// As described. Setting it removes the other rules (of that reference, when one is named).
    Normal,

    /// Does nothing and never answers.
    Hang,
    /// Does nothing and resets the connection.
    Reset,
    /// Does nothing and answers `status` (default 500), with Retry-After `retry_after_s` when given.
    Answer,
    /// Does nothing and redirects to `location`.
    Redirect,
    /// Acts and never answers.
    AcceptThenHang,
    /// Acts and resets the connection.
    AcceptThenReset,
    /// Acts and answers `status`, as in `answer`.
    AcceptThenAnswer,
    /// Acts and answers 202 with a page of HTML.
    Garbage,
    /// Acts and answers 202 with half a body.
    Truncated,
    /// Acts and answers 202 with 8 MB.
    Huge,
    /// Acts and answers 202 in GBK under the name of UTF-8.
    WrongCharset,
    /// Acts and answers properly after `delay_ms`.
    Slow,

    /// Answers a question as if it did not know the case.
    Forget,
    /// Answers a question under another number than it gave.
    Renumber,

    /// Sends every callback twice at once.
    CallbackTwice,
    /// Reports the decision before it answers.
    CallbackEarly,
    /// Reports the decision before the receipt.
    CallbackOutOfOrder,
    /// Reports nothing; whoever asks gets the state.
    CallbackNever,

    /// Denies.
    Deny,
    /// Decides only when told by `POST /control/decide`.
    DecideWhenTold,
}

/// What a mode is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aspect {
    /// The answer to a request.
    Answer,
    /// The callbacks.
    Callback,
    /// The decision.
    Decision,
}

impl Mode {
    /// The aspect; `None` for `normal`, which is about all.
    #[must_use]
    pub const fn aspect(self) -> Option<Aspect> {
        match self {
            Self::Normal => None,
            Self::Hang
            | Self::Reset
            | Self::Answer
            | Self::Redirect
            | Self::AcceptThenHang
            | Self::AcceptThenReset
            | Self::AcceptThenAnswer
            | Self::Garbage
            | Self::Truncated
            | Self::Huge
            | Self::WrongCharset
            | Self::Slow
            | Self::Forget
            | Self::Renumber => Some(Aspect::Answer),
            Self::CallbackTwice | Self::CallbackEarly | Self::CallbackOutOfOrder | Self::CallbackNever => {
                Some(Aspect::Callback)
            }
            Self::Deny | Self::DecideWhenTold => Some(Aspect::Decision),
        }
    }

    /// Whether the request has its effect.
    #[must_use]
    pub const fn acts(self) -> bool {
        !matches!(self, Self::Hang | Self::Reset | Self::Answer | Self::Redirect)
    }
}

/// Which requests a rule is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// Requests that act.
    #[default]
    Submit,
    /// Questions.
    Query,
}

/// One rule, as `PUT /control` takes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// How to behave.
    pub mode: Mode,
    /// How often; without it for good.
    #[serde(default)]
    pub times: Option<u32>,
    /// For this reference alone; such rules go before general ones.
    #[serde(default)]
    pub our_ref: Option<String>,
    /// For which requests.
    #[serde(default)]
    pub on: Target,
    /// Status of `answer` and `accept-then-answer`.
    #[serde(default)]
    pub status: Option<u16>,
    /// Retry-After of the same, seconds.
    #[serde(default)]
    pub retry_after_s: Option<u64>,
    /// Goal of `redirect`.
    #[serde(default)]
    pub location: Option<String>,
    /// Delay of `slow`, milliseconds.
    #[serde(default)]
    pub delay_ms: Option<u64>,
}

impl Rule {
    /// The status that leaves, given the one that would be proper; `None` when no answer leaves.
    #[must_use]
    pub fn answered(&self, proper: u16) -> Option<u16> {
        match self.mode {
            Mode::Hang | Mode::Reset | Mode::AcceptThenHang | Mode::AcceptThenReset => None,
            Mode::Answer | Mode::AcceptThenAnswer => Some(self.status.unwrap_or(500)),
            Mode::Redirect => Some(307),
            Mode::Garbage | Mode::Truncated | Mode::Huge | Mode::WrongCharset => Some(202),
            Mode::Normal
            | Mode::Slow
            | Mode::Forget
            | Mode::Renumber
            | Mode::CallbackTwice
            | Mode::CallbackEarly
            | Mode::CallbackOutOfOrder
            | Mode::CallbackNever
            | Mode::Deny
            | Mode::DecideWhenTold => Some(proper),
        }
    }

    /// A rule without details.
    #[must_use]
    pub fn of(mode: Mode) -> Self {
        let on = Target::default();
        Self {
            mode,
            times: None,
            our_ref: None,
            on,
            status: None,
            retry_after_s: None,
            location: None,
            delay_ms: None,
        }
    }
}

/// The rules in force.
#[derive(Debug, Default)]
pub struct Rules(Vec<Rule>);

impl Rules {
    /// Adds a rule in place of an earlier one for the same aspect, requests and reference.
    pub fn set(&mut self, rule: Rule) {
        match rule.mode.aspect() {
            None if rule.our_ref.is_none() => self.0.clear(),
            None => self.0.retain(|one| one.our_ref != rule.our_ref),
            Some(aspect) => {
                self.0.retain(|one| {
                    (one.mode.aspect(), one.on, &one.our_ref) != (Some(aspect), rule.on, &rule.our_ref)
                });
                if rule.times != Some(0) {
                    self.0.push(rule);
                }
            }
        }
    }

    /// The rule for one request; counts it as used.
    pub fn take(&mut self, aspect: Aspect, on: Target, our_ref: Option<&str>) -> Rule {
        let fits = |one: &Rule| one.mode.aspect() == Some(aspect) && one.on == on;
        let own = self
            .0
            .iter()
            .position(|one| fits(one) && one.our_ref.is_some() && one.our_ref.as_deref() == our_ref);
        let found = own.or_else(|| self.0.iter().position(|one| fits(one) && one.our_ref.is_none()));
        let Some(index) = found else {
            return Rule::of(Mode::Normal);
        };
        let Some(rule) = self.0.get_mut(index) else {
            return Rule::of(Mode::Normal);
        };
        rule.times = rule.times.map(|times| times.saturating_sub(1));
        let taken = rule.clone();
        if taken.times == Some(0) {
            self.0.remove(index);
        }
        taken
    }

    /// All rules.
    #[must_use]
    pub fn all(&self) -> &[Rule] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_for_a_reference_goes_first_and_wears_off() {
        let mut rules = Rules::default();
        rules.set(Rule {
            times: Some(1),
            our_ref: Some("A".to_owned()),
            ..Rule::of(Mode::Hang)
        });
        rules.set(Rule::of(Mode::Garbage));
        rules.set(Rule::of(Mode::Deny));
        let mut take = |our_ref| rules.take(Aspect::Answer, Target::Submit, our_ref).mode;
        assert_eq!(take(Some("B")), Mode::Garbage);
        assert_eq!(take(Some("A")), Mode::Hang);
        assert_eq!(take(Some("A")), Mode::Garbage);
        assert_eq!(
            rules.take(Aspect::Answer, Target::Query, Some("A")).mode,
            Mode::Normal
        );
        assert_eq!(
            rules.take(Aspect::Decision, Target::Submit, None).mode,
            Mode::Deny
        );
        rules.set(Rule::of(Mode::Normal));
        assert!(rules.all().is_empty());
    }
}
