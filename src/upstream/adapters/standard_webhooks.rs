//! `standard-webhooks`: a subscriber that is told what happens to cases, by Standard Webhooks 1.0.
//!
//! One POST to `base_url` for each notice, signed over its raw bytes (`[auth] signing`), with `webhook-id` the same on
//! every attempt. The body is JSON in UTF-8:
//! `{type, timestamp, data{case_id, tracking_code, item{code,name}, division{code,name}, status, decision, seq, hash,
//! by{code,name}?, owner{code,name}?, external_numbers[{system,number}]}}`; `type` is `case.` and what happened in lowercase
//! (`case.accepted`), `timestamp` when it did. It holds no personal data: whoever may see more asks for the case.
//! Every 2xx takes it; 410 says that the subscriber wants no more; everything else by the table of outcomes.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use onedoor_domain::case::state::{CaseStatus, Outcome};
use onedoor_domain::id::CaseId;
use serde::Serialize;

use crate::upstream::adapter::{Adapter, Capability, EncodeContext, EncodeError, NoticeError};
use crate::upstream::adapters::Protocol;
use crate::upstream::callback::VerifiedNotice;
use crate::upstream::command::{DeliveryCommand, Operation};
use crate::upstream::config::section::Section;
use crate::upstream::fact::UpstreamFact;
use crate::upstream::outcome::{Acceptance, Finding, GONE, UpstreamOutcome, classify_answer};
use crate::upstream::text::{ExternalId, UntrustedText};
use crate::upstream::view::{NoticeView, NumberView, OfficeView};
use crate::upstream::wire::{WireAnswer, WireRequest};

/// The protocol's entry in the table.
pub const PROTOCOL: Protocol = Protocol { kind: KIND, build };

const KIND: &str = "standard-webhooks";

fn build(_: &mut Section) -> Option<Arc<dyn Adapter>> {
    Some(Arc::new(StandardWebhooks))
}

/// The adapter; it has no options.
#[derive(Debug, Clone, Copy)]
struct StandardWebhooks;

impl Adapter for StandardWebhooks {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn capabilities(&self) -> BTreeSet<Capability> {
        BTreeSet::from([Capability::Notify])
    }

    fn encode(&self, command: &DeliveryCommand, _: &EncodeContext) -> Result<WireRequest, EncodeError> {
        match command.operation {
            Operation::Notify => {
                let notice = command.case.notice.as_ref().ok_or(EncodeError::Unsupported)?;
                Ok(WireRequest::post(&[]).json(&Message::of(command, notice))?)
            }
            Operation::Submit | Operation::Transition | Operation::Supplement | Operation::Withdraw => {
                Err(EncodeError::Unsupported)
            }
        }
    }

    fn decode(&self, command: &DeliveryCommand, answer: &WireAnswer) -> UpstreamOutcome {
        match (answer.status, ExternalId::parse(&command.case.case_number)) {
            // a subscriber gives no number of its own
            (200..=299, Some(ours)) => UpstreamOutcome::Accepted(Acceptance {
                external_id: ours,
                awaits_callback: false,
                version: None,
                facts: Vec::new(),
            }),
            (410, _) => UpstreamOutcome::Rejected {
                code: Some(GONE.to_owned()),
                reason: UntrustedText::default(),
            },
            _ => classify_answer(command, answer).into_outcome(),
        }
    }

    fn encode_query(&self, _: &DeliveryCommand, _: &EncodeContext) -> Result<WireRequest, EncodeError> {
        Err(EncodeError::Unsupported)
    }

    fn decode_query(&self, _: &DeliveryCommand, _: &WireAnswer) -> Finding {
        Finding::Unsupported
    }

    fn notifies_by_number(&self) -> bool {
        false
    }

    fn needs_signature(&self) -> bool {
        true
    }

    fn read_notice(&self, _: &VerifiedNotice) -> Result<Vec<UpstreamFact>, NoticeError> {
        Err(NoticeError::UnknownKind)
    }
}

#[derive(Serialize)]
struct Message<'a> {
    r#type: String,
    timestamp: DateTime<Utc>,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    case_id: CaseId,
    tracking_code: &'a str,
    item: Named<'a>,
    division: Named<'a>,
    status: CaseStatus,
    decision: Option<Outcome>,
    seq: u64,
    hash: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<Named<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<Named<'a>>,
    external_numbers: Vec<Number<'a>>,
}

#[derive(Serialize)]
struct Named<'a> {
    code: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct Number<'a> {
    system: &'a str,
    number: &'a str,
}

impl<'a> Message<'a> {
    fn of(command: &'a DeliveryCommand, notice: &'a NoticeView) -> Self {
        let case = &command.case;
        Self {
            r#type: format!("case.{}", notice.kind.as_str().to_ascii_lowercase()),
            timestamp: notice.at,
            data: Data {
                case_id: case.case_id,
                tracking_code: &case.case_number,
                item: Named {
                    code: &case.item.code,
                    name: &case.item.name_zh,
                },
                division: Named {
                    code: &case.division.code,
                    name: &case.division.name,
                },
                status: notice.status,
                decision: notice.outcome,
                seq: notice.seq,
                hash: &notice.hash,
                by: notice.by.as_ref().map(Named::office),
                owner: notice.owner.as_ref().map(Named::office),
                external_numbers: notice.numbers.iter().map(Number::of).collect(),
            },
        }
    }
}

impl<'a> Named<'a> {
    fn office(office: &'a OfficeView) -> Self {
        Self {
            code: &office.code,
            name: &office.name,
        }
    }
}

impl<'a> Number<'a> {
    fn of(number: &'a NumberView) -> Self {
        Self {
            system: &number.system,
            number: &number.number,
        }
    }
}
