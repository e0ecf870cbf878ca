//! What templates see: the case view, the delivery, the instant, the constants, and a cursor or a document.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::Serde;
use minijinja::{Value, context};

use super::Template;
use crate::upstream::adapter::{AttachmentView, EncodeContext};
use crate::upstream::command::DeliveryCommand;

/// What stands beside the case.
pub(super) enum Beside<'a> {
    Nothing,
    Attachment(&'a AttachmentView),
}

/// For an operation on a case.
pub(super) fn case(template: &Template, command: &DeliveryCommand, cx: EncodeContext, beside: &Beside<'_>) -> Value {
    let mut view = command.case.clone();
    view.form = template.profiling.without(&view.form);
    let attachment = match beside {
        Beside::Nothing => Value::UNDEFINED,
        Beside::Attachment(attachment) => context! {
            content_base64 => STANDARD.encode(&attachment.content),
            ..Value::from(Serde(attachment))
        },
    };
    context! {
        case => Value::from(Serde(&view)),
        delivery => context! {
            id => command.delivery.to_string(),
            key => command.key.clone(),
            message_id => format!("{}-{}", command.key, command.attempt),
            operation => command.operation.as_str(),
            attempt => command.attempt,
            external_id => command.external_id.as_ref().map(|number| number.as_str()),
        },
        now => cx.now.to_rfc3339(),
        values => template.values.clone(),
        attachment,
    }
}

/// For a poll.
pub(super) fn poll(template: &Template, cursor: Option<&str>, cx: EncodeContext) -> Value {
    context! {
        cursor,
        now => cx.now.to_rfc3339(),
        values => template.values.clone(),
    }
}
