//! One system at work: knows its secrets, takes applications over, and writes every request into the journal.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};

use crate::sandbox::city::book::{Application, Book, Intake, Word};
use crate::sandbox::city::{Persona, course};
use crate::sandbox::department::{Call, Department};
use crate::sandbox::modes::{Aspect, Rule, Rules, Target};
use crate::sandbox::store::Did;
use crate::sandbox::wire::Event;
use crate::secret::Redacted;

/// The desk of one system. A clone is the same desk.
#[derive(Clone)]
pub struct Desk(Arc<Inner>);

struct Inner {
    persona: &'static Persona,
    department: Department,
    book: Mutex<Book>,
    rules: Mutex<Rules>,
}

impl Desk {
    /// One that remembers nothing yet; journal, clock and the way out are the department's.
    #[must_use]
    pub fn new(persona: &'static Persona, department: Department) -> Self {
        let book = Mutex::new(Book::new(department.now(), persona.number));
        Self(Arc::new(Inner {
            persona,
            department,
            book,
            rules: Mutex::default(),
        }))
    }

    /// The system that sits here.
    #[must_use]
    pub fn persona(&self) -> &'static Persona {
        self.0.persona
    }

    /// The sandbox around it: the journal, the clock, the way out.
    #[must_use]
    pub fn department(&self) -> &Department {
        &self.0.department
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.0.department.now()
    }

    /// What it remembers.
    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.0.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its rules in force.
    pub fn rules(&self) -> MutexGuard<'_, Rules> {
        self.0.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A secret that it shares with its callers, by the end of its name: `TOKEN`, `CALLBACK_SECRET`; `None`: not known,
    /// and nobody is let in by it.
    #[must_use]
    pub fn secret(&self, what: &str) -> Option<&Redacted<String>> {
        let system = self.0.persona.name.to_ascii_uppercase().replace('-', "_");
        let known = self.0.department.settings.city.as_ref()?;
        known.get(&format!("ONEDOOR_CITY_{system}_{what}"))
    }

    /// Whether somebody brought a secret.
    #[must_use]
    pub fn knows(&self, what: &str, brought: &str) -> bool {
        self.secret(what)
            .is_some_and(|secret| *secret == Redacted::new(brought.to_owned()))
    }

    /// A request that has come in, under the rule for it. Its key is whatever this system recognizes a repetition by.
    pub fn call(&self, request: &HttpRequest, on: Target, our_ref: Option<&str>, key: Option<&str>) -> Call {
        Call {
            request: request.clone(),
            key: key.map(str::to_owned),
            our_ref: our_ref.map(str::to_owned),
            rule: self.rules().take(Aspect::Answer, on, our_ref),
        }
    }

    /// The rule for one aspect of an application.
    pub fn rule(&self, aspect: Aspect, our_ref: &str) -> Rule {
        self.rules().take(aspect, Target::Submit, Some(our_ref))
    }

    /// Ends a request that was told to have no effect.
    pub async fn without_effect(&self, call: &Call) -> HttpResponse {
        self.0.department.without_effect(call).await
    }

    /// Ends a request that is refused, in the words of the system.
    pub fn refused(&self, call: &Call, answer: HttpResponse) -> HttpResponse {
        let status = answer.status().as_u16();
        self.0.department.note(call, Did::Refused, None, Some(status));
        answer
    }

    /// Ends any other request, in the words of the system.
    pub async fn done(
        &self,
        call: &Call,
        did: Did,
        number: Option<&str>,
        answer: HttpResponse,
    ) -> HttpResponse {
        let status = call.rule.answered(answer.status().as_u16());
        self.0.department.note(call, did, number, status);
        self.0
            .department
            .answer(call, number.unwrap_or_default(), Some(answer))
            .await
    }

    /// Takes an application over and starts its course; a key that was seen before gives what it gave then.
    pub async fn take_in(&self, call: &Call, intake: Intake) -> (Application, Did) {
        if let Some(known) = self.repeated(call) {
            return (known, Did::Repeated);
        }
        let application = self.book().take_in(call.key.as_deref(), intake, self.now());
        course::follow(self, &application).await;
        (application, Did::Accepted)
    }

    /// Takes a known application over again and starts its course anew; `None`: no such number.
    pub async fn take_again(&self, call: &Call, number: &str, intake: Intake) -> Option<(Application, Did)> {
        if let Some(known) = self.repeated(call) {
            return Some((known, Did::Repeated));
        }
        let key = call.key.as_deref();
        let application = self.book().take_again(key, number, intake, self.now())?;
        course::follow(self, &application).await;
        Some((application, Did::Accepted))
    }

    /// Takes in papers that came later; `None`: no such number.
    pub fn supplement(&self, call: &Call, number: &str, papers: Vec<String>) -> Option<(Application, Did)> {
        if let Some(known) = self.repeated(call) {
            return Some((known, Did::Repeated));
        }
        let key = call.key.as_deref();
        let application = self.book().supplement(key, number, papers, self.now())?;
        Some((application, Did::Supplemented))
    }

    /// Stops an application; `None`: no such number.
    pub fn withdraw(&self, call: &Call, number: &str, cause: Option<String>) -> Option<Application> {
        let key = call.key.as_deref();
        self.book().withdraw(key, number, cause, self.now())
    }

    /// Says something of an application, and reports it where the system reports.
    pub fn say(&self, number: &str, word: Word) -> Option<Event> {
        let event = self.book().say(number, word, self.now())?;
        course::report_told(self, &event);
        Some(event)
    }

    fn repeated(&self, call: &Call) -> Option<Application> {
        let idempotent = self.0.department.settings.idempotent;
        let key = call.key.as_deref().filter(|_| idempotent)?;
        self.book().by_key(key).cloned()
    }
}
