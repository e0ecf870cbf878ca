//! What is wrong with a file: where, and why, in both languages.

use std::fmt;

/// One fault of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImportFault {
    /// The line, from 1; 0: the file as a whole.
    pub line: u64,
    /// The reason in Chinese.
    pub zh: String,
    /// The reason in English.
    pub en: String,
}

impl fmt::Display for ImportFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(out, "全文: {} / whole file: {}", self.zh, self.en),
            line => write!(out, "第 {line} 行: {} / line {line}: {}", self.zh, self.en),
        }
    }
}

/// Faults found so far.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<ImportFault>);

impl Faults {
    /// Notes a fault; line 0 is the file as a whole.
    pub(super) fn add(&mut self, line: u64, zh: impl Into<String>, en: impl Into<String>) {
        self.0.push(ImportFault {
            line,
            zh: zh.into(),
            en: en.into(),
        });
    }

    /// Whether there are none.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn into_sorted(mut self) -> Vec<ImportFault> {
        self.0.sort();
        self.0.dedup();
        self.0
    }
}

/// All faults, one a line.
pub(super) fn listing(faults: &[ImportFault]) -> String {
    let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
