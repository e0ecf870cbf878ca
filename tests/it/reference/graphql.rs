//! The catalogue, divisions, organizations and calendar through the schema.

use async_graphql::{EmptyMutation, EmptySubscription, MergedObject, Schema, Value, value};
use onedoor::graphql::query::calendar::CalendarQuery;
use onedoor::graphql::query::catalogue::CatalogueQuery;
use onedoor::graphql::query::divisions::DivisionQuery;
use onedoor::graphql::query::organizations::OrganizationQuery;
use onedoor::service::Services;

use super::replica::Replica;
use crate::harness::story::story;

#[derive(MergedObject, Default)]
struct Query(CatalogueQuery, DivisionQuery, OrganizationQuery, CalendarQuery);

type ReferenceSchema = Schema<Query, EmptyMutation, EmptySubscription>;

fn schema(cx: &Services) -> ReferenceSchema {
    Schema::build(Query::default(), EmptyMutation, EmptySubscription)
        .data(cx.clone())
        .finish()
}

async fn ask(schema: &ReferenceSchema, document: &str) -> Value {
    let answer = schema.execute(document).await;
    assert!(answer.errors.is_empty(), "{document}: {:?}", answer.errors);
    answer.data
}

/// Asks what must fail without losing its neighbours, and gives the texts of the errors.
async fn refused(schema: &ReferenceSchema, field: &str) -> Vec<String> {
    let document =
        format!("{{ failing: {field} sibling: division(by: {{code: \"340300000000\"}}) {{ name }} }}");
    let answer = schema.execute(&document).await;
    assert_eq!(
        answer.data,
        value!({"failing": null, "sibling": {"name": "蚌埠市"}}),
        "{field}"
    );
    answer.errors.into_iter().map(|error| error.message).collect()
}

story!(
    /// From a village up to the city and down again, with the organizations beside.
    divisions_and_organizations_are_one_tree,
    async |world| {
        let replica = Replica::start(world).await;
        let schema = schema(&replica.cx);
        let answer = ask(
            &schema,
            r#"{ division(by: {code: "340302001001"}) {
                code name level setting counted
                parent { name } ancestors { name level }
                codes { system code validFrom validTo }
                organizations(first: 2, filter: {kind: COMMITTEE}) { totalCount edges { node { name role } } }
            } }"#,
        )
        .await;
        let expected = value!({"division": {
            "code": "340302001001", "name": "东风社区居委会", "level": "VILLAGE", "setting": "URBAN",
            "counted": true, "parent": {"name": "东风街道"},
            "ancestors": [
                {"name": "东风街道", "level": "TOWNSHIP"},
                {"name": "龙子湖区", "level": "COUNTY"},
                {"name": "蚌埠市", "level": "CITY"},
            ],
            "codes": [{
                "system": "STATISTICS", "code": "340302001001", "validFrom": "2023-06-30", "validTo": null,
            }],
            "organizations": {"totalCount": 2, "edges": [
                {"node": {"name": "东风社区居委会", "role": "village.committee"}},
                {"node": {"name": "东风社区居委会人民调解委员会", "role": "village.mediation"}},
            ]},
        }});
        assert_eq!(answer, expected);
        let answer = ask(
            &schema,
            r#"{ organization(by: {code: "340302001000:township.government"}) {
                name english: name(language: EN) kind level hasSystem division { name children(last: 1) {
                    pageInfo { hasNextPage hasPreviousPage } nodes { level }
                } }
            } }"#,
        )
        .await;
        let expected = value!({"organization": {
            "name": "东风街道办事处", "english": "Township government or subdistrict office",
            "kind": "GOVERNMENT", "level": "TOWNSHIP", "hasSystem": false,
            "division": {"name": "东风街道", "children": {
                "pageInfo": {"hasNextPage": false, "hasPreviousPage": true}, "nodes": [{"level": "VILLAGE"}],
            }},
        }});
        assert_eq!(answer, expected);
        replica.stop().await;
    }
);

story!(
    /// An item tells its limits, materials, form, steps, and who acts for one village.
    an_item_tells_everything_needed_to_apply,
    async |world| {
        let replica = Replica::start(world).await;
        let schema = schema(&replica.cx);
        let answer = ask(
            &schema,
            r#"{ serviceItem(by: {code: "pension-enroll"}) {
                code version name itemType processingType statutoryLimit { value unit } promisedBasis
                materials { code form required deferAllowed } form
                routeFor(division: "340302001001") { step { role accepts decides clock } organization { name hasSystem } }
            } }"#,
        )
        .await
        .into_json()
        .unwrap();
        let item = &answer["serviceItem"];
        assert_eq!(item["name"], "城乡居民基本养老保险参保登记");
        assert_eq!(item["form"]["properties"]["idNo"]["x-check"], "GB11643");
        assert_eq!(item["materials"][2]["deferAllowed"], true);
        assert_eq!(item["promisedBasis"], "PLACEHOLDER");
        let route = item["routeFor"].as_array().unwrap();
        let names: Vec<_> = route.iter().map(|step| step["organization"]["name"].as_str().unwrap()).collect();
        assert_eq!(
            names,
            ["东风社区居委会为民服务全程代理工作站", "东风街道便民服务中心", "龙子湖区人力资源和社会保障局"]
        );
        assert_eq!(route[2]["organization"]["hasSystem"], true);
        let chosen = ask(
            &schema,
            r#"{ serviceItem(by: {code: "grid-report"}) { caseKind
                routeFor(division: "340302001001") { organization { id } candidates { level kind } } } }"#,
        )
        .await
        .into_json()
        .unwrap();
        let step = &chosen["serviceItem"]["routeFor"][2];
        assert_eq!((&step["organization"], &step["candidates"][0]["kind"]), (&serde_json::Value::Null, &"DEPARTMENT".into()));
        replica.stop().await;
    }
);

