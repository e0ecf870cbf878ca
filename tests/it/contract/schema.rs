//! The public contract: schema.graphql is the schema of this build, and it keeps the project's conventions.

use async_graphql::parser::types::{ObjectType, TypeKind};
use onedoor::graphql::schema::sdl;
use onedoor_domain::policy::act_of_field;

use super::page::assert_page;
use super::sdl::{Contract, bottom, is_list};
use super::source::assert_none;

/// Plain lists of things: each is bounded by what it hangs on, so that it needs no pages.
const BOUNDED_LISTS: &[&str] = &[
    "Board.byDay",
    "Board.counts",
    "Board.undelivered",
    "Case.cards",
    "Case.clocks",
    "Case.documents",
    "Case.externalNumbers",
    "Case.handoffTimeline",
    "Case.handoffs",
    "Case.owedMaterials",
    "Case.receipts",
    "Case.supervisionOrders",
    "Case.supplements",
    "Case.timeline",
    "Changes.changes",
    "Delivery.lastAttempts",
    "Division.ancestors",
    "Division.codes",
    "FindCasesByApplicantPayload.cases",
    "Handoff.deliveries",
    "Handoff.evaluations",
    "Handoff.materials",
    "KioskItemResult.warnings",
    "LoopClosure.bySetting",
    "PersonalData.materialNotes",
    "Query.nodes",
    "Query.upstreams",
    "ResolvedStep.candidates",
    "Satisfaction.bySetting",
    "SatisfactionFigures.grades",
    "ServiceItem.admissions",
    "ServiceItem.materials",
    "ServiceItem.route",
    "ServiceItem.routeFor",
    "SubmitCasePayload.warnings",
    "SyncKioskPayload.results",
    "UpstreamSystem.backlog",
];

/// What can be asked for again by its opaque id.
const NODES: &[&str] = &["Case", "Division", "Kiosk", "Organization", "ServiceItem"];

/// Mutations that begin something; all others change the state of something that has a version.
const BEGINNING: &[&str] = &[
    "saveDraft",
    "submitCase",
    "reconcileUpstream",
    "revokeAccess",
    "enrollKiosk",
    "syncKiosk",
    "revealPersonalData",
    "findCasesByApplicant",
    "createUploadTicket",
    "createDownloadTicket",
];

/// Mutations that carry many acts, and the input of one, which has the key.
const KEYED_EACH: &[(&str, &str)] = &[("syncKiosk", "KioskItemInput")];

/// Acts that change nothing another could have changed (DOMAIN §2).
const UNVERSIONED: &[&str] = &[
    "remindHolder",
    "evaluateCase",
    "evaluateHandoff",
    "answerEvaluation",
    "restoreAccess",
    // what was stolen is ended whatever became of it meanwhile
    "revokeKiosk",
];

#[test]
fn the_schema_file_is_what_the_program_prints() {
    assert_page(
        "schema.graphql",
        "UPDATE_SCHEMA",
        &format!("{}\n", sdl().trim_end()),
    );
}

#[test]
fn everything_is_described() {
    let contract = Contract::of_this_build();
    let mut bare = Vec::new();
    let mut look = |described: bool, what: String| {
        if !described {
            bare.push(what);
        }
    };
    for definition in &contract.types {
        let name = &definition.name.node;
        look(definition.description.is_some(), format!("{name}"));
        match &definition.kind {
            TypeKind::Object(ObjectType { fields, .. })
            | TypeKind::Interface(async_graphql::parser::types::InterfaceType { fields, .. }) => {
                for field in fields {
                    let field = &field.node;
                    look(field.description.is_some(), format!("{name}.{}", field.name.node));
                    for argument in &field.arguments {
                        let argument = &argument.node;
                        look(
                            argument.description.is_some(),
                            format!("{name}.{}({}:)", field.name.node, argument.name.node),
                        );
                    }
                }
            }
            TypeKind::InputObject(input) => {
                for field in &input.fields {
                    let field = &field.node;
                    look(field.description.is_some(), format!("{name}.{}", field.name.node));
                }
            }
            TypeKind::Enum(listed) => {
                for value in &listed.values {
                    let value = &value.node;
                    look(
                        value.description.is_some(),
                        format!("{name}.{}", value.value.node),
                    );
                }
            }
            TypeKind::Scalar | TypeKind::Union(_) => {}
        }
    }
    assert_none(
        &bare,
        "every type, field, argument, input field and value is described",
    );
}

