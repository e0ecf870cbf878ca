//! Lists: stable pages, and nothing of anybody else's.

use chrono::Duration;
use onedoor::store::case::CaseStore;
use onedoor::store::case_list::{CaseFilter, CaseOrder};
use onedoor::store::delivery_list::{DELIVERIES_BY_CREATED, DeliveryFilter};
use onedoor::store::handoff_list::HandoffFilter;
use onedoor_domain::actor::ActorKind;
use onedoor_domain::board::{BoardOrder, DayCount};
use onedoor_domain::case::command::Command;
use onedoor_domain::case::state::CaseStatus;
use onedoor_domain::handoff::HandoffState;
use onedoor_domain::id::CaseId;
use onedoor_domain::page::{PageArgs, PageRequest};
use onedoor_domain::policy::Act;
use onedoor_domain::proof::ReadProof;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement};
use uuid::Uuid;

use super::fixture::{
    COUNTY, STATION, TOWNSHIP, act, delivery, load, morning, open, organization, reader, stored, submission,
    submission_in,
};
use crate::harness::story::story;

fn request(order: &'static str, first: i32, after: Option<String>) -> PageRequest {
    let args = PageArgs {
        first: Some(first),
        after,
        ..PageArgs::default()
    };
    PageRequest::parse(&args, order, 2).unwrap()
}

async fn all_cases(store: &CaseStore, scope: &ReadProof, filter: &CaseFilter, size: i32) -> Vec<CaseId> {
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store
            .list_cases(
                scope,
                filter,
                CaseOrder::NEWEST,
                &request(CaseOrder::NEWEST.name(), size, after),
            )
            .await
            .unwrap();
        seen.extend(page.edges.iter().map(|edge| edge.node.case.id));
        after = page.edges.last().map(|edge| edge.cursor.clone());
        if !page.has_next {
            return seen;
        }
    }
}

async fn insert_division(connection: &DatabaseConnection, id: u128, parent: Option<u128>) {
    let sql = "insert into division (id, code, parent_id, level, name, kind, counted) \
               values ($1, $2, $3, 'VILLAGE', 'x', 'x', true)";
    let values = [
        Uuid::from_u128(id).into(),
        format!("{id:012}").into(),
        parent.map(Uuid::from_u128).into(),
    ];
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, values);
    connection.execute_raw(statement).await.unwrap();
}

story!(
    pages_go_through_the_list_once_also_while_it_grows,
    async |world| {
        let store = open(world).await;
        let mut expected = Vec::new();
        for minute in 0..7 {
            // pairs share an instant, so that the key breaks the tie
            let now = morning() + Duration::minutes(minute / 2);
            expected.push((now, stored(&store, submission(now)).await.case.id));
        }
        expected.sort();
        expected.reverse();
        let expected: Vec<CaseId> = expected.into_iter().map(|(_, id)| id).collect();
        let clerk = reader(Act::ReadCase, ActorKind::Clerk, STATION);
        let auditor = reader(Act::ReadCase, ActorKind::Auditor, 77);
        let any = CaseFilter::default();
        for reader in [&clerk, &auditor] {
            for size in [1, 2, 3, 100] {
                assert_eq!(
                    all_cases(&store, reader, &any, size).await,
                    expected,
                    "pages of {size}"
                );
            }
            assert_eq!(store.count_cases(reader, &any).await.unwrap(), 7);
        }
        let first = store
            .list_cases(
                &clerk,
                &any,
                CaseOrder::NEWEST,
                &request(CaseOrder::NEWEST.name(), 3, None),
            )
            .await
            .unwrap();
        stored(&store, submission(morning() + Duration::hours(1))).await;
        let cursor = first.edges.last().map(|edge| edge.cursor.clone());
        let rest = store
            .list_cases(
                &clerk,
                &any,
                CaseOrder::NEWEST,
                &request(CaseOrder::NEWEST.name(), 100, cursor),
            )
            .await
            .unwrap();
        let seen: Vec<CaseId> = first
            .edges
            .iter()
            .chain(&rest.edges)
            .map(|edge| edge.node.case.id)
            .collect();
        assert_eq!(seen, expected, "what comes in front does not shift what follows");
        let back = PageArgs {
            last: Some(2),
            before: rest.edges.first().map(|edge| edge.cursor.clone()),
            ..PageArgs::default()
        };
        let back = PageRequest::parse(&back, CaseOrder::NEWEST.name(), 2).unwrap();
        let back = store
            .list_cases(&clerk, &any, CaseOrder::NEWEST, &back)
            .await
            .unwrap();
        let back: Vec<CaseId> = back.edges.iter().map(|edge| edge.node.case.id).collect();
        assert_eq!(back, expected[1..3]);
    }
);