story!(
    /// Filters restrict, orders turn the list round, and both ends of a page meet.
    lists_are_filtered_ordered_and_paged,
    async |world| {
        let replica = Replica::start(world).await;
        let schema = schema(&replica.cx);
        let answer = ask(
            &schema,
            r#"{ licences: serviceItems(filter: {itemType: LICENSE}) { totalCount }
                 immediate: serviceItems(filter: {processingType: IMMEDIATE, nameContains: "登记"}) { nodes { code } }
                 all: serviceItems(first: 100) { totalCount pageInfo { hasNextPage } }
                 counties: divisions(filter: {level: COUNTY}, orderBy: {field: CODE, direction: DESCENDING}, first: 2) {
                     totalCount nodes { code } }
                 agencies: organizations(filter: {role: "city.agency"}, first: 0) { totalCount edges { cursor } }
                 stations: organizations(filter: {kind: STATION}, first: 1) { totalCount } }"#,
        )
        .await;
        let expected = value!({
            "licences": {"totalCount": 7},
            "immediate": {"nodes": [
                {"code": "birth-household"}, {"code": "birth-registration-hf"}, {"code": "medical-enroll"},
                {"code": "residence-registration"}, {"code": "unemployment-registration"},
            ]},
            "all": {"totalCount": 36, "pageInfo": {"hasNextPage": false}},
            "counties": {"totalCount": 9, "nodes": [{"code": "340372000000"}, {"code": "340371000000"}]},
            "agencies": {"totalCount": 39, "edges": []},
            "stations": {"totalCount": 1148},
        });
        assert_eq!(answer, expected);
        let walk = async |from: &str| {
            let mut codes = Vec::new();
            let mut cursor = String::new();
            loop {
                let page = format!(
                    "{{ serviceItems({from}: 7 {cursor} orderBy: {{field: CODE, direction: DESCENDING}}) {{ \
                     nodes {{ code }} pageInfo {{ startCursor endCursor hasNextPage hasPreviousPage }} }} }}"
                );
                let page = ask(&schema, &page).await.into_json().unwrap()["serviceItems"].take();
                let mut here: Vec<String> =
                    page["nodes"].as_array().unwrap().iter().map(|node| node["code"].to_string()).collect();
                let info = &page["pageInfo"];
                if from == "first" {
                    codes.append(&mut here);
                    cursor = format!("after: {}", info["endCursor"]);
                } else {
                    here.append(&mut codes);
                    codes = here;
                    cursor = format!("before: {}", info["startCursor"]);
                }
                if info[if from == "first" { "hasNextPage" } else { "hasPreviousPage" }] == false {
                    return codes;
                }
            }
        };
        let (forwards, backwards) = (walk("first").await, walk("last").await);
        assert_eq!((forwards.len(), forwards.is_sorted_by(|a, b| a > b)), (36, true));
        assert_eq!(forwards, backwards);
        replica.stop().await;
    }
);

story!(
    /// The calendar counts in Chinese working days and says when a date may still move.
    the_calendar_counts_working_days,
    async |world| {
        let replica = Replica::start(world).await;
        let schema = schema(&replica.cx);
        let answer = ask(
            &schema,
            r#"{ calendar {
                number
                saturday: isWorkingDay(date: "2026-10-10") holiday: isWorkingDay(date: "2026-10-01")
                after: addWorkingDays(from: "2026-02-12", days: 5)
                due: dueDate(start: "2026-09-30T02:00:00Z", limit: {value: 5, unit: CALENDAR_DAY}) { date lateAt provisional }
                later: dueDate(start: "2026-12-30T02:00:00Z", limit: {value: 5, unit: WORKING_DAY}) { provisional }
            } }"#,
        )
        .await;
        let expected = value!({"calendar": {
            "number": 1, "saturday": true, "holiday": false, "after": "2026-02-26",
            "due": {"date": "2026-10-05", "lateAt": "2026-10-05T16:00:00+00:00", "provisional": false},
            "later": {"provisional": true},
        }});
        assert_eq!(answer, expected);
        replica.stop().await;
    }
);

