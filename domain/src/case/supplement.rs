//! Supplements (补正) and owed materials (容缺): what is asked of the applicant once, and what they bring.

use std::collections::BTreeSet;

use serde_json::json;

use super::agent::Authorization;
use super::command::OwedPaper;
use super::decide::Work;
use super::event::Event;
use super::refusal::{Refusal, Why};
use super::state::{CaseStatus, Owed};
use crate::actor::ActorKind;
use crate::clock::{ClockKind, ClockState};
use crate::id::ClockId;
use crate::item::{ItemType, MaterialForm};
use crate::limit::Limit;
use crate::material::{MaterialEntry, demanded};
use crate::sla::beijing_date;

impl Work<'_> {
    /// 补正告知: once per phase, everything that is missing.
    pub(super) fn request_supplement(
        &mut self,
        materials: &[String],
        text: Option<&str>,
    ) -> Result<(), Refusal> {
        self.deem_if_due()?;
        let before_acceptance = self.case.status == CaseStatus::Submitted;
        let materials = self.asked_for(materials, text)?;
        if before_acceptance {
            self.act_on_acceptance()?;
        } else {
            let in_review = matches!(self.case.status, CaseStatus::Accepted | CaseStatus::InReview);
            self.require(in_review, Why::Status)?;
            self.act_as_owner()?;
            self.require(self.cx.item.item_type != ItemType::License, Why::NotForLicense)?;
            self.require(self.case.open_owning().is_none(), Why::HandoffOpen)?;
        }
        let asked_before = self
            .case
            .supplements
            .iter()
            .any(|asked| asked.before_acceptance == before_acceptance);
        self.require(!asked_before, Why::AskedBefore)?;
        self.begin_review();
        self.emit_with(
            Event::SupplementRequested {
                before_acceptance,
                materials,
            },
            text.map(|text| json!({ "text": text })),
        );
        if before_acceptance {
            self.stop_clocks(|clock| clock.kind == ClockKind::Acceptance);
        } else {
            self.pause_case();
        }
        self.start_supplement()
    }

    /// The list, each material once; without any material the words must say what is wrong.
    fn asked_for(&self, materials: &[String], text: Option<&str>) -> Result<Vec<String>, Refusal> {
        if materials.is_empty() && text.is_none_or(|text| text.trim().is_empty()) {
            return Err(Refusal::FieldRequired { field: "materials" });
        }
        let mut seen = BTreeSet::new();
        for (index, code) in materials.iter().enumerate() {
            let askable = self.cx.item.materials.iter().any(|material| {
                material.code == *code
                    && material.form != MaterialForm::Generated
                    && material.produced_by.is_none()
            });
            if !askable || !seen.insert(code.as_str()) {
                return Err(Refusal::UnknownMaterial { index });
            }
        }
        Ok(materials.to_vec())
    }

    /// 补正 when it was asked for; else what is owed.
    pub(super) fn supplement(
        &mut self,
        materials: &[MaterialEntry],
        note: Option<&str>,
        authorization: Option<&Authorization>,
    ) -> Result<(), Refusal> {
        self.lapse_if_due()?;
        if matches!(self.cx.by.kind, ActorKind::Clerk | ActorKind::Officer) {
            let own = self.acting()?;
            if own != self.case.first_contact && self.case.owner != Some(own) {
                return Err(Refusal::WrongOrganization);
            }
        }
        self.act_for_applicant(authorization)?;
        if let Some(index) = self.first_foreign(materials) {
            return Err(Refusal::UnknownMaterial { index });
        }
        if self.case.status == CaseStatus::AwaitingSupplement {
            return self.complete_supplement(materials, note, authorization);
        }
        let accepted = matches!(
            self.case.status,
            CaseStatus::Accepted | CaseStatus::InReview | CaseStatus::SpecialProcedure
        );
        self.require(accepted, Why::Status)?;
        self.require(self.case.outstanding().next().is_some(), Why::NothingAsked)?;
        let owed = |entry: &MaterialEntry| self.case.outstanding().any(|owed| owed.material == entry.code);
        if let Some(index) = materials.iter().position(|entry| !owed(entry)) {
            return Err(Refusal::UnknownMaterial { index });
        }
        if materials.is_empty() {
            let materials = self
                .case
                .outstanding()
                .map(|owed| owed.material.clone())
                .collect();
            return Err(Refusal::MaterialsMissing { materials });
        }
        self.bring(materials, None, note, authorization);
        Ok(())
    }

    fn first_foreign(&self, materials: &[MaterialEntry]) -> Option<usize> {
        let known = |entry: &MaterialEntry| {
            self.cx
                .item
                .materials
                .iter()
                .any(|material| material.code == entry.code && material.produced_by.is_none())
        };
        materials.iter().position(|entry| !known(entry))
    }

    fn complete_supplement(
        &mut self,
        materials: &[MaterialEntry],
        note: Option<&str>,
        authorization: Option<&Authorization>,
    ) -> Result<(), Refusal> {
        let missing: Vec<String> = self
            .case
            .supplements
            .last()
            .map(|asked| asked.materials.as_slice())
            .unwrap_or_default()
            .iter()
            .filter(|code| !materials.iter().any(|entry| entry.code == **code))
            .cloned()
            .collect();
        if !missing.is_empty() {
            return Err(Refusal::MaterialsMissing { materials: missing });
        }
        if materials.is_empty() && note.is_none_or(|note| note.trim().is_empty()) {
            return Err(Refusal::FieldRequired { field: "note" });
        }
        self.bring(materials, None, note, authorization);
        self.stop_clocks(|clock| clock.kind == ClockKind::Supplement);
        self.emit(Event::Supplemented);
        match (self.case.accepted_at, self.case.owner) {
            (None, Some(owner)) => self.start_acceptance(self.case.step, owner),
            (None, None) => Ok(()),
            (Some(_), _) => self.resume_case(self.cx.now),
        }
    }

    /// Keeps what was brought, sealed beside the event; OWED clocks that waited for it end.
    pub(super) fn bring(
        &mut self,
        materials: &[MaterialEntry],
        step: Option<usize>,
        note: Option<&str>,
        authorization: Option<&Authorization>,
    ) {
        if materials.is_empty() && note.is_none() && authorization.is_none() {
            return;
        }
        let on_file = authorization.map(Authorization::to_private);
        self.emit_with(
            Event::MaterialsBrought {
                materials: materials.iter().map(|entry| entry.code.clone()).collect(),
                step,
            },
            Some(json!({ "materials": materials, "note": note, "authorization": on_file })),
        );
        let waited_for: BTreeSet<ClockId> = self.case.outstanding().map(|owed| owed.clock).collect();
        self.stop_clocks(|clock| clock.kind == ClockKind::Owed && !waited_for.contains(&clock.id));
    }

    /// 容缺: minor materials only, each due between today and the promised date.
    pub(super) fn owe(&mut self, papers: &[OwedPaper]) -> Result<(), Refusal> {
        let today = beijing_date(self.cx.now);
        let promised = self
            .case
            .clocks
            .iter()
            .rev()
            .find(|clock| clock.kind == ClockKind::Promise && clock.state == ClockState::Running)
            .and_then(crate::clock::CaseClock::due_date);
        let mut owed: Vec<Owed> = Vec::new();
        for (index, paper) in papers.iter().enumerate() {
            let minor = self.cx.item.materials.iter().any(|material| {
                material.code == paper.material && material.defer_allowed && demanded(material)
            });
            if !minor || owed.iter().any(|earlier| earlier.material == paper.material) {
                return Err(Refusal::NotOwable { index });
            }
            let latest = promised.unwrap_or(today);
            if paper.due < today || paper.due > latest {
                return Err(Refusal::OwedOutsidePromise { index, latest });
            }
            let clock = match owed.iter().find(|earlier| earlier.due == paper.due) {
                Some(earlier) => earlier.clock,
                None => self.start_owed(paper.due)?,
            };
            owed.push(Owed {
                material: paper.material.clone(),
                due: paper.due,
                clock,
                brought_at: None,
                missed: false,
            });
        }
        if !owed.is_empty() {
            self.emit(Event::MaterialsOwed { owed });
        }
        Ok(())
    }

    /// OWED ends with the agreed day, whatever the calendar says of it.
    fn start_owed(&mut self, due: chrono::NaiveDate) -> Result<ClockId, Refusal> {
        let days = due.signed_duration_since(beijing_date(self.cx.now)).num_days();
        let limit = Limit::calendar_days(u32::try_from(days).unwrap_or(0));
        self.start_clock(ClockKind::Owed, limit, |_| {})?;
        self.case
            .clocks
            .last()
            .map(|clock| clock.id)
            .ok_or(Refusal::OutsideCalendar)
    }
}
