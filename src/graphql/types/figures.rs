//! Statistics as GraphQL shows them, with the setting of the communities beside each.

use async_graphql::{Context, Result, SimpleObject};
use onedoor_domain::id::DivisionId;
use onedoor_domain::statistics as domain;

use super::division::Setting;
use super::evaluation::Grade;
use crate::graphql::reach::{cases, failed, request};

/// Grid events (网格事件) of a division and all below it, of those that the viewer may read.
#[derive(SimpleObject)]
pub struct LoopClosure {
    /// All of them.
    total: LoopFigures,
    /// The same by the setting of their communities.
    by_setting: Vec<LoopFigures>,
}

/// Grid events, counted.
#[derive(SimpleObject)]
pub struct LoopFigures {
    /// Urban or rural (城乡属性); null: of all communities, or of those without a setting.
    setting: Option<Setting>,
    /// All that were reported.
    reported: i32,
    /// Fed back, waiting for their check.
    fed_back: i32,
    /// Closed: checked (核查), and the check passed.
    checked: i32,
    /// Checks that failed.
    failed_checks: i32,
    /// How often one was opened again after a check that had passed.
    reopenings: i32,
    /// 闭环率: `checked` of `reported`, 0 to 1; null when nothing was reported.
    closure_rate: Option<f64>,
}

impl LoopFigures {
    fn of(setting: Option<onedoor_domain::division::Setting>, figures: domain::LoopFigures) -> Self {
        Self {
            setting: setting.map(Into::into),
            reported: small(figures.reported),
            fed_back: small(figures.fed_back),
            checked: small(figures.checked),
            failed_checks: small(figures.failed_checks),
            reopenings: small(figures.reopenings),
            closure_rate: figures.closure_rate(),
        }
    }
}

/// How satisfied people were (满意度), by voluntary evaluations of decided cases. Counts of one to four people are left out
/// (null), and with them whatever they could be computed from, so that nobody is known by their grade.
#[derive(SimpleObject)]
pub struct Satisfaction {
    /// All evaluations.
    total: SatisfactionFigures,
    /// The same by the setting of the communities; told side by side, so what is left out of one is left out of all.
    by_setting: Vec<SatisfactionFigures>,
}

/// Evaluations, counted.
#[derive(SimpleObject)]
pub struct SatisfactionFigures {
    /// Urban or rural (城乡属性); null: of all communities, or of those without a setting.
    setting: Option<Setting>,
    /// How many cases were evaluated; null: fewer than five, but some.
    evaluated: Option<i32>,
    /// How many gave each grade, the best first.
    grades: Vec<GradeCount>,
    /// 好评率: the part of the grades that is not negative, 0 to 1; null without evaluations, and where it would tell of
    /// fewer than five people.
    positive_rate: Option<f64>,
}

/// How many evaluations gave one grade.
#[derive(SimpleObject)]
pub struct GradeCount {
    /// The grade.
    grade: Grade,
    /// Its code in the standard, 1 the best.
    code: i32,
    /// The same as stars, 5 the best.
    stars: i32,
    /// How many; null: left out.
    count: Option<i32>,
}

impl SatisfactionFigures {
    fn of(setting: Option<onedoor_domain::division::Setting>, figures: domain::PublishedGrades) -> Self {
        let grades = figures.grades.into_iter().map(|(grade, count)| GradeCount {
            grade: grade.into(),
            code: grade.code().into(),
            stars: super::evaluation::stars(grade),
            count: count.map(small),
        });
        Self {
            setting: setting.map(Into::into),
            evaluated: figures.evaluated.map(small),
            grades: grades.collect(),
            positive_rate: figures.positive_rate,
        }
    }
}

/// The loops of a division's grid events.
pub(crate) async fn loop_closure(ctx: &Context<'_>, division: DivisionId) -> Result<LoopClosure> {
    let figures = cases(ctx)?
        .loop_figures(&request(ctx)?.actor, division)
        .await
        .map_err(|error| failed(ctx, error))?;
    let all = figures.iter().map(|(_, part)| *part);
    Ok(LoopClosure {
        total: LoopFigures::of(
            None,
            all.fold(domain::LoopFigures::default(), domain::LoopFigures::and),
        ),
        by_setting: figures
            .into_iter()
            .map(|(setting, part)| LoopFigures::of(setting, part))
            .collect(),
    })
}

/// The evaluations of a division, or of all.
pub(crate) async fn satisfaction(ctx: &Context<'_>, division: Option<DivisionId>) -> Result<Satisfaction> {
    let figures = cases(ctx)?
        .satisfaction(&request(ctx)?.actor, division)
        .await
        .map_err(|error| failed(ctx, error))?;
    let all = figures.iter().map(|(_, part)| *part);
    let total = all.fold(domain::GradeFigures::default(), domain::GradeFigures::and);
    let (settings, parts): (Vec<_>, Vec<_>) = figures.into_iter().unzip();
    let told = domain::GradeFigures::published(&parts).into_iter().zip(settings);
    Ok(Satisfaction {
        total: SatisfactionFigures::of(None, total.published_alone()),
        by_setting: told
            .map(|(figures, setting)| SatisfactionFigures::of(setting, figures))
            .collect(),
    })
}

fn small(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
