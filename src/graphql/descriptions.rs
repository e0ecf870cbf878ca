//! Words for the types that the GraphQL crate makes without any, or with words for its own users.

use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::registry::{MetaType, Registry};
use async_graphql::{ContextSelectionSet, OutputType, Positioned, ServerResult, Value};

/// No type of the schema: registered last, it describes those that were registered before it.
///
/// The crate's connections and foreign scalars take no description of ours. Goes when they do.
pub(crate) struct Descriptions;

impl OutputType for Descriptions {
    fn type_name() -> Cow<'static, str> {
        Cow::Borrowed("Query")
    }

    fn create_type_info(registry: &mut Registry) -> String {
        for (name, meta) in &mut registry.types {
            describe(name, meta);
        }
        Self::qualified_type_name()
    }

    async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        Ok(Value::Null)
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "only pages and foreign scalars lack words"
)]
fn describe(name: &str, meta: &mut MetaType) {
    match meta {
        MetaType::Object {
            description, fields, ..
        } => {
            for argument in fields.values_mut().flat_map(|field| field.args.values_mut()) {
                if argument.description.is_none() {
                    argument.description = common_argument(&argument.name).map(str::to_owned);
                }
            }
            if let Some(node) = name.strip_suffix("Connection") {
                *description = Some(format!(
                    "A page of a list whose nodes are {node} (Relay cursor connection)."
                ));
            }
        }
        MetaType::Scalar { description, .. } => {
            let words = match name {
                "DateTime" => "An instant (时刻), RFC 3339 with an offset; answers are in UTC.",
                "UUID" => "A UUID, RFC 9562, 36 characters; make one with a random generator.",
                _ => return,
            };
            *description = Some(words.to_owned());
        }
        _ => {}
    }
}

/// Arguments that mean the same wherever they stand; all others are described in their place.
fn common_argument(name: &str) -> Option<&'static str> {
    Some(match name {
        "first" => "Entries from the front, 0 to 100; not with `last`. Without either: 20 from the front.",
        "last" => "Entries from the end, 0 to 100; not with `first`.",
        "after" => "Only entries behind this cursor, which the same list gave.",
        "before" => "Only entries in front of this cursor, which the same list gave.",
        "filter" => "Which entries the list has; left out: all that the viewer may see.",
        "orderBy" => "The order of the list; left out: ascending.",
        "by" => "What names it: exactly one of these.",
        "input" => "All that the mutation takes, as one object.",
        "language" => "In which language; left out: that of the request.",
        _ => return None,
    })
}
