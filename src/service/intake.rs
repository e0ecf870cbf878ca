//! Taking an application in: everything that is wrong is told at once, and what is right is stored once.

use onedoor_domain::actor::Actor;
use onedoor_domain::applicant::{Applicant, ApplicantFaultCode, check_applicant};
use onedoor_domain::case::agent::Authorization;
use onedoor_domain::case::command::{By, Submit};
use onedoor_domain::case::decide;
use onedoor_domain::case::event::OfflineCapture;
use onedoor_domain::case::state::Channel;
use onedoor_domain::digest::Digest;
use onedoor_domain::directory::{Directory, ResolveError, ResolvedStep};
use onedoor_domain::division::{Division, Level};
use onedoor_domain::handoff::HandedMaterial;
use onedoor_domain::id::{CaseId, DraftId, OrganizationId};
use onedoor_domain::idempotency::{Fingerprint, IdempotencyKey};
use onedoor_domain::identifier::division_code::DivisionCode;
use onedoor_domain::item::ItemVersion;
use onedoor_domain::material::{MaterialEntry, check_materials};
use onedoor_domain::policy::Act;
use onedoor_domain::proof::{SubmitProof, Submitter};
use onedoor_domain::tracking::{TrackingCode, TrackingSecret};
use onedoor_domain::{ledger, sla};
use rand::RngCore as _;
use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::Warning;
use super::cases::{ATTEMPTS_MAX, Cases, Done, Papers, Verdict, answer, verdict};
use super::form::FormFacts;
use super::papers::authorization_fault;
use super::rejection::{Rejection, RejectionCode};
use super::{catalogue, documents, guard};
use crate::error::{AppError, ErrorCode};
use crate::secret::Redacted;
use crate::store::error::StoreError;
use crate::store::write_set::{IdempotencyClaim, NewPrivate, NewProvisional};

/// An application as handed in.
#[derive(Debug, Clone)]
pub struct Application {
    /// The caller's key.
    pub key: IdempotencyKey,
    /// Hash of the canonical input.
    pub fingerprint: Fingerprint,
    /// Code of the item.
    pub item: String,
    /// The version the caller filled the form of; `None`: whatever is current.
    pub item_version: Option<i32>,
    /// Code of the division; `None`: the kiosk's or window's.
    pub division: Option<String>,
    /// Who applies.
    pub applicant: Applicant,
    /// The form as filled in.
    pub form: Redacted<Value>,
    /// The materials handed in.
    pub materials: Vec<MaterialEntry>,
    /// 全程代办: by what the agent acts for the applicant; `None`: the applicant is there.
    pub authorization: Option<Authorization>,
    /// The draft this application was kept in; it ends with the submission.
    pub draft: Option<DraftId>,
    /// What a kiosk tells of an application that it took in while offline.
    pub offline: Option<OfflineCapture>,
}

/// Where an application lands: all of it resolved.
struct Placed {
    channel: Channel,
    division: Division,
    first_contact: OrganizationId,
    route: Vec<Option<OrganizationId>>,
}

impl Cases {
    /// Hands an application in, once.
    ///
    /// # Errors
    /// FORBIDDEN or UNAUTHENTICATED by the policy, STORE_UNAVAILABLE; expected answers are in [`Done`].
    pub async fn submit(&self, actor: &Actor, application: Application) -> Result<Done, AppError> {
        let proof = guard::submit(actor, Act::SubmitCase)?;
        if let Some(done) = self
            .earlier(proof.principal(), application.key, application.fingerprint)
            .await?
        {
            return Ok(done);
        }
        let (key, fingerprint) = (application.key, application.fingerprint);
        let done = Box::pin(self.check_and_store(actor, &proof, application)).await;
        if matches!(done, Ok(Ok(_))) {
            return done;
        }
        // the same application may have been stored beside this one: its answer goes before any refusal
        match self.earlier(proof.principal(), key, fingerprint).await? {
            Some(earlier) => Ok(earlier),
            None => done,
        }
    }

