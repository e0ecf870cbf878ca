//! Our own catalogue of texts about forms: which field, what to change, in 中文 and English, never the value.

use serde_json::Value;

use crate::service::form::pii::{PiiKind, property};
use crate::service::form::{FormFault, FormFaultCode};

/// Values and names listed in one message.
const LISTED_MAX: usize = 20;

/// A field of the form: where it is, what people call it, what its schema says.
pub(super) struct Field<'a> {
    path: Vec<String>,
    zh: String,
    en: String,
    schema: &'a Value,
}

impl<'a> Field<'a> {
    /// The form itself.
    pub(super) fn root(schema: &'a Value) -> Self {
        Self {
            path: vec!["form".to_owned()],
            zh: "表单".to_owned(),
            en: "The form".to_owned(),
            schema,
        }
    }

    /// The property of an object, when the form has it.
    pub(super) fn property(&self, name: &str) -> Option<Self> {
        let schema = property(self.schema, name)?;
        let (zh, en) = titles(name, schema);
        let nested = self.path.len() > 1;
        Some(Self {
            path: self.step(name),
            zh: if nested { format!("{}的{zh}", self.zh) } else { zh },
            en: if nested { format!("{}, {en}", self.en) } else { en },
            schema,
        })
    }

    /// An entry of a list, counted from 0 as in the input and named from 1 as people count.
    pub(super) fn entry(&self, index: usize) -> Option<Self> {
        let number = index.saturating_add(1);
        Some(Self {
            path: self.step(&index.to_string()),
            zh: format!("{}第 {number} 项", self.zh),
            en: format!("{} no. {number}", self.en),
            schema: self.schema.get("items")?,
        })
    }

    /// What the schema says of the field.
    pub(super) const fn schema(&self) -> &'a Value {
        self.schema
    }

    /// Where it is.
    pub(super) fn path(&self) -> &[String] {
        &self.path
    }

    fn step(&self, segment: &str) -> Vec<String> {
        self.path
            .iter()
            .cloned()
            .chain(std::iter::once(segment.to_owned()))
            .collect()
    }

    /// A fault at this field.
    pub(super) fn fault(&self, problem: &Problem) -> FormFault {
        let (code, zh, en) = problem.told(self.schema);
        FormFault {
            path: self.path.clone(),
            code,
            message_zh: format!("{}{zh}。", self.zh),
            message_en: format!("{} {en}.", self.en),
        }
    }
}

/// What can be wrong with a field.
pub(super) enum Problem {
    Required,
    Unknown { count: usize },
    WrongType,
    Pattern,
    Format,
    NotAllowed,
    ResidentId,
    CreditCode,
    UnknownDivision,
    ControlCharacter,
    Repeated,
    Outside(Bound),
    Invalid,
}

/// A bound that was passed, with its value: from the schema, or ours for the form as a whole.
pub(super) enum Bound {
    CharsMax(u64),
    CharsMin(u64),
    EntriesMax(u64),
    EntriesMin(u64),
    AtLeast(String),
    AtMost(String),
    Above(String),
    Below(String),
    FormBytes(usize),
    FormDepth(usize),
    FormValues(usize),
}

type Told = (FormFaultCode, String, String);

impl Problem {
    fn told(&self, schema: &Value) -> Told {
        use FormFaultCode as Code;
        let say = |code, zh: &str, en: &str| (code, zh.to_owned(), en.to_owned());
        match self {
            Self::Required => say(Code::Required, "不能为空，请填写", "is required; fill it in"),
            Self::Unknown { count } => unknown(*count, schema),
            Self::WrongType => wrong_type(schema),
            Self::Pattern => wrong_writing(Code::Pattern, schema),
            Self::Format => wrong_writing(Code::Format, schema),
            Self::NotAllowed => not_allowed(schema),
            Self::ResidentId => say(
                Code::Identifier,
                "不是有效的公民身份号码，请核对 18 位号码及出生日期、校验码",
                "is not a valid resident identity number; check its 18 characters, birth date and check digit",
            ),
            Self::CreditCode => say(
                Code::Identifier,
                "的校验码不符，请核对 18 位统一社会信用代码；如证照确为此号可继续办理",
                "does not pass the check of a unified social credit code; compare its 18 characters, \
                 and go on if the certificate reads so",
            ),
            Self::UnknownDivision => say(
                Code::Reference,
                "不是现行的区划代码，请从区划列表中选择",
                "is not a division code in force; choose one from the list of divisions",
            ),
            Self::ControlCharacter => say(
                Code::ControlCharacter,
                "含有不可见的控制字符，请删除后重填",
                "holds invisible control characters; remove them",
            ),
            Self::Repeated => say(
                Code::Repeated,
                "中有重复的内容，请删除重复项",
                "has repeated entries; remove them",
            ),
            Self::Outside(bound) => bound.told(),
            Self::Invalid => say(
                Code::Invalid,
                "不符合表单要求，请对照事项的表单说明修改",
                "does not meet the form's rules; compare the form of the item",
            ),
        }
    }
}

