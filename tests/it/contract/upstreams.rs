//! docs/upstreams.md tells every field a template sees and every option of a description, and no other.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use onedoor::config::fault::Origin;
use onedoor::upstream::adapters::PROTOCOLS;
use onedoor::upstream::command::Operation;
use onedoor::upstream::config::UpstreamConfig;
use onedoor::upstream::config::section::Section;
use onedoor::upstream::metrics::UpstreamMetrics;
use onedoor::upstream::registry::Registry;
use onedoor::upstream::sample::{self, Fullness};
use serde_json::Value;

use super::source::{assert_none, file};
use crate::upstreams::fixture::{clock, described_secret};

/// Codes at the head of the rows of all tables.
fn rows(page: &str) -> BTreeSet<String> {
    page.lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(head, _)| head.to_owned())
        .collect()
}

fn paths(value: &Value, at: &str, into: &mut BTreeSet<String>) {
    match value {
        // the item's own schema says what stands in a form
        _ if at == "case.form" => {
            into.insert(at.to_owned());
        }
        Value::Object(members) => {
            for (name, member) in members {
                paths(member, &format!("{at}.{name}"), into);
            }
        }
        Value::Array(list) => paths(&list[0], &format!("{at}[]"), into),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            into.insert(at.to_owned());
        }
    }
}

#[test]
fn the_page_tells_every_field_of_the_case_that_a_template_sees() {
    let rows = rows(&file("docs/upstreams.md"));
    let mut seen = BTreeSet::new();
    for operation in [Operation::Supplement, Operation::Withdraw] {
        let command = sample::command(operation, sample::case(Fullness::Full, sample::form()));
        let mut view = serde_json::to_value(&command.case).unwrap();
        let filled = view.as_object_mut().unwrap();
        filled.retain(|name, value| {
            !(value.is_null() && ["supplement", "withdrawal"].contains(&name.as_str()))
        });
        paths(&view, "case", &mut seen);
    }
    let told: BTreeSet<String> = rows.into_iter().filter(|row| row.starts_with("case.")).collect();
    let differing: Vec<String> = seen.symmetric_difference(&told).cloned().collect();
    assert_none(&differing, "fields that only the page or only the case view has");
}

/// Every table of a described system, each with an option that does not exist.
const UNKNOWN_IN_TEMPLATE: &str = r#"
    zzz = 1
    [sample]
    zzz = 1
    [read]
    zzz = 1
    success = { zzz = 1 }
    [operations.submit]
    zzz = 1
    path = "/"
    absent = { zzz = 1 }
    [notice]
    zzz = 1
    [operations.zzz]
"#;
/// The same of a GeoReport server.
const UNKNOWN_IN_OPEN311: &str = r#"
    zzz = 1
    [location]
    zzz = 1
    [update_status]
    zzz = 1
"#;

#[test]
fn the_page_tells_every_option_of_a_description() {
    let page = file("docs/upstreams.md");
    let mut options = options_of("template", UNKNOWN_IN_TEMPLATE);
    assert!(options.len() > 45, "{options:?}");
    let open311 = options_of("open311", UNKNOWN_IN_OPEN311);
    assert!(open311.len() > 15, "{open311:?}");
    options.extend(open311);
    let missing: Vec<String> = options
        .into_iter()
        .filter(|option| !page.contains(&format!("`{option}`")))
        .collect();
    assert_none(&missing, "options that docs/upstreams.md does not tell");
}

/// The same of the protocols that need less to be described: each of their tables with an option that does not exist.
const UNKNOWN_ELSEWHERE: &[(&str, &str, usize)] = &[
    ("x-road", "zzz = 1\ninner = \"county-rest\"", 6),
    (
        "digit",
        "zzz = 1\nmodule = \"pgr\"\ntenant_id = \"x\"\n[actions]\nzzz = \"x\"",
        18,
    ),
    ("digit", "zzz = 1\nmodule = \"tl\"\ntenant_id = \"x\"", 13),
    ("digit", "zzz = 1\nmodule = \"workflow\"\ntenant_id = \"x\"", 11),
];

