//! The steps that speak to the system: what we prove ourselves with, a question that changes nothing, the clocks, and on
//! request the made-up case.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{Advice, Begun, Step, StepName, StepState};
use crate::upstream::adapter::Capability;
use crate::upstream::auth::Proof;
use crate::upstream::auth::token::{NoToken, Origin};
use crate::upstream::driver::tap::Tap;
use crate::upstream::outcome::{Finding, HeldReason, NotSentReason, OutcomeClass, UpstreamOutcome};
use crate::upstream::recording::{self, ScriptedOperation, words};
use crate::upstream::registry::Upstream;
use crate::upstream::sample;
use crate::upstream::text::ExternalId;
use crate::upstream::view::CaseView;

/// A difference of the clocks from which on signatures may be refused.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::seconds(60);
/// The number of a case that the system surely does not have.
const NUMBER_OF_NOBODY: &str = "ONEDOOR-PROBE-0";

/// A number for a made-up case that no real one has: its month is 00.
#[must_use]
pub fn made_up_number(now: DateTime<Utc>) -> String {
    format!("BB000000{:05}", now.timestamp().rem_euclid(100_000))
}

/// Gets a token where the system asks for one; all else is only named.
pub async fn authorization(upstream: &Upstream, now: DateTime<Utc>) -> Step {
    let begun = StepName::Authorization.begin();
    let auth = &upstream.config().auth;
    let mut found = Vec::new();
    match upstream.driver().authorize().await {
        Ok(Proof::None) => {}
        Ok(Proof::Bearer(_)) => found.push("a bearer token is sent".to_owned()),
        Ok(Proof::Header(_)) => found.push("user and password are sent".to_owned()),
        Ok(Proof::Token(token)) => found.push(format!(
            "a token was {} and is used for {} s, then replaced",
            match token.origin {
                Origin::Endpoint => "granted",
                Origin::Cache => "kept",
            },
            (token.renew_at - now).num_seconds()
        )),
        Err(NoToken::Later(_)) => {
            return begun.failed(
                vec!["the token endpoint gave no answer that can be used".to_owned()],
                "令牌端点不可达或繁忙：检查 token_url、网络与对方状态。",
                "The token endpoint is out of reach or busy: check token_url, the network and its state.",
            );
        }
        Err(NoToken::Held(reason)) => {
            return begun.failed(
                vec![format!("the token endpoint refused: {}", reason.as_str())],
                "令牌端点拒绝：核对 client_id、密钥、scope 与 token_url。",
                "The token endpoint refused us: check client_id, secret, scope and token_url.",
            );
        }
    }
    for (is_there, what) in [
        (auth.hmac.is_some(), "requests are signed (hmac)"),
        (
            !auth.signing.is_empty(),
            "requests are signed (Standard Webhooks)",
        ),
    ] {
        if is_there {
            found.push(what.to_owned());
        }
    }
    if found.is_empty() {
        found.push("none is configured".to_owned());
    }
    begun.ok(found)
}

/// Asks for a case that nobody has; gives also the time that the answer names.
pub async fn question(
    upstream: &Upstream,
    tap: &Tap,
    case: &CaseView,
    now: DateTime<Utc>,
) -> (Step, Option<DateTime<Utc>>) {
    let able = upstream.capabilities();
    let begun = StepName::Question.begin();
    let mut case = case.clone();
    case.case_number = made_up_number(now);
    let nobody = ExternalId::parse(NUMBER_OF_NOBODY);
    let (asked, words, fault) = if able.contains(&Capability::FindByOurKey) {
        let command = recording::command(ScriptedOperation::Query, case, None);
        let found = upstream.driver().find(&command).await.finding;
        ("asked by our number", words::finding(&found), of_finding(&found))
    } else if able.contains(&Capability::Query) {
        let command = recording::command(ScriptedOperation::Ask, case, nobody);
        let found = upstream.driver().find(&command).await.finding;
        (
            "asked by their number",
            words::finding(&found),
            of_finding(&found),
        )
    } else if able.contains(&Capability::Poll) {
        let polled = upstream.driver().poll(None).await;
        let words = words::page(polled.page.as_ref().ok_or(polled.class));
        ("asked for news", words, of_class(polled.class))
    } else {
        let skipped = StepName::Question.skipped(
            "the system answers no question that changes nothing; --send hands over the made-up case instead, at a test system",
        );
        return (skipped, None);
    };
    let (line, date) = status(tap);
    (ended(begun, vec![format!("{asked}: {words}"), line], fault), date)
}

/// Hands the made-up case over.
pub async fn submission(upstream: &Upstream, tap: &Tap, mut case: CaseView, now: DateTime<Utc>) -> Step {
    let begun = StepName::Submission.begin();
    case.case_number = made_up_number(now);
    let number = case.case_number.clone();
    let mut command = recording::command(ScriptedOperation::Submit, case, None);
    command.key = format!("handoff_{}", Uuid::now_v7().simple());
    let outcome = upstream.driver().send(&command).await.outcome;
    let fault = match &outcome {
        UpstreamOutcome::Accepted(_) => None,
        // a business no to a made-up case is an answer all the same
        UpstreamOutcome::Rejected { .. } => Some(ADVICE_REJECTED),
        UpstreamOutcome::Held { reason } => Some(of_held(*reason)),
        UpstreamOutcome::NotSent { reason, .. } => Some(of_not_sent(*reason)),
        UpstreamOutcome::Retryable { .. } | UpstreamOutcome::Ambiguous { .. } => Some(ADVICE_UNREADABLE),
    };
    let (line, _) = status(tap);
    ended(
        begun,
        vec![
            format!("made-up case {number}: {}", words::outcome(&outcome)),
            line,
        ],
        fault,
    )
}

