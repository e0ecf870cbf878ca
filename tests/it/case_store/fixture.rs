//! A store with keys, and write sets as services would make them.

use std::sync::{Arc, LazyLock};

use chrono::{DateTime, TimeZone as _, Utc};
use onedoor::secret::keyring::{KeyPlaces, Keyring};
use onedoor::secret::suite::SuiteName;
use onedoor::store::case::{CaseStore, Loaded};
use onedoor::store::database::{Database, DatabaseSettings};
use onedoor::store::write_set::{
    CaseChange, Commit, IdempotencyClaim, NewDelivery, NewPrivate, NewReceipt, SealedSet, WriteSet,
};
use onedoor_domain::actor::{Actor, ActorKind};
use onedoor_domain::admission::Gate;
use onedoor_domain::calendar::WorkCalendar;
use onedoor_domain::case::command::{By, Command, Context, Submit};
use onedoor_domain::case::decide::{self, decide};
use onedoor_domain::case::state::Channel;
use onedoor_domain::delivery::DeliveryKind;
use onedoor_domain::directory::Rank;
use onedoor_domain::division::Level;
use onedoor_domain::id::{
    CalendarVersionId, CaseId, DeliveryId, DivisionId, HandoffId, ItemVersionId, OrganizationId, ReceiptId,
    ServiceItemId,
};
use onedoor_domain::idempotency::{Fingerprint, IdempotencyKey};
use onedoor_domain::item::{ApplicantKind, Basis, CaseKind, ItemType, ItemVersion, ProcessingType};
use onedoor_domain::limit::Limit;
use onedoor_domain::policy::Act;
use onedoor_domain::proof::{self, ReadProof};
use onedoor_domain::receipt::kind::ReceiptKind;
use onedoor_domain::receipt::parts::{
    Bilingual, ReceiptContact, ReceiptItem, ReceiptOrganization, ReceiptPlace,
};
use onedoor_domain::receipt::{FORMAT, ReceiptBody};
use onedoor_domain::route::{Assignment, HandoffKind, Step, StepClock};
use onedoor_domain::tracking::TrackingCode;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement};
use serde_json::json;
use uuid::Uuid;

use crate::harness::world::World;

pub(super) const STATION: u128 = 1;
pub(super) const TOWNSHIP: u128 = 2;
pub(super) const COUNTY: u128 = 3;
/// Nobody's name; must be found in no column.
pub(super) const CANARY: &str = "金丝雀-canary-7f3a";

pub(super) fn organization(number: u128) -> OrganizationId {
    OrganizationId::from_uuid(Uuid::from_u128(number))
}

pub(super) fn division(number: u128) -> DivisionId {
    DivisionId::from_uuid(Uuid::from_u128(number))
}

pub(super) fn morning() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 23, 2, 0, 0).unwrap()
}

/// Generated once: the stores of one test read what each other wrote.
pub(super) fn keys() -> Arc<Keyring> {
    static KEYS: LazyLock<Arc<Keyring>> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap();
        Arc::new(Keyring::open(KeyPlaces::generated(SuiteName::Intl, folder.path())).unwrap())
    });
    Arc::clone(&KEYS)
}

pub(super) async fn open(world: &World) -> CaseStore {
    let settings = DatabaseSettings::for_url(world.database_url().to_owned());
    let database = Database::connect(&settings, None).await.unwrap();
    database.migrate().await.unwrap();
    CaseStore::new(database, keys())
}

pub(super) fn actor(kind: ActorKind, office: u128) -> Actor {
    Actor {
        kind,
        subject: format!("{kind:?}-{office}"),
        organization: Some(organization(office)),
        division: Some(division(office)),
        approver: false,
    }
}

pub(super) fn reader(act: Act, kind: ActorKind, office: u128) -> ReadProof {
    proof::read(&actor(kind, office), act).unwrap()
}

fn calendar() -> WorkCalendar {
    WorkCalendar::from_rows(CalendarVersionId::from_uuid(Uuid::from_u128(9)), &[]).unwrap()
}

