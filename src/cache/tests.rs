//! Answers are kept by epoch, loaded once and never outlive what is known.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

#[derive(Serialize)]
struct Square(u32);

impl Cached for Square {
    type Value = u32;
    const NAME: &'static str = "test.square/1";
    const EPOCHS: &'static [Epoch] = &[Epoch::Items];
}

fn cache() -> Cache {
    let settings = CacheSettings {
        entries_max: 100,
        ttl: Duration::from_secs(60),
    };
    Cache::new(settings, None, &Metrics::default()).unwrap()
}

/// Answers and says how many loads there were.
async fn ask(cache: &Cache, number: u32, loads: &Arc<AtomicU32>) -> u32 {
    let loads = loads.clone();
    let load = move || async move {
        loads.fetch_add(1, Ordering::SeqCst);
        Ok(number * number)
    };
    *cache.get_or_load(&Square(number), load).await.unwrap()
}

#[actix_web::test]
async fn an_answer_is_loaded_once_until_its_epoch_moves() {
    let (cache, loads) = (cache(), Arc::new(AtomicU32::new(0)));
    assert_eq!(
        (ask(&cache, 3, &loads).await, ask(&cache, 3, &loads).await),
        (9, 9)
    );
    assert_eq!(loads.load(Ordering::SeqCst), 1);
    cache
        .epochs()
        .learn(&BTreeMap::from([("divisions".to_owned(), 5)]));
    ask(&cache, 3, &loads).await;
    assert_eq!(loads.load(Ordering::SeqCst), 1, "an epoch of other data");
    cache.epochs().learn(&BTreeMap::from([("items".to_owned(), 5)]));
    ask(&cache, 3, &loads).await;
    assert_eq!(loads.load(Ordering::SeqCst), 2);
}

#[actix_web::test]
async fn a_load_that_an_epoch_overtook_is_not_served_again() {
    let (cache, loads) = (cache(), Arc::new(AtomicU32::new(0)));
    let overtaken = {
        let cache = cache.clone();
        move || async move {
            cache.epochs().learn(&BTreeMap::from([("items".to_owned(), 1)]));
            Ok(0)
        }
    };
    assert_eq!(*cache.get_or_load(&Square(3), overtaken).await.unwrap(), 0);
    assert_eq!(ask(&cache, 3, &loads).await, 9);
    assert_eq!(loads.load(Ordering::SeqCst), 1);
}

#[actix_web::test]
async fn many_who_ask_at_once_share_one_load_that_their_leaving_does_not_cut() {
    let (cache, loads) = (cache(), Arc::new(AtomicU32::new(0)));
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let ask_slowly = || {
        let (cache, loads, gate) = (cache.clone(), loads.clone(), gate.clone());
        async move {
            let load = move || async move {
                loads.fetch_add(1, Ordering::SeqCst);
                drop(gate.acquire().await);
                Ok(9)
            };
            cache.get_or_load(&Square(3), load).await.map(|value| *value)
        }
    };
    let first = Box::pin(ask_slowly());
    // the first one gives up while the load runs
    assert!(
        tokio::time::timeout(Duration::from_millis(20), first)
            .await
            .is_err()
    );
    let others = futures_util::future::join_all((0..50).map(|_| ask_slowly()));
    let (answers, ()) = futures_util::join!(others, async { gate.add_permits(1) });
    assert!(answers.into_iter().all(|answer| answer.unwrap() == 9));
    assert_eq!(loads.load(Ordering::SeqCst), 1);
}

#[actix_web::test]
async fn a_failure_reaches_everybody_who_waited_and_is_not_kept() {
    let cache = cache();
    let fail = || async { Err(AppError::of(crate::error::ErrorCode::StoreUnavailable).retry_after_ms(5)) };
    let error = cache.get_or_load(&Square(3), fail).await.unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.retry_after_ms),
        ("STORE_UNAVAILABLE", Some(5))
    );
    let panics = || async { panic!("canary") };
    assert_eq!(
        cache
            .get_or_load(&Square(3), panics)
            .await
            .unwrap_err()
            .code
            .as_str(),
        "INTERNAL_SERVER_ERROR"
    );
    let loads = Arc::new(AtomicU32::new(0));
    assert_eq!(ask(&cache, 3, &loads).await, 9);
}

#[actix_web::test]
async fn keys_hold_a_hash_and_no_text_of_a_caller() {
    #[derive(Serialize)]
    struct Search(&'static str);
    impl Cached for Search {
        type Value = u32;
        const NAME: &'static str = "test.search/1";
        const EPOCHS: &'static [Epoch] = &[];
    }
    let place = place(&Search("张三")).unwrap();
    assert!(place.starts_with("test.search/1:") && !place.contains("张三"));
}
