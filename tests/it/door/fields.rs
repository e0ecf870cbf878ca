//! Every field of every type × every kind of reader: what the table below the root fields says is what comes (P25).
//!
//! The questions are made from the schema, so that a field or type which no row names fails here, and one whose row does
//! not say what happens fails too. Nothing is compared with what was answered before.

use std::collections::BTreeSet;

use onedoor_domain::actor::ActorKind;
use onedoor_domain::policy::fields::{Seen, Sight, seen};
use onedoor_domain::policy::{Scope, act_of_field, grant};
use serde_json::json;
use uuid::Uuid;

use super::asking::{Asking, DEPTH, Found, note};
use super::matrix::arguments_of;
use crate::contract::sdl::Contract;
use crate::harness::app::TestApp;
use crate::harness::gql::Gql;
use crate::harness::people::NEIGHBOUR;
use crate::harness::story::story;
use crate::stories::kit::{
    CIVIL_AFFAIRS, COUNTY, Case, County, OTHER_TOWNSHIP, STATION, TOWNSHIP, VILLAGE, act, answer, funeral,
    handoff, offered_to_county, submit,
};

/// Types that only the answer to an act or a subscription holds; what is below them is asked by other ways.
const ANSWERS: &[&str] = &[
    "DownloadTicket",
    "FollowedCase",
    "HandoffsChange",
    "KioskItemResult",
    "MaterialNote",
    "Mutation",
    "PersonalData",
    "Query",
    "SubmitWarning",
    "Subscription",
    "UploadTicket",
];

/// Somebody who looks at a case.
struct Reader {
    name: &'static str,
    kind: ActorKind,
    sight: Sight,
    gql: Gql,
    /// By code and secret instead of by key.
    tracks: bool,
}

impl Reader {
    fn of(name: &'static str, kind: ActorKind, sight: Sight, gql: Gql) -> Self {
        Self {
            name,
            kind,
            sight,
            gql,
            tracks: false,
        }
    }
}

/// A case at the county's own system, and one that the civil affairs decided by hand, with all that happens to cases.
async fn rich(app: &TestApp, county: &County, resident: &Gql) -> (Case, Case) {
    let bound = offered_to_county(app).await;
    bound.taken_over(&app.clerk(TOWNSHIP)).await;
    let mut application = funeral(&NEIGHBOUR);
    application["division"] = json!(VILLAGE);
    let by_hand = submit(resident, application).await;
    county.seconds_later(60);
    by_hand
        .done(&app.clerk(TOWNSHIP), "acceptCase", json!({ "advance": true }))
        .await;
    county.seconds_later(60);
    let officer = app.officer(CIVIL_AFFAIRS);
    by_hand.signed_for(&officer).await;
    county.seconds_later(60);
    let supervisor = app.supervisor(COUNTY);
    let order = json!({ "text": "请说明进展", "limit": { "value": 3, "unit": "WORKING_DAY" } });
    by_hand.done(&supervisor, "issueSupervisionOrder", order).await;
    let denial = json!({ "decision": "DENIED", "reasons": "不符合条件", "remedy": "可申请行政复议" });
    by_hand.done(&officer, "decideCase", denial).await;
    county.seconds_later(60);
    by_hand.done(&officer, "deliverResult", json!({})).await;
    let seen = by_hand.seen_by(&officer).await;
    let received = handoff(&seen, |one| one["to"]["code"] == CIVIL_AFFAIRS);
    let grade = json!({
        "case": by_hand.id, "handoff": received["id"], "idempotencyKey": Uuid::now_v7(), "grade": "SATISFIED",
        "comment": "移交及时",
    });
    let graded = answer(&officer, "evaluateHandoff", &grade).await;
    assert_eq!(
        graded.at("/evaluateHandoff/userErrors"),
        &json!([]),
        "{}",
        graded.body
    );
    let grade = json!({
        "case": by_hand.id, "idempotencyKey": Uuid::now_v7(), "grade": "DISSATISFIED", "comment": "太慢",
    });
    act(resident, "evaluateCase", grade).await;
    (bound, by_hand)
}

fn readers(app: &TestApp, resident: &Gql) -> Vec<(bool, Reader)> {
    let bound = readers_of_bound(app).into_iter().map(|reader| (true, reader));
    let by_hand = readers_of_by_hand(app, resident)
        .into_iter()
        .map(|reader| (false, reader));
    bound.chain(by_hand).collect()
}

fn tracking(name: &'static str, app: &TestApp) -> Reader {
    Reader {
        tracks: true,
        ..Reader::of(name, ActorKind::Anonymous, Sight::Applicant, app.anybody())
    }
}

fn readers_of_bound(app: &TestApp) -> Vec<Reader> {
    use ActorKind::{Auditor, Clerk, Kiosk, Officer, Supervisor};
    let auditor = app.anybody().bearing(&app.actors.auditor());
    let (clerk, officer) = (app.clerk(STATION), app.officer(TOWNSHIP));
    vec![
        tracking("the holder of the secret", app),
        Reader::of("its kiosk", Kiosk, Sight::Masked, app.kiosk(STATION)),
        Reader::of("first contact", Clerk, Sight::Office, clerk),
        Reader::of("who acts for the bound owner", Officer, Sight::Office, officer),
        Reader::of(
            "its supervisor",
            Supervisor,
            Sight::Supervision,
            app.supervisor(COUNTY),
        ),
        Reader::of("the auditor", Auditor, Sight::Supervision, auditor),
    ]
}

