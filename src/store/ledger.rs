//! The ledger: seals the events of a set into the chain of their case, and reads them back.
//!
//! The body of a line is `{by, event, private}`; `private` is the salted commitment to a text beside the line, or null.
//! The text lies sealed in a table of its own: it can be erased, and the chain still holds.

use std::collections::BTreeMap;

use onedoor_domain::case::command::By;
use onedoor_domain::case::event::{Event, NewEvent};
use onedoor_domain::digest::Digest;
use onedoor_domain::id::CaseId;
use onedoor_domain::ledger::{self, Head, SealedEvent, UnsealedEvent};
use onedoor_domain::timeline::StoredEvent;
use onedoor_entity::{ledger_event, ledger_head, ledger_private};
use rand::TryRngCore as _;
use rand::rngs::OsRng;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::case::CaseStore;
use super::data_key::{Opener, key_ids};
use super::error::StoreError;
use super::parse::{Row, number};
use crate::secret::data_key::DataKey;
use crate::secret::seal::SealPlace;

const SALT_BYTES: usize = 16;

/// What stands in the body of a line.
#[derive(Serialize, Deserialize)]
struct Body {
    by: By,
    event: Event,
    private: Option<Digest>,
}

/// The lines of one set, ready to be stored.
pub(super) struct SealedLines {
    pub(super) head: ledger_head::Model,
    pub(super) rows: Vec<ledger_event::Model>,
    pub(super) texts: Vec<ledger_private::Model>,
    pub(super) events: Vec<StoredEvent>,
}

/// Chains events behind a head.
pub(super) fn seal(mut head: Head, events: Vec<NewEvent>, key: &DataKey) -> Result<SealedLines, StoreError> {
    let case = CaseId::from_uuid(head.chain);
    let (mut rows, mut texts, mut stored) = (Vec::new(), Vec::new(), Vec::new());
    for new in events {
        let text = new.private.as_ref().map(Text::of).transpose()?;
        let body = Body {
            by: new.by,
            event: new.event,
            private: text.as_ref().map(Text::commitment),
        };
        let unsealed = UnsealedEvent {
            name: body.event.name().to_owned(),
            at: new.at,
            body: serde_json::to_value(&body).map_err(StoreError::other)?,
        };
        let line = ledger::seal(&head, &unsealed).map_err(StoreError::other)?;
        head = line.head();
        let seq = number(line.seq)?;
        if let Some(text) = text {
            texts.push(ledger_private::Model {
                chain: line.chain,
                seq,
                sealed: text.seal(case, seq, key)?,
            });
        }
        stored.push(StoredEvent {
            seq: line.seq,
            at: new.at,
            by: body.by,
            event: body.event,
            private: new.private,
            hash: line.hash,
        });
        rows.push(row(line, seq));
    }
    let head = ledger_head::Model {
        chain: head.chain,
        seq: number(head.seq)?,
        hash: head.hash.as_bytes().to_vec(),
    };
    Ok(SealedLines {
        head,
        rows,
        texts,
        events: stored,
    })
}

fn row(line: SealedEvent, seq: i64) -> ledger_event::Model {
    ledger_event::Model {
        chain: line.chain,
        seq,
        prev: line.prev.as_bytes().to_vec(),
        hash: line.hash.as_bytes().to_vec(),
        payload: line.payload,
        name: line.name,
        at: line.at_us,
    }
}

fn line(row: ledger_event::Model) -> Result<SealedEvent, StoreError> {
    let id = format!("{}/{}", CaseId::from_uuid(row.chain), row.seq);
    let parse = Row::of("ledger_event", &id);
    Ok(SealedEvent {
        chain: row.chain,
        seq: parse.number("seq", row.seq)?,
        prev: Digest::from_column(&row.prev)
            .ok()
            .ok_or_else(|| parse.corrupt("prev"))?,
        hash: Digest::from_column(&row.hash)
            .ok()
            .ok_or_else(|| parse.corrupt("hash"))?,
        payload: row.payload,
        name: row.name,
        at_us: row.at,
    })
}

/// The head of a chain as its row keeps it.
pub(super) fn head(row: &ledger_head::Model) -> Result<Head, StoreError> {
    let case = CaseId::from_uuid(row.chain);
    let parse = Row::of("ledger_head", &case);
    let hash = Digest::from_column(&row.hash)
        .ok()
        .ok_or_else(|| parse.corrupt("hash"))?;
    Ok(Head {
        chain: row.chain,
        seq: parse.number("seq", row.seq)?,
        hash,
    })
}

/// A private text with the salt of its commitment; sealed as salt, then JSON.
struct Text {
    salt: [u8; SALT_BYTES],
    json: Vec<u8>,
}

impl Text {
    fn of(value: &Value) -> Result<Self, StoreError> {
        let mut salt = [0; SALT_BYTES];
        OsRng.try_fill_bytes(&mut salt).map_err(StoreError::other)?;
        Ok(Self {
            salt,
            json: serde_json::to_vec(value).map_err(StoreError::other)?,
        })
    }

    fn commitment(&self) -> Digest {
        ledger::commitment(&self.salt, &self.json)
    }

