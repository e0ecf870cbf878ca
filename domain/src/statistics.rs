//! Figures of many cases: how many grid events closed their loop, and how satisfied people were.

use crate::division::Setting;
use crate::evaluation::Grade;

/// Grid events of one setting (城乡属性), counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LoopFigures {
    /// All that were reported.
    pub reported: u64,
    /// Fed back, waiting for their check.
    pub fed_back: u64,
    /// Closed: checked, and the check passed.
    pub checked: u64,
    /// Checks that failed.
    pub failed_checks: u64,
    /// Reopenings after a check that had passed.
    pub reopenings: u64,
}

impl LoopFigures {
    /// 闭环率: the part of the reported events whose check passed, 0 to 1; `None` when nothing was reported.
    #[must_use]
    pub fn closure_rate(&self) -> Option<f64> {
        rate(self.checked, self.reported)
    }

    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            reported: self.reported + other.reported,
            fed_back: self.fed_back + other.fed_back,
            checked: self.checked + other.checked,
            failed_checks: self.failed_checks + other.failed_checks,
            reopenings: self.reopenings + other.reopenings,
        }
    }
}

/// Figures by the setting of the communities they belong to; `None`: communities without one.
pub type BySetting<T> = Vec<(Option<Setting>, T)>;

/// How many evaluations gave each grade, by its code: the first is code 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GradeFigures([u64; 5]);

impl GradeFigures {
    /// Counts some more of one grade.
    pub fn add(&mut self, grade: Grade, count: u64) {
        for (of, sum) in Grade::ALL.into_iter().zip(&mut self.0) {
            if of == grade {
                *sum += count;
            }
        }
    }

    /// Each grade with its number, the best first.
    pub fn by_grade(&self) -> impl Iterator<Item = (Grade, u64)> {
        Grade::ALL.into_iter().zip(self.0)
    }

    /// All evaluations.
    #[must_use]
    pub fn evaluated(&self) -> u64 {
        self.0.iter().sum()
    }

    /// 好评率: the part that is not negative, 0 to 1; `None` without evaluations.
    #[must_use]
    pub fn positive_rate(&self) -> Option<f64> {
        let positive = self.by_grade().filter(|(grade, _)| !grade.is_negative());
        rate(positive.map(|(_, count)| count).sum(), self.evaluated())
    }

    /// Both together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for (grade, count) in other.by_grade() {
            self.add(grade, count);
        }
        self
    }
}

fn rate(part: u64, whole: u64) -> Option<f64> {
    let number = |count: u64| u32::try_from(count).map_or(f64::from(u32::MAX), f64::from);
    (whole > 0).then(|| number(part) / number(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_of_nothing_is_none_and_not_zero() {
        assert_eq!(LoopFigures::default().closure_rate(), None);
        assert_eq!(GradeFigures::default().positive_rate(), None);
    }

    #[test]
    fn the_loop_is_closed_by_checks_that_passed_alone() {
        let figures = LoopFigures {
            reported: 4,
            fed_back: 1,
            checked: 3,
            failed_checks: 2,
            reopenings: 0,
        };
        assert_eq!(figures.closure_rate(), Some(0.75));
        assert_eq!(figures.and(figures).reported, 8);
    }

    #[test]
    fn grades_four_and_five_are_negative() {
        let mut figures = GradeFigures::default();
        for grade in Grade::ALL {
            figures.add(grade, 2);
        }
        assert_eq!((figures.evaluated(), figures.positive_rate()), (10, Some(0.6)));
        assert_eq!(figures.and(figures).evaluated(), 20);
    }
}
