//! The command line `hostcache`.

use std::process::ExitCode;

fn main() -> ExitCode {
    hostcache_cli::run(std::env::args_os())
}
