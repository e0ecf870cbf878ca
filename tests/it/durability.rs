//! What the gateway promises about crashes and broken back ends, told of the real binary.
#![expect(
    clippy::print_stdout,
    reason = "how often it died and how fast it recovered is worth reading"
)]

mod backup;
mod county;
mod crashes;
mod desks;
mod disk;
mod evidence;
mod leases;
mod loops;
mod postgres;
mod replicas;
mod stop;
