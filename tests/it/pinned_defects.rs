//! Defects of async-graphql 7.1–7.2 that the pinned 7.0.19 does not have; a bump of the version must pass these.

use async_graphql::{EmptyMutation, EmptySubscription, Object, Request, Schema};

struct Query;

#[Object]
impl Query {
    async fn slow(&self) -> i32 {
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        1
    }
    async fn quick(&self) -> i32 {
        2
    }
    async fn nullable(&self) -> Option<Result<i32, async_graphql::Error>> {
        Some(Err("failed".into()))
    }
    async fn required(&self) -> Result<i32, async_graphql::Error> {
        Err("failed".into())
    }
    async fn outer(&self) -> Option<Outer> {
        Some(Outer)
    }
}

struct Outer;

#[Object]
impl Outer {
    async fn required(&self) -> Result<i32, async_graphql::Error> {
        Err("failed".into())
    }
    async fn nullable(&self) -> Option<Result<i32, async_graphql::Error>> {
        Some(Err("failed".into()))
    }
}

async fn answer(query: &str) -> String {
    let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
    let response = schema.execute(Request::new(query)).await;
    format!(
        "{} {}",
        serde_json::to_string(&response.data).unwrap(),
        response.errors.len()
    )
}

#[tokio::test]
async fn a_failed_field_stays_in_data_as_null() {
    assert_eq!(
        answer("{ quick nullable }").await,
        r#"{"quick":2,"nullable":null} 1"#
    );
    assert_eq!(
        answer("{ outer { nullable } }").await,
        r#"{"outer":{"nullable":null}} 1"#
    );
}

#[tokio::test]
async fn an_error_of_a_non_null_field_reaches_its_nullable_parent() {
    assert_eq!(
        answer("{ quick outer { required } }").await,
        r#"{"quick":2,"outer":null} 1"#
    );
    assert_eq!(answer("{ quick required }").await, "null 1");
}

#[tokio::test]
async fn keys_come_in_the_order_of_the_document() {
    assert_eq!(
        answer("{ slow quick a: slow }").await,
        r#"{"slow":1,"quick":2,"a":1} 0"#
    );
}

#[tokio::test]
async fn skipping_everything_gives_an_empty_object() {
    assert_eq!(answer("{ quick @skip(if: true) }").await, "{} 0");
}
