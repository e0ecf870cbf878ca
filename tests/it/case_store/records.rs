//! Drafts, the change feed, and what time removes.

use chrono::Duration;
use onedoor::store::draft::DRAFTS_BY_SAVED;
use onedoor::store::error::StoreError;
use onedoor::store::retention::Keeping;
use onedoor_domain::draft::Draft;
use onedoor_domain::feed::FeedCursor;
use onedoor_domain::id::{DraftId, ItemVersionId};
use onedoor_domain::page::PageRequest;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::json;
use uuid::Uuid;

use super::fixture::{CANARY, STATION, TOWNSHIP, count, morning, open, organization, stored, submission};
use crate::harness::story::story;

/// Less than may be: the shortest times win.
const HASTY: Keeping = Keeping {
    idempotency: Duration::days(1),
    exchanges: Duration::days(1),
};

fn draft(author: &str, ephemeral: bool) -> Draft {
    Draft {
        id: DraftId::from_uuid(Uuid::now_v7()),
        author: author.to_owned(),
        item: ItemVersionId::from_uuid(Uuid::from_u128(70)),
        item_code: "pension-enroll".to_owned(),
        ephemeral,
        content: json!({"name": CANARY}),
        created_at: morning(),
        saved_at: morning(),
    }
}

story!(a_draft_is_in_the_hands_of_its_author_alone, async |world| {
    let store = open(world).await;
    let mut mine = draft("citizen-1", false);
    store.save_draft(&mine).await.unwrap();
    mine.content = json!({"name": "changed"});
    mine.saved_at = morning() + Duration::minutes(1);
    store.save_draft(&mine).await.unwrap();
    assert_eq!(
        store.load_draft("citizen-1", mine.id).await.unwrap().as_ref(),
        Some(&mine)
    );
    assert_eq!(store.load_draft("citizen-2", mine.id).await.unwrap(), None);
    let theirs = Draft {
        author: "citizen-2".to_owned(),
        ..mine.clone()
    };
    assert!(matches!(
        store.save_draft(&theirs).await,
        Err(StoreError::NotFound { .. })
    ));
    assert!(!store.delete_draft("citizen-2", mine.id).await.unwrap());
    let second = draft("citizen-1", false);
    store.save_draft(&second).await.unwrap();
    let page = store
        .list_drafts("citizen-1", &PageRequest::first(DRAFTS_BY_SAVED, 10))
        .await
        .unwrap();
    let listed: Vec<DraftId> = page.edges.iter().map(|edge| edge.node.id).collect();
    assert_eq!(listed, [mine.id, second.id]);

    let submitted_by = |author: &str| {
        let mut set = submission(morning());
        set.finished_draft = Some(mine.id);
        set.idempotency.as_mut().unwrap().principal = author.to_owned();
        set
    };
    stored(&store, submitted_by("citizen-2")).await;
    assert!(
        store.load_draft("citizen-1", mine.id).await.unwrap().is_some(),
        "nobody else ends it"
    );
    stored(&store, submitted_by("citizen-1")).await;
    assert_eq!(
        store.load_draft("citizen-1", mine.id).await.unwrap(),
        None,
        "it has become a case"
    );
    assert!(store.delete_draft("citizen-1", second.id).await.unwrap());
});

story!(
    the_feed_tells_each_change_once_also_one_that_became_visible_late,
    async |world| {
        let store = open(world).await;
        stored(&store, submission(morning())).await;
        let mut cursor = store.feed_now(morning()).await.unwrap();
        let next = async |cursor: &mut FeedCursor, now| {
            let found = store.changes_behind(cursor, 10).await.unwrap();
            for change in &found {
                cursor.tell(change.id, now);
            }
            cursor.settle(now);
            found
        };
        assert!(next(&mut cursor, morning()).await.is_empty());
        let case = stored(&store, submission(morning())).await.case;
        let told = next(&mut cursor, morning()).await;
        assert_eq!(told.len(), 1);
        assert_eq!(
            (told[0].case, told[0].revision, told[0].division),
            (case.id, 1, case.division)
        );
        assert_eq!(
            told[0].organizations,
            [organization(STATION), organization(TOWNSHIP)]
        );

        // a transaction that was given its position before and commits after a later one
        let beside = world.database().await;
        let insert = async |id: i64| {
            let sql = "insert into change (id, case_id, revision, organizations, division_id, at) \
                       values ($1, $2, 1, '[]', $2, $3)";
            let values = [
                id.into(),
                Uuid::from_u128(5).into(),
                morning().timestamp_micros().into(),
            ];
            let statement = Statement::from_sql_and_values(beside.get_database_backend(), sql, values);
            beside.execute_raw(statement).await.unwrap();
        };
        insert(101).await;
        let ids = |told: Vec<onedoor::store::change_feed::Change>| {
            told.into_iter().map(|change| change.id).collect::<Vec<_>>()
        };
        let soon = morning() + Duration::seconds(5);
        assert_eq!(ids(next(&mut cursor, soon).await), [101]);
        // whoever begins now is told of it too, and so is whoever was away for an hour meanwhile
        let mut late_comer = store.feed_now(soon).await.unwrap();
        let mut away = FeedCursor::decode(&cursor.encode()).unwrap();
        insert(100).await;
        assert_eq!(ids(next(&mut cursor, soon).await), [100]);
        assert_eq!(ids(next(&mut late_comer, soon).await), [100]);
        assert_eq!(ids(next(&mut away, soon + Duration::hours(1)).await), [100]);
        for reader in [&mut cursor, &mut late_comer, &mut away] {
            assert!(next(reader, soon).await.is_empty());
            assert_eq!(reader.position(), 101);
        }
    }
);

story!(
    time_removes_keys_drafts_of_kiosks_and_old_changes_but_no_case,
    async |world| {
        let store = open(world).await;
        stored(&store, submission(morning())).await;
        store.save_draft(&draft("kiosk-1/session-1", true)).await.unwrap();
        store.save_draft(&draft("citizen-1", false)).await.unwrap();
        let day = store
            .remove_expired(morning() + Duration::hours(25), HASTY)
            .await
            .unwrap();
        assert_eq!(
            (day.idempotency, day.drafts, day.changes),
            (0, 1, 0),
            "keys are kept 30 days at least"
        );
        let month = store
            .remove_expired(morning() + Duration::days(31), HASTY)
            .await
            .unwrap();
        assert_eq!((month.idempotency, month.drafts, month.changes), (1, 0, 1));
        let beside = world.database().await;
        assert_eq!(count(&beside, "cases").await, 1);
        assert_eq!(count(&beside, "draft").await, 1);
    }
);
