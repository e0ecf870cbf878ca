//! The steps up to a connection: which addresses a name has, which rule lets them through, and whether one answers.

use std::net::SocketAddr;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use url::{Host, Url};

use super::{Begun, Step, StepName};
use crate::upstream::config::UpstreamConfig;
use crate::upstream::egress::{EgressPolicy, Ruling};

/// Finds the addresses of a base address, and those that may be reached.
pub async fn address(config: &UpstreamConfig, url: &Url) -> (Step, Vec<SocketAddr>) {
    let begun = StepName::Address.begin();
    let port = url.port_or_known_default().unwrap_or(443);
    let found: Vec<SocketAddr> = match url.host() {
        Some(Host::Ipv4(address)) => vec![(address, port).into()],
        Some(Host::Ipv6(address)) => vec![(address, port).into()],
        Some(Host::Domain(name)) => match timeout(config.connect_timeout, lookup_host((name, port))).await {
            Ok(Ok(found)) => found.collect(),
            Ok(Err(error)) => return (unresolved(begun, name, &error.to_string()), Vec::new()),
            Err(_) => return (unresolved(begun, name, "no answer in time"), Vec::new()),
        },
        None => Vec::new(),
    };
    let policy = EgressPolicy::new(&config.allow_addresses);
    let mut lines = Vec::new();
    let mut permitted = Vec::new();
    for address in found {
        let ruling = match policy.ruling(address.ip()) {
            Ruling::Public => "public".to_owned(),
            Ruling::Listed(range) => format!("in allow_addresses {range}"),
            Ruling::Refused(range) => {
                lines.push(format!(
                    "{}: refused, {range} is not in allow_addresses",
                    address.ip()
                ));
                continue;
            }
        };
        lines.push(format!("{}: {ruling}", address.ip()));
        if !permitted.contains(&address) {
            permitted.push(address);
        }
    }
    if permitted.is_empty() {
        let failed = begun.failed(
            lines,
            "该地址属内网或保留地址：确认无误后将其写入 allow_addresses，否则检查域名解析。",
            "The address is private or reserved: if it is right, name it in allow_addresses; else correct the name server.",
        );
        return (failed, Vec::new());
    }
    (begun.ok(lines), permitted)
}

fn unresolved(begun: Begun, name: &str, why: &str) -> Step {
    begun.failed(
        vec![format!("{name}: {why}")],
        "域名无法解析：检查 base_url 与本机 DNS 设置。",
        "The name has no address: check base_url and this machine's name servers.",
    )
}

/// Connects to the first address that answers.
pub async fn connection(config: &UpstreamConfig, addresses: &[SocketAddr]) -> (Step, Option<TcpStream>) {
    let begun = StepName::Connection.begin();
    let mut lines = Vec::new();
    for address in addresses {
        match timeout(config.connect_timeout, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                lines.push(format!("{address}: connected"));
                return (begun.ok(lines), Some(stream));
            }
            Ok(Err(error)) => lines.push(format!("{address}: {error}")),
            Err(_) => lines.push(format!(
                "{address}: no answer within connect_timeout_ms = {}",
                config.connect_timeout.as_millis()
            )),
        }
    }
    let failed = begun.failed(
        lines,
        "连接不通：核对端口，请网络管理员放行防火墙，并确认对方系统已启动。",
        "Nobody answers there: check the port, ask for the firewall to be opened, and whether the system runs.",
    );
    (failed, None)
}
