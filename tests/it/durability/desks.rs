//! The people who hand in and accept applications, and remember every answer they were given.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use onedoor::clock::SystemClock;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::actors::Actors;
use crate::harness::gql::{Answer, Gql};
use crate::harness::people::FARMER;
use crate::harness::wait::{PATIENCE, eventually};
use crate::harness::world::World;

/// The kiosk's village and its township.
const STATION: &str = "340321101200:village.station";
const CENTER: &str = "340321101000:township.service-center";

const SUBMIT: &str = "mutation($input: SubmitCaseInput!) { submitCase(input: $input) {
    case { id version status trackingCode } receipt { canonical signature keyId } trackingSecret
    warnings { field } userErrors { code } } }";
const ACCEPT: &str = "mutation($input: AcceptCaseInput!) { acceptCase(input: $input) {
    case { id version status } receipt { canonical signature keyId } userErrors { code } } }";

/// Codes of answers after which the same request with the same key is right.
const RETRYABLE: &[&str] = &["STORE_UNAVAILABLE", "OVERLOADED", "RATE_LIMITED"];

/// One act, which may be asked for again and again.
#[derive(Debug, Clone)]
pub(super) enum Request {
    /// The kiosk hands an application in.
    Submit(Uuid),
    /// The township's clerk accepts it and hands it to the county.
    Accept { key: Uuid, case: String, version: i64 },
}

/// An act that was answered.
#[derive(Debug, Clone)]
pub(super) struct Done {
    pub(super) request: Request,
    /// The answer, byte for byte.
    pub(super) bytes: Vec<u8>,
    pub(super) case: String,
    pub(super) version: i64,
    /// The number of the case as an upstream knows it; with submissions.
    pub(super) reference: String,
}

/// Why there is no answer yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Again {
    /// The connection gave none.
    Silence,
    /// The gateway asks for patience, with this code.
    Code(String),
}

/// Everything that was asked for.
#[derive(Debug, Default)]
pub(super) struct Journal {
    pub(super) done: Vec<Done>,
    /// Asked, and not answered.
    pub(super) in_doubt: Vec<Request>,
    /// Codes of refusals that asked for patience.
    pub(super) again: Vec<Again>,
}

impl Journal {
    pub(super) fn submitted(&self) -> impl Iterator<Item = &Done> {
        self.done
            .iter()
            .filter(|done| matches!(done.request, Request::Submit(_)))
    }

    pub(super) fn accepted(&self) -> impl Iterator<Item = &Done> {
        self.done
            .iter()
            .filter(|done| matches!(done.request, Request::Accept { .. }))
    }
}

/// The two desks at one gateway.
#[derive(Clone)]
pub(super) struct Desks {
    pub(super) kiosk: Gql,
    pub(super) clerk: Gql,
}

impl Desks {
    pub(super) fn at(gateway: SocketAddr, world: &World) -> Self {
        let actors = Actors::of(world, SystemClock);
        let anybody = Gql::anonymous(gateway);
        Self {
            kiosk: anybody.bearing(&actors.kiosk(STATION)),
            clerk: anybody.bearing(&actors.clerk(CENTER)),
        }
    }

    /// Asks once.
    pub(super) async fn ask(&self, request: &Request) -> Result<Done, Again> {
        let answer = self.send(request).await.map_err(|_silence| Again::Silence)?;
        read(request, answer)
    }

    /// Asks once and takes any answer.
    pub(super) async fn send(&self, request: &Request) -> reqwest::Result<Answer> {
        match request {
            Request::Submit(key) => self.kiosk.try_ask(SUBMIT, application(*key)).await,
            Request::Accept { key, case, version } => {
                let input = json!({
                    "case": case, "expectedVersion": version, "idempotencyKey": key, "advance": true,
                });
                self.clerk.try_ask(ACCEPT, json!({ "input": input })).await
            }
        }
    }

    /// Asks until it is answered, at most for so long.
    pub(super) async fn insist(&self, request: &Request, within: Duration) -> Done {
        eventually("an act is answered", within, async || {
            self.ask(request).await.ok()
        })
        .await
    }