fn step(role: &str, action: &str) -> Step {
    Step {
        role: role.to_owned(),
        level: Level::Village,
        action: action.to_owned(),
        unit: role.to_owned(),
        limit: Some(Limit::working_days(1)),
        at_least: None,
        clock: StepClock::Counted,
        accepts: false,
        decides: false,
        handoff: HandoffKind::Route,
        parallel_group: None,
        assignment: Assignment::ByRole,
    }
}

fn item() -> ItemVersion {
    let intake = Step {
        clock: StepClock::PreAcceptance,
        ..step("village.station", "RECEIVE_AND_SUBMIT")
    };
    let accepting = Step {
        accepts: true,
        ..step("township.service-center", "ACCEPT_AND_REVIEW")
    };
    let deciding = Step {
        decides: true,
        ..step("county.human-resources", "CONFIRM")
    };
    ItemVersion {
        id: ItemVersionId::from_uuid(Uuid::from_u128(70)),
        item: ServiceItemId::from_uuid(Uuid::from_u128(71)),
        code: "pension-enroll".to_owned(),
        version: 1,
        name_zh: "城乡居民基本养老保险参保登记".to_owned(),
        name_en: "Enrollment in basic pension insurance".to_owned(),
        item_type: ItemType::PublicService,
        processing: ProcessingType::Commitment,
        case_kind: CaseKind::Case,
        applicant: ApplicantKind::Person,
        statutory: Limit::working_days(5),
        promised: Limit::working_days(2),
        statutory_basis: Basis::Placeholder,
        promised_basis: Basis::Placeholder,
        catalog_code: None,
        line_agency: None,
        materials: Vec::new(),
        form: json!({}),
        route: vec![intake, accepting, deciding],
    }
}

fn tracking() -> TrackingCode {
    let division = "340302001001".parse().unwrap();
    loop {
        let random = Uuid::new_v4().into_bytes();
        let drawn = TrackingCode::draw(&division, morning().date_naive(), random[..8].try_into().unwrap());
        if let Some(code) = drawn {
            return code;
        }
    }
}

fn context<'a>(
    item: &'a ItemVersion,
    calendar: &'a WorkCalendar,
    ids: &'a mut dyn FnMut() -> Uuid,
    now: DateTime<Utc>,
    by: &Actor,
) -> Context<'a> {
    Context {
        now,
        item,
        calendar,
        by: By::from(by),
        ids,
        places: &|_| Vec::new(),
        living: &|id| id,
        may_be_chosen: &|_, _, to| to == organization(COUNTY),
        rank: &|_, _| Some(Rank::Beside),
        admission: &|_| Gate::NotGrassroots,
        upstream_of: &|to| (to == organization(COUNTY)).then(|| "county-hr".to_owned()),
    }
}

/// A new case, taken in by a clerk of the station, with its receipt, its secret and the caller's key.
pub(super) fn submission(now: DateTime<Utc>) -> WriteSet {
    submission_in(now, 901)
}

/// The same in a division.
pub(super) fn submission_in(now: DateTime<Utc>, place: u128) -> WriteSet {
    let (item, calendar) = (item(), calendar());
    let clerk = actor(ActorKind::Clerk, STATION);
    let command = Submit {
        id: CaseId::from_uuid(Uuid::now_v7()),
        tracking: tracking(),
        division: division(place),
        division_code: "340302001001".to_owned(),
        division_name: "龙湖社区".to_owned(),
        route: [STATION, TOWNSHIP, COUNTY]
            .map(|office| Some(organization(office)))
            .to_vec(),
        first_contact: organization(STATION),
        channel: Channel::Window,
        applicant_subject: Some("citizen-1".to_owned()),
        papers: "00".repeat(32),
        authorization: None,
        materials: Vec::new(),
        offline: None,
    };
    let outcome = decide::submit(command, context(&item, &calendar, &mut Uuid::now_v7, now, &clerk)).unwrap();
    let body = receipt(&outcome.case, ReceiptKind::Receipt, now);
    let mut set = WriteSet::of(
        now,
        CaseChange {
            before: None,
            after: outcome.case,
            events: outcome.events,
        },
    );
    set.private = Some(NewPrivate {
        secret_hash: "$argon2id$stand-in".to_owned(),
        applicant: json!({"name": CANARY}),
        form: json!({"area": 3.5, "note": CANARY}),
        materials: json!([]),
        salt: [5; 16],
    });
    set.receipts.push(NewReceipt { body, attests: 0 });
    set.idempotency = Some(claim(Uuid::now_v7(), "one"));
    set.answer = Some(Box::new(answer));
    set
}

