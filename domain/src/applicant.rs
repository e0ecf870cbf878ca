//! The applicant (申请人) as submitted, and whether the data can belong to one.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation as _;

use crate::identifier::credit_code::CreditCode;
use crate::identifier::mobile::Mobile;
use crate::identifier::resident_id::ResidentId;
use crate::item::{ApplicantKind, CaseKind};
use crate::text::unprintable;

/// Length of a name as people count it: 50 characters, as the forms of the catalogue say.
pub const NAME_GRAPHEMES_MAX: usize = 50;
/// Length of a name in code points: a character may carry marks and selectors, but not without end.
pub const NAME_CHARS_MAX: usize = 200;
/// Length of an identity number of any kind, code points.
pub const ID_NUMBER_CHARS_MAX: usize = 30;

/// What the applicant is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PartyKind {
    /// A natural person (自然人).
    Person,
    /// A legal person or other organization (法人和其他组织).
    Organization,
}

/// The kind of identity document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum IdType {
    /// 居民身份证, with the resident identity number of GB 11643.
    ResidentId,
    /// 港澳居民来往内地通行证.
    HongKongMacaoPermit,
    /// 台湾居民来往大陆通行证.
    TaiwanPermit,
    /// 外国人永久居留身份证.
    ForeignPermanentResident,
    /// 护照.
    Passport,
    /// 统一社会信用代码, GB 32100; organizations.
    CreditCode,
    /// Any other, named by the clerk.
    Other,
}

/// An applicant as submitted. Personal data: sealed at rest, and its `Debug` shows none of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Applicant {
    /// Person or organization.
    pub kind: PartyKind,
    /// Name, kept as written: never normalized, because that replaces rare characters of names.
    pub name: String,
    /// Kind of identity document.
    pub id_type: IdType,
    /// Its number.
    pub id_number: Option<String>,
    /// Mobile number on which the applicant is reached.
    pub phone: Option<String>,
    /// The person who acts for an organization.
    pub contact_name: Option<String>,
}

impl fmt::Debug for Applicant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Applicant")
            .field("kind", &self.kind)
            .field("id_type", &self.id_type)
            .finish_non_exhaustive()
    }
}

/// A field of the applicant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ApplicantField {
    /// `kind`.
    Kind,
    /// `name`.
    Name,
    /// `idType`.
    IdType,
    /// `idNumber`.
    IdNumber,
    /// `phone`.
    Phone,
    /// `contactName`.
    ContactName,
}

impl ApplicantField {
    /// Name of the input field.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Name => "name",
            Self::IdType => "idType",
            Self::IdNumber => "idNumber",
            Self::Phone => "phone",
            Self::ContactName => "contactName",
        }
    }

    const fn titles(self) -> (&'static str, &'static str) {
        match self {
            Self::Kind => ("申请人类型", "Kind of applicant"),
            Self::Name => ("申请人姓名或名称", "Name of the applicant"),
            Self::IdType => ("证件类型", "Kind of identity document"),
            Self::IdNumber => ("证件号码", "Identity number"),
            Self::Phone => ("手机号码", "Mobile number"),
            Self::ContactName => ("经办人姓名", "Name of the contact person"),
        }
    }
}

/// What is wrong with the applicant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ApplicantFaultCode {
    /// Empty or absent.
    Required,
    /// Longer than allowed.
    TooLong,
    /// Holds control characters.
    ControlCharacter,
    /// Not a valid number of its kind.
    Identifier,
    /// Not a mobile number.
    Phone,
    /// The item is not for this kind of applicant.
    KindNotAdmitted,
    /// The identity document does not fit the kind of applicant.
    IdTypeMismatch,
}

/// One fault, told in both languages without any value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicantFault {
    /// What is wrong.
    pub code: ApplicantFaultCode,
    /// Where.
    pub field: ApplicantField,
    /// What to change, in Chinese.
    pub message_zh: String,
    /// What to change, in English.
    pub message_en: String,
}

