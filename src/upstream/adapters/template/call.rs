//! One operation of a described system: its request as templates, and how its answer is read.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use minijinja::Value;

use super::charset::{Charset, Fallback};
use super::document::Format;
use super::engine::{Engine, Escape, TemplateRef};
use super::paths::Paths;
use super::placement::misplaced;
use super::reading::{Reading, statuses};
use crate::upstream::adapter::EncodeError;
use crate::upstream::config::section::Section;
use crate::upstream::wire::{Method, WireRequest};

/// The most segments of a path, parameters, headers and form fields.
const PARTS_MAX: usize = 200;
/// Headers that are the driver's or the connection's alone.
const OWN_HEADERS: &[&str] = &[
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "host",
    "idempotency-key",
    "proxy-authorization",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What operations have in common.
pub(super) struct Defaults<'a> {
    pub(super) charset: Charset,
    pub(super) read: &'a toml::Table,
    pub(super) reading: &'a Reading,
}

/// One operation.
#[derive(Debug)]
pub(super) struct Call {
    method: Method,
    path: Vec<TemplateRef>,
    query: Vec<(String, TemplateRef)>,
    headers: Vec<(String, TemplateRef)>,
    body: Body,
    content_type: Option<String>,
    charset: Charset,
    omit_empty: bool,
    pub(super) awaits_callback: bool,
    pub(super) reading: Reading,
    pub(super) listing: Listing,
    pub(super) absent_status: BTreeSet<u16>,
    absent_path: Paths,
    absent_is: BTreeSet<String>,
}

/// Where the entries of a list stand, and how it goes on.
#[derive(Debug, Clone, Default)]
pub(super) struct Listing {
    pub(super) entries: Paths,
    pub(super) next_cursor: Paths,
    pub(super) more: Paths,
}

#[derive(Debug)]
enum Body {
    None,
    Text(Escape, TemplateRef),
    Form(Vec<(String, TemplateRef)>),
    /// The content of an attachment as it is.
    Content,
}

impl Call {
    /// Reads an operation and compiles its templates; faults are noted, and the result counts only without any.
    pub(super) fn read(section: &mut Section, engine: &mut Engine, defaults: &Defaults<'_>) -> Option<Self> {
        let method = method(section);
        let path = path(section, engine);
        let query = section.text_table("query");
        let query = compiled(section, engine, "query", query);
        let headers = headers(section, engine);
        let body = body(section, engine);
        let content_type = section.optional("content_type");
        let charset = section.optional("charset").map_or(Some(defaults.charset), |name| {
            let charset = Charset::parse(&name);
            if charset.is_none() {
                section.fault("charset", "must be utf-8, gbk or gb18030 字符集不支持");
            }
            charset
        });
        let omit_empty = section.flag("omit_empty", true);
        let awaits_callback = section.flag("awaits_callback", false);
        let reading = match section.table("read") {
            Some(own) => {
                let mut merged = defaults.read.clone();
                merged.extend(own);
                section.within("read", merged, |read| Reading::read(read, defaults.charset))
            }
            None => defaults.reading.clone(),
        };
        let listing = Listing::read(section);
        let absent_status = statuses(section, "absent_status");
        let (absent_path, absent_is) = section.section("absent", |absent| {
            let found = (Paths::read(absent, "path"), absent.text_or_texts("is"));
            if found.0.is_empty() != found.1.is_empty() {
                absent.fault("path", "path and is go together: the values at the path that mean: not here path 与 is 须同时给出");
            }
            found
        });
        Some(Self {
            method,
            path: path?,
            query,
            headers,
            body: body?,
            content_type,
            charset: charset?,
            omit_empty,
            awaits_callback,
            reading,
            listing,
            absent_status,
            absent_path,
            absent_is: absent_is.into_iter().collect(),
        })
    }

    /// Writes the request over what templates may see; `content` is the attachment's.
    ///
    /// # Errors
    /// When a template does not fit, or a character has no form in the charset.
    pub(super) fn encode(
        &self,
        engine: &Engine,
        seen: &Value,
        content: Option<&[u8]>,
    ) -> Result<WireRequest, EncodeError> {
        let mut request = WireRequest {
            method: self.method,
            segments: Vec::with_capacity(self.path.len()),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
        };
        for template in &self.path {
            let segment = engine.render(template, seen)?;
            if matches!(segment.as_str(), "" | "." | "..") {
                return Err(unfit(template, "a segment of the path is empty, . or .."));
            }
            request.segments.push(segment);
        }
        request.query = self.rendered(&self.query, engine, seen)?;
        for (name, value) in self.rendered(&self.headers, engine, seen)? {
            request.headers.push((name, value));
        }
        let (body, kind) = match &self.body {
            Body::None => return Ok(request),
            Body::Content => (content.unwrap_or_default().to_vec(), "application/octet-stream".to_owned()),
            Body::Text(escape, template) => self.text_body(*escape, template, engine, seen)?,
            Body::Form(fields) => {
                let fields = self.rendered(fields, engine, seen)?;
                let body = self.form_body(&fields)?;
                (body, format!("application/x-www-form-urlencoded; charset={}", self.charset.name()))
            }
        };
        request.body = Some(body);
        let kind = self.content_type.clone().unwrap_or(kind);
        Ok(request.header("content-type", &kind))
    }

