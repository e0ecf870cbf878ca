//! Loading what ships, and importing again.

use std::collections::BTreeMap;

use onedoor::service::import::shipped::{self, AGENCIES, CATALOGUE, DIVISIONS, ORGANIZATION_ROLES};
use onedoor::service::import::{ImportError, Mode, catalogue, divisions, organizations};
use onedoor::service::{calendar, reference};
use onedoor::store::epoch;
use onedoor_domain::directory::StepHolder;
use onedoor_domain::division::Level;
use onedoor_domain::organization::OrganizationKind;

use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

use super::replica::Replica;
use crate::harness::story::story;
use crate::harness::world::World;

story!(
    /// 1,254 divisions, every organization a route can name, 39 agencies, 36 items, the working days.
    empty what_ships_is_loaded_whole,
    async |world| {
        let replica = Replica::start(world).await;
        let loaded = shipped::load_if_empty(&replica.cx).await.unwrap().unwrap();
        assert_eq!(loaded.divisions.counts.added, 1_254);
        assert_eq!(loaded.organizations.counts.added, 1_148 * 4 + 87 * 10 + 9 * 18 + 6 + 1);
        assert_eq!(loaded.agencies.counts.added, 39);
        assert_eq!(loaded.calendar.counts.added, 121);
        assert_eq!(loaded.catalogue.counts.added, 36);
        let directory = replica.cx.directories.current();
        assert_eq!(directory.size(), (1_254, 5_670));
        let station = directory.organization_by_code("340302001001:village.station").unwrap();
        assert_eq!(station.name_zh, "东风社区居委会为民服务全程代理工作站");
        let calendar = calendar::current(&replica.cx).await.unwrap();
        assert!(calendar.calendar().is_provisional("2027-03-01".parse().unwrap()));
        replica.stop().await;
    }
);

story!(
    /// The route of every item leads from each of the 1,148 counted villages to organizations.
    every_counted_village_resolves_for_every_item,
    async |world| {
        let replica = Replica::start(world).await;
        let directory = replica.cx.directories.current();
        let offered = onedoor::service::catalogue::offered(&replica.cx).await.unwrap();
        let villages = onedoor::store::division::all(&replica.cx.database).await.unwrap();
        let counted: Vec<_> =
            villages.iter().filter(|place| place.level == Level::Village && place.counted).collect();
        assert_eq!((counted.len(), offered.items().len()), (1_148, 36));
        let mut chosen = 0;
        for item in offered.items() {
            for village in &counted {
                for step in directory.resolve(&item.route, village.id).unwrap() {
                    match step.who {
                        StepHolder::Organization(id) => assert!(directory.organization(id).is_some()),
                        StepHolder::Chosen(candidates) => {
                            assert!(candidates.len() > 5);
                            chosen += 1;
                        }
                        StepHolder::Intake => panic!("{} has no intake in {}", item.code, village.name),
                    }
                }
            }
        }
        assert_eq!(chosen, 1_148, "the grid item lets the township choose a county department");
        replica.stop().await;
    }
);

story!(
    /// An upstream system is bound by role, or to one organization by its code.
    upstream_systems_are_bound_by_code_before_role,
    async |world| {
        let replica = Replica::start(world).await;
        let directory = replica.cx.directories.current();
        let bound = |code: &str| directory.organization_by_code(code).unwrap().upstream.clone();
        assert_eq!(bound("340303000000:county.human-resources").as_deref(), Some("sandbox"));
        assert_eq!(bound("340302000000:county.human-resources").as_deref(), Some("own"));
        assert_eq!(bound("340302000000:county.civil-affairs"), None);
        let outside = directory.organization_by_code("340000000000:province.veterans").unwrap();
        assert_eq!(outside.kind, OrganizationKind::External);
        replica.stop().await;
    }
);

