//! Finds what is sealed of uploaded documents: names, keys of files and tickets.

use onedoor_domain::id::DocumentId;
use onedoor_entity::{document, document_ticket};
use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait as _, Condition, EntityTrait as _, QueryFilter as _, QuerySelect as _};

use super::held::{Held, Wanted};
use crate::store::case::CaseStore;
use crate::store::data_key::{Owner, Sealing};
use crate::store::error::StoreError;
use crate::store::{document as documents, document_ticket as tickets};

const OWNER: Owner = Owner::Kind(Sealing::Document);

impl CaseStore {
    pub(super) async fn of_documents(&self, wanted: Wanted, batch: u64) -> Result<Vec<Held>, StoreError> {
        use document::Column;
        let read = self.database().read();
        let columns = [Column::TicketSealed, Column::FileName, Column::FileKey];
        let any = columns.into_iter().fold(Condition::any(), |any, column| {
            any.add(wanted.begins((document::Entity, column)))
        });
        let mut found = Vec::new();
        for row in document::Entity::find()
            .filter(any)
            .limit(batch)
            .all(read)
            .await?
        {
            found.extend(columns_of(row, wanted));
        }
        for row in document_ticket::Entity::find()
            .filter(wanted.begins((document_ticket::Entity, document_ticket::Column::TicketSealed)))
            .limit(batch)
            .all(read)
            .await?
        {
            found.push(read_ticket(row));
        }
        Ok(found)
    }
}

fn columns_of(row: document::Model, wanted: Wanted) -> Vec<Held> {
    use document::Column;
    let id = row.id;
    let columns = [
        ("ticket_sealed", Column::TicketSealed, Some(row.ticket_sealed)),
        ("file_name", Column::FileName, Some(row.file_name)),
        ("file_key", Column::FileKey, row.file_key),
    ];
    let held = columns.into_iter().filter_map(|(name, column, bytes)| {
        let bytes = bytes.filter(|bytes| wanted.matches(bytes))?;
        let old = bytes.clone();
        Some(Held {
            place: documents::place(DocumentId::from_uuid(id), name),
            owner: OWNER,
            bytes,
            replace: Box::new(move |new| {
                Query::update()
                    .table(document::Entity)
                    .value(column, new)
                    .and_where(Column::Id.eq(id))
                    .and_where(column.eq(old.clone()))
                    .to_owned()
            }),
        })
    });
    held.collect()
}

fn read_ticket(row: document_ticket::Model) -> Held {
    use document_ticket::Column;
    let (ticket, old) = (row.ticket, row.ticket_sealed.clone());
    Held {
        place: tickets::place(&ticket),
        owner: OWNER,
        bytes: row.ticket_sealed,
        replace: Box::new(move |new| {
            Query::update()
                .table(document_ticket::Entity)
                .value(Column::TicketSealed, new)
                .and_where(Column::Ticket.eq(ticket.clone()))
                .and_where(Column::TicketSealed.eq(old.clone()))
                .to_owned()
        }),
    }
}
