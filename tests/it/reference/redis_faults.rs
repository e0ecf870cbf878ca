//! P13: Redis absent, stopped, hung, flushed or locked: slower, never wrong, and it recovers by itself.

use std::time::{Duration, Instant};

use onedoor::service::import::{Mode, catalogue, shipped};
use onedoor::service::{self, Services};

use super::replica::Replica;
use crate::harness::own_redis::OwnRedis;
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, until};

async fn name(cx: &Services) -> String {
    service::catalogue::item(cx, "pension-enroll")
        .await
        .unwrap()
        .unwrap()
        .name_zh
        .clone()
}

async fn up(replica: &Replica) {
    let redis = replica.redis.as_ref().unwrap();
    until("redis is connected", PATIENCE, async || redis.is_up()).await;
}

/// Publishes another name, so that the cached one is worth nothing, and expects it to be seen at once.
async fn rename(replica: &Replica, to: &str) {
    let text = shipped::CATALOGUE.replacen("城乡居民基本养老保险参保登记", to, 1);
    let began = Instant::now();
    catalogue::import(&replica.cx, &text, Mode::Write).await.unwrap();
    assert_eq!(name(&replica.cx).await, to);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

story!(
    /// Absent at the start, then there, stopped, and there again.
    redis_may_be_absent_come_stop_and_come_back,
    async |world| {
        let mut redis = OwnRedis::absent();
        let replica = Replica::with_redis(world, Some(&redis.url())).await;
        rename(&replica, "甲").await;
        redis.start_again().await;
        up(&replica).await;
        rename(&replica, "乙").await;
        redis.stop().await;
        rename(&replica, "丙").await;
        redis.start_again().await;
        up(&replica).await;
        rename(&replica, "丁").await;
        replica.stop().await;
    }
);

story!(
    /// A Redis that accepts and never answers costs one command timeout, not one for every request.
    a_hung_redis_costs_one_timeout,
    async |world| {
        let redis = OwnRedis::start().await;
        let replica = Replica::with_redis(world, Some(&redis.url())).await;
        up(&replica).await;
        redis.freeze();
        rename(&replica, "甲").await;
        let link = replica.redis.as_ref().unwrap();
        until("the hung redis is left alone", PATIENCE, async || !link.is_up()).await;
        redis.thaw();
        up(&replica).await;
        rename(&replica, "乙").await;
        replica.stop().await;
    }
);

story!(
    /// Flushed: every answer is loaded again.
    a_flushed_redis_is_filled_again,
    async |world| {
        let redis = OwnRedis::start().await;
        let replica = Replica::with_redis(world, Some(&redis.url())).await;
        up(&replica).await;
        let before = name(&replica.cx).await;
        redis.flush().await;
        let other = Replica::with_redis(world, Some(&redis.url())).await;
        up(&other).await;
        assert_eq!(name(&other.cx).await, before);
        rename(&other, "甲").await;
        until("the first replica sees the change", PATIENCE, async || name(&replica.cx).await == "甲").await;
        replica.stop().await;
        other.stop().await;
    }
);

story!(
    /// A wrong password is a missing cache.
    a_wrong_password_is_a_missing_cache,
    async |world| {
        let mut redis = OwnRedis::absent();
        redis.start_again_with_password("right").await;
        let replica = Replica::with_redis(world, Some(&redis.url_with_wrong_password())).await;
        rename(&replica, "甲").await;
        assert!(!replica.redis.as_ref().unwrap().is_up());
        replica.stop().await;
    }
);

story!(
    /// A hint reaches the other replica through Redis, also after Redis was away.
    hints_cross_to_the_other_replica_and_resume,
    async |world| {
        let mut redis = OwnRedis::start().await;
        let one = Replica::with_redis(world, Some(&redis.url())).await;
        let two = Replica::with_redis(world, Some(&redis.url())).await;
        let mut heard = two.cx.hints.subscribe("story");
        let mut own = one.cx.hints.subscribe("story");
        for round in ["before", "after"] {
            up(&one).await;
            up(&two).await;
            until("the hint arrives", PATIENCE, async || {
                one.cx.hints.publish("story", round);
                let wait = tokio::time::timeout(Duration::from_millis(100), heard.recv());
                matches!(wait.await, Ok(Ok(payload)) if &*payload == round)
            })
            .await;
            // after an outage an empty hint comes first: something may have been missed
            let here: Vec<_> = std::iter::from_fn(|| own.try_recv().ok()).filter(|hint| !hint.is_empty()).collect();
            assert!(!here.is_empty() && here.iter().all(|hint| &**hint == round), "the own process hears it at once");
            if round == "before" {
                redis.stop().await;
                redis.start_again().await;
            }
        }
        one.stop().await;
        two.stop().await;
    }
);