    fn seal(&self, case: CaseId, seq: i64, key: &DataKey) -> Result<Vec<u8>, StoreError> {
        let bytes = [self.salt.as_slice(), &self.json].concat();
        let sealed = key
            .seal(&text_place(case, seq), &bytes)
            .map_err(StoreError::other)?;
        Ok(sealed.into_bytes())
    }

    /// Opens a text; one that is not what its line committed to is as bad as one that does not open. `None`: it was erased.
    fn open(
        case: CaseId,
        row: ledger_private::Model,
        committed: Option<Digest>,
        opener: &Opener,
    ) -> Result<Option<Value>, StoreError> {
        let id = format!("{case}/{}", row.seq);
        let corrupt = || Row::of("ledger_private", &id).corrupt("sealed");
        let opened = opener.open(&text_place(case, row.seq), row.sealed);
        let Some(bytes) = opened.map_err(StoreError::other)? else {
            return Ok(None);
        };
        let (salt, json) = bytes
            .expose()
            .split_first_chunk::<SALT_BYTES>()
            .ok_or_else(corrupt)?;
        if committed != Some(ledger::commitment(salt, json)) {
            return Err(corrupt());
        }
        serde_json::from_slice(json).ok().map(Some).ok_or_else(corrupt)
    }
}

pub(super) fn text_place(case: CaseId, seq: i64) -> SealPlace {
    SealPlace::new("ledger_private", "sealed", format_args!("{case}/{seq}"))
}

impl CaseStore {
    /// All lines of a case's ledger with their private texts, in order; empty when there is no such case.
    ///
    /// # Errors
    /// As any query; `Corrupt` when a line or a text cannot be read.
    pub async fn timeline(&self, case: CaseId) -> Result<Vec<StoredEvent>, StoreError> {
        Ok(self.timelines(&[case]).await?.remove(&case).unwrap_or_default())
    }

    /// The same of several cases; those that do not exist are left out.
    ///
    /// # Errors
    /// As [`Self::timeline`].
    pub async fn timelines(
        &self,
        cases: &[CaseId],
    ) -> Result<BTreeMap<CaseId, Vec<StoredEvent>>, StoreError> {
        let lines = self.lines_of(cases).await?;
        let texts = ledger_private::Entity::find()
            .filter(ledger_private::Column::Chain.is_in(cases.iter().map(|case| case.uuid())))
            .all(self.database().read())
            .await?;
        self.stored_events(lines, texts).await
    }

    /// The same without any text.
    ///
    /// # Errors
    /// As [`Self::timeline`].
    pub async fn events(&self, cases: &[CaseId]) -> Result<BTreeMap<CaseId, Vec<StoredEvent>>, StoreError> {
        self.stored_events(self.lines_of(cases).await?, Vec::new()).await
    }

    async fn lines_of(&self, cases: &[CaseId]) -> Result<Vec<ledger_event::Model>, StoreError> {
        Ok(ledger_event::Entity::find()
            .filter(ledger_event::Column::Chain.is_in(cases.iter().map(|case| case.uuid())))
            .order_by_asc(ledger_event::Column::Seq)
            .all(self.database().read())
            .await?)
    }

    async fn stored_events(
        &self,
        lines: Vec<ledger_event::Model>,
        texts: Vec<ledger_private::Model>,
    ) -> Result<BTreeMap<CaseId, Vec<StoredEvent>>, StoreError> {
        let opener = self
            .opener(key_ids(texts.iter().map(|text| text.sealed.as_slice())))
            .await?;
        let mut texts: BTreeMap<(Uuid, i64), ledger_private::Model> = texts
            .into_iter()
            .map(|text| ((text.chain, text.seq), text))
            .collect();
        let mut timelines: BTreeMap<CaseId, Vec<StoredEvent>> = BTreeMap::new();
        for row in lines {
            let text = texts.remove(&(row.chain, row.seq));
            let line = line(row)?;
            let event = stored_event(&line, text, &opener)?;
            timelines
                .entry(CaseId::from_uuid(line.chain))
                .or_default()
                .push(event);
        }
        Ok(timelines)
    }

    /// All lines of a case's ledger as they were sealed, for verifying.
    ///
    /// # Errors
    /// As any query; `Corrupt` when a column is not of its form.
    pub async fn ledger_lines(&self, case: CaseId) -> Result<Vec<SealedEvent>, StoreError> {
        let rows = ledger_event::Entity::find()
            .filter(ledger_event::Column::Chain.eq(case.uuid()))
            .order_by_asc(ledger_event::Column::Seq)
            .all(self.database().read())
            .await?;
        rows.into_iter().map(line).collect()
    }
}

fn stored_event(
    line: &SealedEvent,
    text: Option<ledger_private::Model>,
    opener: &Opener,
) -> Result<StoredEvent, StoreError> {
    let case = CaseId::from_uuid(line.chain);
    let id = format!("{case}/{}", line.seq);
    let parse = Row::of("ledger_event", &id);
    let body = line.body().ok_or_else(|| parse.corrupt("payload"))?;
    let body: Body = serde_json::from_value(body)
        .ok()
        .ok_or_else(|| parse.corrupt("payload"))?;
    Ok(StoredEvent {
        seq: line.seq,
        at: parse.instant("at", line.at_us)?,
        private: text
            .map(|text| Text::open(case, text, body.private, opener))
            .transpose()?
            .flatten(),
        by: body.by,
        event: body.event,
        hash: line.hash,
    })
}
