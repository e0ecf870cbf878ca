//! P3: a full disk under SQLite: no receipt for what is not stored, and all is well again when there is room.

use std::cell::{Cell, RefCell};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use uuid::Uuid;

use super::county::County;
use super::desks::{Again, Desks, Journal, Request, pause};
use super::evidence::assert_repeated;
use super::postgres::ready;
use crate::harness::process::Gateway;
use crate::harness::template::Ground;
use crate::harness::wait::{PATIENCE, until};
use crate::harness::world::{World, WorldKind};

/// Mounts a small disk where only this process and its heirs see it, then becomes the gateway. Needs no rights where
/// user namespaces are allowed, and root elsewhere.
const SMALL_DISK: &str = "mount -t tmpfs -o size=48m,mode=0755 tmpfs \"$0\" && exec \"$@\"";

/// Longer than the page repeats what it found.
const LOOKED_AGAIN: Duration = Duration::from_millis(600);

#[actix_web::test]
async fn a_full_disk_gives_no_receipt_and_passes_without_a_restart() {
    let world = World::open(WorldKind::Sqlite, Ground::Empty).await;
    let disk = world.folder().join("disk");
    fs::create_dir(&disk).unwrap();
    let url = format!("sqlite://{}?mode=rwc", disk.join("onedoor.db").display());
    let county = County::open(&world, 40).await;
    let mut gateway = Gateway::prepare(&world, &county.settings_and(&[("ONEDOOR__DATABASE__URL", &url)]));
    gateway.through(&["unshare", "-rm", "sh", "-c", SMALL_DISK, disk.to_str().unwrap()]);
    gateway.start_again().await;
    let disk = seen_by(&gateway, &disk);
    let desks = Desks::at(gateway.address(), &world);
    let journal = RefCell::new(Journal::default());
    desks.carry_one(&journal).await;

    for _ in 0..2 {
        let filler = fill(&disk);
        let open = Cell::new(true);
        let refused = async {
            until(
                "the disk is too full to take an application in",
                PATIENCE,
                async || !journal.borrow().again.is_empty(),
            )
            .await;
            pause(Duration::from_millis(300)).await;
            open.set(false);
        };
        tokio::join!(desks.work(4, &journal, &open), refused);
        let codes = std::mem::take(&mut journal.borrow_mut().again);
        assert!(
            codes
                .iter()
                .all(|again| *again == Again::Code("STORE_UNAVAILABLE".to_owned())),
            "{codes:?}"
        );
        // a row may still fit, a case does not: the page says so for as long as that is so
        until("readiness is red", PATIENCE, async || {
            ready(&gateway).await == 503
        })
        .await;
        for _ in 0..3 {
            pause(LOOKED_AGAIN).await;
            assert_eq!(ready(&gateway).await, 503, "readiness stays red");
        }
        fs::remove_file(filler).unwrap();
        let done = desks
            .insist(&Request::Submit(Uuid::new_v4()), Duration::from_secs(15))
            .await;
        journal.borrow_mut().done.push(done);
        until("readiness is green", PATIENCE, async || {
            ready(&gateway).await == 200
        })
        .await;
    }
    desks.resolve(&journal, PATIENCE).await;
    let told = "has no room for a whole write set";
    assert!(
        gateway.log().matches(told).count() >= 2,
        "the operator hears of each time"
    );
    assert_repeated(&desks, &journal.borrow().done).await;
    assert!(gateway.terminate(Duration::from_secs(15)).await.success());
    world.close().await;
}

/// The gateway's disk as others reach it.
fn seen_by(gateway: &Gateway, disk: &Path) -> PathBuf {
    let root = PathBuf::from(format!("/proc/{}/root", gateway.pid()));
    root.join(disk.strip_prefix("/").unwrap())
}

/// Takes every byte that is left.
fn fill(disk: &Path) -> PathBuf {
    let path = disk.join("filler");
    let mut file = File::create(&path).unwrap();
    for size in [1 << 20, 4_096, 1] {
        let piece = vec![1_u8; size];
        while file.write_all(&piece).is_ok() {}
    }
    path
}
