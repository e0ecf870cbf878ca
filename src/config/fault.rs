//! Faults of the configuration: collected, then reported all at once.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Origin {
    /// The compiled-in default.
    #[default]
    Default,
    /// A configuration file.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
}

impl Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => out.write_str("default"),
            Self::File(path) => write!(out, "file {}", path.display()),
            Self::Environment(name) => write!(out, "environment {name}"),
        }
    }
}

/// One fault. The reason never repeats the value, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The option, for example `server.listen`.
    pub path: String,
    /// Where its value came from.
    pub origin: Origin,
    /// What is wrong and what would be right.
    pub reason: String,
}

impl Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ({}): {}", self.path, self.origin, self.reason)
    }
}

/// All faults found; the program must not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFaults(pub Vec<Fault>);

impl Display for ConfigFaults {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "the configuration has {} fault(s) 配置有误，请逐项修改:",
            self.0.len()
        )?;
        self.0.iter().try_for_each(|fault| write!(out, "\n  {fault}"))
    }
}

impl std::error::Error for ConfigFaults {}

/// Collects faults and knows where each value came from.
#[derive(Debug, Default)]
pub struct Faults {
    origins: BTreeMap<String, Origin>,
    found: Vec<Fault>,
}

impl Faults {
    /// Remembers where an option's value came from.
    pub fn set_origin(&mut self, path: &str, origin: Origin) {
        self.origins.insert(path.to_owned(), origin);
    }

    /// Where an option's value came from.
    #[must_use]
    pub fn origin(&self, path: &str) -> Origin {
        self.origins.get(path).cloned().unwrap_or_default()
    }

    /// Reports a fault of an option.
    pub fn at(&mut self, path: &str, reason: impl Display) {
        let origin = self.origin(path);
        self.push(path, origin, reason);
    }

    /// Reports a fault that comes from a known place.
    pub fn push(&mut self, path: &str, origin: Origin, reason: impl Display) {
        self.found.push(Fault {
            path: path.to_owned(),
            origin,
            reason: reason.to_string(),
        });
    }

    /// Reports a number outside its bounds.
    pub fn within<T: PartialOrd + Display + Copy>(
        &mut self,
        path: &str,
        value: T,
        bounds: &RangeInclusive<T>,
    ) {
        if !bounds.contains(&value) {
            self.at(
                path,
                format_args!("must be from {} to {}", bounds.start(), bounds.end()),
            );
        }
    }

    /// Whether nothing was found.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The faults, to refuse to start with.
    #[must_use]
    pub fn into_error(self) -> ConfigFaults {
        ConfigFaults(self.found)
    }
}
