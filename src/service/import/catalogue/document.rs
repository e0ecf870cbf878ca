//! The form of the catalogue's document; every item that does not parse is told with its line.

use onedoor_domain::division::Level;
use onedoor_domain::id::{ItemVersionId, ServiceItemId};
use onedoor_domain::item::{
    ApplicantKind, Basis, CaseKind, ItemType, ItemVersion, Material, MaterialForm, ProcessingType,
};
use onedoor_domain::limit::{Limit, LimitUnit};
use onedoor_domain::route::{Assignment, HandoffKind, Step, StepClock};
use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;

use super::super::fault::Faults;

/// The document: `meta` explains it to people and is passed over.
#[derive(Deserialize)]
struct Document {
    items: Vec<Spanned<Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemEntry {
    id: String,
    name_zh: String,
    name_en: String,
    item_type: ItemType,
    processing_type: ProcessingType,
    #[serde(default)]
    case_kind: CaseKind,
    applicant: ApplicantKind,
    #[serde(rename = "agency")]
    _agency: String,
    deciding_level: Level,
    statutory_limit: LimitEntry,
    promised_limit: LimitEntry,
    materials: Vec<MaterialEntry>,
    form: Value,
    handoff_chain: Vec<StepEntry>,
    #[serde(default)]
    line_agency_code: Option<String>,
    #[serde(default)]
    catalog_code: Option<String>,
    #[serde(default, rename = "note")]
    _note: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitEntry {
    value: u32,
    unit: LimitUnit,
    #[serde(default)]
    basis: Basis,
    #[serde(default, rename = "source")]
    _source: Option<String>,
    #[serde(default, rename = "note")]
    _note: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MaterialEntry {
    code: String,
    name_zh: String,
    name_en: String,
    form: MaterialForm,
    required: bool,
    #[serde(default)]
    defer_allowed: bool,
    #[serde(default)]
    from_shared_data: bool,
    #[serde(default)]
    produced_by: Option<String>,
    #[serde(default)]
    issuer: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepEntry {
    role: String,
    level: Level,
    action: String,
    unit: String,
    #[serde(default)]
    limit: Option<Limit>,
    #[serde(default)]
    at_least: Option<Limit>,
    #[serde(default)]
    clock: StepClock,
    #[serde(default)]
    accepts: bool,
    #[serde(default)]
    decides: bool,
    handoff: HandoffKind,
    #[serde(default)]
    parallel_group: Option<String>,
    #[serde(default)]
    assignment: Assignment,
    #[serde(default, rename = "note")]
    _note: Option<String>,
}

/// Reads the items that parse, each with its line.
pub(super) fn read(text: &str, faults: &mut Faults) -> Vec<(u64, ItemVersion)> {
    let document: Document = match serde_saphyr::from_str(text) {
        Ok(document) => document,
        Err(error) => {
            let line = error.location().map_or(0, |place| place.line());
            faults.add(
                line,
                format!("YAML 无法读取: {error}"),
                format!("the YAML cannot be read: {error}"),
            );
            return Vec::new();
        }
    };
    if document.items.is_empty() {
        faults.add(0, "没有任何事项", "there are no items");
    }
    let mut items = Vec::new();
    for entry in document.items {
        let line = entry.referenced.line();
        let name = entry
            .value
            .get("id")
            .and_then(Value::as_str)
            .unwrap_or("?")
            .to_owned();
        match serde_json::from_value::<ItemEntry>(entry.value) {
            Err(error) => {
                faults.add(
                    line,
                    format!("{name}: 内容不符: {error}"),
                    format!("{name}: does not fit: {error}"),
                );
            }
            Ok(entry) => {
                check_names(line, &entry, faults);
                items.push((line, item(entry)));
            }
        }
    }
    items
}

fn check_names(line: u64, entry: &ItemEntry, faults: &mut Faults) {
    let plain = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'-';
    if entry.id.is_empty() || entry.id.len() > 64 || !entry.id.bytes().all(plain) {
        faults.add(
            line,
            format!("{}: id 须为小写字母、数字和连字符", entry.id),
            format!(
                "{}: the id consists of lower-case letters, digits and hyphens",
                entry.id
            ),
        );
    }
    let decides = entry
        .handoff_chain
        .iter()
        .find(|step| step.decides)
        .map(|step| step.level);
    if decides.is_some_and(|level| level != entry.deciding_level) {
        faults.add(
            line,
            format!("{}: deciding_level 与决定步骤的层级不一致", entry.id),
            format!(
                "{}: deciding_level is not the level of the step that decides",
                entry.id
            ),
        );
    }
}

/// Key and number of the version are set when it is stored.
fn item(entry: ItemEntry) -> ItemVersion {
    let limit = |entry: &LimitEntry| Limit {
        value: entry.value,
        unit: entry.unit,
    };
    ItemVersion {
        id: ItemVersionId::named(&entry.id),
        item: ServiceItemId::named(&entry.id),
        code: entry.id,
        version: 0,
        name_zh: entry.name_zh,
        name_en: entry.name_en,
        item_type: entry.item_type,
        processing: entry.processing_type,
        case_kind: entry.case_kind,
        applicant: entry.applicant,
        statutory: limit(&entry.statutory_limit),
        promised: limit(&entry.promised_limit),
        statutory_basis: entry.statutory_limit.basis,
        promised_basis: entry.promised_limit.basis,
        catalog_code: entry.catalog_code,
        line_agency: entry.line_agency_code,
        materials: entry.materials.into_iter().map(material).collect(),
        form: entry.form,
        route: entry.handoff_chain.into_iter().map(step).collect(),
    }
}

fn material(entry: MaterialEntry) -> Material {
    Material {
        code: entry.code,
        name_zh: entry.name_zh,
        name_en: entry.name_en,
        form: entry.form,
        required: entry.required,
        defer_allowed: entry.defer_allowed,
        from_shared_data: entry.from_shared_data,
        produced_by: entry.produced_by,
        issuer: entry.issuer,
    }
}

fn step(entry: StepEntry) -> Step {
    Step {
        role: entry.role,
        level: entry.level,
        action: entry.action,
        unit: entry.unit,
        limit: entry.limit,
        at_least: entry.at_least,
        clock: entry.clock,
        accepts: entry.accepts,
        decides: entry.decides,
        handoff: entry.handoff,
        parallel_group: entry.parallel_group,
        assignment: entry.assignment,
    }
}