impl ApplicantFault {
    /// Path of the input field concerned, for example `["applicant", "idNumber"]`.
    #[must_use]
    pub fn path(&self) -> Vec<String> {
        vec!["applicant".to_owned(), self.field.as_str().to_owned()]
    }
}

/// The outcome of the check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicantVerdict {
    /// The applicant with spaces around values cut and the identity number in capitals; this is what to keep.
    pub applicant: Applicant,
    /// What stands against submitting.
    pub faults: Vec<ApplicantFault>,
    /// What is doubtful, but does not: a credit code with a wrong check character (old codes exist).
    pub warnings: Vec<ApplicantFault>,
}

/// Checks an applicant against what the item admits, telling everything at once.
///
/// An application needs an identity number; a grid event may be reported without one.
#[must_use]
pub fn check_applicant(
    submitted: Applicant,
    admitted: ApplicantKind,
    case_kind: CaseKind,
    today: NaiveDate,
) -> ApplicantVerdict {
    let applicant = tidied(submitted);
    let mut faults = Vec::new();
    let mut warnings = Vec::new();
    faults.extend(kind_fault(applicant.kind, admitted));
    faults.extend(name_fault(&applicant.name, ApplicantField::Name));
    faults.extend(
        applicant
            .contact_name
            .as_deref()
            .and_then(|name| name_fault(name, ApplicantField::ContactName)),
    );
    faults.extend(id_type_fault(applicant.kind, applicant.id_type));
    match applicant.id_number.as_deref() {
        Some(number) => {
            if let Some((fault, severity)) = number_fault(applicant.id_type, number, today) {
                match severity {
                    Severity::Fault => faults.push(fault),
                    Severity::Warning => warnings.push(fault),
                }
            }
        }
        None if case_kind == CaseKind::Case => {
            faults.push(fault(
                ApplicantFaultCode::Required,
                ApplicantField::IdNumber,
                "不能为空",
                "is required",
            ));
        }
        None => {}
    }
    if applicant
        .phone
        .as_deref()
        .is_some_and(|phone| phone.parse::<Mobile>().is_err())
    {
        faults.push(fault(
            ApplicantFaultCode::Phone,
            ApplicantField::Phone,
            "应为 11 位中国大陆手机号码，不加国家代码",
            "must be a mainland mobile number of 11 digits without country code",
        ));
    }
    ApplicantVerdict {
        applicant,
        faults,
        warnings,
    }
}

enum Severity {
    Fault,
    Warning,
}

fn tidied(submitted: Applicant) -> Applicant {
    let trim = |text: Option<String>| text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
    Applicant {
        kind: submitted.kind,
        name: submitted.name.trim().to_owned(),
        id_type: submitted.id_type,
        id_number: trim(submitted.id_number).map(|number| number.to_ascii_uppercase()),
        phone: trim(submitted.phone),
        contact_name: trim(submitted.contact_name),
    }
}

fn kind_fault(kind: PartyKind, admitted: ApplicantKind) -> Option<ApplicantFault> {
    let (zh, en) = match (kind, admitted) {
        (PartyKind::Person, ApplicantKind::Organization) => (
            "：本事项仅受理法人或其他组织的申请",
            ": this item is for organizations only",
        ),
        (PartyKind::Organization, ApplicantKind::Person) => (
            "：本事项仅受理自然人的申请",
            ": this item is for natural persons only",
        ),
        (PartyKind::Person, ApplicantKind::Person | ApplicantKind::Both)
        | (PartyKind::Organization, ApplicantKind::Organization | ApplicantKind::Both) => return None,
    };
    Some(fault(
        ApplicantFaultCode::KindNotAdmitted,
        ApplicantField::Kind,
        zh,
        en,
    ))
}

