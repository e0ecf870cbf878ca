//! Fields that profile people never leave this gateway by a template: named they are refused, in a whole form left out.

use serde_json::{Map, Value};

/// Words in the names of form fields that sort people by what they are or think instead of what they ask for.
const WORDS: &[&str] = &[
    "profil",
    "score",
    "religio",
    "faith",
    "political",
    "biometric",
    "fingerprint",
    "face_image",
    "sexual",
    "risk_level",
    "key_person",
    "画像",
    "积分",
    "评分",
    "宗教",
    "政治面貌",
    "指纹",
    "人脸",
    "重点人员",
    "风险等级",
    "信用等级",
];

/// The names that count as profiling: the built-in ones and those tagged in the configuration.
#[derive(Debug, Clone, Default)]
pub(in crate::upstream::adapters) struct Profiling {
    tagged: Vec<String>,
}

impl Profiling {
    /// With the fields that a configuration tags beside the built-in words.
    pub(super) const fn new(tagged: Vec<String>) -> Self {
        Self { tagged }
    }

    /// Whether a form field is one.
    pub(in crate::upstream::adapters) fn covers(&self, field: &str) -> bool {
        let lower = field.to_lowercase();
        WORDS.iter().any(|word| lower.contains(word)) || self.tagged.iter().any(|tagged| tagged == field)
    }

    /// The fields among those a template names, each as the template writes it.
    pub(super) fn named<'a>(&'a self, fields: &'a [String]) -> impl Iterator<Item = &'a String> {
        fields.iter().filter(|field| {
            field
                .strip_prefix("case.form.")
                .and_then(|rest| rest.split('.').next())
                .is_some_and(|name| self.covers(name))
        })
    }

    /// A form without such fields, at any depth.
    pub(super) fn without(&self, form: &Map<String, Value>) -> Map<String, Value> {
        form.iter()
            .filter(|(name, _)| !self.covers(name))
            .map(|(name, value)| (name.clone(), self.stripped(value)))
            .collect()
    }

    fn stripped(&self, value: &Value) -> Value {
        match value {
            Value::Object(members) => Value::Object(self.without(members)),
            Value::Array(list) => Value::Array(list.iter().map(|one| self.stripped(one)).collect()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn profiling_fields_are_left_out_of_a_form_at_any_depth() {
        let profiling = Profiling::new(vec!["caste".to_owned()]);
        let Value::Object(form) = json!({ "months": 1, "caste": "x", "信用评分": 3, "a": [{ "Religion": "x", "b": 1 }] })
        else {
            panic!("an object")
        };
        assert_eq!(
            Value::Object(profiling.without(&form)),
            json!({ "months": 1, "a": [{ "b": 1 }] })
        );
    }
}
