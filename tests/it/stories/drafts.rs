//! Unfinished applications: kept for their author alone, and ended by the submission.

use futures_util::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use super::kit::{County, NEXT_STATION, STATION, VILLAGE, act, codes, pension, taken};
use crate::harness::gql::Gql;
use crate::harness::people::{FARMER, NEIGHBOUR};
use crate::harness::story::story;

const SAVE: &str = "mutation($input: SaveDraftInput!) { saveDraft(input: $input) {
  draft { id serviceItem content createdAt savedAt } userErrors { code field message } } }";

async fn save(who: &Gql, input: Value) -> Value {
    who.data(SAVE, json!({ "input": input })).await["saveDraft"].clone()
}

fn draft(content: Value) -> Value {
    json!({ "idempotencyKey": Uuid::now_v7(), "serviceItem": "pension-enroll", "content": content })
}

async fn drafts(who: &Gql) -> Vec<Value> {
    let document = "{ viewer { drafts(first: 10) { nodes { id content savedAt } } } }";
    let data = who.data(document, json!({})).await;
    data["viewer"]["drafts"]["nodes"].as_array().unwrap().clone()
}

story!(
    a_draft_is_saved_again_and_ends_with_the_submission,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let citizen = app.anybody().bearing(&app.actors.citizen("citizen-1"));
        let first = draft(json!({ "name": FARMER.name }));
        let saved = save(&citizen, first.clone()).await;
        assert_eq!(saved["userErrors"], json!([]));
        let id = saved["draft"]["id"].clone();
        assert_eq!(
            save(&citizen, first).await["draft"]["id"],
            id,
            "the same key keeps the same draft"
        );

        county.seconds_later(60);
        let mut again = draft(json!({ "name": FARMER.name, "mobile": FARMER.phone }));
        again["draft"] = id.clone();
        let again = save(&citizen, again).await;
        assert_eq!(again["draft"]["id"], id);
        assert!(again["draft"]["savedAt"].as_str() > again["draft"]["createdAt"].as_str());
        let listed = drafts(&citizen).await;
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0]["content"]["mobile"], FARMER.phone);

        let mut application = pension(&FARMER);
        application["division"] = json!(VILLAGE);
        application["draft"] = id.clone();
        taken(&act(&citizen, "submitCase", application).await);
        assert!(drafts(&citizen).await.is_empty(), "it became the case");
        let mut late = draft(json!({}));
        late["draft"] = id;
        assert_eq!(codes(&save(&citizen, late).await), ["UNKNOWN_DRAFT"]);
        app.stop(world).await;
    }
);

story!(nobody_sees_or_ends_the_draft_of_another, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    let citizen = |subject: &str| app.anybody().bearing(&app.actors.citizen(subject));
    let (author, other) = (citizen("citizen-1"), citizen("citizen-2"));
    let saved = save(&author, draft(json!({ "name": FARMER.name }))).await;
    let id = saved["draft"]["id"].clone();
    assert!(drafts(&other).await.is_empty());
    let mut theirs = draft(json!({}));
    theirs["draft"] = id.clone();
    assert_eq!(codes(&save(&other, theirs).await), ["UNKNOWN_DRAFT"]);

    let mut application = pension(&NEIGHBOUR);
    application["division"] = json!(VILLAGE);
    application["draft"] = id;
    let payload = act(&other, "submitCase", application).await;
    assert!(
        codes(&payload).iter().all(|code| *code == "UNKNOWN_DRAFT"),
        "{payload}"
    );
    assert_eq!(drafts(&author).await.len(), 1, "the author still has it");
    for stranger in [app.anybody(), app.supervisor("340302000000")] {
        let refused = stranger
            .ask("{ viewer { drafts { nodes { id } } } }", json!({}))
            .await;
        assert_eq!(refused.at("/viewer/drafts"), &Value::Null);
        assert!(["UNAUTHENTICATED", "FORBIDDEN"].contains(&refused.codes()[0]));
    }
    app.stop(world).await;
});

story!(
    a_kiosk_shows_nobody_the_drafts_of_who_came_before,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let citizen = app.anybody().bearing(&app.actors.citizen("citizen-1"));
        save(&app.kiosk(STATION), draft(json!({ "name": FARMER.name }))).await;
        save(&citizen, draft(json!({ "name": NEIGHBOUR.name }))).await;
        assert!(drafts(&app.kiosk(STATION)).await.is_empty());
        assert!(drafts(&app.kiosk(NEXT_STATION)).await.is_empty());
        assert_eq!(drafts(&citizen).await.len(), 1, "at home it is listed");
        app.stop(world).await;
    }
);

story!(
    /// P5 for drafts: whoever comes first under a key keeps it, and who brings the same hears the same.
    a_key_keeps_one_draft_also_fifty_at_once,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let citizen = app.anybody().bearing(&app.actors.citizen("citizen-1"));
        let first = draft(json!({ "name": FARMER.name }));
        let kept = save(&citizen, first.clone()).await["draft"].clone();
        let mut other_item = first.clone();
        other_item["serviceItem"] = json!("pension-claim");
        assert_eq!(codes(&save(&citizen, other_item).await), ["IDEMPOTENCY_MISMATCH"]);
        let mut other_content = first.clone();
        other_content["content"] = json!({});
        assert_eq!(codes(&save(&citizen, other_content).await), ["IDEMPOTENCY_MISMATCH"]);
        assert_eq!(save(&citizen, first).await["draft"], kept, "to the letter");

        let base = draft(json!({}));
        let racing = (0..50).map(|number| {
            let mut mine = base.clone();
            mine["content"] = json!({ "number": number % 5 });
            save(&citizen, mine)
        });
        let told = join_all(racing).await;
        let kept: Vec<&Value> = told.iter().map(|payload| &payload["draft"]).filter(|draft| !draft.is_null()).collect();
        assert_eq!(kept.len(), 10, "those of one content of five");
        assert!(kept.iter().all(|draft| *draft == kept[0]));
        let refused = told.iter().filter(|payload| codes(payload) == ["IDEMPOTENCY_MISMATCH"]);
        assert_eq!(refused.count(), 40);
        assert_eq!(drafts(&citizen).await.len(), 2);
        app.stop(world).await;
    }
);