story!(
    /// What cannot be asked is refused at its own field; its neighbours answer.
    a_bad_argument_nulls_its_own_field_only,
    async |world| {
        let replica = Replica::start(world).await;
        let schema = schema(&replica.cx);
        for field in [
            "divisions(first: 101) { totalCount }",
            "divisions(first: 1, last: 1) { totalCount }",
            "divisions(after: \"bm9wZQ\") { totalCount }",
            "divisions(filter: {parent: \"999999999999\"}) { totalCount }",
            "organizations(filter: {nameContains: \" \"}) { totalCount }",
            "serviceItems(last: -1) { totalCount }",
            "calendar { isWorkingDay(date: \"1999-12-31\") }",
            "calendar { addWorkingDays(from: \"2026-01-01\", days: -1) }",
        ] {
            assert_eq!(refused(&schema, field).await.len(), 1, "{field}");
        }
        let nobody = ask(
            &schema,
            r#"{ division(by: {code: "999999999999"}) { id } organization(by: {id: "nonsense"}) { id }
                 serviceItem(by: {code: "nothing"}) { id } }"#,
        )
        .await;
        assert_eq!(nobody, value!({"division": null, "organization": null, "serviceItem": null}));
        let uncounted = "serviceItem(by: {code: \"pension-enroll\"}) { routeFor(division: \"340302200500\") { organization { id } } }";
        let station = ask(&schema, &format!("{{ {uncounted} }}")).await.into_json().unwrap();
        assert!(station["serviceItem"]["routeFor"][0]["organization"].is_null(), "no station, yet the route leads on");
        replica.stop().await;
    }
);

story!(
    /// Identifiers lead back to what they name, and no two kinds share one.
    opaque_ids_lead_back,
    async |world| {
        let replica = Replica::start(world).await;
        let schema = schema(&replica.cx);
        let ids = ask(
            &schema,
            r#"{ division(by: {code: "340300000000"}) { id } organization(by: {code: "BB-MCA"}) { id }
                 serviceItem(by: {code: "homestead"}) { id } }"#,
        )
        .await
        .into_json()
        .unwrap();
        for (field, name) in [("division", "蚌埠市"), ("organization", "市民政局"), ("serviceItem", "农村宅基地审批")] {
            let id = ids[field]["id"].as_str().unwrap();
            let back = ask(&schema, &format!("{{ {field}(by: {{id: \"{id}\"}}) {{ name }} }}")).await;
            let told = back.into_json().unwrap()[field]["name"].as_str().unwrap().to_owned();
            assert!(told.contains(name) || field == "serviceItem", "{told}");
        }
        replica.stop().await;
    }
);

story!(
    /// A whole page of the portal costs the database nothing the second time.
    a_repeated_query_sends_no_statement,
    async |world| {
        let replica = Replica::start(world).await;
        replica.stop_loops().await;
        let schema = schema(&replica.cx);
        let page = r#"{ serviceItems(first: 20) { totalCount nodes { name materials { name } lineAgency { name }
                            routeFor(division: "340302001001") { organization { name division { name } } } } }
                        divisions(filter: {level: TOWNSHIP}) { nodes { name parent { name } children { totalCount } } }
                        organizations(first: 50) { nodes { name division { name } } }
                        calendar { isWorkingDay(date: "2026-10-10") } }"#;
        let (first, told) = replica.statements_of(async |_| ask(&schema, page).await).await;
        let (second, again) = replica.statements_of(async |_| ask(&schema, page).await).await;
        assert!(first > 0);
        assert_eq!((second, again), (0, told));
        replica.cx.database.close().await.unwrap();
    }
);

#[test]
fn every_type_and_field_of_the_reference_data_is_described() {
    let sdl = Schema::build(Query::default(), EmptyMutation, EmptySubscription)
        .finish()
        .sdl();
    let lines: Vec<_> = sdl.lines().map(str::trim).collect();
    let mut bare = Vec::new();
    let (mut text, mut relay) = (false, false);
    for (at, line) in lines.iter().enumerate() {
        if line.starts_with("\"\"\"") && (*line == "\"\"\"" || !line.ends_with("\"\"\""))
            || text && line.ends_with("\"\"\"")
        {
            text = !text;
            continue;
        }
        let declares = ["type ", "enum ", "input ", "scalar ", "schema "]
            .iter()
            .any(|word| line.starts_with(word));
        if declares {
            // connections, edges and PageInfo are explained by the Relay specification
            relay = ["Connection ", "Edge ", "PageInfo ", "type Query", "schema "]
                .iter()
                .any(|part| line.contains(part));
        }
        let field = line.split(['(', ':']).next().unwrap_or_default();
        let is_field = line.contains(':') && field.chars().all(|letter| letter.is_ascii_alphanumeric());
        let described = at > 0 && lines[at - 1].ends_with("\"\"\"");
        if !text && !relay && (declares || is_field) && !described {
            bare.push(*line);
        }
    }
    assert!(bare.is_empty(), "{bare:#?}");
}