impl Bound {
    fn told(&self) -> Told {
        use FormFaultCode::{OutOfRange, TooLarge, TooLong, TooShort};
        match self {
            Self::CharsMax(n) => (
                TooLong,
                format!("不得超过 {n} 个字"),
                format!("must have at most {n} characters"),
            ),
            Self::CharsMin(n) => (
                TooShort,
                format!("不得少于 {n} 个字"),
                format!("must have at least {n} characters"),
            ),
            Self::EntriesMax(n) => (
                TooLong,
                format!("不得超过 {n} 项"),
                format!("must have at most {n} entries"),
            ),
            Self::EntriesMin(n) => (
                TooShort,
                format!("不得少于 {n} 项"),
                format!("must have at least {n} entries"),
            ),
            Self::AtLeast(n) => (
                OutOfRange,
                format!("不得小于 {n}"),
                format!("must not be less than {n}"),
            ),
            Self::AtMost(n) => (
                OutOfRange,
                format!("不得大于 {n}"),
                format!("must not be more than {n}"),
            ),
            Self::Above(n) => (
                OutOfRange,
                format!("必须大于 {n}"),
                format!("must be more than {n}"),
            ),
            Self::Below(n) => (
                OutOfRange,
                format!("必须小于 {n}"),
                format!("must be less than {n}"),
            ),
            Self::FormBytes(n) => (
                TooLarge,
                format!("内容过多，不得超过 {n} 字节，请精简"),
                format!("is too large; keep it under {n} bytes"),
            ),
            Self::FormDepth(n) => (
                TooLarge,
                format!("嵌套过深，不得超过 {n} 层"),
                format!("must not nest deeper than {n} levels"),
            ),
            Self::FormValues(n) => (
                TooLarge,
                format!("内容过多，不得超过 {n} 个值，请精简"),
                format!("must not hold more than {n} values"),
            ),
        }
    }
}

/// What people call a field: its title; without one, a name of our own for what it holds; last, its key.
fn titles(name: &str, schema: &Value) -> (String, String) {
    let text = |keyword: &str| schema.get(keyword).and_then(Value::as_str);
    let (own_zh, own_en) = match (schema.get("x-pii").and_then(PiiKind::from_schema), name) {
        (Some(PiiKind::Name), _) => ("姓名", "Name"),
        (Some(PiiKind::ResidentId), _) => ("公民身份号码", "Resident identity number"),
        (Some(PiiKind::Phone), _) => ("电话号码", "Telephone number"),
        (Some(PiiKind::BankAccount), _) => ("银行账号", "Bank account number"),
        (Some(PiiKind::Address), _) => ("住址", "Address"),
        (Some(PiiKind::BirthDate), _) => ("出生日期", "Date of birth"),
        (None, "relation") => ("与申请人关系", "Relation to the applicant"),
        (None, "monthlyIncome") => ("月收入", "Monthly income"),
        (None, other) => (other, other),
    };
    let zh = text("title").unwrap_or(own_zh);
    let en = text("x-title-en").or(text("title")).unwrap_or(own_en);
    (format!("“{zh}”"), en.to_owned())
}

fn unknown(count: usize, schema: &Value) -> Told {
    let names: Vec<&str> = schema
        .get("properties")
        .and_then(Value::as_object)
        .map(|fields| fields.keys().take(LISTED_MAX).map(String::as_str).collect())
        .unwrap_or_default();
    let known = names.join(", ");
    (
        FormFaultCode::Unknown,
        format!("含有 {count} 个未定义的字段，请删除；可用字段：{known}"),
        format!("has {count} unknown field(s); remove them. It knows: {known}"),
    )
}

fn wrong_type(schema: &Value) -> Told {
    let (zh, en) = match schema.get("type").and_then(Value::as_str) {
        Some("string") => ("应为文本", "must be a text"),
        Some("number") => ("应为数字", "must be a number"),
        Some("integer") => ("应为整数", "must be a whole number"),
        Some("boolean") => ("应为是或否（true 或 false）", "must be true or false"),
        Some("array") => ("应为列表", "must be a list"),
        Some("object") => ("应为一组字段", "must be an object with fields"),
        _ => ("类型不符", "has the wrong type"),
    };
    (
        FormFaultCode::WrongType,
        format!("{zh}；不填请整项省略"),
        format!("{en}; leave the field out when there is nothing to say"),
    )
}

fn wrong_writing(code: FormFaultCode, schema: &Value) -> Told {
    let text = |keyword: &str| schema.get(keyword).and_then(Value::as_str);
    let (zh, en) = match (
        schema.get("x-pii").and_then(PiiKind::from_schema),
        text("x-check"),
        text("x-ref"),
    ) {
        _ if text("format") == Some("date") => (
            "应为存在的日期，格式为 YYYY-MM-DD",
            "must be a date that exists, written YYYY-MM-DD",
        ),
        (Some(PiiKind::ResidentId), ..) | (_, Some("GB11643"), _) => (
            "应为 18 位公民身份号码",
            "must be a resident identity number of 18 characters",
        ),
        (Some(PiiKind::Phone), ..) => (
            "应为 11 位中国大陆手机号码，不加国家代码",
            "must be a mainland mobile number of 11 digits without country code",
        ),
        (Some(PiiKind::BankAccount), ..) => ("应为 12 至 19 位数字", "must have 12 to 19 digits"),
        (_, Some("GB32100"), _) => (
            "应为 18 位统一社会信用代码，由数字和大写字母组成（不含 I、O、S、V、Z）",
            "must be a unified social credit code: 18 digits and capitals other than I, O, S, V, Z",
        ),
        (_, _, Some("Division")) => ("应为 12 位区划代码", "must be a division code of 12 digits"),
        _ => (
            "的格式不符，请对照表单说明修改",
            "is not written as the form asks; compare its description",
        ),
    };
    (code, zh.to_owned(), en.to_owned())
}

fn not_allowed(schema: &Value) -> Told {
    let offered: Vec<String> = schema
        .get("enum")
        .and_then(Value::as_array)
        .map(|values| values.iter().take(LISTED_MAX).map(plain).collect())
        .unwrap_or_default();
    (
        FormFaultCode::NotAllowed,
        format!("只能选择：{}", offered.join("、")),
        format!("must be one of: {}", offered.join(", ")),
    )
}

/// A value of the schema (never of the form) as people read it.
pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