#[test]
fn the_page_tells_every_option_of_the_other_protocols_in_a_table() {
    let rows = cells(&file("docs/upstreams.md"));
    for (kind, described, least) in UNKNOWN_ELSEWHERE {
        let options = options_of(kind, described);
        assert!(options.len() >= *least, "{kind}: {options:?}");
        let missing: Vec<String> = options.difference(&rows).cloned().collect();
        assert_none(
            &missing,
            &format!("options of {kind} that docs/upstreams.md does not tell"),
        );
    }
}

/// Codes in the first cell of the rows of all tables.
fn cells(page: &str) -> BTreeSet<String> {
    let first = page
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    first
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect()
}

/// The options of a protocol that a faulty description brings to light.
fn options_of(kind: &str, described: &str) -> BTreeSet<String> {
    let protocol = PROTOCOLS.iter().find(|protocol| protocol.kind == kind).unwrap();
    let mut section = Section::new(String::new(), Origin::Default, described.parse().unwrap());
    let _faulty = (protocol.build)(&mut section);
    let mut options = BTreeSet::new();
    for fault in section
        .finish()
        .iter()
        .filter(|fault| fault.path.ends_with("zzz"))
    {
        let (_, known) = fault.reason.split_once("write one of: ").unwrap();
        let (known, _) = known
            .split_once(' ')
            .map_or((known, ""), |_| known.rsplit_once(' ').unwrap());
        options.extend(known.split(", ").map(str::to_owned));
    }
    options
}

/// Every description that is shipped, those of subfolders too.
fn shipped(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found = Vec::new();
    for path in entries {
        if path.is_dir() {
            found.extend(shipped(&path));
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Builds systems as a start would, with made-up secrets; tells every fault.
fn faults_of(configs: Vec<UpstreamConfig>) -> Vec<String> {
    let metrics = UpstreamMetrics::register(&prometheus::Registry::new()).unwrap();
    match Registry::build(configs, &described_secret, &metrics, &clock()) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.0.iter().map(|fault| format!("{fault:?}")).collect(),
    }
}

#[test]
fn every_shipped_description_is_sound() {
    let files = shipped(Path::new("config/upstreams"));
    for folder in ["presets", "city"] {
        let inside = |path: &PathBuf| path.parent().is_some_and(|parent| parent.ends_with(folder));
        assert!(files.iter().any(inside), "{folder}");
    }
    let mut faults = Vec::new();
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let found = match UpstreamConfig::parse(&text, &Origin::File(path)) {
            Ok(config) => faults_of(vec![config]),
            Err(found) => found.iter().map(|fault| format!("{fault:?}")).collect(),
        };
        faults.extend(found);
    }
    assert_none(&faults, "faults of shipped descriptions");
}

#[test]
fn the_systems_that_the_sandbox_plays_stand_side_by_side() {
    let mut configs = UpstreamConfig::city("http://127.0.0.1:1").unwrap();
    configs.push(UpstreamConfig::sandbox("http://127.0.0.1:1").unwrap());
    let compiled: BTreeSet<String> = configs
        .iter()
        .map(|config| format!("{}.toml", config.name))
        .collect();
    let files = shipped(Path::new("config/upstreams/city"));
    let missing: Vec<String> = files
        .iter()
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .filter(|name| !compiled.contains(name))
        .collect();
    assert_none(&missing, "descriptions that the demonstration leaves out");
    assert_none(
        &faults_of(configs),
        "faults of the demonstration's systems together",
    );
}

#[test]
fn the_page_tells_every_preset_and_every_system_of_the_city() {
    let page = file("docs/upstreams.md");
    let mut missing = Vec::new();
    for folder in ["presets", "city"] {
        for path in shipped(&Path::new("config/upstreams").join(folder)) {
            let link = format!("../{}", path.display());
            missing.extend((!page.contains(&link)).then_some(link));
        }
    }
    assert_none(&missing, "descriptions that docs/upstreams.md does not tell");
}