    /// All templates of the operation.
    pub(super) fn templates(&self) -> impl Iterator<Item = &TemplateRef> {
        let body: Vec<&TemplateRef> = match &self.body {
            Body::None | Body::Content => Vec::new(),
            Body::Text(_, template) => vec![template],
            Body::Form(fields) => fields.iter().map(|(_, template)| template).collect(),
        };
        self.address().chain(body)
    }

    /// The templates of what others can see on the way: path, query and headers.
    pub(super) fn address(&self) -> impl Iterator<Item = &TemplateRef> {
        self.path
            .iter()
            .chain(self.query.iter().map(|(_, template)| template))
            .chain(self.headers.iter().map(|(_, template)| template))
    }

    /// Whether it needs the upstream's number of the case.
    pub(super) fn needs_number(&self) -> bool {
        self.templates()
            .any(|template| template.names("delivery.external_id"))
    }

    /// Whether its path or a parameter is the upstream's number of the case.
    pub(super) fn is_addressed_by_number(&self) -> bool {
        self.address()
            .any(|template| template.names("delivery.external_id"))
    }

    /// Whether a readable answer says that the case is not there.
    pub(super) fn says_absent(&self, document: &serde_json::Value) -> bool {
        self.absent_path
            .text(document)
            .is_some_and(|found| self.absent_is.contains(&found))
    }

    fn rendered(
        &self,
        parts: &[(String, TemplateRef)],
        engine: &Engine,
        seen: &Value,
    ) -> Result<Vec<(String, String)>, EncodeError> {
        let mut rendered = Vec::with_capacity(parts.len());
        for (name, template) in parts {
            let text = engine.render(template, seen)?;
            if !(self.omit_empty && text.is_empty()) {
                rendered.push((name.clone(), text));
            }
        }
        Ok(rendered)
    }

    fn text_body(
        &self,
        escape: Escape,
        template: &TemplateRef,
        engine: &Engine,
        seen: &Value,
    ) -> Result<(Vec<u8>, String), EncodeError> {
        let text = engine.render(template, seen)?;
        let (format, fallback, kind) = match escape {
            Escape::Json => (Some(Format::Json), Fallback::Json, "application/json"),
            Escape::Xml => (Some(Format::Xml), Fallback::Xml, "application/xml"),
            Escape::Plain => (None, Fallback::None, "text/plain"),
        };
        if let Some(format) = format
            && format.read(&text).is_err()
        {
            return Err(unfit(template, "its text is not whole JSON or XML"));
        }
        let body = self
            .charset
            .encode(text.trim(), fallback)
            .ok_or_else(|| unfit(template, UNWRITABLE))?;
        Ok((body, format!("{kind}; charset={}", self.charset.name())))
    }

    fn form_body(&self, fields: &[(String, String)]) -> Result<Vec<u8>, EncodeError> {
        let charset = self.charset;
        for (name, value) in fields {
            if charset.encode(value, Fallback::None).is_none() {
                return Err(EncodeError::Template {
                    part: format!("form.{name}"),
                    line: 0,
                    reason: UNWRITABLE,
                });
            }
        }
        let encode = encoder(charset);
        let text = url::form_urlencoded::Serializer::new(String::new())
            .encoding_override(Some(&encode))
            .extend_pairs(fields)
            .finish();
        Ok(text.into_bytes())
    }
}

/// For the form's own writer, which cannot fail: what has no form in the charset was refused before.
fn encoder(charset: Charset) -> impl Fn(&str) -> Cow<'_, [u8]> {
    move |text| Cow::Owned(charset.encode(text, Fallback::None).unwrap_or_default())
}

const UNWRITABLE: &str = "a character has no form in the charset";

impl Listing {
    /// Reads where entries stand.
    pub(super) fn read(section: &mut Section) -> Self {
        Self {
            entries: Paths::read(section, "entries"),
            next_cursor: Paths::read(section, "next_cursor"),
            more: Paths::read(section, "more"),
        }
    }
}

