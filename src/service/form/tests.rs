//! Forms as the catalogue writes them, and what people make of them.

use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::service::form::check::{BYTES_MAX, DEPTH_MAX, VALUES_MAX};
use crate::service::form::pii::{PiiField, PiiKind};

fn schema() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["name", "idNo", "mobile", "hukou"],
        "properties": {
            "name": {"type": "string", "maxLength": 50, "title": "姓名", "x-title-en": "Name", "x-pii": "NAME"},
            "idNo": {"type": "string", "pattern": r"^\d{17}[\dXx]$", "title": "公民身份号码",
                "x-title-en": "Resident identity number", "x-pii": "RESIDENT_ID", "x-check": "GB11643"},
            "mobile": {"type": "string", "pattern": r"^1[3-9]\d{9}$", "title": "手机号码",
                "x-title-en": "Mobile number", "x-pii": "PHONE"},
            "hukou": {"type": "string", "pattern": r"^\d{12}$", "title": "户籍所在区划代码",
                "x-title-en": "Division code of household registration", "x-ref": "Division"},
            "birth": {"type": "string", "format": "date", "title": "出生日期", "x-title-en": "Date of birth",
                "x-pii": "BIRTH_DATE"},
            "gender": {"type": "string", "enum": ["0", "1", "2", "9"], "title": "性别", "x-title-en": "Gender",
                "x-code": "GB/T 2261.1"},
            "uscc": {"type": "string", "pattern": "^[0-9A-HJ-NP-RTUWXY]{18}$", "title": "统一社会信用代码",
                "x-title-en": "Unified social credit code", "x-check": "GB32100"},
            "area": {"type": "number", "exclusiveMinimum": 0, "title": "面积", "x-title-en": "Area"},
            "urgent": {"type": "boolean", "default": false, "title": "是否急难", "x-title-en": "Emergency"},
            "reason": {"type": "string", "maxLength": 500, "title": "申请理由", "x-title-en": "Reason"},
            "family": {"type": "array", "title": "家庭成员", "x-title-en": "Family members", "items": {
                "type": "object",
                "required": ["name", "idNo", "relation"],
                "properties": {
                    "name": {"type": "string", "x-pii": "NAME"},
                    "idNo": {"type": "string", "x-pii": "RESIDENT_ID"},
                    "relation": {"type": "string", "x-code": "GB/T 4761"},
                    "monthlyIncome": {"type": "number", "minimum": 0},
                }}},
        }
    })
}

fn good() -> Value {
    json!({"name": "欧阳𬀩", "idNo": "34039919700215001x", "mobile": "13800138000", "hukou": "340302001001"})
}

fn with(changes: &Value) -> Value {
    let mut form = good();
    for (name, value) in changes.as_object().unwrap() {
        form[name] = value.clone();
    }
    form
}

fn check(form: &Value) -> FormVerdict {
    let today = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
    let division_known = |code: &str| code.starts_with("3403");
    FormSchema::compile(&schema()).unwrap().check(
        form,
        FormFacts {
            today,
            division_known: &division_known,
        },
    )
}

fn found(changes: &Value) -> Vec<(String, FormFaultCode)> {
    check(&with(changes))
        .faults
        .iter()
        .map(|fault| (fault.path.join("."), fault.code))
        .collect()
}

fn one(path: &str, code: FormFaultCode) -> Vec<(String, FormFaultCode)> {
    vec![(path.to_owned(), code)]
}

#[test]
fn a_good_form_passes_with_rare_names_and_paragraphs() {
    assert_eq!(check(&good()), FormVerdict::default());
    assert!(found(&json!({"name": "阿卜杜拉·买买提", "reason": "一、病重\n二、失业"})).is_empty());
}

#[test]
fn each_rule_of_a_field_has_its_code() {
    use FormFaultCode as Code;
    let rows = [
        (json!({"name": "字".repeat(51)}), "form.name", Code::TooLong),
        (json!({"name": " "}), "form.name", Code::Required),
        (json!({"idNo": ""}), "form.idNo", Code::Required),
        (json!({"name": 7}), "form.name", Code::WrongType),
        (json!({"name": null}), "form.name", Code::WrongType),
        (json!({"mobile": "12800138000"}), "form.mobile", Code::Pattern),
        (
            json!({"mobile": "１３８００１３８０００"}),
            "form.mobile",
            Code::Pattern,
        ),
        (
            json!({"idNo": "340399194910010018"}),
            "form.idNo",
            Code::Identifier,
        ),
        (
            json!({"idNo": "340399204910010018"}),
            "form.idNo",
            Code::Identifier,
        ),
        (json!({"hukou": "110101001001"}), "form.hukou", Code::Reference),
        (json!({"birth": "1990-02-29"}), "form.birth", Code::Format),
        (json!({"gender": "3"}), "form.gender", Code::NotAllowed),
        (json!({"area": 0}), "form.area", Code::OutOfRange),
        (json!({"urgent": "yes"}), "form.urgent", Code::WrongType),
        (json!({"name": "王\u{1b}芳"}), "form.name", Code::ControlCharacter),
        (json!({"name": "王\n芳"}), "form.name", Code::ControlCharacter),
        (
            json!({"name": "王\u{202E}芳"}),
            "form.name",
            Code::ControlCharacter,
        ),
        (json!({"surprise": 1}), "form", Code::Unknown),
    ];
    for (changes, path, code) in rows {
        assert_eq!(found(&changes), one(path, code), "{changes}");
    }
}