/// An answer that shows everything that sealing adds.
fn answer(sealed: &SealedSet) -> Result<Vec<u8>, onedoor::store::error::StoreError> {
    let last = sealed.events.last().unwrap();
    let receipts: Vec<_> = sealed.receipts.iter().map(|receipt| &receipt.signature).collect();
    Ok(serde_json::to_vec(&json!({
        "case": sealed.case.id, "revision": sealed.revision, "hash": last.hash, "receipts": receipts,
    }))
    .unwrap())
}

pub(super) fn claim(key: Uuid, content: &str) -> IdempotencyClaim {
    IdempotencyClaim {
        principal: "Clerk-1".to_owned(),
        key: IdempotencyKey::from_uuid(key),
        act: "submitCase",
        fingerprint: Fingerprint::of("submitCase", &json!({"content": content})).unwrap(),
    }
}

/// An act of an office on a case as loaded.
pub(super) fn act(
    loaded: Loaded,
    kind: ActorKind,
    office: u128,
    command: &Command,
    now: DateTime<Utc>,
) -> WriteSet {
    let (item, calendar) = (item(), calendar());
    let by = actor(kind, office);
    let mut ids = Uuid::now_v7;
    let outcome = decide(
        &loaded.case,
        command,
        context(&item, &calendar, &mut ids, now, &by),
    )
    .unwrap();
    WriteSet::of(
        now,
        CaseChange {
            before: Some(loaded),
            after: outcome.case,
            events: outcome.events,
        },
    )
}

pub(super) fn receipt(
    case: &onedoor_domain::case::state::Case,
    kind: ReceiptKind,
    now: DateTime<Utc>,
) -> ReceiptBody {
    let both = |zh: &str, en: &str| Bilingual {
        zh: zh.to_owned(),
        en: en.to_owned(),
    };
    ReceiptBody {
        format: FORMAT,
        id: ReceiptId::from_uuid(Uuid::now_v7()),
        kind,
        corrects: None,
        case: case.id,
        tracking_code: case.tracking.clone(),
        item: ReceiptItem {
            code: case.item_code.clone(),
            version: 1,
            name: both("参保登记", "Enrollment"),
        },
        organization: ReceiptOrganization {
            id: organization(STATION),
            code: "340302001001:village.station".to_owned(),
            name: both("便民服务站", "Station"),
        },
        place: ReceiptPlace::Window { name: None },
        clerk: Some("Clerk-1".to_owned()),
        applicant_masked: CANARY.to_owned(),
        materials: Vec::new(),
        event_at: now,
        offline: None,
        due: Vec::new(),
        statement: None,
        transfer: None,
        contact: ReceiptContact {
            track: both("查", "Track"),
            complain: both("诉", "Complain"),
            verify_url: "http://127.0.0.1/v".to_owned(),
        },
        ledger: None,
    }
}

pub(super) fn delivery(handoff: HandoffId, upstream: &str) -> NewDelivery {
    NewDelivery {
        id: DeliveryId::from_uuid(Uuid::now_v7()),
        handoff,
        upstream: upstream.to_owned(),
        kind: DeliveryKind::Submit,
        key: handoff.to_string(),
        tells: None,
    }
}

/// Stores a set that nothing stands against.
pub(super) async fn stored(store: &CaseStore, set: WriteSet) -> SealedSet {
    match store.commit(set).await.unwrap() {
        Commit::Committed(sealed) => *sealed,
        other => panic!("not committed: {other:?}"),
    }
}

pub(super) async fn load(store: &CaseStore, case: CaseId) -> Loaded {
    store.load_case(case).await.unwrap().unwrap()
}

pub(super) async fn count(connection: &DatabaseConnection, table: &str) -> i64 {
    let sql = format!("select count(*) from {table}");
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let row = connection.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}
