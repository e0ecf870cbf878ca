//! Every row of the table of outcomes, and what follows an ambiguous one.

use super::*;

const SECOND: Option<Duration> = Some(Duration::from_secs(1));

const fn whole(status: u16) -> Exchange {
    Exchange::Whole {
        status,
        retry_after: None,
    }
}

/// The table as PROTOCOLS §1 prints it, and what the code adds to it.
const ROWS: &[(Exchange, Meaning)] = &[
    (
        whole(200),
        Meaning::Accepted {
            awaits_callback: false,
        },
    ),
    (
        whole(201),
        Meaning::Accepted {
            awaits_callback: false,
        },
    ),
    (
        whole(202),
        Meaning::Accepted {
            awaits_callback: true,
        },
    ),
    (
        whole(204),
        Meaning::Accepted {
            awaits_callback: false,
        },
    ),
    (whole(400), Meaning::Rejected),
    (whole(410), Meaning::Rejected),
    (whole(422), Meaning::Rejected),
    (whole(409), Meaning::Rejected),
    (whole(429), Meaning::Retryable(None)),
    (
        Exchange::Whole {
            status: 429,
            retry_after: SECOND,
        },
        Meaning::Retryable(SECOND),
    ),
    (
        Exchange::Whole {
            status: 503,
            retry_after: SECOND,
        },
        Meaning::Retryable(SECOND),
    ),
    (whole(503), Meaning::Ambiguous(Ambiguity::ServerError)),
    (whole(500), Meaning::Ambiguous(Ambiguity::ServerError)),
    (whole(502), Meaning::Ambiguous(Ambiguity::ServerError)),
    (whole(504), Meaning::Ambiguous(Ambiguity::ServerError)),
    (whole(599), Meaning::Ambiguous(Ambiguity::ServerError)),
    (whole(408), Meaning::Ambiguous(Ambiguity::RequestTimeout)),
    (whole(401), Meaning::Held(HeldReason::Unauthenticated)),
    (whole(403), Meaning::Held(HeldReason::Forbidden)),
    (whole(404), Meaning::Held(HeldReason::NotFound)),
    (whole(301), Meaning::Held(HeldReason::Redirected)),
    (whole(302), Meaning::Held(HeldReason::Redirected)),
    (whole(307), Meaning::Held(HeldReason::Redirected)),
    (whole(399), Meaning::Held(HeldReason::Redirected)),
    (whole(405), Meaning::Held(HeldReason::Refused)),
    (whole(413), Meaning::Held(HeldReason::Refused)),
    (whole(206), Meaning::Ambiguous(Ambiguity::UnexpectedStatus)),
    (whole(199), Meaning::Ambiguous(Ambiguity::UnexpectedStatus)),
    (whole(600), Meaning::Ambiguous(Ambiguity::UnexpectedStatus)),
    (
        Exchange::NotSent(NotSentReason::NoAddress),
        Meaning::NotSent(NotSentReason::NoAddress),
    ),
    (
        Exchange::NotSent(NotSentReason::NoConnection),
        Meaning::NotSent(NotSentReason::NoConnection),
    ),
    (
        Exchange::AddressRefused,
        Meaning::Held(HeldReason::AddressRefused),
    ),
    (
        Exchange::Lost(Ambiguity::Timeout),
        Meaning::Ambiguous(Ambiguity::Timeout),
    ),
    (
        Exchange::Lost(Ambiguity::ConnectionLost),
        Meaning::Ambiguous(Ambiguity::ConnectionLost),
    ),
];

#[test]
fn each_row_of_the_table_gives_its_outcome_on_a_first_attempt() {
    for (exchange, meaning) in ROWS {
        assert_eq!(classify(*exchange, Repetition::First), *meaning, "{exchange:?}");
    }
}

#[test]
fn a_conflict_on_a_repeated_attempt_may_be_our_own_success() {
    let meaning = classify(whole(409), Repetition::Repeated);
    assert_eq!(meaning, Meaning::Ambiguous(Ambiguity::ConflictOnRepeat));
}

#[test]
fn repetition_changes_no_other_row() {
    for status in (100..=620).filter(|status| *status != 409) {
        for retry_after in [None, SECOND] {
            let exchange = Exchange::Whole { status, retry_after };
            assert_eq!(
                classify(exchange, Repetition::First),
                classify(exchange, Repetition::Repeated)
            );
        }
    }
}

#[test]
fn a_cut_answer_is_ambiguous_only_where_the_body_counts() {
    for fault in [Ambiguity::Truncated, Ambiguity::TooLong, Ambiguity::Timeout] {
        let partial = |status| Exchange::Partial {
            status,
            retry_after: None,
            fault,
        };
        for status in [200, 201, 202, 400, 409, 410, 422] {
            assert_eq!(
                classify(partial(status), Repetition::First),
                Meaning::Ambiguous(fault),
                "{status}"
            );
        }
        for status in [302, 401, 404, 408, 429, 500, 503] {
            let settled = classify(whole(status), Repetition::First);
            assert_eq!(classify(partial(status), Repetition::First), settled, "{status}");
        }
    }
}

#[test]
fn nothing_is_resent_blindly_to_an_upstream_without_idempotency() {
    for reason in Ambiguity::ALL {
        assert_eq!(Ambiguity::parse(reason.as_str()), Some(reason));
        assert_eq!(reason.remedy(Idempotency::None, true), Remedy::Uncertain);
        assert_eq!(
            reason.remedy(Idempotency::QueryBeforeRetry, true),
            Remedy::AskFirst
        );
        assert_eq!(
            reason.remedy(Idempotency::QueryBeforeRetry, false),
            Remedy::Uncertain
        );
        let native = if reason == Ambiguity::ConflictOnRepeat {
            Remedy::AskFirst
        } else {
            Remedy::Resend
        };
        assert_eq!(reason.remedy(Idempotency::Native, true), native);
    }
    assert_eq!(
        Ambiguity::ConflictOnRepeat.remedy(Idempotency::Native, false),
        Remedy::Uncertain
    );
}