story!(
    /// A second import of the same files changes nothing, moves no epoch and keeps every version.
    importing_the_same_again_changes_nothing,
    async |world| {
        let replica = Replica::start(world).await;
        let before = epoch::read_all(&replica.cx.database).await.unwrap();
        let again = shipped::load(&replica.cx).await.unwrap();
        for report in [again.divisions, again.organizations, again.agencies, again.calendar, again.catalogue] {
            assert!(report.counts.is_no_change(), "{report:?}");
        }
        assert_eq!(epoch::read_all(&replica.cx.database).await.unwrap(), before);
        assert!(shipped::load_if_empty(&replica.cx).await.unwrap().is_none());
        replica.stop().await;
    }
);

story!(
    /// Only the item that differs gets a new version; the old one stays for the cases that pinned it.
    a_changed_item_gets_a_new_version_and_keeps_the_old_one,
    async |world| {
        use onedoor::service::catalogue::{item, version};
        let replica = Replica::start(world).await;
        let old = item(&replica.cx, "pension-enroll").await.unwrap().unwrap();
        let text = CATALOGUE.replacen("城乡居民基本养老保险参保登记", "养老保险参保登记", 1);
        let dry = catalogue::import(&replica.cx, &text, Mode::DryRun).await.unwrap();
        assert_eq!((dry.counts.changed, dry.counts.unchanged), (1, 35));
        assert_eq!(item(&replica.cx, "pension-enroll").await.unwrap().unwrap().version, 1);
        let report = catalogue::import(&replica.cx, &text, Mode::Write).await.unwrap();
        assert_eq!((report.counts.changed, report.counts.unchanged), (1, 35));
        let new = item(&replica.cx, "pension-enroll").await.unwrap().unwrap();
        assert_eq!((new.version, new.name_zh.as_str()), (2, "养老保险参保登记"));
        assert_eq!(version(&replica.cx, old.id).await.unwrap().unwrap(), old);
        replica.stop().await;
    }
);

story!(
    /// A file with faults writes nothing at all.
    empty a_file_with_one_fault_writes_nothing,
    async |world| {
        let replica = Replica::start(world).await;
        let text = DIVISIONS.replacen("340302001001,340302001000,village", "340302001001,340302001000,hamlet", 1);
        let refused = divisions::import(&replica.cx, &text, Some(1_254), Mode::Write).await;
        assert!(matches!(refused, Err(ImportError::Faults(faults)) if faults.len() == 1 && faults[0].line == 5));
        let early = organizations::import(&replica.cx, ORGANIZATION_ROLES, Mode::Write).await;
        assert!(matches!(early, Err(ImportError::Faults(_))), "organizations need divisions");
        assert_eq!(onedoor::store::division::count(&replica.cx.database).await.unwrap(), 0);
        assert!(!epoch::read_all(&replica.cx.database).await.unwrap().contains_key("divisions"));
        replica.stop().await;
    }
);

story!(
    /// An organization keeps its key when it is renamed; its old name stays in the history.
    a_renamed_organization_is_the_same_one,
    async |world| {
        let replica = Replica::start(world).await;
        let code = "BB-HUD";
        let old = replica.cx.directories.current().organization_by_code(code).unwrap().clone();
        let text = AGENCIES.replacen("市住建委", "市住房和城乡建设局", 1);
        let report = organizations::import(&replica.cx, &text, Mode::Write).await.unwrap();
        assert_eq!((report.counts.changed, report.counts.added), (1, 0));
        let new = replica.cx.directories.current().organization_by_code(code).unwrap().clone();
        assert_eq!((new.id, new.name_zh.as_str()), (old.id, "市住房和城乡建设局"));
        let other = world.database().await;
        let sql = "select count(*) from organization_name where name_zh = '市住建委' and valid_to is not null";
        let backend = sea_orm::ConnectionTrait::get_database_backend(&other);
        let statement = Statement::from_string(backend, sql);
        let row = sea_orm::ConnectionTrait::query_one_raw(&other, statement).await.unwrap().unwrap();
        assert_eq!(row.try_get_by_index::<i64>(0).unwrap(), 1);
        other.close().await.unwrap();
        replica.stop().await;
    }
);