fn readers_of_by_hand(app: &TestApp, resident: &Gql) -> Vec<Reader> {
    use ActorKind::{Auditor, Citizen, Clerk, Officer, Supervisor};
    let auditor = app.anybody().bearing(&app.actors.auditor());
    let (clerk, officer) = (app.clerk(TOWNSHIP), app.officer(CIVIL_AFFAIRS));
    let supervisor = app.supervisor(COUNTY);
    vec![
        tracking("the holder of the other secret", app),
        Reader::of("the resident", Citizen, Sight::Applicant, resident.clone()),
        Reader::of("the decider", Officer, Sight::Office, officer),
        Reader::of("the past township", Clerk, Sight::Past, clerk),
        Reader::of("its supervisor again", Supervisor, Sight::Supervision, supervisor),
        Reader::of("the auditor again", Auditor, Sight::Supervision, auditor),
    ]
}

/// Whether the table lets a reader see a field of a case.
fn may_see(rule: Seen, reader: &Reader) -> bool {
    match rule {
        Seen::By(act) => grant(act, reader.kind).scope != Scope::Never,
        Seen::Everybody | Seen::Asker => true,
        Seen::Case
        | Seen::Present
        | Seen::Told
        | Seen::Offices
        | Seen::Watched
        | Seen::Words
        | Seen::Parties => rule.by(reader.sight),
    }
}

/// Fields whose value depends on more than the sight: on the event, on who is a party, on the scope of another act.
const fn depends(rule: Seen) -> bool {
    match rule {
        Seen::By(_) | Seen::Words | Seen::Parties => true,
        Seen::Everybody
        | Seen::Asker
        | Seen::Case
        | Seen::Present
        | Seen::Told
        | Seen::Offices
        | Seen::Watched => false,
    }
}

/// What differs by reader whatever the sight allows.
const PERSONAL: &[&str] = &["availableActions", "availableHandoffKinds"];

/// Compares what came to each reader of a case with the table; gives the faults.
fn judged(found: &[(&Reader, Found)], shown: &mut BTreeSet<(String, String)>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut there: BTreeSet<&(String, String, String)> = BTreeSet::new();
    for (reader, seen_by) in found {
        if reader.sight != Sight::Past {
            there.extend(seen_by.iter().filter(|(_, came)| **came).map(|(key, _)| key));
        }
    }
    for (reader, seen_by) in found {
        for (key, came) in seen_by {
            let (place, object, field) = key;
            let Some(rule) = seen(object, field) else {
                faults.push(format!("{object}.{field} has no row"));
                continue;
            };
            let may = may_see(rule, reader);
            if *came {
                shown.insert((object.clone(), field.clone()));
            }
            if *came && !may {
                faults.push(format!("{} sees {place}, {object}.{field}", reader.name));
            }
            let part = reader.sight == Sight::Past || PERSONAL.contains(&field.as_str());
            if !*came && may && !part && !depends(rule) && there.contains(key) {
                faults.push(format!("{} does not see {place}, {object}.{field}", reader.name));
            }
        }
    }
    faults
}

