//! The admission lists (准入) come in by the command line: whole or not at all, and counted.

use serde_json::json;

use super::kit::County;
use crate::harness::process::onedoor;
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, eventually};
use crate::harness::world::World;

/// The lists as they ship for a demonstration.
const SAMPLE: &str = include_str!("../../../data/admissions.csv");

/// Runs `onedoor import admissions`; whether it was done, stdout and stderr.
fn imported(world: &World, lists: &str, more: &[&str]) -> (bool, String, String) {
    let path = world.folder().join("admissions.csv");
    std::fs::write(&path, lists).unwrap();
    let mut arguments = vec!["import", "admissions", path.to_str().unwrap(), "--demo"];
    arguments.extend_from_slice(more);
    let (status, stdout, stderr) = onedoor(&arguments, &world.settings());
    (status.success(), stdout, stderr)
}

story!(
    the_command_line_imports_the_lists_tells_what_changed_and_the_gateway_follows,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let document = "{ serviceItem(by: { code: \"pension-enroll\" }) { admissions { number } } }";
        let listed = async || {
            let data = app.anybody().data(document, json!({})).await;
            data["serviceItem"]["admissions"].as_array().unwrap().len()
        };
        let (done, dry, stderr) = imported(world, SAMPLE, &["--dry-run"]);
        assert!(done, "{stderr}");
        assert!(dry.contains('6'), "{dry}");
        assert_eq!(listed().await, 0, "a dry run changes nothing");
        let (done, told, stderr) = imported(world, SAMPLE, &[]);
        assert!(done, "{stderr}");
        assert!(told.contains('6'), "{told}");
        eventually("the running gateway has the lists", PATIENCE, async || {
            (listed().await == 1).then_some(())
        })
        .await;
        let faulty = SAMPLE.replace("pension-enroll", "no-such-item");
        let (done, stdout, stderr) = imported(world, &faulty, &[]);
        assert!(!done && stdout.is_empty(), "{stdout}");
        assert!(
            stderr.contains("line 4") && stderr.contains("no-such-item"),
            "where and why: {stderr}"
        );
        assert_eq!(listed().await, 1, "refused whole");
        let shorter: Vec<&str> = SAMPLE
            .lines()
            .filter(|line| !line.contains("pension-enroll"))
            .collect();
        let (done, _, stderr) = imported(world, &shorter.join("\n"), &[]);
        assert!(done, "{stderr}");
        eventually("what the file no longer has is taken out", PATIENCE, async || {
            (listed().await == 0).then_some(())
        })
        .await;
        app.stop(world).await;
    }
);
