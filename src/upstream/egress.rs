//! Which addresses the gateway may reach: public ones, and those an upstream's allow-list names.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
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
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let special = match first {
        // this network; private; loopback; multicast, reserved and broadcast
        0 | 10 | 127 | 224..=255 => true,
        100 => (64..128).contains(&second), // shared address space, and one cloud's metadata service
        169 => second == 254,               // link-local, where most metadata services live
        172 => (16..32).contains(&second),
        192 => second == 168 || (second == 0 && (third == 0 || third == 2)) || (second == 88 && third == 99),
        198 => (18..20).contains(&second) || (second == 51 && third == 100),
        203 => second == 0 && third == 113,
        _ => false,
    };
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, third, fourth, fifth, sixth, seventh, eighth] = address.segments();
    let embedded =
        |high: u16, low: u16| is_public_v4(Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low)));
    match (first, second) {
        // unspecified, loopback, compatible and mapped: ::/96 and ::ffff:0:0/96
        (0, 0) => {
            let mapped = (third, fourth, fifth, sixth) == (0, 0, 0, 0xffff);
            mapped && embedded(seventh, eighth)
        }
        (0x0064, 0xff9b) => (third, fourth, fifth, sixth) == (0, 0, 0, 0) && embedded(seventh, eighth),
        (0x2002, _) => embedded(second, third), // 6to4
        (0x2001, 0x0db8) => false,              // documentation
        (0x2001, 0..0x0200) => false,           // protocol assignments, Teredo among them
        (0x3fff, 0..0x1000) => false,           // documentation
        // global unicast is 2000::/3; all else (unique local, link-local, site-local, multicast, discard) is not
        (0x2000..0x4000, _) => true,
        _ => false,
    }
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

#[cfg(test)]
mod tests;
