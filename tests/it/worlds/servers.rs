//! PostgreSQL and Redis of our own can be broken in every way and come back on the same port.

use std::time::Duration;

use sea_orm::ConnectionTrait as _;

use crate::harness::own_postgres::{DURABLE, OwnPostgres};
use crate::harness::own_redis::OwnRedis;
use crate::harness::wait::{PATIENCE, until};
use crate::harness::world::{connect, try_connect};

#[actix_web::test]
async fn a_commit_survives_a_crash_of_postgres() {
    let mut postgres = OwnPostgres::start(DURABLE).await;
    let port = postgres.port();
    postgres.execute("CREATE TABLE kept AS SELECT 1 AS id").await;
    let session = connect(&postgres.url()).await;
    postgres.crash().await;
    assert!(
        session.execute_unprepared("SELECT 1").await.is_err(),
        "the session is cut"
    );
    assert!(try_connect(&postgres.url()).await.is_err(), "nobody listens");
    postgres.start_again().await;
    assert_eq!(postgres.port(), port);
    postgres.execute("INSERT INTO kept VALUES (2)").await;
    postgres.stop().await;
}

#[actix_web::test]
async fn sessions_of_postgres_can_be_killed() {
    let postgres = OwnPostgres::start(&["fsync=off"]).await;
    let session = connect(&postgres.url()).await;
    assert!(postgres.kill_sessions().await >= 1);
    // the pool may replace the session at once; that it was cut shows in the first error or a new backend
    until("new sessions are welcome", PATIENCE, async || {
        session.execute_unprepared("SELECT 1").await.is_ok()
    })
    .await;
}

#[actix_web::test]
async fn redis_freezes_forgets_stops_and_locks() {
    let mut redis = OwnRedis::start().await;
    assert!(set(&redis.url()).await.is_ok());
    redis.freeze();
    let hung = tokio::time::timeout(Duration::from_millis(300), set(&redis.url())).await;
    assert!(hung.is_err(), "it hangs");
    redis.thaw();
    assert_eq!(get(&redis.url()).await.unwrap().as_deref(), Some("1"));
    redis.flush().await;
    assert_eq!(get(&redis.url()).await.unwrap(), None);
    redis.stop().await;
    assert!(get(&redis.url()).await.is_err(), "nobody listens");
    redis.start_again_with_password("open-sesame").await;
    assert!(set(&redis.url()).await.is_ok());
    assert!(
        set(&redis.url_with_wrong_password()).await.is_err(),
        "the password is asked for"
    );
}

async fn set(url: &str) -> redis::RedisResult<()> {
    let mut redis = redis::Client::open(url)?
        .get_multiplexed_async_connection()
        .await?;
    redis::cmd("SET")
        .arg("key")
        .arg("1")
        .query_async(&mut redis)
        .await
}

async fn get(url: &str) -> redis::RedisResult<Option<String>> {
    let mut redis = redis::Client::open(url)?
        .get_multiplexed_async_connection()
        .await?;
    redis::cmd("GET").arg("key").query_async(&mut redis).await
}
