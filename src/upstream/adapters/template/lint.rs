//! What is wrong with a description beyond its form: tried on sample cases, every fault at once.

use std::collections::BTreeSet;

use minijinja::Value;
use serde_json::Map;

use super::Template;
use super::call::Call;
use super::paths::JOINT;
use super::reading::Reading;
use super::seen::{self, Beside};
use crate::upstream::adapter::{AttachmentView, EncodeContext};
use crate::upstream::command::Operation;
use crate::upstream::config::section::Section;
use crate::upstream::sample::{self, Fullness};

/// What is empty in news.
const WITHHELD: &[&str] = &[
    "case.applicant",
    "case.form",
    "case.materials",
    "case.supplement",
    "case.withdrawal",
    "case.handoff.note",
];

/// Notes every fault of a description that was read without one.
pub(super) fn check(template: &Template, form: &Map<String, serde_json::Value>, section: &mut Section) {
    let calls = template.calls();
    for (name, call) in &calls {
        let place = format!("operations.{name}");
        fields(template, &place, call, section);
        rehearse(template, (name, call), form, section);
    }
    numbers(template, section);
    reachable(template, section);
}

/// Personal data stays out of addresses and headers, and profiling fields stay out of everything.
fn fields(template: &Template, place: &str, call: &Call, section: &mut Section) {
    for one in call.templates() {
        for field in template.profiling.named(&one.fields) {
            section.fault(
                place,
                format_args!("{}: {field} is tagged as profiling and never leaves 画像类字段不得外送", one.part),
            );
        }
    }
    if place == "operations.notify" {
        withheld(call, section);
    }
    for one in call.address() {
        let personal = ["case.applicant", "case.form", "case.handoff.note"]
            .into_iter()
            .filter(|field| one.touches(field));
        for field in personal {
            section.fault(
                place,
                format_args!(
                    "{} names {field}: addresses and headers end in logs and must hold no personal data \
                     地址与请求头不得含个人信息",
                    one.part
                ),
            );
        }
    }
}

/// News holds no personal data, so a template that asks for some would always find it empty.
fn withheld(call: &Call, section: &mut Section) {
    for one in call.templates() {
        let asked = WITHHELD.iter().filter(|field| one.touches(field));
        for field in asked {
            section.fault(
                "operations.notify",
                format_args!(
                    "{} names {field}: what is told of a case holds no personal data; name fields of case.notice \
                     通知不含个人信息，请改用 case.notice 的字段",
                    one.part
                ),
            );
        }
    }
}

/// Renders an operation over a full and a sparse case.
fn rehearse(
    template: &Template,
    (name, call): (&str, &Call),
    form: &Map<String, serde_json::Value>,
    section: &mut Section,
) {
    let mut told = BTreeSet::new();
    for (fullness, which) in [(Fullness::Full, "a full"), (Fullness::Sparse, "a sparse")] {
        let seen = sample_of(template, (name, call), fullness, form);
        let mut faults: Vec<(String, String)> = call
            .templates()
            .filter_map(|one| Some((one.part.clone(), template.engine.rehearse(one, &seen).err()?)))
            .collect();
        if faults.is_empty()
            && let Err(error) = call.encode(&template.engine, &seen, Some(b"content"))
        {
            faults.push((format!("operations.{name}"), error.to_string()));
        }
        for (part, reason) in faults {
            if told.insert(part.clone()) {
                section.fault(
                    &format!("operations.{name}"),
                    format_args!("{part}, on {which} sample case: {reason} 样例案件渲染失败"),
                );
            }
        }
    }
}

