//! Documents: no text panics or takes long, prices are those of naive expansion, and what passes is within every limit.

use std::time::{Duration, Instant};

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use onedoor::config::{Config, ConfigInputs};
use onedoor::graphql::documents::Documents;
use onedoor::graphql::executor::{GraphqlExecutor, SchemaExecutor};
use onedoor::graphql::lexer::scan;
use onedoor::graphql::precheck::{Unpriceable, price};
use onedoor::graphql::schema;
use proptest::prelude::*;

use super::near::{near, tries};

const GOOD: &[&str] = &[
    "{ viewer { kind serverTime } }",
    "query A($id: ID!) { case(by: { id: $id }) { ...C } } fragment C on Case { id status timeline { event text } }",
    "{ a: viewer { kind } b: viewer @include(if: true) { ...V } } fragment V on Viewer { kind ...W } fragment W on Viewer { subject }",
    "{ ...F0 } fragment F0 on Query { ...F1 ...F1 } fragment F1 on Query { ...F2 ...F2 } fragment F2 on Query { viewer { kind } }",
    "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
    "{ __schema { types { fields { type { ofType { name } } } } } }",
    "mutation($input: SubmitCaseInput!) { submitCase(input: $input) { case { id } userErrors { code } } }",
    "subscription { caseChanged(id: \"x\") { case { id } } }",
    "{ cases(first: 100, filter: { status: [SUBMITTED], text: \"\"\"a \\\"\"\" b\"\"\" }) { nodes { id } } } # end",
    "{ nodes(ids: [\"x\", 1, 1.5e3, null, true, ENUM, {a: 1, a: 2}]) { id } }",
];
/// Expansions that the naive count follows before it gives up.
const NAIVE_MAX: u64 = 20_000;

/// Fields with every spread expanded; `None`: a cycle; saturates at [`NAIVE_MAX`].
fn naive(document: &ExecutableDocument, set: &SelectionSet, depth: usize) -> Option<u64> {
    if depth > 200 {
        return None;
    }
    let mut sum = 0_u64;
    for item in &set.items {
        sum += match &item.node {
            Selection::Field(field) => 1 + naive(document, &field.node.selection_set.node, depth + 1)?,
            Selection::InlineFragment(inline) => naive(document, &inline.node.selection_set.node, depth + 1)?,
            Selection::FragmentSpread(spread) => {
                match document.fragments.get(&spread.node.fragment_name.node) {
                    Some(fragment) => naive(document, &fragment.node.selection_set.node, depth + 1)?,
                    // validation names it; until then it is one field
                    None => 1,
                }
            }
        };
        if sum > NAIVE_MAX {
            return Some(sum);
        }
    }
    Some(sum)
}

proptest! {
    #![proptest_config(tries(2_000, "tests/fuzz/documents.txt"))]

    #[test]
    fn prices_are_those_of_naive_expansion(text in near(GOOD)) {
        let found = scan(&text, 2_000, 64);
        prop_assert!(found.tokens <= 2_001);
        // the parser recurses: it is only given what was found shallow
        if found.nesting > 64 { return Ok(()) }
        let Ok(document) = parse_query(&text) else { return Ok(()) };
        match price(&document) {
            Ok((operations, _)) => {
                for (facts, (_, operation)) in operations.iter().zip(document.operations.iter()) {
                    let expanded = naive(&document, &operation.node.selection_set.node, 0);
                    prop_assert_eq!(Some(facts.cost.fields), expanded, "{}", text);
                }
            }
            Err(Unpriceable::Cycle | Unpriceable::Nesting) => {}
        }
    }

    #[test]
    fn what_passes_is_within_every_limit_and_nothing_takes_long(text in near(GOOD)) {
        thread_local! {
            static PARTS: (tokio::runtime::Runtime, std::sync::Arc<dyn GraphqlExecutor>, Config) = {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let config = Config::load(&ConfigInputs { demo: true, ..ConfigInputs::default() }).unwrap();
                (runtime, SchemaExecutor::new(schema::builder).unwrap(), config)
            };
        }
        PARTS.with(|(runtime, executor, config)| {
            let documents = Documents::new(&config.limits);
            let began = Instant::now();
            let loaded = runtime.block_on(documents.load(&text, true, executor.as_ref()));
            prop_assert!(began.elapsed() < Duration::from_secs(2), "{:?} for {}", began.elapsed(), text);
            if let Ok(loaded) = loaded {
                for facts in &loaded.document.operations {
                    let (cost, limits) = (facts.cost, &config.limits);
                    prop_assert!(cost.fields <= limits.fields_max && cost.depth <= limits.depth_max);
                    prop_assert!(cost.aliases <= limits.aliases_anonymous_max);
                    prop_assert!(cost.root_fields <= limits.root_fields_anonymous_max);
                    prop_assert!(cost.directives <= limits.directives_max);
                }
            }
            Ok(())
        })?;
    }
}