story!(
    /// P25.
    each_reader_sees_its_own_cases_and_no_others,
    async |world| {
        let store = open(world).await;
        let beside = world.database().await;
        // 900 is the township above 901; 950 is its own parent, as some tables have it; 990 stands apart
        insert_division(&beside, 900, None).await;
        insert_division(&beside, 901, Some(900)).await;
        insert_division(&beside, 950, Some(950)).await;
        insert_division(&beside, 990, None).await;
        let below = stored(&store, submission_in(morning(), 901)).await.case;
        let looped = stored(&store, submission_in(morning() + Duration::minutes(1), 950)).await.case;
        let any = CaseFilter::default();
        let sees = async |kind, office| {
            let scope = reader(Act::ReadCase, kind, office);
            let listed = all_cases(&store, &scope, &any, 10).await;
            let mut within = Vec::new();
            for case in [looped.id, below.id] {
                if store.is_within(&scope, case).await.unwrap() {
                    within.push(case);
                }
            }
            assert_eq!(listed, within, "list and single look agree");
            assert_eq!(store.count_cases(&scope, &any).await.unwrap(), listed.len() as u64);
            listed
        };
        assert_eq!(sees(ActorKind::Clerk, STATION).await, [looped.id, below.id]);
        assert_eq!(sees(ActorKind::Clerk, TOWNSHIP).await, [looped.id, below.id], "it was offered both");
        assert!(sees(ActorKind::Officer, COUNTY).await.is_empty(), "not before its turn");
        assert_eq!(sees(ActorKind::Supervisor, 900).await, [below.id]);
        assert_eq!(sees(ActorKind::Supervisor, 950).await, [looped.id], "the loop ends");
        assert!(sees(ActorKind::Supervisor, 990).await.is_empty());
        assert!(sees(ActorKind::Citizen, 1).await.is_empty());
        let accept = Command::Accept { advance: true, owed: Vec::new() };
        let loaded = load(&store, below.id).await;
        stored(&store, act(loaded, ActorKind::Clerk, TOWNSHIP, &accept, morning())).await;
        assert_eq!(sees(ActorKind::Officer, COUNTY).await, [below.id]);

        let accepted = CaseFilter { statuses: vec![CaseStatus::InReview, CaseStatus::Accepted], ..any.clone() };
        let clerk = reader(Act::ReadCase, ActorKind::Clerk, STATION);
        assert_eq!(all_cases(&store, &clerk, &accepted, 10).await, [below.id]);
        let narrow = CaseFilter {
            division: Some(super::fixture::division(900)),
            item_code: Some("pension-enroll".to_owned()),
            submitted_from: Some(morning()),
            submitted_before: Some(morning() + Duration::seconds(1)),
            ..any.clone()
        };
        assert_eq!(all_cases(&store, &clerk, &narrow, 10).await, [below.id]);
    }
);

