//! Names and numbers of the schema's code: what the schema's text cannot show.

use super::source::{assert_none, rust_files};

const SCHEMA_CODE: &[&str] = &[
    "src/graphql/types",
    "src/graphql/mutation",
    "src/graphql/query",
    "src/graphql/subscription.rs",
];

/// `Int` has 32 bits (GraphQL 3.5.1), but the crate shows wider Rust numbers as `Int` too.
#[test]
fn no_field_is_a_number_wider_than_int() {
    let mut faults = Vec::new();
    for file in rust_files(SCHEMA_CODE) {
        for (number, line) in file.code_lines() {
            let text = line.trim();
            let field =
                text.ends_with(',') && text.contains(": ") && !text.contains('(') && !text.contains('|');
            let resolver = text.contains("async fn ");
            let told = text.split("->").last().unwrap_or_default();
            let wide = ["i64", "u64", "u32", "usize", "isize", "f32"]
                .into_iter()
                .any(|wide| words(if resolver { told } else { text }).any(|word| word == wide));
            if (field || resolver) && wide {
                faults.push(format!("{}:{number}: {text}", file.path));
            }
        }
    }
    assert_none(&faults, "a number of the schema is i32 or f64");
}

/// The crate prices arguments while it validates, when variables are not known yet, and refuses `ids: $ids` then;
/// what an operation may cost is counted in src/graphql/complexity.rs.
#[test]
fn no_resolver_prices_itself() {
    let priced: Vec<String> = rust_files(SCHEMA_CODE)
        .iter()
        .filter(|file| file.text.contains("complexity ="))
        .map(|file| file.path.clone())
        .collect();
    assert_none(&priced, "a field has no `complexity` attribute");
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
}