#[test]
fn all_faults_are_told_at_once_and_name_people_in_lists() {
    let form = json!({"mobile": "1", "family": [
        {"name": "王芳", "idNo": "1", "relation": "10"},
        {"name": "王\u{7}明", "monthlyIncome": -1, "nick\u{7}name": "x"},
    ]});
    let verdict = check(&form);
    let told: Vec<_> = verdict
        .faults
        .iter()
        .map(|f| (f.path.join("."), f.code, f.message_zh.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (
                "form.family.1".into(),
                FormFaultCode::ControlCharacter,
                "“家庭成员”第 2 项含有不可见的控制字符，请删除后重填。"
            ),
            (
                "form.family.1.idNo".into(),
                FormFaultCode::Required,
                "“家庭成员”第 2 项的“公民身份号码”不能为空，请填写。"
            ),
            (
                "form.family.1.monthlyIncome".into(),
                FormFaultCode::OutOfRange,
                "“家庭成员”第 2 项的“月收入”不得小于 0。"
            ),
            (
                "form.family.1.name".into(),
                FormFaultCode::ControlCharacter,
                "“家庭成员”第 2 项的“姓名”含有不可见的控制字符，请删除后重填。"
            ),
            (
                "form.family.1.relation".into(),
                FormFaultCode::Required,
                "“家庭成员”第 2 项的“与申请人关系”不能为空，请填写。"
            ),
            (
                "form.hukou".into(),
                FormFaultCode::Required,
                "“户籍所在区划代码”不能为空，请填写。"
            ),
            (
                "form.idNo".into(),
                FormFaultCode::Required,
                "“公民身份号码”不能为空，请填写。"
            ),
            (
                "form.mobile".into(),
                FormFaultCode::Pattern,
                "“手机号码”应为 11 位中国大陆手机号码，不加国家代码。"
            ),
            (
                "form.name".into(),
                FormFaultCode::Required,
                "“姓名”不能为空，请填写。"
            ),
        ]
    );
    assert_eq!(
        verdict.faults[1].message_en,
        "Family members no. 2, Resident identity number is required; fill it in."
    );
    assert_eq!(
        check(&json!([])).faults[0].message_en,
        "The form must be an object with fields; leave the field out when there is nothing to say."
    );
}

#[test]
fn a_doubtful_credit_code_warns_and_a_misspelt_one_is_refused() {
    let verdict = check(&with(&json!({"uscc": "91350100M000100Y44"})));
    assert!(verdict.faults.is_empty());
    assert_eq!(verdict.warnings[0].path, ["form", "uscc"]);
    assert_eq!(
        found(&json!({"uscc": "9135O100M000100Y43"})),
        one("form.uscc", FormFaultCode::Pattern)
    );
    assert_eq!(
        check(&with(&json!({"uscc": "91350100M000100Y43"}))),
        FormVerdict::default()
    );
}

#[test]
fn size_depth_and_number_of_values_are_bounded() {
    let whole = |form: &Value| {
        let verdict = check(form);
        assert_eq!(verdict.faults.len(), 1);
        assert_eq!(verdict.faults[0].path, ["form"]);
        verdict.faults[0].code
    };
    assert_eq!(
        whole(&with(&json!({"reason": "a".repeat(BYTES_MAX)}))),
        FormFaultCode::TooLarge
    );
    assert_eq!(
        whole(&with(&json!({"family": vec![0; VALUES_MAX]}))),
        FormFaultCode::TooLarge
    );
    let deep = (0..=DEPTH_MAX).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(whole(&with(&json!({"family": deep}))), FormFaultCode::TooLarge);
}

#[test]
fn no_value_and_no_foreign_name_is_echoed() {
    let canary = "CANARY\u{7}";
    let everywhere = json!({
        "name": canary, "idNo": canary, "mobile": canary, "hukou": canary, "birth": canary, "gender": canary,
        "uscc": canary, "area": canary, "urgent": canary, "reason": [canary], canary: canary,
        "family": [canary, {canary: canary, "name": {canary: canary}}],
    });
    let verdict = check(&everywhere);
    assert!(verdict.faults.len() > 10);
    assert!(!format!("{verdict:?}").contains("CANARY"));
    let error = FormSchema::compile(&json!({"type": "object", "anyOf": []})).unwrap_err();
    assert_eq!(
        error.to_string(),
        "form schema at ``: the keyword `anyOf` is not supported"
    );
}