/// What the time that an answer named says of the clocks.
#[must_use]
pub fn clock(seen: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Step {
    let begun = StepName::Clock.begin();
    let Some(theirs) = seen else {
        return StepName::Clock.skipped("no answer named its time");
    };
    let difference = theirs - now;
    let found = vec![format!("theirs is {} s ahead of ours", difference.num_seconds())];
    if difference.abs() < CLOCKS_DIFFER {
        begun.ok(found)
    } else {
        begun.failed(
            found,
            "两端时钟相差过大，签名与令牌会被拒绝：请双方启用 NTP 对时。",
            "The clocks differ too much, signatures and tokens will be refused: set both by NTP.",
        )
    }
}

/// The status and size of the last answer.
fn status(tap: &Tap) -> (String, Option<DateTime<Utc>>) {
    let last = tap.take().pop();
    match last.and_then(|seen| seen.answer) {
        Some(answer) => (
            format!("HTTP {}, {} bytes", answer.status, answer.body.len()),
            answer
                .header("date")
                .and_then(|text| DateTime::parse_from_rfc2822(text).ok())
                .map(|date| date.to_utc()),
        ),
        None => ("no whole answer".to_owned(), None),
    }
}

fn ended(begun: Begun, found: Vec<String>, fault: Option<Advice>) -> Step {
    let state = if fault.is_some() {
        StepState::Failed
    } else {
        StepState::Ok
    };
    begun.ended(state, found, fault)
}

const fn of_finding(finding: &Finding) -> Option<Advice> {
    match finding {
        Finding::Found(_) | Finding::Absent => None,
        Finding::Unanswered { class, .. } => of_class(*class),
        Finding::Held { reason } => Some(of_held(*reason)),
        Finding::Unsupported => Some(ADVICE_UNREADABLE),
    }
}

const fn of_class(class: OutcomeClass) -> Option<Advice> {
    match class {
        OutcomeClass::Accepted => None,
        OutcomeClass::NotSent => Some(ADVICE_NOT_SENT),
        OutcomeClass::Retryable => Some(ADVICE_BUSY),
        OutcomeClass::Rejected | OutcomeClass::Ambiguous => Some(ADVICE_UNREADABLE),
        OutcomeClass::Held => Some(ADVICE_REFUSED),
    }
}

const fn of_not_sent(reason: NotSentReason) -> Advice {
    match reason {
        NotSentReason::NoToken => Advice {
            zh: "未取得令牌：见“身份凭据”一步。",
            en: "There was no token: see the step authorization.",
        },
        NotSentReason::NoAddress
        | NotSentReason::NoConnection
        | NotSentReason::CircuitOpen
        | NotSentReason::Busy => ADVICE_NOT_SENT,
    }
}

const fn of_held(reason: HeldReason) -> Advice {
    match reason {
        HeldReason::Unauthenticated | HeldReason::Forbidden => Advice {
            zh: "对方不认可我方身份或未授权该接口：核对 [auth] 的凭据，并请对方开通权限。",
            en: "They do not accept who we are, or do not let us do this: check [auth], and ask them for the permission.",
        },
        HeldReason::NotFound => Advice {
            zh: "接口地址不存在：核对 base_url 与 path；若对方以 404 表示“没有此件”，请配置 absent_status = [404]。",
            en: "There is no such address: check base_url and path; where 404 means \"no such case\", set absent_status = [404].",
        },
        HeldReason::Redirected => Advice {
            zh: "对方要求跳转，网关从不跟随：将 base_url 改为最终地址。",
            en: "They redirect, and the gateway never follows: set base_url to the address they lead to.",
        },
        HeldReason::AddressRefused => Advice {
            zh: "地址被出口规则拒绝：见“域名与出口规则”一步。",
            en: "The address is refused by the rule of egress: see the step address.",
        },
        HeldReason::Refused | HeldReason::NotEncodable | HeldReason::Configuration => ADVICE_REFUSED,
    }
}

const ADVICE_NOT_SENT: Advice = Advice {
    zh: "请求未能发出：见前面的连接与加密步骤。",
    en: "The request did not leave: see the steps connection and tls.",
};
const ADVICE_BUSY: Advice = Advice {
    zh: "对方繁忙，稍后再试。",
    en: "They are busy; try again later.",
};
const ADVICE_REFUSED: Advice = Advice {
    zh: "对方看不懂或不接受这种请求：核对模板、错误码映射与双方约定。",
    en: "They do not understand or accept such a request: compare templates and error codes with what was agreed.",
};
const ADVICE_UNREADABLE: Advice = Advice {
    zh: "应答不能按配置读懂：核对 read 的路径、字符集与 success 条件；`onedoor upstream record` 可留存原文。",
    en: "The answer cannot be read as described: check the paths of read, the charset and success; `onedoor upstream record` keeps its bytes.",
};
const ADVICE_REJECTED: Advice = Advice {
    zh: "对方以业务理由退回了样例办件：通路是通的，请核对样例表单（[options.sample]）是否符合对方要求。",
    en: "They refused the made-up case as a matter of business: the way is open; make [options.sample] what they ask for.",
};

/// The made-up case of a system.
#[must_use]
pub fn case_of(upstream: &Upstream) -> CaseView {
    let form = recording::replay::sample_form(upstream.config());
    sample::case(sample::Fullness::Full, form.unwrap_or_else(sample::form))
}
