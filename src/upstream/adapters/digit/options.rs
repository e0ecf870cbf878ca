//! The options of a DIGIT system.

use std::collections::{BTreeMap, BTreeSet};

use super::Module;
use super::states::States;
use crate::upstream::adapters::template::profiling::Profiling;
use crate::upstream::config::section::Section;

/// The longest identifier, code and action, characters.
const CODE_MAX: usize = 128;
/// The most entries of one table.
const ENTRIES_MAX: usize = 2_000;
/// Codes of a 400 that speak of our tables and not of the case.
const CONFIG_ERRORS: &[&str] = &["INVALID_SERVICECODE", "INVALID_SOURCE", "INVALID_TENANT"];
/// Stands for every code that has no entry of its own.
const ANY: &str = "*";

/// Everything configured about one service of one platform.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) module: Module,
    /// What of ours calls, and its version: the beginning of `RequestInfo`.
    pub(super) api: (String, String),
    tenant: String,
    tenants: BTreeMap<String, String>,
    /// Of TL and of bare workflows.
    pub(super) business_service: String,
    /// Of bare workflows.
    pub(super) module_name: String,
    /// Of PGR: by which way a complaint came.
    pub(super) source: String,
    service_codes: BTreeMap<String, String>,
    localities: BTreeMap<String, String>,
    pub(super) actions: Actions,
    pub(super) states: States,
    /// Path into their record → property of our form.
    pub(super) fields: BTreeMap<String, String>,
    /// Path into their record → the value that always stands there.
    pub(super) constants: BTreeMap<String, String>,
    pub(super) config_errors: BTreeSet<String>,
    pub(super) search_days: u64,
    pub(super) search_limit: usize,
}

/// What moves a record along, by operation; none: the operation is not offered.
#[derive(Debug)]
pub(super) struct Actions {
    pub(super) submit: String,
    pub(super) transition: Option<String>,
    pub(super) supplement: Option<String>,
    pub(super) withdraw: Option<String>,
}

impl Options {
    /// Reads every option even after a fault; `None` only after one.
    pub(super) fn read(section: &mut Section) -> Option<Self> {
        let module = section
            .required("module")
            .and_then(|text| section.choice::<Module>("module", &text));
        let tenant = section.text("tenant_id", CODE_MAX);
        let tenants = table(section, "tenants");
        let api_id = or_default(section, "api_id", "onedoor");
        let version = or_default(section, "ver", "1.0");
        let search_days = section.number("search_days", 90, 1..=731);
        let search_limit = section.number("search_limit", 100, 1..=1_000);
        let mut config_errors: BTreeSet<String> = section.texts("config_errors").into_iter().collect();
        config_errors.extend(CONFIG_ERRORS.iter().map(|&code| code.to_owned()));
        // what else there is depends on the module
        let module = module?;
        let business_service = match module {
            Module::Pgr => Some(String::new()),
            Module::Tl => Some(or_default(section, "business_service", "TL")),
            Module::Workflow => section.text("business_service", CODE_MAX),
        };
        let module_name = match module {
            Module::Pgr | Module::Tl => Some(String::new()),
            Module::Workflow => section.text("module_name", 64),
        };
        let source = match module {
            Module::Pgr => or_default(section, "source", "web"),
            Module::Tl | Module::Workflow => String::new(),
        };
        let records = module != Module::Workflow;
        let mut tables = |key: &str| {
            if records {
                table(section, key)
            } else {
                BTreeMap::new()
            }
        };
        let (service_codes, localities) = (tables("service_codes"), tables("localities"));
        let (fields, constants) = (tables("fields"), tables("constants"));
        if records && service_codes.is_empty() {
            section.fault(
                "service_codes",
                "is missing: name their code for each item, or one for all as \"*\" 缺少事项与服务代码对照",
            );
        }
        check_paths(section, &fields, &constants);
        let actions = section.section("actions", |section| Actions::read(section, module));
        let states = States::read(section, module);
        Some(Self {
            module,
            api: (api_id, version),
            tenant: tenant?,
            tenants,
            business_service: business_service?,
            module_name: module_name?,
            source,
            service_codes,
            localities,
            actions: actions?,
            states,
            fields,
            constants,
            config_errors,
            search_days,
            search_limit: usize::try_from(search_limit).unwrap_or(usize::MAX),
        })
    }

