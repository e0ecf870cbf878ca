//! Who sees what of a case: personal data is masked for everybody, texts are for the offices and the applicant.

use serde_json::{Value, json};

use super::journey::{COUNTY, Hands};
use crate::harness::app::TestApp;
use crate::harness::gql::Gql;
use crate::harness::people::{self, FARMER};
use crate::harness::story::story;

/// What the officer wrote; nobody's name, but not for every eye.
const REASONS: &str = "年龄未满六十周岁";

/// Everything that a case tells.
const EVERYTHING: &str = "fragment Everything on Case {
    id trackingCode version status kind channel divisionCode divisionName submittedAt acceptedAt decidedAt decision
    completedAt deliveredAt dueAt isOverdue availableActions
    serviceItem { code name } division { name }
    applicant { kind name idNumber phone }
    owner { name } firstContact { name }
    clocks { kind state dueAt dueDate }
    handoffs { id state slip opinion from { name } to { name } }
    timeline { event actorKind text remedy upstream }
    receipts { kind applicantMasked canonical signature verifyUrl zh: text(width: MM58) en: text(width: MM80) }
    externalNumbers { upstream number }
    nextStep { text }
}";

story!(
    /// The officer's reasons reach the applicant and the offices, not supervision, audit or a terminal.
    texts_and_persons_are_masked_by_role,
    async |world| {
        let app = TestApp::start(world).await;
        let hands = Hands::of(&app.anybody(), &app.actors);
        let case = hands.denied(FARMER, REASONS).await;
        let auditor = app.anybody().bearing(&app.actors.auditor());
        let readers: [(&str, &Gql, bool); 6] = [
            ("the terminal", &hands.kiosk, false),
            ("the station", &hands.station, true),
            ("the clerk", &hands.clerk, true),
            ("the officer", &hands.officer, true),
            ("the supervisor", &app.supervisor(COUNTY), false),
            ("the auditor", &auditor, false),
        ];
        for (who, reader, sees_texts) in readers {
            let document = format!("query($id: ID!) {{ case(by: {{ id: $id }}) {{ ...Everything }} }} {EVERYTHING}");
            let told = reader.data(&document, json!({ "id": case.id() })).await;
            assert_eq!(told["case"]["id"], case.id(), "{who} sees the case");
            check(who, &told, sees_texts);
            let document = format!("{{ cases(first: 1) {{ nodes {{ ...Everything }} }} }} {EVERYTHING}");
            let told = reader.data(&document, json!({})).await;
            assert_eq!(told["cases"]["nodes"][0]["id"], case.id(), "{who} lists the case");
            check(who, &told, sees_texts);
            let document = format!("query($id: ID!) {{ node(id: $id) {{ ...Everything }} }} {EVERYTHING}");
            check(who, &reader.data(&document, json!({ "id": case.id() })).await, sees_texts);
        }
        let states = "state: [OFFERED, ACKNOWLEDGED, DONE]";
        for (who, reader, sees_texts) in [
            ("the clerk", &hands.clerk, true),
            ("the supervisor", &app.supervisor(COUNTY), false),
            ("the auditor", &auditor, false),
        ] {
            let document = format!(
                "{{ handoffs(first: 1, filter: {{ {states} }}) {{ page {{ nodes {{ case {{ ...Everything }} }} }} }} }}
                 {EVERYTHING}"
            );
            let told = reader.data(&document, json!({})).await;
            assert_eq!(told["handoffs"]["page"]["nodes"][0]["case"]["id"], case.id(), "{who} has it on the board");
            check(who, &told, sees_texts);
        }
        let document = format!(
            "query($code: String!, $secret: String!) {{
                 trackCase(trackingCode: $code, secret: $secret) {{ ...Everything }} }} {EVERYTHING}"
        );
        let variables = json!({ "code": case.code(), "secret": case.secret });
        check("the applicant", &app.anybody().data(&document, variables).await, true);
        app.stop(world).await;
    }
);

fn check(who: &str, told: &Value, sees_texts: bool) {
    let text = told.to_string();
    people::assert_nobody_in(who, text.as_bytes());
    assert_eq!(text.contains(REASONS), sees_texts, "{who}: {text}");
}