#[test]
fn a_schema_that_is_not_wholly_understood_is_refused() {
    let field = |schema: Value| FormSchema::compile(&json!({"type": "object", "properties": {"a": schema}}));
    assert!(field(json!({"type": "string"})).is_ok());
    for bad in [
        json!({"$ref": "https://example.org/x"}),
        json!({"type": ["string", "null"]}),
        json!({"type": "string", "x-pii": "SHOE_SIZE"}),
        json!({"type": "string", "x-check": "GB1"}),
        json!({"type": "string", "x-ref": "Planet"}),
        json!({"type": "string", "pattern": "("}),
        json!({"type": "string", "pattern": r"(a)\1"}),
        json!({"type": "string", "maxLength": "long"}),
        json!({"type": "array"}),
        json!({"type": "object", "patternProperties": {}}),
        json!(true),
    ] {
        assert!(field(bad.clone()).is_err(), "{bad}");
    }
}

#[test]
fn division_codes_are_listed_for_the_lookup() {
    let compiled = FormSchema::compile(&schema()).unwrap();
    assert_eq!(
        compiled.division_codes(&good()).into_iter().collect::<Vec<_>>(),
        ["340302001001"]
    );
}

#[test]
fn personal_data_is_listed_by_pointer_and_kind() {
    let mut fields = FormSchema::compile(&schema()).unwrap().pii_fields();
    fields.sort_by(|a, b| a.pointer.cmp(&b.pointer));
    let field = |pointer: &str, kind| PiiField {
        pointer: pointer.to_owned(),
        kind,
    };
    assert_eq!(
        fields,
        [
            field("/birth", PiiKind::BirthDate),
            field("/family/*/idNo", PiiKind::ResidentId),
            field("/family/*/name", PiiKind::Name),
            field("/idNo", PiiKind::ResidentId),
            field("/mobile", PiiKind::Phone),
            field("/name", PiiKind::Name),
        ]
    );
}

#[test]
fn a_form_splits_and_masks_so_that_nothing_unknown_stays_readable() {
    let compiled = FormSchema::compile(&schema()).unwrap();
    let form = with(&json!({
        "area": 3.5, "gender": {"CANARY": 1}, "CANARY": "CANARY", "birth": "1970-02-15", "reason": "ok",
        "family": [{"name": "CANARY", "relation": "10", "CANARY": 1}, "CANARY"],
    }));
    let parts = compiled.split(&form);
    let names = |part: &Value| part.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&parts.public), ["area", "hukou", "reason"]);
    assert_eq!(
        names(&parts.private),
        ["CANARY", "birth", "family", "gender", "idNo", "mobile", "name"]
    );
    let masked = compiled.mask(&form);
    assert_eq!(masked["area"], json!(3.5));
    assert_eq!(masked["birth"], json!("***"));
    assert_eq!(masked["family"][0]["relation"], json!("10"));
    let text = masked.to_string();
    for secret in ["CANARY", "𬀩", "34039919700215001", "13800138000", "1970-02-15"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[test]
fn a_version_is_compiled_once_and_the_oldest_leaves_a_full_cache() {
    let forms = Forms::new();
    let of = |number: u128| {
        let version = ItemVersionId::from_uuid(Uuid::from_u128(number));
        forms.compiled(version, &json!({"type": "object"})).unwrap()
    };
    let newest = of(10_000);
    assert!(Arc::ptr_eq(&newest, &of(10_000)));
    for number in 0..300 {
        of(number);
    }
    assert_eq!(forms.lock().len(), COMPILED_MAX);
    assert!(Arc::ptr_eq(&newest, &of(10_000)));
}

#[test]
fn every_form_of_the_catalogue_compiles_and_names_what_it_asks_for() {
    let text = include_str!("../../../data/catalogue.yaml");
    let catalogue: Value = serde_saphyr::from_str(text).unwrap();
    let items = catalogue["items"].as_array().unwrap();
    assert_eq!(items.len(), 36);
    let today = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
    for item in items {
        let form = &item["form"];
        let compiled = FormSchema::compile(form).unwrap_or_else(|error| panic!("{}: {error}", item["id"]));
        let facts = FormFacts {
            today,
            division_known: &|_| true,
        };
        let verdict = compiled.check(&json!({}), facts);
        let required = form["required"].as_array().unwrap();
        assert_eq!(verdict.faults.len(), required.len(), "{}", item["id"]);
        for fault in verdict.faults {
            let schema = &form["properties"][fault.path.last().unwrap()];
            assert!(fault.message_zh.contains(schema["title"].as_str().unwrap()));
            assert!(
                fault
                    .message_en
                    .starts_with(schema["x-title-en"].as_str().unwrap())
            );
        }
    }
}
