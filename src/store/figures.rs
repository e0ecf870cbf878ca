//! Statistics counted in SQL: grid events and their loops, evaluations and their grades.

use std::collections::BTreeMap;

use onedoor_domain::case::state::CaseStatus;
use onedoor_domain::division::Setting;
use onedoor_domain::evaluation::Grade;
use onedoor_domain::id::DivisionId;
use onedoor_domain::proof::{Allowed, ReadProof};
use onedoor_domain::statistics::{BySetting, GradeFigures, LoopFigures};
use onedoor_entity::{cases, division};
use sea_orm::sea_query::{Condition, Expr, Func};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, FromQueryResult, JoinType, QueryFilter as _, QuerySelect as _,
    RelationDef, Select,
};

use super::case::CaseStore;
use super::error::StoreError;
use super::parse::{Row, number};
use super::reach;

impl CaseStore {
    /// Grid events of a division and all below it that a reader may read, by setting.
    ///
    /// # Errors
    /// As any query; `Corrupt` when a row does not parse.
    pub async fn loop_figures(
        &self,
        proof: &ReadProof,
        root: DivisionId,
    ) -> Result<BySetting<LoopFigures>, StoreError> {
        #[derive(FromQueryResult)]
        struct Counted {
            setting: Option<String>,
            status: String,
            count: i64,
            failed_checks: i64,
            reopenings: i64,
        }
        let sum = |column: cases::Column| Func::sum(Expr::col((cases::Entity, column)));
        let rows = with_setting()
            // the predicate of the partial index, word for word
            .filter(Expr::cust("cases.kind = 'GRID'"))
            .filter(within(root))
            .filter(reach::present_within(proof)?)
            .select_only()
            .column(division::Column::Setting)
            .column(cases::Column::Status)
            .column_as(cases::Column::Id.count(), "count")
            .expr_as(sum(cases::Column::FailedChecks), "failed_checks")
            .expr_as(sum(cases::Column::Reopenings), "reopenings")
            .group_by(division::Column::Setting)
            .group_by(cases::Column::Status)
            .into_model::<Counted>()
            .all(self.database().read())
            .await?;
        let mut figures: BTreeMap<Option<String>, LoopFigures> = BTreeMap::new();
        for row in rows {
            let status: CaseStatus = Row::of("cases", &"status").word("status", &row.status)?;
            let count = number(row.count)?;
            let part = LoopFigures {
                reported: count,
                fed_back: if status == CaseStatus::Decided { count } else { 0 },
                checked: if status == CaseStatus::Completed { count } else { 0 },
                failed_checks: number(row.failed_checks)?,
                reopenings: number(row.reopenings)?,
            };
            let sum = figures.entry(row.setting).or_default();
            *sum = sum.and(part);
        }
        by_setting(figures)
    }

    /// Evaluations of all cases, or those of a division and all below it, by setting. A public statistic: the act
    /// that was allowed is all the proof there is.
    ///
    /// # Errors
    /// As any query; `Corrupt` when a row does not parse.
    pub async fn grade_figures(
        &self,
        _allowed: Allowed,
        root: Option<DivisionId>,
    ) -> Result<BySetting<GradeFigures>, StoreError> {
        #[derive(FromQueryResult)]
        struct Counted {
            setting: Option<String>,
            grade: i32,
            count: i64,
        }
        let rows = with_setting()
            .filter(cases::Column::Grade.is_not_null())
            .filter(Condition::all().add_option(root.map(within)))
            .select_only()
            .column(division::Column::Setting)
            .column(cases::Column::Grade)
            .column_as(cases::Column::Id.count(), "count")
            .group_by(division::Column::Setting)
            .group_by(cases::Column::Grade)
            .into_model::<Counted>()
            .all(self.database().read())
            .await?;
        let mut figures: BTreeMap<Option<String>, GradeFigures> = BTreeMap::new();
        for row in rows {
            let grade = Grade::of_code(row.grade.into())
                .ok_or_else(|| Row::of("cases", &"grade").corrupt("grade"))?;
            figures
                .entry(row.setting)
                .or_default()
                .add(grade, number(row.count)?);
        }
        by_setting(figures)
    }
}

/// Cases with their division, whose setting statistics print.
fn with_setting() -> Select<cases::Entity> {
    let to_division: RelationDef = cases::Entity::belongs_to(division::Entity)
        .from(cases::Column::DivisionId)
        .to(division::Column::Id)
        .into();
    cases::Entity::find().join(JoinType::LeftJoin, to_division)
}

fn within(root: DivisionId) -> Condition {
    Condition::all().add(cases::Column::DivisionId.in_subquery(reach::subtree(root)))
}

fn by_setting<T>(figures: BTreeMap<Option<String>, T>) -> Result<BySetting<T>, StoreError> {
    figures
        .into_iter()
        .map(|(setting, figures)| {
            let setting: Option<Setting> =
                Row::of("division", &"setting").word_opt("setting", setting.as_deref())?;
            Ok((setting, figures))
        })
        .collect()
}
