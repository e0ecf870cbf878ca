//! The special ranges of the IANA registries: addresses that not everyone reaches, by name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The special range of an address, also of one carried inside an IPv6 address (mapped, compatible, 6to4, Teredo, NAT64);
/// `None`: everyone reaches it.
pub(super) fn special(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) => special_v6(address),
    }
}

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    let [first, second, third, _] = address.octets();
    match (first, second, third) {
        (0, _, _) => Some("this network 0.0.0.0/8"),
        (10, _, _) => Some("private 10.0.0.0/8"),
        (127, _, _) => Some("loopback 127.0.0.0/8"),
        (224..=255, _, _) => Some("multicast or reserved 224.0.0.0/3"),
        // one cloud keeps its metadata service here
        (100, 64..128, _) => Some("shared 100.64.0.0/10"),
        // where most metadata services live
        (169, 254, _) => Some("link-local 169.254.0.0/16"),
        (172, 16..32, _) => Some("private 172.16.0.0/12"),
        (192, 168, _) => Some("private 192.168.0.0/16"),
        (192, 0, 0) => Some("protocol assignments 192.0.0.0/24"),
        (192, 0, 2) | (198, 51, 100) | (203, 0, 113) => Some("documentation"),
        (192, 88, 99) => Some("relays 192.88.99.0/24"),
        (198, 18..20, _) => Some("benchmarks 198.18.0.0/15"),
        _ => None,
    }
}

fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    let [first, second, third, fourth, fifth, sixth, seventh, eighth] = address.segments();
    let embedded =
        |high: u16, low: u16| special_v4(Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low)));
    match (first, second) {
        // unspecified, loopback, compatible and mapped: ::/96 and ::ffff:0:0/96
        (0, 0) if (third, fourth, fifth, sixth) == (0, 0, 0, 0xffff) => embedded(seventh, eighth),
        (0, 0) => Some("loopback or unspecified ::/96"),
        (0x0064, 0xff9b) if (third, fourth, fifth, sixth) == (0, 0, 0, 0) => embedded(seventh, eighth),
        (0x2002, _) => embedded(second, third), // 6to4
        (0x2001, 0x0db8) | (0x3fff, 0..0x1000) => Some("documentation"),
        // Teredo among them
        (0x2001, 0..0x0200) => Some("protocol assignments 2001::/23"),
        // global unicast is 2000::/3; all else is not
        (0x2000..0x4000, _) => None,
        (0xfc00..0xfe00, _) => Some("unique local fc00::/7"),
        (0xfe80..0xfec0, _) => Some("link-local fe80::/10"),
        (0xff00..=0xffff, _) => Some("multicast ff00::/8"),
        _ => Some("not global unicast"),
    }
}