story!(
    a_desk_shows_what_is_due_first_and_counts_what_is_late,
    async |world| {
        let store = open(world).await;
        let mut cases = Vec::new();
        for day in 0..3 {
            cases.push(
                stored(&store, submission(morning() + Duration::days(day)))
                    .await
                    .case,
            );
        }
        let desk = HandoffFilter {
            organization: Some(organization(TOWNSHIP)),
            states: vec![
                HandoffState::Offered,
                HandoffState::Sent,
                HandoffState::Acknowledged,
            ],
            ..HandoffFilter::default()
        };
        let clerk = reader(Act::ReadHandoffs, ActorKind::Clerk, TOWNSHIP);
        let listed = async |scope: &ReadProof, filter: &HandoffFilter, first, after, at| {
            let due = BoardOrder::default();
            let page = request(due.name(), first, after);
            store.list_handoffs(scope, filter, due, &page, at).await.unwrap()
        };
        let page = listed(&clerk, &desk, 2, None, None).await;
        assert!(page.page.has_next && page.counts.is_none());
        let cursor = page.page.edges.last().map(|edge| edge.cursor.clone());
        let rest = listed(&clerk, &desk, 2, cursor, None).await;
        let edges = page.page.edges.into_iter().chain(rest.page.edges);
        let entries: Vec<_> = edges.map(|edge| edge.node).collect();
        let order: Vec<CaseId> = entries.iter().map(|entry| entry.case).collect();
        assert_eq!(order, cases.iter().map(|case| case.id).collect::<Vec<_>>());
        let evening = cases[0]
            .handoffs
            .last()
            .and_then(|handoff| cases[0].handoff_due(handoff))
            .unwrap();
        assert_eq!(entries[0].key, evening.timestamp_micros());
        let counts = listed(&clerk, &desk, 1, None, Some(evening))
            .await
            .counts
            .unwrap();
        let offered = counts
            .states
            .iter()
            .find(|count| count.state == HandoffState::Offered)
            .unwrap();
        assert_eq!((offered.count, offered.late), (3, 1));
        let day = |due: &str, late| DayCount {
            due: Some(due.parse().unwrap()),
            count: 1,
            late,
        };
        assert_eq!(
            counts.days,
            [day("2026-11-24", 1), day("2026-11-25", 0), day("2026-11-26", 0)],
            "a working day to sign: until the end of the next day, in Beijing"
        );
        assert_eq!(
            store.count_handoffs(&clerk, &desk, evening).await.unwrap(),
            counts
        );
        let late = HandoffFilter {
            late_at: Some(evening),
            ..desk.clone()
        };
        assert_eq!(listed(&clerk, &late, 9, None, None).await.page.edges.len(), 1);
        let stranger = reader(Act::ReadHandoffs, ActorKind::Clerk, 55);
        let none = listed(&stranger, &desk, 9, None, Some(evening)).await;
        assert!(none.page.edges.is_empty());
        assert!(none.counts.unwrap().states.is_empty());
    }
);

story!(
    deliveries_are_shown_to_the_organization_that_caused_them,
    async |world| {
        let store = open(world).await;
        let mut set = submission(morning());
        let handoff = set.case.after.handoffs.last().unwrap().clone();
        assert_eq!(handoff.from, Some(organization(STATION)));
        set.deliveries.push(delivery(handoff.id, "county-hr"));
        let id = set.deliveries[0].id;
        let case = stored(&store, set).await.case;
        let any = DeliveryFilter::default();
        let page = request(DELIVERIES_BY_CREATED, 10, None);
        let sender = reader(Act::ReadDeliveries, ActorKind::Officer, STATION);
        let listed = store.list_deliveries(&sender, &any, &page).await.unwrap();
        assert_eq!(listed.edges.len(), 1);
        let entry = &listed.edges[0].node;
        assert_eq!(
            (entry.id, entry.case, &entry.tracking),
            (id, case.id, &case.tracking)
        );
        assert_eq!(store.delivery(&sender, id).await.unwrap().as_ref(), Some(entry));
        let other = reader(Act::ReadDeliveries, ActorKind::Officer, COUNTY);
        assert!(
            store
                .list_deliveries(&other, &any, &page)
                .await
                .unwrap()
                .edges
                .is_empty()
        );
        assert_eq!(store.delivery(&other, id).await.unwrap(), None);
        let admin = reader(Act::ReadDeliveries, ActorKind::SystemAdmin, 1);
        assert!(admin.masked());
        let elsewhere = DeliveryFilter {
            upstream: Some("x".to_owned()),
            ..any
        };
        assert!(
            store
                .list_deliveries(&admin, &elsewhere, &page)
                .await
                .unwrap()
                .edges
                .is_empty()
        );
    }
);
