//! P9: a wait that an upstream asked for outlives the process that heard it.

use std::cell::RefCell;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};

use super::county::County;
use super::desks::{Desks, Journal};
use super::evidence::assert_nothing_lost;
use crate::harness::process::Gateway;
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, until};

/// What the department asks to wait.
const ASKED_S: i64 = 3;

fn at(request: &Value) -> DateTime<Utc> {
    request["at"].as_str().unwrap().parse().unwrap()
}

story!(
    a_process_killed_between_two_attempts_leaves_the_schedule_as_it_was,
    async |world| {
        let county = County::open(world, 40).await;
        let mut gateway = Gateway::start(world, &county.settings()).await;
        let busy = json!({ "mode": "answer", "status": 503, "retry_after_s": ASKED_S, "times": 1 });
        county.told(busy).await;
        let journal = RefCell::new(Journal::default());
        Desks::at(gateway.address(), world).carry_one(&journal).await;
        let database = world.database().await;
        let sql = "SELECT count(*) FROM delivery WHERE state = 'PENDING' AND attempts = 1";
        until("the first attempt is over", PATIENCE, async || {
            let statement = Statement::from_string(database.get_database_backend(), sql);
            let row = database.query_one_raw(statement).await.unwrap().unwrap();
            row.try_get_by_index::<i64>(0).unwrap() == 1
        })
        .await;
        gateway.kill();
        gateway.start_again().await;
        until("it is tried again", PATIENCE, async || {
            county.requests().await.len() == 2
        })
        .await;
        let requests = county.requests().await;
        assert_eq!(requests[0]["key"], requests[1]["key"], "the same key");
        assert!(
            at(&requests[1]) - at(&requests[0]) >= chrono::Duration::seconds(ASKED_S),
            "not before it may: {requests:?}"
        );
        database.close().await.unwrap();
        let desks = Desks::at(gateway.address(), world);
        assert_nothing_lost(world, world.database_url(), (&desks, &county), &journal).await;
        assert!(gateway.terminate(Duration::from_secs(15)).await.success());
    }
);