    /// Hands in and accepts one application.
    pub(super) async fn carry_one(&self, journal: &RefCell<Journal>) -> Done {
        let submitted = self.insist(&Request::Submit(Uuid::new_v4()), PATIENCE).await;
        journal.borrow_mut().done.push(submitted.clone());
        let accepted = self.insist(&accepting(&submitted), PATIENCE).await;
        journal.borrow_mut().done.push(accepted);
        submitted
    }

    /// So many people hand in and accept without a pause while `open`; who is not answered asks again.
    pub(super) async fn work(&self, people: usize, journal: &RefCell<Journal>, open: &Cell<bool>) {
        join_all((0..people).map(|_| self.work_alone(journal, open))).await;
    }

    async fn work_alone(&self, journal: &RefCell<Journal>, open: &Cell<bool>) {
        let mut next = Request::Submit(Uuid::new_v4());
        while open.get() {
            let Some(done) = self.ask_while(&next, journal, open).await else {
                journal.borrow_mut().in_doubt.push(next);
                return;
            };
            next = following(&done);
            journal.borrow_mut().done.push(done);
        }
    }

    async fn ask_while(
        &self,
        request: &Request,
        journal: &RefCell<Journal>,
        open: &Cell<bool>,
    ) -> Option<Done> {
        loop {
            match self.ask(request).await {
                Ok(done) => return Some(done),
                Err(again) => journal.borrow_mut().again.push(again),
            }
            if !open.get() {
                return None;
            }
            pause(Duration::from_millis(20)).await;
        }
    }

    /// Asks again for what was never answered. Every act ends, and ends once.
    pub(super) async fn resolve(&self, journal: &RefCell<Journal>, within: Duration) {
        let in_doubt = std::mem::take(&mut journal.borrow_mut().in_doubt);
        for request in in_doubt {
            let done = self.insist(&request, within).await;
            journal.borrow_mut().done.push(done);
        }
    }
}

/// The act that follows a submission.
pub(super) fn accepting(submitted: &Done) -> Request {
    Request::Accept {
        key: Uuid::new_v4(),
        case: submitted.case.clone(),
        version: submitted.version,
    }
}

/// What the same person asks for next.
pub(super) fn following(done: &Done) -> Request {
    match done.request {
        Request::Submit(_) => accepting(done),
        Request::Accept { .. } => Request::Submit(Uuid::new_v4()),
    }
}

/// Lets time pass where time itself is the subject: a client's pause, the moment of a crash.
pub(super) async fn pause(time: Duration) {
    drop(tokio::time::timeout(time, std::future::pending::<()>()).await);
}

/// Reads an answer: done, or a refusal that promises that asking again is right. Anything else is a broken promise.
pub(super) fn read(request: &Request, answer: Answer) -> Result<Done, Again> {
    let codes = answer.codes();
    if let Some(code) = codes.first() {
        assert!(
            codes.iter().all(|code| RETRYABLE.contains(code)),
            "{request:?}: {}",
            answer.body
        );
        let text = answer.body["data"].to_string();
        assert!(
            !text.contains("canonical"),
            "a refusal with a receipt: {}",
            answer.body
        );
        assert!(!answer.body.to_string().contains("locked"), "{}", answer.body);
        return Err(Again::Code((*code).to_owned()));
    }
    let name = match request {
        Request::Submit(_) => "submitCase",
        Request::Accept { .. } => "acceptCase",
    };
    let payload = answer.at(&format!("/{name}"));
    assert_eq!(
        payload["userErrors"],
        json!([]),
        "{request:?}: {} {}",
        answer.status,
        answer.body
    );
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(Done {
        request: request.clone(),
        case: text(&payload["case"]["id"]),
        version: payload["case"]["version"].as_i64().unwrap(),
        reference: text(&payload["case"]["trackingCode"]).replace('-', ""),
        bytes: answer.bytes,
    })
}

fn application(key: Uuid) -> Value {
    json!({ "input": {
        "idempotencyKey": key,
        "serviceItem": "pension-enroll",
        "applicant": {
            "kind": "PERSON", "name": FARMER.name, "idType": "RESIDENT_ID", "idNumber": FARMER.id_number,
            "phone": FARMER.phone,
        },
        "form": {
            "name": FARMER.name, "idNo": FARMER.id_number, "mobile": FARMER.phone, "hukou": "340321101200",
            "level": "A",
        },
        "materials": [{ "code": "id", "trust": "C" }, { "code": "hk", "trust": "C" }],
    }})
}