    async fn check_and_store(
        &self,
        actor: &Actor,
        proof: &SubmitProof,
        mut application: Application,
    ) -> Result<Done, AppError> {
        if let Some(draft) = application.draft
            && self.store.load_draft(proof.principal(), draft).await?.is_none()
        {
            return Ok(Err(vec![super::drafts::unknown_draft()]));
        }
        let Some(item) = catalogue::item(&self.services, &application.item).await? else {
            return Ok(Err(vec![unknown_item()]));
        };
        let directory = self.directory();
        let (placed, mut faults) = match place(proof.submitter(), &application, &item, &directory) {
            Ok(placed) => (Some(placed), Vec::new()),
            Err(fault) => (None, vec![*fault]),
        };
        let warnings = self.check(
            &mut application,
            &item,
            proof.submitter(),
            &directory,
            &mut faults,
        )?;
        faults.extend(
            self.document_faults(&application.materials, proof.principal(), None)
                .await?,
        );
        let Some(placed) = placed.filter(|_| faults.is_empty()) else {
            return Ok(Err(faults));
        };
        self.store_application(actor, application, &item, placed, warnings)
            .await
    }

    /// Everything that can be wrong with the papers, at once; what is merely doubtful is returned. Tidies the
    /// applicant's numbers.
    fn check(
        &self,
        application: &mut Application,
        item: &ItemVersion,
        submitter: &Submitter,
        directory: &Directory,
        faults: &mut Vec<Rejection>,
    ) -> Result<Vec<Warning>, AppError> {
        if application.item_version.is_some_and(|seen| seen != item.version) {
            faults.push(superseded(item));
        }
        let today = sla::beijing_date(self.clock.now());
        let person = check_applicant(
            application.applicant.clone(),
            item.applicant,
            item.case_kind,
            today,
        );
        application.applicant = person.applicant;
        faults.extend(person.faults.iter().map(|fault| Rejection {
            code: match fault.code {
                ApplicantFaultCode::KindNotAdmitted => RejectionCode::ApplicantNotEligible,
                ApplicantFaultCode::Required
                | ApplicantFaultCode::TooLong
                | ApplicantFaultCode::ControlCharacter
                | ApplicantFaultCode::Identifier
                | ApplicantFaultCode::Phone
                | ApplicantFaultCode::IdTypeMismatch => RejectionCode::InvalidField,
            },
            ..invalid(fault.path(), &fault.message_zh, &fault.message_en)
        }));
        let on_file = application.authorization.as_ref();
        faults.extend(on_file.and_then(|on_file| match submitter {
            Submitter::Window { .. } => authorization_fault(on_file, today),
            Submitter::Citizen { .. } | Submitter::Kiosk { .. } => Some(no_agent()),
        }));
        let facts = FormFacts {
            today,
            division_known: &|code| directory.division_by_code(code).is_some(),
        };
        let form = self.forms.check(item, application.form.expose(), facts)?;
        faults.extend(
            form.faults
                .iter()
                .map(|fault| invalid(fault.path.clone(), &fault.message_zh, &fault.message_en)),
        );
        let materials = check_materials(&item.materials, &application.materials, channel_of(submitter));
        faults.extend(materials.faults.iter().map(|fault| Rejection {
            code: RejectionCode::MaterialMissing,
            ..invalid(fault.path(), &fault.message_zh, &fault.message_en)
        }));
        let doubts = form
            .warnings
            .iter()
            .map(|doubt| (doubt.path.clone(), &doubt.message_zh, &doubt.message_en));
        let owed = materials
            .deferrable
            .iter()
            .map(|doubt| (doubt.path(), &doubt.message_zh, &doubt.message_en));
        let about_person = person
            .warnings
            .iter()
            .map(|doubt| (doubt.path(), &doubt.message_zh, &doubt.message_en));
        Ok(doubts
            .chain(owed)
            .chain(about_person)
            .map(|(field, zh, en)| Warning {
                field,
                zh: zh.clone(),
                en: en.clone(),
            })
            .collect())
    }

