//! What is said to people about a delivery: how it stands, why, and what to do about it, in both languages.

use chrono::{DateTime, Utc};
use onedoor_domain::delivery::{AWAITS_CALLBACK, CALLBACK_OVERDUE, DeliveryEntry, DeliveryState};

use super::case_texts::Words;

/// How a delivery stands at an instant, in a sentence with the way out.
#[must_use]
pub fn state_words(entry: &DeliveryEntry, now: DateTime<Utc>) -> Words {
    let (zh, en) = match entry.state {
        DeliveryState::Pending if entry.attempts == 0 => ("等待发送", "Waits to be sent."),
        DeliveryState::Pending => (
            "发送未成，将自动重试",
            "It did not get through and is tried again by itself.",
        ),
        DeliveryState::Sending => ("正在发送", "Is being sent."),
        DeliveryState::Held => (
            "对方或本方配置有误，暂停发送；请联系系统运维人员，修复后可立即重发",
            "Held by a fault of configuration; call the system's operator, then have it sent again at once.",
        ),
        DeliveryState::Delivered => ("已送达", "Delivered."),
        DeliveryState::Rejected if !entry.operation.concerns_handoff() => {
            ("对方系统不接收此通知", "The system does not take this news.")
        }
        DeliveryState::Rejected => (
            "对方系统拒绝，理由见办件过程",
            "The system said no; its reason is in the timeline.",
        ),
        DeliveryState::Uncertain => (
            "已发出但未得到答复，不会自动重发；请与对方核实后登记结果",
            "Sent, and the answer was lost; it is not repeated by itself. Ask the other office, then say what it has.",
        ),
        DeliveryState::Dead => (
            "多次发送失败，已停止；可人工重发",
            "Given up after too many attempts; have it sent again.",
        ),
        DeliveryState::Cancelled => ("不再需要", "No longer wanted."),
        DeliveryState::ToBeTold => (
            "对方系统不能自动接收此类通知，请人工告知后登记",
            "The system cannot be told this by itself; tell the other office, then say so here.",
        ),
    };
    let reason = entry.reason_at(now).and_then(reason_words);
    match reason {
        Some((reason_zh, reason_en)) => {
            Words::new(format!("{zh}（{reason_zh}）。"), format!("{en} ({reason_en})"))
        }
        None => Words::new(format!("{zh}。"), en),
    }
}

/// What a code means; `None` for the codes of a system itself.
fn reason_words(code: &str) -> Option<(&'static str, &'static str)> {
    Some(match code {
        "NO_ADDRESS" => ("找不到对方地址", "its host has no address"),
        "NO_CONNECTION" => ("连接不上对方系统", "no connection to the system"),
        "CIRCUIT_OPEN" => (
            "对方系统连续失败，暂停访问",
            "the system failed repeatedly and is rested",
        ),
        "BUSY" => ("对方系统繁忙，排队中", "all places to the system stayed taken"),
        "RETRYABLE" => ("对方系统要求稍后再试", "the system asked to come again later"),
        "TIMEOUT" => ("对方未在时限内答复", "no answer in time"),
        "CONNECTION_LOST" => ("连接中断", "the connection broke"),
        "TRUNCATED" | "UNREADABLE" | "TOO_LONG" => ("答复不完整或无法识别", "the answer cannot be read"),
        "SERVER_ERROR" | "UNEXPECTED_STATUS" | "REQUEST_TIMEOUT" => {
            ("对方系统内部错误", "the system answered with an error of its own")
        }
        "CONFLICT_ON_REPEAT" => ("对方称已收到过", "the system says it had this before"),
        "UNANSWERED" => ("查询对方系统未得到答复", "the system could not be asked"),
        "UNAUTHENTICATED" | "FORBIDDEN" => (
            "对方系统不认可本方身份",
            "the system does not accept our credentials",
        ),
        "NOT_FOUND" | "REDIRECTED" => ("对方系统地址有误", "the system's address is wrong"),
        "ADDRESS_REFUSED" => ("对方地址不在允许范围", "the system's address is not allowed"),
        "REFUSED" | "NOT_ENCODABLE" => ("报文不符合对方要求", "the message does not fit the system"),
        "NOT_CONFIGURED" => ("本方未配置该系统", "the system is not configured here"),
        "NUMBER_TAKEN" => (
            "对方给出的流水号已属另一办件",
            "the number it gave belongs to another case",
        ),
        "GIVEN_UP" => ("人工放弃", "given up by a person"),
        "RECALLED" => ("移交已收回", "the handoff was taken back"),
        "GONE" => (
            "对方已声明不再接收通知",
            "the system said that it wants no more news",
        ),
        "NOTHING_TO_TELL" => ("对方并无此件", "the system never had the case"),
        AWAITS_CALLBACK => ("对方将另行回告", "the system will report"),
        CALLBACK_OVERDUE => (
            "对方应回告而逾期未回告；能查询的系统将自动查询，否则请与对方联系",
            "its report is overdue: a system that can be asked is being asked, else call the other office",
        ),
        "NOTHING_TO_STOP" => ("对方并未收到此件", "the system never had the case"),
        _ => return None,
    })
}
