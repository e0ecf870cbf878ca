//! docs/errors.md tells every code that can reach a caller, and every code has a place that makes it.

use std::fmt::Write as _;

use onedoor::error::{ErrorClass, ErrorCode};
use onedoor::service::rejection::RejectionCode;

use super::page::assert_page;
use super::sdl::Contract;
use super::source::{assert_none, rust_files};

#[test]
fn the_page_of_errors_is_the_table_of_the_code() {
    assert_page("docs/errors.md", "UPDATE_DOCS", &page());
}

#[test]
fn every_error_code_is_made_somewhere() {
    let made = |kind: &str, name: &str, table: &str| {
        rust_files(&["src"])
            .iter()
            .filter(|file| {
                !file.path.ends_with("tests.rs") && !file.path.contains("/tests/") && file.path != table
            })
            .any(|file| {
                let needle = format!("{kind}::{name}");
                let lines = file.code_lines();
                let mut lines = lines
                    .iter()
                    .take_while(|(_, line)| !line.contains("#[cfg(test)]"));
                lines.any(|(_, line)| {
                    line.match_indices(&needle).any(|(at, found)| {
                        !line[at + found.len()..].starts_with(|letter: char| letter.is_alphanumeric())
                    })
                })
            })
    };
    let mut faults = Vec::new();
    for code in ErrorCode::ALL {
        let name = format!("{code:?}");
        // a bug has a maker of its own
        let maker = if *code == ErrorCode::Internal {
            made("AppError", "internal", "src/error.rs")
        } else {
            made("ErrorCode", &name, "src/error.rs")
        };
        if !maker {
            faults.push(format!("ErrorCode::{name}"));
        }
    }
    assert_none(&faults, "a code is made somewhere");
    let faults: Vec<String> = RejectionCode::ALL
        .iter()
        .map(|code| format!("{code:?}"))
        .filter(|name| !made("RejectionCode", name, "src/graphql/user_error.rs"))
        .collect();
    assert_none(&faults, "a rejection is made somewhere");
}

#[test]
fn every_rejection_can_be_an_answer_of_some_mutation() {
    let contract = Contract::of_this_build();
    let unused: Vec<String> = RejectionCode::ALL
        .iter()
        .map(|code| screaming(&format!("{code:?}")))
        .filter(|code| mutations_answering(&contract, code).is_empty())
        .collect();
    assert_none(&unused, "a rejection is among the codes of a mutation");
}

fn page() -> String {
    let mut text = String::from(
        "# Errors 错误码\n\n\
         <!-- Written by the code: UPDATE_DOCS=1 with the contract tests. -->\n\n\
         ## Errors of a request\n\n\
         `errors[].extensions { code retryable retryAfterMs correlationId upstream }` of GraphQL, and `code` of \
         problem+json. The status is that of problem+json and of requests that never execute; a failed field leaves \
         the operation's status. What is absent and what one may not see look alike: NOT_FOUND, or null.\n\n\
         | code | who acts | HTTP | again? | 中文 | English |\n|---|---|---|---|---|---|\n",
    );
    for code in ErrorCode::ALL {
        let who = match code.class() {
            ErrorClass::Caller => "caller",
            ErrorClass::Auth => "caller, signing in",
            ErrorClass::Conflict => "caller, reading again",
            ErrorClass::Upstream => "the agency's system",
            ErrorClass::System => "the operator",
        };
        let again = if code.retryable() { "yes" } else { "no" };
        let (zh, en) = (code.zh(), code.en());
        writeln!(
            text,
            "| `{code}` | {who} | {} | {again} | {zh} | {en} |",
            code.http_status()
        )
        .unwrap();
    }
    text.push_str(
        "\n## Answers that a mutation expects\n\n\
         `userErrors[].code` of the payload. Nothing was changed, and the idempotency key is still free. `message` \
         follows Accept-Language and says what to do; `field` is the path of the input.\n\n\
         | code | meaning | mutations |\n|---|---|---|\n",
    );
    let contract = Contract::of_this_build();
    for code in RejectionCode::ALL {
        let name = screaming(&format!("{code:?}"));
        let mutations = mutations_answering(&contract, &name).join(", ");
        writeln!(text, "| `{name}` | {} | {mutations} |", code.description()).unwrap();
    }
    text
}

/// The mutations whose codes have this one.
fn mutations_answering(contract: &Contract, code: &str) -> Vec<String> {
    contract
        .fields("Mutation")
        .into_iter()
        .map(|field| field.name.node.to_string())
        .filter(|name| {
            let codes = format!("{}{}ErrorCode", name[..1].to_uppercase(), &name[1..]);
            contract.values(&codes).iter().any(|value| value == code)
        })
        .collect()
}

/// `StaleVersion` as GraphQL writes it.
fn screaming(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_uppercase());
    }
    text
}