fn method(section: &mut Section) -> Method {
    match section.optional("method").as_deref() {
        None | Some("POST") => Method::Post,
        Some("GET") => Method::Get,
        Some("PUT") => Method::Put,
        Some("PATCH") => Method::Patch,
        Some("DELETE") => Method::Delete,
        Some(_) => {
            section.fault("method", "must be GET, POST, PUT, PATCH or DELETE 请求方法不支持");
            Method::Post
        }
    }
}

/// Each segment is a template of its own, so that a value never adds one.
fn path(section: &mut Section, engine: &mut Engine) -> Option<Vec<TemplateRef>> {
    let text = section.required("path")?;
    let Some(rest) = text.strip_prefix('/') else {
        section.fault(
            "path",
            "must begin with / and stand below base_url; it cannot name another host 必须以 / 开头，不能指向其他主机",
        );
        return None;
    };
    let mut segments = Vec::new();
    for (index, source) in rest.split('/').filter(|source| !source.is_empty()).enumerate() {
        let whole = source.matches("{{").count() == source.matches("}}").count()
            && source.matches("{%").count() == source.matches("%}").count();
        if !whole || index >= PARTS_MAX {
            section.fault("path", "a / stands within {{ }}, or there are too many segments 路径分段有误");
            return None;
        }
        segments.extend(compile(
            section,
            engine,
            ("path", &format!("path.{index}")),
            source.to_owned(),
            Escape::Plain,
        ));
    }
    Some(segments)
}

fn headers(section: &mut Section, engine: &mut Engine) -> Vec<(String, TemplateRef)> {
    let mut headers = BTreeMap::new();
    for (name, source) in section.text_table("headers") {
        let name = name.to_ascii_lowercase();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if name.is_empty() || !name.bytes().all(plain) || OWN_HEADERS.contains(&name.as_str()) {
            section.fault(
                &format!("headers.{name}"),
                "is no header of yours: it is not a name, or it belongs to the connection, to [auth] or to \
                 content_type 该请求头不可自行设置",
            );
        } else {
            headers.insert(name, source);
        }
    }
    compiled(section, engine, "headers", headers)
}

fn body(section: &mut Section, engine: &mut Engine) -> Option<Body> {
    let kind = section.optional("body_kind").unwrap_or_else(|| "json".to_owned());
    let escape = match kind.as_str() {
        "json" => Escape::Json,
        "xml" => Escape::Xml,
        "text" => Escape::Plain,
        "content" => return Some(Body::Content),
        _ => {
            section.fault("body_kind", "must be json, xml, text or content; a form is the table `form` 请求体类型不支持，表单请写 form 表");
            return None;
        }
    };
    match (section.has("body"), section.has("form")) {
        (true, true) => {
            section.fault("form", "a request has a body or a form, not both 请求体与表单只能选其一");
            None
        }
        (false, false) => Some(Body::None),
        (false, true) => {
            let fields = section.text_table("form");
            Some(Body::Form(compiled(section, engine, "form", fields)))
        }
        (true, false) => {
            let source = section.required("body")?;
            if let Some(wrong) = misplaced(&source, escape) {
                section.fault("body", format_args!("line {}: {}", wrong.line, wrong.reason));
                return None;
            }
            compile(section, engine, ("body", "body"), source, escape).map(|template| Body::Text(escape, template))
        }
    }
}

fn compiled(
    section: &mut Section,
    engine: &mut Engine,
    option: &str,
    sources: BTreeMap<String, String>,
) -> Vec<(String, TemplateRef)> {
    if sources.len() > PARTS_MAX {
        section.fault(option, format_args!("must have at most {PARTS_MAX} entries 条目过多"));
    }
    let mut parts = Vec::new();
    for (name, source) in sources {
        let place = format!("{option}.{name}");
        let template = compile(section, engine, (&place, &place), source, Escape::Plain);
        parts.extend(template.map(|template| (name, template)));
    }
    parts
}

/// Compiles a template of an option; `at` is the option for faults, and the name that no other template has.
fn compile(
    section: &mut Section,
    engine: &mut Engine,
    at: (&str, &str),
    source: String,
    escape: Escape,
) -> Option<TemplateRef> {
    engine
        .add(&section.place_of(at.1), source, escape)
        .map_err(|reason| section.fault(at.0, format_args!("{reason} 模板有误")))
        .ok()
}

fn unfit(template: &TemplateRef, reason: &'static str) -> EncodeError {
    EncodeError::Template {
        part: template.part.clone(),
        line: 0,
        reason,
    }
}
