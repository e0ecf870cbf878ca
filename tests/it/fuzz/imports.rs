//! Tables to import: no file panics, every fault names a line of it, and a rehearsal writes nothing.

use onedoor::service::Services;
use onedoor::service::import::{ImportError, Mode, admissions, calendar, divisions, organizations};
use onedoor::service::reference;
use onedoor::store::database::{Database, DatabaseSettings};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;

use super::near::{near, tries};
use crate::harness::template::{Ground, services};
use crate::harness::world::{World, WorldKind};

const GOOD: &[&str] = &[
    "date,kind,name,status,source\n2026-01-01,off,元旦,official,https://www.gov.cn\n2026-01-04,work,元旦,official,\n",
    "number,list,item_code,division_code,approver,funds_note,valid_from,valid_to\nSAMPLE-OWN-01,OWN_DUTY,mediation,,示例,,2026-01-01,2026-12-31\n",
    "code,parent_code,level,name,kind,setting,counted,ur_class,mca_code,note\n340300000000,,city,蚌埠市,prefecture_city,,1,,340300000000,\n340302000000,340300000000,county,龙子湖区,district,,1,,340302000000,\n",
    "role,level,kind,name_template_zh,name_en,annex_agency\nvillage.station,village,STATION,{division}站,Station,\n",
    "\u{feff}date,kind,name,status\r\n2026-02-30,off,\"a\"\"b\",official\r\n\"2026-03-01",
    "{\"year\":2026,\"days\":[{\"name\":\"元旦\",\"date\":\"2026-01-01\",\"isOffDay\":true}]}",
];

async fn rehearse(cx: &Services, table: &str, text: &str) -> Result<String, ImportError> {
    let report = match table {
        "calendar" => match calendar::whole(cx, text).await {
            Ok(days) => calendar::import_days(cx, &days, Mode::DryRun).await,
            Err(fault) => Err(fault),
        },
        "admissions" => admissions::import(cx, text, Mode::DryRun).await,
        "divisions" => divisions::import(cx, text, None, Mode::DryRun).await,
        _ => organizations::import(cx, text, Mode::DryRun).await,
    };
    report.map(|report| report.to_string())
}

#[test]
fn no_table_panics_and_every_fault_has_its_line() {
    actix_web::rt::System::new().block_on(async {
        let world = World::open(WorldKind::Sqlite, Ground::Loaded).await;
        let settings = DatabaseSettings::of(&world.config(&[]));
        let cx = services(Database::connect(&settings, None).await.unwrap());
        reference::refresh(&cx).await.unwrap();
        let before = std::fs::read(world.folder().join("onedoor.db")).ok();
        let mut runner = proptest::test_runner::TestRunner::new(tries(150, "tests/fuzz/imports.txt"));
        let texts = (
            select(&["calendar", "admissions", "divisions", "organizations"][..]),
            near(GOOD),
        );
        for _ in 0..runner.config().cases {
            let (table, text): (&str, String) = texts.new_tree(&mut runner).unwrap().current();
            // a panic ends the test and shows the text
            let shown = format!("{table}: {text:?}");
            let told = rehearse(&cx, table, &text).await;
            if let Err(ImportError::Faults(faults)) = told {
                let lines = u64::try_from(text.lines().count()).unwrap();
                assert!(!faults.is_empty(), "{shown}");
                for fault in &faults {
                    assert!(fault.line <= lines + 1, "{shown}: {fault}");
                    assert!(!fault.zh.is_empty() && !fault.en.is_empty(), "{shown}");
                }
            }
        }
        let after = std::fs::read(world.folder().join("onedoor.db")).ok();
        assert!(before == after, "a rehearsal wrote something");
        cx.database.close().await.unwrap();
        world.close().await;
    });
}
