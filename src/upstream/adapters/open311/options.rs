//! `[options]` of a GeoReport server, read whole: every fault is told at once.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::statuses::Statuses;
use crate::upstream::adapters::template::document::Format;
use crate::upstream::adapters::template::profiling::Profiling;
use crate::upstream::config::section::Section;

/// Stands for every item without an entry of its own.
const ANY: &str = "*";
/// The longest code, status and jurisdiction, characters.
const CODE_MAX: usize = 200;
/// The most entries of one table.
const ENTRIES_MAX: usize = 500;
/// Requests and updates that one answer holds at most (GeoReport v2, "Response Volume").
const PAGE_MAX: u64 = 1_000;
/// What an update of ours says of the state of a request that goes on.
const OPEN: &str = "OPEN";

/// What is configured about a server.
#[derive(Debug)]
pub(super) struct Options {
    /// The format of answers.
    pub(super) syntax: Syntax,
    /// Which city is meant, where a server serves several.
    pub(super) jurisdiction: Option<String>,
    services: BTreeMap<String, String>,
    /// Where the place of an event stands in the form.
    pub(super) location: Location,
    /// Where the words of an event stand in the form; `None`: the name of the item.
    pub(super) description: Option<FormPath>,
    /// Attributes of the service definition, and where their values stand in the form.
    pub(super) attributes: Vec<(String, FormPath)>,
    /// The attribute that carries our number.
    pub(super) reference_attribute: Option<String>,
    /// Whether the server learns who reports; `None`: it does not.
    pub(super) person: Option<Person>,
    /// What our updates say; `None`: the server has no updates.
    pub(super) updates: Option<Sayings>,
    /// Their states.
    pub(super) statuses: Statuses,
    /// The most entries of one list.
    pub(super) page_max: usize,
}

/// The format of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Syntax {
    /// JSON.
    Json,
    /// XML, which every server must speak.
    Xml,
}

/// A member of the form: names joined by dots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FormPath(Vec<String>);

/// Where the place of an event stands in the form.
#[derive(Debug, Default)]
pub(super) struct Location {
    pub(super) lat: Option<FormPath>,
    pub(super) long: Option<FormPath>,
    pub(super) address: Option<FormPath>,
    pub(super) address_id: Option<FormPath>,
}

/// What the server learns of whoever reports, beside name and telephone.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) email: Option<FormPath>,
}

/// What our updates say of the state of a request.
#[derive(Debug)]
pub(super) struct Sayings {
    pub(super) transition: String,
    pub(super) supplement: String,
    /// `None`: the server cannot be told to stop.
    pub(super) withdraw: Option<String>,
}

impl Syntax {
    /// Behind the dot of a resource.
    pub(super) const fn suffix(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Xml => "xml",
        }
    }

    /// The document of a text; `None` when it is not in this format.
    pub(super) fn read(self, text: &str) -> Option<Value> {
        let format = match self {
            Self::Json => Format::Json,
            Self::Xml => Format::Xml,
        };
        format.read(text).ok()
    }
}

impl FormPath {
    /// The value in a form; `None` when it is not there.
    pub(super) fn of<'a>(&self, form: &'a Map<String, Value>) -> Option<&'a Value> {
        let (first, rest) = self.0.split_first()?;
        rest.iter()
            .try_fold(form.get(first)?, |value, member| value.get(member))
    }

    fn read(section: &mut Section, key: &str) -> Option<Self> {
        let text = section.optional(key)?;
        Self::parse(section, key, &text)
    }

    fn parse(section: &mut Section, key: &str, text: &str) -> Option<Self> {
        let members: Vec<String> = text.split('.').map(|member| member.trim().to_owned()).collect();
        if members.iter().any(String::is_empty) {
            section.fault(
                key,
                "must name a field of the form, inner ones joined by dots 须为表单字段名，内层以点连接",
            );
            return None;
        }
        let profiling = Profiling::default();
        if let Some(named) = members.iter().find(|member| profiling.covers(member)) {
            section.fault(
                key,
                format_args!("{named} profiles people and never leaves this gateway 画像类字段不得外传"),
            );
            return None;
        }
        Some(Self(members))
    }
}

