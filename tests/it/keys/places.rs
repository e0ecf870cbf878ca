//! A sealed value in a place that is not its own does not open, under either suite (P28).

use std::time::Duration;

use serde_json::json;

use super::kit::{Desks, READ, run, secrets, start};
use crate::harness::people;
use crate::harness::story::story;
use crate::harness::world::{World, WorldKind};

story!(
    /// Rows, columns, tables, cases and wrapped keys swapped by somebody with the whole database.
    a_swapped_value_does_not_open,
    async |world| swapped(world, "intl").await
);

story!(
    /// The same with SM4.
    a_swapped_value_does_not_open_under_gm,
    async |world| swapped(world, "gm").await
);

async fn swapped(world: &World, suite: &str) {
    let settings = secrets(&[("suite", suite)]);
    let mut gateway = start(world, &settings).await;
    let desks = Desks::at(world, &gateway);
    let cases = desks.work().await;
    let before = desks.see(&cases).await;
    let literal = |case: &str| {
        let hex = case.trim_start_matches("case_");
        match world.kind() {
            WorldKind::Sqlite => format!("x'{hex}'"),
            WorldKind::Postgres => format!("'{hex}'"),
        }
    };
    let (own, other) = (literal(cases[1].id()), literal(cases[2].id()));
    run(world, "create table kept_private as select * from case_private").await;
    for (place, sql) in [
        (
            "another row",
            format!("(select applicant from kept_private where case_id = {other})"),
        ),
        (
            "another column",
            format!("(select form from kept_private where case_id = {own})"),
        ),
        (
            "another table",
            format!("(select body from receipt where case_id = {own} limit 1)"),
        ),
        (
            "a table of another case",
            format!("(select body from receipt where case_id = {other} limit 1)"),
        ),
    ] {
        run(
            world,
            &format!("update case_private set applicant = {sql} where case_id = {own}"),
        )
        .await;
        assert_refused(&desks, cases[1].id(), place).await;
    }
    let restore = format!("(select applicant from kept_private where case_id = {own})");
    run(
        world,
        &format!("update case_private set applicant = {restore} where case_id = {own}"),
    )
    .await;
    assert_eq!(desks.see(&cases).await, before);
    assert!(gateway.terminate(Duration::from_secs(20)).await.success());

    // the wrapped key of another case, which a replica meets that has neither in memory
    let key = format!("(select wrapped from data_key where case_id = {other})");
    run(
        world,
        &format!("update data_key set wrapped = {key} where case_id = {own}"),
    )
    .await;
    let mut gateway = start(world, &settings).await;
    assert_refused(&Desks::at(world, &gateway), cases[1].id(), "another key").await;
    assert!(gateway.terminate(Duration::from_secs(20)).await.success());
}

async fn assert_refused(desks: &Desks, case: &str, place: &str) {
    let answer = desks.clerk.ask(READ, json!({ "id": case })).await;
    let codes = answer.codes();
    assert!(!codes.is_empty(), "{place}: {}", answer.body);
    assert!(
        codes.iter().all(|code| *code == "INTERNAL_SERVER_ERROR"),
        "{place}: {}",
        answer.body
    );
    people::assert_nobody_in(place, answer.body.to_string().as_bytes());
}
