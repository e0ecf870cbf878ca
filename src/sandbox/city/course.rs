//! The course of an application after a system took it over: what is said of it by itself, and the report of each word.

use actix_web::rt::{spawn, time::sleep};

use crate::sandbox::callback::Try;
use crate::sandbox::city::book::{Application, Word};
use crate::sandbox::city::desk::Desk;
use crate::sandbox::millis;
use crate::sandbox::modes::{Aspect, Mode};
use crate::sandbox::store::{Did, Direction, JournalLine};
use crate::sandbox::wire::{Answer, Decision, Event, EventKind};

/// One try of a report, ready to be sent by POST.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Where it goes.
    pub url: String,
    /// Its headers, the type of its content among them.
    pub headers: Vec<(&'static str, String)>,
    /// What it says.
    pub body: Vec<u8>,
}

/// Starts the course of an application, as the rules say.
pub(super) async fn follow(desk: &Desk, application: &Application) {
    let reporting = desk.rule(Aspect::Callback, &application.our_ref).mode;
    let deciding = desk.rule(Aspect::Decision, &application.our_ref).mode;
    let course = Course {
        desk: desk.clone(),
        number: application.number.clone(),
        reporting,
        words: words(desk, application, deciding),
    };
    if reporting == Mode::CallbackEarly {
        course.at_once().await;
    } else {
        spawn(course.run());
    }
}

/// Reports a word that was ordered from outside.
pub(super) fn report_told(desk: &Desk, event: &Event) {
    let course = Course {
        desk: desk.clone(),
        number: event.serial_no.clone(),
        reporting: desk.rule(Aspect::Callback, &event.our_ref).mode,
        words: Vec::new(),
    };
    let event = event.clone();
    spawn(async move { course.report(&event).await });
}

/// What is to be said by itself: nothing but the receipt where the system decides when it is told; an opinion where one
/// was asked for.
fn words(desk: &Desk, application: &Application, deciding: Mode) -> Vec<Word> {
    let kinds = (desk.persona().course)(application).iter().copied();
    let receipt_alone = deciding == Mode::DecideWhenTold;
    let denied = deciding == Mode::Deny;
    let said = kinds.filter(|kind| match kind {
        EventKind::Received => true,
        EventKind::Decided => !receipt_alone,
        EventKind::Accepted
        | EventKind::SupplementRequested
        | EventKind::SpecialBegun
        | EventKind::SpecialEnded
        | EventKind::Opinion
        | EventKind::Completed
        | EventKind::Delivered
        | EventKind::Rejected
        | EventKind::Note => !receipt_alone && !application.consulted,
    });
    said.map(|kind| word(kind, denied, application.consulted))
        .collect()
}

fn word(kind: EventKind, denied: bool, consulted: bool) -> Word {
    let mut word = Word::of(kind);
    if kind != EventKind::Decided {
        return word;
    }
    if consulted {
        word.kind = EventKind::Opinion;
        word.details.answer = Some(if denied { Answer::Object } else { Answer::Agree });
        word.text = Some(
            if denied {
                "不同意，理由见附件。"
            } else {
                "同意。"
            }
            .to_owned(),
        );
        return word;
    }
    (word.result, word.text) = decision(if denied {
        Decision::Denied
    } else {
        Decision::Approved
    });
    word
}

/// A decision with the words that go with it.
pub(super) fn decision(result: Decision) -> (Option<Decision>, Option<String>) {
    let text = match result {
        Decision::Approved => "经审核，符合条件，准予办理。",
        Decision::Denied => "经审核，不符合条件，不予办理。",
    };
    (Some(result), Some(text.to_owned()))
}

/// What happens to one application after it was taken over.
struct Course {
    desk: Desk,
    number: String,
    reporting: Mode,
    words: Vec<Word>,
}

impl Course {
    /// One word after the other, each reported; or all reports at the end, the newest first.
    async fn run(mut self) {
        let words = std::mem::take(&mut self.words);
        let count = u64::try_from(words.len()).unwrap_or(u64::MAX).max(1);
        let pause = millis(self.desk.department().settings.decide_after_ms / count);
        let mut kept_back = Vec::new();
        for word in words {
            sleep(pause).await;
            let Some(event) = self.say(word) else { continue };
            if self.reporting == Mode::CallbackOutOfOrder {
                kept_back.push(event);
            } else {
                self.report(&event).await;
            }
        }
        for event in kept_back.iter().rev() {
            self.report(event).await;
        }
    }

    /// Everything before the caller has its answer, each reported once; goes on trying afterwards.
    async fn at_once(mut self) {
        let words = std::mem::take(&mut self.words);
        let events: Vec<Event> = words.into_iter().filter_map(|word| self.say(word)).collect();
        let mut unheard = Vec::new();
        for event in events {
            if !self.report_once(&event).await {
                unheard.push(event);
            }
        }
        spawn(async move {
            for event in &unheard {
                self.report(event).await;
            }
        });
    }

    fn say(&self, word: Word) -> Option<Event> {
        self.desk.book().say(&self.number, word, self.desk.now())
    }

    async fn report(&self, event: &Event) {
        if self.reporting == Mode::CallbackTwice {
            futures_util::future::join(self.until_heard(event), self.until_heard(event)).await;
        } else {
            self.until_heard(event).await;
        }
    }

    async fn until_heard(&self, event: &Event) {
        for number in 0.. {
            if self.report_once(event).await {
                return;
            }
            let Some(pause) = (Try { number }).pause() else {
                return;
            };
            sleep(pause).await;
        }
    }

    /// Whether it is done with: heard, or nothing that is reported.
    async fn report_once(&self, event: &Event) -> bool {
        let Some(letter) = self.letter(event) else {
            return true;
        };
        let department = self.desk.department();
        let status = department
            .reporter
            .post(&letter.url, &letter.headers, letter.body)
            .await;
        let line = JournalLine {
            n: 0,
            at: self.desk.now(),
            direction: Direction::Out,
            method: "POST".to_owned(),
            path: letter.url,
            media_type: media_type(&letter.headers),
            key: Some(event.event_id.clone()),
            our_ref: Some(event.our_ref.clone()),
            serial_no: Some(self.number.clone()),
            mode: self.reporting,
            did: Did::Reported,
            status,
        };
        department.store().note(line);
        status.is_some_and(|status| (200..300).contains(&status))
    }

    fn letter(&self, event: &Event) -> Option<Letter> {
        let write = self
            .desk
            .persona()
            .report
            .filter(|_| self.reporting != Mode::CallbackNever)?;
        let application = self.desk.book().by_number(&self.number).cloned()?;
        write(&self.desk, &application, event)
    }
}

fn media_type(headers: &[(&'static str, String)]) -> Option<String> {
    headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        .map(|(_, value)| value.clone())
}