#[test]
fn descriptions_are_sentences_for_people() {
    let text = sdl();
    let poor: Vec<String> = [
        "See the field `message`",
        "Implement the",
        "TODO",
        "{0}",
        "concat!",
    ]
    .into_iter()
    .filter(|words| text.contains(words))
    .map(str::to_owned)
    .collect();
    assert_none(&poor, "descriptions are written for the reader of the schema");
}

#[test]
fn every_root_field_has_a_row_in_the_policy() {
    let contract = Contract::of_this_build();
    let missing: Vec<String> = contract
        .root_fields()
        .into_iter()
        .filter(|(root, field)| act_of_field(root, &field.name.node).is_none())
        .map(|(root, field)| format!("{root}.{}", field.name.node))
        .collect();
    assert_none(
        &missing,
        "a root field is in the vocabulary and has an act in onedoor_domain::policy::FIELDS",
    );
}

#[test]
fn a_mutation_takes_one_input_and_answers_with_typed_user_errors() {
    let contract = Contract::of_this_build();
    let mut faults = Vec::new();
    for field in contract.fields("Mutation") {
        let name = field.name.node.as_str();
        let pascal = format!("{}{}", name[..1].to_uppercase(), &name[1..]);
        let mut expect = |holds: bool, what: &str| {
            if !holds {
                faults.push(format!("{name}: {what}"));
            }
        };
        let arguments: Vec<String> = field
            .arguments
            .iter()
            .map(|argument| format!("{}: {}", argument.node.name.node, argument.node.ty.node))
            .collect();
        expect(
            arguments == [format!("input: {pascal}Input!")],
            "takes exactly one input",
        );
        expect(
            field.ty.node.to_string() == format!("{pascal}Payload!"),
            "returns its payload",
        );
        let payload = contract.fields(bottom(&field.ty.node));
        let errors = payload.iter().find(|field| field.name.node == "userErrors");
        let error_type = format!("{pascal}UserError");
        expect(
            errors.is_some_and(|field| field.ty.node.to_string() == format!("[{error_type}!]!")),
            "its payload has userErrors of its own type",
        );
        expect(
            contract.implements(&error_type, "UserError"),
            "its errors implement UserError",
        );
        let code = contract
            .fields(&error_type)
            .into_iter()
            .find(|field| field.name.node == "code");
        expect(
            code.is_some_and(|field| field.ty.node.to_string() == format!("{pascal}ErrorCode!")),
            "its errors have codes of their own",
        );
        let fields_of = |input: &str| -> Vec<String> {
            let fields = contract.input_fields(input);
            let shown = fields.iter();
            shown
                .map(|field| format!("{}: {}", field.name.node, field.ty.node))
                .collect()
        };
        let inputs = fields_of(&format!("{pascal}Input"));
        let each = KEYED_EACH.iter().find(|(mutation, _)| *mutation == name);
        let keyed = each.map_or_else(|| inputs.clone(), |(_, input)| fields_of(input));
        expect(
            keyed.contains(&"idempotencyKey: UUID!".to_owned()),
            "has an idempotency key",
        );
        expect(
            BEGINNING.contains(&name)
                || UNVERSIONED.contains(&name)
                || inputs.contains(&"expectedVersion: Int!".to_owned()),
            "names the version it changes",
        );
    }
    assert_none(&faults, "mutations have one shape");
}