    async fn store_application(
        &self,
        actor: &Actor,
        application: Application,
        item: &ItemVersion,
        placed: Placed,
        warnings: Vec<Warning>,
    ) -> Result<Done, AppError> {
        let (calendar, directory) = (self.calendar().await?, self.directory());
        let secret = TrackingSecret::from_random(random());
        let secret_hash = self
            .secrets
            .hash(Redacted::new(secret.reveal().to_owned()))
            .await
            .map_err(AppError::internal)?;
        let private = seal_papers(&application, secret_hash)?;
        let papers = Papers {
            applicant_masked: onedoor_domain::mask::name(&application.applicant.name),
            materials: application.materials.clone(),
        };
        for _ in 0..ATTEMPTS_MAX {
            let command = Submit {
                id: CaseId::from_uuid(Uuid::now_v7()),
                tracking: self.draw_code(&placed.division)?,
                division: placed.division.id,
                division_code: placed.division.code.clone(),
                division_name: placed.division.name.clone(),
                route: placed.route.clone(),
                first_contact: placed.first_contact,
                channel: placed.channel,
                applicant_subject: (placed.channel == Channel::Online).then(|| actor.subject.clone()),
                papers: private.commitment.to_string(),
                authorization: application.authorization.clone(),
                materials: private.materials.clone(),
                offline: application.offline.clone(),
            };
            let decided = self.decide(By::from(actor), item, calendar.calendar(), &directory, |cx| {
                decide::submit(command, cx)
            });
            let outcome = match decided {
                Ok(outcome) => outcome,
                Err(refusal) => return Ok(Err(vec![refusal.into()])),
            };
            let mut set = self.write_set(None, outcome, item, Some(&papers)).await?;
            set.private = Some(private.columns.clone());
            set.documents = documents::joins(&application.materials, &actor.subject);
            set.finished_draft = application.draft;
            set.provisional = printed(actor, &application);
            set.idempotency = Some(IdempotencyClaim {
                principal: actor.subject.clone(),
                key: application.key,
                act: "submitCase",
                fingerprint: application.fingerprint,
            });
            set.answer = Some(answer(
                Some(Redacted::new(secret.reveal().to_owned())),
                warnings.clone(),
            ));
            let commit = match self.store.commit(set).await {
                // the tracking code was drawn before, one time in 10^12: draw again
                Err(StoreError::Conflict { .. }) => continue,
                other => other?,
            };
            let (verdict, committed) = verdict(commit)?;
            if let Some(committed) = committed {
                self.committed(&committed);
            }
            if let Verdict::Over(done) = verdict {
                return Ok(*done);
            }
        }
        Err(AppError::of(ErrorCode::Overloaded).retry_after_ms(500))
    }

    fn draw_code(&self, division: &Division) -> Result<TrackingCode, AppError> {
        let code: DivisionCode = division.code.parse().map_err(AppError::internal)?;
        let today = sla::beijing_date(self.clock.now());
        (0..64)
            .find_map(|_| TrackingCode::draw(&code, today, random()))
            .ok_or_else(|| AppError::internal("sixty-four tracking codes in a row had no check character"))
    }
}

/// The number that a kiosk printed for an application while it was offline.
fn printed(actor: &Actor, application: &Application) -> Option<Box<NewProvisional>> {
    let printed = application.offline.as_ref().map(|offline| NewProvisional {
        device: actor.subject.clone(),
        number: offline.provisional_number.clone(),
        captured_at: offline.captured_at,
    });
    printed.map(Box::new)
}

