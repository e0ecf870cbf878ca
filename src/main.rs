//! Parses the arguments and dispatches the subcommand.

use std::process::ExitCode;

use actix_web::rt::System;
use clap::Parser as _;
use mimalloc::MiMalloc;

use onedoor::cli::{Cli, dispatch};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // Held to the end: dropping it disarms the points. A test that mistypes its points must not pass for it.
    #[cfg(feature = "failpoints")]
    let Ok(_armed) = onedoor::failpoints::arm() else {
        return ExitCode::FAILURE;
    };
    // Background loops run on these threads; the HTTP workers bring their own.
    match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("onedoor")
        .build()
    {
        Ok(runtime) => System::with_tokio_rt(|| runtime).block_on(dispatch::run(cli)),
        Err(_) => ExitCode::FAILURE,
    }
}
