//! Prices of documents, and the bombs that must stay cheap.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use async_graphql::parser::parse_query;

use super::*;

fn cost(text: &str) -> Cost {
    price(&parse_query(text).unwrap())
        .unwrap()
        .0
        .first()
        .unwrap()
        .cost
}

/// `levels` fragments, each spreading the next one twice.
fn bomb(levels: usize) -> String {
    let mut text = "{ ...F0 }".to_owned();
    for level in 0..levels {
        let next = level + 1;
        write!(text, " fragment F{level} on Query {{ ...F{next} ...F{next} }}").unwrap();
    }
    write!(text, " fragment F{levels} on Query {{ a }}").unwrap();
    text
}

#[test]
fn a_plain_query_is_counted_field_by_field() {
    let found = cost("query @d { a: b c { d @skip(if: true) e { f } } ... on Query { g } }");
    assert_eq!(found.fields, 6);
    assert_eq!(found.aliases, 1);
    assert_eq!(found.directives, 2);
    assert_eq!(found.depth, 3);
    assert_eq!(found.root_fields, 3);
    assert_eq!(found.introspection_depth, 0);
}

#[test]
fn a_fragment_counts_as_often_as_it_is_spread() {
    let found = cost("{ ...F ...F x { ...F } } fragment F on Q { a: b c @d }");
    assert_eq!(
        (found.fields, found.aliases, found.directives, found.root_fields),
        (7, 3, 3, 5)
    );
}

#[test]
fn introspection_has_a_depth_of_its_own_also_through_fragments() {
    let found =
        cost("{ a { b } __schema { types { ...T } } } fragment T on __Type { ofType { ofType { name } } }");
    assert_eq!(found.depth, 2);
    assert_eq!(found.introspection_depth, 5);
}

#[test]
fn two_to_the_sixtieth_fields_are_priced_in_milliseconds() {
    let document = parse_query(bomb(60)).unwrap();
    let start = Instant::now();
    assert_eq!(price(&document).unwrap().1.fields, 1 << 60);
    assert!(start.elapsed() < Duration::from_millis(50));
}

#[test]
fn a_bomb_that_no_operation_spreads_is_priced_too() {
    let text = bomb(22).replacen("{ ...F0 }", "{ a }", 1);
    let (operations, dearest) = price(&parse_query(text).unwrap()).unwrap();
    assert_eq!(operations[0].cost.fields, 1);
    assert_eq!(dearest.fields, 1 << 22);
}

#[test]
fn counts_saturate_instead_of_wrapping() {
    let wide = "...N ".repeat(20);
    let mut text = "{ ...F0 }".to_owned();
    for level in 0..30 {
        let spreads = wide.replace('N', &format!("F{}", level + 1));
        write!(text, " fragment F{level} on Query {{ {spreads} }}").unwrap();
    }
    text.push_str(" fragment F30 on Query { a }");
    assert_eq!(cost(&text).fields, u64::MAX);
}

#[test]
fn a_cycle_is_refused_however_long() {
    for text in [
        "{ ...A } fragment A on Q { ...A }",
        "{ a } fragment A on Q { b { ...B } } fragment B on Q { ...A }",
    ] {
        assert_eq!(
            price(&parse_query(text).unwrap()).unwrap_err(),
            Unpriceable::Cycle
        );
    }
}

#[test]
fn a_chain_of_fragments_cannot_overflow_the_stack() {
    let mut text = "{ ...F0 }".to_owned();
    for level in 0..5_000 {
        write!(text, " fragment F{level} on Q {{ ...F{} }}", level + 1).unwrap();
    }
    text.push_str(" fragment F5000 on Q { a }");
    assert_eq!(
        price(&parse_query(text).unwrap()).unwrap_err(),
        Unpriceable::Nesting
    );
}

#[test]
fn literals_with_variables_inside_are_noticed() {
    let mixed = |text: &str| price(&parse_query(text).unwrap()).unwrap().0[0].mixed_literals;
    assert!(mixed("query($v: Int) { f(input: {a: $v}) }"));
    assert!(mixed(
        "query($v: Int) { a { ...F } } fragment F on Q { f(input: [[$v]]) }"
    ));
    assert!(!mixed(
        "query($v: Int) { f(input: $v, other: {a: 1}) @skip(if: $v) }"
    ));
}
