//! The course of an application after it was taken over: receipt, decision or opinion, and the reports of both.

use crate::sandbox::callback::Try;
use crate::sandbox::department::Department;
use crate::sandbox::millis;
use crate::sandbox::modes::{Aspect, Mode, Target};
use crate::sandbox::store::{Application, Did, Direction, JournalLine};
use crate::sandbox::wire::{Answer, Decision, Details, Event, EventKind};

/// Starts the course of an application, as the rules say.
pub async fn follow(department: &Department, application: &Application) {
    let our_ref = Some(application.our_ref.as_str());
    let reporting = department.take(Aspect::Callback, Target::Submit, our_ref).mode;
    let deciding = department.take(Aspect::Decision, Target::Submit, our_ref).mode;
    let decision = if deciding == Mode::Deny {
        Decision::Denied
    } else {
        Decision::Approved
    };
    let course = Course {
        department: department.clone(),
        serial_no: application.serial_no.clone(),
        url: application
            .callback_url
            .clone()
            .filter(|_| reporting != Mode::CallbackNever),
        reporting,
        decision: (deciding != Mode::DecideWhenTold).then_some(decision),
        consulted: application.consulted,
    };
    if reporting == Mode::CallbackEarly {
        course.early().await;
    } else {
        actix_web::rt::spawn(course.run());
    }
}

/// Reports a decision that was ordered from outside.
pub fn report_told(department: &Department, callback_url: Option<String>, event: Event) {
    let reporting = department
        .take(Aspect::Callback, Target::Submit, Some(&event.our_ref))
        .mode;
    let course = Course {
        department: department.clone(),
        serial_no: event.serial_no.clone(),
        url: callback_url.filter(|_| reporting != Mode::CallbackNever),
        reporting,
        decision: None,
        consulted: false,
    };
    actix_web::rt::spawn(async move { course.report(Some(&event)).await });
}

/// What happens to one application after it was taken over.
struct Course {
    department: Department,
    serial_no: String,
    url: Option<String>,
    reporting: Mode,
    decision: Option<Decision>,
    /// Whether an opinion is asked for, and not a decision.
    consulted: bool,
}

impl Course {
    /// Received, then decided, each reported; or the reports the other way round.
    async fn run(self) {
        let half = millis(self.department.settings.decide_after_ms / 2);
        actix_web::rt::time::sleep(half).await;
        let received = self.receive();
        if self.reporting != Mode::CallbackOutOfOrder {
            self.report(received.as_ref()).await;
        }
        actix_web::rt::time::sleep(half).await;
        let decided = self.decide();
        self.report(decided.as_ref()).await;
        if self.reporting == Mode::CallbackOutOfOrder {
            self.report(received.as_ref()).await;
        }
    }

    /// Decides at once and reports once before the caller has its answer; goes on trying afterwards.
    async fn early(self) {
        let _received = self.receive();
        let decided = self.decide();
        if let (Some(url), Some(event)) = (&self.url, &decided) {
            let status = self.department.report_once(url, event, self.reporting).await;
            if status.is_some_and(|status| (200..300).contains(&status)) {
                return;
            }
        }
        actix_web::rt::spawn(async move { self.report(decided.as_ref()).await });
    }

    fn receive(&self) -> Option<Event> {
        let now = self.department.now();
        self.department.store().receive(&self.serial_no, now)
    }

    fn decide(&self) -> Option<Event> {
        let (now, decision) = (self.department.now(), self.decision?);
        let mut store = self.department.store();
        if !self.consulted {
            return store.decide(&self.serial_no, decision, None, now);
        }
        let (answer, text) = match decision {
            Decision::Approved => (Answer::Agree, "同意。"),
            Decision::Denied => (Answer::Object, "不同意，理由见附件。"),
        };
        let details = Details {
            answer: Some(answer),
            ..Details::default()
        };
        let words = (Some(text.to_owned()), details);
        store.say(&self.serial_no, EventKind::Opinion, words, now)
    }

    async fn report(&self, event: Option<&Event>) {
        let (Some(url), Some(event)) = (&self.url, event) else {
            return;
        };
        if self.reporting == Mode::CallbackTwice {
            let once = || self.department.report_until_heard(url, event, self.reporting);
            futures_util::future::join(once(), once()).await;
        } else {
            self.department
                .report_until_heard(url, event, self.reporting)
                .await;
        }
    }
}

impl Department {
    async fn report_until_heard(&self, url: &str, event: &Event, mode: Mode) {
        for number in 0.. {
            let status = self.report_once(url, event, mode).await;
            if status.is_some_and(|status| (200..300).contains(&status)) {
                return;
            }
            let Some(pause) = (Try { number }).pause() else {
                return;
            };
            actix_web::rt::time::sleep(pause).await;
        }
    }

    async fn report_once(&self, url: &str, event: &Event, mode: Mode) -> Option<u16> {
        let status = self.reporter.report(url, event).await;
        let line = JournalLine {
            n: 0,
            at: self.now(),
            direction: Direction::Out,
            method: "POST".to_owned(),
            path: url.to_owned(),
            media_type: Some("application/json".to_owned()),
            key: Some(event.event_id.clone()),
            our_ref: Some(event.our_ref.clone()),
            serial_no: Some(event.serial_no.clone()),
            mode,
            did: Did::Reported,
            status,
        };
        self.store().note(line);
        status
    }
}