/// Eight random letters' worth of bytes from the operating system's generator.
fn random() -> [u8; 8] {
    let mut bytes = [0; 8];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

struct SealedPapers {
    columns: NewPrivate,
    commitment: Digest,
    materials: Vec<HandedMaterial>,
}

/// The papers as they are kept, and the salted commitment by which the ledger attests them.
fn seal_papers(application: &Application, secret_hash: String) -> Result<SealedPapers, AppError> {
    let mut salt = [0; 16];
    rand::rng().fill_bytes(&mut salt);
    let applicant = serde_json::to_value(&application.applicant).map_err(AppError::internal)?;
    let materials = serde_json::to_value(&application.materials).map_err(AppError::internal)?;
    let form = application.form.expose().clone();
    let papers = serde_json::to_vec(&json!([applicant, form, materials])).map_err(AppError::internal)?;
    let commitment = ledger::commitment(&salt, &papers);
    let each = |entry: &MaterialEntry| {
        let bytes = serde_json::to_vec(entry).map_err(AppError::internal)?;
        Ok(HandedMaterial {
            material: entry.code.clone(),
            hash: Some(ledger::commitment(&salt, &bytes).to_string()),
        })
    };
    let handed = application.materials.iter().map(each);
    let handed = handed.collect::<Result<Vec<_>, AppError>>()?;
    Ok(SealedPapers {
        materials: handed,
        columns: NewPrivate {
            secret_hash,
            applicant,
            form,
            materials,
            salt,
        },
        commitment,
    })
}

const fn channel_of(submitter: &Submitter) -> Channel {
    match submitter {
        Submitter::Citizen { .. } => Channel::Online,
        Submitter::Kiosk { .. } => Channel::Kiosk,
        Submitter::Window { .. } => Channel::Window,
    }
}

/// Finds division, first contact and route (DOMAIN §2).
fn place(
    submitter: &Submitter,
    application: &Application,
    item: &ItemVersion,
    directory: &Directory,
) -> Result<Placed, Box<Rejection>> {
    let office = match submitter {
        Submitter::Citizen { .. } => None,
        Submitter::Kiosk { station: office, .. }
        | Submitter::Window {
            organization: office, ..
        } => directory.organization(*office),
    };
    let division = match (&application.division, office) {
        (Some(code), _) => directory.division_by_code(code).ok_or_else(unknown_division)?,
        (None, Some(office)) => directory.division(office.division).ok_or_else(unknown_division)?,
        (None, None) => return Err(unknown_division()),
    };
    if office.is_some_and(|office| !directory.is_within(division.id, office.division)) {
        return Err(not_served());
    }
    let resolved = directory
        .resolve(&item.route, division.id)
        .map_err(|error| unresolved(item, &error))?;
    let route: Vec<_> = resolved.iter().map(ResolvedStep::organization).collect();
    let accepting = item
        .accepting_step()
        .and_then(|step| route.get(step).copied().flatten());
    let station = directory.holder_of("village.station", Level::Village, division.id);
    let first_contact = office
        .or(station)
        .map(|organization| organization.id)
        .or(accepting)
        .ok_or_else(unknown_division)?;
    Ok(Placed {
        channel: channel_of(submitter),
        division: division.clone(),
        first_contact,
        route,
    })
}

fn invalid(field: Vec<String>, zh: &str, en: &str) -> Rejection {
    Rejection {
        field,
        ..Rejection::of(RejectionCode::InvalidField, &[], zh, en)
    }
}

/// Only a clerk or officer acts for an applicant by an authorization.
fn no_agent() -> Rejection {
    Rejection::of(
        RejectionCode::InvalidField,
        &["authorization"],
        "仅窗口工作人员可凭授权代办，请勿填写 authorization。",
        "Only a clerk acts for an applicant by an authorization; leave `authorization` out.",
    )
}

pub(super) fn unknown_item() -> Rejection {
    Rejection::of(
        RejectionCode::UnknownItem,
        &["serviceItem"],
        "没有此事项，请从事项目录中选择。",
        "There is no such service item; choose one of the catalogue.",
    )
}

fn superseded(item: &ItemVersion) -> Rejection {
    let current = item.version;
    Rejection {
        current_version: Some(current),
        ..Rejection::of(
            RejectionCode::ItemVersionSuperseded,
            &["itemVersion"],
            format!("该事项已更新为第 {current} 版，请按新版表单核对后提交。"),
            format!("The item is at version {current} now; check the form against it and submit again."),
        )
    }
}

fn unknown_division() -> Box<Rejection> {
    Box::new(Rejection::of(
        RejectionCode::UnknownDivision,
        &["division"],
        "请填写有效的 12 位区划代码。",
        "Give the code of an existing division, 12 digits.",
    ))
}

fn not_served() -> Box<Rejection> {
    Box::new(Rejection::of(
        RejectionCode::DivisionNotServed,
        &["division"],
        "该区划不在本窗口或本终端的服务范围内，请到所属站点或在网上申请。",
        "This window or kiosk does not serve that division; apply at its own station or online.",
    ))
}

fn unresolved(item: &ItemVersion, error: &ResolveError) -> Box<Rejection> {
    let ResolveError::Unresolved { index, .. } = error else {
        return unknown_division();
    };
    let (zh, en) = item
        .route
        .get(*index)
        .map_or(("", ""), |step| (step.unit.as_str(), step.action.as_str()));
    Box::new(Rejection::of(
        RejectionCode::RouteUnresolved,
        &["division"],
        format!("该区划没有承办“{zh}”环节的单位，请改填所属村（社区）的区划代码。"),
        format!("No organization takes the step {en} there; give the code of the village or community."),
    ))
}
