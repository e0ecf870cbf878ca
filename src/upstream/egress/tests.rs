//! Special addresses in every disguise are refused; the allow-list opens what it names and no more.

use std::sync::Mutex;

use super::*;

fn address(text: &str) -> IpAddr {
    text.parse().expect("address")
}

#[test]
fn special_addresses_are_not_public_in_any_disguise() {
    let special = [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:10.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2001::1",
        "2001:db8::1",
        "3fff::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "100::1",
        "5f00::1",
        "1::1",
    ];
    for text in special {
        assert!(!is_public(address(text)), "{text}");
    }
}

#[test]
fn public_addresses_are_public() {
    let public = [
        "1.1.1.1",
        "100.63.255.255",
        "100.128.0.1",
        "172.15.0.1",
        "172.32.0.1",
        "192.0.1.1",
        "198.17.0.1",
        "223.5.5.5",
        "2400:3200::1",
        "2606:4700:4700::1111",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
    ];
    for text in public {
        assert!(is_public(address(text)), "{text}");
    }
}

#[test]
fn an_allow_list_opens_its_ranges_alone() {
    let ranges: Vec<AddressRange> = ["127.0.0.1", "10.34.0.0/16", "fd12::/16"]
        .map(|text| text.parse().expect("range"))
        .to_vec();
    let policy = EgressPolicy::new(&ranges);
    for text in [
        "127.0.0.1",
        "::ffff:127.0.0.1",
        "10.34.255.1",
        "fd12::9",
        "8.8.8.8",
    ] {
        assert!(policy.permits(address(text)), "{text}");
    }
    for text in ["127.0.0.2", "10.35.0.1", "fd13::9", "::1", "169.254.169.254"] {
        assert!(!policy.permits(address(text)), "{text}");
    }
}

#[test]
fn ranges_that_switch_the_check_off_are_refused() {
    assert_eq!("0.0.0.0/0".parse::<AddressRange>(), Err(RangeError::TooWide));
    assert_eq!("::/0".parse::<AddressRange>(), Err(RangeError::TooWide));
    for text in [
        "",
        "10.0.0.0/33",
        "10.0.0/8",
        "host",
        "10.0.0.0/",
        "::1/129",
        "10.0.0.0/-1",
    ] {
        assert_eq!(text.parse::<AddressRange>(), Err(RangeError::Malformed), "{text}");
    }
}

#[test]
fn literal_addresses_are_checked_however_they_are_written() {
    let policy = EgressPolicy::default();
    let refused = [
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:127.0.0.1]/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://127.1/",
        "http://[::1]/",
        "file:///etc/passwd",
        "gopher://example.com/",
    ];
    for text in refused {
        assert_eq!(
            policy.check(&text.parse().expect("url")),
            Err(EgressRefused),
            "{text}"
        );
    }
    assert_eq!(
        policy.check(&"https://hr.county.example/".parse().expect("url")),
        Ok(())
    );
}

/// Answers each question with the next of its answers.
struct Rebinding(Mutex<Vec<&'static str>>);

impl Resolve for Rebinding {
    fn resolve(&self, _: Name) -> Resolving {
        let next = self.0.lock().expect("lock").remove(0);
        let found: Vec<SocketAddr> = next.split(' ').map(|text| (address(text), 0).into()).collect();
        let addresses: Addrs = Box::new(found.into_iter());
        Box::pin(std::future::ready(Ok(addresses)))
    }
}

#[tokio::test]
async fn a_name_that_turns_private_is_refused_when_it_turns() {
    let answers = Mutex::new(vec!["8.8.8.8", "169.254.169.254", "10.0.0.1 8.8.4.4"]);
    let resolver = GuardedResolver::around(EgressPolicy::default(), Arc::new(Rebinding(answers)));
    let ask = || resolver.resolve("county.example".parse().expect("name"));
    assert_eq!(ask().await.expect("public").count(), 1);
    let refused = ask().await.err().expect("private");
    assert!(refused.is::<EgressRefused>());
    let kept: Vec<SocketAddr> = ask().await.expect("mixed").collect();
    assert_eq!(kept, [(address("8.8.4.4"), 0).into()]);
}
