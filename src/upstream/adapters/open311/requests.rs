//! What goes out: forms, with no more of a person than is configured.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;

use super::options::{FormPath, Location, Options};
use crate::upstream::adapter::{EncodeContext, EncodeError};
use crate::upstream::adapters::template::paths::scalar;
use crate::upstream::command::{DeliveryCommand, Operation};
use crate::upstream::view::{CaseView, WithdrawalKind};

/// The longest description, characters (GeoReport v2).
const DESCRIPTION_MAX: usize = 4_000;

type Fields = Vec<(String, String)>;

/// An instant as the protocol writes it.
pub(super) fn w3(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A new request.
///
/// # Errors
/// When the item has no service code.
pub(super) fn submission(options: &Options, command: &DeliveryCommand) -> Result<Fields, EncodeError> {
    let case = &command.case;
    let service = options
        .service(&case.item.code)
        .ok_or_else(|| unfit("services", "the item has no service code"))?;
    let mut fields = Fields::new();
    if let Some(jurisdiction) = &options.jurisdiction {
        put(&mut fields, "jurisdiction_id", jurisdiction);
    }
    put(&mut fields, "service_code", service);
    place(&mut fields, &options.location, case);
    if let Some(person) = &options.person {
        // a name is not taken apart: which part is the family's is not known
        put(&mut fields, "last_name", &case.applicant.name);
        if let Some(phone) = &case.applicant.phone {
            put(&mut fields, "phone", phone);
        }
        if let Some(email) = text(person.email.as_ref(), case) {
            put(&mut fields, "email", &email);
        }
    }
    let words = text(options.description.as_ref(), case).unwrap_or_else(|| case.item.name_zh.clone());
    put(&mut fields, "description", &described(&words, case));
    for (code, path) in &options.attributes {
        match path.of(&case.form) {
            Some(Value::Array(list)) => {
                for value in list.iter().filter_map(scalar) {
                    put(&mut fields, &format!("attribute[{code}][]"), &value);
                }
            }
            found => {
                if let Some(value) = found.and_then(scalar) {
                    put(&mut fields, &format!("attribute[{code}]"), &value);
                }
            }
        }
    }
    if let Some(code) = &options.reference_attribute {
        put(&mut fields, &format!("attribute[{code}]"), &case.case_number);
    }
    Ok(fields)
}

/// Something said of a request that the server has.
///
/// # Errors
/// When the server has no updates, or has not given the request its number.
pub(super) fn update(
    options: &Options,
    command: &DeliveryCommand,
    cx: EncodeContext,
) -> Result<Fields, EncodeError> {
    let sayings = options.updates.as_ref().ok_or(EncodeError::Unsupported)?;
    let number = command
        .external_id
        .as_ref()
        .filter(|number| number.token().is_none())
        .ok_or(EncodeError::NumberMissing)?;
    let case = &command.case;
    let (status, words) = match command.operation {
        Operation::Submit | Operation::Notify => return Err(EncodeError::Unsupported),
        Operation::Transition => {
            let words = case.handoff.note.clone();
            let words = words.unwrap_or_else(|| "再次转办 handed over again".to_owned());
            (&sayings.transition, words)
        }
        Operation::Supplement => (&sayings.supplement, brought(case)?),
        Operation::Withdraw => {
            let status = sayings.withdraw.as_ref().ok_or(EncodeError::Unsupported)?;
            (status, cause(case).to_owned())
        }
    };
    let mut fields = Fields::new();
    if let Some(jurisdiction) = &options.jurisdiction {
        put(&mut fields, "jurisdiction_id", jurisdiction);
    }
    // one for all attempts, so that a server that looks at it can tell a repetition
    put(&mut fields, "update_id", &command.key);
    put(&mut fields, "service_request_id", number.as_str());
    put(&mut fields, "updated_datetime", &w3(cx.now));
    put(&mut fields, "status", status);
    put(&mut fields, "description", &described(&words, case));
    Ok(fields)
}

/// One place at least: coordinates, their address number, an address, and where none of them is known the division.
fn place(fields: &mut Fields, location: &Location, case: &CaseView) {
    let degrees = |path: &Option<FormPath>, bound: f64| {
        let text = text(path.as_ref(), case)?;
        let value: f64 = text.parse().ok()?;
        (value.abs() <= bound).then_some(text)
    };
    let coordinates = degrees(&location.lat, 90.0).zip(degrees(&location.long, 180.0));
    let address_id = text(location.address_id.as_ref(), case);
    let address = text(location.address.as_ref(), case);
    let is_nowhere = coordinates.is_none() && address_id.is_none() && address.is_none();
    if let Some((lat, long)) = &coordinates {
        put(fields, "lat", lat);
        put(fields, "long", long);
    }
    if let Some(address_id) = &address_id {
        put(fields, "address_id", address_id);
    }
    if let Some(address) = &address {
        put(fields, "address_string", address);
    } else if is_nowhere {
        put(fields, "address_string", &case.division.name);
    }
}

/// Words within the protocol's limit, with our number behind them, by which people find the case.
fn described(words: &str, case: &CaseView) -> String {
    let tail = format!(" [{}]", case.case_number);
    let room = DESCRIPTION_MAX.saturating_sub(tail.chars().count());
    let words: String = words.trim().chars().take(room).collect();
    format!("{words}{tail}")
}

fn brought(case: &CaseView) -> Result<String, EncodeError> {
    let brought = case.supplement.as_ref().ok_or(EncodeError::Unsupported)?;
    let names: Vec<&str> = brought
        .materials
        .iter()
        .map(|material| material.name.as_str())
        .collect();
    let materials = format!("补交材料 papers brought: {}", names.join("、"));
    Ok(match &brought.note {
        Some(note) => format!("{materials}; {note}"),
        None => materials,
    })
}

fn cause(case: &CaseView) -> &'static str {
    match case.withdrawal.as_ref().map(|withdrawal| withdrawal.kind) {
        Some(WithdrawalKind::Withdrawn) | None => "申请人撤回 withdrawn by the applicant",
        Some(WithdrawalKind::Voided) => "作废 voided",
        Some(WithdrawalKind::Lapsed) => "逾期未补正 lapsed",
        Some(WithdrawalKind::Recalled) => "转出方收回 taken back by the sender",
    }
}

fn text(path: Option<&FormPath>, case: &CaseView) -> Option<String> {
    path?.of(&case.form).and_then(scalar)
}

fn put(fields: &mut Fields, name: &str, value: &str) {
    fields.push((name.to_owned(), value.to_owned()));
}

fn unfit(part: &str, reason: &'static str) -> EncodeError {
    EncodeError::Template {
        part: part.to_owned(),
        line: 0,
        reason,
    }
}
