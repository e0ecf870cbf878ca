//! The descriptions that are compiled in: the systems that the sandbox of a demonstration plays.

use url::Url;

use crate::config::fault::{Fault, Origin};
use crate::upstream::config::UpstreamConfig;

/// The county department that the sandbox always plays.
const DEPARTMENT: &str = include_str!("../../../config/upstreams/sandbox.toml");

/// The other systems of the city, each below a path of its own.
const CITY: &[&str] = &[];

impl UpstreamConfig {
    /// The county department, at the address where the sandbox listens.
    ///
    /// # Errors
    /// When the address is no http address; the rest is compiled in and tested.
    pub fn sandbox(base_url: &str) -> Result<Self, Vec<Fault>> {
        described(DEPARTMENT, base_url)
    }

    /// The other systems of the city, at the address where the sandbox listens.
    ///
    /// # Errors
    /// As of [`Self::sandbox`].
    pub fn city(base_url: &str) -> Result<Vec<Self>, Vec<Fault>> {
        CITY.iter().map(|text| described(text, base_url)).collect()
    }
}

/// Reads a description; the address in it is a placeholder, of which the path stays.
fn described(text: &str, base_url: &str) -> Result<UpstreamConfig, Vec<Fault>> {
    let mut config = UpstreamConfig::parse(text, &Origin::Default)?;
    let mut url: Url = base_url.parse().map_err(|error: url::ParseError| {
        vec![Fault {
            path: "base_url".to_owned(),
            origin: Origin::Default,
            reason: error.to_string(),
        }]
    })?;
    url.set_path(config.base_url.path());
    config.base_url = url;
    Ok(config)
}
