//! A Rust client whose types are generated from schema.graphql at compile time: the file is the contract.

use graphql_client::{GraphQLQuery, Response};
use reqwest::header::ACCEPT;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use super::journey;
use crate::harness::app::TestApp;
use crate::harness::gql::Gql;
use crate::harness::people::FARMER;
use crate::harness::story::story;

// the scalars of the schema, under the names that the generated code looks for
type Date = chrono::NaiveDate;
type DateTime = chrono::DateTime<chrono::Utc>;
type DivisionCode = String;
#[expect(clippy::upper_case_acronyms, reason = "the schema names it so")]
type JSON = Value;
#[expect(clippy::upper_case_acronyms, reason = "the schema names it so")]
type UUID = Uuid;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "tests/it/door/typed_client.graphql",
    response_derives = "Debug, PartialEq"
)]
struct HandIn;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "tests/it/door/typed_client.graphql",
    response_derives = "Debug, PartialEq"
)]
struct Follow;

async fn ask<T: DeserializeOwned>(caller: &Gql, body: &impl serde::Serialize) -> T {
    let answer = caller
        .request(&json!(body))
        .header(ACCEPT, "application/graphql-response+json")
        .send()
        .await
        .unwrap();
    let answer: Response<T> = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    assert!(answer.errors.is_none(), "{:?}", answer.errors);
    answer.data.unwrap()
}

fn application() -> hand_in::SubmitCaseInput {
    let material = |code: &str| hand_in::MaterialEntryInput {
        code: code.to_owned(),
        trust: hand_in::Trust::D,
        originals: 0,
        note: None,
        documents: Vec::new(),
    };
    hand_in::SubmitCaseInput {
        idempotency_key: Uuid::now_v7(),
        service_item: "senior-card".to_owned(),
        item_version: None,
        division: Some("340321101200".to_owned()),
        applicant: hand_in::ApplicantInput {
            kind: hand_in::ApplicantType::PERSON,
            name: FARMER.name.to_owned(),
            id_type: hand_in::IdType::RESIDENT_ID,
            id_number: Some(FARMER.id_number.to_owned()),
            phone: Some(FARMER.phone.to_owned()),
            contact_name: None,
        },
        form: journey::senior_card(FARMER)["form"].clone(),
        materials: vec![material("id"), material("photo")],
        authorization: None,
        draft: None,
    }
}

story!(
    /// Mutation, query, enums, scalars and typed errors, all through generated types.
    a_client_compiled_against_the_schema_file_hands_in_and_follows,
    async |world| {
        let app = TestApp::start(world).await;
        let kiosk = app.kiosk(journey::STATION);
        let variables = hand_in::Variables {
            input: application(),
        };
        let handed: hand_in::ResponseData = ask(&kiosk, &HandIn::build_query(variables)).await;
        assert!(handed.submit_case.user_errors.is_empty());
        let case = handed.submit_case.case.unwrap();
        assert_eq!(case.status, hand_in::CaseStatus::SUBMITTED);
        assert_eq!(handed.submit_case.receipt.unwrap().kind, hand_in::ReceiptKind::RECEIPT);

        let variables = follow::Variables {
            code: case.tracking_code,
            secret: handed.submit_case.tracking_secret.unwrap(),
        };
        let told: follow::ResponseData = ask(&app.anybody(), &Follow::build_query(variables)).await;
        let tracked = told.track_case.unwrap();
        assert_eq!(tracked.status, follow::CaseStatus::SUBMITTED);
        assert_eq!(tracked.applicant.unwrap().name, "裘*");
        let timeline = tracked.timeline.unwrap();
        assert_eq!((timeline[0].seq, timeline[0].event.as_str()), (1, "SUBMITTED"));
        assert_eq!(timeline[0].at, case.submitted_at);

        let mut wrong = application();
        wrong.materials.clear();
        let refused: hand_in::ResponseData =
            ask(&kiosk, &HandIn::build_query(hand_in::Variables { input: wrong })).await;
        let codes: Vec<_> = refused.submit_case.user_errors.iter().map(|error| &error.code).collect();
        assert_eq!(codes, [&hand_in::SubmitCaseErrorCode::MATERIAL_MISSING; 2]);
        app.stop(world).await;
    }
);