impl Options {
    /// Reads all options; `None` only after a fault.
    pub(super) fn read(section: &mut Section) -> Option<Self> {
        let syntax = read_syntax(section);
        let jurisdiction = section
            .has("jurisdiction")
            .then(|| section.text("jurisdiction", CODE_MAX))
            .flatten();
        let services = read_services(section);
        let location = section.section("location", read_location);
        let description = FormPath::read(section, "description");
        let attributes = section.section("attributes", read_attributes);
        let reference_attribute = section.optional("reference_attribute");
        if let Some(code) = &reference_attribute
            && !is_code(code)
        {
            section.fault("reference_attribute", NO_CODE);
        }
        let person = read_person(section);
        let updates = read_updates(section);
        let statuses = section.section("statuses", Statuses::read);
        let page_max = section.number("page_max", PAGE_MAX, 10..=PAGE_MAX);
        Some(Self {
            syntax: syntax?,
            jurisdiction,
            services: services?,
            location,
            description,
            attributes,
            reference_attribute,
            person,
            updates,
            statuses,
            page_max: usize::try_from(page_max).unwrap_or(usize::MAX),
        })
    }

    /// The server's code of an item: its own entry, else the one for all others; never guessed.
    pub(super) fn service(&self, item_code: &str) -> Option<&str> {
        self.services
            .get(item_code)
            .or_else(|| self.services.get(ANY))
            .map(String::as_str)
    }
}

const NO_CODE: &str = "must be a short code without brackets and blanks 须为不含括号与空白的代码";

fn is_code(code: &str) -> bool {
    let plain = |letter: char| !letter.is_control() && !letter.is_whitespace() && !"[]".contains(letter);
    !code.is_empty() && code.chars().count() <= CODE_MAX && code.chars().all(plain)
}

fn read_syntax(section: &mut Section) -> Option<Syntax> {
    match section.optional("format").as_deref() {
        None | Some("json") => Some(Syntax::Json),
        Some("xml") => Some(Syntax::Xml),
        Some(_) => {
            section.fault("format", "must be json or xml 须为 json 或 xml");
            None
        }
    }
}

fn read_services(section: &mut Section) -> Option<BTreeMap<String, String>> {
    let services = section.text_table("services");
    if services.is_empty() {
        section.fault(
            "services",
            "is missing: name their service_code for each code of an item, or one for \"*\" 缺少事项与服务代码的对照表",
        );
        return None;
    }
    if services.len() > ENTRIES_MAX {
        section.fault(
            "services",
            format_args!("must have at most {ENTRIES_MAX} entries 条目过多"),
        );
    }
    for (item, code) in &services {
        if !is_code(code) {
            section.fault(&format!("services.{item}"), NO_CODE);
        }
    }
    Some(services)
}

fn read_location(section: &mut Section) -> Location {
    let location = Location {
        lat: FormPath::read(section, "lat"),
        long: FormPath::read(section, "long"),
        address: FormPath::read(section, "address"),
        address_id: FormPath::read(section, "address_id"),
    };
    if location.lat.is_some() != location.long.is_some() {
        section.fault("lat", "lat and long go together 经纬度须同时给出");
    }
    location
}

fn read_attributes(section: &mut Section) -> Vec<(String, FormPath)> {
    let codes = section.keys();
    if codes.len() > ENTRIES_MAX {
        section.fault(
            "",
            format_args!("must have at most {ENTRIES_MAX} entries 条目过多"),
        );
    }
    let mut attributes = Vec::new();
    for code in codes {
        if !is_code(&code) {
            section.fault(&code, NO_CODE);
        }
        if let Some(path) = FormPath::read(section, &code) {
            attributes.push((code, path));
        }
    }
    attributes
}

fn read_person(section: &mut Section) -> Option<Person> {
    let sent = section.flag("send_person", false);
    let email = FormPath::read(section, "email");
    if email.is_some() && !sent {
        section.fault(
            "email",
            "is sent only with send_person = true 仅在 send_person = true 时发送",
        );
    }
    sent.then_some(Person { email })
}

fn read_updates(section: &mut Section) -> Option<Sayings> {
    let is_on = section.flag("updates", false);
    if section.has("update_status") && !is_on {
        section.fault(
            "update_status",
            "needs updates = true: without updates nothing can be said of a request 须先开启 updates",
        );
    }
    let sayings = section.section("update_status", |section| {
        let mut word = |key: &str| {
            let word = section.optional(key)?;
            if !is_code(&word) {
                section.fault(key, NO_CODE);
            }
            Some(word)
        };
        Sayings {
            transition: word("transition").unwrap_or_else(|| OPEN.to_owned()),
            supplement: word("supplement").unwrap_or_else(|| OPEN.to_owned()),
            withdraw: word("withdraw"),
        }
    });
    is_on.then_some(sayings)
}
