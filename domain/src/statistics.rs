//! Figures of many cases: how many grid events closed their loop, and how satisfied people were.

use crate::division::Setting;
use crate::evaluation::Grade;

/// Smallest count that is published of people. The minimum frequency rule of statistical disclosure control (Handbook on
/// Statistical Disclosure Control, Eurostat 2010, chapter 4) leaves out cells of fewer; no Chinese standard names a number
/// for 好差评, so the usual five is taken.
pub const COUNT_MIN: u64 = 5;

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

    /// What may be published of several groups side by side. A group of fewer than [`COUNT_MIN`] evaluations tells
    /// nothing; a smaller count inside a larger group is left out, and with it whatever it could be computed from: another
    /// count of the same side (positive, negative) or of the group, the rate of a side that is small itself, and the same
    /// count of the other groups. Not covered: the difference between a division and its parts asked for one by one.
    #[must_use]
    pub fn published(groups: &[Self]) -> Vec<PublishedGrades> {
        let rule = Disclosure::of(groups);
        groups.iter().map(|group| group.publish(&rule)).collect()
    }

    /// The same of one group that stands alone.
    #[must_use]
    pub fn published_alone(&self) -> PublishedGrades {
        self.publish(&Disclosure::of(std::slice::from_ref(self)))
    }

    fn publish(&self, rule: &Disclosure) -> PublishedGrades {
        let grades = self.by_grade().zip(rule.withheld);
        PublishedGrades {
            evaluated: rule.any.then_some(self.evaluated()),
            grades: grades
                .map(|((grade, count), hidden)| (grade, (rule.any && !hidden).then_some(count)))
                .collect(),
            positive_rate: self.positive_rate().filter(|_| rule.any && rule.rate),
        }
    }

    fn negative(&self) -> u64 {
        let negative = self.by_grade().filter(|(grade, _)| grade.is_negative());
        negative.map(|(_, count)| count).sum()
    }

    /// Which counts of this group alone are left out.
    fn withheld(&self) -> [bool; 5] {
        let mut hidden = self.0.map(is_small);
        let sides = Grade::ALL.map(Grade::is_negative);
        let of_side = |side| move |at: &usize| at_of(&sides, *at) == side;
        self.hide_another(&mut hidden, of_side(false));
        self.hide_another(&mut hidden, of_side(true));
        self.hide_another(&mut hidden, |_| true);
        hidden
    }

    /// Where one count alone is left out it is the sum less the others: the smallest of those goes with it.
    fn hide_another(&self, hidden: &mut [bool; 5], among: impl Fn(&usize) -> bool) {
        let left_out = (0..5).filter(&among).filter(|at| at_of(hidden, *at)).count();
        let told = (0..5).filter(&among).filter(|at| !at_of(hidden, *at));
        let smallest = told
            .filter_map(|at| self.0.get(at).map(|count| (*count, at)))
            .filter(|(count, _)| *count > 0)
            .min();
        if left_out == 1
            && let Some((_, at)) = smallest
            && let Some(cell) = hidden.get_mut(at)
        {
            *cell = true;
        }
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

/// What may be published of the grades of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishedGrades {
    /// All evaluations; `None`: fewer than [`COUNT_MIN`] here or in a group beside it.
    pub evaluated: Option<u64>,
    /// Each grade with its number, the best first; `None`: left out.
    pub grades: Vec<(Grade, Option<u64>)>,
    /// 好评率; `None`: left out, or nobody evaluated.
    pub positive_rate: Option<f64>,
}

/// What groups that stand side by side may tell.
struct Disclosure {
    /// Anything at all.
    any: bool,
    /// Their rates.
    rate: bool,
    /// Which counts they leave out.
    withheld: [bool; 5],
}

impl Disclosure {
    fn of(groups: &[GradeFigures]) -> Self {
        let both =
            |all: [bool; 5], of: [bool; 5]| std::array::from_fn(|at| at_of(&all, at) || at_of(&of, at));
        let large = |group: &GradeFigures| {
            let negative = group.negative();
            !is_small(negative) && !is_small(group.evaluated() - negative)
        };
        Self {
            any: !groups.iter().any(|group| is_small(group.evaluated())),
            rate: groups.iter().all(large),
            withheld: groups.iter().map(GradeFigures::withheld).fold([false; 5], both),
        }
    }
}

/// Whether a count is of so few that it is not published; nobody at all is no secret.
const fn is_small(count: u64) -> bool {
    count > 0 && count < COUNT_MIN
}

fn at_of(cells: &[bool; 5], at: usize) -> bool {
    cells.get(at).copied().unwrap_or_default()
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

    fn grades(counts: [u64; 5]) -> GradeFigures {
        GradeFigures(counts)
    }

    fn told(of: &PublishedGrades) -> Vec<Option<u64>> {
        of.grades.iter().map(|(_, count)| *count).collect()
    }

    #[test]
    fn fewer_than_five_evaluations_tell_nothing_and_nobody_is_no_secret() {
        let few = grades([4, 0, 0, 0, 0]).published_alone();
        assert_eq!((few.evaluated, told(&few)), (None, vec![None; 5]));
        assert_eq!(few.positive_rate, None);
        let nobody = grades([0; 5]).published_alone();
        assert_eq!((nobody.evaluated, told(&nobody)), (Some(0), vec![Some(0); 5]));
        let enough = grades([5, 0, 0, 0, 5]).published_alone();
        assert_eq!(told(&enough), [Some(5), Some(0), Some(0), Some(0), Some(5)]);
        assert_eq!((enough.evaluated, enough.positive_rate), (Some(10), Some(0.5)));
    }

    #[test]
    fn a_small_count_goes_with_whatever_it_could_be_computed_from() {
        let one_angry = grades([30, 20, 10, 0, 1]).published_alone();
        assert_eq!(
            told(&one_angry),
            [Some(30), Some(20), None, Some(0), None],
            "61 less the rest would be one"
        );
        assert_eq!((one_angry.evaluated, one_angry.positive_rate), (Some(61), None));
        let two_sides = grades([30, 20, 10, 7, 1]).published_alone();
        assert_eq!(told(&two_sides), [Some(30), Some(20), Some(10), None, None]);
        assert!(two_sides.positive_rate.is_some(), "eight are negative");
        let beside = GradeFigures::published(&[grades([9, 0, 0, 0, 0]), grades([2, 9, 0, 0, 0])]);
        assert_eq!(told(&beside[0])[..2], [None, None], "nor by what stands beside");
        let few_beside = GradeFigures::published(&[grades([9, 0, 0, 0, 0]), grades([2, 0, 0, 0, 0])]);
        assert!(few_beside.iter().all(|group| group.evaluated.is_none()));
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