fn name_fault(name: &str, field: ApplicantField) -> Option<ApplicantFault> {
    if name.is_empty() {
        Some(fault(
            ApplicantFaultCode::Required,
            field,
            "不能为空",
            "is required",
        ))
    } else if name.chars().count() > NAME_CHARS_MAX || name.graphemes(true).count() > NAME_GRAPHEMES_MAX {
        Some(fault(
            ApplicantFaultCode::TooLong,
            field,
            &format!("不得超过 {NAME_GRAPHEMES_MAX} 个字"),
            &format!("must have at most {NAME_GRAPHEMES_MAX} characters"),
        ))
    } else if name.chars().any(unprintable) {
        Some(fault(
            ApplicantFaultCode::ControlCharacter,
            field,
            "含有不可见的控制字符，请删除后重填",
            "holds invisible control characters; remove them",
        ))
    } else {
        None
    }
}

fn id_type_fault(kind: PartyKind, id_type: IdType) -> Option<ApplicantFault> {
    let fits = match (kind, id_type) {
        (_, IdType::Other) => true,
        (kind, IdType::CreditCode) => kind == PartyKind::Organization,
        (
            kind,
            IdType::ResidentId
            | IdType::HongKongMacaoPermit
            | IdType::TaiwanPermit
            | IdType::ForeignPermanentResident
            | IdType::Passport,
        ) => kind == PartyKind::Person,
    };
    (!fits).then(|| {
        fault(
            ApplicantFaultCode::IdTypeMismatch,
            ApplicantField::IdType,
            "与申请人类型不符：组织用统一社会信用代码，个人用身份证件",
            "does not fit the kind of applicant: a credit code for organizations, an identity document for persons",
        )
    })
}

fn number_fault(id_type: IdType, number: &str, today: NaiveDate) -> Option<(ApplicantFault, Severity)> {
    let at = ApplicantField::IdNumber;
    if let Some(fault) = text_fault(number, at) {
        return Some((fault, Severity::Fault));
    }
    match id_type {
        IdType::ResidentId => ResidentId::parse(number, today).is_err().then(|| {
            (
                fault(
                    ApplicantFaultCode::Identifier,
                    at,
                    "不是有效的公民身份号码，请核对 18 位号码及出生日期、校验码",
                    "is not a valid resident identity number; check its 18 characters, birth date and check digit",
                ),
                Severity::Fault,
            )
        }),
        IdType::CreditCode => number.parse::<CreditCode>().is_err().then(|| {
            (
                fault(
                    ApplicantFaultCode::Identifier,
                    at,
                    "的校验码不符，请核对 18 位统一社会信用代码；如证照确为此号可继续办理",
                    "does not pass the check of a unified social credit code; compare its 18 characters, \
                     and go on if the certificate reads so",
                ),
                Severity::Warning,
            )
        }),
        IdType::HongKongMacaoPermit
        | IdType::TaiwanPermit
        | IdType::ForeignPermanentResident
        | IdType::Passport
        | IdType::Other => None,
    }
}

fn text_fault(number: &str, at: ApplicantField) -> Option<ApplicantFault> {
    if number.chars().count() > ID_NUMBER_CHARS_MAX {
        Some(fault(
            ApplicantFaultCode::TooLong,
            at,
            &format!("不得超过 {ID_NUMBER_CHARS_MAX} 个字符"),
            &format!("must have at most {ID_NUMBER_CHARS_MAX} characters"),
        ))
    } else if number.chars().any(unprintable) {
        Some(fault(
            ApplicantFaultCode::ControlCharacter,
            at,
            "含有不可见的控制字符，请删除后重填",
            "holds invisible control characters; remove them",
        ))
    } else {
        None
    }
}

fn fault(code: ApplicantFaultCode, field: ApplicantField, zh: &str, en: &str) -> ApplicantFault {
    let (title_zh, title_en) = field.titles();
    let space = if en.starts_with(':') { "" } else { " " };
    ApplicantFault {
        code,
        field,
        message_zh: format!("{title_zh}{zh}。"),
        message_en: format!("{title_en}{space}{en}."),
    }
}

#[cfg(test)]
mod tests;
