//! How the stories of personal data ask for it, and what they count in the database.

use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement};
use serde_json::{Value, json};
use uuid::Uuid;

use super::journey::{self, Hands, Submitted};
use crate::harness::app::TestApp;
use crate::harness::gql::{Answer, Gql};
use crate::harness::people::Person;
use crate::harness::world::{World, WorldKind};

/// Everything that can be asked for.
pub(crate) const ALL_FIELDS: [&str; 7] = [
    "NAME",
    "ID_NUMBER",
    "PHONE",
    "CONTACT_NAME",
    "ADDRESS",
    "FORM",
    "MATERIAL_NOTES",
];

const REVEAL: &str = "mutation($input: RevealPersonalDataInput!) { revealPersonalData(input: $input) {
    data { erased name idNumber phone contactName addresses form materialNotes { material note } }
    accessRecord remainingToday userErrors { code field message } } }";

const FIND: &str = "mutation($input: FindCasesByApplicantInput!) { findCasesByApplicant(input: $input) {
    cases { id applicant { name idNumber phone } } accessRecords remainingToday
    userErrors { code field message } } }";

const RECORDS: &str =
    "id at kind outcome actorKind person subject purpose purposeText fields caseId trackingCode
    organization { code name }";

/// What shows all of a case's data, under a fresh key.
pub(crate) fn look(case: &str, purpose: &str) -> Value {
    json!({ "case": case, "purpose": purpose, "fields": ALL_FIELDS, "idempotencyKey": Uuid::now_v7() })
}

/// Asks for the data of a case, and takes any answer.
pub(crate) async fn ask(who: &Gql, input: &Value) -> Answer {
    who.ask(REVEAL, json!({ "input": input })).await
}

/// The same, answered without an error; gives the payload.
pub(crate) async fn reveal(who: &Gql, input: &Value) -> Value {
    who.data(REVEAL, json!({ "input": input })).await["revealPersonalData"].clone()
}

/// What looks for a number, under a fresh key.
pub(crate) fn number(number: &str) -> Value {
    json!({ "idNumber": number, "purpose": "CASE_HANDLING", "idempotencyKey": Uuid::now_v7() })
}

/// Looks for a person, and takes any answer.
pub(crate) async fn ask_for(who: &Gql, input: &Value) -> Answer {
    who.ask(FIND, json!({ "input": input })).await
}

/// The same, answered without an error; gives the payload.
pub(crate) async fn find(who: &Gql, input: &Value) -> Value {
    who.data(FIND, json!({ "input": input })).await["findCasesByApplicant"].clone()
}

/// Ids of the cases of a payload.
pub(crate) fn ids(payload: &Value) -> Vec<&str> {
    let cases = payload["cases"].as_array().unwrap();
    cases.iter().map(|case| case["id"].as_str().unwrap()).collect()
}

/// Codes of the user errors of a payload.
pub(crate) fn codes(payload: &Value) -> Vec<&str> {
    let errors = payload["userErrors"].as_array().unwrap();
    errors
        .iter()
        .map(|error| error["code"].as_str().unwrap())
        .collect()
}

/// The records of a case as somebody sees them; null when they do not.
pub(crate) async fn records_of(who: &Gql, case: &str) -> Value {
    let document = format!(
        "query($id: ID!) {{ case(by: {{ id: $id }}) {{ accessRecords {{ totalCount nodes {{ {RECORDS} }} }} }} }}"
    );
    who.data(&document, json!({ "id": case })).await["case"]["accessRecords"].clone()
}

/// The same by code and secret.
pub(crate) async fn tracked_records(who: &Gql, case: &Submitted) -> Value {
    let document = format!(
        "query($code: String!, $secret: String!) {{ trackCase(trackingCode: $code, secret: $secret) {{
             accessRecords {{ totalCount nodes {{ {RECORDS} }} }} }} }}"
    );
    let variables = json!({ "code": case.code(), "secret": case.secret });
    who.data(&document, variables).await["trackCase"]["accessRecords"].clone()
}

/// The records that an overseer finds.
pub(crate) async fn search(who: &Gql, filter: Value) -> Value {
    let document = format!(
        "query($filter: AccessRecordFilter) {{ accessRecords(filter: $filter) {{ totalCount nodes {{ {RECORDS} }} }} }}"
    );
    who.data(&document, json!({ "filter": filter })).await["accessRecords"].clone()
}

/// A senior citizen's card that the township has signed for: it lies on its desk.
pub(crate) async fn on_the_desk(hands: &Hands, person: Person) -> Submitted {
    let submitted = journey::submit(&hands.kiosk, journey::senior_card(person)).await;
    sign(hands, &submitted).await;
    submitted
}

/// The township signs for a case.
pub(crate) async fn sign(hands: &Hands, submitted: &Submitted) {
    let handoffs = submitted.case["handoffs"].as_array().unwrap();
    let offered = handoffs
        .iter()
        .find(|handoff| handoff["state"] == "OFFERED")
        .unwrap();
    let input = json!({
        "case": submitted.id(), "handoff": offered["id"], "expectedVersion": offered["version"],
    });
    journey::act(&hands.clerk, "acknowledgeHandoff", input).await;
}

/// The hands of a gateway.
pub(crate) fn hands(app: &TestApp) -> Hands {
    Hands::of(&app.anybody(), &app.actors)
}

/// A number that the database knows.
pub(crate) async fn count(database: &DatabaseConnection, sql: &str) -> i64 {
    let statement = Statement::from_string(database.get_database_backend(), sql);
    let row = database.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

/// Lets the database refuse every record of a look, until [`let_in_again`].
pub(crate) async fn refuse_records(world: &World, database: &DatabaseConnection) {
    let statements: &[&str] = match world.kind() {
        WorldKind::Sqlite => &["create trigger no_room before insert on access_record \
             begin select raise(abort, 'no room for records'); end"],
        WorldKind::Postgres => &[
            "create function no_room() returns trigger language plpgsql as \
             $$ begin raise exception 'no room for records'; end $$",
            "create trigger no_room before insert on access_record for each row execute function no_room()",
        ],
    };
    for sql in statements {
        database.execute_unprepared(sql).await.unwrap();
    }
}

/// Ends [`refuse_records`].
pub(crate) async fn let_in_again(world: &World, database: &DatabaseConnection) {
    let sql = match world.kind() {
        WorldKind::Sqlite => "drop trigger no_room",
        WorldKind::Postgres => "drop trigger no_room on access_record",
    };
    database.execute_unprepared(sql).await.unwrap();
}