    /// The tenant of a division.
    pub(super) fn tenant(&self, division: &str) -> &str {
        self.tenants.get(division).unwrap_or(&self.tenant)
    }

    /// All tenants, the one for all other divisions first.
    pub(super) fn tenants(&self) -> Vec<&str> {
        let named: BTreeSet<&str> = self.tenants.values().map(String::as_str).collect();
        let others = named.into_iter().filter(|tenant| *tenant != self.tenant);
        std::iter::once(self.tenant.as_str()).chain(others).collect()
    }

    /// Their code for an item: the kind of complaint, the type of trade.
    pub(super) fn service_code(&self, item: &str) -> Option<&str> {
        let codes = &self.service_codes;
        codes.get(item).or_else(|| codes.get(ANY)).map(String::as_str)
    }

    /// Their code for a division within a tenant; ours where the table has none.
    pub(super) fn locality<'a>(&'a self, division: &'a str) -> &'a str {
        let codes = &self.localities;
        codes
            .get(division)
            .or_else(|| codes.get(ANY))
            .map_or(division, String::as_str)
    }
}

impl Actions {
    fn read(section: &mut Section, module: Module) -> Option<Self> {
        let default = |submit, transition, supplement| (Some(submit), transition, supplement);
        let (submit, transition, supplement) = match module {
            Module::Pgr => default("APPLY", Some("REOPEN"), None),
            Module::Tl => default("APPLY", None, Some("FORWARD")),
            Module::Workflow => (None, None, None),
        };
        let mut read = |key: &str, default: Option<&str>| {
            let action = section.optional(key).or_else(|| default.map(str::to_owned));
            // an empty one takes a default back
            action.filter(|action| !action.trim().is_empty())
        };
        let (submit, transition, supplement) = (
            read("submit", submit),
            read("transition", transition),
            read("supplement", supplement),
        );
        let withdraw = read("withdraw", None);
        if submit.is_none() {
            section.fault("submit", "is missing 缺少该项");
        }
        for (key, action) in [
            ("submit", &submit),
            ("transition", &transition),
            ("supplement", &supplement),
            ("withdraw", &withdraw),
        ] {
            if action.as_ref().is_some_and(|action| action.chars().count() > CODE_MAX) {
                section.fault(key, format_args!("must be at most {CODE_MAX} characters 过长"));
            }
        }
        Some(Self {
            submit: submit?,
            transition,
            supplement,
            withdraw,
        })
    }
}

fn or_default(section: &mut Section, key: &str, default: &str) -> String {
    if section.has(key) {
        section.text(key, CODE_MAX).unwrap_or_default()
    } else {
        default.to_owned()
    }
}

fn table(section: &mut Section, key: &str) -> BTreeMap<String, String> {
    let table = section.text_table(key);
    if table.len() > ENTRIES_MAX {
        section.fault(key, format_args!("must have at most {ENTRIES_MAX} entries 条目过多"));
    }
    for (name, value) in &table {
        if value.trim().is_empty() {
            section.fault(&format!("{key}.{name}"), "must not be empty 不能为空");
        }
    }
    table
}

/// Paths lead into the record, and fields that profile people go nowhere.
fn check_paths(
    section: &mut Section,
    fields: &BTreeMap<String, String>,
    constants: &BTreeMap<String, String>,
) {
    let tables = [("fields", fields), ("constants", constants)];
    for (key, path) in tables.iter().flat_map(|(key, table)| table.keys().map(move |path| (key, path))) {
        if path.split('.').any(|member| member.trim().is_empty()) {
            section.fault(key, format_args!("{path} is no path of members joined by dots 须为以点连接的成员路径"));
        }
        if path.split('.').any(|member| member == "additionalDetail") {
            section.fault(key, format_args!("{path} leads into additionalDetail, which is ours 该位置由网关使用"));
        }
    }
    let profiling = Profiling::default();
    for (path, field) in fields {
        if profiling.covers(field) {
            section.fault(
                "fields",
                format_args!("{path} would send {field}, which profiles people 涉及个人画像，不得外传"),
            );
        }
    }
}