story!(
    /// Two replicas that start on one empty database end with one copy of everything.
    empty replicas_that_load_at_once_load_once,
    async |world| {
        let (one, two) = (Replica::start(world).await, Replica::start(world).await);
        let (first, second) = futures_util::join!(
            shipped::load_if_empty(&one.cx),
            shipped::load_if_empty(&two.cx),
        );
        let added: BTreeMap<&str, usize> = [first.unwrap(), second.unwrap()]
            .into_iter()
            .flatten()
            .flat_map(|loaded| {
                [
                    ("divisions", loaded.divisions.counts.added),
                    ("organizations", loaded.organizations.counts.added),
                    ("items", loaded.catalogue.counts.added),
                ]
            })
            .fold(BTreeMap::new(), |mut sums, (name, count)| {
                *sums.entry(name).or_default() += count;
                sums
            });
        assert_eq!(added, BTreeMap::from([("divisions", 1_254), ("organizations", 5_631), ("items", 36)]));
        for replica in [one, two] {
            reference::refresh(&replica.cx).await.unwrap();
            assert_eq!(replica.cx.directories.current().size(), (1_254, 5_670));
            replica.stop().await;
        }
    }
);

async fn indexes(world: &World) -> Vec<String> {
    let database = world.database().await;
    let backend = database.get_database_backend();
    let sql = if backend == DbBackend::Postgres {
        "select conrelid::regclass || ' ' || pg_get_constraintdef(oid) from pg_constraint \
         where conrelid in ('division'::regclass, 'division_code'::regclass, 'organization'::regclass) \
         union all select indexdef from pg_indexes where tablename like 'division%' order by 1"
    } else {
        "select coalesce(sql, name) from sqlite_master where type = 'index' and tbl_name like 'division%' order by 1"
    };
    let rows = database
        .query_all_raw(Statement::from_string(backend, sql))
        .await
        .unwrap();
    database.close().await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

story!(
    /// The first edition makes its indexes when its rows are there, also of a row whose texts are empty; a newer one
    /// goes its own way. Afterwards every index and reference is what it was.
    empty an_edition_leaves_every_index_where_it_was,
    async |world| {
        let replica = Replica::start(world).await;
        let before = indexes(world).await;
        assert!(before.len() >= 6, "{before:?}");
        let one = "code,parent_code,level,name\n340300000000,340300000000,city,蚌埠市\n";
        let refused = divisions::import(&replica.cx, &one.replace("city", "hamlet"), None, Mode::Write).await;
        assert!(matches!(refused, Err(ImportError::Faults(_))));
        let dry = divisions::import(&replica.cx, one, Some(1), Mode::DryRun).await.unwrap();
        assert_eq!(dry.counts.added, 1);
        assert_eq!(indexes(world).await, before, "after a dry run");
        let first = divisions::import(&replica.cx, one, Some(1), Mode::Write).await.unwrap();
        assert_eq!(first.counts.added, 1);
        assert_eq!(indexes(world).await, before, "after the first edition");
        let second = divisions::import(&replica.cx, DIVISIONS, Some(1_254), Mode::Write).await.unwrap();
        assert_eq!((second.counts.added, second.counts.changed), (1_253, 1));
        assert_eq!(indexes(world).await, before, "after the second");
        reference::refresh(&replica.cx).await.unwrap();
        let directory = replica.cx.directories.current();
        let village = directory.division_by_code("340302001001").unwrap();
        let above: Vec<&str> = directory.ancestors(village.id).iter().map(|one| one.code.as_str()).collect();
        assert_eq!(above, ["340302001000", "340302000000", "340300000000"]);
        replica.stop().await;
    }
);
