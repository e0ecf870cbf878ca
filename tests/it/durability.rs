//! What the gateway promises about crashes and broken back ends, told of the real binary.
#![expect(
    clippy::await_holding_refcell_ref,
    reason = "a story is one task on one thread; nothing borrows the journal meanwhile"
)]
#![expect(
    clippy::print_stdout,
    reason = "how often it died and how fast it recovered is worth reading"
)]

mod backup;
mod county;
mod crashes;
mod desks;
mod disk;
mod egress;
mod evidence;
mod failover;
mod imports;
mod leases;
mod loops;
mod overload;
mod postgres;
mod redis;
mod replicas;
mod restore;
mod retries;
mod sockets;
mod stop;
mod traces;
mod uploads;
