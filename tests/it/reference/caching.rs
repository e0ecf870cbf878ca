//! A hit costs the database nothing, on the replica that asked and on the others; a change is seen by all.

use onedoor::service::divisions::{self, DivisionFilter};
use onedoor::service::import::{Mode, catalogue, shipped};
use onedoor::service::organizations::{self, OrganizationFilter};
use onedoor::service::{self, Services};
use onedoor_domain::division::Level;
use onedoor_domain::page::PageArgs;

use super::replica::Replica;
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, until};
use crate::harness::world::WorldKind;

async fn ask_everything(cx: &Services) -> Vec<String> {
    let args = PageArgs {
        first: Some(5),
        ..PageArgs::default()
    };
    let villages = DivisionFilter {
        level: Some(Level::Village),
        ..DivisionFilter::default()
    };
    let stations = OrganizationFilter {
        role: Some("village.station".to_owned()),
        ..OrganizationFilter::default()
    };
    let places = divisions::page(cx, villages, &args).await.unwrap();
    let offices = organizations::page(cx, stations, &args).await.unwrap();
    let items = service::catalogue::page(cx, &service::catalogue::ItemFilter::default(), &args)
        .await
        .unwrap();
    let calendar = service::calendar::current(cx).await.unwrap();
    vec![
        serde_json::to_string(&*places).unwrap(),
        serde_json::to_string(&*offices).unwrap(),
        serde_json::to_string(&items.map(|item| item.code.clone())).unwrap(),
        calendar.number().to_string(),
    ]
}

story!(
    /// The second question costs nothing; with Redis, nor does the first one on another replica.
    a_hit_sends_no_statement_also_for_what_the_other_replica_stored,
    async |world| {
        let one = Replica::start(world).await;
        one.stop_loops().await;
        // the loops keep the connection to Redis; what is up stays up for the length of this test
        let (first, told) = one.statements_of(ask_everything).await;
        assert!(first > 0);
        let (second, again) = one.statements_of(ask_everything).await;
        assert_eq!((second, &again), (0, &told));

        let two = Replica::start(world).await;
        two.stop_loops().await;
        let stored = async || {
            let entries = world.redis_entries().await;
            entries.iter().filter(|(key, _)| key.contains("cache:")).count() >= 4
        };
        if world.kind() == WorldKind::Postgres {
            until("redis holds the four answers", PATIENCE, stored).await;
        }
        let (statements, elsewhere) = two.statements_of(ask_everything).await;
        assert_eq!(elsewhere, told);
        match world.kind() {
            WorldKind::Postgres => assert_eq!(statements, 0, "the other replica's answers are in Redis"),
            WorldKind::Sqlite => assert!(statements > 0, "nothing is shared without Redis"),
        }
        one.cx.database.close().await.unwrap();
        two.cx.database.close().await.unwrap();
    }
);

story!(
    /// After a write here the old answer is gone at once; on the other replica as soon as it hears or polls.
    a_change_is_seen_here_at_once_and_elsewhere_soon,
    async |world| {
        let (one, two) = (Replica::start(world).await, Replica::start(world).await);
        let name = async |cx: &Services| {
            service::catalogue::item(cx, "pension-enroll").await.unwrap().unwrap().name_zh.clone()
        };
        assert_eq!(name(&one.cx).await, name(&two.cx).await);
        let text = shipped::CATALOGUE.replacen("城乡居民基本养老保险参保登记", "养老保险参保登记", 1);
        catalogue::import(&one.cx, &text, Mode::Write).await.unwrap();
        assert_eq!(name(&one.cx).await, "养老保险参保登记");
        until("the other replica sees the change", PATIENCE, async || {
            name(&two.cx).await == "养老保险参保登记"
        })
        .await;
        one.stop().await;
        two.stop().await;
    }
);

story!(
    /// Pages walk the whole list once, forwards and backwards, without gap or overlap.
    pages_cover_the_list_once_in_both_directions,
    async |world| {
        let replica = Replica::start(world).await;
        let cx = &replica.cx;
        let townships = DivisionFilter { level: Some(Level::Township), ..DivisionFilter::default() };
        let (mut forwards, mut backwards) = (Vec::new(), Vec::new());
        let mut args = PageArgs { first: Some(20), ..PageArgs::default() };
        loop {
            let page = divisions::page(cx, townships.clone(), &args).await.unwrap();
            assert_eq!(page.total, Some(87));
            forwards.extend(page.edges.iter().map(|edge| edge.node.code.clone()));
            if !page.has_next {
                break;
            }
            args.after = page.edges.last().map(|edge| edge.cursor.clone());
        }
        let mut args = PageArgs { last: Some(20), ..PageArgs::default() };
        loop {
            let page = divisions::page(cx, townships.clone(), &args).await.unwrap();
            backwards.extend(page.edges.iter().rev().map(|edge| edge.node.code.clone()));
            if !page.has_previous {
                break;
            }
            args.before = page.edges.first().map(|edge| edge.cursor.clone());
        }
        backwards.reverse();
        assert_eq!(forwards.len(), 87);
        assert_eq!(forwards, backwards);
        assert!(forwards.is_sorted());
        replica.stop().await;
    }
);

story!(
    /// Signs of the database's pattern language in a search stand for themselves.
    a_search_text_is_not_a_pattern,
    async |world| {
        let replica = Replica::start(world).await;
        let found = async |text: &str| {
            let filter = DivisionFilter { name_contains: Some(text.to_owned()), ..DivisionFilter::default() };
            divisions::page(&replica.cx, filter, &PageArgs::default()).await.unwrap().total.unwrap()
        };
        assert_eq!(found("东风街道").await, 1);
        assert_eq!(found("%").await, 0);
        assert_eq!(found("_").await, 0);
        assert_eq!(found("\\").await, 0);
        replica.stop().await;
    }
);