#[test]
fn lists_are_relay_connections_or_bounded() {
    let contract = Contract::of_this_build();
    let mut faults = Vec::new();
    for (object, kind) in contract.objects() {
        for field in kind.fields.iter().map(|field| &field.node) {
            let (name, returned) = (format!("{object}.{}", field.name.node), bottom(&field.ty.node));
            let relay = returned.ends_with("Connection") || returned.ends_with("Edge");
            let inside = object.ends_with("Connection") || object.ends_with("Edge");
            let errors = field.name.node == "userErrors";
            if is_list(&field.ty.node)
                && contract.is_object(returned)
                && !(inside || errors || BOUNDED_LISTS.contains(&name.as_str()))
            {
                faults.push(format!("{name} is a list without pages"));
            }
            let takes = |argument: &str, kind: &str| {
                field
                    .arguments
                    .iter()
                    .any(|it| it.node.name.node == argument && it.node.ty.node.to_string() == kind)
            };
            let pages = [
                ("first", "Int"),
                ("last", "Int"),
                ("after", "String"),
                ("before", "String"),
            ]
            .iter()
            .all(|(argument, kind)| takes(argument, kind));
            // the board is its page and the counts beside it
            let page_of_board = name == "Board.page";
            if relay && !inside && !pages && !page_of_board {
                faults.push(format!("{name} lacks first, last, after or before"));
            }
            if pages && !relay && returned != "Board" {
                faults.push(format!("{name} takes pages and gives none"));
            }
        }
        if let Some(node) = object.strip_suffix("Connection") {
            let shape: Vec<String> = kind
                .fields
                .iter()
                .map(|field| format!("{}: {}", field.node.name.node, field.node.ty.node))
                .collect();
            let expected = [
                format!("edges: [{node}Edge!]!"),
                format!("nodes: [{node}!]!"),
                "pageInfo: PageInfo!".to_owned(),
                "totalCount: Int".to_owned(),
            ];
            if shape != expected {
                faults.push(format!("{object} has {shape:?}"));
            }
        }
    }
    assert_none(&faults, "a list is a Relay connection, or named here as bounded");
}

#[test]
fn scalars_say_by_what_they_are_specified() {
    let contract = Contract::of_this_build();
    let faults: Vec<String> = contract
        .types
        .iter()
        .filter(|definition| matches!(definition.kind, TypeKind::Scalar))
        .filter(|definition| {
            !definition
                .directives
                .iter()
                .any(|directive| directive.node.name.node == "specifiedBy")
        })
        .map(|definition| definition.name.node.to_string())
        .collect();
    assert_none(&faults, "a scalar carries @specifiedBy");
    let scalars: Vec<&str> = contract
        .types
        .iter()
        .filter(|definition| matches!(definition.kind, TypeKind::Scalar))
        .map(|definition| definition.name.node.as_str())
        .collect();
    assert_eq!(
        scalars,
        ["Date", "DateTime", "DivisionCode", "JSON", "UUID"],
        "the scalars are a closed list"
    );
}

#[test]
fn what_has_an_opaque_key_is_a_node() {
    let contract = Contract::of_this_build();
    let nodes: Vec<&str> = contract
        .objects()
        .map(|(object, _)| object)
        .filter(|object| contract.implements(object, "Node"))
        .collect();
    assert_eq!(nodes, NODES);
    for node in NODES {
        let id = contract
            .fields(node)
            .into_iter()
            .find(|field| field.name.node == "id");
        assert_eq!(
            id.map(|field| field.ty.node.to_string()).as_deref(),
            Some("ID!"),
            "{node}"
        );
    }
}

#[test]
fn lookups_take_exactly_one_way() {
    let contract = Contract::of_this_build();
    for (_, field) in contract.root_fields() {
        for argument in field
            .arguments
            .iter()
            .filter(|argument| argument.node.name.node == "by")
        {
            let lookup = contract.named(bottom(&argument.node.ty.node)).unwrap();
            let one_of = lookup
                .directives
                .iter()
                .any(|directive| directive.node.name.node == "oneOf");
            assert!(one_of, "{}: {} is not @oneOf", field.name.node, lookup.name.node);
        }
    }
}
