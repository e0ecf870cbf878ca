//! The descriptions that are compiled in: the systems that the sandbox of a demonstration plays.

use url::Url;

use crate::config::fault::{Fault, Origin};
use crate::upstream::config::UpstreamConfig;

/// The county department that the sandbox always plays.
const DEPARTMENT: &str = include_str!("../../../config/upstreams/sandbox.toml");

/// The other systems of the city, each below a path of its own.
const CITY: &[&str] = &[
    include_str!("../../../config/upstreams/city/ah-zwfw-bengbu.toml"),
    include_str!("../../../config/upstreams/city/bengbu-e.toml"),
    include_str!("../../../config/upstreams/city/city-platform.toml"),
    include_str!("../../../config/upstreams/city/community-platform.toml"),
    include_str!("../../../config/upstreams/city/digit-city.toml"),
    include_str!("../../../config/upstreams/city/grid-9x.toml"),
    include_str!("../../../config/upstreams/city/grid-platform.toml"),
    include_str!("../../../config/upstreams/city/open311-city.toml"),
    include_str!("../../../config/upstreams/city/party-building.toml"),
    include_str!("../../../config/upstreams/city/social-services.toml"),
    include_str!("../../../config/upstreams/city/xroad-exchange.toml"),
];

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

/// Reads a description; the addresses in it are placeholders, of which the paths stay.
fn described(text: &str, base_url: &str) -> Result<UpstreamConfig, Vec<Fault>> {
    let mut config = UpstreamConfig::parse(text, &Origin::Default)?;
    let url: Url = base_url.parse().map_err(|error: url::ParseError| {
        vec![Fault {
            path: "base_url".to_owned(),
            origin: Origin::Default,
            reason: error.to_string(),
        }]
    })?;
    let moved = |placeholder: &Url| {
        let mut there = url.clone();
        there.set_path(placeholder.path());
        there
    };
    config.base_url = moved(&config.base_url);
    if let Some(oauth) = &mut config.auth.oauth2 {
        oauth.token_url = moved(&oauth.token_url);
    }
    Ok(config)
}