fn sample_of(
    template: &Template,
    (name, call): (&str, &Call),
    fullness: Fullness,
    form: &Map<String, serde_json::Value>,
) -> Value {
    let operation = match name {
        "transition" | "attach" | "query" => Operation::Transition,
        "supplement" => Operation::Supplement,
        "withdraw" => Operation::Withdraw,
        "notify" => Operation::Notify,
        _ => Operation::Submit,
    };
    let mut command = sample::command(operation, sample::case(fullness, form.clone()));
    if operation == Operation::Notify && call.is_addressed_by_number() {
        // it is told only of cases that have one
        let numbered = sample::command(Operation::Transition, sample::case(fullness, form.clone()));
        command.external_id = numbered.external_id;
    }
    let cx = EncodeContext {
        now: command.case.submitted_at,
    };
    let attachment = AttachmentView {
        material_code: "M01".to_owned(),
        file_name: "身份证.pdf".to_owned(),
        media_type: "application/pdf".to_owned(),
        sha256: "0".repeat(64),
        length: 7,
        content: b"content".to_vec(),
    };
    match (name, fullness) {
        ("poll", Fullness::Full) => seen::poll(template, Some("cursor-1"), cx),
        ("poll", Fullness::Sparse) => seen::poll(template, None, cx),
        ("attach", _) => seen::case(template, &command, cx, &Beside::Attachment(&attachment)),
        _ => seen::case(template, &command, cx, &Beside::Nothing),
    }
}

/// Whoever names a case must say under which number, and whoever is asked for ours must repeat it.
fn numbers(template: &Template, section: &mut Section) {
    let mut need = |option: &str, sound: bool, reason: &str| {
        if !sound {
            section.fault(option, reason);
        }
    };
    let number = "has no external_id, so that a case taken over would be lost again; or set number_is_ours \
                  缺少对方编号的提取路径";
    let finds = |reading: &Reading| template.number_is_ours || reading.finds_number();
    let operations = &template.operations;
    let numbered = [
        ("operations.submit.read", operations.submit.as_ref()),
        ("operations.find.read", operations.find.as_ref()),
        ("operations.query.read", operations.query.as_ref()),
        ("operations.poll.read", operations.poll.as_ref()),
    ];
    for (option, call) in numbered {
        need(option, call.is_none_or(|call| finds(&call.reading)), number);
    }
    if let Some(find) = &operations.find {
        need(
            "operations.find.read",
            !find.reading.our_reference.is_empty(),
            "needs our_reference: another's case must never be taken for ours 缺少我方编号的提取路径",
        );
        need(
            "operations.find",
            !find.needs_number(),
            "asks by our key, but names delivery.external_id, which is not known then 按我方编号查询时对方编号尚未知",
        );
    }
    if let Some(poll) = &operations.poll {
        need(
            "operations.poll",
            !poll.listing.entries.is_empty() && !poll.listing.next_cursor.is_empty(),
            "needs entries and next_cursor 轮询须给出条目与游标的路径",
        );
    }
    if let Some(notice) = &template.notice {
        need("notice.read", finds(&notice.reading), number);
        need(
            "notice.read",
            !notice.reading.status.is_empty(),
            "needs status: else no notice says anything 缺少状态的提取路径",
        );
    }
}

/// Every state and error code of the maps can occur.
fn reachable(template: &Template, section: &mut Section) {
    let readings: Vec<&Reading> = template
        .calls()
        .into_iter()
        .map(|(_, call)| &call.reading)
        .chain(template.notice.iter().map(|notice| &notice.reading))
        .collect();
    let parts_max = readings.iter().map(|reading| reading.status.len()).max().unwrap_or_default();
    for key in template.statuses.keys() {
        let parts = key.split(JOINT).count();
        if parts > parts_max.max(usize::from(parts_max > 0)) {
            section.fault(
                "statuses",
                format_args!(
                    "{key} is never reached: status has {parts_max} path(s), this has {parts} part(s) 该状态永远不会出现"
                ),
            );
        }
    }
    if template.errors.names_codes() && readings.iter().all(|reading| reading.error.is_empty()) {
        section.fault(
            "errors",
            "codes are named, but no read table has a path `error` to find them by 缺少错误码的提取路径",
        );
    }
}
