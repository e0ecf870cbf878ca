//! Which addresses the gateway may reach: public ones, and those an upstream's allow-list names.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// A range of addresses, `10.1.0.0/16` or a single address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange {
    network: IpAddr,
    prefix: u8,
}

/// A text that is not a range of addresses fit for an allow-list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// Not an address, or a prefix longer than it.
    #[error("must be an address like 10.34.3.7 or a range like 10.34.3.0/24")]
    Malformed,
    /// A range this wide would switch the check off.
    #[error("is too wide: at least /8 for IPv4 and /16 for IPv6")]
    TooWide,
}

impl FromStr for AddressRange {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, prefix) = text
            .split_once('/')
            .map_or((text, None), |(left, right)| (left, Some(right)));
        let network: IpAddr = address.parse().ok().ok_or(RangeError::Malformed)?;
        let (longest, shortest) = if network.is_ipv4() { (32, 8) } else { (128, 16) };
        let prefix = match prefix {
            None => longest,
            Some(digits) => digits.parse().ok().ok_or(RangeError::Malformed)?,
        };
        match prefix {
            _ if prefix > longest => Err(RangeError::Malformed),
            _ if prefix < shortest => Err(RangeError::TooWide),
            _ => Ok(Self { network, prefix }),
        }
    }
}

impl AddressRange {
    /// Whether an address lies in the range. A v4-mapped address counts as the IPv4 address it means.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.network.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= u32::from(self.prefix)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= u32::from(self.prefix)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// An address the gateway must not reach. Tells no address: the text may end in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EgressRefused;

impl fmt::Display for EgressRefused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the address is not public and not on the upstream's allow-list")
    }
}

impl std::error::Error for EgressRefused {}

/// What the rule of an upstream says of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// Everyone reaches it.
    Public,
    /// It lies in this range of the allow-list.
    Listed(AddressRange),
    /// It lies in this special range, which the allow-list does not name.
    Refused(&'static str),
}

impl fmt::Display for AddressRange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.network, self.prefix)
    }
}

/// The egress rule of one upstream.
#[derive(Debug, Clone, Default)]
pub struct EgressPolicy {
    allowed: Arc<[AddressRange]>,
}

impl EgressPolicy {
    /// A policy with an allow-list.
    #[must_use]
    pub fn new(allowed: &[AddressRange]) -> Self {
        Self {
            allowed: allowed.into(),
        }
    }

    /// Whether an address may be reached.
    #[must_use]
    pub fn permits(&self, address: IpAddr) -> bool {
        is_public(address) || self.allowed.iter().any(|range| range.contains(address))
    }

    /// Why an address may be reached, or why not.
    #[must_use]
    pub fn ruling(&self, address: IpAddr) -> Ruling {
        match ranges::special(address) {
            None => Ruling::Public,
            Some(range) => match self.allowed.iter().find(|allowed| allowed.contains(address)) {
                Some(allowed) => Ruling::Listed(*allowed),
                None => Ruling::Refused(range),
            },
        }
    }

    /// Checks scheme and, for literal addresses, the address: a resolver is never asked about those.
    ///
    /// # Errors
    /// When the address must not be reached.
    pub fn check(&self, url: &Url) -> Result<(), EgressRefused> {
        if !["http", "https"].contains(&url.scheme()) {
            return Err(EgressRefused);
        }
        let permitted = match url.host() {
            Some(Host::Ipv4(address)) => self.permits(address.into()),
            Some(Host::Ipv6(address)) => self.permits(address.into()),
            Some(Host::Domain(_)) => true,
            None => false,
        };
        permitted.then_some(()).ok_or(EgressRefused)
    }
}

/// Whether an address is reachable by everyone: none of the special ranges of the IANA registries, also not
/// one of them carried inside an IPv6 address (mapped, compatible, 6to4, Teredo, NAT64).
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    ranges::special(address).is_none()
}

/// Resolves names with the system's resolver and keeps only permitted addresses, so that a public name that
/// turns to a private address (rebinding) is refused at the moment of connecting.
#[derive(Clone)]
pub struct GuardedResolver {
    policy: EgressPolicy,
    inner: Arc<dyn Resolve>,
}

impl GuardedResolver {
    /// Guards the system's resolver.
    #[must_use]
    pub fn system(policy: EgressPolicy) -> Self {
        Self {
            policy,
            inner: Arc::new(SystemResolver),
        }
    }

    /// Guards another resolver.
    #[must_use]
    pub fn around(policy: EgressPolicy, inner: Arc<dyn Resolve>) -> Self {
        Self { policy, inner }
    }
}

impl fmt::Debug for GuardedResolver {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("GuardedResolver")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.inner.resolve(name);
        let policy = self.policy.clone();
        Box::pin(async move {
            let all: Vec<SocketAddr> = found.await?.collect();
            let permitted: Vec<SocketAddr> = all
                .iter()
                .copied()
                .filter(|address| policy.permits(address.ip()))
                .collect();
            if permitted.is_empty() && !all.is_empty() {
                return Err(EgressRefused.into());
            }
            let addresses: Addrs = Box::new(permitted.into_iter());
            Ok(addresses)
        })
    }
}

struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // Port 0: the client puts in the port of the request.
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

mod ranges;

#[cfg(test)]
mod tests;
