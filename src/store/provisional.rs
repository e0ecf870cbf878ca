//! The numbers that kiosks print while they are offline, and the cases that came of them.

use onedoor_domain::id::CaseId;
use onedoor_entity::provisional_number;
use sea_orm::{EntityTrait as _, IntoActiveModel as _};

use super::case::CaseStore;
use super::error::StoreError;
use super::write_set::NewProvisional;

impl CaseStore {
    /// The case that came of an application taken in offline.
    ///
    /// # Errors
    /// As any query.
    pub async fn find_by_provisional(
        &self,
        device: &str,
        number: &str,
    ) -> Result<Option<CaseId>, StoreError> {
        let found = provisional_number::Entity::find_by_id((device.to_owned(), number.to_owned()))
            .one(self.database().read())
            .await?;
        Ok(found.map(|row| CaseId::from_uuid(row.case_id)))
    }

    /// Gives the number printed for an application to the case that it had become before; a number that is taken stays so.
    ///
    /// # Errors
    /// As any write.
    pub async fn bind_provisional(&self, printed: &NewProvisional, case: CaseId) -> Result<(), StoreError> {
        if self
            .find_by_provisional(&printed.device, &printed.number)
            .await?
            .is_some()
        {
            return Ok(());
        }
        let row = provisional_number::Model {
            device: printed.device.clone(),
            number: printed.number.clone(),
            case_id: case.uuid(),
            captured_at: printed.captured_at.timestamp_micros(),
        };
        let database = self.database().clone();
        let write = async move {
            let tx = database.write_tx().await?;
            provisional_number::Entity::insert(row.into_active_model())
                .on_conflict_do_nothing_on([
                    provisional_number::Column::Device,
                    provisional_number::Column::Number,
                ])
                .exec_without_returning(tx.connection())
                .await?;
            tx.commit().await
        };
        self.database().in_turn(write).await
    }
}
