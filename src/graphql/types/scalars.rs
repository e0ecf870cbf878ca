//! Scalars of our own; each says which text it takes.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::NaiveDate;

/// A calendar date, `YYYY-MM-DD`, in China.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date(pub NaiveDate);

/// A calendar date in China (日期), written YYYY-MM-DD.
#[Scalar(
    name = "Date",
    specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339#section-5.6"
)]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        // four digits of a year: chrono alone would take +12024-01-01
        let date = text_of(&value)
            .filter(|text| text.len() == 10)
            .and_then(|text| text.parse().ok());
        date.map(Self)
            .ok_or_else(|| InputValueError::custom("a date is written YYYY-MM-DD"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// The statistical code of a division, 12 digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DivisionCode(pub String);

/// The statistical code of a division (统计用区划代码), 12 digits.
#[Scalar(name = "DivisionCode", specified_by_url = "https://www.stats.gov.cn/sj/tjbz/")]
impl ScalarType for DivisionCode {
    fn parse(value: Value) -> InputValueResult<Self> {
        let digits = |text: &&str| text.len() == 12 && text.bytes().all(|digit| digit.is_ascii_digit());
        let code = text_of(&value).filter(digits).map(str::to_owned);
        code.map(Self)
            .ok_or_else(|| InputValueError::custom("a division code has 12 digits"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// A unified social credit code, 18 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditCode(pub String);

/// A unified social credit code (统一社会信用代码, GB 32100-2015), 18 digits and capital letters.
#[Scalar(
    name = "CreditCode",
    specified_by_url = "https://openstd.samr.gov.cn/bzgk/gb/std_list?p.p2=GB%2032100-2015"
)]
impl ScalarType for CreditCode {
    fn parse(value: Value) -> InputValueResult<Self> {
        let fits = |letter: u8| letter.is_ascii_digit() || letter.is_ascii_uppercase();
        let whole = |text: &&str| text.len() == 18 && text.bytes().all(fits);
        let code = text_of(&value).filter(whole).map(str::to_owned);
        code.map(Self)
            .ok_or_else(|| InputValueError::custom("a credit code has 18 digits and capital letters"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// A JSON value; only forms and their content use it.
#[derive(Debug, Clone, PartialEq)]
pub struct Json(pub serde_json::Value);

/// A JSON value; only forms (表单) and their content use it.
#[Scalar(name = "JSON", specified_by_url = "https://www.rfc-editor.org/rfc/rfc8259")]
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
        Ok(Self(value.into_json()?))
    }

    fn to_value(&self) -> Value {
        Value::from_json(self.0.clone()).unwrap_or_default()
    }
}

/// The text of a value that is one.
fn text_of(value: &Value) -> Option<&str> {
    if let Value::String(text) = value {
        Some(text)
    } else {
        None
    }
}
