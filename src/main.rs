//! Parses the arguments and dispatches the subcommand.

fn main() {}