#[test]
fn every_field_of_the_schema_has_a_row_and_is_asked() {
    let mut asking = Asking::new();
    asking.each("Case", "case");
    let roots = asking.contract.field_names("Query");
    for (_, result) in roots {
        asking.selection(&result, &mut Vec::new(), DEPTH + 2);
    }
    let mut faults = Vec::new();
    for (object, field) in asking.contract.all_fields() {
        if object.ends_with("Payload") || object.ends_with("UserError") {
            continue;
        }
        let root = ["Query", "Mutation", "Subscription"].contains(&object.as_str());
        if !root && seen(&object, &field).is_none() {
            faults.push(format!("{object}.{field} has no row in policy::fields"));
        }
        if !ANSWERS.contains(&object.as_str()) && !asking.asked.contains(&(object.clone(), field.clone())) {
            faults.push(format!("{object}.{field} is never asked"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

story!(
    /// Two cases with all that happens to cases, each field read by everybody who may read the case.
    every_field_of_a_case_comes_to_whom_the_table_says,
    async |world| {
        let county = County::open().await;
        let wide = [
            ("ONEDOOR__LIMITS__FIELDS_MAX", "20000"),
            ("ONEDOOR__LIMITS__TOKENS_MAX", "20000"),
            ("ONEDOOR__LIMITS__COMPLEXITY_MAX", "1000000"),
        ];
        let app = county.gateway_with(world, &wide, vec![county.upstream()]).await;
        let resident = app.anybody().bearing(&app.actors.citizen("a-resident"));
        let (bound, by_hand) = rich(&app, &county, &resident).await;
        let (mut faults, mut shown) = (Vec::new(), BTreeSet::new());
        let readers = readers(&app, &resident);
        for (is_bound, case) in [(true, &bound), (false, &by_hand)] {
            let mut found = Vec::new();
            for (_, reader) in readers.iter().filter(|(of_bound, _)| *of_bound == is_bound) {
                found.push((reader, all_of(reader, case).await));
            }
            faults.extend(judged(&found, &mut shown));
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
        // what is hidden from somebody was there to be hidden
        for (object, field) in Contract::of_this_build().all_fields() {
            let rule = seen(&object, &field);
            let hidden = matches!(rule, Some(Seen::Told | Seen::Offices | Seen::Present))
                || (object == "TimelineEvent" && rule == Some(Seen::Words))
                || (object == "Handoff" && rule == Some(Seen::Parties));
            // documents are told by stories of their own (`stories::attachments`)
            let elsewhere = ["UpstreamStatus", "Document"].contains(&object.as_str()) || field == "documents";
            if hidden && seen(&object, &field) != Some(Seen::Asker) && !elsewhere {
                assert!(shown.contains(&(object.clone(), field.clone())), "nobody was shown {object}.{field}");
            }
        }
        nobody_else_sees_anything(&app, &bound).await;
        app.stop(world).await;
    }
);

async fn all_of(reader: &Reader, case: &Case) -> Found {
    let root = if reader.tracks {
        format!(
            r#"trackCase(trackingCode: "{}", secret: "{}")"#,
            case.tracking_code, case.secret
        )
    } else {
        format!(r#"case(by: {{ id: "{}" }})"#, case.id)
    };
    let mut found = Found::new();
    for question in Asking::new().each("Case", &root) {
        let answer = reader
            .gql
            .ask(&format!("query {{ seen: {question} }}"), json!({}))
            .await;
        let denied = |code: &&str| ["FORBIDDEN", "UNAUTHENTICATED"].contains(code);
        assert!(
            answer.status == 200 && answer.codes().iter().all(denied) && answer.at("/seen").is_object(),
            "{}: {question} {}",
            reader.name,
            answer.body
        );
        note(answer.at("/seen"), "case", &mut found);
    }
    found
}

/// Whoever may not read the case gets nothing of it, whatever field they ask for.
async fn nobody_else_sees_anything(app: &TestApp, case: &Case) {
    let bearing = |token: String| app.anybody().bearing(&token);
    let root = format!(r#"case(by: {{ id: "{}" }})"#, case.id);
    for stranger in [
        app.anybody(),
        app.clerk(OTHER_TOWNSHIP),
        app.officer(CIVIL_AFFAIRS),
        app.supervisor("340322000000"),
        bearing(app.actors.citizen("somebody-else")),
        bearing(app.actors.admin()),
        bearing(app.actors.security_admin()),
        bearing(app.actors.audit_admin()),
    ] {
        for question in Asking::new().each("Case", &root) {
            let answer = stranger
                .ask(&format!("query {{ seen: {question} }}"), json!({}))
                .await;
            assert!(answer.at("/seen").is_null(), "{question}: {}", answer.body);
        }
    }
}

story!(
    /// Every other root field with all that is below it, as every kind of actor.
    every_field_below_the_roots_comes_to_whom_the_table_says,
    async |world| {
        let county = County::open().await;
        let wide = [
            ("ONEDOOR__LIMITS__FIELDS_MAX", "20000"),
            ("ONEDOOR__LIMITS__TOKENS_MAX", "20000"),
            ("ONEDOOR__LIMITS__COMPLEXITY_MAX", "1000000"),
        ];
        let app = county.gateway_with(world, &wide, vec![county.upstream()]).await;
        let resident = app.anybody().bearing(&app.actors.citizen("a-resident"));
        rich(&app, &county, &resident).await;
        let mut asking = Asking::new();
        let mut faults = Vec::new();
        for (root, result) in asking.contract.field_names("Query") {
            let question = format!(
                "query {{ seen: {} {} }}",
                arguments_of("Query", &root),
                asking.selection(&result, &mut Vec::new(), DEPTH)
            );
            for (kind, caller) in super::matrix::everybody(&app) {
                let answer = caller.ask(&question, json!({})).await;
                assert!(answer.status == 200, "{root}: {}", answer.body);
                let never = grant(act_of_field("Query", &root).unwrap(), kind).scope == Scope::Never;
                if never && !answer.at("/seen").is_null() {
                    faults.push(format!("{kind:?} sees {root}"));
                }
                let mut found = Found::new();
                note(answer.at("/seen"), &root, &mut found);
                for ((place, object, field), came) in found {
                    match seen(&object, &field) {
                        None => faults.push(format!("{object}.{field} has no row")),
                        Some(Seen::By(act)) if came && grant(act, kind).scope == Scope::Never => {
                            faults.push(format!("{kind:?} sees {place}, {object}.{field}"));
                        }
                        Some(_) => {}
                    }
                }
            }
        }
        faults.sort();
        faults.dedup();
        assert!(faults.is_empty(), "{}", faults.join("\n"));
        app.stop(world).await;
    }
);
