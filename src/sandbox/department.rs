//! The department at work: lets callers in, keeps the journal, and answers as it was told to.

use std::fs::OpenOptions;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};

use crate::sandbox::answers;
use crate::sandbox::callback::Reporter;
use crate::sandbox::course;
use crate::sandbox::modes::{Aspect, Mode, Rule, Rules, Target};
use crate::sandbox::store::{Application, Did, Direction, JournalLine, Store};
use crate::sandbox::wire::{Refusal, RefusalReason, Taken};
use crate::sandbox::{SandboxError, SandboxSettings, millis};
use crate::secret::Redacted;

/// The department.
#[derive(Clone)]
pub struct Department {
    /// How it runs.
    pub settings: SandboxSettings,
    /// Sends its reports.
    pub reporter: Reporter,
    store: Arc<Mutex<Store>>,
    rules: Arc<Mutex<Rules>>,
}

/// A request as the journal names it.
pub struct Call {
    /// The request.
    pub request: HttpRequest,
    /// Its Idempotency-Key.
    pub key: Option<String>,
    /// The sender's reference.
    pub our_ref: Option<String>,
    /// How to answer it.
    pub rule: Rule,
}

impl Department {
    /// A department that remembers nothing yet.
    ///
    /// # Errors
    /// When the journal cannot be opened or the secret is malformed.
    pub fn new(settings: SandboxSettings) -> Result<Self, SandboxError> {
        let open = |path| OpenOptions::new().create(true).append(true).open(path);
        let file = settings
            .journal_file
            .as_ref()
            .map(open)
            .transpose()
            .map_err(SandboxError::Journal)?;
        let reporter = Reporter::new(&settings)?;
        let store = Arc::new(Mutex::new(Store::new(file, settings.clock.now())));
        Ok(Self {
            settings,
            store,
            rules: Arc::default(),
            reporter,
        })
    }

    /// The time.
    pub fn now(&self) -> DateTime<Utc> {
        self.settings.clock.now()
    }

    /// What it remembers.
    pub fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rule for one aspect of one request.
    pub fn take(&self, aspect: Aspect, on: Target, our_ref: Option<&str>) -> Rule {
        self.rules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take(aspect, on, our_ref)
    }

    fn authorized(&self, request: &HttpRequest) -> bool {
        let sent = request
            .headers()
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let token = sent
            .and_then(|value| value.strip_prefix("Bearer "))
            .unwrap_or_default();
        Redacted::new(token.to_owned()) == self.settings.bearer_token
    }

    /// The rules in force.
    pub fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a request in: about which case, under which rule. `None`, and a line in the journal, without token.
    pub fn open(&self, request: &HttpRequest, on: Target, our_ref: Option<&str>) -> Option<Call> {
        let key = request
            .headers()
            .get("idempotency-key")
            .and_then(|value| value.to_str().ok());
        let call = |rule| Call {
            request: request.clone(),
            key: key.map(str::to_owned),
            our_ref: our_ref.map(str::to_owned),
            rule,
        };
        if self.authorized(request) {
            return Some(call(self.take(Aspect::Answer, on, our_ref)));
        }
        self.note(&call(Rule::of(Mode::Normal)), Did::Refused, None, Some(401));
        None
    }

    /// Writes a request into the journal.
    pub fn note(&self, call: &Call, did: Did, serial_no: Option<&str>, status: Option<u16>) {
        let line = JournalLine {
            n: 0,
            at: self.now(),
            direction: Direction::In,
            method: call.request.method().to_string(),
            path: call.request.path().to_owned(),
            media_type: header(&call.request, &CONTENT_TYPE),
            key: call.key.clone(),
            our_ref: call.our_ref.clone(),
            serial_no: serial_no.map(str::to_owned),
            mode: call.rule.mode,
            did,
            status,
        };
        self.store().note(line);
    }

    /// Ends a request that has no effect.
    pub async fn without_effect(&self, call: &Call) -> HttpResponse {
        self.note(call, Did::Nothing, None, call.rule.answered(500));
        self.answer(call, "", None).await
    }

    /// Answers as the rule says; `proper` is the answer without a rule.
    pub async fn answer(&self, call: &Call, serial_no: &str, proper: Option<HttpResponse>) -> HttpResponse {
        let proper = || proper.unwrap_or_else(|| answers::plain(&call.rule));
        match call.rule.mode {
            Mode::Hang | Mode::AcceptThenHang => answers::hang().await,
            Mode::Reset | Mode::AcceptThenReset => answers::reset(&call.request),
            Mode::Answer | Mode::AcceptThenAnswer => answers::plain(&call.rule),
            Mode::Redirect => answers::redirect(&call.rule),
            Mode::Garbage => answers::garbage(),
            Mode::Truncated => answers::truncated(),
            Mode::Huge => answers::huge(),
            Mode::WrongCharset => answers::wrong_charset(serial_no),
            Mode::Slow => {
                actix_web::rt::time::sleep(millis(call.rule.delay_ms.unwrap_or(1_000))).await;
                proper()
            }
            Mode::Normal
            | Mode::Forget
            | Mode::Renumber
            | Mode::CallbackTwice
            | Mode::CallbackEarly
            | Mode::CallbackOutOfOrder
            | Mode::CallbackNever
            | Mode::Deny
            | Mode::DecideWhenTold => proper(),
        }
    }
}

impl Department {
    /// The application this key already had, when keys are recognized here.
    pub fn repeated(&self, call: &Call) -> Option<Application> {
        let key = call.key.as_deref().filter(|_| self.settings.idempotent)?;
        self.store().by_key(key).cloned()
    }

    /// Answers a request that was taken over, now or before.
    pub async fn taken(&self, call: &Call, application: &Application, did: Did) -> HttpResponse {
        self.note(call, did, Some(&application.serial_no), call.rule.answered(202));
        if did == Did::Accepted {
            course::follow(self, application).await;
        }
        let proper = HttpResponse::Accepted().json(Taken::from(application));
        self.answer(call, &application.serial_no, Some(proper)).await
    }

    /// Answers a request about a number that is not known.
    pub fn unknown(&self, call: &Call) -> HttpResponse {
        self.note(call, Did::Refused, None, Some(422));
        refuse(422, "UNKNOWN_SERIAL_NO", "没有此流水号")
    }
}

fn header(request: &HttpRequest, name: &HeaderName) -> Option<String> {
    let value = request.headers().get(name)?;
    value.to_str().ok().map(str::to_owned)
}

/// A refusal in the department's form.
pub fn refuse(status: u16, code: &str, message: &str) -> HttpResponse {
    let error = RefusalReason {
        code: code.to_owned(),
        message: message.to_owned(),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    HttpResponse::build(status).json(Refusal { error })
}

impl From<&Application> for Taken {
    fn from(application: &Application) -> Self {
        Self {
            serial_no: application.serial_no.clone(),
            state: application.state,
        }
    }
}
